#!/usr/bin/python3
"""The worker dies under 200 clients, again and again; the supervisor is killed. Who comes back is
let in within two seconds, and nobody is left behind holding ports or data."""
import os
import signal
import time

from chaos import SEED, Chaos, Client, expect, run, socket, wait_for

CLIENTS = 200
# These deaths are ours: a sanitizer shall not report them.
QUIET = {name: os.environ.get(name, "") + ":handle_segv=0"
         for name in ("ASAN_OPTIONS", "TSAN_OPTIONS")}


def lose(clients):
    for client in clients:
        try:
            client.read_until("never said")
        except OSError:
            client.close()


def die(server, signal_number):
    """Returns the time of death, when the worker is certainly gone."""
    worker = server.worker()
    start = time.monotonic()
    os.kill(worker, signal_number)
    wait_for("the death", lambda: not os.path.exists(f"/proc/{worker}"))
    return start


def all_are_back_within_two_seconds():
    with Chaos(environment=QUIET) as server:
        server.add_users("u", CLIENTS)
        port, plain = server.port("c2s_tls"), server.port("c2s")
        clients = [Client(port).login(f"u{i}", "benchmark") for i in range(20)]
        clients += [Client(plain, tls=False).login(f"u{i}", "benchmark")
                    for i in range(20, CLIENTS)]
        start = die(server, signal.SIGSEGV)
        Client(port).login("u0", "benchmark")
        first = time.monotonic() - start
        expect(first < 2, f"the first is back after {first:.2f} s")
        lose(clients)
        begin = time.monotonic()
        clients = [Client(plain, tls=False).login(f"u{i}", "benchmark") for i in range(CLIENTS)]
        print(f"  first login {first:.2f} s after the crash, {CLIENTS} one after the other in "
              f"{time.monotonic() - begin:.1f} s")
        expect(len(server.ask("session", "list")) == CLIENTS, "each is there once")
        for client in clients:
            client.close()
        wait_for("all to be gone", server.is_empty)
        server.judge(allowed=("worker.died",))


def crashes_in_a_row_are_answered_more_slowly():
    """At once, then after 1 and 2 seconds; the back-off is on record, a stop ends it."""
    with Chaos(environment=QUIET) as server:
        server.add_users("u", 1)
        port, waits = server.port("c2s_tls"), []
        for _ in range(3):
            start = die(server, signal.SIGSEGV)
            Client(port).login("u0", "benchmark").close()
            waits.append(time.monotonic() - start)
        print("  back after " + ", ".join(f"{wait:.2f}" for wait in waits) + " s")
        expect(waits[0] < 2 and 1 <= waits[1] < 4 and 2 <= waits[2] < 5, waits)
        die(server, signal.SIGKILL)
        expect(server.stop() == 0, "a stop while no worker lives")
        expect("restart_ms=4000" in server.log(), server.log())


def nobody_outlives_the_supervisor():
    """Idle and full of clients, also those that do not read: the worker goes, and soon."""
    for count in (0, 50):
        with Chaos(environment=QUIET) as server:
            server.add_users("u", 50)
            port, worker = server.port("c2s_tls"), server.worker()
            clients = [Client(port).login(f"u{i}", "benchmark") for i in range(count)]
            server.process.kill()
            server.process.wait()
            start = time.monotonic()
            wait_for("the worker to go", lambda pid=worker: not os.path.exists(f"/proc/{pid}"))
            took = time.monotonic() - start
            print(f"  with {count} clients the worker is gone after {took:.2f} s")
            expect(took < 10, "the worker lives on")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                raise AssertionError("somebody listens still")
            except ConnectionRefusedError:
                pass
            for client in clients:
                client.close()
            # The next one takes over: nothing is locked, nothing was lost.
            server.start()
            Client(server.port("c2s_tls")).login("u0", "benchmark").close()
            server.judge(allowed=("worker.died",))


def a_stuck_worker_does_not_outlive_the_supervisor():
    with Chaos(environment=QUIET) as server:
        worker = server.worker()
        os.kill(worker, signal.SIGSTOP)
        server.process.kill()
        server.process.wait()
        os.kill(worker, signal.SIGCONT)
        wait_for("the worker to go", lambda: not os.path.exists(f"/proc/{worker}"))


print(f"CHAOS_SEED={SEED}")
run(all_are_back_within_two_seconds, crashes_in_a_row_are_answered_more_slowly,
    nobody_outlives_the_supervisor, a_stuck_worker_does_not_outlive_the_supervisor)
