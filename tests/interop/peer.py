"""A slixmpp client with what the interop tests need: waiting for events, never for time."""
import asyncio
import ssl

import slixmpp

PATIENCE = 30  # seconds until a test that waits for an event fails

# What every client has to carry: Chinese, emoji, markup, and a body of 60 KB.
TEXTS = ["Hello", "你好，世界", "👋🏽 👨‍👩‍👧 🇨🇳", "<b>&amp;</b> \"quoted\" 'single' ]]>",
         "长" * 20000]


class Peer(slixmpp.ClientXMPP):
    def __init__(self, jid, password, server, direct_tls=False, plugins=()):
        super().__init__(jid, password)
        self.hearth, self.direct_tls = server, direct_tls
        self.messages = asyncio.Queue()
        self.stanzas = asyncio.Queue()
        self.is_up = asyncio.get_event_loop().create_future()
        self.ssl_context.check_hostname = False
        self.ssl_context.verify_mode = ssl.CERT_NONE
        for plugin in plugins:
            self.register_plugin(plugin)
        self.add_event_handler("session_start", self.on_start)
        self.add_event_handler("failed_auth", lambda _: self.on_failure("login refused"))
        self.add_event_handler("connection_failed", lambda e: self.on_failure(str(e)))
        self.add_event_handler("message", self.on_message)
        self.presences = self.listen("presence")
        self.errors = self.listen("message_error")

    async def on_start(self, _):
        await self.get_roster()
        self.send_presence()
        self.is_up.set_result(True)

    def on_failure(self, why):
        if not self.is_up.done():
            self.is_up.set_exception(RuntimeError(f"{self.boundjid}: {why}"))

    def on_message(self, message):
        self.messages.put_nowait((message["from"], message["type"], message["body"]))

    async def up(self):
        if self.direct_tls:
            self.connect(("127.0.0.1", self.hearth.port("c2s_tls")), use_ssl=True)
        else:
            self.connect(("127.0.0.1", self.hearth.port()))
        await asyncio.wait_for(asyncio.shield(self.is_up), PATIENCE)
        return self

    async def again(self):
        """Leaves, if it is there, and comes back with what it remembers."""
        if self.is_connected():
            await self.down()
        self.is_up = asyncio.get_event_loop().create_future()
        return await self.up()

    async def next_body(self):
        return await asyncio.wait_for(self.messages.get(), PATIENCE)

    def listen(self, event):
        """A queue of everything that happens under this name from now on."""
        queue = asyncio.Queue()
        self.add_event_handler(event, queue.put_nowait)
        return queue

    async def sees(self, sender, kind, status=None):
        """The next presence of this type from this address, full or bare."""
        return await take(self.presences, lambda p: sender in (p["from"].full, p["from"].bare) and
                          p["type"] == kind and status in (None, p["status"]))

    async def expect(self, event, when=lambda _: True):
        """The next event of this name for which `when` holds."""
        found = asyncio.get_event_loop().create_future()

        def heard(data):
            if not found.done() and when(data):
                found.set_result(data)
        self.add_event_handler(event, heard)
        try:
            return await asyncio.wait_for(found, PATIENCE)
        finally:
            self.del_event_handler(event, heard)

    async def down(self):
        await self.disconnect()


async def take(queue, when=lambda _: True):
    """The next of a queue for which `when` holds; what comes before it is dropped."""
    while True:
        heard = await asyncio.wait_for(queue.get(), PATIENCE)
        if when(heard):
            return heard


def run(main):
    """Runs to the end and takes down what slixmpp leaves behind."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(main)
    leftover = asyncio.all_tasks(loop)
    for task in leftover:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*leftover, return_exceptions=True))
    loop.close()
