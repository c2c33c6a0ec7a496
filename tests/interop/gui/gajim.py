"""Gajim, unmodified, on a screen of its own: logs in by STARTTLS with a certificate that it checks,
shows groups, contacts and their presence, and chats with slixmpp. Pictures:
build-test/pictures/gajim-*.png."""
import json
import os
import sqlite3
import uuid

from contacts import RECEIPTS, befriend, talk
from peer import Peer, run
from screen import Screen, enter_namespaces, make_server, shows

ACCOUNT = 34, 468  # the account's page, with its contacts
ALICE = 140, 216  # in that list, below two groups

SETTINGS = {
    # who is offline is not listed, so that a text tells who is online
    "app": {"use_keyring": False, "check_for_update": False, "showoffline": False},
    "soundevents": {}, "status_presets": {}, "proxies": {}, "plugins": {},
    "workspaces": {str(uuid.uuid4()): {}}}
BOB = {"account": {"name": "bob", "hostname": "localhost", "password": "secret",
                   "resource": "gajim", "active": True, "account_label": "Bob"},
       "contact": {}, "group_chat": {}}


def start_gajim(screen):
    """With a configuration in which it finds an account."""
    home = os.path.join(screen.environment["XDG_CONFIG_HOME"], "gajim")
    os.makedirs(home)
    with sqlite3.connect(os.path.join(home, "settings.sqlite")) as connection:
        connection.executescript("CREATE TABLE settings (name TEXT UNIQUE, settings TEXT);"
                                 "CREATE TABLE account_settings"
                                 " (account TEXT UNIQUE, settings TEXT);"
                                 "PRAGMA user_version = 5;")
        connection.executemany("INSERT INTO settings VALUES (?, ?)",
                               [(name, json.dumps(value)) for name, value in SETTINGS.items()])
        connection.execute("INSERT INTO account_settings VALUES ('bob', ?)", [json.dumps(BOB)])
    return screen.start("gajim")


async def presence(screen, alice, carol):
    screen.click(*ACCOUNT)
    await shows("Contact List", "Bob", "Alice 爱丽丝", but=["Carol"])
    await carol.again()
    await shows("Alice 爱丽丝", "Carol")
    screen.picture("gajim-roster-online")
    alice.send_presence(pshow="away", pstatus="at tea")
    carol.send_presence(pshow="dnd")
    await carol.sees("carol@localhost/phone", "dnd")
    screen.picture("gajim-roster-away-dnd")
    await carol.down()
    await shows("Alice 爱丽丝", but=["Carol"])
    screen.hover(*ALICE)
    screen.picture("gajim-roster-offline")


async def main(server, screen):
    alice = await Peer("alice@localhost/phone", "secret", server, plugins=RECEIPTS).up()
    carol = await Peer("carol@localhost/phone", "secret", server).up()
    bob = await Peer("bob@localhost/desk", "secret", server).up()
    await befriend(bob, alice, "Alice 爱丽丝", "朋友")
    await befriend(bob, carol, "Carol", "Work")
    await bob.down()
    await carol.down()
    await alice.sees("bob@localhost/desk", "unavailable")
    gajim = start_gajim(screen)
    await alice.sees("bob@localhost/gajim", "available")
    await presence(screen, alice, carol)
    screen.click(*ALICE, times=2)
    await shows("Alice 爱丽丝", "There is no more history", but=["Contact List"])
    await talk(screen, alice, "gajim")
    screen.picture("gajim-chat")
    gajim.terminate()
    await alice.sees("bob@localhost/gajim", "unavailable")
    await alice.down()


home = enter_namespaces("localhost")
display = Screen(home)
with make_server(home) as started:
    for user in ("alice", "bob", "carol"):
        started.add_user(f"{user}@localhost")
    try:
        run(main(started, display))
    except BaseException:
        display.picture("gajim-failed")
        raise
print("gajim: ok")
