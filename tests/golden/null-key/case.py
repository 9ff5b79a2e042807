"""A null in the key drops the row, under a reason of its own."""
import oracle
from shared import mix as packets

STATS = {"queries": {"main": {"in": 24, "aggregated": 13, "dropped": {"null_key": 11}}}}


def expected(packets):
    return oracle.group(packets, [("n", "count")], ["tcp.dstport"])
