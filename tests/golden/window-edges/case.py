"""Windows are aligned to the epoch, begin with their first nanosecond and end before the next one's; empty ones emit nothing."""
import oracle
from pcapmaker import packet
from shared import A, B, second

EDGES = [0, 1, 99_999_999, 100_000_000, 100_000_001, 199_999_999, 500_000_000, 999_999_999, 1_000_000_000,
         7_300_000_000]


def packets():
    return [packet(second(0) + t, A, B, udp=(1, 2), payload=b"." * i) for i, t in enumerate(EDGES)]


def expected(packets):
    return oracle.group(packets, [("n", "count"), ("bytes", "sum", "frame.len")], window=100 * 10**6)
