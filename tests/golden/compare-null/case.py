"""Comparisons with null are false, both ways; a negation of one is true only where the field is there."""
import oracle
from shared import mix as packets


def expected(packets):
    return (oracle.group(packets, [("n", "count")], where=lambda p: p["tcp.dstport"] is not None and p["tcp.dstport"] != 80, query="ne")
            + oracle.group(packets, [("n", "count")], where=lambda p: p["tcp.dstport"] == 80, query="eq"))
