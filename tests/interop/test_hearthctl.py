#!/usr/bin/python3
"""hearthctl against a running server: every command, its JSON, its errors and exit codes."""
import os
import pty
import subprocess
import sys

from hearth import DEADLINE, HEARTHCTL, Client, Server, expect, run


def says(done, code, text):
    expect(done.returncode == code, f"exit code {done.returncode}: {done.stdout}{done.stderr}")
    expect(text in done.stderr + done.stdout, done.stderr + done.stdout)


def users(server):
    server.add_user("alice@localhost")
    says(server.ctl("user", "add", "alice@localhost", stdin="x\n", check=False), 1,
         "alice@localhost exists already")
    says(server.ctl("user", "add", "alice@elsewhere.example", stdin="x\n", check=False), 1,
         "elsewhere.example is not served here")
    says(server.ctl("user", "add", "alice", stdin="x\n", check=False), 1, "not an address")
    says(server.ctl("user", "add", "bob@localhost", stdin="", check=False), 2,
         "the password is empty")
    says(server.ctl("user", "show", "nobody@localhost", check=False), 1,
         "No such user nobody@localhost; hearthctl user list shows them.")
    listed = server.ask("user", "list")
    expect([row["jid"] for row in listed] == ["alice@localhost"], listed)
    shown = server.ask("user", "show", "alice@localhost")
    expect("scram-sha-256" in shown["verifiers"] and shown["sessions"] == [], shown)
    server.ctl("user", "passwd", "alice@localhost", stdin="better\n")
    client = Client(server.port("c2s_tls")).login("alice", "better")
    expect(server.ask("user", "show", "alice@localhost")["sessions"] == ["alice@localhost/test"],
           "its session is shown")
    server.ctl("user", "del", "alice@localhost")
    client.read_until("not-authorized")
    expect(server.ask("user", "list") == [], "nobody is left")


def bulk(server):
    lines = "".join(f"u{i}@localhost p w {i}\n" for i in range(450))
    result = server.ask("user", "import", "-", stdin=lines + "# a comment\n\n",)
    expect(result == {"added": 450, "failed": 0}, result)
    expect(len(server.ask("user", "list", "localhost")) == 450, "all are there")
    Client(server.port("c2s_tls")).login("u449", "p w 449")
    done = server.ctl("user", "import", "-", check=False,
                      stdin="u1@localhost x\nnew@localhost x\nhalf@localhost\n")
    says(done, 1, "u1@localhost exists already")
    expect("failed  2" in done.stdout and "added   1" in done.stdout, done.stdout)
    done = server.ctl("user", "import", "--hashed", "-", check=False,
                      stdin="old@localhost $5$saltsalt$nonsense\n"
                      "odd@localhost what\n")
    says(done, 1, "of no kind that is known")


def sessions(server):
    server.add_user("carol@localhost")
    client = Client(server.port("c2s_tls")).login("carol")
    row, = server.ask("session", "list", "carol@localhost")
    expect(row["jid"] == "carol@localhost/test" and row["secure"] and row["available"], row)
    says(server.ctl("session", "kick", "carol@localhost"), 0, "Closed 1 session(s)")
    client.read_until("</stream:stream>")
    says(server.ctl("session", "kick", "carol@localhost", check=False), 1, "has no session")


def domains(server):
    server.ctl("domain", "add", "Example.ORG", "--set", "registration=open")
    server.add_user("dave@example.org")
    Client(server.port("c2s_tls"), "example.org").login("dave")
    names = {row["domain"]: row["from"] for row in server.ask("domain", "list")}
    expect(names == {"localhost": "configuration", "example.org": "hearthctl"}, names)
    says(server.ctl("domain", "add", "example.org", check=False), 1, "served already")
    says(server.ctl("domain", "add", "a b", check=False), 1, "not a domain name")
    says(server.ctl("domain", "add", "b.example", "--set", "shards=2", check=False), 1,
         "for the whole server")
    says(server.ctl("domain", "del", "localhost", "--yes", check=False), 1, "configuration file")
    server.stop()
    server.start()
    Client(server.port("c2s_tls"), "example.org").login("dave")
    says(server.ctl("domain", "del", "example.org", check=False), 1, "--yes")
    server.ctl("domain", "del", "example.org", "--yes")
    expect(len(server.ask("domain", "list")) == 1, "it is gone")
    server.ctl("domain", "add", "example.org")
    expect(server.ask("user", "list", "example.org") == [], "and so are its users")


def the_rest(server):
    status = server.status()
    expect(status["domains"] >= 1 and status["pid"] > 0 and "c2s" in status["listen"], status)
    says(server.ctl("log", "level", "stream", "debug"), 0, "stream logs at debug now.")
    says(server.ctl("log", "level", "stream", "loud", check=False), 1, "No such room or level")
    says(server.ctl("usr", "list", check=False), 2, 'did you mean "user list"?')
    says(server.ctl("user", "add", check=False), 2, "JID is missing")
    says(server.ctl("user", "add", "--help"), 0, "Creates an account")
    says(server.ctl("user", "show", "x@localhost", check=False, language="zh_CN.UTF-8"), 1,
         "没有用户 x@localhost")
    error = server.ask("user", "show", "x@localhost", check=False)["error"]
    expect(error["code"] == "not-found", error)


def type_passwords(server, *lines):
    """As a person at a terminal; returns exit code and what the terminal showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(LANG="C", LC_ALL="C")
        os.execv(HEARTHCTL, [HEARTHCTL, "--data-dir", server.data, "user", "add",
                             "erin@localhost"])
    shown = b""
    for prompt, line in zip((b"erin@localhost: ", b"Once more: "), lines):
        while not shown.endswith(prompt):
            shown += os.read(terminal, 1000)
        os.write(terminal, line.encode() + b"\n")
    while True:
        try:
            shown += os.read(terminal, 1000)
        except OSError:
            break
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def passwords_at_a_terminal(server):
    code, shown = type_passwords(server, "s3cret", "other")
    expect(code == 2 and "differ" in shown and "s3cret" not in shown, shown)
    code, shown = type_passwords(server, "s3cret", "s3cret")
    expect(code == 0 and "Created" in shown and "s3cret" not in shown, shown)
    Client(server.port("c2s_tls")).login("erin", "s3cret")


def reports(server):
    """Who blocks somebody and says why: the administrator reads it."""
    server.add_user("victim@localhost")
    client = Client(server.port("c2s_tls")).login("victim")
    client.send("<iq type='set' id='b1'><block xmlns='urn:xmpp:blocking'>"
                "<item jid='spammer@elsewhere.example'><report xmlns='urn:xmpp:reporting:1' "
                "reason='urn:xmpp:reporting:spam'/></item></block></iq>")
    client.read_until("<iq[^>]*id=[\"']b1[\"'][^>]*>")
    rows = server.ask("report", "list", "localhost")
    expect([(row["by"], row["on"], row["for"]) for row in rows] ==
           [("victim@localhost", "spammer@elsewhere.example", "urn:xmpp:reporting:spam")], rows)
    says(server.ctl("report", "list", "nowhere.example", check=False), 1, "nowhere.example")
    client.close()


def stopping(server):
    says(server.ctl("stop"), 0, "The server stops.")
    expect(server.process.wait(DEADLINE) == 0, "exit code 0")
    says(server.ctl("status", check=False), 1, "no hearthd is running on the data directory")
    expect("secret" not in server.log() and "s3cret" not in server.log(), "no password is logged")


def all_of_it():
    with Server(sets={"auth.scram_iterations": 4096}) as server:
        for part in (users, bulk, sessions, domains, the_rest, reports,
                     passwords_at_a_terminal, stopping):
            print(part.__name__)
            sys.stdout.flush()
            part(server)


run(all_of_it)
