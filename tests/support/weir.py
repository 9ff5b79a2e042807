"""Run weir and judge what it says."""
import json
import os
import subprocess
import tempfile

BINARY = os.environ.get("WEIR", "weir")
CTL = os.environ.get("WEIR_CTL", "weir-ctl")
DOCTOR = os.environ.get("WEIR_DOCTOR", "weir-doctor")
GEN = os.environ.get("WEIR_GEN", "weir-gen")
LATENCY = os.environ.get("WEIR_LATENCY", "weir-latency")
# Sanitizer builds are slow; the builds that are say so.
TIMEOUT = float(os.environ.get("WEIR_TEST_TIMEOUT", "60"))


def run(args, timeout=None, stdin=subprocess.DEVNULL, binary=None, **more):
    """One run; a timeout is told as returncode None."""
    try:
        return subprocess.run([binary or BINARY, *args], stdin=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout or TIMEOUT, **more)
    except subprocess.TimeoutExpired as e:
        return subprocess.CompletedProcess(e.cmd, None, e.stdout or b"", e.stderr or b"")


def ended(p, allowed=(0,)):
    """Problems with how a run ended."""
    err = p.stderr.decode("utf-8", "replace").strip()
    if p.returncode is None:
        return ["it did not end in time; standard error: " + err[-800:]]
    problems = []
    if p.returncode not in allowed:
        problems.append("status %d, not %s; standard error: %s" % (
            p.returncode, " or ".join(map(str, allowed)), err[-2000:]))
    if "runtime error:" in err or "Sanitizer" in err:
        problems.append("sanitizer: " + err[:3000])
    return problems


def queries_of(args):
    """name -> (queries whose rows it takes, does it have a sink) of a command line"""
    found, name, words = {}, "main", list(args)
    for i, word in enumerate(words[:-1]):
        if word == "--query":
            name = words[i + 1]
        takes, sinks = found.setdefault(name, ([], []))
        if word == "--from":
            takes += words[i + 1].split(",")
        elif word == "--sink":
            sinks.append(words[i + 1])
    joined = [w.split(":")[-1].split("@")[0] for v, w in zip(words, words[1:]) if v == "--join"]
    read = {x for takes, _ in found.values() for x in takes} | set(joined)
    return {n: (takes, bool(sinks) or n not in read) for n, (takes, sinks) in found.items()}


def ledger(stats, args=()):
    """Problems of a --stats document: every packet and row must be accounted for exactly once."""
    problems = []
    known = queries_of(args)
    if stats.get("balanced") is not True:
        problems.append("balanced is %r" % stats.get("balanced"))
    received = stats["received"]["packets"]
    delivered = sum(s["delivered"] + s.get("queued", 0) + sum(s["dropped"].values())
                    for s in stats["sinks"].values())
    rows = 0
    for name, q in stats["queries"].items():
        dropped = sum(q["dropped"].values())
        kept = q.get("aggregated", 0) + q.get("emitted", 0)
        takes, has_sink = known.get(name, ((), True))
        offered = sum(stats["queries"][x]["rows"] for x in takes) if takes else received
        if q["in"] != offered:
            problems.append("query %s: in %d, but there were %d" % (name, q["in"], offered))
        if q["in"] != kept + dropped:
            problems.append("query %s: in %d != aggregated %d + dropped %d" % (name, q["in"], kept, dropped))
        rows += q["rows"] if has_sink else 0
    # Two queries may share a sink, and a query may have several: only one sink says it all.
    if len(stats["sinks"]) == 1 and delivered != rows:
        problems.append("rows %d, but the sinks account for %d" % (rows, delivered))
    for reason, n in stats["decode"].items():
        if not 0 <= n <= received:
            problems.append("decode.%s is %d of %d packets" % (reason, n, received))
    return problems


def run_with_stats(args, **more):
    """A run with --stats into a file: the process, the document (None where there is none)."""
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "stats.json")
        p = run([*args, "--stats", path], **more)
        try:
            with open(path) as f:
                return p, json.load(f)
        except (OSError, ValueError):
            return p, None
