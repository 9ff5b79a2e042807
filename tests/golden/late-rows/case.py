"""A row later than --lateness is counted, not aggregated; one within it still finds its window."""
import oracle
from pcapmaker import MS, SEC, packet
from shared import A, B, second

N = 600  # more than two batches between a row and those that are late to it
STATS = {"queries": {"main": {"in": 2 * N + 4, "aggregated": 2 * N + 3, "dropped": {"late": 1}}}}


def packets():
    first = [packet(second(10) + i * MS, A, B, udp=(1, 2)) for i in range(N)]
    late = packet(second(0) + 500 * MS, A, B, udp=(3, 4))
    near = packet(second(9) + 900 * MS, A, B, udp=(5, 6))
    rest = [packet(second(11) + i * MS, A, B, udp=(1, 2)) for i in range(N)]
    early = packet(second(0), A, B, udp=(1, 2))
    return [early, *first, late, near, *rest, packet(second(12), A, B, udp=(7, 8))]


def expected(packets):
    return oracle.group([p for p in packets if p["srcport"] != 3], [("n", "count"), ("p", "max", "srcport")], window=SEC)
