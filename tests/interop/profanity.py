"""profanity, unmodified, in a terminal of tmux's: types, and looks at the screen."""
import os
import subprocess

from hearth import wait_for

WIDTH, HEIGHT = 200, 60


class Profanity:
    """One profanity on a tmux server of its own."""

    def __init__(self, home):
        self.home = home
        self.socket = os.path.join(home, "tmux")
        self.tmux("new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT),
                  "env", f"HOME={home}", f"XDG_CONFIG_HOME={home}/config",
                  f"XDG_DATA_HOME={home}/share", "LANG=C.UTF-8", "TERM=screen", "profanity")
        self.sees("Profanity")

    def tmux(self, *words, **more):
        return subprocess.run(["tmux", "-u", "-S", self.socket, "-f", "/dev/null", *words],
                              check=True, stdout=subprocess.PIPE, encoding="utf-8",
                              env={**os.environ, "LANG": "C.UTF-8"}, **more).stdout

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def sees(self, text):
        wait_for(f"profanity to show {text!r} in:\n{self.screen()}",
                 lambda: text in self.screen())

    def types(self, text):
        self.tmux("load-buffer", "-", input=text)
        self.tmux("paste-buffer")
        self.tmux("send-keys", "Enter")

    def connects(self, user, password, port):
        self.types(f"/connect {user} server 127.0.0.1 port {port} tls trust")
        self.sees("Enter password")
        self.types(password)
        self.sees("logged in successfully")

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], check=False,
                       stderr=subprocess.DEVNULL)
