#!/usr/bin/env python3
"""Several workers in full flow: stopped, killed, bounded, and faster than whoever takes their rows.

overload.py flow; overload.py exchange: where rows go from worker to worker, or all take from one; overload.py readers: those
whose rows wait for somebody, which takes long."""
import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import netns  # noqa: E402
import pcapmaker as pm  # noqa: E402
from running import PPS, QUERY, SLOWER, Run, capture, counts, run_tests, threads, traffic  # noqa: E402

NULL = ["-i", "vdev:net_null0"]
GEN = ["--source", "gen:udp?count=0&flows=5000"]
FLOWS = ["--key", "5tuple", "--window", "100ms", "--agg", "n=count()", "--sink", "json:/dev/null"]
# All that net_null gives is the same: keys of its packets are made of their numbers.
MANY = ["--key", "k=frame.number%50000", "--window", "100ms", "--agg", "n=count()", "--sink", "json:/dev/null"]
ENDS = [("SIGINT", lambda r: r.p.send_signal(signal.SIGINT)), ("SIGTERM", lambda r: r.p.send_signal(signal.SIGTERM)),
        ("weir-ctl stop", lambda r: r.ctl("stop"))]


def stopped(folder, sources, query):
    """Four workers in full flow, stopped in every way."""
    problems = []
    for name, stop in ENDS:
        with Run([*sources, "--cores", "4", *query], folder) as run:
            run.ready()
            run.until_received(20000)
            began = time.monotonic()
            stop(run)
            new, stats = run.end(None)
            took = time.monotonic() - began
        problems += [name + ": " + x for x in new]
        if took > 5 * SLOWER:
            problems.append("%s: it took %.1f s" % (name, took))
        if stats and (stats["received"]["packets"] < 20000 or not stats["queries"]["main"]["rows"]):
            problems.append("%s: it had done nothing: %r" % (name, stats))
    return problems


def test_stop_live(folder):
    """4 workers on a live device in full flow: SIGINT, SIGTERM, weir-ctl stop end it soon, ledger balanced, status 0"""
    return stopped(folder, NULL, MANY)


def test_stop_live_exchange(folder):
    """4 workers on a live device, rows go from worker to worker: SIGINT, SIGTERM, weir-ctl stop end it soon, ledger balanced"""
    return stopped(folder, NULL, [*MANY, "--split", "key"])


def test_stop_file(folder):
    """4 workers on a file in full flow: the same"""
    path = os.path.join(folder, "loop.pcap")
    pm.write_pcap(path, traffic(n=2000))
    return stopped(folder, ["-r", path + "?loop=100000000"], FLOWS)


def test_stop_generator_exchange(folder):
    """4 workers on a generator in full flow, rows go from worker to worker: the same"""
    return stopped(folder, GEN, [*FLOWS, "--split", "key"])


def test_kill(folder):
    """SIGKILL in full flow: the next run takes the same name and interface, and counts exactly"""
    with netns.Cable(queues=2) as cable:
        path, sent = capture(cable, folder, 1000)
        take = ["-i", "weir0", "--take", "--cores", "2", *QUERY]
        with Run(take, folder, cable) as run:
            run.ready()
            cable.send(path, PPS)
            run.until_received(100)
            run.p.kill()
            run.p.wait()
        with Run(take, folder, cable) as run:
            run.ready()
            cable.send(path, PPS)
            run.until_received(len(sent))
            problems, stats = run.end()
        if cable.has_xdp():
            problems.append("an XDP program is left on weir0")
        if not any("AF_XDP" in x for x in run.err):
            problems.append("it was not taken again: " + run.said())
        left = os.listdir(os.path.join(folder, "runtime", "dpdk"))
    if left:
        problems.append("left in the runtime folder: %r" % left)
    return problems + (counts(sent, run, stats) if stats else [])


class Reader:
    """Of a named pipe: takes 4096 bytes every so often, or none."""

    def __init__(self, folder, pause):
        self.path, self.rows, self.is_on = os.path.join(folder, "rows"), 0, True
        os.mkfifo(self.path)
        self.fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.keeper = os.open(self.path, os.O_WRONLY)  # so that its end is not taken for the writer's
        os.set_blocking(self.fd, True)
        self.pause, self.thread = pause, None
        if pause is not None:
            self.thread = threading.Thread(target=self._read, daemon=True)
            self.thread.start()

    def _read(self):
        while self.is_on:
            self.rows += os.read(self.fd, 4096).count(b"\n")
            time.sleep(self.pause)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.is_on = False
        if self.thread:
            os.write(self.keeper, b"x")
            self.thread.join(5)
        os.close(self.keeper)
        os.close(self.fd)


def slow(folder, sources, query, stop, pause, until=None):
    """Faster than the reader of its rows. Problems, the ledger and the sink's account."""
    with Reader(folder, pause) as reader, Run([*sources, "--cores", "4", *query, "--sink", "json:" + reader.path], folder) as run:
        if pause is None:
            netns.wait("rows that nobody reads", lambda: run.p.poll() is not None or is_full(reader))
        else:
            run.ready()
            netns.wait("rows", lambda: reader.rows > 1000)
        if until:
            netns.wait("counter that moves", lambda: until(run.ask("stats")))
        began = time.monotonic()
        if stop:
            stop(run)
        problems, stats = run.end(None, 60, 1)
        took = time.monotonic() - began
    if took > 30 * SLOWER:
        problems.append("it took %.1f s to end" % took)
    if not any("nobody read it" in x for x in run.err):
        problems.append("it does not say why rows are missing: " + run.said())
    return problems, stats, sink_of(stats) if stats else None


def sink_of(stats):
    return next(iter(stats["sinks"].values()))


def is_full(reader):
    """The pipe takes no more."""
    return not select.select([], [reader.keeper], [], 0)[1]


def test_slow_reader_live(folder):
    """a live device far faster than the reader of its rows: packets go on, rows are shed and counted, the end is soon"""
    problems, stats, sink = slow(folder, NULL, ["--select", "frame.number,frame.len"], ENDS[0][1], 0.01,
                                lambda s: s and s["balanced"] and sink_of(s)["dropped"]["queue_full"])
    if sink and (not sink["delivered"] or not sink["dropped"]["queue_full"] or stats["lost"]["nic"]):
        problems.append("%r, lost %r" % (sink, stats["lost"]))
    return problems


def test_slow_reader_file(folder):
    """a generator far faster than the reader of its rows: it waits, and no row is shed"""
    problems, stats, sink = slow(folder, GEN, ["--select", "frame.number,frame.len"], ENDS[1][1], 0.01)
    if sink and (not sink["delivered"] or sink["dropped"]["queue_full"]):
        problems.append("%r" % sink)
    return problems


def test_blocked_reader_for(folder):
    """--for 2s and a reader that takes nothing: it ends in time, ledger balanced"""
    problems, stats, sink = slow(folder, NULL, ["--for", "2s", "--select", "frame.number"], None, None)
    if sink and not sink["dropped"]["queue_full"] + sink["dropped"]["error"]:
        problems.append("%r" % sink)
    if stats and not 1.9 <= stats["elapsed_s"] <= 10 * SLOWER:
        problems.append("elapsed_s is %r" % stats["elapsed_s"])
    return problems


def test_blocked_reader_stop(folder):
    """weir-ctl stop and a reader that takes nothing: it ends soon, ledger balanced"""
    return slow(folder, NULL, ["--select", "frame.number"], ENDS[2][1], None, lambda s: s and s["balanced"])[0]


@contextlib.contextmanager
def held(pid, name):
    """A thread of a process stands still in this block, and the others do not."""
    libc = ctypes.CDLL(None, use_errno=True)
    tid = threads(pid)[name]

    def ptrace(what):
        if libc.ptrace(ctypes.c_long(what), ctypes.c_long(tid), None, None):
            raise netns.Unavailable("ptrace: " + os.strerror(ctypes.get_errno()))
    ptrace(0x4206)  # PTRACE_SEIZE
    ptrace(0x4207)  # PTRACE_INTERRUPT
    os.waitpid(tid, 0x40000000)  # __WALL
    try:
        yield
    finally:
        ptrace(17)  # PTRACE_DETACH


def test_overloaded_exchange(folder):
    """a live device, and a worker that does not take what others send it: that is counted, nothing deadlocks, it goes on"""
    def exchange(stats):
        return stats["queries"]["main"]["dropped"]["exchange"]
    with Run([*NULL, "--cores", "4", *MANY, "--split", "range:frame.number:1"], folder) as run:
        run.ready()
        run.until_received(100000)
        with held(run.p.pid, "weir-worker-1"):
            time.sleep(1)
        netns.wait("row that found no room", lambda: exchange(run.ask("stats")))
        before = run.ask("stats")["queries"]["main"]
        netns.wait("row that is aggregated afterwards", lambda: run.ask("stats")["queries"]["main"]["aggregated"] > before["aggregated"] + 100000)
        problems, stats = run.end()
    return problems


def exactly(folder, what, args, cable=None, send=None, n=5000):
    """--packets N ends it by itself after exactly N."""
    rows = os.path.join(folder, "rows")
    with Run([*args, "--packets", str(n), "--window", "24h", "--agg", "n=count()", "--sink", "json:" + rows], folder, cable) as run:
        if send:
            run.ready()
            send()
        problems, stats = run.end(None)
    if stats and stats["received"]["packets"] != n:
        problems.append("%d packets received" % stats["received"]["packets"])
    with open(rows) as f:
        in_rows = sum(json.loads(x)["n"] for x in f)
    # a live device does not wait for a worker that gets no CPU
    unsent = stats["queries"]["main"]["dropped"]["exchange"] if stats and args[0] == "-i" else 0
    if in_rows + unsent != n:
        problems.append("%d packets in rows" % in_rows)
    return [what + ": " + x for x in problems]


def test_packets(folder):
    """--packets N is exact with several workers, on queues of their own and by turns"""
    path, problems = os.path.join(folder, "many.pcap"), []
    pm.write_pcap(path, traffic(n=8000))
    for split in ([], ["--split", "rr"]):
        for what, args in (("own queues", [*NULL, "--cores", "2"]), ("4 own queues", [*NULL, "--cores", "4"]),
                           ("one file", ["-r", path, "--cores", "4"]), ("two files", ["-r", path, "-r", path, "--cores", "3"]),
                           ("generator", [*GEN, "--cores", "3"]), ("device and generator", [*NULL, *GEN, "--cores", "2"])):
            problems += exactly(folder, what + " " + " ".join(split), [*args, *split])
    return problems


def test_packets_interface(folder):
    """--packets N is exact on a tapped interface and on one that is taken, with several workers"""
    problems = []
    with netns.Cable(queues=2) as cable:
        path, sent = capture(cable, folder)
        for what, args in (("tapped", ["--tap", "--cores", "3"]), ("taken", ["--take", "--cores", "2"]),
                           ("taken, by turns", ["--take", "--cores", "3"])):
            problems += exactly(folder, what, ["-i", "weir0", *args], cable, lambda: cable.send(path, PPS), 1000)
    return problems


FLOW = [test_stop_live, test_stop_file, test_kill, test_packets_interface]
EXCHANGE = [test_stop_live_exchange, test_stop_generator_exchange, test_overloaded_exchange, test_packets]
READERS = [test_slow_reader_live, test_slow_reader_file, test_blocked_reader_for, test_blocked_reader_stop]

# Who waits for a reader can do so beside others that do. Without a kind, tests by their names.
KINDS = {"flow": (FLOW, 1), "exchange": (EXCHANGE, 1), "readers": (READERS, len(READERS))}
run_tests(*KINDS[sys.argv.pop(1)] if sys.argv[1] in KINDS else (FLOW + EXCHANGE + READERS,))
