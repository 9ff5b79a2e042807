#!/usr/bin/env python3
"""Each query against answers made without weir: from what tshark says of each packet, in SQL or by a plain walk.

usage: run.py FAMILY [QUERY...]     FAMILY: telemetry, performance, everyday, together

facts.py     tshark's fields of a capture, as a list and as a table
windows.py   which rows are one window
tables.py    answers in SQL;  walks.py  answers that depend on the order of packets
queries.py   each query: flags, captures, answer

A query is run on real captures, if they are there, and on its attack generator's: all rows must be the answer's, in
its order, the same bytes by one worker and by three; approximate aggregates within their stated bound. Of the attack the
culprit must be found with the values that weir-gen tells, and nobody else accused. `together` runs the telemetry queries
by one command line, and with them all others.
"""
import difflib
import json
import os
import shlex
import shutil
import sys
import tempfile
from decimal import Decimal

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE] + [os.path.join(HERE, "..", d) for d in ("support", "conformance")]
import captures  # noqa: E402
import facts  # noqa: E402
import queries  # noqa: E402
import tap  # noqa: E402
import weir  # noqa: E402

WORKERS = ("1", "3")
LATENESS_NS = 60 * facts.SECOND  # weir's default for files: no capture here has packets so late
MOST_LINES = 24


class Captures:
    """Captures by path, each read by tshark once."""

    def __init__(self):
        self.read = {}

    def of(self, path):
        if path not in self.read:
            self.read[path] = c = facts.Capture(path)
            assert c.backward_ns() < LATENESS_NS, path + " has late packets"
        return self.read[path]


def time_text(ns):
    if ns is None:
        return None
    seconds, rest = divmod(ns, facts.SECOND)
    days, seconds = divmod(seconds, 86400)
    date = (facts.EPOCH + facts.DAY * days).isoformat()
    return "%sT%02d:%02d:%02d.%09dZ" % (date, seconds // 3600, seconds // 60 % 60, seconds % 60, rest)


def is_near(want, got, share):
    if want is None or got is None or isinstance(want, str) or isinstance(got, str):
        return False
    return abs(float(want) - float(got)) <= share * abs(float(want))


def line(row):
    """one row as a text; numbers as they are, without what their writing may differ in"""
    return "{%s}" % ", ".join("%s: %s" % (k, v if isinstance(v, Decimal) else json.dumps(v)) for k, v in row.items())


def differences(query, want, got):
    """The answer's rows and weir's; what is near enough counts as the same."""
    lines = []
    for w, g in zip(want, got):
        for column, share in query.within.items():
            if is_near(w.get(column), g.get(column), share):
                w[column] = g[column]
    problems = ["%d rows, not %d" % (len(got), len(want))] if len(want) != len(got) else []
    if want != got or [list(r) for r in want] != [list(r) for r in got]:
        lines = list(difflib.unified_diff([line(r) for r in want], [line(r) for r in got], "tshark's", "weir's", "", "", 1, ""))
        problems += lines[:MOST_LINES] + (["... %d lines more" % (len(lines) - MOST_LINES)] if len(lines) > MOST_LINES else [])
        problems = problems or ["they differ in the kind of a number"]
    return problems


def answer(query, capture, window, parameters):
    """The rows as weir has to write them, but for their query's name."""
    rows = []
    for r in query.rows(capture, window, **parameters):
        r = {"window.start": time_text(r.pop("start")), "window.end": time_text(r.pop("end")), **r}
        rows.append({k: Decimal(repr(v)) if isinstance(v, float) else v for k, v in r.items()})
    return rows


def of_query(rows, name):
    """the rows of one query, in their order"""
    return [{k: v for k, v in r.items() if k != "query"} for r in rows if r["query"] == name]


def run_weir(source, window, arguments):
    """Rows as weir writes them by 1 and 3 workers, and what went wrong."""
    first, problems = None, []
    head = [*source, *(["--default-window", window] if window else [])]
    for n in WORKERS:
        p, stats = weir.run_with_stats([*head, *arguments, "--cores", n])
        problems += weir.ended(p)
        problems += weir.ledger(stats, arguments) if stats else ["no --stats document"]
        if first is None:
            first = p.stdout
        elif first != p.stdout:
            problems.append("other rows with %s workers than with %s" % (n, WORKERS[0]))
        if problems:
            break
    try:
        rows = [json.loads(x, parse_float=Decimal) for x in first.decode("utf-8").splitlines()]
    except ValueError as e:
        rows, problems = [], problems + ["rows that are no JSON: %s" % e]
    return rows, problems


def check_capture(t, known, query, path, label, window, parameters):
    want = answer(query, known.of(path), window, parameters)
    rows, problems = run_weir(["-r", path], window, query.arguments(**parameters))
    if not problems:
        problems = differences(query, want, of_query(rows, query.name))
    t.check("%s: %s%s: %d rows" % (query.name, label, ", " + window if window else "", len(want)), problems)


def check_real(t, known, root, query):
    for rel, window, parameters in query.on:
        if root:
            check_capture(t, known, query, os.path.join(root, rel), rel, window, parameters)
        else:
            t.skip("%s: %s" % (query.name, rel), "no reference captures: set WEIR_CAPTURES to their folder")


def generate(name, options, path):
    """Write an attack's packets to a file; its description."""
    uri = "gen:attack:%s?%s" % (name, options)
    for args in ([uri, "-w", path], ["--describe", uri]):
        p = weir.run(args, binary=weir.GEN)
        if weir.ended(p):
            raise RuntimeError("weir-gen %s: %s" % (" ".join(args), weir.ended(p)))
    return uri, json.loads(p.stdout, parse_float=Decimal)


def culprit_rows(rows, culprit):
    return [r for r in rows if all(r.get(k) == v for k, v in culprit.items())]


def accused(rows, culprit, rank):
    """Problems: who is accused beside the culprit, by what its row must be among those of its window."""
    windows = {}
    for r in rows:
        windows.setdefault((r["window.end"], r["window.start"]), []).append(r)
    others = [r for some in windows.values() for r in some if r not in culprit_rows(some, culprit)]
    if rank == "only":
        return ["accused as well: " + line(r) for r in others[:5]]
    if rank == "first":
        firsts = [some[0] for some in windows.values()]
        return ["accused instead: " + line(r) for r in firsts if not culprit_rows([r], culprit)][:5]
    if rank == "largest" and culprit:
        value = [k for k in rows[0] if k not in culprit and not k.startswith("window.")][0] if rows else None
        return ["accused instead: " + line(max(some, key=lambda r: r[value])) for some in windows.values()
                if not culprit_rows([max(some, key=lambda r: r[value])], culprit)][:5]
    return []


def lacking(got, expect, within):
    """Problems: what weir-gen tells of the culprit's rows, and weir does not."""
    if len(got) != len(expect):
        return ["the culprit has %d rows, not %d" % (len(got), len(expect))]
    problems = []
    for g, e in zip(got, expect):
        wrong = [k for k, v in e.items() if g.get(k) != v and not is_near(v, g.get(k), float(within.get(k, 0)))]
        if wrong:
            problems.append("culprit: %s, not %s" % (line(g), line(e)))
    return problems[:5]


def check_attack(t, known, query, folder):
    path = os.path.join(folder, query.name + ".pcapng")
    try:
        uri, said = generate(query.name, query.attack, path)
    except RuntimeError as e:
        t.check(query.name + ": its attack", [str(e)])
        return
    for window, expect in said["expect"].items():
        default = None if query.window else window
        check_capture(t, known, query, path, "its attack", default, query.in_file)
        rows, problems = run_weir(["--source", uri], default, shlex.split(said["query"]))
        rows = of_query(rows, query.name)
        if not problems:
            problems = lacking(culprit_rows(rows, said["culprit"]), expect, said.get("within", {}))
            problems += accused(rows, said["culprit"], said["rank"])
        t.check("%s: its generator, %s: the culprit is found" % (query.name, window), problems)


def split(arguments):
    """a list for each --query"""
    starts = [i for i, a in enumerate(arguments) if a == "--query"] + [len(arguments)]
    return [arguments[a:b] for a, b in zip(starts, starts[1:])]


def own(query, parameters):
    """those of the parameters that the query has"""
    return {k: v for k, v in parameters.items() if k in query.defaults}


def with_window(part, window):
    """The same query with its window spelled out; one whose input are rows of others has theirs."""
    if "--from" in part or "--window" in part:
        return part
    at = part.index("--agg")
    return [*part[:at], "--window", window, *part[at:]]


def all_arguments(some, parameters):
    """The flags of queries as one command line: those that several of them need are there once."""
    parts = {}
    for query in some:
        for part in split(query.arguments(**own(query, parameters))):
            assert parts.setdefault(part[1], part) == part, "two queries with the name " + part[1]
    return list(parts.values())


def check_together(t, known, path, label, some, parameters):
    window = "1s"
    parts = all_arguments(some, parameters)
    flat = [a for part in parts for a in part]
    rows, problems = run_weir(["-r", path], window, flat)
    t.check("%s: %d queries in one command" % (label, len(some)), problems)
    spelled, problems = run_weir(["-r", path], None, [a for part in parts for a in with_window(part, window)])
    t.check("%s: the same with --window for --default-window" % label, problems or (["other rows"] if spelled != rows else []))
    for query in some:
        want = answer(query, known.of(path), window, own(query, parameters))
        t.check("%s: %s: %d rows" % (label, query.name, len(want)), differences(query, want, of_query(rows, query.name)))


def together(t, known, root, folder):
    """The telemetry queries at once, and then all that there are."""
    every = [q for family in queries.FAMILIES.values() for q in family]
    for name in queries.TOGETHER:
        path = os.path.join(folder, name + ".pcapng")
        try:
            generate(name, "rate=2000&count=6000", path)
        except RuntimeError as e:
            t.check(name, [str(e)])
            continue
        check_together(t, known, path, "attack " + name, queries.TELEMETRY, {})
    for rel, parameters in queries.ALL_ON:
        if root:
            check_together(t, known, os.path.join(root, rel), rel, queries.TELEMETRY, parameters)
            check_together(t, known, os.path.join(root, rel), rel + " and the others", every, parameters)
        else:
            t.skip(rel, "no reference captures: set WEIR_CAPTURES to their folder")


def main():
    if not shutil.which("tshark"):
        tap.skip_all("no tshark")
    root = captures.find()
    t, known = tap.Tap(), Captures()
    with tempfile.TemporaryDirectory() as folder:
        if sys.argv[1] == "together":
            together(t, known, root, folder)
        else:
            for query in queries.FAMILIES[sys.argv[1]]:
                if len(sys.argv) == 2 or query.name in sys.argv[2:]:
                    check_attack(t, known, query, folder)
                    check_real(t, known, root, query)
    t.done()


main()
