"""What the chaos tests share: a seed, a server that is looked at afterwards, measured neighbours,
and clients that misbehave. Debian's own Python, nothing else.

    CHAOS_SEED=7 CHAOS_SECONDS=10 HEARTHD=… HEARTHCTL=… tests/chaos/storm.py
"""
import os
import random
import re
import socket
import ssl
import struct
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "interop"))

from hearth import HEARTHCTL, HEARTHD, Client, Server, expect, run, unchecked_tls, wait_for  # noqa: E402,F401 pylint: disable=unused-import,wrong-import-position

SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(1 << 32))
SECONDS = float(os.environ.get("CHAOS_SECONDS", 5))  # of each part that goes on for a time
SHARDS = 4
# What a sanitizer, check() or the supervisor say when something is wrong with us.
WRONG = re.compile(r"^.*(Sanitizer|runtime error:|check failed|worker\.died|stanza\.set_aside).*$",
                   re.M)


class Chaos(Server):
    """Four shards, TLS as the client likes; at the end it must have stopped well and be clean."""

    def __init__(self, config=None, sets=None, **more):
        super().__init__(config=config or "domains: {localhost: }\n", sets={
            "shards": SHARDS, "tls.required": "no", "auth.scram_iterations": 4096,
            **(sets or {})}, **more)

    def add_users(self, prefix, count, password="benchmark"):
        self.ctl("user", "import", "-",
                 stdin="".join(f"{prefix}{i}@localhost {password}\n" for i in range(count)))

    def worker(self):
        return self.status()["pid"]

    def memory_kib(self):
        """What the worker has for itself, after it has given back what it does not need."""
        with open(f"/proc/{self.worker()}/smaps_rollup", encoding="ascii") as file:
            return int(re.search(r"^Pss_Anon: +(\d+)", file.read(), re.M).group(1))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.worker()}/fd"))

    def is_empty(self):
        """Nobody is connected but who asks, and nobody seems to be."""
        metrics = self.status()["metrics"]
        return (metrics["streams"] == 0 and metrics["connections"] <= 1
                and self.ask("session", "list") == [])

    def judge(self, allowed=()):
        """Stops the server; its end and its log must be clean."""
        code = self.stop()
        wrong = [found.group() for found in WRONG.finditer(self.log())
                 if not any(word in found.group() for word in allowed)]
        expect(not wrong, f"{len(wrong)} reports, the first: {wrong[:1]}\n{self.log()}")
        expect(code == 0, f"exit code {code}\n{self.log()}")


TLS = unchecked_tls()  # made once: reading all the system's authorities takes its time


def hello():
    """The first flight of a TLS handshake."""
    outgoing = ssl.MemoryBIO()
    client = TLS.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def cut(sock, dice):
    """Ends a connection as networks do: politely, or by a reset."""
    is_rude = dice.random() < 0.5
    if is_rude and sock.fileno() >= 0:  # a handshake that failed has closed it
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Loop(threading.Thread):
    """Does something again and again until told to stop; an exception is kept for the end."""

    def __init__(self, act, *arguments):
        super().__init__(daemon=True)
        self.act, self.arguments = act, arguments
        self.is_over, self.error, self.turns = threading.Event(), None, 0

    def run(self):
        try:
            while not self.is_over.is_set():
                self.act(*self.arguments)
                self.turns += 1
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        self.is_over.set()
        self.join(60)
        if self.error and not kind:
            raise self.error


class Pair:
    """Two clients who behave: one asks, the other answers, and the time is taken."""

    def __init__(self, port, one="good0", other="good1"):
        self.one = Client(port).login(one, "benchmark")
        self.other = Client(port).login(other, "benchmark")
        self.to, self.count = f"{other}@localhost/test", 0

    def round(self):
        start = time.monotonic()
        self.count += 1
        self.one.send(f"<message to='{self.to}' type='chat' id='m{self.count}'>"
                      f"<body>good {self.count}</body></message>")
        self.other.read_until(f"<body>good {self.count}</body>")
        return time.monotonic() - start

    def measure(self, seconds, during=lambda: None):
        """Milliseconds, sorted: one round every 5 ms or as soon as the last one is over."""
        took, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            during()
            took.append(self.round() * 1000)
            time.sleep(0.005)
        return sorted(took)

    def close(self):
        self.one.close()
        self.other.close()


def percentile(values, percent):
    return values[min(len(values) - 1, int(len(values) * percent / 100))]


def summary(values):
    return (f"p50 {percentile(values, 50):.1f} ms, p99 {percentile(values, 99):.1f} ms, "
            f"worst {values[-1]:.0f} ms of {len(values)}")
