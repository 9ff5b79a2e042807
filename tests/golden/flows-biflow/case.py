"""5tuple is one direction of a conversation, biflow both, with the lower end first."""
import oracle
from shared import mix as packets

AGGS = [("packets", "count"), ("bytes", "sum", "ip.len")]


def both(p):
    if p["ip.src"] is None:
        return None
    a, b = (p["ip.src"], p["srcport"]), (p["ip.dst"], p["dstport"])
    return (a, b) if (int(a[0]), a[1]) <= (int(b[0]), b[1]) else (b, a)


def expected(packets):
    def end(i, j):
        return lambda p: both(p) and both(p)[i][j]
    return (oracle.group(packets, AGGS, ["ip.src", "ip.dst", "ip.proto", "srcport", "dstport"], query="one")
            + oracle.group(packets, AGGS, [("ip.src", end(0, 0)), ("ip.dst", end(1, 0)), "ip.proto",
                                           ("srcport", end(0, 1)), ("dstport", end(1, 1))], query="both"))
