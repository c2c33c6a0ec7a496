#!/usr/bin/python3
"""An unmodified libstrophe client and slixmpp: everything comes back as it was sent."""
import asyncio
import os
import subprocess

from hearth import Server
from peer import TEXTS, Peer, run

HERE = os.path.dirname(os.path.abspath(__file__))


def build(directory):
    program = os.path.join(directory, "strophe_echo")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libstrophe"], check=True,
                           stdout=subprocess.PIPE, encoding="ascii").stdout.split()
    subprocess.run(["cc", "-o", program, os.path.join(HERE, "strophe_echo.c"), *flags], check=True)
    return program


async def main(server, program):
    bot = subprocess.Popen([program, "bot@localhost/strophe", "secret", str(server.port())],
                           stdout=subprocess.PIPE, encoding="utf-8")
    assert bot.stdout.readline() == "ready bot@localhost/strophe\n"
    alice = await Peer("alice@localhost/a", "secret", server).up()
    for text in TEXTS:
        alice.send_message("bot@localhost", text, mtype="chat")
    for text in TEXTS:
        sender, kind, body = await alice.next_body()
        assert (sender.full, kind, body) == ("bot@localhost/strophe", "chat", text), sender
    alice.send_message("bot@localhost", "stop", mtype="chat")
    assert await asyncio.get_event_loop().run_in_executor(None, bot.wait, 30) == 0
    await alice.down()


with Server() as started:
    started.add_user("alice@localhost", "secret")
    started.add_user("bot@localhost", "secret")
    run(main(started, build(started.home)))
print("libstrophe: ok")
