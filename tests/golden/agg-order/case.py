"""Aggregates that look at the order of a flow's packets: how often a value changes, and a moving average."""
import oracle
from pcapmaker import SEC
from shared import disorder as packets

SPLITS = ("auto", "key", "hash", "range:ip.src:10.0.0.2")  # it must keep a key with one worker



def expected(packets):
    return oracle.group(packets, [("ch", "changes", "ip.ttl"), ("peer", "changes", "ip.dst"),
                                  ("avg", "ewma:0.1875", "frame.len"), ("tcp", "ewma:0.5", "tcp.len"),
                                  ("text", "changes", "payload")],
                        ["ip.src", "ip.dst", "ip.proto", "srcport", "dstport"], window=4 * SEC)
