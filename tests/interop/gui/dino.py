"""Dino, unmodified, on a screen of its own: logs in by STARTTLS with a certificate that it checks,
shows contacts and their presence, and chats with slixmpp. Pictures: build-test/pictures/dino-*.png."""
import os
import sqlite3

from contacts import RECEIPTS, befriend, talk
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


async def chat(screen, alice):
    screen.presses("ctrl+t")
    await shows("Start Conversation", "Alice 爱丽丝", "alice@localhost", "Carol")
    screen.picture("dino-roster")
    screen.click(*FIRST_CONTACT)
    screen.click(*START)
    await shows("Alice 爱丽丝", but=["Start Conversation"])
    seen = alice.listen("marker_displayed")
    await talk(screen, alice, "dino")
    await take(seen)
    screen.picture("dino-chat")


async def presence(screen, alice):
    for show, words in (("away", "phone (away)"), ("dnd", "phone (do not disturb)"), (None, "phone")):
        alice.send_presence(pshow=show)
        await shows("alice@localhost", words, again=lambda: screen.hover(*ROW))
        screen.picture(f"dino-presence-{show or 'available'}")


async def main(server, screen):
    alice = await Peer("alice@localhost/phone", "secret", server, plugins=RECEIPTS).up()
    carol = await Peer("carol@localhost/phone", "secret", server).up()
    bob = await Peer("bob@localhost/desk", "secret", server).up()
    await befriend(bob, alice, "Alice 爱丽丝", "朋友")
    await befriend(bob, carol, "Carol", "Work")
    await bob.down()
    await alice.sees("bob@localhost/desk", "unavailable")
    dino = start_dino(screen)
    await alice.sees("bob@localhost/dino", "available")
    await shows("You have no open chats")
    await chat(screen, alice)
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
