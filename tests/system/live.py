#!/usr/bin/env python3
"""weir -i on a cable between two network namespaces: what is counted is what was sent, packet and byte."""
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import netns  # noqa: E402
import tap  # noqa: E402
from running import ADDRESS, N, PORT, PPS, QUERY, Run, capture, counts  # noqa: E402

def ready(run, condition):
    """Until it has told of its interface, and its socket is there."""
    def there():
        run.must_live()
        return any("weir0" in x for x in run.err) and condition()
    netns.wait("readiness (a notice that names weir0, and its socket); so far: " + run.said(), there)
    run.ready()


def count(cable, sent, run, stats, before):
    """Problems where weir's counts are not those of what was sent."""
    kernel = cable.arrived() - before
    problems = [] if kernel == len(sent) else ["the kernel saw %d packets, not %d" % (kernel, len(sent))]
    return problems + counts(sent, run, stats)


def counted(cable, folder, flags, condition, word):
    """Send while weir listens: counts must match; a notice must say `word`."""
    path, sent = capture(cable, folder)
    before = cable.arrived()
    with Run(["-i", "weir0", *flags, *QUERY], folder, cable) as run:
        ready(run, condition)
        cable.send(path, PPS)
        run.until_received(len(sent))
        rows_before = list(run.out)
        problems, stats = run.end()
    if rows_before:
        problems.append("rows of a window of a day before it was stopped: %r" % rows_before[:2])
    if stats:
        problems += count(cable, sent, run, stats, before)
    if not any("received %d packets" % len(sent) in x for x in run.err):
        problems.append("no summary on standard error: %s" % run.said())
    if not any(word in x for x in run.err):
        problems.append("no notice says %r: %s" % (word, run.said()))
    return problems


def test_tap_auto(cable, folder):
    """an interface with an address is tapped: exact counts, and its host keeps its traffic"""
    netns.ip("-n", cable.near, "address", "add", ADDRESS + "/24", "dev", "weir0")
    box = listener(cable)
    try:
        problems = counted(cable, folder, [], cable.is_tapped, "tap")
        got = drain(box)
        if got != N // 4:
            problems.append("the host's own socket got %d packets of %d" % (got, N // 4))
        return problems
    finally:
        box.close()
        netns.ip("-n", cable.near, "address", "flush", "dev", "weir0")


def listener(cable):
    """A UDP socket in the near namespace."""
    with cable.inside(cable.near):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
        s.bind((ADDRESS, PORT))
        return s


def drain(s):
    s.setblocking(False)
    n = 0
    while True:
        try:
            s.recv(2048)
            n += 1
        except BlockingIOError:
            return n


def test_tap_asked(cable, folder):
    """--tap on an interface without an address: exact counts"""
    return counted(cable, folder, ["--tap"], cable.is_tapped, "tap")


def test_take_auto(cable, folder):
    """an interface without an address is taken over AF_XDP: exact counts"""
    return counted(cable, folder, [], cable.has_xdp, "AF_XDP")


def test_take_asked(cable, folder):
    """--take: exact counts a second time, and the interface is given back"""
    problems = counted(cable, folder, ["--take"], cable.has_xdp, "AF_XDP")
    if cable.has_xdp():
        problems.append("an XDP program is left on weir0")
    return problems


def bounded(cable, folder, flags, condition):
    """--packets: it ends by itself, with exactly so many"""
    path, sent = capture(cable, folder)
    with Run(["-i", "weir0", *flags, "--packets", "1000", "--agg", "n=count()"], folder, cable) as run:
        ready(run, condition)
        cable.send(path, PPS)
        problems, stats = run.end(None)
    if stats and stats["received"]["packets"] != 1000:
        problems.append("%d packets received, not 1000" % stats["received"]["packets"])
    if sum(r["n"] for r in run.rows()) != 1000:
        problems.append("rows: %r" % run.out[:5])
    return problems


def test_packets_tap(cable, folder):
    """--packets 1000 while tapping: ends by itself after exactly 1000"""
    return bounded(cable, folder, ["--tap"], cable.is_tapped)


def test_packets_take(cable, folder):
    """--packets 1000 while taking: ends by itself after exactly 1000"""
    return bounded(cable, folder, ["--take"], cable.has_xdp)


def test_for(cable, folder):
    """--for 1s: ends by itself, on a silent interface"""
    began = time.monotonic()
    run = Run(["-i", "weir0", "--tap", "--for", "1s", "--agg", "n=count()"], folder, cable)
    problems, stats = run.end(None)
    took = time.monotonic() - began
    if not 0.9 <= took <= 5:
        problems.append("it took %.1f s" % took)
    if stats and (stats["received"]["packets"] or run.out):
        problems.append("packets on a silent cable: %r" % stats["received"])
    return problems


def test_windows_close(cable, folder):
    """windows of a second close and are printed while it runs, silence included"""
    path, sent = capture(cable, folder, 400)
    with Run(["-i", "weir0", "--tap", "--agg", "n=count()"], folder, cable) as run:
        ready(run, cable.is_tapped)
        cable.send(path, PPS)

        def all_there():
            return sum(r["n"] for r in run.rows()) == len(sent)
        netns.wait("rows of all packets, without being stopped", all_there, 8)
        problems, stats = run.end()
    return problems


def test_terminate(cable, folder):
    """SIGTERM ends it like Ctrl-C: rows flushed, ledger balanced, status 0"""
    path, sent = capture(cable, folder, 400)
    with Run(["-i", "weir0", "--tap", "--window", "24h", "--agg", "n=count()"], folder, cable) as run:
        ready(run, cable.is_tapped)
        cable.send(path, PPS)
        run.until_received(len(sent))
        problems, stats = run.end(signal.SIGTERM)
    if sum(r["n"] for r in run.rows()) != len(sent):
        problems.append("rows: %r" % run.out)
    return problems


def test_filter(cable, folder):
    """--filter and --sink pcapng on a tapped interface: the file holds exactly the packets that match"""
    path, sent = capture(cable, folder, 400)
    out = os.path.join(folder, "kept.pcapng")
    with Run(["-i", "weir0", "--tap", "--filter", "tcp port 80", "--sink", "pcapng:" + out], folder, cable) as run:
        ready(run, cable.is_tapped)
        cable.send(path, PPS)
        run.until_received(len(sent))
        problems, stats = run.end()
    import pcapread
    try:
        got = [data for _, _, _, data, _ in pcapread.read_pcapng(out)]
    except (OSError, pcapread.Bad) as e:
        return problems + [str(e)]
    want = [p.data for p in sent if p["tcp"] and 80 in (p["srcport"], p["dstport"])]
    return problems + ([] if got == want else ["%d packets kept, not %d, or they differ" % (len(got), len(want))])


TESTS = [test_tap_auto, test_tap_asked, test_take_auto, test_take_asked, test_packets_tap, test_packets_take, test_for,
         test_windows_close, test_terminate, test_filter]


def main():
    t = tap.Tap()
    for test in TESTS:
        if sys.argv[1:] and test.__name__ not in sys.argv[1:]:
            continue
        try:
            with netns.Cable() as cable, tempfile.TemporaryDirectory() as folder:
                t.check(test.__doc__, test(cable, folder))
        except netns.Unavailable as e:
            t.skip(test.__doc__, str(e))
        except (AssertionError, subprocess.SubprocessError) as e:
            t.check(test.__doc__, ["%s %s" % (e, getattr(e, "stderr", "") or "")])
    t.done()


main()
