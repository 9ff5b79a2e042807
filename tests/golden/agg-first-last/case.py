"""first and last keep their type: numbers, addresses, times."""
import oracle
from shared import mix as packets


def expected(packets):
    return oracle.group(packets, [("a", "first", "ip.src"), ("z", "last", "ip.dst"), ("p", "last", "srcport"),
                                  ("since", "first", "frame.time"), ("until", "max", "frame.time")], ["ip.proto"])
