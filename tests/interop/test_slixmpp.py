#!/usr/bin/python3
"""Two unmodified slixmpp clients talk: STARTTLS and direct TLS, TLS 1.2 and 1.3, both directions."""
import asyncio
import ssl

from hearth import Server
from peer import TEXTS, Peer, run


async def converse(one, two):
    for text in TEXTS:
        one.send_message(two.boundjid.bare, text, mtype="chat")
        two.send_message(one.boundjid.full, text, mtype="chat")
    for me, other in ((one, two), (two, one)):
        for text in TEXTS:
            sender, kind, body = await me.next_body()
            assert (sender.full, kind, body) == (other.boundjid.full, "chat", text), (sender, kind)


async def ask_server(client):
    await client["xep_0199"].ping("localhost", timeout=30)
    version = await client["xep_0092"].get_version("localhost")
    assert version["software_version"]["name"] == "Hearth", version
    info = await client["xep_0030"].get_info(jid="localhost")
    assert ("server", "im") in {(i[0], i[1]) for i in info["disco_info"]["identities"]}, info
    assert "urn:xmpp:ping" in info["disco_info"]["features"], info
    time = await client["xep_0202"].get_entity_time("localhost")
    # slixmpp's own reading of <utc/> fails on the "Z" that XEP-0202 asks for
    assert time.xml.findtext(".//{urn:xmpp:time}utc").endswith("Z"), time


async def refuse_wrong_password(server):
    stranger = Peer("alice@localhost", "wrong", server)
    try:
        await stranger.up()
    except RuntimeError:
        stranger.abort()
        return
    raise AssertionError("logged in with a wrong password")


async def main(server):
    plugins = ("xep_0030", "xep_0092", "xep_0199", "xep_0202")
    alice = await Peer("alice@localhost/phone", "wonderland 中", server, plugins=plugins).up()
    bob = await Peer("bob@localhost/desk", "builder", server, direct_tls=True).up()
    await converse(alice, bob)
    await ask_server(alice)
    old = Peer("bob@localhost/old", "builder", server)
    old.ssl_context.maximum_version = ssl.TLSVersion.TLSv1_2
    await old.up()
    alice.send_message("bob@localhost/old", "over 1.2", mtype="chat")
    assert (await old.next_body())[2] == "over 1.2"
    await refuse_wrong_password(server)
    await asyncio.gather(alice.down(), bob.down(), old.down())


for shards in (1, 2):
    with Server(sets={"shards": shards}) as started:
        started.add_user("alice@localhost", "wonderland 中")
        started.add_user("bob@localhost", "builder")
        run(main(started))
print("slixmpp: ok")
