#!/usr/bin/python3
"""XMPP over WebSocket: a hand-made client chats with slixmpp; origins, close codes, bad frames."""
import asyncio
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from hearth import Server, expect, run
from peer import TEXTS, Peer
from websocket import WebSocket, handshake

server = Server(sets={"shards": 2})
ports = {}


async def with_slixmpp():
    bob = await Peer("bob@localhost/desk", "secret", server, direct_tls=True).up()
    web = await asyncio.to_thread(lambda: WebSocket(ports["https"]).login("alice"))

    def next_body():
        while "<body>" not in (message := web.next()):
            pass
        return ElementTree.fromstring(message).findtext("{jabber:client}body")

    for text in TEXTS:
        web.send("<message xmlns='jabber:client' to='bob@localhost/desk' type='chat'>"
                 f"<body>{escape(text)}</body></message>")
        sender, _, body = await bob.next_body()
        expect((sender.full, body) == ("alice@localhost/web", text), (sender, body))
        bob.send_message("alice@localhost/web", text, mtype="chat")
        expect(await asyncio.to_thread(next_body) == text, text)
    web.close()
    bob.abort()


def it_chats_with_slixmpp():
    asyncio.run(with_slixmpp())


def a_stream_closes_properly():
    for tls in (True, False):
        web = WebSocket(ports["https" if tls else "http"], tls=tls).login("alice", resource="x")
        web.send("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>")
        while not web.next().startswith("<close "):
            pass
        expect(web.next_close() == 1000, "status")


def long_messages_pass():
    web = WebSocket(ports["https"]).login("alice")
    for length in (1, 100, 1000, 70000, 200000):
        web.send("<message xmlns='jabber:client' to='alice@localhost/web' type='chat'>"
                 f"<body>{'x' * length}</body></message>")
        while "<body>" not in (message := web.next()):
            pass
        expect("x" * length in message, length)
    web.send_frame(0x89, b"there?")
    expect(web.next_frame() == (0x8a, b"there?"), "pong")
    web.close()


def bad_frames_have_their_status():
    for first, payload, masked, status in ((0x81, b"<a/>", False, 1002), (0x82, b"<a/>", True, 1003),
                                           (0x83, b"<a/>", True, 1002), (0x81, b"\xff", True, 1007),
                                           (0xc1, b"<a/>", True, 1002), (0x09, b"x", True, 1002),
                                           (0x88, b"\x03\xe8", True, 1000)):
        web = WebSocket(ports["http"], tls=False)
        web.send_frame(first, payload, masked)
        expect(web.next_close() == status, (first, status))
    web = WebSocket(ports["http"], tls=False)
    web.send("<a>" + "x" * 11000)
    web.expect("^<open ")
    web.expect("policy-violation")
    web.expect("^<close ")
    expect(web.next_close() == 1009, "too large")


def only_known_origins_come_in():
    own = f"https://localhost:{ports['https']}"
    for origin, status in ((own, 101), ("https://evil.example", 403), ("null", 403),
                           ("https://chat.example", 101)):
        head = handshake(ports["https"], fields=[f"Origin: {origin}"])[1]
        expect(head.startswith(f"HTTP/1.1 {status} "), (origin, head))
    expect(" 400 " in handshake(ports["https"], protocol="chat")[1], "another sub-protocol")


server.arguments += ["--set", "web.origins=https://chat.example"]
with server:
    for user in ("alice@localhost", "bob@localhost"):
        server.add_user(user)
    ports.update({kind: server.port(kind) for kind in ("http", "https")})
    run(it_chats_with_slixmpp, a_stream_closes_properly, long_messages_pass,
        bad_frames_have_their_status, only_known_origins_come_in)
