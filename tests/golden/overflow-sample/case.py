"""A full table keeps a sample of the keys: each with all of its packets, from the first on."""
import collections
import json

from shared import flood

SIZE = 100
STATS = {"queries": {"main": {"in": 3000, "table": {"size": SIZE, "overflow": "sample"}, "sampling": 0.03125}}}


def packets():
    return flood()


def check(folder, rows):
    want = collections.Counter(str(p["ip.src"]) for p in packets())
    problems = []
    if not SIZE / 4 < len(rows) <= SIZE:
        problems.append("%d rows" % len(rows))
    for row in map(json.loads, rows):
        if row["n"] != want[row["ip.src"]]:
            problems.append("%s has %d, not %d" % (row["ip.src"], row["n"], want[row["ip.src"]]))
    return problems
