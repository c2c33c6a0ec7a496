#!/usr/bin/python3
"""profanity, in a terminal of tmux's, and slixmpp talk to each other, both directions."""
import asyncio

from hearth import Server
from peer import Peer, run
from profanity import Profanity


async def main(server, profanity):
    loop = asyncio.get_event_loop()

    async def do(what, *words):
        await loop.run_in_executor(None, what, *words)

    alice = await Peer("alice@localhost/a", "secret", server).up()
    await do(profanity.connects, "bob@localhost", "builder", server.port())

    alice.send_message("bob@localhost", "你好 from slixmpp 👋", mtype="chat")
    await do(profanity.sees, "alice")
    await do(profanity.types, "/win 2")
    await do(profanity.sees, "你好 from slixmpp 👋")
    for text in ("再见 👍 <b>&amp;", "é" * 2000):
        await do(profanity.types, text)
        sender, kind, body = await alice.next_body()
        assert (sender.bare, kind, body) == ("bob@localhost", "chat", text), (sender, body)
    alice.send_message("bob@localhost", "长" * 20000 + " the end", mtype="chat")
    await do(profanity.sees, "the end")
    await do(profanity.types, "/quit")
    await alice.down()


with Server() as started:
    started.add_user("alice@localhost", "secret")
    started.add_user("bob@localhost", "builder")
    client = Profanity(started.home)
    try:
        run(main(started, client))
    finally:
        client.close()
print("profanity: ok")
