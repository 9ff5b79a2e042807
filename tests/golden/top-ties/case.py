"""--top: the largest first, ties by key ascending - IPv4 before IPv6, and addresses as numbers, not as text."""
import oracle
from pcapmaker import MS, packet
from shared import B, B6, second

COUNTS = {"10.0.0.9": 3, "10.0.0.10": 3, "9.255.255.255": 3, "10.0.0.100": 5, "10.0.0.1": 1, "2001:db8::a": 3,
          "2001:db8::9": 3, "::1": 7}


def packets():
    out = []
    for w in (0, 1):
        for host, n in COUNTS.items():
            out += [packet(second(w) + (i * 10 + len(out) % 3) * MS, host, B6 if ":" in host else B, udp=(1, 2))
                    for i in range(n + w)]
    return sorted(out, key=lambda p: p.t)


def expected(packets):
    return oracle.group(packets, [("n", "count")], ["ip.src"], window=10**9, top=(6, "n"))
