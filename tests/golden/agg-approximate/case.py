"""Approximate aggregates are within the bounds that the documentation states, and the same at any number of workers."""
import json

import oracle
from shared import flood


def packets():
    return flood()


def check(folder, rows):
    seen = oracle.number(packets())
    problems = []
    rows = [json.loads(r) for r in rows]
    if [r["ip.version"] for r in rows] != [4, 6]:
        problems.append("rows of other versions: %s" % rows)
    for row in rows:
        mine = [p for p in seen if p["ip.version"] == row["ip.version"]]

        def exact(function, f):
            return oracle.fold(function, [f(p) for p in mine], [p.t for p in mine], 1)

        def near(name, want, error):
            if not abs(row[name] - want) <= error * abs(want):
                problems.append("%s is %r, and exactly %r" % (name, row[name], want))

        near("n", exact("distinct", lambda p: p["ip.src"]), 0)
        near("near", row["n"], 0.052)
        near("p50", exact("quantile:0.5", lambda p: p.t / 1e9), 1 / 256)
        near("p99", exact("quantile:0.99", lambda p: p.t / 1e9), 1 / 256)
        near("q", exact("quantile:0.75", lambda p: p["frame.len"] * 1000), 1 / 256)
        near("e", exact("entropy", lambda p: p["ip.src"]), 1e-12)
    return problems
