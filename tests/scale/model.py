#!/usr/bin/env python3
"""scripts/scale-model: what must hold whatever the costs are, and what its pieces say of what was measured."""
import json
import math
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
sys.path[:0] = [os.path.join(ROOT, "tests", "support"), os.path.join(ROOT, "tests", "bench"), os.path.join(ROOT, "scripts", "scale")]
import model  # noqa: E402
import simulation  # noqa: E402
import tap  # noqa: E402

PROGRAM = os.path.join(ROOT, "scripts", "scale-model")


def run(*args):
    return subprocess.run([sys.executable, PROGRAM, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)


def figures(*args):
    p = run(*args, "--json", "-")
    assert p.returncode == 0, p.stderr
    return json.loads(p.stdout)["hosts"]


def setup(hosts, **more):
    return model.Setup(**{"hosts": hosts, "pps": 2e5, "flows": 20000, "windows": 3, **more})


def near(what, got, want, part=1e-6):
    return [] if math.isclose(got, want, rel_tol=part) else ["%s: %r, not %r" % (what, got, want)]


def test_slots_hold_all_keys():
    """keys and packets are conserved over slots and over owners, also when one is gone"""
    problems = []
    for flows, skew in ((100, 0), (500, 1.1), (20000, 1.1), (1000000, 1.5)):
        keys, packets = model.slot_shares(setup(3, flows=flows, skew=skew))
        problems += near("keys of %d flows" % flows, sum(keys), 1) + near("packets of %d flows" % flows, sum(packets), 1)
        for hosts in (1, 3, 256):
            owner = model.owners(hosts)
            per_host = [owner.count(h) for h in range(hosts)]
            if max(per_host) - min(per_host) > 1:
                problems.append("%d hosts have %d to %d slots" % (hosts, min(per_host), max(per_host)))
            problems += near("keys of %d owners" % hosts, sum(model.owned(hosts, keys, owner)), 1)
        gone = model.owners(5, without=2)
        moved = [i for i, (a, b) in enumerate(zip(model.owners(5), gone)) if a != b]
        if 2 in gone or any(model.owners(5)[i] != 2 for i in moved):
            problems.append("slots moved that need not have, or stayed with a host that is gone")
    return problems


def test_counts_of_flows():
    """distinct flows: few packets are all of different ones, many are of all, and as tests/bench/part_cost counted them"""
    problems = near("of 10 packets", model.distinct(10 ** 6, 0, 10), 10, 1e-4) + near("of many", model.distinct(1000, 1.1, 1e9), 1000)
    for flows, skew, packets, counted in ((10000, 1.1, 1e6, 9995), (10 ** 6, 1.1, 3e6, 288000), (10000, 0, 1e4, 6306), (10 ** 6, 0, 1e6, 632000)):
        problems += near("%d flows, Zipf %g" % (flows, skew), model.distinct(flows, skew, packets), counted, 0.01)
    return problems


def test_grows():
    """more hosts, packets, flows: never less work and bytes; a window that all share has each row once"""
    costs, problems = model.costs(), []

    def rises(what, values):
        if any(b < a * (1 - 1e-9) for a, b in zip(values, values[1:])):
            problems.append("%s goes down: %r" % (what, values))

    for kind in model.KINDS:
        by_hosts = [simulation.host_figures(setup(n, kinds={kind: 1}), costs) for n in (1, 2, 4, 8, 16)]
        rises(kind + ": bytes of all by hosts", [r["cluster_bytes_per_s"] for r in by_hosts])
        rises(kind + ": control by hosts", [r["load"]["control"] for r in by_hosts[1:]] if kind == "head" else [0])
        rises(kind + ": bytes by packets", [simulation.host_figures(setup(4, pps=p, kinds={kind: 1}), costs)["cluster_bytes_per_s"]
                                            for p in (1e4, 1e5, 1e6)])
    rises("control by flows", [simulation.host_figures(setup(4, flows=f), costs)["load"]["control"] for f in (1000, 10000, 100000)])
    one, shared, own = [sum(model.load(setup(n, shared=x), costs).rows_out) for n, x in ((1, 0), (8, 1), (8, 0))]
    problems += near("rows of taps that share nothing", own, 8 * one)
    if not one <= shared < own:
        problems.append("rows of taps that share all: %r of %r of one" % (shared, one))
    return problems


def test_events():
    """every host delivers every window, after it was closed, in order; a host that dies is taken over after its lease"""
    costs, problems = model.costs(), []
    s = setup(7)
    r = simulation.steady(s, model.load(s, costs), costs)
    if sorted(r.delivered) != sorted((h, w) for h in range(7) for w in range(3)):
        problems.append("not all was delivered")
    problems += ["window %d of host %d was delivered before it was closed" % (w, h)
                 for (h, w), at in r.delivered.items() if at < max(r.closed[x, w] for x in range(7))]
    problems += ["host %d: windows out of order" % h for h in range(7) if not r.delivered[h, 0] < r.delivered[h, 1] < r.delivered[h, 2]]
    # What the events come to is what the sums say, but for what goes on beside them.
    x = model.load(s, costs)
    for h in range(7):
        of_sums = simulation.busy(s, x, {**costs, "status_ns": 0.0}, h)["control"] * s.windows
        problems += near("control of host %d" % h, r.control[h].busy, of_sums)
    for ttl in (1, 5):
        t = simulation.take_over(setup(3, ttl_s=ttl), costs)
        if not ttl * 2 / 3 <= t["lease_s"] <= t["first_s"] <= t["caught_up_s"]:
            problems.append("taking over: %r" % t)
    return problems


def test_bends():
    """where the control thread has more to do than there is time, it is said"""
    found = figures("--hosts", "4,64", "--tap", "400", "--flows", "40M", "--link", "100")
    problems = ["%d hosts of 400 GbE keep up" % r["hosts"] for r in found if r["keeps_up"] or r["bottleneck"] != "control"]
    small = figures("--hosts", "1,3", "--tap", "1", "--flows", "10k")
    return problems + ["%d hosts of 1 GbE do not keep up: %r" % (r["hosts"], r["load"]) for r in small if not r["keeps_up"]]


def test_validate():
    """--validate shows no error where a bench measured what the model says"""
    costs = model.costs()
    shape = {"pps": 1e6, "packets": 100000, "loops": 10, "flows": 10000, "skew": 1.1, "window_s": 1.0}
    runs = []
    for n, kind in ((1, "slot"), (2, "slot"), (3, "slot"), (3, "head"), (3, "rows")):
        m = model.total(model.Setup(hosts=n, pps=1e6, flows=10000, shared=1.0, kinds={kind: 1}, workers=1, is_sealed=False), costs)
        runs.append({"name": "%d %s" % (n, kind), "nodes": n, "kind": kind, "is_cluster": True, "is_sealed": False, "packets": n * 1e6,
                     "rows": m["rows"], "done_s": 0.0, "link_sent_bytes": m["bytes on the wire"], "link_sent_frames": 1,
                     "by_kind_s": {k: m[k + " s"] for k in ("worker", "control", "wire")}})
    runs[2]["rows"] *= 2
    with tempfile.TemporaryDirectory() as d:
        path, out = os.path.join(d, "bench.json"), os.path.join(d, "out.json")
        with open(path, "w") as f:
            json.dump({"cluster": {**shape, "runs": runs, "parts": []}}, f)
        p = run("--validate", path, "--json", out)
        if p.returncode:
            return ["status %d: %s" % (p.returncode, p.stderr)]
        with open(out) as f:
            found = json.load(f)["validation"]
        wrong = [r for r in found if abs(r["error"]) > 1e-9]
        if [(r["run"], r["what"]) for r in wrong] != [("3 slot", "rows")] or not math.isclose(wrong[0]["error"], -0.5):
            return ["errors: %r" % wrong]
        return [] if len(found) == 3 + 4 * 5 else ["%d rows" % len(found)]


def test_estimates():
    """costs that no bench gives, and no others, are named as estimates; all are in the table of docs/scale.md"""
    costs = model.costs()
    run = {"packets": 3e6, "rows": 1e5, "link_sent_bytes": 5e7, "link_sent_frames": 1e4, "done_s": 1.0, "is_cluster": True, "kind": "slot",
           "nodes": 3, "by_kind_s": {"worker": 1.0, "control": 2.0, "wire": 1.0}}
    dear = {**run["by_kind_s"], "wire": 1.5}
    cluster = {"column_bytes": 24.0, "parts": [{"groups": 1}], "runs": [
        {**run, "name": "alone", "is_cluster": False}, {**run, "name": "3 nodes, in clear"},
        {**run, "name": "3 nodes, sealed", "by_kind_s": dear}, {**run, "name": "rows", "kind": "rows"}]}
    measured = set(model.derive(cluster))
    wrong = (set(k for k, v in costs.items() if isinstance(v, float)) | {"parts"}) - measured ^ set(costs["estimated"])
    problems = ["measured and estimated at once, or neither: %s" % sorted(wrong)] if wrong else []
    with open(os.path.join(ROOT, "docs", "scale.md"), encoding="utf-8") as f:
        rows = [line for line in f if line.startswith("| `")]
    for name in measured | set(costs["estimated"]):
        row = next((r for r in rows if "`%s`" % name in r.split("|")[1]), None)
        kind = "estimate" if name in costs["estimated"] else "measured"
        if not row or not row.split("|")[4].strip().startswith(kind):
            problems.append("%s: not '%s' in the table: %s" % (name, kind, row))
    return problems


def test_wrong():
    """wrong values give a line that names them"""
    problems = []
    for args, word in ((["--hosts", "0"], "--hosts"), (["--query", "slots"], "slots"), (["--flows", "many"], "--flows"),
                       (["--busy", "2"], "--busy"), (["--set", "frame=1"], "frame_ns"), (["--costs", PROGRAM], ""), (["--validate", "/nonexistent"], "/nonexistent")):
        p = run(*args)
        if p.returncode in (0, None) or word not in p.stderr or "Traceback" in p.stderr:
            problems.append("%s: status %r: %s" % (args, p.returncode, p.stderr[-300:]))
    return problems


t = tap.Tap()
for test in (test_slots_hold_all_keys, test_counts_of_flows, test_grows, test_events, test_bends, test_validate, test_estimates, test_wrong):
    try:
        t.check(test.__doc__, test())
    except AssertionError as e:
        t.check(test.__doc__, [str(e)])
t.done()
