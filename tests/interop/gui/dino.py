"""Dino, unmodified, on a screen of its own: logs in by STARTTLS with a certificate that it checks,
shows contacts and their presence, and chats with slixmpp. Pictures: build-test/pictures/dino-*.png."""
import os
import sqlite3

from hearth import wait_for
from peer import Peer, run, take
from screen import Screen, enter_namespaces, make_server, shows

ROW = 120, 90  # the first conversation in Dino's list
FIRST_CONTACT, START = (230, 137), (422, 28)  # in the dialog that lists all contacts


def start_dino(screen):
    """Dino makes its database, then finds an account in it."""
    database = os.path.join(screen.environment["XDG_DATA_HOME"], "dino/dino.db")

    def is_made():
        try:
            with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
                return connection.execute(
                    "SELECT int_val FROM _meta WHERE name='version'").fetchone()
        except sqlite3.OperationalError:
            return None
    first = screen.start("dino-im")
    wait_for("Dino's database", is_made)
    first.terminate()
    first.wait()
    with sqlite3.connect(database) as connection:
        connection.execute("INSERT INTO account (bare_jid, resourcepart, password, enabled) "
                           "VALUES ('bob@localhost', 'dino', 'secret', 1)")
    return screen.start("dino-im")


async def befriend(bob, contacts):
    for contact, name in contacts.items():
        await bob.update_roster(contact.boundjid.bare, name=name)
        bob.send_presence_subscription(contact.boundjid.bare)
        await bob.sees(contact.boundjid.bare, "available")
        await contact.sees(bob.boundjid.bare, "available")


async def chat(screen, alice, carol):
    receipts, shown = alice.listen("receipt_received"), alice.listen("marker_displayed")
    screen.presses("ctrl+t")
    await shows("Start Conversation", "Alice 爱丽丝", "alice@localhost", "Carol")
    screen.picture("dino-roster")
    screen.click(*FIRST_CONTACT)
    screen.click(*START)
    await shows("Alice 爱丽丝", but=["Start Conversation"])
    message = alice.make_message("bob@localhost", "你好 from slixmpp 👋", mtype="chat")
    message["request_receipt"] = True
    message.enable("markable")
    message.send()
    await shows("你好 from slixmpp 👋")
    assert (await take(receipts))["receipt"] == message["id"]
    assert (await take(shown))["displayed"]["id"] == message["id"]
    for text in ("Hello from Dino", "再见 <b>&amp;"):
        screen.types(text)
        screen.presses("Return")
        sender, kind, body = await alice.next_body()
        assert (sender.full, kind, body) == ("bob@localhost/dino", "chat", text), (sender, body)
        await shows(text)
    screen.picture("dino-chat")


async def presence(screen, alice):
    for show, words in (("away", "phone (away)"), ("dnd", "phone (do not disturb)"), (None, "phone")):
        alice.send_presence(pshow=show)
        await shows("alice@localhost", words, again=lambda: screen.hover(*ROW))
        screen.picture(f"dino-presence-{show or 'available'}")


async def main(server, screen):
    plugins = ("xep_0184", "xep_0333")
    alice = await Peer("alice@localhost/phone", "secret", server, plugins=plugins).up()
    carol = await Peer("carol@localhost/phone", "secret", server).up()
    bob = await Peer("bob@localhost/desk", "secret", server).up()
    await befriend(bob, {alice: "Alice 爱丽丝", carol: "Carol"})
    await bob.down()
    await alice.sees("bob@localhost/desk", "unavailable")
    dino = start_dino(screen)
    await alice.sees("bob@localhost/dino", "available")
    await shows("You have no open chats")
    await chat(screen, alice, carol)
    await presence(screen, alice)
    dino.terminate()
    await alice.sees("bob@localhost/dino", "unavailable")
    await alice.down()
    await carol.down()


home = enter_namespaces("localhost")
display = Screen(home)
with make_server(home) as started:
    for user in ("alice", "bob", "carol"):
        started.add_user(f"{user}@localhost")
    try:
        run(main(started, display))
    except BaseException:
        display.picture("dino-failed")
        raise
print("dino: ok")
