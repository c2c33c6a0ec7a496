"""A screen without a monitor, for the tests of graphical clients: namespaces of its own, where port
5222 and the trusted certificates are the test's; Xvfb, a session bus, keys, and the texts on screen
read through the accessibility bus, as a screen reader does."""
import asyncio
import atexit
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

from hearth import DEADLINE, Server, wait_for

SKIPPED = 77
PICTURES = "build-test/pictures"
STAGE = "HEARTH_TEST_STAGE"


def enter_namespaces(domain):
    """Starts this program again with its own network, mounts and processes, all of which end with
    it, as an ordinary user; with a certificate for the domain by an authority that everything in
    there trusts. Returns a directory with cert.pem and key.pem, removed at the end. Skips the test
    where the machine does not allow that."""
    stage = os.environ.get(STAGE)
    outer = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    inner = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    if stage is None:
        if os.getuid() != 0:
            outer.append("--map-root-user")
        if subprocess.run([*outer, *inner, "true"], check=False).returncode != 0:
            print("no namespaces on this machine")
            sys.exit(SKIPPED)
        start_again(outer, "root")
    if stage == "root":
        home = tempfile.mkdtemp(prefix="hearth-gui-")
        start_loopback()
        make_certificates(home, domain)
        start_again(inner, home)
    return stage


def start_again(words, stage):
    os.environ[STAGE] = stage
    os.execvp(words[0], [*words, sys.executable, *sys.argv])


def start_loopback():
    with socket.socket() as any_socket:
        up = struct.pack("16sH14x", b"lo", 0x1 | 0x40)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(any_socket, 0x8914, up)  # SIOCSIFFLAGS


def make_certificates(home, domain):
    def path(name):
        return os.path.join(home, name)

    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, stderr=subprocess.DEVNULL)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    openssl("req", "-x509", *curve, "-keyout", path("ca.key"), "-out", path("ca.pem"),
            "-subj", "/CN=Test authority")
    openssl("req", "-x509", *curve, "-keyout", path("key.pem"), "-out", path("cert.pem"),
            "-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-subj", f"/CN={domain}",
            "-addext", f"subjectAltName=DNS:{domain}",
            "-addext", "basicConstraints=critical,CA:FALSE")
    os.makedirs(path("trusted"))
    shutil.copy(path("ca.pem"), path("trusted/ca-certificates.crt"))
    subprocess.run(["mount", "--bind", path("trusted"), "/etc/ssl/certs"], check=True)


def make_server(home):
    """Where clients look for one by themselves."""
    return Server(sets={"listen.c2s": "127.0.0.1:5222", "tls.certificate": home + "/cert.pem",
                        "tls.key": home + "/key.pem"})


class Screen:
    """Xvfb and a session bus, until the end of the program."""

    def __init__(self, home, width=1200, height=800):
        self.home = home
        self.environment = {
            **os.environ, "HOME": home, "LANG": "C.UTF-8",
            "XDG_DATA_HOME": home + "/share", "XDG_CONFIG_HOME": home + "/config",
            "XDG_CACHE_HOME": home + "/cache", "XDG_RUNTIME_DIR": home + "/run",
            "NO_AT_BRIDGE": "0", "GTK_A11Y": "atspi", "GSETTINGS_BACKEND": "memory",
            "LIBGL_ALWAYS_SOFTWARE": "1", "GDK_BACKEND": "x11", "GSK_RENDERER": "cairo"}
        os.makedirs(home + "/run", mode=0o700)
        self.log = open(os.path.join(home, "screen.log"), "ab")
        self.processes = []
        atexit.register(self.close)
        self.environment["DISPLAY"] = ":" + self.start_xvfb(f"{width}x{height}x24")
        bus = f"unix:path={home}/run/bus"
        self.start("dbus-daemon", "--session", "--nofork", f"--address={bus}")
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = bus
        wait_for("the session bus", lambda: os.path.exists(home + "/run/bus"))
        os.environ.update(self.environment)

    def start(self, *words, **more):
        process = subprocess.Popen(words, env=self.environment, stdout=self.log, stderr=self.log,
                                   **more)
        self.processes.append(process)
        return process

    def start_xvfb(self, size):
        """Xvfb looks for a free number and writes it when it is ready."""
        ready, number = os.pipe()
        self.start("Xvfb", "-displayfd", str(number), "-screen", "0", size, "-nolisten", "tcp",
                   pass_fds=[number])
        os.close(number)
        with open(ready, encoding="ascii") as answer:
            return answer.readline().strip()

    def close(self):
        """The newest first: Xvfb takes its lock file along."""
        for process in reversed(self.processes):
            process.terminate()
            process.wait(DEADLINE)
        shutil.rmtree(self.home, ignore_errors=True)

    def xdotool(self, *words):
        subprocess.run(["xdotool", *map(str, words)], check=True, env=self.environment)

    def click(self, x, y, times=1):
        self.xdotool("mousemove", x, y, "click", "--repeat", times, "--delay", 80, 1)

    def hover(self, x, y):
        """A tooltip comes half a second after the mouse has come to rest."""
        self.xdotool("mousemove", x + 400, y + 300, "sleep", 0.2, "mousemove", x, y,
                     "mousemove_relative", 1, 1, "sleep", 0.8)

    def types(self, text):
        self.xdotool("type", "--delay", 20, text)

    def presses(self, *keys):
        self.xdotool("key", *keys)

    def picture(self, name):
        os.makedirs(PICTURES, exist_ok=True)
        path = os.path.join(PICTURES, name + ".png")
        subprocess.run(["import", "-window", "root", path], check=True, env=self.environment)


def texts():
    """All texts that applications show now."""
    import pyatspi  # finds its bus when it is imported
    return [text for application in pyatspi.Registry.getDesktop(0)
            for window in application for text in texts_under(window, pyatspi.STATE_VISIBLE)]


def texts_under(node, visible):
    try:
        if not node.getState().contains(visible):
            return
        yield from filter(None, {node.name, own_text(node)})
        for child in node:
            if child:
                yield from texts_under(child, visible)
    except RuntimeError:
        return  # what was on screen a moment ago may be gone


def own_text(node):
    try:
        return node.queryText().getText(0, -1)
    except NotImplementedError:
        return ""


async def shows(*wanted, but=(), again=lambda: None):
    """Waits until all these texts are on the screen, and none of the others. What `again` does
    is repeated each time that they are not: moving the mouse there, for instance."""
    end = time.monotonic() + DEADLINE
    while True:
        again()
        await asyncio.sleep(0.1)
        seen = texts()
        if set(wanted) <= set(seen) and not set(but) & set(seen):
            return
        if time.monotonic() > end:
            raise TimeoutError(f"waiting for {wanted}, not {but}, on a screen that shows {seen}")
