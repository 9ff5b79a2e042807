"""A full table makes room: twenty times as many hosts as fit, and those that talk have all of their packets."""
import json

import oracle
from shared import TALKERS, flood

SIZE = 100
WORKERS = (1,)  # with several each evicts by what it has seen itself, so a row may lack more
STATS = {"queries": {"main": {"in": 3000, "rows": len(TALKERS),
                              "table": {"size": SIZE, "overflow": "evict"}}}}


def packets():
    return flood()


def expected(packets):
    return oracle.group(packets, [("n", "count"), ("b", "sum", "frame.len")], ["ip.src"], top=(len(TALKERS), "n"))


def check(folder, rows):
    got = sorted(json.loads(r)["ip.src"] for r in rows)
    return [] if got == sorted(TALKERS) else ["the largest are %s" % got]
