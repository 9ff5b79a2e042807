"""Sliding windows: slides that divide the size and those that do not, silences, every kind of aggregate."""
from chain import emit, packets as grouped, sliding
from pcapmaker import SEC
from shared import chatter

ORDERED = True


def packets():
    return chatter(400, 30)


def expected(packets):
    aggs = [("n", "count"), ("d", "distinct", "ip.dst"), ("p", "quantile:0.5", "frame.len"), ("k", "topk:2", "dstport"),
            ("f", "first", "frame.len"), ("l", "last", "frame.len"), ("r", "rate", "frame.len"), ("x", "max", "frame.len")]
    return emit(grouped("even", packets, ["ip.src"], aggs[:2] + aggs[3:], sliding(10 * SEC, SEC)),
                grouped("uneven", packets, ["ip.src"], aggs[:1] + aggs[3:6], sliding(10 * SEC, 3 * SEC)),
                grouped("keyless", packets, [], aggs[:2], sliding(5 * SEC, 2 * SEC)),
                grouped("largest", packets, ["ip.src", "dstport"], aggs[:1], sliding(4 * SEC, SEC)).top(2, "n"))
