"""A full table drops new keys: the first ones have all of their packets, and the ledger tells what is missing."""
import oracle
from shared import flood

SIZE = 100
WORKERS = (1,)  # which keys find a place depends on who comes first


def packets():
    return flood()


def kept(packets):
    first = list(dict.fromkeys(str(p["ip.src"]) for p in packets))[:SIZE]
    return [p for p in packets if str(p["ip.src"]) in first]


def stats():
    some = packets()
    n = len(kept(some))
    return {"queries": {"main": {"in": len(some), "aggregated": n, "dropped": {"overflow": len(some) - n}, "rows": SIZE,
                                 "table": {"size": SIZE, "overflow": "drop", "keys": SIZE}}}}


STATS = stats()


def expected(packets):
    return oracle.group(kept(packets), [("n", "count"), ("b", "sum", "frame.len")], ["ip.src"], seen=packets)
