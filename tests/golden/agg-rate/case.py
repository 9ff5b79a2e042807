"""rate is a sum per second of the window."""
import oracle
from pcapmaker import MS, packet
from shared import A, B, second


def packets():
    return [packet(second(0) + i * 130 * MS, A, B, udp=(1, 2), payload=b"x" * (i * 7)) for i in range(40)]


def expected(packets):
    return oracle.group(packets, [("bps", "rate", "frame.len")], window=2 * 10**9)
