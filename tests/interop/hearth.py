"""What the tests of the whole program share: a server in a directory of its own, hearthctl, and a
small XMPP client that says exactly what a test wants. Debian's own Python, nothing else."""
import base64
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

HEARTHD = os.path.abspath(os.environ.get("HEARTHD", "build/hearthd"))
HEARTHCTL = os.path.abspath(os.environ.get("HEARTHCTL", "build/hearthctl"))
# Seconds that anything may take; a sanitizer needs more.
DEADLINE = int(os.environ.get("HEARTH_DEADLINE", "20"))


def wait_for(what, condition):
    """Asks again and again; the answer, or an error that names what was waited for."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.01)
    raise TimeoutError(what)


class Server:
    """hearthd on free ports of the loopback address; stopped and removed at the end."""

    def __init__(self, *arguments, config=None, environment=None, sets=None, data_dir=None):
        self.home = data_dir or tempfile.mkdtemp(prefix="hearth-test-")
        self.data = os.path.join(self.home, "data")
        self.log_path = os.path.join(self.home, "log")
        self.config_path = os.path.join(self.home, "hearth.yaml")
        self.arguments = list(arguments)
        self.environment = environment or {}
        if config is not None:
            self.write_config(config)
            self.arguments += ["-c", self.config_path]
        for name, value in {"listen.c2s": "127.0.0.1:0", "listen.c2s_tls": "127.0.0.1:0",
                            "listen.http": "127.0.0.1:0", "listen.https": "127.0.0.1:0",
                            **(sets or {})}.items():
            self.arguments += ["--set", f"{name}={value}"]
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                self.process.kill()
        if kind:
            print(self.log())
        shutil.rmtree(self.home, ignore_errors=True)

    def write_config(self, text):
        with open(self.config_path, "w", encoding="utf-8") as out:
            out.write(text)

    def start(self, **more):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [HEARTHD, "--data-dir", self.data, *self.arguments], stdout=log, stderr=log,
                env={**os.environ, "LANG": "C", **self.environment}, **more)
        wait_for("the server to be ready", self.is_ready)

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"hearthd ended with {self.process.returncode}:\n{self.log()}")
        return "server.ready" in self.log().rpartition("server.stopping")[2]

    def stop(self):
        self.process.terminate()
        return self.process.wait(DEADLINE)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def ctl(self, *arguments, stdin="", check=True, language="C"):
        done = subprocess.run([HEARTHCTL, "--data-dir", self.data, *arguments], input=stdin,
                              capture_output=True, text=True, timeout=60,
                              env={**os.environ, "LANG": language, "LC_ALL": language})
        if check and done.returncode != 0:
            raise RuntimeError(f"hearthctl {arguments}: {done.stderr}{done.stdout}")
        return done

    def ask(self, *arguments, **more):
        return json.loads(self.ctl("--json", *arguments, **more).stdout)

    def status(self):
        return self.ask("status")

    def port(self, kind="c2s"):
        return int(self.status()["listen"][kind].rpartition(":")[2])

    def add_user(self, jid, password="secret"):
        self.ctl("user", "add", jid, stdin=password + "\n")


def unchecked_tls():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["xmpp-client"])
    return context


class Client:
    """Direct TLS unless told otherwise, PLAIN, bind. Reads until what it was told to wait for."""

    def __init__(self, port, domain="localhost", tls=True):
        self.domain = domain
        self.text = ""
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE)
        if tls:
            self.socket = unchecked_tls().wrap_socket(self.socket, server_hostname=domain)

    def send(self, text):
        self.socket.sendall(text.encode())

    def read_until(self, pattern):
        """Returns what came up to and with the pattern, and forgets it."""
        while not (found := re.search(pattern, self.text, re.S)):
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError(f"closed while waiting for {pattern}: {self.text}")
            self.text += data.decode()
        self.text, said = self.text[found.end():], self.text[:found.end()]
        return said

    def open(self):
        self.send(f"<?xml version='1.0'?><stream:stream to='{self.domain}' version='1.0' "
                  "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
        return self.read_until("</stream:features>")

    def login(self, user, password="secret", resource="test"):
        self.open()
        proof = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
                  f"{proof}</auth>")
        if "<failure" in self.read_until("<success[^>]*>|</failure>"):
            raise PermissionError(user)
        self.open()
        self.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                  f"<resource>{resource}</resource></bind></iq>")
        self.read_until("</jid></bind></iq>")
        self.send("<presence/>")
        self.ping()
        return self

    def ping(self):
        self.send("<iq type='get' id='ping'><ping xmlns='urn:xmpp:ping'/></iq>")
        return self.read_until("<iq[^>]*id=[\"']ping[\"'][^>]*>")

    def close(self):
        self.socket.close()


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def run(*tests):
    """Runs the functions given, in order; an exception ends the program with exit code 1."""
    for test in tests:
        start = time.monotonic()
        test()
        print(f"ok {test.__name__} ({time.monotonic() - start:.1f} s)")
