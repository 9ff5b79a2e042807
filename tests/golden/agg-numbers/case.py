"""sum, min, max, mean and a conditional count, over groups that have the field and one that has not."""
import oracle
from shared import mix as packets


def expected(packets):
    return oracle.group(packets, [("n", "count"), ("syn", "count_if", "tcp.flags.syn"),
                                  ("big", "count_if", lambda p: p["frame.len"] > 100),
                                  ("sum", "sum", "frame.len"), ("lo", "min", "frame.len"), ("hi", "max", "frame.len"),
                                  ("mean", "mean", "frame.len"), ("ttl", "min", "ip.ttl")], ["ip.version"])
