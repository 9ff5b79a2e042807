"""Packets without a time (simple packet blocks): their time fields are null, no window of time can take them, the global one does."""
import oracle
import pcapmaker as pm
from shared import A, B, second

STATS = {"queries": {"persec": {"in": 4, "aggregated": 2, "dropped": {"no_time": 2}},
                     "all": {"in": 4, "aggregated": 4}}}


def inputs():
    return {"input.pcapng": [
        pm.packet(second(0), A, B, udp=(1, 2)), pm.packet(None, A, B, udp=(3, 4)),
        pm.packet(None, A, B, udp=(5, 6)), pm.packet(second(1), A, B, udp=(7, 8))]}


def expected(packets):
    timed = [p for p in packets if p.t is not None]
    rows = oracle.group(timed, [("n", "count")], window=10**9, query="persec")
    total = oracle.group(timed, [("n", "count")], query="all")
    total[0]["n"] = 4
    return rows + total + oracle.select(packets, ["srcport", "frame.time"], query="each")
