"""Several queries in one run over one decode; each sees every packet."""
import oracle
from shared import mix as packets

STATS = {"queries": {"talkers": {"in": 24}, "dns": {"in": 24, "dropped": {"where": 21}}, "persec": {"in": 24}}}


def expected(packets):
    return (oracle.group(packets, [("bytes", "sum", "frame.len")], ["ip.src"], top=(3, "bytes"), query="talkers")
            + oracle.select(packets, ["ip.src", "ip.dst", "udp.length"],
                            lambda p: p["udp"] and 53 in (p["srcport"], p["dstport"]), query="dns")
            + oracle.group(packets, [("n", "count")], window=10**9, query="persec"))
