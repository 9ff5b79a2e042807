"""csv of windows: their start and end are columns."""
from pcapmaker import packet
from shared import A, B, C, second


def packets():
    return [packet(second(0), A, B, udp=(1, 2)), packet(second(0) + 5, C, B, udp=(1, 2)), packet(second(2), A, B, udp=(1, 2))]
