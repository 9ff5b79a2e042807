#!/usr/bin/env python3
"""Golden cases: each folder beside this file is a capture, arguments, and the rows that must come out.

usage: run.py [--update] [CASE...]

A case is a folder with
  case.py        packets(): the capture, made from descriptions (or inputs(): {name: packets} for several)
                 expected(packets): the rows, computed from the same descriptions without weir; may be missing
                 STATS: what --stats must hold besides, a part of the document; may be missing
                 check(folder, rows): more to look at: the files that weir has written; may be missing
  args[.*]       weir's arguments, one a line; {NAME} is the path of input NAME ({input} where there is one
                 only), {out} a folder for what weir writes. Every args file must give the same rows.
  expected.json  the rows on standard output (or expected.csv); where case.py has expected(), --update
                 writes it, else it is written by hand

  ORDERED        rows of different queries must come in the order of the expected file, too
  WORKERS        the numbers of workers to run it with, where not all: what a full table leaves depends on it
  SPLITS         the ways to --split its last query, where not all: what needs order refuses those that part a key

Each args file is run with 1, 2, 3, 4 and 8 workers, and with every way to --split its last query: the rows must be
those of the expected file, byte for byte, every time, and the ledger must balance. Rows of different queries may come
in any order, those of one query may not.
"""
import importlib.util
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support")]
import oracle  # noqa: E402
import pcapmaker  # noqa: E402
import tap  # noqa: E402
import weir  # noqa: E402


def load(case):
    spec = importlib.util.spec_from_file_location("case_" + case.replace("-", "_"),
                                                  os.path.join(HERE, case, "case.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def inputs(module):
    """name -> packets, in the order in which weir is to read them"""
    found = module.inputs() if hasattr(module, "inputs") else {"input.pcap": module.packets()}
    oracle.number([p for some in found.values() for p in some])
    return found


def by_query(text):
    """Rows as lines, those of a query together, so that the order between queries does not matter."""
    groups = {}
    for line in text.splitlines():
        groups.setdefault(line.split(",", 1)[0], []).append(line)
    return [line for q in sorted(groups) for line in groups[q]]


def differences(want, got):
    problems = []
    for i in range(max(len(want), len(got))):
        w = want[i] if i < len(want) else "(no row)"
        g = got[i] if i < len(got) else "(no row)"
        if w != g:
            problems += ["row %d" % (i + 1), "  expected %s" % w, "  got      %s" % g]
        if len(problems) > 12:
            problems.append("...")
            break
    return problems


def part_of(want, got, where="stats"):
    """Problems where the document `got` does not hold what `want` says."""
    problems = []
    for k, v in want.items():
        have = got.get(k) if isinstance(got, dict) else None
        if isinstance(v, dict):
            problems += part_of(v, have, "%s.%s" % (where, k))
        elif have != v:
            problems.append("%s.%s is %r, not %r" % (where, k, have, v))
    return problems


def expected_text(case, module, found):
    """What the expected file holds, and how it is called; problems where it is not what expected() computes."""
    problems = []
    for name in ("expected.json", "expected.csv"):
        path = os.path.join(HERE, case, name)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                text = f.read()
            if hasattr(module, "expected") and name == "expected.json":
                rows = oracle.json_rows(module.expected(*found.values()))
                problems = ["%s is not what case.py computes (run.py --update)" % name] if rows != text else []
            return text, problems
    return None, problems


def fill(text, values):
    for name, value in values.items():
        text = text.replace("{%s}" % name, value)
    return text


def spreads(module, template):
    """(what it is called, arguments that say how rows are spread over workers)"""
    workers = getattr(module, "WORKERS", (1, 2, 3, 4, 8))
    found = [("%d workers" % n, ["--cores", str(n)]) for n in workers]
    last = template[len(template) - template[::-1].index("--query"):] if "--query" in template else template
    if workers == (1,) or "--from" in last or not ("--agg" in last or "--fold" in last):
        return found
    ways = getattr(module, "SPLITS", None) or ["auto", "hash", "hash:2", "rr", "rr:5", "range:frame.len:80,600,1200"] + ["key"] * ("--key" in last)
    return found + [("--split %s" % way, ["--split", way, "--cores", "3"]) for way in ways]


def run_case(case):
    module = load(case)
    found = inputs(module)
    want, problems = expected_text(case, module, found)
    with tempfile.TemporaryDirectory() as d:
        paths = {}
        for name, packets in found.items():
            paths[name.rsplit(".", 1)[0]] = path = os.path.join(d, name)
            getattr(module, "write", pcapmaker.write)(path, packets)
        for args_file in sorted(x for x in os.listdir(os.path.join(HERE, case)) if x.split(".")[0] == "args"):
            with open(os.path.join(HERE, case, args_file), encoding="utf-8") as f:
                template = [x for x in f.read().split("\n") if x]
            first = None
            for number, (how, more) in enumerate(spreads(module, template)):
                out = os.path.join(d, "%s-%d" % (args_file, number))
                os.mkdir(out)
                args = [fill(a, {"out": out, **paths}) for a in template] + more
                stdin = open(next(iter(paths.values())), "rb") if "-" in args else None
                p, stats = weir.run_with_stats(args, **({"stdin": stdin} if stdin else {}))
                if stdin:
                    stdin.close()
                text = p.stdout.decode("utf-8", "replace")
                here = weir.ended(p, getattr(module, "STATUS", (0,)))
                if want is not None:
                    exact = getattr(module, "ORDERED", False)
                    here += differences(*((want.splitlines(), text.splitlines()) if exact else
                                          (by_query(want), by_query(text))))
                if first is None:
                    first = text
                elif by_query(first) != by_query(text):
                    here += ["the run has other rows than the first"]
                if stats is None:
                    here += ["no --stats document"]
                else:
                    here += weir.ledger(stats, args) + part_of(getattr(module, "STATS", {}), stats)
                if hasattr(module, "check"):
                    here += module.check(out, text.splitlines())
                problems += ["%s, %s: %s" % (args_file, how, x) for x in here]
                if here:
                    break
    return problems


def cases():
    return sorted(x for x in os.listdir(HERE) if os.path.exists(os.path.join(HERE, x, "case.py")))


def update(case):
    module = load(case)
    if not hasattr(module, "expected"):
        return
    path = os.path.join(HERE, case, "expected.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write(oracle.json_rows(module.expected(*inputs(module).values())))


def main():
    args = sys.argv[1:]
    if "--update" in args:
        args.remove("--update")
        for case in args or cases():
            update(case)
        return
    t = tap.Tap()
    for case in args or cases():
        t.check(case, run_case(case))
    t.done()


main()
