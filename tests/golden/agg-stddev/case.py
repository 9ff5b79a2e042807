"""stddev is that of the whole population: 2, 4, 4, 4, 5, 5, 7, 9 has 2 exactly."""
import oracle
from pcapmaker import MS, packet
from shared import A, B, second

SIZES = [2, 4, 4, 4, 5, 5, 7, 9]


def packets():
    return [packet(second(0) + i * MS, A, B, udp=(1, 2), payload=b"x" * n) for i, n in enumerate(SIZES)]


def expected(packets):
    return oracle.group(packets, [("mean", "mean", "payload.len"), ("sd", "stddev", "payload.len")], ["ip.src"])
