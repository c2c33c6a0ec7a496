#!/usr/bin/python3
"""slixmpp and profanity, unmodified, become contacts, see each other's presence, block each other,
edit cards and part; slixmpp gets its contact list as differences when it comes back."""
import asyncio

from hearth import Server
from peer import PATIENCE, Peer, run, take
from profanity import Profanity

ALICE, BOB = "alice@localhost", "bob@localhost"


class Terminal:
    """profanity as bob, without keeping slixmpp from working."""

    def __init__(self, profanity):
        self.profanity = profanity

    async def sees(self, text):
        await asyncio.get_event_loop().run_in_executor(None, self.profanity.sees, text)

    async def types(self, text, *answers):
        await asyncio.get_event_loop().run_in_executor(None, self.profanity.types, text)
        for answer in answers:
            await self.sees(answer)


async def until(condition):
    """For what slixmpp keeps without telling: its idea of its contact list."""
    async def ask():
        while not condition():
            await asyncio.sleep(0.01)
    await asyncio.wait_for(ask(), PATIENCE)


async def make_friends(alice, bob):
    alice.send_presence_subscription(BOB)
    await bob.sees(f"Received authorization request from {ALICE}")
    await bob.types(f"/sub allow {ALICE}")
    await alice.sees(BOB, "subscribed")
    await alice.sees(f"{BOB}/prof", "available")
    await bob.types(f"/sub request {ALICE}")
    await alice.sees(BOB, "subscribe")
    alice.send_presence_subscription(BOB, ptype="subscribed")
    await bob.sees(f"++ {ALICE} (desk) is online")
    await alice.update_roster(BOB, name="Bob 鲍勃", groups=["朋友"])
    await until(lambda: alice.client_roster[BOB]["subscription"] == "both")
    await bob.types("/roster", f"{ALICE}", "both")


async def see_presence(alice, bob):
    for show, status in (("dnd", "忙 <busy>"), ("away", "at tea"), (None, "back")):
        alice.send_presence(pshow=show, pstatus=status)
        await bob.sees(status)
    await bob.types('/status set away "gone fishing"')
    away = await alice.sees(f"{BOB}/prof", "away", "gone fishing")
    assert away["show"] == "away", away
    await bob.types('/status set online "here 我在"')
    await alice.sees(f"{BOB}/prof", "available", "here 我在")


async def come_back(alice, bob):
    """RFC 6121, section 2.6: nothing is sent twice; what changed meanwhile is sent as a push."""
    answers = []

    def note(stanza):  # before slixmpp adds what it looks for and does not find
        if stanza.xml.find("{jabber:iq:roster}query") is not None:
            answers.append(str(stanza))
        return stanza
    alice.add_filter("in", note)
    assert "rosterver" in alice.features
    await alice.again()
    await alice.sees(f"{BOB}/prof", "available")
    assert not answers and alice.client_roster[BOB]["name"] == "Bob 鲍勃", answers
    await alice.down()
    await bob.sees(f"-- {ALICE} (desk) is offline")
    await bob.types(f"/sub deny {ALICE}", f"Deleted/denied subscription for {ALICE}")
    await alice.again()
    await until(lambda: not alice.client_roster[BOB]["to"])
    assert len(answers) == 1 and "type=\"set\"" in answers[0], answers
    assert alice.client_roster[BOB]["name"] == "Bob 鲍勃", alice.client_roster
    alice.del_filter("in", note)
    alice.send_presence_subscription(BOB)
    await bob.types(f"/sub allow {ALICE}")
    await alice.sees(f"{BOB}/prof", "available")


async def block_by_slixmpp(alice, bob):
    """XEP-0191, section 3: who is blocked sees the other leave, and nothing passes."""
    blocking = alice["xep_0191"]
    alice.send_presence(pstatus="before the block")
    await bob.sees("before the block")
    heard = alice.listen("presence")
    await blocking.block(BOB)
    assert {str(jid) for jid in (await blocking.get_blocked())["blocklist"]["items"]} == {BOB}
    await bob.sees(f"-- {ALICE} (desk) is offline")
    await bob.types('/status set away "unseen"')
    await bob.types(f"/msg {ALICE} nobody reads this",
                    f"Error from {ALICE}: service-unavailable")
    error = await is_refused(alice, "not-acceptable")
    assert error["error"].xml.find("{urn:xmpp:blocking:errors}blocked") is not None, error
    assert all(p["from"].bare != BOB for p in drain(heard))
    await blocking.unblock(BOB)
    await bob.types("/win 1", f'++ {ALICE} (desk) is online, "before the block"')
    await bob.types('/status set online "seen again"')
    await alice.sees(f"{BOB}/prof", "available", "seen again")
    assert not (await blocking.get_blocked())["blocklist"]["items"]
    assert alice.messages.empty(), alice.messages


def drain(queue):
    while not queue.empty():
        yield queue.get_nowait()


async def is_refused(alice, condition):
    alice.send_message(BOB, "hello?", mtype="chat")
    error = await take(alice.errors)
    assert (error["from"].bare, error["error"]["condition"]) == (BOB, condition), error
    return error


async def block_by_profanity(alice, bob):
    await bob.types(f"/blocked add {ALICE}")
    await alice.sees(f"{BOB}/prof", "unavailable")
    await bob.types("/blocked", "Blocked users:")
    await is_refused(alice, "service-unavailable")
    await bob.types(f"/blocked remove {ALICE}")
    await alice.sees(f"{BOB}/prof", "available")
    await bob.types("/blocked", "No blocked users.")


async def edit_cards(alice, carol):
    """XEP-0054; profanity 0.13 has no command for it."""
    for name, note in (("Alice", "first"), ("爱丽丝 <&>", "second\nline")):
        card = alice["xep_0054"].make_vcard()
        card["FN"] = name
        card["NOTE"] = note
        await alice["xep_0054"].publish_vcard(card)
        for reader, jid in ((alice, None), (carol, ALICE)):
            seen = await reader["xep_0054"].get_vcard(jid, cached=False)
            assert seen["vcard_temp"]["FN"] == name, seen
            assert note in str(seen["vcard_temp"]["NOTE"]), seen


async def part(alice, bob):
    await bob.types(f"/roster remove {ALICE}", f"Roster item removed: {ALICE}")
    await alice.sees(f"{BOB}/prof", "unavailable")
    await until(lambda: alice.client_roster[BOB]["subscription"] == "none")
    await alice.del_roster_item(BOB)
    again = await Peer(f"{ALICE}/new", "secret", alice.hearth).up()
    assert BOB not in again.client_roster, again.client_roster
    await again.down()


async def main(server, bob):
    plugins = ("xep_0054", "xep_0191")
    alice = Peer(f"{ALICE}/desk", "secret", server, plugins=plugins)
    alice.auto_authorize = None
    await alice.up()
    carol = await Peer("carol@localhost/x", "secret", server, plugins=plugins).up()
    for step in (make_friends, see_presence, block_by_slixmpp, block_by_profanity, come_back, part):
        print(step.__name__)
        await step(alice, bob)
    await edit_cards(alice, carol)
    await asyncio.gather(alice.down(), carol.down())


for shards in (1, 4):
    with Server(sets={"shards": shards}) as started:
        for user in (ALICE, BOB, "carol@localhost"):
            started.add_user(user)
        client = Profanity(started.home)
        try:
            client.connects(f"{BOB}/prof", "secret", started.port())
            run(main(started, Terminal(client)))
        except BaseException:
            print(client.screen())
            raise
        finally:
            client.close()
print("roster_clients: ok")
