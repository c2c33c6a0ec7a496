#!/usr/bin/python3
"""profanity, in a terminal of tmux's, and slixmpp talk to each other, both directions."""
import asyncio
import os
import subprocess

from hearth import Server, wait_for
from peer import Peer, run

WIDTH, HEIGHT = 200, 60


class Profanity:
    """One profanity on a tmux server of its own."""

    def __init__(self, home):
        self.home = home
        self.socket = os.path.join(home, "tmux")
        self.tmux("new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT),
                  "env", f"HOME={home}", f"XDG_CONFIG_HOME={home}/config",
                  f"XDG_DATA_HOME={home}/share", "LANG=C.UTF-8", "TERM=screen", "profanity")
        self.sees("Profanity")

    def tmux(self, *words, **more):
        return subprocess.run(["tmux", "-u", "-S", self.socket, "-f", "/dev/null", *words],
                              check=True, stdout=subprocess.PIPE, encoding="utf-8",
                              env={**os.environ, "LANG": "C.UTF-8"}, **more).stdout

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def sees(self, text):
        wait_for(f"profanity to show {text!r} in:\n{self.screen()}",
                 lambda: text in self.screen())

    def types(self, text):
        self.tmux("load-buffer", "-", input=text)
        self.tmux("paste-buffer")
        self.tmux("send-keys", "Enter")

    def close(self):
        self.tmux("kill-server")


async def main(server, profanity):
    loop = asyncio.get_event_loop()

    async def do(what, *words):
        await loop.run_in_executor(None, what, *words)

    alice = await Peer("alice@localhost/a", "secret", server).up()
    port = server.port()
    await do(profanity.types, f"/connect bob@localhost server 127.0.0.1 port {port} tls trust")
    await do(profanity.sees, "Enter password")
    await do(profanity.types, "builder")
    await do(profanity.sees, "logged in successfully")

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
        subprocess.run(["tmux", "-S", client.socket, "kill-server"], check=False,
                       stderr=subprocess.DEVNULL)
print("profanity: ok")
