#!/usr/bin/env python3
"""A port that is a node's tap and its wire: rows of all nodes together are a single weir's, and no query sees a frame of the wire."""
import collections
import json
import os
import random
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import hosts  # noqa: E402
import netns  # noqa: E402
import pcapmaker as pm  # noqa: E402
import weir  # noqa: E402
from impairing import memif  # noqa: E402
from running import run_tests, without_times  # noqa: E402

NODES = 3
WIRE_PORT = 5748
PROBE_TTL = 9
# Nothing of the wire's, so that it has to be taken for its own sake where what no query can use is left to the kernel.
WANTED = "(tcp || udp) && ip.src in 10.0.0.0/16 && ip.ttl != %d" % PROBE_TTL
QUERIES = [
    "--query", "flows", "--where", WANTED, "--key", "5tuple", "--window", "global", "--agg", "packets=count(),bytes=sum(frame.len)",
    "--query", "top", "--where", WANTED, "--key", "ip.src", "--window", "global", "--agg", "n=count()", "--top", "3:n",
    "--query", "fan", "--where", WANTED, "--key", "ip.src,ip.dst", "--window", "global", "--agg", "n=count()",
    "--key", "ip.src", "--agg", "m=count()", "--where", "m > 1",
]
# What windows of a second come to depends on the clock; their sum does not.
SECONDS = ["--query", "second", "--where", WANTED, "--window", "1s", "--agg", "n=count()"]
# Of the wire's, and of what a kernel would answer it: nothing.
WIRES = ["--query", "wires", "--where", "udp.dstport == %d || udp.srcport >= 49152 && udp || icmp" % WIRE_PORT, "--key", "ip.src,ip.dst",
         "--window", "global", "--agg", "n=count()"]
# Whatever comes but the other nodes' questions to all, and kernels' IGMP.
EVERY = ["--query", "every", "--where", "eth.type != 2054 && ip.proto != 2 && ip.ttl != %d" % PROBE_TTL, "--window", "1s", "--agg", "n=count()"]


def packets(n=2400, seed=7):
    r, out = random.Random(seed), []
    for i in range(n):
        a, b = "10.0.%d.%d" % (r.randrange(3), r.randrange(40)), "10.9.0.%d" % r.randrange(20)
        out.append(pm.packet(pm.S + i * pm.MS, a, b, payload=b"x" * r.randrange(1200),
                             **({"udp": (r.randrange(5), 53)} if r.randrange(2) else {"tcp": (r.randrange(9), 80, "A")})))
    return out


def parts(all_packets, n, seed=3):
    r, out = random.Random(seed), [[] for _ in range(n)]
    for p in all_packets:
        out[r.randrange(n)].append(p)
    return out


def single(folder, sent):
    path = os.path.join(folder, "all.pcap")
    pm.write_pcap(path, sent)
    p = weir.run(["-r", path, *QUERIES, "--control", "never"])
    assert p.returncode == 0, p.stderr
    return without_times(p.stdout.decode().splitlines())


def differ(got, want):
    more, less = collections.Counter(got) - collections.Counter(want), collections.Counter(want) - collections.Counter(got)
    if not more and not less:
        return []
    return ["%d lines, not %d; %d too many, such as %s; %d are missing, such as %s" % (
        len(got), len(want), sum(more.values()), next(iter(more), None), sum(less.values()), next(iter(less), None))]


def judge(folder, lines, sent):
    """Problems of all nodes' lines together."""
    by_query = collections.defaultdict(list)
    for x in lines:
        by_query[json.loads(x)["query"]].append(x)
    problems = []
    for query in ("second", "every"):
        n = sum(json.loads(x)["n"] for x in by_query.get(query, ()))
        if query in by_query and n != len(sent):
            problems.append("%s: %d packets, not %d" % (query, n, len(sent)))
    if "second" not in by_query:
        problems.append("no window of a second was delivered")
    if "wires" in by_query:
        problems.append("queries have seen frames: %s" % by_query["wires"][:3])
    rest = [x for q, some in by_query.items() if q not in ("second", "every", "wires") for x in some]
    return problems + differ(without_times(rest), single(folder, sent))


class Taps:
    """What is sent to the nodes' ports, from the other ends of their cables."""

    def __init__(self, h):
        self.sockets = []
        with netns.Cable.inside(h.hub):
            for i in range(h.n):
                s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
                s.bind(("wire0-%d" % i, 0))
                self.sockets.append(s)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for s in self.sockets:
            s.close()

    def probe(self, i, run):
        """Packets that no query counts, until one has come: then workers run."""
        p = pm.packet(pm.S, "10.0.0.1", "10.9.0.1", udp=(1, 53), payload=b"probe", ttl=PROBE_TTL).data

        def there():
            run.must_live()
            self.sockets[i].send(p)
            time.sleep(0.03)
            return run.received()
        netns.wait("packet of node %d; it says: %s" % (i, run.said()), there)

    def send(self, shares):
        """Some of each share in turns, 2000 packets a second."""
        left = [collections.deque(x) for x in shares]
        while any(left):
            for s, some in zip(self.sockets, left):
                for _ in range(min(7, len(some))):
                    s.send(some.popleft().data)
            time.sleep(0.01)


def arguments(h, folder, i, cluster, wire):
    if cluster == "etcd":
        return h.arguments(i, "?nodes=%d" % h.n, wire=wire)
    nodes = os.path.join(folder, "nodes")
    address = wire.split(",ip=")[1].split("/")[0]
    if not os.path.exists(nodes):  # another node may be reading it
        with open(nodes, "w") as f:
            f.write("".join("n%d %s\n" % (k, address % (k + 1)) for k in range(h.n)))
    return ["--cluster", "static:" + nodes, "--node", "n%d" % i, "--wire", wire % (i + 1), "--insecure-wire"]


def end_all(runs):
    """Problems, lines and ledgers of runs that are told to end at the same time."""
    problems, lines, ledgers = [], [], []
    for r in runs:
        r.must_live()
        r.p.send_signal(signal.SIGINT)
    for r in runs:
        found, stats = r.end(sig=None, seconds=30)
        problems += ["%s: %s" % (r.name, x) for x in found]
        lines += r.out
        ledgers.append(stats)
    return problems, lines, ledgers


def check_ledger(name, x, n_sent, is_shared=True):
    """Every packet of the port is in it once."""
    wire, problems = x["cluster"]["wire"], []
    if not x["received"].get("wire"):
        problems.append("%s: nothing was left to the wire: %s" % (name, x["received"]))
    # the one is read a moment after the other, while frames still come
    later = (x["received"]["wire"] - wire["aside"], x["lost"]["nic"] - wire["unattended"]) if is_shared else (0, 0)
    if min(later) < 0 or max(later) > 50 or (is_shared and wire["aside_full"]):
        problems.append("%s: received %s, lost %s, wire %s" % (name, x["received"], x["lost"], wire))
    # a tapped interface's other packets are not copied to the wire
    if not is_shared and wire["ignored"] > 100:
        problems.append("%s: %d packets were copied to the wire in vain" % (name, wire["ignored"]))
    # all that was put aside was the wire's to take
    if is_shared and wire["frames_received"] > wire["aside"]:
        problems.append("%s: more frames than were put aside: %s" % (name, wire))
    if x["received"]["packets"] < n_sent or x["lost"]["no_buffer"]:
        problems.append("%s: received %s of %d, lost %s" % (name, x["received"], n_sent, x["lost"]))
    return problems


def run_live(folder, source, cluster="static", wire="wire0,ip=192.0.2.%d/24", queries=(), junk=(), queues=1, is_shared=True, said=(),
             prepare=None, during=None):
    sent = packets()
    shares = parts(sent, NODES)
    found = []
    with hosts.Hosts(NODES, queues=queues) as h, Taps(h) as taps:
        if prepare:
            prepare(h)
        if cluster == "etcd":
            h.start_etcd()
        runs = []
        try:
            for i in range(NODES):
                runs.append(h.run(i, [*source, *QUERIES, *SECONDS, *queries, *arguments(h, folder, i, cluster, wire)]))
            for i, r in enumerate(runs):
                taps.probe(i, r)
            taps.send([[*junk, *x] for x in shares])
            found = during(h) if during else []
            for r, x in zip(runs, shares):
                r.until_received(len(x) + 1)
            time.sleep(0.3)  # others' questions are received as well
            problems, lines, ledgers = end_all(runs)
        finally:
            for r in runs:
                r.__exit__()
        problems += found
        if problems:
            return problems, ledgers
        for r, x, share in zip(runs, ledgers, shares):
            problems += check_ledger(r.name, x, len(share), is_shared)
            problems += ["%s: it does not say '%s': %s" % (r.name, x, r.said()) for x in said if x not in r.said()]
        return problems + judge(folder, lines, sent), ledgers


def test_xdp(folder):
    """tap and wire on one interface over AF_XDP, etcd, IPv4: all that comes is received"""
    return run_live(folder, ["-i", "wire0", "--push", "never"], "etcd", queries=WIRES + EVERY, said=["taken through AF_XDP"])[0]


def test_push(folder):
    """the same, and what no query can use is left to the kernel, but not what is the wire's; IPv6"""
    netns.need_xdp_program()
    junk = [pm.packet(pm.S, "10.3.0.1", "10.3.0.2", sctp=(1, 2, 3), payload=b"junk")] * 200
    problems, ledgers = run_live(folder, ["-i", "wire0"], wire="wire0,ip=2001:db8::%d/64", junk=junk, said=["taken through AF_XDP"])
    for x in ledgers:
        if not problems and x["passed"]["unused"] < 200:
            problems.append("what no query can use was received: %s" % x["passed"])
    return problems


def test_push_arp(folder):
    """the same over IPv4: ARP that is the wire's is not left to the kernel, and other hosts' is"""
    netns.need_xdp_program()
    problems, ledgers = run_live(folder, ["-i", "wire0"], said=["taken through AF_XDP"])
    if not problems and sum(x["passed"]["not_ip"] for x in ledgers) == 0:
        problems.append("nobody's ARP was left to the kernel: %s" % [x["passed"] for x in ledgers])
    return problems


def test_tap(folder):
    """over AF_PACKET: the interface is tapped, and the wire has a copy of its own"""
    return run_live(folder, ["-i", "wire0", "--tap"], queries=WIRES + EVERY, is_shared=False,
                    said=["tapped through libpcap", "opened through AF_PACKET"])[0]


def give_addresses(h):
    """Kernels have addresses by the same interfaces and on the same network as the wires."""
    netns.ip("-n", h.hub, "addr", "add", "192.0.2.200/24", "dev", "wires")
    for i, ns in enumerate(h.names):
        netns.ip("-n", ns, "addr", "add", "192.0.2.%d/24" % (101 + i), "dev", "wire0")


def are_both_there(h):
    """The hub's kernel reaches each host's, and learns that the wire has its address on the same interface."""
    problems = []
    for i, ns in enumerate(h.names):
        with netns.Cable.inside(h.hub):
            tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with tcp, udp:
            tcp.settimeout(weir.TIMEOUT)
            try:
                tcp.connect(("192.0.2.%d" % (101 + i), 9))
                problems.append("somebody listens at host %d" % i)
            except ConnectionRefusedError:
                pass  # its kernel has answered
            except OSError as e:
                problems.append("the kernel of host %d does not answer: %s" % (i, e))
            udp.sendto(b"no frame", ("192.0.2.%d" % (i + 1), WIRE_PORT))
        mac = netns.Cable.run(ns, ["cat", "/sys/class/net/wire0/address"]).stdout.strip()
        netns.wait("answer to who has the address of wire %d" % i,
                   lambda: mac in netns.ip("-n", h.hub, "neigh", "show", "192.0.2.%d" % (i + 1)).stdout)
    return problems


def test_in_use(folder):
    """hosts with one interface, which carries the kernel's address as well: tapped, and taken; kernels go on"""
    problems = []
    for flags, is_shared, said in (([], False, "tapped through libpcap (it carries 192.0.2.10"), (["--take"], True, "taken through AF_XDP")):
        if is_shared:
            netns.need_xdp_program()
        problems += run_live(folder, ["-i", "wire0", *flags], is_shared=is_shared, said=[said], prepare=give_addresses,
                             during=are_both_there)[0]
    return problems


def test_explain(folder):
    """--explain says whose port the wire has"""
    with hosts.Hosts(1) as h:
        r = h.run(0, ["-i", "wire0?burst=64", *QUERIES, *arguments(h, folder, 0, "static", "wire0,ip=192.0.2.%d/24"), "--explain"])
        r.p.wait(weir.TIMEOUT)
        for t in r.threads:
            t.join(5)
        want = "wire wire0: 192.0.2.1/24, UDP port %d, by the port of -i" % WIRE_PORT
        return [] if r.p.returncode == 0 and any(x.startswith(want) for x in r.out) else ["%s; %s" % (r.out, r.said())]


def test_packet(folder):
    """over DPDK's AF_PACKET, two queues, two workers"""
    return run_live(folder, ["-i", "vdev:net_af_packet0,iface=wire0,qpairs=2", "--cores", "2"], wire="vdev:net_af_packet0,ip=192.0.2.%d/24",
                    queries=WIRES + EVERY, queues=2)[0]


def test_queues(folder):
    """four receive queues over AF_XDP, two workers"""
    return run_live(folder, ["-i", "wire0", "--cores", "2", "--push", "never"], queries=WIRES + EVERY, queues=4, said=["4 receive queues"])[0]


def test_memif(folder):
    """two hosts at the ends of a memif, with a file each beside it: frames are taken before workers run, and after"""
    sent, problems = packets(), []
    shares = parts(sent, 2)
    with hosts.Hosts(2) as h:
        runs = []
        try:
            for i, role in enumerate(("server", "client")):
                path = os.path.join(folder, "part-%d.pcap" % i)
                pm.write_pcap(path, shares[i])
                runs.append(h.run(i, ["-r", path, "-i", "vdev:" + memif("net_memif0", role, os.path.join(folder, "m.sock")),
                                      *QUERIES, *SECONDS, *WIRES, *EVERY,
                                      *arguments(h, folder, i, "static", "vdev:net_memif0,ip=192.0.2.%d/24")]))
                netns.wait("memif: " + runs[i].said(), lambda: os.path.exists(os.path.join(folder, "m.sock")))
            for r, x in zip(runs, shares):
                r.until_received(len(x))
            problems, lines, ledgers = end_all(runs)
        finally:
            for r in runs:
                r.__exit__()
        for r, x, share in zip(runs, ledgers, shares):
            problems += check_ledger(r.name, x, len(share)) if x else []
            if x and x["received"]["packets"] != len(share):
                problems.append("%s: received %s, not %d" % (r.name, x["received"], len(share)))
        return problems or judge(folder, lines, sent)


run_tests([test_xdp, test_push, test_push_arp, test_tap, test_in_use, test_explain, test_packet, test_queues, test_memif])
