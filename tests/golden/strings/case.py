"""Payload as text: contains, matches, upper, lower, len; bytes that are no text come as hex, quotes escaped.

data.data is null where the payload is empty.
"""
import oracle
from pcapmaker import MS, packet
from shared import A, B, second

TEXTS = [b"GET /a HTTP/1.1", b"get /b", "gr\u00fc\u00df \"x\" \\".encode(), b"\xff\x00\x01", b"line\nnext\tend", b"POST /zorro", b""]


def packets():
    return [packet(second(0) + i * MS, A, B, udp=(i, 9), payload=t) for i, t in enumerate(TEXTS)]


def expected(packets):
    upper = bytes.maketrans(bytes(range(97, 123)), bytes(range(65, 91)))
    lower = bytes.maketrans(bytes(range(65, 91)), bytes(range(97, 123)))
    return oracle.select(packets, [
        "payload", ("data.data", lambda p: p["payload"] or None), ("up", lambda p: p["payload"].translate(upper)), ("low", lambda p: p["payload"].translate(lower)),
        ("n", lambda p: len(p["payload"])), ("zorro", lambda p: b"zorro" in p["payload"]),
        ("http", lambda p: p["payload"].startswith((b"GET /", b"POST /")))])
