"""Files may be out of order: within the default lateness of a minute every row finds its window."""
import oracle
from pcapmaker import MS, SEC, packet
from shared import A, B, second


def packets():
    return [packet(second((i * 7) % 40) + i * MS, A, B, udp=(i, 2)) for i in range(700)]


def expected(packets):
    return oracle.group(packets, [("n", "count"), ("lo", "min", "srcport"), ("hi", "max", "srcport")], window=SEC)
