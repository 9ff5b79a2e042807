"""A filter over columns decides the plain packets, libpcap the tagged, cut and fragmented ones: the rows are those of
the same filter made to look at bytes. 'host' holds for ARP too; 'and' and 'or' bind alike, from the left."""
from pcapmaker import MS, packet
import oracle
from shared import A, A6, B, B6, C, mix, second


def packets():
    t = second(10)
    return mix() + [
        packet(t, C, B, tcp=(40000, 8080, "S"), cap=36),  # ends inside the ports: no match
        packet(t + 1 * MS, C, B, tcp=(40000, 8080, "S"), cap=38),  # ports alone: a match
        packet(t + 2 * MS, A6, B6, tcp=(8080, 40000, "SA"), cap=58),
        packet(t + 3 * MS, A6, B6, tcp=(8080, 40000, "SA"), cap=53),
        packet(t + 4 * MS, C, B, udp=(443, 8080)),
        packet(t + 5 * MS, A, C, tcp=(22, 40000, "A")),
    ]


def expected(packets):
    cut = {25, 28}

    def keep(p):
        if p["vlan"]:
            return False
        ends = A in (str(p["ip.src"]), str(p["ip.dst"])) or p["arp"]
        ports = (p["srcport"], p["dstport"])
        wanted = p["tcp"] and (443 in ports or 8080 in ports) and p["frame.number"] not in cut
        return ends and 22 not in ports or wanted
    return oracle.select(packets, ["frame.number", "frame.len", "vlan.id", "arp.opcode"], keep)
