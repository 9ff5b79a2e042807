"""ip.proto of IPv6 is what follows hop-by-hop, routing, fragment and destination options; AH ends the walk."""
import oracle
from pcapmaker import MS, packet
from shared import A6, B6, second

PAD = b"\x01\x04\0\0\0\0"  # PadN over the rest of eight bytes
ROUTE = b"\x04\0" + bytes(4)  # routing type 4, no segments left
HOP, ROUTING, DST, AH = 0, 43, 60, 51


def packets():
    t = second(0)
    return [
        packet(t, A6, B6, udp=(10, 20), ext=[(HOP, PAD)]),
        packet(t + 1 * MS, A6, B6, udp=(11, 20), ext=[(HOP, PAD), (DST, PAD), (ROUTING, ROUTE), (DST, PAD)]),
        packet(t + 2 * MS, A6, B6, tcp=(12, 20, "S"), ext=[(DST, PAD)], frag=(0, True), ident=5),
        packet(t + 3 * MS, A6, B6, icmp=(128, 0), ext=[(HOP, PAD)], payload=b"x" * 8),
        packet(t + 4 * MS, A6, B6, raw=AH, payload=bytes([6, 4]) + bytes(22)),
        packet(t + 5 * MS, A6, B6, raw=59),
    ]


def expected(packets):
    return oracle.select(packets, ["ip.proto", "srcport", "dstport", "udp.srcport", "tcp.flags.syn", "icmp.type",
                                   "ip.len"])
