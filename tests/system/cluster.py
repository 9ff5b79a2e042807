#!/usr/bin/env python3
"""Several hosts answer as one: what their outputs hold together is what a single weir says of all packets."""
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
# One query of each way in which queries are spread over hosts.
QUERIES = [
    "--query", "flows", "--key", "5tuple", "--window", "1s",
    "--agg", "packets=count(),bytes=sum(frame.len),longest=max(frame.len),mean=mean(frame.len)",
    "--query", "all", "--key", "ip.src", "--window", "global", "--agg", "n=count(),peers=distinct(ip.dst)",
    "--query", "sliding", "--key", "ip.dst", "--window", "3s/1s", "--agg", "n=count()", "--where", "n > 3",
    "--query", "top", "--key", "ip.src", "--window", "1s", "--agg", "n=count()", "--top", "3:n",
    "--query", "fan", "--key", "ip.src,ip.dst", "--window", "2s", "--agg", "n=count()",
    "--key", "ip.src", "--agg", "m=count()", "--where", "m > 1",
    "--query", "sum", "--window", "1s", "--agg", "n=count(),q=p90(frame.len)",
]


def packets(n=6000, seconds=12, seed=7):
    r, out = random.Random(seed), []
    for i in range(n):
        a, b = "10.0.%d.%d" % (r.randrange(3), r.randrange(40)), "10.9.0.%d" % r.randrange(20)
        out.append(pm.packet(pm.S + i * seconds * 1000 * pm.MS // n, a, b, payload=b"x" * r.randrange(1200),
                             **({"udp": (r.randrange(5), 53)} if r.randrange(2) else {"tcp": (r.randrange(9), 80, "A")})))
    return out


def parts(all_packets, n, seed=3):
    """Each packet to one of n hosts, in their order."""
    r, out = random.Random(seed), [[] for _ in range(n)]
    for p in all_packets:
        out[r.randrange(n)].append(p)
    return out


def single(folder, all_packets, queries):
    """What one weir says: its lines."""
    path = os.path.join(folder, "all.pcap")
    pm.write_pcap(path, all_packets)
    p = weir.run(["-r", path, *queries, "--control", "never"])
    assert p.returncode == 0, p.stderr
    return p.stdout.decode().splitlines()


def differ(got, want):
    """Problems where lines, in whatever order, are not those wanted."""
    more, less = collections.Counter(got) - collections.Counter(want), collections.Counter(want) - collections.Counter(got)
    if not more and not less:
        return []
    by_query = collections.Counter(json.loads(x)["query"] for x in [*more, *less])
    return ["%d lines, not %d; %d too many, such as %s; %d are missing, such as %s; of queries %s" % (
        len(got), len(want), sum(more.values()), next(iter(more), None), sum(less.values()), next(iter(less), None),
        dict(by_query))]


def run_all(h, files, queries, options="?nodes=%d" % NODES, more=("--insecure-wire",), extra=()):
    """A weir a host, until all have ended: problems, their lines and ledgers."""
    runs, problems, lines, ledgers = [], [], [], []
    try:
        for i, path in enumerate(files):
            runs.append(h.run(i, ["-r", path, *queries, *h.arguments(i, options, more=more), *extra]))
        for r in runs:
            found, stats = r.end(sig=None, seconds=60)
            problems += ["%s: %s" % (r.name, x) for x in found]
            lines.append(r.out)
            ledgers.append(stats)
    finally:
        for r in runs:
            r.__exit__()
    return problems, lines, ledgers


def write_parts(folder, all_packets, n):
    out = []
    for i, part in enumerate(parts(all_packets, n)):
        out.append(os.path.join(folder, "part-%d.pcap" % i))
        pm.write_pcap(out[-1], part)
    return out


def test_as_one(folder):
    """three hosts, etcd: rows of all together are those of one weir over all packets"""
    sent = packets()
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        problems, lines, ledgers = run_all(h, write_parts(folder, sent, NODES), QUERIES)
        if not problems and sum(x["received"]["packets"] for x in ledgers) != len(sent):
            problems.append("not all packets were received")
        if not problems and min(len(x) for x in lines) == 0:
            problems.append("a host delivered nothing: %s" % [len(x) for x in lines])
        return problems + differ(sum(lines, []), single(folder, sent, QUERIES))


# Strings that no frame of the wire holds: as keys, in states that grow, and in rows that are sent as they are.
LONG = ["--query", "keys", "--key", "payload", "--window", "1s", "--agg", "n=count()",
        "--query", "sets", "--key", "ip.src", "--window", "1s", "--agg", "d=distinct(payload),t=topk(3,payload)",
        "--query", "rows", "--key", "payload", "--window", "session:30ms", "--agg", "n=count(),t=last(frame.len)"]


def long_packets(n=400, seconds=4):
    r, out = random.Random(5), []
    texts = ["%05d " % size * (size // 6) for size in (100, 1300, 1450, 1500, 2900, 5000, 9000, 20000, 40000, 60000)]
    for i in range(n):
        out.append(pm.packet(pm.S + i * seconds * 1000 * pm.MS // n, "10.0.0.%d" % r.randrange(4), "10.9.0.1", udp=(5, 53),
                             payload=r.choice(texts).encode()))
    return out


def test_long(folder):
    """values longer than a frame, sealed: rows of all hosts together are those of one weir, and nothing is shed"""
    sent = long_packets()
    path = os.path.join(folder, "secret")
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as f:
        f.write(os.urandom(32))
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        problems, lines, ledgers = run_all(h, write_parts(folder, sent, NODES), LONG, more=("--secret-file", path))
        want = single(folder, sent, LONG)
        if max(len(x) for x in want) < 60000:
            problems.append("no row has a long value")
        exchanged = [x["cluster"]["exchange"] for x in ledgers if x]
        if any(x["groups_shed"] or x["frames_wrong"] for x in exchanged) or not any(x["rows_taken"] for x in exchanged):
            problems.append("shed, wrong, or nothing taken: %s" % exchanged)
        return problems + ["%.600s" % x for x in differ(sum(lines, []), want)]


run_tests([test_as_one, test_long])
