"""Starts a real hearthd for the interop tests: own data directory and ports, loopback only.

with Server() as server:
    server.add_user("alice@localhost", "secret")
    ... server.port, server.tls_port ...
HEARTHD and HEARTHCTL name the programs.
"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(os.environ.get("HEARTHD", "build/hearthd"))
CONTROL = os.path.abspath(os.environ.get("HEARTHCTL", "build/hearthctl"))

# What every client has to carry: Chinese, emoji, markup, and a body of 60 KB.
TEXTS = ["Hello", "你好，世界", "👋🏽 👨‍👩‍👧 🇨🇳", "<b>&amp;</b> \"quoted\" 'single' ]]>",
         "长" * 20000]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, *options):
        self.dir = tempfile.mkdtemp(prefix="hearth-interop-")
        self.data = os.path.join(self.dir, "data")
        self.port, self.tls_port = free_port(), free_port()
        self.options = list(options)

    def __enter__(self):
        command = [PROGRAM, "--data-dir", self.data,
                   "--set", f"listen.c2s=127.0.0.1:{self.port}",
                   "--set", f"listen.c2s_tls=127.0.0.1:{self.tls_port}",
                   "--set", "auth.scram_iterations=4096"]
        for option in self.options:
            command += ["--set", option]
        self.log = open(os.path.join(self.dir, "log"), "w+b")
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, cwd=self.dir)
        for line in self.process.stderr:
            self.log.write(line)
            if b"server.ready" in line:
                break
        else:
            raise SystemExit("hearthd did not start:\n" + self.read_log())
        # The rest of the log goes straight into the file.
        self.tail = subprocess.Popen(["cat"], stdin=self.process.stderr, stdout=self.log)
        return self

    def __exit__(self, kind, value, trace):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=30)
        self.tail.wait(timeout=30)
        if kind is not None or status != 0:
            sys.stderr.write(self.read_log()[-6000:])
        self.log.close()
        shutil.rmtree(self.dir)
        if kind is None and status != 0:
            raise SystemExit(f"hearthd ended with {status}")

    def read_log(self):
        self.log.flush()
        with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def ctl(self, *words, stdin=""):
        return subprocess.run([CONTROL, "--data-dir", self.data, *words], input=stdin, check=True,
                              stdout=subprocess.PIPE, encoding="utf-8").stdout

    def add_user(self, jid, password):
        self.ctl("user", "add", jid, stdin=password + "\n")
