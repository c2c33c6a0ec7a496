#!/usr/bin/python3
"""slixmpp blocks, keeps a card and private data, finds people, and believes the server's caps."""
import asyncio
from xml.etree import ElementTree as ET

from slixmpp.exceptions import IqError

from hearth import Server
from peer import Peer, run

PLUGINS = ("xep_0012", "xep_0030", "xep_0049", "xep_0054", "xep_0115", "xep_0191", "xep_0199")


async def condition_of(awaitable):
    try:
        await awaitable
    except IqError as error:
        return error.condition
    return None


async def block(alice, bob):
    blocking = alice["xep_0191"]
    assert (await blocking.get_blocked())["blocklist"]["items"] == set()
    await blocking.block("bob@localhost")
    assert await condition_of(bob["xep_0199"].send_ping("alice@localhost/phone")) == \
        "service-unavailable"
    bob.send_message("alice@localhost", "hello?", mtype="chat")
    error = await asyncio.wait_for(bob.errors.get(), 30)
    assert error["error"]["condition"] == "service-unavailable", error
    listed = (await blocking.get_blocked())["blocklist"]["items"]
    assert {str(jid) for jid in listed} == {"bob@localhost"}, listed


async def unblock(alice, bob):
    await alice["xep_0191"].unblock("bob@localhost")
    bob.send_message("alice@localhost", "hello!", mtype="chat")
    assert (await alice.next_body())[2] == "hello!"


async def keep_card(alice):
    card = alice["xep_0054"].stanza.VCardTemp()
    card["FN"] = "Alice 爱丽丝"
    card["NICKNAME"] = "alice & co"
    await alice["xep_0054"].publish_vcard(card)


async def read_card(reader, of):
    card = (await reader["xep_0054"].get_vcard(of))["vcard_temp"]
    assert card["FN"] == "Alice 爱丽丝", card


async def search(client, nick):
    iq = client.make_iq_set(ito="localhost")
    query = ET.SubElement(iq.xml, "{jabber:iq:search}query")
    ET.SubElement(query, "{jabber:iq:search}nick").text = nick
    result = await iq.send()
    return [item.get("jid") for item in result.xml.iter("{jabber:iq:search}item")]


async def keep_private(client):
    note = ET.fromstring("<notes xmlns='urn:example:notes'><a>1 &lt; 2</a></notes>")
    iq = client.make_iq_set()
    ET.SubElement(iq.xml, "{jabber:iq:private}query").append(note)
    await iq.send()


async def read_private(client):
    iq = client.make_iq_get()
    query = ET.SubElement(iq.xml, "{jabber:iq:private}query")
    ET.SubElement(query, "{urn:example:notes}notes")
    result = await iq.send()
    assert result.xml.findtext(".//{urn:example:notes}a") == "1 < 2", result


async def check_caps(client, announced):
    """The hash in the stream features is that of what the server answers, says slixmpp."""
    ver = (await asyncio.wait_for(announced, 30))["caps"]["ver"]
    info = await client["xep_0030"].get_info("localhost", node=f"urn:hearth#{ver}")
    assert client["xep_0115"].generate_verstring(info["disco_info"], "sha-1") == ver, ver


async def up(server):
    alice = await Peer("alice@localhost/phone", "wonderland", server, plugins=PLUGINS).up()
    bob = Peer("bob@localhost/desk", "builder", server, plugins=PLUGINS)
    announced = asyncio.get_event_loop().create_future()
    bob.add_event_handler("entity_caps", lambda heard: announced.done() or
                          heard["from"].bare != "localhost" or announced.set_result(heard))
    return alice, await bob.up(), announced


async def first(server):
    alice, bob, announced = await up(server)
    await keep_card(alice)
    await keep_private(alice)
    await read_card(bob, "alice@localhost")
    assert await search(bob, "ALICE") == ["alice@localhost"]
    assert await condition_of(bob["xep_0054"].get_vcard("carol@localhost")) == "service-unavailable"
    await block(alice, bob)
    await check_caps(bob, announced)
    await asyncio.gather(alice.down(), bob.down())


async def second(server):
    alice, bob, _ = await up(server)
    assert await condition_of(bob["xep_0054"].get_vcard("alice@localhost")) == "service-unavailable"
    await unblock(alice, bob)
    await read_private(alice)
    await alice.down()
    await read_card(bob, "alice@localhost")
    assert await search(bob, "alice") == ["alice@localhost"]
    await bob.down()


with Server() as started:
    started.add_user("alice@localhost", "wonderland")
    started.add_user("bob@localhost", "builder")
    run(first(started))
    started.stop()
    started.start()
    run(second(started))
print("slixmpp, account data: ok")
