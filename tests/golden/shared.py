"""Captures that several cases look at."""
import random

from pcapmaker import MS, S, SEC, packet

A, B, C = "10.0.0.1", "10.0.0.2", "192.168.7.9"
A6, B6 = "2001:db8::1", "2001:db8::2"


def mix():
    """A bit of everything over three seconds: two TCP conversations, DNS, ping, ARP, VLANs, IPv6, a fragmented datagram."""
    t = S + 250 * MS
    return [
        packet(t, A, B, tcp=(40000, 80, "S", 1000)),
        packet(t + 1 * MS, B, A, tcp=(80, 40000, "SA", 5000, 1001)),
        packet(t + 2 * MS, A, B, tcp=(40000, 80, "A", 1001, 5001)),
        packet(t + 3 * MS, A, B, tcp=(40000, 80, "PA", 1001, 5001), payload=b"GET / HTTP/1.1\r\n\r\n"),
        packet(t + 9 * MS, B, A, tcp=(80, 40000, "PA", 5001, 1019), payload=b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 700),
        packet(t + 100 * MS, C, B, udp=(5353, 53), payload=b"q" * 31, vlan=[(100, 3)]),
        packet(t + 110 * MS, B, C, udp=(53, 5353), payload=b"r" * 180, vlan=[(100, 3)]),
        packet(t + 200 * MS, A, B, icmp=(8, 0), payload=b"ping" * 14),
        packet(t + 201 * MS, B, A, icmp=(0, 0), payload=b"ping" * 14),
        packet(t + 300 * MS, A, B, arp=1),
        packet(t + 301 * MS, B, A, arp=2, eth=("02:00:00:00:00:0b", "02:00:00:00:00:0a")),
        packet(t + 800 * MS, A6, B6, tcp=(50000, 443, "S", 7), ttl=61, flow=0x12345, dscp=10, ecn=1),
        packet(t + 803 * MS, B6, A6, tcp=(443, 50000, "SA", 9, 8)),
        packet(t + 804 * MS, A6, B6, tcp=(50000, 443, "A", 8, 10), flow=0x12345),
        packet(t + 810 * MS, A6, B6, tcp=(50000, 443, "FA", 8, 10), flow=0x12345),
        packet(t + 1200 * MS, C, A, udp=(6000, 6001), payload=b"f" * 1472, ident=77, frag=(0, True)),
        packet(t + 1201 * MS, C, A, udp=(6000, 6001), payload=b"f" * 520, ident=77, frag=(1480, False)),
        packet(t + 1500 * MS, A, C, tcp=(40001, 22, "S", 1), vlan=[(200, 0), (7, 5)]),
        packet(t + 1501 * MS, C, A, tcp=(22, 40001, "RA", 0, 2), vlan=[(200, 0), (7, 5)]),
        packet(t + 2000 * MS, A, B, sctp=(7, 9, 0xdeadbeef)),
        packet(t + 2100 * MS, A6, B6, udp=(4000, 53), payload=b"q6" * 20),
        packet(t + 2200 * MS, A6, B6, icmp=(128, 0), payload=b"p" * 32),
        packet(t + 2300 * MS, A, B, tcp=(40000, 80, "FA", 1019, 5719)),
        packet(t + 2301 * MS, B, A, tcp=(80, 40000, "R", 5719)),
    ]


def disorder():
    """Eight flows of TCP and UDP over twelve seconds, some over IPv6: segments lost, sent again and swapped, sequence
    numbers that wrap, gaps between 0.2 and 0.32 s, and a route that changes."""
    random = __import__("random").Random(4)
    flows, out, t = [], [], S
    for i in range(8):
        ends = (A6, B6) if i % 3 == 2 else (A, C)
        flows.append({"ends": ends, "port": 40000 + i, "udp": i >= 6, "seq": 2**32 - 3000 * (i % 2) - 1, "ttl": 60 + i})
    for n in range(900):
        f = random.choice(flows)
        t += random.choice((1, 3, 40)) * MS
        f["ttl"] = random.choice((f["ttl"],) * 20 + (50,))
        size = random.choice((0, 0, 10, 100))
        if f["udp"]:
            out.append(packet(t, *f["ends"], udp=(f["port"], 53), payload=b"u" * size, ttl=f["ttl"]))
            continue
        seq = (f["seq"] + random.choice((0,) * 12 + (-300, 100))) % 2**32
        flags = random.choice(("A",) * 10 + ("S", "FA"))
        out.append(packet(t, *f["ends"], tcp=(f["port"], 80, flags, seq, 1), payload=b"t" * size, ttl=f["ttl"]))
        f["seq"] = (seq + size + ("S" in flags) + ("F" in flags)) % 2**32
    return out


def second(n):
    return S + n * SEC


TALKERS = ["10.0.0.1", "2001:db8::1", "10.0.0.3", "2001:db8::4", "10.0.0.5"]


def flood():
    """Five hosts that talk steadily, one more than the other, among 2000 that are heard of once; IPv4 and IPv6."""
    out, strangers = [], iter(range(2000))
    turns = [t for n in range(5, 0, -1) for t in range(n)]
    for i in range(3000):
        who = TALKERS[turns[i // 3 % 15]] if i % 3 == 0 else None
        if who is None:
            k = next(strangers)
            who = "172.16.%d.%d" % divmod(k, 250) if k % 4 else "2001:db8:1::%x" % k
        out.append(packet(S + i * MS, who, B6 if ":" in who else B, udp=(1000, 2000), payload=b"x" * (i % 50)))
    return out


HOSTS = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::1", "2001:db8::2"]


def chatter(n=240, gap_s=12, seed=5):
    """Hosts that talk now and then, IPv4 and IPv6, TCP and UDP, some packets out of order, with a silence in the middle."""
    r = random.Random(seed)
    t, out = S, []
    for i in range(n):
        t += r.choice([1, 10 * MS, 40 * MS, 90 * MS, 300 * MS]) + (gap_s * SEC if i == n // 2 else 0)
        who = r.choice(HOSTS)
        whom = r.choice([h for h in HOSTS if (":" in h) == (":" in who)])
        how = {"tcp": (r.choice([1000, 1001]), r.choice([22, 80]), r.choice(["S", "SA", "A", "FA"]))} \
            if r.random() < .7 else {"udp": (53, 2000)}
        out.append(packet(max(t - r.choice([0, 0, 5 * MS]), S), who, whom, payload=b"xyz"[i % 3:] * r.randrange(1, 60),
                          **how))
    return out
