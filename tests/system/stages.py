#!/usr/bin/env python3
"""weir --latency: every stage that runs has samples, those that do not have none and say why; files, generators, a cable.

How long anything took is not looked at, but where this sets the time itself: a window that is known to last.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import netns  # noqa: E402
import pcapmaker as pm  # noqa: E402
import tap  # noqa: E402
import weir  # noqa: E402
from running import Run, run_tests  # noqa: E402

STAGES = ["receive_wait", "decode", "predicate", "exchange", "aggregate", "select", "forward", "block_wait", "pane_wait", "merge", "sink",
          "end_to_end", "work", "early"]
SINKS = {"merge", "sink", "end_to_end", "work"}  # of what is written but early
N = 60000
GEN = "gen:udp?count=%d&rate=100k&flows=50&seed=3" % N  # 0.6 s of event time
COUNT = ["--key", "ip.src", "--agg", "n=count()"]
WINDOWS = ["--window", "100ms", *COUNT]


def lines(path, only=None):
    with open(path) as f:
        return [r for r in map(json.loads, f) if only is None or r["query"] == only]


def measured(stages, want):
    """Problems where other stages than those wanted have samples, or a number cannot be."""
    if list(stages) != [*STAGES, "not_measured"]:
        return ["stages: %r" % list(stages)]
    got = {x for x in STAGES if stages[x] is not None}
    problems = ["%s was not measured" % x for x in sorted(want - got)] + ["%s was measured" % x for x in sorted(got - want)]
    if set(stages["not_measured"]) != set(STAGES) - got or not all(stages["not_measured"].values()):
        problems.append("reasons: %r" % stages["not_measured"])
    for name in sorted(got):
        s = stages[name]
        known = [s[x] for x in ("p50", "p90", "p99", "p99.9", "p99.99") if s[x] is not None]
        if s["samples"] < 1 or known + [s["max"]] != sorted(known + [s["max"]]) or not 0 <= s["mean"] <= s["max"]:
            problems.append("%s: %r" % (name, s))
        for x, least in (("p50", 2), ("p90", 10), ("p99", 100), ("p99.9", 1000), ("p99.99", 10000)):
            if (s[x] is not None) != (s["samples"] >= least):
                problems.append("%s: %s of %d samples is %r" % (name, x, s["samples"], s[x]))
    return problems


def once(folder, args, want, packets=N):
    """A run to its end: problems, what was measured, and its summary."""
    path = os.path.join(folder, "stats.json")
    p = weir.run([*args, "--latency", "--stats", path])
    problems = weir.ended(p)
    if problems:
        return problems, {}, ""
    with open(path) as f:
        stats = json.load(f)
    stages, text = stats["latency"], p.stderr.decode()
    problems = weir.ledger(stats, args) + measured(stages, want)
    if stages["decode"] and stages["decode"]["samples"] > packets:
        problems.append("%d samples of %d packets" % (stages["decode"]["samples"], packets))
    for name in STAGES:
        has = any(x.startswith("weir: latency %s " % name) and "not measured" not in x for x in text.splitlines())
        if has != (stages[name] is not None):
            problems.append("%s: the summary says %r" % (name, text))
    return problems, stages, text


def all_workers(folder, args, want, more=None):
    """The same with one worker and three; where there are several `more` may run too."""
    problems = []
    for n in (1, 3):
        got, _, _ = once(folder, [*args, "--cores", str(n)], want | (more or set() if n > 1 else set()))
        problems += ["%d workers: %s" % (n, x) for x in got]
    return problems


def test_windows(folder):
    """a query with windows: decode, aggregate, the wait for the window, and what follows it"""
    return all_workers(folder, ["--source", GEN, *WINDOWS, "--sink", "json:/dev/null"], {"decode", "aggregate", "pane_wait", *SINKS})


def test_predicate(folder):
    """--where is a stage of its own"""
    return all_workers(folder, ["--source", GEN, "--where", "srcport % 2 == 0", *WINDOWS, "--sink", "json:/dev/null"],
                       {"decode", "predicate", "aggregate", "pane_wait", *SINKS})


def test_exchange(folder):
    """rows that go from worker to worker, in their order and in any"""
    want = {"decode", "aggregate", "pane_wait", *SINKS}
    problems = all_workers(folder, ["--source", GEN, *WINDOWS, "--split", "key", "--sink", "json:/dev/null"], want, {"exchange"})
    return problems + all_workers(
        folder, ["--source", GEN, "--window", "100ms", "--key", "ip.src", "--agg", "c=changes(srcport)", "--sink", "json:/dev/null"],
        want, {"exchange"})


def test_rows(folder):
    """rows and packets of a query without --agg wait for their block, not for a window"""
    want = {"decode", "select", "block_wait", *SINKS}
    kept = "pcapng:" + os.path.join(folder, "kept.pcapng")
    return (all_workers(folder, ["--source", GEN, "--select", "ip.src,frame.len", "--sink", "json:/dev/null"], want)
            + all_workers(folder, ["--source", GEN, "--filter", "udp", "--sink", kept], want | {"predicate"}))


def test_forward(folder):
    """packets that leave by a port are followed to its driver"""
    problems = all_workers(folder, ["--source", GEN, "--filter", "udp", "--sink", "port:vdev:net_null0"],
                           {"decode", "predicate", "forward", "end_to_end", "work"})
    if any("EAL" in x and "did not start" in x for x in problems):
        raise netns.Unavailable(problems[0])
    return problems


def test_rare_rows(folder):
    """the only row of many packets is measured, although few of them are sampled"""
    got, stages, _ = once(folder, ["--source", GEN, "--where", "frame.number == 50001", "--select", "ip.src", "--sink", "json:/dev/null"],
                          {"decode", "predicate", "select", "block_wait", *SINKS} - {"select"})
    if not stages:
        return got
    # its burst is timed or not
    return [x for x in got if not x.startswith("select was measured") and "reasons" not in x]


def test_early(folder):
    """rows of --emit early have a line of their own, each of them a sample"""
    path = os.path.join(folder, "rows.json")
    args = ["--source", GEN, "--lateness", "0s", *WINDOWS, "--where", "n > 100", "--emit", "early", "--sink", "json:" + path]
    problems, stages, _ = once(folder, args, {"decode", "aggregate", "pane_wait", "early", *SINKS})
    rows = len(lines(path))
    if stages and not 0 < stages["early"]["samples"] <= rows:
        problems.append("%d early rows measured, of %d rows" % (stages["early"]["samples"], rows))
    got, _, _ = once(folder, [*args, "--cores", "3", "--split", "key"],
                     {"decode", "exchange", "aggregate", "pane_wait", "early", *SINKS})
    return problems + ["3 workers: " + x for x in got]


def test_queries_of_rows(folder):
    """windows of rows, joins and sliding windows: each packet is followed to the first row that it is in"""
    want = {"decode", "aggregate", "pane_wait", *SINKS}
    null = ["--sink", "json:/dev/null"]
    cases = {
        "sliding": ["--window", "200ms/50ms", *COUNT, *null],
        "from": ["--query", "a", *WINDOWS, "--query", "b", "--from", "a", "--window", "300ms", "--key", "ip.src", "--agg", "s=sum(n)", *null],
        "join": ["--query", "a", *WINDOWS, "--query", "b", "--window", "100ms", "--key", "ip.src", "--agg", "m=count()", "--join", "a", *null],
        "group in a row": [*WINDOWS, "--key", "n", "--agg", "k=count()", *null],
        "parted": [*WINDOWS, "--where", "n > 0", "--top", "5:n", *null],
    }
    problems = []
    for name, args in cases.items():
        got, _, _ = once(folder, ["--source", GEN, *args], want)
        problems += ["%s: %s" % (name, x) for x in got]
    got, stages, _ = once(folder, ["--source", GEN, *WINDOWS[2:], "--window", "session:10ms", *null], {"decode", "aggregate"})
    if stages and "keys" not in stages["not_measured"]["pane_wait"]:
        problems.append("sessions: %r" % stages["not_measured"])
    return problems + ["sessions: " + x for x in got]


def test_known_wait(folder):
    """a window of a second that is filled in real time: its packets wait for it, and this is no work"""
    path = os.path.join(folder, "paced.pcap")
    pm.write_pcap(path, [pm.packet(pm.S + i * pm.MS, "10.0.0.1", "10.0.1.1", udp=(1, 2)) for i in range(2100)])
    problems, s, _ = once(folder, ["-r", path + "?speed=1", "--lateness", "0s", "--window", "1s", *COUNT, "--sink", "json:/dev/null"],
                          {"decode", "aggregate", "pane_wait", *SINKS}, 2100)
    if not s:
        return problems
    # The last window lasts a tenth; the least of 32 of a thousand samples is hardly ever beyond 0.5 s.
    if s["pane_wait"]["max"] < 5e8:
        problems.append("nobody waited half a second for a window of one: %r" % s["pane_wait"])
    if s["end_to_end"]["max"] < s["pane_wait"]["max"] or s["work"]["max"] > s["end_to_end"]["max"]:
        problems.append("end to end %r, work %r" % (s["end_to_end"], s["work"]))
    if s["work"]["p50"] >= s["pane_wait"]["p50"]:
        problems.append("the wait is among the work: %r" % s["work"])
    return problems


def test_off(folder):
    """without the flag nothing of it is to be seen; with --quiet it is not told"""
    path = os.path.join(folder, "stats.json")
    p = weir.run(["--source", GEN, *WINDOWS, "--sink", "json:/dev/null", "--stats", path])
    with open(path) as f:
        problems = weir.ended(p) + (["--stats has it"] if "latency" in json.load(f) else [])
    problems += ["it says %r" % p.stderr] if b"latency" in p.stderr else []
    p = weir.run(["--source", GEN, *WINDOWS, "--sink", "json:/dev/null", "--latency", "--quiet"])
    return problems + weir.ended(p) + (["--quiet says %r" % p.stderr] if p.stderr else [])


def test_asked(folder):
    """weir-ctl shows it while the run goes on: status, stats, top; samples grow, and none is counted twice"""
    with Run(["--source", "gen:udp?rate=20k&count=0&flows=100&pace=1", "--cores", "2", "--latency", "--lateness", "0s", *WINDOWS,
              "--sink", "json:/dev/null"], folder) as run:
        run.ready()

        def seen():
            run.must_live()
            s = (run.ask("status", "--json") or {}).get("latency")
            return s if s and s["end_to_end"] else None
        first = netns.wait("latency in the status", seen)
        problems = measured(first, {"decode", "aggregate", "pane_wait", *SINKS})
        netns.wait("more samples", lambda: seen()["decode"]["samples"] > first["decode"]["samples"])
        for args, words in ((["status"], ["LATENCY", "pane_wait", "SAMPLES"]), (["top", "--once"], ["LATENCY", "end_to_end", "ROWS OF"])):
            p = run.ctl(*args)
            problems += weir.ended(p) + ["%s does not say %s" % (args[0], w) for w in words if w not in p.stdout.decode()]
        ledger = run.ask("stats")
        problems += measured(ledger["latency"], {"decode", "aggregate", "pane_wait", *SINKS})
        more, stats = run.end()
    if stats and not (0 < ledger["latency"]["decode"]["samples"] <= stats["latency"]["decode"]["samples"] <= stats["received"]["packets"]):
        problems.append("samples: %r, then %r of %r" % (ledger["latency"]["decode"], stats["latency"]["decode"], stats["received"]))
    return problems + more


def frames(n):
    """A packet of each of so many hosts."""
    for i in range(n):
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 46, i, 0, 64, 17, 0, bytes([10, 1, i >> 8, i & 255]), bytes([10, 2, 0, 1]))
        yield b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + ip + struct.pack("!HHHH", 1, 2, 26, 0) + bytes(18)


def early(folder, flags, condition, want):
    """Hosts that come one by one to an interface: the row of each leaves while its window goes on."""
    path = os.path.join(folder, "rows.json")
    n = 50
    with netns.Cable() as cable, \
            Run(["-i", "weir0", *flags, "--latency", "--window", "24h", *COUNT, "--where", "n >= 1", "--emit", "early",
                 "--sink", "json:" + path], folder, cable) as run:
        netns.wait("readiness; so far: " + run.said(), lambda: condition(cable) and run.ready())
        with cable.sender() as s:
            for i, frame in enumerate(frames(n)):
                s.send(frame)
                netns.wait("row %d; so far: %s" % (i, run.said()), lambda: len(lines(path)) > i)
        problems, stats = run.end()
    if not stats:
        return problems
    problems += measured(stats["latency"], want)
    if stats["latency"]["early"] and stats["latency"]["early"]["samples"] != n:
        problems.append("%r: not %d samples" % (stats["latency"]["early"], n))
    return problems


def test_early_tap(folder):
    """a tapped interface: packets tell when they arrived; early rows leave one by one"""
    return early(folder, ["--tap"], lambda c: c.is_tapped(), {"receive_wait", "decode", "aggregate", "pane_wait", "early", *SINKS})


def test_early_take(folder):
    """the same taken, with two workers: nobody knows how long a packet waited in the kernel"""
    return early(folder, ["--take", "--cores", "2", "--split", "key"], lambda c: True,
                 {"decode", "exchange", "aggregate", "pane_wait", "early", *SINKS})


run_tests([test_windows, test_predicate, test_exchange, test_rows, test_forward, test_rare_rows, test_early, test_queries_of_rows, test_known_wait,
           test_off, test_asked, test_early_tap, test_early_take])
