"""Stages apply in their order, each to what the one before it lets through, and each counts what it drops."""
import oracle
from shared import mix as packets

STATS = {"received": {"packets": 24},
         "queries": {"main": {"in": 24, "aggregated": 5, "dropped": {"filter": 17, "where": 2}, "rows": 2}}}


def expected(packets):
    return oracle.group(packets, [("n", "count")], ["ip.src"],
                        lambda p: p["ip"] and not p["vlan"] and p["tcp"] and p["frame.len"] < 60)
