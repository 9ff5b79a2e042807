"""Two files that overlap in time pass side by side: even without lateness no row is late, and windows have the rows of both."""
import oracle
from pcapmaker import MS, SEC, packet
from shared import A, B, C, second

STATS = {"received": {"packets": 4000}, "queries": {"main": {"aggregated": 4000, "dropped": {"late": 0}}}}


def inputs():
    def one(start, src, i):
        return [packet(second(start) + n * 3 * MS, src, B, udp=(n % 5, 2), interface=i) for n in range(2000)]
    return {"a.pcap": one(0, A, 0), "b.pcap": one(2, C, 1)}


def expected(*files):
    return oracle.group([p for f in files for p in f], [("n", "count"), ("bytes", "sum", "frame.len")],
                        ["frame.interface", "ip.src"], window=SEC)
