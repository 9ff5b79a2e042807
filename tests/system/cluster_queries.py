#!/usr/bin/env python3
"""Every published query over several hosts: their lines together are those of one weir over all packets.

The packets are those of all attack generators, merged by time: each host has a share of them. All queries run by one
command line a host. Wires are AF_XDP, AF_PACKET and memif sockets, open and sealed, of IPv4 and IPv6.
"""
import collections
import functools
import json
import os
import random
import sys
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), HERE, os.path.join(HERE, "..", "oracle")]
import hosts  # noqa: E402
import netns  # noqa: E402
import pcapmaker as pm  # noqa: E402
import pcapread  # noqa: E402
import queries  # noqa: E402
import weir  # noqa: E402
from running import run_tests  # noqa: E402

NODES = 3
EVERY = [q for family in queries.FAMILIES.values() for q in family]
DEFAULT_WINDOW = ("--default-window", "1s")
# Of an attack that goes on for a minute only some of the flows, so that it takes less time.
THINNED = {"netflow": 8}
# Among the packets of all attacks together the connections of this one are not as small.
SLACK = {"each": 120}

# Beside the published ones: each kind of window, and what looks at the order of packets.
OTHERS = [
    "--query", "early", "--key", "ip.src", "--window", "1s", "--agg", "n=count(),last=last(tcp.srcport)",
    "--where", "n >= 5", "--emit", "early",
    "--query", "early_rare", "--key", "ip.dst", "--window", "2s", "--agg", "peers=distinct(ip.src)",
    "--where", "peers >= 3", "--emit", "early",
    "--query", "counts", "--key", "ip.src", "--window", "count:7", "--agg", "bytes=sum(frame.len),first=first(ip.dst)",
    "--query", "counts_of_all", "--window", "count:100", "--agg", "bytes=sum(frame.len)",
    "--query", "sessions", "--key", "ip.src,ip.dst", "--window", "session:20ms", "--agg", "n=count(),t=last(ip.ttl)",
    "--query", "session_of_all", "--window", "session:300us", "--agg", "n=count()",
    "--query", "ends", "--key", "5tuple", "--window", "2s",
    "--agg", "a=first(frame.len),b=last(frame.len),s=stddev(frame.len),ch=changes(ip.ttl),e=ewma(0.5,frame.len)",
    "--query", "fold_of_all", "--window", "1s", "--fold", "n=0,s=0; n+=1; s=s*3+frame.len-n; s=s%1000003",
    "--query", "packets", "--where", "tcp.flags.fin", "--select", "frame.time,ip.src,ip.dst,frame.len",
    "--query", "sliding", "--key", "ip.dst", "--window", "3s/1s", "--agg", "n=count(),p=p90(frame.len)",
    "--where", "n > 20",
    "--query", "whole", "--key", "ip.proto", "--window", "global", "--agg", "n=count(),m=mean(frame.len)",
    "--query", "fan", "--key", "ip.src,ip.dst", "--window", "2s", "--agg", "n=count()",
    "--key", "ip.src", "--agg", "m=count()", "--where", "m > 1", "--sink", "json",
    "--query", "of_fan", "--from", "fan", "--where", "m > 3",
    "--query", "joined", "--where", "udp", "--join", "semi:fan@prev", "--select", "frame.time,ip.src,ip.dst",
    "--query", "anti", "--where", "tcp.flags.syn", "--join", "anti:fan", "--key", "ip.src", "--agg",
    "n=count(),e=ewma(0.25,frame.len)",
]


def split(arguments):
    """a list for each --query"""
    starts = [i for i, a in enumerate(arguments) if a == "--query"] + [len(arguments)]
    return [arguments[a:b] for a, b in zip(starts, starts[1:])]


def published(parameters):
    """All published queries as one command line; what several of them need is there once."""
    parts = {}
    for q in EVERY:
        own = {k: v for k, v in {**parameters, **q.in_file}.items() if k in q.defaults}
        for part in split(q.arguments(**own)):
            assert parts.setdefault(part[1], part) == part, "two queries with the name " + part[1]
    return [a for part in parts.values() for a in part]


def flow_hash(p):
    """Of both addresses and ports, of IPv4 over Ethernet."""
    return zlib.crc32(p.data[26:38])


def generate(query):
    """An attack's packets."""
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "a.pcapng")
        p = weir.run(["gen:attack:%s?%s" % (query.name, query.attack), "-w", path], binary=weir.GEN)
        assert p.returncode == 0, p.stderr
        packets = [pm.Packet(t, data, {}, wire=wire, interface=i)
                   for i, _, t, data, wire in pcapread.read_pcapng(path)]
    return [p for p in packets if flow_hash(p) % THINNED.get(query.name, 1) == 0]


@functools.lru_cache(None)
def attacks():
    """Packets of all attacks by time. No two have the same: which of those comes first is not said by a capture."""
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(generate, EVERY))
    packets = sorted((p for some in found for p in some), key=lambda p: p.t)
    for before, p in zip(packets, packets[1:]):
        p.t = max(p.t, before.t + 1)
    return packets


def by_chance(packets, n):
    r, out = random.Random(3), [[] for _ in range(n)]
    for p in packets:
        out[r.randrange(n)].append(p)
    return out


def by_flow(packets, n):
    out = [[] for _ in range(n)]
    for p in packets:
        out[flow_hash(p) % n].append(p)
    return out


class Case:
    """Packets, how they are shared, and what one weir says of all of them."""

    def __init__(self, folder, packets, arguments, n=NODES, share=by_chance):
        self.folder, self.arguments, self.n_packets = folder, arguments, len(packets)
        self.files = []
        for i, part in enumerate(share(packets, n)):
            self.files.append(os.path.join(folder, "part-%d.pcapng" % i))
            # Each file has both interfaces, whether packets of them are in it or not.
            pm.write_pcapng(self.files[-1], part + [])
        path = os.path.join(folder, "all.pcapng")
        pm.write_pcapng(path, packets)
        p = weir.run(["-r", path, *arguments, "--control", "never"])
        assert p.returncode == 0, p.stderr
        self.want = p.stdout.decode().splitlines()

    def silent(self, names):
        """Queries that say nothing: comparing them tells nothing."""
        said = {json.loads(x)["query"] for x in self.want}
        return ["no rows of " + x for x in names if x not in said]

    def run(self, h, more=("--insecure-wire",), wires=None, extra=(), waits_for=None):
        """A weir a host until all have ended: problems. waits_for: a path that the first one makes, for the others."""
        runs, problems, lines, ledgers = [], [], [], []
        try:
            for i, path in enumerate(self.files):
                wire = {"wire": wires[i]} if wires else {}
                args = h.arguments(i, "?nodes=%d" % len(self.files), more=more, **wire)
                runs.append(h.run(i, ["-r", path, *self.arguments, *args, *extra]))
                if waits_for:
                    netns.wait(waits_for, lambda: os.path.exists(waits_for))
            for r in runs:
                found, stats = r.end(sig=None, seconds=60, args=self.arguments)
                problems += ["%s: %s" % (r.name, x) for x in found]
                lines += r.out
                ledgers.append(stats)
        finally:
            for r in runs:
                r.__exit__()
        if not problems and sum(x["received"]["packets"] for x in ledgers) != self.n_packets:
            problems.append("not all packets were received")
        return problems or self.differ(lines)

    def differ(self, got):
        """Problems where lines, in whatever order, are not those of one weir."""
        if sorted(got) == sorted(self.want):
            return []
        more = collections.Counter(got) - collections.Counter(self.want)
        less = collections.Counter(self.want) - collections.Counter(got)
        by_query = collections.defaultdict(lambda: [[], []])
        for which, some in enumerate((more, less)):
            for x in some.elements():
                by_query[json.loads(x)["query"]][which].append(x)
        return ["query %s: %d lines too many, such as %s; %d are missing, such as %s" % (
            q, len(m), m[:2], len(w), w[:2]) for q, (m, w) in sorted(by_query.items())]


def published_case(folder, parameters, **more):
    return Case(folder, attacks(), [*DEFAULT_WINDOW, *published(parameters)], **more)


def test_published(folder):
    """AF_XDP, three hosts: the 29 published queries with their thresholds; each says something"""
    case = published_case(folder, SLACK)
    silent = case.silent(q.name for q in EVERY)
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        return silent + case.run(h)


def test_order(folder):
    """AF_XDP, three hosts: early rows, sessions, counts, folds, joins of packets, of chains"""
    case = Case(folder, attacks()[::3], [*DEFAULT_WINDOW, *OTHERS])
    silent = case.silent(p[1] for p in split(OTHERS))
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        return silent + case.run(h)


def all_case(folder, **more):
    """All queries there are, with thresholds that most groups reach."""
    parameters = {**queries.LOW, "least": 2}
    return Case(folder, attacks()[::5], [*DEFAULT_WINDOW, *published(parameters), *OTHERS], **more)


def secret(folder):
    path = os.path.join(folder, "secret")
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as f:
        f.write(os.urandom(32))
    return ["--secret-file", path]


def test_sealed(folder):
    """AF_XDP, three hosts, sealed: all queries, packets by flow, two workers a host"""
    case = all_case(folder, share=by_flow)
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        return case.run(h, more=secret(folder), extra=["--cores", "2"])


def test_af_packet(folder):
    """AF_PACKET, three hosts, IPv6: all queries, two workers a host"""
    case = all_case(folder)
    wires = ["vdev:net_af_packet0,iface=wire0,ip=2001:db8::%d/64"] * NODES
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        return case.run(h, wires=wires, extra=["--cores", "2"])


def test_memif(folder):
    """memif, two hosts, sealed: all queries"""
    case = all_case(folder, n=2)
    socket = os.path.join(folder, "memif.sock")
    wires = ["vdev:net_memif0,role=%s,id=0,socket=%s,socket-abstract=no,ip=192.0.2.%%d/24" % (role, socket) for role in (
        "server", "client")]
    with hosts.Hosts(2) as h:
        h.start_etcd()
        return case.run(h, more=secret(folder), wires=wires, waits_for=socket)


if __name__ == "__main__":
    run_tests([test_published, test_order, test_sealed, test_af_packet, test_memif])
