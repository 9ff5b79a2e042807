#!/usr/bin/env python3
"""weir -i on a cable between two network namespaces: what is counted is what was sent, packet and byte."""
import json
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
import oracle  # noqa: E402
import pcapmaker as pm  # noqa: E402
import tap  # noqa: E402
import weir  # noqa: E402

N = 4000
PPS = 4000
ADDRESS = "10.99.0.1"
PORT = 4242


def traffic(to_mac, n=N):
    """UDP to the near end's socket, and beside it flows of IPv4, IPv6 and a VLAN, of all sizes."""
    eth = ("02:00:00:00:00:01", to_mac)
    out = []
    for i in range(n):
        t = pm.S + i * pm.MS
        size = i * 37 % 1400
        if i % 4 == 0:
            p = pm.packet(t, "10.99.0.2", ADDRESS, udp=(1000 + i % 7, PORT), payload=b"u" * size, eth=eth)
        elif i % 4 == 1:
            p = pm.packet(t, "2001:db8::%x" % (i % 5 + 1), "2001:db8::99", udp=(53, 2000 + i % 3), payload=b"6" * size, eth=eth)
        elif i % 4 == 2:
            p = pm.packet(t, "10.5.0.%d" % (i % 9), "10.6.0.1", tcp=(i % 100, 80, "SA"[i % 2]), payload=b"t" * size, eth=eth)
        else:
            p = pm.packet(t, "10.7.0.1", "10.8.0.1", udp=(7, 8), payload=b"v" * (size % 1300), vlan=[(42, 1)], eth=eth)
        out.append(p)
    return out


QUERY = ["--query", "flows", "--key", "5tuple", "--window", "24h", "--agg", "packets=count(),bytes=sum(frame.len)",
         "--query", "vlan", "--key", "vlan.id", "--window", "24h", "--agg", "n=count(),b=sum(frame.len)"]


def wanted(packets):
    rows = oracle.group(packets, [("packets", "count"), ("bytes", "sum", "frame.len")],
                        ["ip.src", "ip.dst", "ip.proto", "srcport", "dstport"], query="flows")
    rows += oracle.group(packets, [("n", "count"), ("b", "sum", "frame.len")], ["vlan.id"], query="vlan")
    return sorted(without_times(oracle.json_rows(rows).splitlines()))


def without_times(lines):
    out = []
    for x in lines:
        r = json.loads(x)
        # A run over midnight has two windows; that is the one thing these tests do not look at.
        out.append(json.dumps({k: v for k, v in r.items() if not k.startswith("window.")}))
    return out


class Run:
    """A weir in the near namespace, its output gathered as it comes."""

    def __init__(self, cable, args, folder):
        self.stats_path = os.path.join(folder, "stats.json")
        if os.path.exists(self.stats_path):
            os.unlink(self.stats_path)
        self.out, self.err = [], []
        self.p = cable.start([weir.BINARY, *args, "--stats", self.stats_path], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        self.threads = [threading.Thread(target=self._gather, args=x, daemon=True)
                        for x in ((self.p.stdout, self.out), (self.p.stderr, self.err))]
        for t in self.threads:
            t.start()

    @staticmethod
    def _gather(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    def ready(self, condition):
        def there():
            if self.p.poll() is not None:
                raise AssertionError("weir ended with status %d: %s" % (self.p.returncode, " | ".join(self.err)))
            return any("weir0" in x for x in self.err) and condition()
        netns.wait("readiness (a notice that names weir0, and its socket); so far: " + " | ".join(self.err), there)
        time.sleep(0.2)  # between socket and first poll

    def end(self, sig=signal.SIGINT, seconds=20):
        """Stop it; problems, and the ledger."""
        if sig is not None and self.p.poll() is None:
            self.p.send_signal(sig)
        try:
            self.p.wait(seconds)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
            return ["it did not end within %d s; standard error: %s" % (seconds, " | ".join(self.err))], None
        for t in self.threads:
            t.join(5)
        problems = [] if self.p.returncode == 0 else ["status %d: %s" % (self.p.returncode, " | ".join(self.err))]
        try:
            with open(self.stats_path) as f:
                stats = json.load(f)
        except (OSError, ValueError) as e:
            return problems + ["no --stats document: %s" % e], None
        return problems + weir.ledger(stats), stats


def count(cable, sent, run, stats, before):
    """Problems where weir's counts are not those of what was sent."""
    problems = []
    kernel = cable.arrived() - before
    for what, want, got in (
            ("packets received", len(sent), stats["received"]["packets"]),
            ("bytes received", sum(p.wire for p in sent), stats["received"]["bytes"]),
            ("packets that the kernel saw", len(sent), kernel),
            ("lost.nic", 0, stats["lost"]["nic"]), ("lost.no_buffer", 0, stats["lost"]["no_buffer"])):
        if want != got:
            problems.append("%s: %d, not %d" % (what, got, want))
    want, got = wanted(sent), sorted(without_times(run.out))
    if want != got:
        problems.append("rows differ: %d, not %d; for one: %s" % (
            len(got), len(want), next((x for x in got if x not in want), next((x for x in want if x not in got), "?"))))
    return problems


def capture(cable, folder, n=N):
    sent = traffic(cable.mac(), n)
    path = os.path.join(folder, "send-%d.pcap" % n)
    pm.write_pcap(path, sent)
    return path, sent


def counted(cable, folder, flags, condition, word):
    """Send while weir listens: counts must match; a notice must say `word`."""
    path, sent = capture(cable, folder)
    before = cable.arrived()
    run = Run(cable, ["-i", "weir0", *flags, *QUERY], folder)
    try:
        run.ready(condition)
        cable.send(path, PPS)
        netns.wait("arrival", lambda: cable.arrived() - before >= len(sent))
        time.sleep(0.3)  # from the kernel's counter to weir's
        rows_before = list(run.out)
        problems, stats = run.end()
    finally:
        if run.p.poll() is None:
            run.p.kill()
    if rows_before:
        problems.append("rows of a window of a day before it was stopped: %r" % rows_before[:2])
    if stats:
        problems += count(cable, sent, run, stats, before)
    if not any("received %d packets" % len(sent) in x for x in run.err):
        problems.append("no summary on standard error: %s" % " | ".join(run.err))
    if not any(word in x for x in run.err):
        problems.append("no notice says %r: %s" % (word, " | ".join(run.err)))
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
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open("/run/netns/" + cable.near, os.O_RDONLY)
    libc = __import__("ctypes").CDLL(None, use_errno=True)
    try:
        if libc.setns(there, 0x40000000):
            raise OSError("setns")
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
        s.bind((ADDRESS, PORT))
        return s
    finally:
        libc.setns(own, 0x40000000)
        os.close(own)
        os.close(there)


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
    run = Run(cable, ["-i", "weir0", *flags, "--packets", "1000", "--agg", "n=count()"], folder)
    try:
        run.ready(condition)
        cable.send(path, PPS)
        problems, stats = run.end(None)
    finally:
        if run.p.poll() is None:
            run.p.kill()
    if stats and stats["received"]["packets"] != 1000:
        problems.append("%d packets received, not 1000" % stats["received"]["packets"])
    if sum(json.loads(x)["n"] for x in run.out) != 1000:
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
    run = Run(cable, ["-i", "weir0", "--tap", "--for", "1s", "--agg", "n=count()"], folder)
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
    run = Run(cable, ["-i", "weir0", "--tap", "--agg", "n=count()"], folder)
    try:
        run.ready(cable.is_tapped)
        cable.send(path, PPS)

        def all_there():
            return sum(json.loads(x)["n"] for x in run.out) == len(sent)
        netns.wait("rows of all packets, without being stopped", all_there, 8)
        problems, stats = run.end()
    finally:
        if run.p.poll() is None:
            run.p.kill()
    return problems


def test_terminate(cable, folder):
    """SIGTERM ends it like Ctrl-C: rows flushed, ledger balanced, status 0"""
    path, sent = capture(cable, folder, 400)
    run = Run(cable, ["-i", "weir0", "--tap", "--window", "24h", "--agg", "n=count()"], folder)
    try:
        run.ready(cable.is_tapped)
        cable.send(path, PPS)
        time.sleep(0.5)
        problems, stats = run.end(signal.SIGTERM)
    finally:
        if run.p.poll() is None:
            run.p.kill()
    if sum(json.loads(x)["n"] for x in run.out) != len(sent):
        problems.append("rows: %r" % run.out)
    return problems


def test_filter(cable, folder):
    """--filter and --sink pcapng on a tapped interface: the file holds exactly the packets that match"""
    path, sent = capture(cable, folder, 400)
    out = os.path.join(folder, "kept.pcapng")
    run = Run(cable, ["-i", "weir0", "--tap", "--filter", "tcp port 80", "--sink", "pcapng:" + out], folder)
    try:
        run.ready(cable.is_tapped)
        cable.send(path, PPS)
        time.sleep(0.5)
        problems, stats = run.end()
    finally:
        if run.p.poll() is None:
            run.p.kill()
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
