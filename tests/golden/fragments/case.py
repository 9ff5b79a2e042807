"""Fragments: the first piece has its ports, the others 0; IPv6 ones have the protocol behind the fragment header."""
import oracle
from pcapmaker import MS, packet
from shared import A, A6, B, B6, second


def packets():
    t = second(0)
    return [
        packet(t, A, B, udp=(700, 800), payload=b"a" * 1472, ident=1, frag=(0, True)),
        packet(t + MS, A, B, udp=(700, 800), payload=b"b" * 1480, ident=1, frag=(1480, True)),
        packet(t + 2 * MS, A, B, udp=(700, 800), payload=b"c" * 9, ident=1, frag=(2960, False)),
        packet(t + 3 * MS, A6, B6, tcp=(700, 800, "A"), payload=b"d" * 1400, ident=99, frag=(0, True)),
        packet(t + 4 * MS, A6, B6, tcp=(700, 800, "A"), payload=b"e" * 8, ident=99, frag=(1424, False)),
        packet(t + 5 * MS, A6, B6, udp=(1, 2), payload=b"f", ident=100, frag=(0, False)),
    ]


def expected(packets):
    return oracle.select(packets, ["ip.src", "ip.proto", "ip.len", "ip.id", "ip.frag_offset", "ip.flags.mf", "srcport",
                                   "dstport", "tcp.srcport", "udp.dstport"])
