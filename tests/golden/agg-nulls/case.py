"""Aggregates leave null out; of nothing but nulls min, max and mean are null, a sum and a count 0."""
import oracle
from shared import mix as packets


def expected(packets):
    return oracle.group(packets, [("n", "count"), ("syn", "count_if", "tcp.flags.syn"), ("lo", "min", "tcp.srcport"),
                                  ("hi", "max", "tcp.srcport"), ("mean", "mean", "tcp.srcport"), ("sum", "sum", "tcp.srcport"),
                                  ("first", "first", "tcp.srcport"), ("last", "last", "tcp.srcport")], ["ip.proto"])
