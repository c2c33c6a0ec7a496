#!/usr/bin/env python3
"""Writes the benchmark's accounts and rosters in the form a server loads fastest.

usage: accounts.py prosody DATA_DIR DOMAIN | ejabberd FILE DOMAIN | hearth DOMAIN

  u0 …        no contacts, as many as $BENCH_IDLE (10,000), at least 2,000
  s0 … s99    no contacts, to make some
  r0 … r999   50 mutual contacts each, their neighbours on a ring (25 on either side)
  l0 … l19    1,000 contacts each, who never come online
All have one password. For the files one salt serves everybody: a server's work at a SCRAM login
does not depend on it, and the generator pays for PBKDF2 once.
"""

import base64
import hashlib
import hmac
import os
import sys

PASSWORD = b"benchmark"
SALT = b"hearth-benchmark-salt"
ROUNDS = {"prosody": 10000, "ejabberd": 4096, "hearth": 10000}  # their defaults
PLAIN = max(2000, int(os.environ.get("BENCH_IDLE", 10000)))
RING, LARGE = 1000, 20
RING_CONTACTS, LARGE_CONTACTS = 50, 1000


def users():
    yield from (f"u{i}" for i in range(PLAIN))
    yield from (f"s{i}" for i in range(100))
    yield from (f"r{i}" for i in range(RING))
    yield from (f"l{i}" for i in range(LARGE))


def rosters():
    half = RING_CONTACTS // 2
    steps = [s for s in range(-half, half + 1) if s != 0]
    for i in range(RING):
        yield f"r{i}", [f"r{(i + s) % RING}" for s in steps]
    for i in range(LARGE):
        yield f"l{i}", [f"contact{k}" for k in range(LARGE_CONTACTS)]


def keys(rounds, name="sha1"):
    """StoredKey and ServerKey (RFC 5802 section 3)."""
    salted = hashlib.pbkdf2_hmac(name, PASSWORD, SALT, rounds)
    client = hmac.digest(salted, b"Client Key", name)
    return hashlib.new(name, client).digest(), hmac.digest(salted, b"Server Key", name)


def base64_text(raw):
    return base64.b64encode(raw).decode()


def prosody(data, domain):
    stored, server = keys(ROUNDS["prosody"])
    account = (
        "return {\n"
        f'\t["iteration_count"] = {ROUNDS["prosody"]};\n'
        f'\t["salt"] = "{SALT.decode()}";\n'
        f'\t["stored_key"] = "{stored.hex()}";\n'
        f'\t["server_key"] = "{server.hex()}";\n'
        "};\n"
    )
    host = os.path.join(data, domain.replace(".", "%2e"))
    for store in ("accounts", "roster"):
        os.makedirs(os.path.join(host, store))
    for user in users():
        with open(os.path.join(host, "accounts", user + ".dat"), "w") as out:
            out.write(account)
    for user, contacts in rosters():
        with open(os.path.join(host, "roster", user + ".dat"), "w") as out:
            out.write('return {\n\t[false] = { ["version"] = 1; ["pending"] = {}; };\n')
            for contact in contacts:
                out.write(
                    f'\t["{contact}@{domain}"] = {{ ["subscription"] = "both"; '
                    f'["name"] = "{contact.title()}"; ["groups"] = {{}}; }};\n'
                )
            out.write("};\n")


def ejabberd(path, domain):
    """An Erlang text dump of Mnesia tables, in the form of mnesia:dump_to_textfile()."""
    stored, server = map(base64_text, keys(ROUNDS["ejabberd"]))
    salt = base64_text(SALT)
    secret = f'{{scram,<<"{stored}">>,<<"{server}">>,<<"{salt}">>,sha,{ROUNDS["ejabberd"]}}}'
    host = f'<<"{domain}">>'
    with open(path, "w") as out:
        out.write(
            "{tables,[{passwd,[{record_name,passwd},{attributes,[us,password]}]},"
            "{roster,[{record_name,roster},{attributes,[usj,us,jid,name,subscription,ask,"
            "groups,askmessage,xs]}]}]}.\n"
        )
        for user in users():
            out.write(f'{{passwd,{{<<"{user}">>,{host}}},{secret}}}.\n')
        for user, contacts in rosters():
            for contact in contacts:
                jid = f'{{<<"{contact}">>,{host},<<>>}}'
                out.write(
                    f'{{roster,{{<<"{user}">>,{host},{jid}}},{{<<"{user}">>,{host}}},{jid},'
                    f'<<"{contact.title()}">>,both,none,[],<<>>,[]}}.\n'
                )


def hearth(domain):
    """Lines of a JID and its hashes (RFC 5803) for `hearthctl user import --hashed -`: the three
    that Hearth makes of a new password."""
    hashes = []
    for name in ("sha1", "sha256", "sha512"):
        stored, server = map(base64_text, keys(ROUNDS["hearth"], name))
        scheme = "SCRAM-SHA-" + name[3:]
        hashes.append(f'{scheme}${ROUNDS["hearth"]}:{base64_text(SALT)}${stored}:{server}')
    for user in users():
        print(f"{user}@{domain} {' '.join(hashes)}")


if __name__ == "__main__":
    commands = {"prosody": (prosody, 2), "ejabberd": (ejabberd, 2), "hearth": (hearth, 1)}
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in commands or len(sys.argv) != 2 + commands[name][1]:
        sys.exit(__doc__)
    commands[name][0](*sys.argv[2:])
