#!/usr/bin/python3
"""How hearthd lives: crash and return, reload, stop, systemd, another number of shards."""
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from hearth import DEADLINE, HEARTHD, Client, Server, expect, run, unchecked_tls, wait_for


def clients_are_back_within_two_seconds_of_a_crash():
    with Server() as server:
        server.add_user("alice@localhost")
        port, worker = server.port("c2s_tls"), server.status()["pid"]
        client = Client(port).login("alice")
        os.kill(worker, signal.SIGSEGV)
        start = time.monotonic()
        try:
            client.read_until("never said")
        except (ConnectionError, OSError):
            pass
        # The supervisor keeps the listening socket: connecting never fails, it waits.
        Client(port).login("alice")
        took = time.monotonic() - start
        expect(took < 2, f"{took:.2f} s")
        expect(server.status()["pid"] != worker, "another worker serves")
        expect("worker.died" in server.log(), "it is on record")
        print(f"back after {took:.2f} s")


def nobody_outlives_the_supervisor():
    """kill -9: the worker goes too, and the next one finds ports and data free."""
    with Server() as server:
        server.add_user("alice@localhost")
        port, worker = server.port("c2s_tls"), server.status()["pid"]
        client = Client(port).login("alice")
        server.process.kill()
        server.process.wait()
        wait_for("the worker to go", lambda: not os.path.exists(f"/proc/{worker}"))
        expect("system-shutdown" in client.read_until("</stream:stream>"), "it went politely")
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            pass
        else:
            raise AssertionError("somebody listens still")
        server.start()
        Client(server.port("c2s_tls")).login("alice")


def a_term_signal_closes_streams_politely():
    with Server() as server:
        server.add_user("alice@localhost")
        client = Client(server.port("c2s_tls")).login("alice")
        server.process.terminate()
        said = client.read_until("</stream:stream>")
        expect("system-shutdown" in said, said)
        expect(server.process.wait(DEADLINE) == 0, "exit code 0")


def make_certificate(directory, name):
    key, certificate = (os.path.join(directory, name + end) for end in (".key", ".pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    f"/CN={name}", "-keyout", key, "-out", certificate], check=True,
                   capture_output=True)
    return key, certificate


def served_certificate(port):
    with socket.create_connection(("127.0.0.1", port)) as plain:
        with unchecked_tls().wrap_socket(plain, server_hostname="localhost") as secure:
            return ssl.DER_cert_to_PEM_cert(secure.getpeercert(True)).strip()


def a_reload_changes_certificates_and_drops_nobody():
    with Server(config="registration: closed\n") as server:
        server.add_user("alice@localhost")
        port = server.port("c2s_tls")
        client = Client(port).login("alice")
        before = served_certificate(port)
        key, certificate = make_certificate(server.home, "new")
        server.write_config(f"tls:\n  certificate: {certificate}\n  key: {key}\n"
                            "domains: {localhost: , more.example: }\n")
        server.process.send_signal(signal.SIGHUP)
        wait_for("the reload", lambda: "config.reloaded" in server.log())
        with open(certificate, encoding="ascii") as file:
            expect(served_certificate(port) == file.read().strip(), "the new one is served")
        expect(before != served_certificate(port), "and not the old one")
        expect(len(server.ask("domain", "list")) == 2, "the new domain is served")
        client.ping()
        server.write_config("registration: opne\n")
        done = server.ctl("reload", check=False)
        expect(done.returncode == 1 and "hearth.yaml:1:15" in done.stderr, done.stderr)
        expect(len(server.ask("domain", "list")) == 2, "what was served is served")
        client.ping()


def everything_is_there_with_another_number_of_shards():
    with Server(sets={"shards": 1, "auth.scram_iterations": 4096}) as server:
        server.ctl("user", "import", "-",
                   stdin="".join(f"u{i}@localhost secret\n" for i in range(20)))
        server.stop()
        server.arguments += ["--set", "shards=4"]
        server.start()
        expect(server.status()["shards"] == 4, "four shards")
        clients = [Client(server.port("c2s_tls")).login(f"u{i}") for i in range(20)]
        shards = {row["shard"] for row in server.ask("session", "list")}
        expect(len(shards) > 1, f"sessions live on {shards}")
        for i, client in enumerate(clients):
            client.send(f"<message to='u{(i + 1) % 20}@localhost' type='chat'>"
                        f"<body>from {i}</body></message>")
        for i, client in enumerate(clients):
            client.read_until(f"<body>from {(i - 1) % 20}</body>")


def a_thousand_domains_share_nothing():
    names = [f"d{i}.example" for i in range(1000)]
    with Server(config="domains: [" + ", ".join(names) + "]\n",
                sets={"auth.scram_iterations": 4096}) as server:
        expect(server.status()["domains"] == 1000, "all are served")
        server.ctl("user", "import", "-",
                   stdin="".join(f"alice@{name} of {name}\n" for name in names[:300]))
        port = server.port("c2s_tls")
        expect(len(server.ask("user", "list", "d7.example")) == 1, "each has its own alice")
        client = Client(port, "d7.example").login("alice", "of d7.example")
        try:
            Client(port, "d8.example").login("alice", "of d7.example")
        except PermissionError:
            pass
        else:
            raise AssertionError("a password of another domain was taken")
        expect([row["jid"] for row in server.ask("session", "list")] == ["alice@d7.example/test"],
               "one session")
        client.close()


def systemd_hears_of_it():
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "notify")
        ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        ear.bind(path)
        ear.settimeout(20)
        with Server(environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"}) as server:
            heard = set()
            while not {"READY=1", "WATCHDOG=1"} <= heard:
                heard.add(ear.recv(1000).decode())
            server.process.send_signal(signal.SIGHUP)
            while not any(word.startswith("RELOADING=1") for word in heard):
                heard.add(ear.recv(1000).decode())
            server.stop()
            while "STOPPING=1" not in heard:
                heard.add(ear.recv(1000).decode())


def systemd_may_bring_the_sockets():
    """As sd_listen_fds(3): descriptors from 3 on, LISTEN_PID is the process itself."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [s.getsockname()[1] for s in sockets]
    shell = ('exec 3<&"$1" 4<&"$2"; shift 2; '
             'LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=c2s_tls:c2s exec "$@"')
    with Server() as server:
        server.stop()
        # Numbers above 9 are not for a shell: move them down in the child.
        arguments = ["--data-dir", server.data, *server.arguments]
        low = [os.dup2(s.fileno(), 7 + i, inheritable=True) for i, s in enumerate(sockets)]
        process = subprocess.Popen(["sh", "-c", shell, "sh", *map(str, low), HEARTHD, *arguments],
                                   pass_fds=low, stderr=subprocess.DEVNULL)
        for fd in low:
            os.close(fd)
        try:
            wait_for("the server", lambda: server.ctl("status", check=False).returncode == 0)
            listens = server.status()["listen"]
            expect(listens["c2s_tls"] == f"127.0.0.1:{ports[0]}" and
                   listens["c2s"] == f"127.0.0.1:{ports[1]}", listens)
            expect("starttls" in Client(ports[1], tls=False).open(), "STARTTLS is offered")
            Client(ports[0]).open()
        finally:
            process.terminate()
            expect(process.wait(DEADLINE) == 0, "exit code 0")


run(clients_are_back_within_two_seconds_of_a_crash, nobody_outlives_the_supervisor,
    a_term_signal_closes_streams_politely,
    a_reload_changes_certificates_and_drops_nobody,
    everything_is_there_with_another_number_of_shards, a_thousand_domains_share_nothing,
    systemd_hears_of_it, systemd_may_bring_the_sockets)
