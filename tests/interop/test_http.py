#!/usr/bin/python3
"""HTTP on the web ports, by curl and by hand: pages, conditions, refusals, XMPP on the same port."""
import socket
import subprocess

from hearth import DEADLINE, Client, Server, expect, run, unchecked_tls

server = Server(config="domains:\n  localhost:\n  example.org:\n")
ports = {}


def curl(path, *arguments, kind="https"):
    """Status, fields (names in lower case) and body."""
    done = subprocess.run(["curl", "-sik", "--max-time", str(DEADLINE), *arguments,
                           f"{kind}://localhost:{ports[kind]}{path}"],
                          capture_output=True, text=True, check=True)
    head, _, body = done.stdout.partition("\n\n")
    lines = head.splitlines()
    fields = {name.lower(): value.strip() for name, _, value in (i.partition(":") for i in lines[1:])}
    return int(lines[0].split()[1]), fields, body


def say(text, kind="http"):
    """Everything that the server answers to these bytes until it closes."""
    connection = socket.create_connection(("127.0.0.1", ports[kind]), DEADLINE)
    with connection:
        connection.sendall(text.encode("latin-1"))
        connection.settimeout(DEADLINE)
        answer = b""
        while data := connection.recv(65536):
            answer += data
    return answer.decode()


def the_page_is_shown():
    for kind in ("http", "https"):
        status, fields, body = curl("/", kind=kind)
        expect(status == 200 and "<h1>localhost</h1>" in body, body)
        expect(fields["content-type"] == "text/html; charset=utf-8", fields)
        expect("default-src 'none'" in fields["content-security-policy"], fields)
        expect(fields["x-content-type-options"] == "nosniff", fields)
        expect(f"localhost:{server.port('c2s')}" in body, body)
        expect("access-control-allow-origin" not in fields, fields)
    body = curl("/", "-H", "Accept-Language: zh")[2]
    expect('<html lang="zh">' in body and "如何连接" in body, body)
    status, fields, body = curl("/web/style-1.css")
    expect(status == 200 and "immutable" in fields["cache-control"] and "font" in body, fields)


def conditions_and_ranges_work():
    etag = curl("/")[1]["etag"]
    status, fields, body = curl("/", "-H", f"If-None-Match: {etag}")
    expect((status, body) == (304, "") and fields["etag"] == etag, (status, fields))
    expect(curl("/", "-H", "If-None-Match: \"x\"")[0] == 200, "another tag")
    status, fields, body = curl("/", "-r", "0-14")
    expect((status, body) == (206, "<!doctype html>"), (status, body))
    expect(fields["content-range"].startswith("bytes 0-14/"), fields)
    expect(curl("/", "-r", "100000-")[0] == 416, "a range behind the end")
    status, fields, body = curl("/", "-I")
    expect(status == 200 and int(fields["content-length"]) > 100 and body == "", (status, body))


def what_is_not_there_is_refused():
    expect(curl("/none")[0] == 404, "404")
    status, fields, _ = curl("/", "-X", "POST", "-d", "x")
    expect(status == 405 and fields["allow"] == "GET, HEAD", fields)
    for path in ("/../etc/passwd", "/web/%2e%2e/x", "//", "/web//style-1.css", "/%00", "/a%5c..",
                 "/web/..%2fstyle-1.css"):
        expect(curl(path, "--path-as-is")[0] == 400, path)


def the_ambiguous_is_answered_and_closed():
    get = "GET / HTTP/1.1\r\nHost: localhost\r\n"
    for text, status in {
            "GET / HTTP/1.1\n\n": 400,
            "GET / HTTP/1.1\r\n\r\n": 400,
            get + "Host: b\r\n\r\n": 400,
            get + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n": 400,
            get + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n": 400,
            get + "Transfer-Encoding : chunked\r\n\r\n": 400,
            get + "Transfer-Encoding: gzip, chunked\r\n\r\n": 501,
            get + " folded\r\n\r\n": 400,
            get + "A: \0\r\n\r\n": 400,
            "GET http://other.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n": 400,
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n": 505,
            get + "Content-Length: 5\r\n\r\n": 413,
            get + "A: b\r\n" * 65 + "\r\n": 431,
            "GET /" + "a" * 8001 + " HTTP/1.1\r\nHost: a\r\n\r\n": 414,
            get + "A: " + "a" * 17000: 431}.items():
        # what hides behind it must not be answered
        answer = say(text + get + "\r\n")
        expect(answer.startswith(f"HTTP/1.1 {status} "), (text[:80], answer))
        expect(answer.count("HTTP/1.1") == 1 and "Connection: close" in answer, answer)


def pipelined_requests_are_answered_in_order():
    answer = say("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
                 "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    expect([i[:3] for i in answer.split("HTTP/1.1 ")[1:]] == ["404", "200", "404"], answer)


def host_meta_is_found():
    for path, kind in (("host-meta", "application/xrd+xml"), ("host-meta.json", "application/json")):
        status, fields, body = curl(f"/.well-known/{path}", "-H", "Host: example.org")
        expect(status == 200 and fields["content-type"] == kind, fields)
        expect(fields["access-control-allow-origin"] == "*", fields)
        expect("wss://example.org/xmpp-websocket" in body, body)
        expect(curl(f"/.well-known/{path}", "-H", "Host: other.example")[0] == 404, "other")


def xmpp_is_on_the_same_port():
    Client(ports["https"]).login("alice").close()  # ALPN xmpp-client
    client = Client(ports["https"], tls=False)
    context = unchecked_tls()
    context.set_alpn_protocols(["http/1.1"])
    client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
    client.login("alice")  # by the first byte
    client.close()
    client = Client(ports["http"], tls=False)
    expect("<starttls" in client.open(), "XMPP in plain has STARTTLS")
    client.close()
    expect(say("\x16\x03\x01\x02\x00\x01") == "", "TLS on the plain port")


with server:
    server.add_user("alice@localhost")
    ports.update({kind: server.port(kind) for kind in ("http", "https")})
    run(the_page_is_shown, conditions_and_ranges_work, what_is_not_there_is_refused,
        the_ambiguous_is_answered_and_closed, pipelined_requests_are_answered_in_order,
        host_meta_is_found, xmpp_is_on_the_same_port)
