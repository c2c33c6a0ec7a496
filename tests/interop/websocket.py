"""A small WebSocket client (RFC 6455, RFC 7395) that says exactly what a test wants."""
import base64
import hashlib
import os
import re
import socket
import struct

from hearth import DEADLINE, unchecked_tls

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"


def handshake(port, fields=(), protocol="xmpp", tls=True, host="localhost", path="/xmpp-websocket"):
    """A connection and the answer's head: no frame is read."""
    connection = socket.create_connection(("127.0.0.1", port), DEADLINE)
    if tls:
        context = unchecked_tls()
        context.set_alpn_protocols(["http/1.1"])
        connection = context.wrap_socket(connection, server_hostname=host)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket",
             "Connection: keep-alive, Upgrade", f"Sec-WebSocket-Key: {key}",
             "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Protocol: {protocol}", *fields]
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            break
        head += byte
    accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    if head.startswith(b"HTTP/1.1 101") and f"Sec-WebSocket-Accept: {accept}" not in head.decode():
        raise ValueError("wrong Sec-WebSocket-Accept")
    return connection, head.decode()


class WebSocket:
    def __init__(self, port, **more):
        self.socket, self.head = handshake(port, **more)
        if not self.head.startswith("HTTP/1.1 101 "):
            raise ConnectionError(self.head)

    def send_frame(self, first, payload, masked=True):
        mask = os.urandom(4)
        length = len(payload)
        if length < 126:
            head = bytes([first, 0x80 * masked | length])
        elif length < 65536:
            head = bytes([first, 0x80 * masked | 126]) + struct.pack("!H", length)
        else:
            head = bytes([first, 0x80 * masked | 127]) + struct.pack("!Q", length)
        if masked:
            payload = mask + bytes(c ^ mask[i % 4] for i, c in enumerate(payload))
        self.socket.sendall(head + payload)

    def send(self, text):
        self.send_frame(0x81, text.encode())

    def read(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise ConnectionError("closed")
            data += more
        return data

    def next_frame(self):
        first, length = self.read(2)
        if length == 126:
            length, = struct.unpack("!H", self.read(2))
        elif length == 127:
            length, = struct.unpack("!Q", self.read(8))
        return first, self.read(length)

    def next(self):
        """The next text message."""
        first, payload = self.next_frame()
        if first != 0x81:
            raise ConnectionError(f"frame {first:#x} {payload!r}")
        return payload.decode()

    def next_close(self):
        """The status of the close frame, which must be next, and the end behind it."""
        first, payload = self.next_frame()
        if first != 0x88:
            raise ValueError(f"frame {first:#x} {payload!r}")
        self.send_frame(0x88, payload[:2])
        if self.socket.recv(1):
            raise ValueError("something after the close frame")
        return struct.unpack("!H", payload[:2])[0]

    def expect(self, pattern):
        message = self.next()
        if not re.search(pattern, message, re.S):
            raise ValueError(f"{pattern} is not in {message}")
        return message

    def open(self, domain="localhost"):
        self.send(f"<open xmlns='{FRAMING}' to='{domain}' version='1.0'/>")
        self.expect(f"^<open xmlns='{FRAMING}' id=")
        return self.expect("^<stream:features ")

    def login(self, user, password="secret", resource="web"):
        self.open()
        proof = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
                  f"{proof}</auth>")
        self.expect("^<success ")
        self.open()
        self.send("<iq xmlns='jabber:client' type='set' id='bind'>"
                  "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                  f"<resource>{resource}</resource></bind></iq>")
        self.expect(f"<jid>{user}@localhost/{resource}</jid>")
        self.send("<presence xmlns='jabber:client'/>")
        return self

    def close(self):
        self.socket.close()
