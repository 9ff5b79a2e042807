"""A capture that was cut short: lengths are those on the wire, and what is past the cut is null, or counted."""
import oracle
from pcapmaker import MS, packet
from shared import A, B, second

STATS = {"received": {"packets": 4, "bytes": 1514 + 1514 + 142 + 54}, "decode": {"l4_truncated": 1}}


def packets():
    t = second(0)
    full = packet(t, A, B, tcp=(1, 2, "A"), payload=b"p" * 1460, cap=96)
    full.fields["payload"] = b"p" * 42
    cut = packet(t + MS, A, B, udp=(3, 4), payload=b"p" * 1472, cap=38)  # 4 bytes of the UDP header
    for name in ("payload", "payload.len", "udp.length"):
        cut.fields[name] = None
    return [full, cut, packet(t + 2 * MS, A, B, udp=(5, 6), payload=b"p" * 100, cap=142),
            packet(t + 3 * MS, A, B, tcp=(7, 8, "S"))]


def expected(packets):
    return oracle.select(packets, ["frame.len", "frame.cap_len", "ip.len", "tcp.len", "payload.len", "payload"],
                         lambda p: not (p["udp"] and p["payload.len"] is None))
