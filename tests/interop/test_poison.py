#!/usr/bin/python3
"""A stanza that kills the worker is set aside after the second crash, and only that stanza."""
import glob
import os
import subprocess
import tempfile

from hearth import Client, Server, expect, run, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
POISON = ("<message to='bob@localhost' type='chat' id='p'><body>poisonous words</body></message>")


def build_plugin(directory):
    plugin = os.path.join(directory, "crash.so")
    subprocess.run([os.environ.get("CC", "gcc"), "-std=gnu17", "-D_GNU_SOURCE", "-fPIC", "-shared",
                    "-I", os.path.join(ROOT, "src"), "-o", plugin,
                    os.path.join(ROOT, "tests", "plugin", "crash.c")], check=True)
    return plugin


def crash_once(server, count):
    port = server.port("c2s_tls")
    # Received only if somebody is there to receive it.
    bob, alice = Client(port).login("bob"), Client(port).login("alice")
    alice.send(POISON)
    for client in (bob, alice):
        try:
            client.read_until("never said")
        except (ConnectionError, OSError):
            pass
    wait_for("the restart", lambda: server.log().count("server.ready") == count + 1)


def a_poisonous_stanza_is_set_aside():
    with tempfile.TemporaryDirectory() as directory:
        with Server("--plugin", build_plugin(directory)) as server:
            server.add_user("alice@localhost")
            server.add_user("bob@localhost")
            crash_once(server, 1)
            expect(not glob.glob(server.data + "/poison/*"), "once may be chance")
            crash_once(server, 2)
            file, = glob.glob(server.data + "/poison/*.xml")
            with open(file, encoding="utf-8") as kept:
                expect("poisonous words" in kept.read(), "the stanza is kept")
            expect(os.stat(file).st_mode & 0o777 == 0o600, "nobody else reads it")
            port = server.port("c2s_tls")
            bob, alice = Client(port).login("bob"), Client(port).login("alice")
            alice.send(POISON)
            said = alice.read_until("</message>")
            expect("internal-server-error" in said and "type='error'" in said.replace('"', "'"),
                   said)
            alice.send(POISON.replace("poisonous", "kind"))
            bob.read_until("<body>kind words</body>")
            expect(server.log().count("worker.died") == 2, "nobody died of it again")


run(a_poisonous_stanza_is_set_aside)
