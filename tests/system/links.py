#!/usr/bin/env python3
"""Interfaces that others have a part in: links go down and come back, TCP goes on, other XDP programs stay."""
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import foreign  # noqa: E402
import netns  # noqa: E402
import weir  # noqa: E402
from running import ADDRESS, QUERY, Run, counts, run_tests, traffic  # noqa: E402
from stream import Stream  # noqa: E402

DOWN, UP = "weir0: its link is down", "weir0: its link is up"


def play(cable, packets, device="send0", ns=None):
    """Send them one by one; how many the kernel took."""
    n = 0
    with cable.sender(ns, device) as s:
        for p in packets:
            try:
                s.send(p.data)
                n += 1
            except OSError:  # its own end is down
                pass
            time.sleep(0.0005)
    return n


def comes_back(folder, flags, end, says=True, device="weir0"):
    """Packets before, while and after one end of the cable is down: those of the middle are not there, all others are."""
    with netns.Cable() as cable:
        sent = traffic(cable.mac(), 400)
        ns, name = (cable.near, "weir0") if end == "near" else (cable.far, "send0")
        with Run(["-i", device, *flags, *QUERY], folder, cable) as run:
            run.ready()

            def heard(text, n):
                if says:
                    netns.wait("%d times word that %s; so far: %s" % (n, text, run.said()), lambda: sum(text in x for x in run.err) >= n)
            for i in range(2):
                play(cable, sent[200 * i:200 * i + 100])
                run.until_received(200 * i + 100)
                netns.ip("-n", ns, "link", "set", name, "down")
                heard(DOWN, i + 1)
                play(cable, sent[:50])
                netns.ip("-n", ns, "link", "set", name, "up")
                heard(UP, i + 1)
                # the kernel may take a second to tell the other end
                netns.wait("carrier", lambda: cable.run(cable.near, ["cat", "/sys/class/net/weir0/carrier"]).stdout == "1\n")
                play(cable, sent[200 * i + 100:200 * i + 200])
                run.until_received(200 * i + 200)
            problems, stats = run.end()
        said = [sum(x in line for line in run.err) for x in (DOWN, UP)]
    if says and said != [2, 2]:
        problems.append("said %r times that the link was down and up: %s" % (said, run.said()))
    return problems + (counts(sent, run, stats) if stats else [])


def both_ends(folder, *args, **more):
    return [end + ": " + x for end in ("near", "far") for x in comes_back(folder, *args, end, **more)]


def test_taken(folder):
    """AF_XDP: the link goes down and comes back twice, from either end; exact counts, and word of it each time"""
    return both_ends(folder, ["--take"])


def test_taken_interrupt(folder):
    """AF_XDP, --cores 2 --idle interrupt: the link goes down and comes back; exact counts"""
    return comes_back(folder, ["--take", "--cores", "2", "--idle", "interrupt"], "near")


def test_tapped(folder):
    """tapped: the link goes down and comes back twice, from either end; exact counts, and word of it each time"""
    return both_ends(folder, ["--tap"])


def test_tapped_interrupt(folder):
    """tapped, --idle interrupt: the link goes down and comes back; exact counts"""
    return comes_back(folder, ["--tap", "--idle", "interrupt"], "near")


def test_af_packet(folder):
    """vdev:net_af_packet0, whose driver tells of no link: it goes down and comes back; exact counts"""
    return both_ends(folder, [], says=False, device="vdev:net_af_packet0,iface=weir0")


def test_net_tap(folder):
    """vdev:net_tap0: the kernel's end goes down and comes back; exact counts"""
    if not os.path.exists("/dev/net/tun"):
        raise netns.Unavailable("there is no /dev/net/tun")
    with netns.Cable() as cable:
        sent = traffic(cable.mac(), 400)
        with Run(["-i", "vdev:net_tap0,iface=wtap0", *QUERY], folder, cable) as run:
            run.ready()
            cable.run(cable.near, ["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/wtap0/disable_ipv6"])
            play(cable, sent[:200], "wtap0", cable.near)
            run.until_received(200)
            netns.ip("-n", cable.near, "link", "set", "wtap0", "down")
            netns.wait("word of the link", lambda: any("net_tap0,iface=wtap0: its link is down" in x for x in run.err))
            play(cable, sent[:50], "wtap0", cable.near)
            netns.ip("-n", cable.near, "link", "set", "wtap0", "up")
            netns.wait("word of the link", lambda: any("net_tap0,iface=wtap0: its link is up" in x for x in run.err))
            play(cable, sent[200:], "wtap0", cable.near)
            run.until_received(400)
            problems, stats = run.end()
    return problems + (counts(sent, run, stats) if stats else [])


SEGMENTS = 2  # that a busy host may lose for reasons of its own
ENDS = (signal.SIGINT, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)


def stream_over(folder, flags, judge):
    """TCP over the interface while weir starts, runs and ends, each way twice; segments that were lost on the way."""
    problems = []
    with netns.Cable() as cable:
        stream = Stream(cable)
        stream.flows()
        before = stream.lost()
        for i, sig in enumerate(ENDS):
            with Run(["-i", "weir0", *flags], folder, cable, name="run%d" % i) as run:
                run.ready()
                stream.flows()
                status = run.ask("status", "--json")
                if sig == signal.SIGKILL:
                    run.p.kill()
                    run.p.wait()
                else:
                    found, stats = run.end(sig)
                    problems += found + (judge(status, stats) if status and stats else ["no ledger"])
            netns.wait("interface without XDP program", lambda: not cable.has_xdp())
            stream.flows()
        lost = stream.lost() - before
        problems += stream.end()
        if cable.is_tapped():
            problems.append("a packet socket is left on weir0")
    return lost, problems


def by_kernel():
    """The same with a program that passes all, put there by a link and gone with it: what the kernel itself loses by that."""
    program = foreign.load()
    with netns.Cable() as cable:
        stream = Stream(cable)
        stream.flows()
        before = stream.lost()
        for _ in ENDS:
            fd = foreign.link(cable.near, "weir0", program)
            stream.flows()
            os.close(fd)
            netns.wait("interface without XDP program", lambda: not cable.has_xdp())
            stream.flows()
        lost = stream.lost() - before
        # what is measured must be there where packets are lost
        sieve = foreign.load(foreign.DROP)
        fd = foreign.link(cable.near, "weir0", sieve)
        netns.wait("segment that is lost where all are dropped", lambda: stream.lost() > before + lost)
        os.close(fd)
        stream.flows()
        problems = stream.end()
    os.close(program)
    os.close(sieve)
    return lost, problems


def too_many(lost, kernel):
    return ["%d segments were lost, by the kernel alone %d" % (lost, kernel)] if lost > kernel + SEGMENTS else []


def test_stream_taken(folder):
    """a TCP stream over an interface that is partly taken goes on while weir starts, runs, ends and is killed, and loses no more than by the kernel alone"""
    def judge(status, stats):
        problems = [] if sum(s["passed"] for s in status["sources"]) else ["no packet of the stream was left to the kernel: it says nothing"]
        if stats["received"]["packets"]:
            problems.append("%d packets of the stream were taken" % stats["received"]["packets"])
        return problems
    kernel, problems = by_kernel()
    lost, found = stream_over(folder, ["--take", "--where", "udp.dstport == 53", "--agg", "n=count()", "--window", "24h"], judge)
    print("# segments lost: %d with weir, %d where the kernel switches XDP on and off without it" % (lost, kernel), flush=True)
    return problems + found + too_many(lost, kernel)


def test_stream_tapped(folder):
    """a TCP stream over an interface that is tapped goes on while weir starts, runs, ends and is killed, and loses nothing"""
    def judge(status, stats):
        return [] if stats["received"]["packets"] else ["no packet of the stream was seen: it says nothing"]
    lost, problems = stream_over(folder, ["--tap", "--agg", "n=count()", "--window", "24h"], judge)
    print("# segments lost: %d" % lost, flush=True)
    return problems + too_many(lost, 0)


def test_foreign(folder):
    """another XDP program is attached: weir names it and the cure, reads through AF_PACKET, counts exactly, and leaves it there"""
    problems = []
    program = foreign.load()
    for mode, word in ((foreign.DRIVER, "xdpdrv"), (foreign.GENERIC, "xdpgeneric")):
        with netns.Cable() as cable:
            foreign.attach(cable.near, "weir0", program, mode)
            sent = traffic(cable.mac(), 300)
            with Run(["-i", "weir0", "--take", *QUERY], folder, cable) as run:
                run.ready()
                play(cable, sent)
                run.until_received(len(sent))
                found, stats = run.end()
            found += counts(sent, run, stats) if stats else []
            if not any("taken through AF_PACKET" in x and "'%s'" % foreign.NAME in x and "'sudo ip link set dev weir0 %s off'" % word in x
                       for x in run.err):
                found.append("no notice names program and cure: " + run.said())
            if not cable.has_xdp():
                found.append("the program is gone")
            netns.ip("-n", cable.near, "link", "set", "dev", "weir0", word, "off")
            if cable.has_xdp():
                found.append("the cure does not cure")
            with Run(["-i", "weir0", "--take", *QUERY], folder, cable) as run:
                run.ready()
                found += run.end()[0]
            if "taken through AF_XDP" not in run.said():
                found.append("not taken after the cure: " + run.said())
            problems += [word + ": " + x for x in found]
    os.close(program)
    return problems


def test_foreign_link(folder):
    """another XDP program is held by a link, as another weir holds its own: weir says that somebody has it, and leaves it there"""
    program = foreign.load()
    with netns.Cable() as cable:
        fd = foreign.link(cable.near, "weir0", program)
        with Run(["-i", "weir0", "--take", *QUERY], folder, cable) as run:
            run.ready()
            problems = run.end()[0]
        if not any("taken through AF_PACKET" in x and "'%s'" % foreign.NAME in x and "'sudo bpftool link'" in x for x in run.err):
            problems.append("no notice names program and cure: " + run.said())
        if not cable.has_xdp():
            problems.append("the program is gone")
        os.close(fd)
        netns.wait("interface without XDP program", lambda: not cable.has_xdp())
        with Run(["-i", "weir0", "--take", *QUERY], folder, cable, name="one") as one:
            one.ready()
            with Run(["-i", "weir0", "--take", *QUERY], os.path.join(folder, "two"), cable, name="two") as two:
                two.ready()
                problems += two.end()[0]
            if not cable.has_xdp():
                problems.append("the second weir took the first one's program off")
            problems += one.end()[0]
        if "taken through AF_XDP" not in one.said() or "taken through AF_PACKET" not in two.said():
            problems.append("two of them: %s / %s" % (one.said(), two.said()))
    os.close(program)
    return problems


def test_foreign_sink(folder):
    """another XDP program on a port that packets leave by: they leave beside it, and it stays"""
    program = foreign.load()
    with netns.Cable() as cable:
        foreign.attach(cable.near, "weir0", program)
        p = cable.run(cable.near, [weir.BINARY, "--source", "gen:udp?count=100", "--sink", "port:weir0"])
        problems = [] if "opened through AF_PACKET" in p.stderr and foreign.NAME in p.stderr else ["it says " + p.stderr]
        if "delivered 100" not in p.stderr:
            problems.append("it did not send them: " + p.stderr)
        if not cable.has_xdp():
            problems.append("the program is gone")
    os.close(program)
    return problems


run_tests([v for k, v in sorted(globals().items()) if k.startswith("test_")])
