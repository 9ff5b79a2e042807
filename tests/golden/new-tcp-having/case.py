"""The query new_tcp: SYNs without ACK by destination and second, and a --where on the results."""
import oracle
from pcapmaker import MS, packet
from shared import A6, B6, second

HOSTS = {"10.1.0.1": 5, "10.1.0.2": 2, "10.1.0.3": 3}


def packets():
    out = []
    for w in (0, 1, 4):
        for host, n in HOSTS.items():
            for i in range(n + w):
                t = second(w) + len(out) % 7 * MS + i * 100 * MS
                out.append(packet(t, "172.16.%d.%d" % (w, i), host, tcp=(1024 + i, 80, "S")))
                out.append(packet(t + MS, host, "172.16.%d.%d" % (w, i), tcp=(80, 1024 + i, "SA")))
    out += [packet(second(4), A6, B6, tcp=(i, 80, "S")) for i in range(1, 9)]
    return sorted(out, key=lambda p: p.t)


def expected(packets):
    return oracle.group(packets, [("n", "count")], ["ip.dst"],
                        lambda p: p["tcp.flags.syn"] and not p["tcp.flags.ack"], window=10**9,
                        having=lambda r: r["n"] >= 4)
