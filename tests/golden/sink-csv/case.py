"""csv: a head line, then one row a line; null is empty, text that holds a comma or a quote is quoted (RFC 4180)."""
from pcapmaker import MS, packet
from shared import A, A6, B, B6, second


def packets():
    t = second(0)
    return [packet(t, A, B, udp=(1, 2), payload=b'say "a,b"'), packet(t + MS, A6, B6, tcp=(3, 4, "S"), payload=b"x"),
            packet(t + 2 * MS, A, B, icmp=(8, 0)), packet(t + 3 * MS, A, B, udp=(5, 6), payload=b"plain")]
