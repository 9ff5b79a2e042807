"""The queries of several parts: SYN flood, connections never ended, addresses resolved and never used, a telnet worm."""
import ipaddress
import random

from chain import emit, handed_over, packets as grouped, tumbling
from pcapmaker import MS, S, SEC, packet

VICTIM, BOTS = "10.0.0.80", ["10.9.0.%d" % i for i in range(1, 9)]


def dns_answer(name, address):
    labels = b"".join(bytes([len(x)]) + x for x in name.encode().split(b".")) + b"\0"
    return (b"\x12\x34\x81\x80\0\1\0\1\0\0\0\0" + labels + b"\0\1\0\1" + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4"
            + bytes(int(x) for x in address.split(".")))


def packets():
    r, out, t = random.Random(3), [], S
    for i in range(120):
        t += r.choice([5 * MS, 25 * MS, 60 * MS])
        who = "10.1.0.%d" % (i % 7)
        port = 20000 + i
        server = r.choice([VICTIM, "10.0.0.81", "2001:db8::80"])
        if ":" in server:
            who = "2001:db8::%x" % (i % 7 + 1)
        out.append(packet(t, who, server, tcp=(port, 80, "S", 1)))
        if server != VICTIM or i % 4 == 0:  # the others are a flood: they never go on
            out.append(packet(t + MS, server, who, tcp=(80, port, "SA", 7, 2)))
            out.append(packet(t + 2 * MS, who, server, tcp=(port, 80, "A", 2, 8)))
            if i % 3:
                out.append(packet(t + 3 * MS, server, who, tcp=(80, port, "FA", 8, 2)))
        if i % 5 == 0:
            address = r.choice(["10.0.0.81", "10.0.0.99"])
            p = packet(t + 4 * MS, "10.0.0.53", "10.1.0.%d" % (i % 7), udp=(53, port), payload=dns_answer("a.example", address))
            p.fields.update({"dns.count.answers": 1, "dns.a": ipaddress.ip_address(address)})
            out.append(p)
        for bot in BOTS[:i % 9]:  # the telnet worm tries, and tells those it has
            said = b"enable zorro now" if i % 40 == 38 else b"password"
            out.append(packet(t + 5 * MS, bot, "10.3.0.%d" % (i % 4), tcp=(port, 23, "PA", 5, 6), payload=said))
    return out


def telnets(packets, size):
    tries = grouped("telnet", packets, ["ip.dst", "ip.len"], [("n", "distinct", "ip.src")], size, lambda p: p["dstport"] == 23)
    return tries.where(lambda r: r["n"] >= 5).group(["ip.dst"], [("k", "count")])


def expected(packets):
    size = tumbling(SEC)

    def flags(name, column, keep, host="ip.dst"):
        return grouped(name, packets, [("host", lambda p: p[host])], [(column, "count")], size,
                       lambda p: p["tcp"] and keep(p["tcp.flags"]))

    syn = flags("syn", "syn", lambda f: f & 2 and not f & 16)
    synack = flags("synack", "synack", lambda f: f & 2 and f & 16, "ip.src")
    ack = flags("ack", "ack", lambda f: f == 16)
    fin = flags("fin", "fin", lambda f: f & 1, "ip.src")
    resolved = grouped("resolved", packets, [("client", lambda p: p["ip.dst"]), ("server", lambda p: p["dns.a"])],
                       [("a", "count")], size, lambda p: p["dns.count.answers"])
    opened = grouped("opened", packets, [("client", lambda p: p["ip.src"]), ("server", lambda p: p["ip.dst"])],
                     [("c", "count")], size, lambda p: p["tcp"] and p["tcp.flags"] & 18 == 2)
    victims = telnets(packets, size)
    tries = handed_over("zorro", packets, victims, lambda p: p["dstport"] == 23)
    zorro = tries.join("semi", victims, prev=True)
    zorro = zorro.where(lambda r: b"zorro" in r["payload"])
    return emit(
        syn.join("left", synack).join("left", ack).where(lambda r: r["syn"] + r["synack"] - r["ack"] >= 3).rename("syn_flood"),
        syn.join("left", fin).where(lambda r: r["syn"] - r["fin"] >= 1).rename("incomplete"),
        resolved.join("left", opened).where(lambda r: r["a"] - r["c"] >= 1).group(["client"], [("n", "count")]).rename("dns_tunnel"),
        zorro.group(["ip.dst"], [("n", "count")])) + [
            {"query": "said", "frame.number": r["frame.number"], "ip.dst": r["ip.dst"]} for w in zorro.windows for r in w.rows]
