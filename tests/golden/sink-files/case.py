"""Two queries with sinks of their own, and one query with two: each file holds its rows, standard output nothing."""
import os

import oracle
from shared import mix as packets


def check(folder, rows):
    want = oracle.json_rows(oracle.group(oracle.number(packets()), [("n", "count")], ["ip.proto"], query="proto"))
    problems = [] if not rows else ["standard output is not empty"]
    for name in ("one.json", "two.json"):
        with open(os.path.join(folder, name)) as f:
            got = f.read()
        if got != want:
            problems.append("%s holds %r" % (name, got))
    with open(os.path.join(folder, "flags.json")) as f:
        got = f.read()
    if got != oracle.json_rows(oracle.select(oracle.number(packets()), ["tcp.flags"], lambda p: p["tcp"], query="flags")):
        problems.append("flags.json holds %r" % got)
    return problems
