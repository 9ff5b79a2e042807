#!/usr/bin/env python3
"""Several workers on all kinds of sources: counts are exact, rows are those of one worker."""
import os
import shutil
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import netns  # noqa: E402
import pcapmaker as pm  # noqa: E402
import weir  # noqa: E402
from running import PPS, QUERY, SLOWER, Run, capture, counts, differ, run_tests, traffic, wanted, without_times  # noqa: E402


def taken(folder, flags, most_idle):
    """Two queues through AF_XDP: exact counts; at most so many workers without a packet."""
    return taken_as(folder, "weir0", flags, most_idle, "2 receive queues")


def taken_as(folder, name, flags, most_idle, said):
    with netns.Cable(queues=2) as cable:
        path, sent = capture(cable, folder)
        with Run(["-i", name, "--take", *flags, *QUERY], folder, cable) as run:
            run.ready()
            cable.send(path, PPS)
            shares = run.until_received(len(sent))
            problems, stats = run.end()
        if cable.has_xdp():
            problems.append("an XDP program is left on weir0")
    if stats:
        problems += counts(sent, run, stats)
    if not any("AF_XDP" in x and said in x for x in run.err):
        problems.append("no notice says '%s': %s" % (said, run.said()))
    if shares.count(0) > most_idle:
        problems.append("the workers had %r packets" % shares)
    return problems


def test_own_queues(folder):
    """AF_XDP, two queues, --cores 2: each worker has its own, exact counts"""
    return taken(folder, ["--cores", "2"], 0)


def test_small_rings(folder):
    """AF_XDP, two queues with rings and bursts as asked for behind the name: exact counts"""
    return taken_as(folder, "weir0?descriptors=256&burst=7", ["--cores", "2"], 0,
                    "profile af_xdp.ini, and descriptors=256, burst=7 as asked")


def test_more_workers(folder):
    """AF_XDP, two queues, --cores 4: by turns, exact counts"""
    return taken(folder, ["--cores", "4"], 4)


def test_one_worker(folder):
    """AF_XDP, two queues, --cores 1: both are polled, exact counts"""
    return taken(folder, ["--cores", "1"], 0)


def test_own_queues_interrupt(folder):
    """AF_XDP, two queues, --cores 2 --idle interrupt: exact counts"""
    return taken(folder, ["--cores", "2", "--idle", "interrupt"], 0)


def test_own_queues_split(folder):
    """AF_XDP, two queues, --cores 2, rows go to the owner of their key: exact counts, of what finds no room too"""
    with netns.Cable(queues=2) as cable:
        path, sent = capture(cable, folder)
        by_key = [*QUERY[:6], "--split", "key", *QUERY[6:], "--split", "hash:3"]
        with Run(["-i", "weir0", "--take", "--cores", "2", *by_key], folder, cable) as run:
            run.ready()
            strategies = [q["strategy"] for q in run.ask("status", "--json")["queries"]]
            cable.send(path, PPS)
            run.until_received(len(sent))
            problems, stats = run.end()
    if strategies != ["ring", "ring"]:
        problems.append("the queries are run by %r" % strategies)
    dropped = {name: q["dropped"]["exchange"] for name, q in stats["queries"].items()} if stats else {}
    if not any(dropped.values()):
        return problems + (counts(sent, run, stats) if stats else [])
    # The host gave a worker no CPU for so long that rows to it were given up: the rest is all there.
    print("# rows that found no room: %r" % dropped, flush=True)
    for name, column, n in (("flows", "packets", len(sent)), ("vlan", "n", sum(1 for p in sent if p["vlan.id"] is not None))):
        got = sum(r[column] for r in run.rows() if r["query"] == name)
        if got + dropped[name] != n:
            problems.append("query %s: %d packets in rows, %d given up, %d sent" % (name, got, dropped[name], n))
    return problems


def test_tapped_in_order(folder):
    """a tapped interface, --cores 3: rows of --select come in the order of the packets, none is missing"""
    n = 6000
    with netns.Cable() as cable:
        eth = ("02:00:00:00:00:01", cable.mac())
        sent = [pm.packet(pm.S + i, "10.0.0.%d" % (i % 50), "10.0.1.1", udp=(i + 1, 53), payload=b"x" * (i % 300), eth=eth)
                for i in range(n)]
        path = os.path.join(folder, "order.pcap")
        pm.write_pcap(path, sent)
        with Run(["-i", "weir0", "--tap", "--cores", "3", "--select", "frame.number,srcport,frame.len"], folder, cable) as run:
            run.ready()
            cable.send(path, PPS)
            run.until_received(n)
            problems, stats = run.end()
    if stats and (stats["received"]["packets"] != n or stats["lost"]["nic"]):
        problems.append("received %r, lost %r" % (stats["received"], stats["lost"]))
    got = [(r["frame.number"], r["srcport"], r["frame.len"]) for r in run.rows()]
    return problems + differ(got, [(i + 1, i + 1, p.wire) for i, p in enumerate(sent)])


def test_pcap_queues(folder):
    """vdev:net_pcap0 with two files, --cores 2: a queue each, exact counts"""
    both, files = traffic(), []
    for i in range(2):
        files.append(os.path.join(folder, "queue-%d.pcap" % i))
        pm.write_pcap(files[i], both[i::2])
    with Run(["-i", "vdev:net_pcap0,rx_pcap=%s,rx_pcap=%s" % tuple(files), "--cores", "2", *QUERY], folder) as run:
        shares = run.until_received(len(both))
        problems, stats = run.end()
    if shares != [len(both) // 2] * 2:
        problems.append("the workers had %r packets" % shares)
    return problems + (counts(both, run, stats) if stats else [])


def test_rss(folder):
    """vdev:net_null0, --cores 2: RSS is read back, and 'rss' is claimed only where the key has its fields"""
    with Run(["-i", "vdev:net_null0", "--cores", "2", "--query", "flows", "--key", "5tuple", "--agg", "n=count()",
              "--query", "hosts", "--key", "ip.src", "--agg", "n=count()", "--query", "all", "--agg", "n=count()"], folder) as run:
        run.ready()
        status, plan = run.ask("status", "--json"), run.ctl("explain").stdout.decode()
        shares = run.until_received(100000)
        problems, stats = run.end()
    strategies = {q["name"]: q["strategy"] for q in status["queries"]}
    if strategies != {"flows": "rss", "hosts": "combine", "all": "combine"}:
        problems.append("strategies: %r" % strategies)
    if [x.split()[1].rstrip(":") for x in plan.splitlines() if x.startswith("  spread")] != ["rss", "combine", "combine"]:
        problems.append("explain: " + plan)
    if "symmetric" not in status["sources"][0]["description"] or status["sources"][0]["queues"] != 2:
        problems.append("source: %r" % status["sources"])
    if 0 in shares:
        problems.append("the workers had %r packets" % shares)
    if stats and sum(r["n"] for r in run.rows() if r["query"] == "all") != stats["received"]["packets"]:
        problems.append("rows %r, received %r" % (run.rows()[-3:], stats["received"]))
    return problems


def device(folder, args, name, flags, near_device=None):
    """A DPDK device in the near namespace that the kernel sends to: exact counts."""
    with netns.Cable() as cable:
        sent = traffic(cable.mac(), 600)
        with Run(["-i", args, *flags, *QUERY], folder, cable) as run:
            run.ready()
            if near_device:
                cable.run(cable.near, ["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/%s/disable_ipv6" % near_device])
            # What the kernel said when the device came up is not ours.
            before = run.received()
            with cable.sender(*((cable.near, near_device) if near_device else ())) as s:
                for p in sent:
                    s.send(p.data)
                    time.sleep(0.0005)
            run.until_received(before + len(sent))
            problems, stats = run.end()
    if not any(name in x for x in run.err):
        problems.append("no notice names %s: %s" % (name, run.said()))
    if stats and stats["lost"]["nic"] + stats["lost"]["no_buffer"]:
        problems.append("lost: %r" % stats["lost"])
    got = sorted(without_times(run.out))
    return problems + ["missing or miscounted: " + x for x in wanted(sent) if x not in got][:3]


def test_net_tap(folder):
    """vdev:net_tap0, --cores 2: exact counts"""
    if not os.path.exists("/dev/net/tun"):
        raise netns.Unavailable("there is no /dev/net/tun")
    return device(folder, "vdev:net_tap0,iface=wtap0", "net_tap", ["--cores", "2"], "wtap0")


def test_net_tap_interrupt(folder):
    """vdev:net_tap0, --cores 2 --idle interrupt: it wakes, exact counts"""
    if not os.path.exists("/dev/net/tun"):
        raise netns.Unavailable("there is no /dev/net/tun")
    return device(folder, "vdev:net_tap0,iface=wtap0", "net_tap", ["--cores", "2", "--idle", "interrupt"], "wtap0")


def test_net_tap_many_workers(folder):
    """vdev:net_tap0, --cores 6: as many queues as the driver can bear, exact counts"""
    if not os.path.exists("/dev/net/tun"):
        raise netns.Unavailable("there is no /dev/net/tun")
    return device(folder, "vdev:net_tap0,iface=wtap0", "4 receive queues", ["--cores", "6"], "wtap0")


def test_af_packet(folder):
    """vdev:net_af_packet0 with qpairs=2, --cores 2: exact counts"""
    return device(folder, "vdev:net_af_packet0,iface=weir0,qpairs=2", "2 receive queues", ["--cores", "2"])


class Testpmd:
    """DPDK's own forwarder: what it reads from a capture goes into a memif."""

    def __init__(self, path, socket_path):
        program = shutil.which("dpdk-testpmd")
        if not program:
            raise netns.Unavailable("dpdk-testpmd is missing")
        self.seen = []
        self.p = subprocess.Popen(
            ["stdbuf", "-oL", program, "--no-huge", "-m", "256", "--no-pci", "--no-shconf", "-l", "0,1", "--file-prefix", "weir-test-%d" % os.getpid(),
             "--vdev=net_memif0,role=client,socket=%s,socket-abstract=no" % socket_path, "--vdev=net_pcap0,rx_pcap=" + path,
             "--", "-i", "--no-flush-rx", "--total-num-mbufs=4096"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=lambda: self.seen.extend(self.p.stdout), daemon=True)
        self.reader.start()

    def say(self, line):
        if self.p.poll() is not None:
            raise netns.Unavailable("dpdk-testpmd ends: " + " ".join(self.seen[-3:]).strip())
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()

    def link_is_up(self):
        self.say("show port info 0")
        return any("Link status: up" in x for x in list(self.seen))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        try:
            self.say("quit")
            self.p.wait(10)
        except (netns.Unavailable, OSError, subprocess.TimeoutExpired):
            self.p.kill()
        self.p.wait()


def test_memif(folder):
    """vdev:net_memif0, --cores 2 --idle interrupt: goes on when its peer sends after a silence, exact counts"""
    sent, path = traffic(n=600), os.path.join(folder, "memif.pcap")
    pm.write_pcap(path, sent)
    socket_path = os.path.join(folder, "memif.sock")
    with Run(["-i", "vdev:net_memif0,role=server,socket=%s,socket-abstract=no" % socket_path, "--cores", "2", "--idle", "interrupt",
              *QUERY], folder) as run:
        run.ready()
        with Testpmd(path, socket_path) as peer:
            netns.wait("link between the two memifs", peer.link_is_up, 30)
            peer.say("start")
            run.until_received(len(sent))
            problems, stats = run.end()
    return problems + (counts(sent, run, stats) if stats else [])


def test_speeds(folder):
    """files of different time spans, one of them paced: windows and late rows as with one worker at full speed"""
    files = []
    for i, (n, step) in enumerate(((3000, 1), (400, 11))):
        path = os.path.join(folder, "span-%d.pcap" % i)
        # Every 50th packet comes 3 s after its time.
        pm.write_pcap(path, [pm.packet(pm.S + (k * step - (3000 if k % 50 == 49 else 0)) * pm.MS, "10.%d.0.%d" % (i, k % 20), "10.9.0.1",
                                       udp=(k % 9, 53)) for k in range(n)])
        files.append(path)
    query = ["--lateness", "1s", "--key", "ip.src", "--window", "500ms", "--agg", "n=count(),last=last(srcport)"]

    def run(paces, cores, more=()):
        sources = [x for path, pace in zip(files, paces) for x in ("-r", path + pace)]
        p, stats = weir.run_with_stats([*sources, "--cores", cores, *query, *more])
        return p.stdout, stats, weir.ended(p) + (weir.ledger(stats) if stats else ["no --stats document"])

    rows, stats, problems = run(("", ""), "1")
    late = stats["queries"]["main"]["dropped"]["late"] if stats else 0
    if not late or rows.count(b"\n") < 100:
        problems.append("%d rows, %d late: the test says nothing" % (rows.count(b"\n"), late))
    for paces in (("", ""), ("?speed=2k", ""), ("", "?speed=4"), ("?speed=4", "?speed=300")):
        for cores, more in (("1", ()), ("2", ()), ("3", ("--split", "key"))):
            what = "paces %r, cores %s %s: " % (paces, cores, " ".join(more))
            got, got_stats, new = run(paces, cores, more)
            problems += [what + x for x in new]
            if got != rows:
                problems.append(what + differ(got.splitlines(), rows.splitlines())[0])
            if got_stats and got_stats["queries"]["main"]["dropped"]["late"] != late:
                problems.append(what + "%d late, not %d" % (got_stats["queries"]["main"]["dropped"]["late"], late))
    return problems


def quiet(folder, idle):
    """One flow, so one of two queues is silent: windows close in time nevertheless."""
    with netns.Cable(queues=2) as cable:
        one = pm.packet(pm.S, "10.0.0.1", "10.0.0.2", udp=(1, 2), payload=b"x", eth=("02:00:00:00:00:01", cable.mac())).data
        with Run(["-i", "weir0", "--take", "--cores", "2", "--idle", idle, "--window", "500ms", "--agg", "n=count(),last=max(frame.time)"],
                 folder, cable) as run:
            run.ready()
            seen, n = [], 0
            with cable.sender() as s:
                end = time.monotonic() + 4
                while time.monotonic() < end:
                    s.send(one)
                    n += 1
                    time.sleep(0.005)
                    while len(seen) < len(run.out):
                        seen.append(time.time())
            shares = run.until_received(n)
            netns.wait("rows of all packets, without being stopped", lambda: sum(r["n"] for r in run.rows()) >= n, 8)
            problems, stats = run.end()
    if sorted(shares) != [0, n]:
        problems.append("the workers had %r packets of one flow: no queue was silent" % shares)
    if sum(r["n"] for r in run.rows()) != n:
        problems.append("%d packets in rows, %d sent" % (sum(r["n"] for r in run.rows()), n))
    if len(seen) < 5:
        problems.append("only %d windows of half a second came while four seconds passed" % len(seen))
    for at, row in zip(seen, run.rows()):
        behind = at - parse(row["window.end"])
        if behind > 1.5 * SLOWER:
            problems.append("a window came %.3f s after its end" % behind)
    return problems


def parse(text):
    """seconds since 1970 of a time in a row"""
    whole, _, rest = text.rstrip("Z").partition(".")
    return __import__("calendar").timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + (rest or "0"))


def test_quiet_adaptive(folder):
    """a silent queue does not hold windows back, --idle adaptive"""
    return quiet(folder, "adaptive")


def test_quiet_interrupt(folder):
    """a silent queue does not hold windows back, --idle interrupt"""
    return quiet(folder, "interrupt")


TESTS = [test_own_queues, test_more_workers, test_one_worker, test_own_queues_interrupt, test_own_queues_split, test_small_rings, test_tapped_in_order,
         test_pcap_queues, test_rss, test_net_tap, test_net_tap_interrupt, test_net_tap_many_workers, test_af_packet, test_memif, test_speeds,
         test_quiet_adaptive, test_quiet_interrupt]


run_tests(TESTS)
