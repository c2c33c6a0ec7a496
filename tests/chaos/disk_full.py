#!/usr/bin/python3
"""The data directory is full: what cannot be kept is refused, nobody is cut off, and when there is
room again everything goes on. Needs root for a small tmpfs; else it is skipped."""
import os
import subprocess
import sys
import tempfile

from chaos import SEED, Chaos, Client, expect, run, wait_for

SIZE_MIB = 4


def fill(path):
    """Takes all that is left, in blocks that become small; returns the file to remove."""
    name, size = os.path.join(path, "filler"), 1 << 20
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while size > 0:
        try:
            os.write(fd, b"x" * size)
        except OSError:
            size //= 2
    os.close(fd)
    return name


def set_item(client, number):
    client.send(f"<iq type='set' id='i{number}'><query xmlns='jabber:iq:roster'>"
                f"<item jid='c{number}@far.example' name='{'n' * 900}'/></query></iq>")
    said = client.read_until(f"<iq[^>]*id=[\"']i{number}[\"'][^>]*>")
    return "error" not in said


def items(client):
    client.send("<iq type='get' id='all'><query xmlns='jabber:iq:roster'/></iq>")
    client.read_until("<iq[^>]*id=[\"']all[\"'][^>]*>")
    said = client.read_until("</iq>|<query[^>]*/>")
    return {int(part.split("@")[0]) for part in said.split("jid='c")[1:]} | {
        int(part.split("@")[0]) for part in said.split('jid="c')[1:]}


def a_full_disk_is_survived():
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "none", place],
                       check=True)
        try:
            survive(place)
        finally:
            subprocess.run(["umount", "-l", place], check=True)


def survive(place):
    home = os.path.join(place, "home")
    os.mkdir(home)
    with Chaos(data_dir=home) as server:
        server.log_path = os.path.join(tempfile.gettempdir(), f"hearth-disk-{os.getpid()}.log")
        server.stop()
        server.start()  # with its log elsewhere
        try:
            go_through(server, place)
        finally:
            os.unlink(server.log_path)


def go_through(server, place):
    server.add_users("u", 5)
    port, worker = server.port("c2s_tls"), server.worker()
    client, other = (Client(port).login(f"u{i}", "benchmark") for i in range(2))
    kept = {number for number in range(10) if set_item(client, number)}
    expect(len(kept) == 10, "there is room")
    filler = fill(place)
    # The log written ahead has some room of its own: sooner or later it is over.
    number, refused = 100, 0
    while refused < 5 and number < 5000:
        if set_item(client, number):
            kept.add(number)
        else:
            refused += 1
        number += 1
    expect(refused == 5, "a full disk is noticed")
    done = server.ctl("user", "add", "late@localhost", stdin="secret\n", check=False)
    expect(done.returncode == 1 and done.stderr, f"{done.returncode} {done.stdout}{done.stderr}")
    done = server.ctl("user", "passwd", "u3@localhost", stdin="secret\n", check=False)
    expect(done.returncode == 1, done.stdout)
    other.send("<message to='u0@localhost/test' type='chat'><body>still here</body></message>")
    client.read_until("<body>still here</body>")
    Client(port).login("u2", "benchmark").close()
    expect(items(client) == kept, "what was refused is not there, what was promised is")
    os.unlink(filler)
    wait_for("writing to go on", lambda: set_item(client, 9000))
    kept.add(9000)
    server.add_user("late@localhost")
    expect(items(client) == kept, "as before, and one more")
    expect(server.worker() == worker, "the worker died")
    Client(port).login("u3", "benchmark").close()  # the old password: the new one was refused
    print(f"  {len(kept)} items kept, {refused} refused")
    server.stop()
    server.start()
    expect(items(Client(server.port("c2s_tls")).login("u0", "benchmark")) == kept,
           "and after a restart")
    server.judge()


print(f"CHAOS_SEED={SEED}")
if os.geteuid() != 0:
    print("only root can mount a tmpfs")
    sys.exit(77)
run(a_full_disk_is_survived)
