#!/usr/bin/env python3
"""A cluster whose nodes a file names: they find each other on the wire, also after one of them began anew."""
import collections
import json
import os
import random
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import hosts  # noqa: E402
import netns  # noqa: E402
import pcapmaker as pm  # noqa: E402
import weir  # noqa: E402
from running import run_tests  # noqa: E402

NODES = 3
SECRET = "what three hosts know and nobody else"
QUERIES = ["--query", "flows", "--key", "5tuple", "--window", "1s", "--agg", "packets=count(),bytes=sum(frame.len)",
           "--query", "top", "--key", "ip.src", "--window", "1s", "--agg", "n=count()", "--top", "3:n"]


def packets(n=3000, seconds=8, seed=5):
    r = random.Random(seed)
    return [pm.packet(pm.S + i * seconds * 1000 * pm.MS // n, "10.0.0.%d" % r.randrange(60), "10.9.0.%d" % r.randrange(20),
                      udp=(r.randrange(5), 53), payload=b"x" * r.randrange(900)) for i in range(n)]


def single(folder, sent):
    """What one weir says of all packets: its lines."""
    path = os.path.join(folder, "all.pcap")
    pm.write_pcap(path, sent)
    p = weir.run(["-r", path, *QUERIES, "--control", "never"])
    assert p.returncode == 0, p.stderr
    return p.stdout.decode().splitlines()


def differ(got, want):
    more, less = collections.Counter(got) - collections.Counter(want), collections.Counter(want) - collections.Counter(got)
    if not more and not less:
        return []
    return ["%d lines, not %d; %d too many, such as %s; %d are missing, such as %s" % (
        len(got), len(want), sum(more.values()), next(iter(more), None), sum(less.values()), next(iter(less), None))]


class World:
    """Three hosts, the file that names them, their secret, and a capture each."""

    def __init__(self, folder, h):
        self.h, self.runs, self.sent = h, [], packets()
        self.nodes, self.secret = os.path.join(folder, "nodes"), os.path.join(folder, "secret")
        with open(self.nodes, "w") as f:
            f.write("# NAME ADDRESS\n" + "".join("n%d 192.0.2.%d\n" % (i, i + 1) for i in range(NODES)))
        with open(os.open(self.secret, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write(SECRET)
        r, parts = random.Random(9), [[] for _ in range(NODES)]
        for p in self.sent:
            parts[r.randrange(NODES)].append(p)
        self.files = [os.path.join(folder, "part-%d.pcap" % i) for i in range(NODES)]
        for path, part in zip(self.files, parts):
            pm.write_pcap(path, part)

    def start(self, i, source=None):
        run = self.h.run(i, ["-r", source or self.files[i], *QUERIES, "--cluster", "static:" + self.nodes, "--node", "n%d" % i,
                             "--wire", "wire0,ip=192.0.2.%d/24" % (i + 1), "--secret-file", self.secret])
        self.runs.append(run)
        return run

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for r in self.runs:
            r.__exit__()


def end_all(runs):
    """Problems, all lines and the ledgers of runs that end by themselves."""
    problems, lines, ledgers = [], [], []
    for r in runs:
        found, stats = r.end(sig=None, seconds=60)
        problems += ["%s: %s" % (r.name, x) for x in found]
        lines += r.out
        ledgers.append(stats)
    return problems, lines, ledgers


def test_greet(folder):
    """three hosts without etcd find each other, and their rows together are those of one weir"""
    with hosts.Hosts(NODES) as h, World(folder, h) as w:
        problems, lines, ledgers = end_all([w.start(i) for i in range(NODES)])
        if problems:
            return problems
        for i, x in enumerate(ledgers):
            c = x["cluster"]
            if c["node"] != "n%d" % i or len(c["peers"]) != NODES - 1 or not c["exchange"]["groups_sent"]:
                problems.append("n%d: its ledger says of the cluster: %s" % (i, json.dumps(c)[:500]))
            if sum(c["wire"]["refused"].values()) > c["wire"]["refused"]["future_epoch"]:
                problems.append("n%d: frames were refused: %s" % (i, c["wire"]["refused"]))
        return problems + differ(lines, single(folder, w.sent))


def test_begin_anew(folder):
    """a node that is killed before it has delivered anything comes again: it gets all that the others had sent it"""
    with hosts.Hosts(NODES) as h, World(folder, h) as w:
        first = [w.start(i) for i in range(2)]
        fifo = os.path.join(folder, "fifo")
        os.mkfifo(fifo)
        killed = w.start(2, fifo)
        with open(w.files[2], "rb") as f:
            head = f.read(24)
        with open(fifo, "wb", buffering=0) as writer:
            writer.write(head)

            def sent():
                nodes = first[0].ask("nodes", "--json")
                mine = [n for n in (nodes or {"nodes": []})["nodes"] if n["node"] == "n2" and "wire" in n]
                return mine and mine[0]["wire"]["data_acked"] > 10
            netns.wait("frames that node n2 has taken", sent)
            totals = first[0].ask("stats", "--cluster")
            killed.p.kill()
            killed.p.wait()
        problems, lines, _ = end_all([*first, w.start(2)])
        if not totals["balanced"] or "n0" not in totals["nodes"]:
            problems.append("stats --cluster: %s" % json.dumps(totals)[:500])
        if not any("begun anew" in x for x in first[0].err):
            problems.append("n0 did not see that n2 began anew: " + first[0].said())
        if killed.out:
            problems.append("the killed node had delivered rows")
        return problems + differ(lines, single(folder, w.sent))


run_tests([test_greet, test_begin_anew])
