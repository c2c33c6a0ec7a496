#!/usr/bin/python3
"""Everything at once on four shards: load, administrators, clients cut at any moment. The load must
not notice, and sanitizers, check() and the exit code have the last word."""
import base64
import json
import os
import random
import ssl
import subprocess
import threading
import time

from chaos import (HEARTHCTL, HEARTHD, SECONDS, SEED, TLS, Chaos, Loop, cut, expect, hello, run,
                   socket, wait_for)

BUILD = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(HEARTHD))))
LOAD = os.environ.get("LOAD", os.path.join(BUILD, "bench", "load"))
RING = 20
VICTIMS = 50

HEADER = ("<?xml version='1.0'?><stream:stream to='localhost' version='1.0' "
          "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = ("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
        "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>")


def encoded(text):
    return base64.b64encode(text.encode()).decode()


# --- clients that are cut: each goes as far as it likes, in one of these ways

def half_a_header(port, dice, name):
    return [HEADER[:dice.randrange(len(HEADER))]]


def scram_begun(port, dice, name):
    return [HEADER, f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'>"
            + encoded(f"n,,n={name},r={dice.random()}") + "</auth>"]


def scram_wrong(port, dice, name):
    return scram_begun(port, dice, name) + [
        f"<response xmlns='{SASL}'>" + encoded("c=biws,r=x,p=AAAA") + "</response>"]


def pipelined(port, dice, name):
    """All at once: the connection moves to its home with what was not read yet."""
    auth = encoded(f"\0{name}\0benchmark")
    return [HEADER + f"<auth xmlns='{SASL}' mechanism='PLAIN'>{auth}</auth>" + HEADER + BIND]


def sociable(port, dice, name):
    peers = [f"v{dice.randrange(VICTIMS)}@localhost" for _ in range(3)]
    return pipelined(port, dice, name) + [
        "".join(f"<message to='{peer}' type='chat'><body>{'x' * dice.randrange(5000)}</body>"
                f"</message><presence to='{peer}' type='{word}'/>"
                for peer, word in zip(peers, ("subscribe", "subscribed", "unsubscribed"))),
        "".join(f"<iq type='set' id='s{i}'><query xmlns='jabber:iq:roster'><item jid='{peer}' "
                f"name='{i}'/></query></iq>" for i, peer in enumerate(peers)),
        "<presence type='unavailable'/></stream:stream>"]


def garbage(port, dice, name):
    return [HEADER, dice.randbytes(dice.randrange(1, 3000)).decode("latin-1")]


WAYS = (half_a_header, scram_begun, scram_wrong, pipelined, sociable, sociable, garbage)


def play(sock, parts, dice):
    for part in parts[:dice.randrange(1, len(parts) + 1)]:
        sock.sendall(part.encode("utf-8", "replace"))
        sock.settimeout(dice.choice((0.001, 0.02, 0.2)))
        try:
            sock.recv(65536)
        except (socket.timeout, ssl.SSLWantReadError):
            pass


def be_cut(ports, dice):
    way = dice.choice(("plain", "plain", "starttls", "direct", "handshake"))
    sock = socket.create_connection(("127.0.0.1", ports["c2s_tls" if way in ("direct", "handshake")
                                                        else "c2s"]), 20)
    try:
        if way == "starttls":
            sock.sendall((HEADER + "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").encode())
            text = b""
            while b"<proceed" not in text:
                text += sock.recv(4096) or b"<proceed"
        if way == "handshake" or (way == "starttls" and dice.random() < 0.3):
            flight = hello()
            sock.sendall(flight[:dice.randrange(1, len(flight) + 1)])
            return
        if way in ("starttls", "direct"):
            sock = TLS.wrap_socket(sock, server_hostname="localhost")
        name = f"v{dice.randrange(VICTIMS + 5)}"
        play(sock, dice.choice(WAYS)(ports, dice, name), dice)
    except (OSError, ssl.SSLError):
        pass  # cut by the server: kicked, deleted, refused
    finally:
        cut(sock, dice)


# --- administrators

def administrate(server, dice):
    victim = f"v{dice.randrange(VICTIMS)}@localhost"
    domain = f"d{dice.randrange(3)}.example"
    act, stdin = dice.choice((
        (("user", "del", victim), ""), (("user", "add", victim), "benchmark\n"),
        (("user", "add", victim), "benchmark\n"), (("user", "passwd", victim), "benchmark\n"),
        (("user", "show", victim), ""), (("user", "list"), ""), (("session", "list"), ""),
        (("session", "kick", victim), ""), (("session", "kick", victim), ""),
        (("domain", "add", domain), ""), (("domain", "del", "--yes", domain), ""),
        (("domain", "list"), ""), (("status",), ""), (("reload",), "")))
    done = server.ctl(*act, stdin=stdin, check=False)
    expect(done.returncode in (0, 1), f"hearthctl {act}: {done.stdout}{done.stderr}")


# --- the load that must not notice

def load(server, ports, scenario, *arguments, tls="none"):
    return subprocess.Popen(
        [LOAD, scenario, "--port", str(ports["c2s_tls" if tls == "direct" else "c2s"]), "--tls",
         tls, "--pid", str(server.process.pid), "--seconds", str(SECONDS), "--patience", "60",
         "--cache", os.path.join(server.home, "salted"), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def must_succeed(process, what):
    out, err = process.communicate(timeout=180)
    expect(process.returncode == 0, f"{what}: {out}{err}")
    result = json.loads(out.splitlines()[-1])
    print(f"  {what}: {result.get('ops', 0)} operations")


CASES = (
    ("login", "none", "--users", 100), ("login", "direct", "--users", 40),
    ("login", "starttls", "--users", 40), ("chat", "none", "--users", 40, "--window", 1),
    ("chat", "none", "--users", 40, "--window", 8),
    ("chat", "starttls", "--users", 20, "--window", 8),
    ("chat", "direct", "--users", 20, "--window", 1), ("roster", "none", "--users", 20,
                                                       "--prefix", "l", "--contacts", 30),
    ("presence", "none", "--users", RING, "--prefix", "r", "--contacts", 10),
    ("idle", "direct", "--users", 50),
)


def prepare(server, counts):
    for prefix, count in counts:
        server.add_users(prefix, count)
    return {kind: server.port(kind) for kind in ("c2s", "c2s_tls")}


def storm_while(server, ports, dice, act):
    loops = [Loop(be_cut, ports, random.Random(dice.random())) for _ in range(6)]
    loops += [Loop(administrate, server, random.Random(dice.random())) for _ in range(2)]
    try:
        for loop in loops:
            loop.start()
        act()
    finally:
        for loop in loops:
            loop.is_over.set()
        for loop in loops:
            loop.join(60)
    for loop in loops:
        if loop.error:
            raise loop.error
    print(f"  cut {sum(loop.turns for loop in loops[:6])} times, "
          f"administrated {sum(loop.turns for loop in loops[6:])} times")


def load_does_not_notice_a_storm():
    dice = random.Random(SEED)
    with Chaos() as server:
        ports = prepare(server, (("u", 100), ("r", RING), ("l", 20), ("v", VICTIMS)))
        must_succeed(load(server, ports, "subscribe", "--users", RING, "--prefix", "r",
                          "--contacts", 10), "subscribe")
        must_succeed(load(server, ports, "collect", "--users", 20, "--prefix", "l", "--contacts",
                          30), "collect")

        def all_cases():
            for scenario, tls, *arguments in CASES:
                must_succeed(load(server, ports, scenario, *arguments, tls=tls),
                             f"{scenario} {tls}")
        storm_while(server, ports, dice, all_cases)
        wait_for("all to be gone", server.is_empty)
        server.judge()


def a_term_signal_in_a_storm():
    """Each time in another state; whoever is in the middle of something must not be in the way."""
    dice = random.Random(SEED + 1)
    for _ in range(3):
        with Chaos() as server:
            ports = prepare(server, (("u", 100), ("v", VICTIMS)))
            chats = load(server, ports, "chat", "--users", 40, "--window", 8)
            logins = load(server, ports, "login", "--users", 100, tls="direct")
            bulk = subprocess.Popen(
                [HEARTHCTL, "--data-dir", server.data, "user", "import", "-"],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            feeder = threading.Thread(target=feed, args=(bulk,), daemon=True)
            feeder.start()
            over = threading.Event()
            loops = [threading.Thread(target=cut_until, daemon=True, args=(
                over, ports, random.Random(dice.random()))) for _ in range(6)]
            for loop in loops:
                loop.start()
            time.sleep(0.5 + dice.random() * 1.5)
            start = time.monotonic()
            server.judge()
            print(f"  stopped after {time.monotonic() - start:.1f} s")
            over.set()
            feeder.join(30)
            for process in (chats, logins, bulk):
                process.kill()
                process.wait()
            for loop in loops:
                loop.join(30)


def feed(process):
    """More accounts than can be made in the time, each of which takes a worker."""
    try:
        process.communicate("".join(f"n{i}@localhost x\n" for i in range(5000)).encode())
    except OSError:
        pass


def cut_until(over, ports, dice):
    while not over.is_set():
        try:
            be_cut(ports, dice)
        except OSError:
            return  # nobody listens any more


print(f"CHAOS_SEED={SEED}")
run(load_does_not_notice_a_storm, a_term_signal_in_a_storm)
