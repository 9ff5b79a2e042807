"""The same seed gives the same packets (each run is made twice and compared), exactly as many as asked for; another seed others."""
import json

import weir

STATS = {"received": {"packets": 5000}}


def inputs():
    return {}


def check(folder, rows):
    problems = []
    total = sum(json.loads(r)["n"] for r in rows)
    if total != 5000:
        problems.append("rows add up to %d of 5000 packets" % total)
    if len(rows) < 10:
        problems.append("only %d flows" % len(rows))
    other = weir.run(["--source", "gen:udp?count=5000&flows=100&seed=8", "--key", "5tuple", "--agg", "n=count()"])
    if other.stdout.decode().splitlines() == rows:
        problems.append("seed 8 gives what seed 7 gives")
    return problems
