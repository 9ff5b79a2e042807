"""Aggregates that look at the order of a flow's packets: how often a value changes, and a moving average."""
import oracle
from pcapmaker import SEC
from shared import disorder as packets

WORKERS = (1,)  # until the rows of a key come together in their order to one of several


def expected(packets):
    return oracle.group(packets, [("ch", "changes", "ip.ttl"), ("peer", "changes", "ip.dst"),
                                  ("avg", "ewma:0.1875", "frame.len"), ("tcp", "ewma:0.5", "tcp.len"),
                                  ("text", "changes", "payload")],
                        ["ip.src", "ip.dst", "ip.proto", "srcport", "dstport"], window=4 * SEC)
