#!/usr/bin/env python3
"""Interfaces taken through weir's XDP program: what queries can use is counted exactly, the rest stays with the kernel."""
import os
import signal
import socket
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import netns  # noqa: E402
import weir  # noqa: E402
from running import ADDRESS, N, PORT, PPS, Run, capture, differ, run_tests, without_times  # noqa: E402

GROUP = ["--key", "5tuple", "--window", "24h", "--agg", "packets=count(),bytes=sum(frame.len)"]
UDP = ["--where", "udp.dstport == %d" % PORT, *GROUP]


def wants_udp(p):
    return p["udp"] and p["dstport"] == PORT and not p["vlan"]


# Queries, and which of the packets sent they are to receive; None: all of them.
PUSHED = [
    ("a port", UDP, wants_udp),
    ("a network, or IPv6 from a port",
     ["--query", "a", "--where", "tcp && ip.dst in 10.6.0.0/16", *GROUP, "--query", "b", "--where", "ipv6 && udp.srcport == 53", *GROUP],
     lambda p: p["tcp"] or p["ipv6"]),
    ("addresses of either end",
     ["--where", "(ip.src in {10.5.0.3, 10.5.0.4} || ip.dst == 10.6.0.7) && srcport > 0 && srcport < 50", *GROUP],
     lambda p: str(p["ip.src"]) in ("10.5.0.3", "10.5.0.4") and 0 < p["srcport"] < 50),
    ("behind a tag, too", ["--where", "ip.src == 10.7.0.1", *GROUP], lambda p: p["vlan"]),
    # libpcap itself decides what is tagged
    ("tcpdump's language", ["--filter", "udp dst port %d" % PORT, *GROUP], lambda p: wants_udp(p) or p["vlan"]),
    ("nothing that could be pushed", ["--where", "frame.len > 300", *GROUP], None),
    ("one query that wants all", [*["--query", "a"], *UDP, "--query", "b", "--agg", "n=count()", "--window", "24h"], None),
    # of several queues which packet has which number is nobody's to say, but each has its own
    ("numbers of frames", ["--where", "udp.dstport == %d" % PORT, "--window", "24h", "--agg", "n=distinct(frame.number)"], None),
]


# Where one queue keeps packets in their order.
IN_ORDER = [("the last number", ["--where", "udp.dstport == %d" % PORT, "--window", "24h", "--agg", "n=max(frame.number)"], None)]


def passed(stats):
    return sum(stats["passed"].values())


def says(run, *words):
    return [] if all(any(w in x for x in run.err) for w in words) else ["no notice says %r: %s" % (words, run.said())]


def one_run(folder, flags, queues=1, more=()):
    """Sorted rows, ledger and problems of a run that is sent everything."""
    with netns.Cable(queues=queues) as cable:
        path, sent = capture(cable, folder)
        with Run(["-i", "weir0", "--take", *more, *flags], folder, cable) as run:
            run.ready()
            if not cable.has_xdp():
                return [], None, ["there is no XDP program on weir0"], sent
            cable.send(path, PPS)
            netns.wait("all packets, received or left", lambda: accounted(run) >= len(sent))
            problems, stats = run.end()
        problems += says(run, "weir's XDP program in the driver", "copied")
        if cable.has_xdp():
            problems.append("an XDP program is left on weir0")
    return sorted(without_times(run.out)), stats, problems, sent


def accounted(run):
    status = run.ask("status", "--json")
    run.must_live()
    return sum(w["packets"] for w in status["workers"]) + sum(s["passed"] for s in status["sources"]) if status else 0


def pushed(folder, queues, more=()):
    problems = []
    for what, flags, wants in PUSHED + (IN_ORDER if queues == 1 else []):
        rows, stats, found, sent = one_run(folder, flags, queues, more)
        plain, plain_stats, plain_found, _ = one_run(folder, flags, queues, ["--push", "never", *more])
        found += ["--push never: " + x for x in plain_found]
        if stats and plain_stats:
            n = sum(1 for p in sent if wants(p)) if wants else len(sent)
            if wants and not 0 < n < len(sent):
                found.append("it says nothing: %d of %d packets" % (n, len(sent)))
            for name, want, got in (("received", n, stats["received"]["packets"]), ("left to the kernel", len(sent) - n, passed(stats)),
                                    ("lost", 0, sum(stats["lost"].values())),
                                    ("received with --push never", len(sent), plain_stats["received"]["packets"]),
                                    ("left with --push never", 0, passed(plain_stats))):
                if want != got:
                    found.append("%s: %d, not %d" % (name, got, want))
            if not rows:
                found.append("no rows")
            found += differ(rows, plain)
        problems += [what + ": " + x for x in found]
    return problems


def test_pushed(folder):
    """AF_XDP, one queue: with and without push-down rows are the same, and every packet is accounted for"""
    return pushed(folder, 1)


def test_pushed_queues(folder):
    """AF_XDP, two queues, --cores 2: with and without push-down rows are the same, and every packet is accounted for"""
    return pushed(folder, 2, ["--cores", "2"])


def listener(cable, port=PORT, address=ADDRESS):
    """A UDP socket in the near namespace."""
    with cable.inside(cable.near):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
        s.bind((address, port))
        s.setblocking(False)
        return s


def drain(s):
    n = 0
    while True:
        try:
            s.recv(2048)
            n += 1
        except BlockingIOError:
            return n


def test_shared(folder):
    """--take of an interface with an address: its host receives every packet that no query can use"""
    with netns.Cable() as cable:
        netns.ip("-n", cable.near, "address", "add", ADDRESS + "/24", "dev", "weir0")
        path, sent = capture(cable, folder)
        with listener(cable) as box, Run(["-i", "weir0", "--take", "--where", "tcp", *GROUP], folder, cable) as run:
            run.ready()
            cable.send(path, PPS)
            netns.wait("all packets, received or left", lambda: accounted(run) >= len(sent))
            problems, stats = run.end()
            got = drain(box)
    if got != N // 4:
        problems.append("the host's own socket got %d packets of %d" % (got, N // 4))
    if stats and stats["received"]["packets"] != sum(1 for p in sent if p["tcp"]):
        problems.append("received: %r" % stats["received"])
    return problems + says(run, "its host receives what no query can use meanwhile")


def test_taken_whole(folder):
    """--take of an interface with an address and no condition: its host receives nothing, and weir says so"""
    with netns.Cable() as cable:
        netns.ip("-n", cable.near, "address", "add", ADDRESS + "/24", "dev", "weir0")
        path, sent = capture(cable, folder)
        with listener(cable) as box, Run(["-i", "weir0", "--take", *GROUP], folder, cable) as run:
            run.ready()
            cable.send(path, PPS)
            run.until_received(len(sent))
            problems, stats = run.end()
            got = drain(box)
    if got:
        problems.append("the host's own socket got %d packets" % got)
    return problems + says(run, "its host receives nothing meanwhile")


def test_generic(folder):
    """a driver without XDP (loopback): the program runs behind it, takes what is wanted, and leaves the rest"""
    n = 500
    with netns.Cable() as cable:
        netns.ip("-n", cable.near, "link", "set", "lo", "mtu", "1500")  # more than a page is not for AF_XDP
        with listener(cable, PORT, "127.0.0.1") as wanted, listener(cable, PORT + 1, "127.0.0.1") as other, \
                Run(["-i", "lo", "--take", *UDP], folder, cable) as run:
            run.ready()
            with cable.inside(cable.near):
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            with s:
                for i in range(n):
                    s.sendto(b"x" * 50, ("127.0.0.1", PORT + i % 2))
            netns.wait("all packets, received or left", lambda: accounted(run) >= n)
            problems, stats = run.end()
            got = (drain(wanted), drain(other))
        if "xdp" in netns.ip("-n", cable.near, "link", "show", "dev", "lo").stdout:
            problems.append("an XDP program is left on lo")
    if got != (0, n // 2):
        problems.append("the sockets got %r packets, not (0, %d)" % (got, n // 2))
    if stats and (stats["received"]["packets"], passed(stats)) != (n // 2, n // 2):
        problems.append("received %r, passed %r" % (stats["received"], stats["passed"]))
    return problems + says(run, "weir's XDP program behind the driver (generic)")


def test_added(folder):
    """a query that is added to the run gets every packet from then on"""
    with netns.Cable() as cable:
        path, sent = capture(cable, folder)
        with Run(["-i", "weir0", "--take", "--query", "main", *UDP], folder, cable) as run:
            run.ready()
            cable.send(path, PPS)
            netns.wait("all packets, received or left", lambda: accounted(run) >= len(sent))
            before = run.received()
            p = run.ctl("add", "--", "--query", "all", "--window", "24h", "--agg", "n=count()")
            if p.returncode:
                return ["weir-ctl add: %r" % p.stderr]
            plan = run.ctl("explain").stdout.decode()
            cable.send(path, PPS)
            run.until_received(before + len(sent))
            problems, stats = run.end()
        # the added one was not there for all that was received
        problems = [x for x in problems if not x.startswith("query all: in ")]
    if before != N // 4:
        problems.append("%d packets received at first, not %d" % (before, N // 4))
    got = [r["n"] for r in run.rows() if r["query"] == "all"]
    if sum(got) != len(sent):
        problems.append("the added query saw %r packets, not %d" % (got, len(sent)))
    if "push nothing: queries were added to the run" not in plan:
        problems.append("explain: " + plan)
    return problems


def test_overload(folder):
    """packets that find the ring full are counted: sent = received + lost + left to the kernel"""
    n = 12000
    with netns.Cable() as cable:
        path, sent = capture(cable, folder, n)
        with Run(["-i", "weir0", "--take", "--where", "udp", *GROUP], folder, cable) as run:
            run.ready()
            run.p.send_signal(signal.SIGSTOP)
            cable.send(path, 20000)
            run.p.send_signal(signal.SIGCONT)

            def there():
                status = run.ask("status", "--json")
                return status and sum(w["packets"] for w in status["workers"]) + sum(
                    s["passed"] + s["lost_nic"] for s in status["sources"]) >= n
            netns.wait("all packets, received, lost or left", there)
            problems, stats = run.end()
    if stats:
        lost, got = sum(stats["lost"].values()), stats["received"]["packets"]
        if lost + got + passed(stats) != n:
            problems.append("received %d + lost %d + left %d is not %d" % (got, lost, passed(stats), n))
        if not lost or not got:
            problems.append("it says nothing: received %d, lost %d" % (got, lost))
        if passed(stats) != sum(1 for p in sent if p["tcp"]):
            problems.append("left: %r" % stats["passed"])
    return problems


def test_killed(folder):
    """kill -9: the kernel detaches the program at once, and the next weir takes the interface again"""
    problems = []
    with netns.Cable(queues=2) as cable:
        for i in range(3):
            with Run(["-i", "weir0", "--take", *UDP], folder, cable, name="run%d" % i) as run:
                run.ready()
                problems += says(run, "weir's XDP program")
                if not cable.has_xdp():
                    problems.append("there is no XDP program on weir0")
                run.p.kill()
                run.p.wait()
            try:
                netns.wait("interface without XDP program", lambda: not cable.has_xdp())
            except AssertionError as e:
                problems.append(str(e))
    return problems


def test_explain(folder):
    """--explain says what is pushed, and why nothing is"""
    cases = [
        (["--where", "udp.dstport in {53, 5353} && ip.src in 10.0.0.0/8"], "push IPv4, protocol 17 136, ip.src 10.0.0.0/8, dstport 53 5353 (the kernel keeps the rest)"),
        (["--where", "frame.len > 100"], "push nothing: query main may use packets of any kind"),
        (["--where", "tcp", "--decap", "gre"], "push nothing: --decap looks behind the outermost IP header"),
        (["--where", "tcp", "--push", "never"], "push nothing: --push never"),
        (["--where", "tcp", "--packets", "5"], "push nothing: --packets counts all that come"),
        (["--where", "tcp && ip.proto == 17"], "push no packet at all (the kernel keeps the rest)"),
    ]
    problems = []
    with netns.Cable() as cable:
        for flags, want in cases:
            p = cable.run(cable.near, [weir.BINARY, "-i", "weir0", *flags, "--agg", "n=count()", "--explain"])
            lines = [x for x in p.stdout.splitlines() if x.startswith("push")]
            if lines != [want]:
                problems.append("%r: %r, not %r" % (flags, lines, want))
    return problems


def provided(test):
    def inner(folder):
        netns.need_xdp_program()
        return test(folder)
    inner.__doc__, inner.__name__ = test.__doc__, test.__name__
    return inner


run_tests([provided(t) for t in (test_pushed, test_pushed_queues, test_shared, test_taken_whole, test_generic, test_added, test_overload,
                                 test_killed, test_explain)])
