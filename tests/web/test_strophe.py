#!/usr/bin/python3
"""Chromium with strophe.js 5 over WebSocket, with and without TLS. By hand: it wants chromium, node
and npm, and installs strophe.js and playwright-core into build-test/web."""
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "interop"))
from hearth import Server, run  # noqa: E402

HOME = os.path.join(ROOT, "build-test", "web")
CHROMIUM = shutil.which("chromium")


def install():
    os.makedirs(HOME, exist_ok=True)
    subprocess.run(["npm", "install", "--prefix", HOME, "--no-audit", "--no-fund", "--silent",
                    "strophe.js@5", "playwright-core@1"], check=True)


def talk(scheme):
    with Server(sets={"shards": 2}) as server, Server() as other:
        for user in ("alice@localhost", "bob@localhost"):
            server.add_user(user)
        subprocess.run(["node", os.path.join(ROOT, "tests", "web", "strophe.mjs"),
                        str(server.port(scheme)), scheme, str(other.port("http")),
                        os.path.join(HOME, f"page-{scheme}.png")], check=True, timeout=120,
                       env={**os.environ, "CHROMIUM": CHROMIUM,
                            "NODE_MODULES": os.path.join(HOME, "node_modules")})


def two_pages_talk_over_tls():
    talk("https")


def two_pages_talk_behind_a_proxy():
    talk("http")


if not (CHROMIUM and shutil.which("npm")):
    sys.exit("chromium, node or npm is missing")
install()
run(two_pages_talk_over_tls, two_pages_talk_behind_a_proxy)
