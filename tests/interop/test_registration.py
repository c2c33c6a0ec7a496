#!/usr/bin/python3
"""Accounts from outside: hearthctl invites, a client registers over TLS, changes its password,
cancels; through a restart and a kill -9."""
import json
import os
import signal
import sys

from hearth import Client, Server, expect, run, wait_for

REGISTER = "jabber:iq:register"


def asks(client, kind, child, answer="result"):
    """Sends a request; the answer, which must be of this type."""
    client.send(f"<iq type='{kind}' id='ask'>{child}</iq>")
    said = client.read_until("<iq[^>]*id='ask'[^>]*?(/>|>.*?</iq>)")
    expect(f"type='{answer}'" in said, said)
    return said


def register(user, password):
    return (f"<query xmlns='{REGISTER}'><username>{user}</username>"
            f"<password>{password}</password></query>")


def shows(token):
    return f"<preauth xmlns='urn:xmpp:pars:0' token='{token}'/>"


def token_of(invitation):
    return invitation["uri"].rpartition("preauth=")[2]


def newcomer(server):
    client = Client(server.port("c2s_tls"))
    features = client.open()
    expect("<register xmlns='urn:xmpp:ibr-token:0'/>" in features, features)
    return client


def invitations(server):
    for arguments, text in ((("nowhere.example",), "nowhere.example"),
                            (("localhost", "--user", "a b"), "not a username"),
                            (("localhost", "--days", "0"), "from 1 to 365")):
        done = server.ctl("invite", "create", *arguments, check=False)
        expect(done.returncode == 1 and text in done.stderr, done.stderr)
    server.add_user("taken@localhost")
    done = server.ctl("invite", "create", "localhost", "--user", "taken", check=False)
    expect(done.returncode == 1 and "taken" in done.stderr, done.stderr)
    made = server.ask("invite", "create", "localhost", "--user", "Alice", "--days", "2")
    expect(made["uri"].startswith("xmpp:alice@localhost?register;preauth="), made)
    row, = server.ask("invite", "list", "localhost")
    expect(row["id"] == made["id"] and row["user"] == "alice", row)
    expect(token_of(made) not in str(row), "a list gives no tokens away")
    done = server.ctl("invite", "create", "localhost", "--user", "alice", check=False)
    expect(done.returncode == 1 and "promised" in done.stderr, done.stderr)
    return made


def registers(server):
    made = invitations(server)
    server.stop()
    server.start()  # an invitation outlives a restart
    client = newcomer(server)
    asks(client, "set", register("alice", "pw1"), "error")
    asks(client, "set", shows("0" * 32), "error")
    asks(client, "set", shows(token_of(made)))
    asks(client, "set", register("mallory", "pw1"), "error")
    asks(client, "set", register("alice", "pw1"))
    Client(server.port("c2s_tls")).login("alice", "pw1")
    expect(server.ask("invite", "list", "localhost") == [], "it is used up")
    asks(newcomer(server), "set", shows(token_of(made)), "error")


def revokes(server):
    made = server.ask("invite", "create", "localhost")
    done = server.ctl("invite", "revoke", "localhost", "zz", check=False)
    expect(done.returncode == 1 and "no such invitation" in done.stderr, done.stderr)
    server.ctl("invite", "revoke", "localhost", made["id"])
    asks(newcomer(server), "set", shows(token_of(made)), "error")


def dies(server):
    """kill -9; the supervisor begins again. What was acknowledged is there."""
    pid = server.status()["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for("another worker", lambda: answers(server, pid))


def answers(server, before):
    done = server.ctl("--json", "status", check=False)
    return done.returncode == 0 and json.loads(done.stdout)["pid"] != before


def changes_and_cancels(server):
    client = Client(server.port("c2s_tls")).login("alice", "pw1")
    asks(client, "set", register("alice", "pw2"))
    dies(server)
    try:
        Client(server.port("c2s_tls")).login("alice", "pw1")
        raise AssertionError("the old password is good still")
    except PermissionError:
        pass
    client = Client(server.port("c2s_tls")).login("alice", "pw2")
    asks(client, "set", f"<query xmlns='{REGISTER}'><remove/></query>")
    client.read_until("<not-authorized.*</stream:stream>")
    dies(server)
    expect([row["jid"] for row in server.ask("user", "list")] == ["taken@localhost"],
           "alice is gone")
    expect(not any(word in server.log() for word in ("pw1", "pw2")), "no password is logged")


def all_of_it():
    with Server(sets={"auth.scram_iterations": 4096, "registration": "invite"}) as server:
        for part in (registers, revokes, changes_and_cancels):
            print(part.__name__)
            sys.stdout.flush()
            part(server)


run(all_of_it)
