"""Fields of what tunnels carry, and of the outer headers where the tunnel is not named, carries no packet or rides in a
later fragment. A filter stays on the bytes: the host and port that it leaves out are in inner headers alone."""
import struct

import oracle
import pcapmaker as pm
from shared import A, A6, B, B6, C, second

X, Y, X6, Y6 = "198.51.100.1", "198.51.100.2", "2001:db8:f::1", "2001:db8:f::2"
INNER = ("02:00:00:00:01:0a", "02:00:00:00:01:0b")
VXLAN = struct.pack("!II", 0x08000000, 7 << 8)


def carry(inner, head, **how):
    """A packet whose fields are those of inner, with the link headers of the outer one that it has not."""
    outer = pm.packet(inner.t, X, how.pop("dst", Y), payload=head + inner.data, **how)
    link = {f: v for f, v in outer.fields.items() if f.split(".")[0] in ("eth", "vlan")}
    return pm.Packet(inner.t, outer.data, {**link, **inner.fields})


def raw(t, *ends, **what):
    return pm.packet(t, *ends, link=pm.LINK_RAW, **what)


def gtpu(inner):
    return struct.pack("!BBHIHBB", 0x34, 0xff, len(inner.data) + 8, 9, 0, 0, 0x85) + struct.pack("!BBBB", 1, 0, 5, 0)


def packets():
    t = [second(i) for i in range(20)]
    user = raw(t[6], A, B, udp=(5000, 53), payload=b"u" * 20)
    arp = pm.packet(t[12], A, B, arp=2, eth=INNER)
    return [
        carry(pm.packet(t[0], A, B, tcp=(40000, 80, "S"), eth=INNER), VXLAN, udp=(50000, 4789)),
        carry(pm.packet(t[1], A6, B6, tcp=(40000, 443, "PA"), payload=b"x" * 99, eth=INNER, vlan=[(9, 2)]), VXLAN,
              udp=(50001, 8472), vlan=[(100, 3)]),
        carry(pm.packet(t[2], B, A, udp=(53, 5000), payload=b"a", eth=INNER), struct.pack("!BBHI", 1, 0, 0x6558, 7 << 8) + b"\0\1\0\0",
              udp=(50002, 6081), vlan=[(100, 3)]),
        carry(raw(t[3], A, B, tcp=(1, 2, "SA")), struct.pack("!HH", 0, 0x0800), raw=47),
        carry(raw(t[4], A6, B6, udp=(3, 4), payload=b"yy"), struct.pack("!HHIII", 0xb000, 0x86dd, 0, 5, 6), raw=47),
        carry(pm.packet(t[5], A, C, icmp=(8, 0), eth=INNER), struct.pack("!HH", 0, 0x6558), raw=47),
        carry(user, gtpu(user), udp=(2152, 2152)),
        carry(raw(t[7], A, B, tcp=(5, 6, "R")), b"", raw=4),
        carry(raw(t[8], A6, B6, tcp=(7, 8, "R")), b"", raw=41),
        carry(raw(t[9], A, B, sctp=(7, 9, 1)), struct.pack("!I", 5 << 12 | 0x140), udp=(50003, 6635)),
        # not named; a VXLAN header without its flag; ARP; nothing that is IP; a later fragment
        pm.packet(t[10], X, Y, raw=51, payload=raw(t[10], A, B, udp=(1, 1)).data),
        pm.packet(t[11], X, Y, udp=(50000, 4789), payload=bytes(8) + user.data),
        carry(arp, VXLAN, udp=(50000, 4789)),
        pm.packet(t[13], X, Y, raw=47, payload=struct.pack("!HH", 0, 0x88cc) + bytes(20)),
        pm.packet(t[14], X, Y, raw=4, payload=user.data, frag=(1480, False)),
        # cut in the inner IP header; and with no tunnel at all
        pm.packet(t[15], X, Y, raw=47, payload=struct.pack("!HH", 0, 0x0800) + user.data, cap=14 + 20 + 4 + 19),
        pm.packet(t[16], X, Y, udp=(9, 10), payload=b"plain"),
    ]


COLUMNS = ["frame.number", "frame.len", "eth.src", "vlan.id", "arp.opcode", "ip.src", "ip.dst", "ip.proto", "ip.len", "srcport",
           "dstport", "tcp.flags.syn", "icmp.type", "payload.len"]
STATS = {"decode": {"not_ip": 1, "tunnel_not_ip": 1, "tunnel_truncated": 1, "tunnel_depth": 0}}


def expected(packets):
    return oracle.select(packets, COLUMNS)
