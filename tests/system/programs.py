#!/usr/bin/env python3
"""weir as a program among others: without privileges, on a terminal, in a pipe, on a DPDK device."""
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support")]
import pcapmaker as pm  # noqa: E402
import tap  # noqa: E402
import weir  # noqa: E402


def small(folder):
    path = os.path.join(folder, "small.pcap")
    pm.write_pcap(path, [pm.packet(pm.S + i, "10.0.0.%d" % (i % 5), "10.0.1.1", udp=(1, 2)) for i in range(50)])
    return path


def test_nobody(t, folder):
    name = "weir -r as an unprivileged user, without hugepages"
    if os.getuid() != 0:
        t.check(name, weir.ended(weir.run(["-r", small(folder)])))
        return
    if not shutil.which("setpriv"):
        t.skip(name, "setpriv (util-linux) is missing")
        return
    os.chmod(folder, 0o755)
    binary = shutil.copy(weir.BINARY, folder)
    os.chmod(binary, 0o755)
    p = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--no-new-privs",
                        binary, "-r", small(folder), "--key", "ip.src", "--agg", "n=count()"], cwd="/",
                       env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"}, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=weir.TIMEOUT)
    t.check(name, weir.ended(p) + ([] if p.stdout.count(b'"n":10') == 5 else ["rows: %r" % p.stdout]))


def test_start(t, folder):
    path, best = small(folder), None
    for _ in range(5):
        began = time.monotonic()
        p = subprocess.Popen([weir.BINARY, "-r", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
        line = p.stdout.readline()
        took = time.monotonic() - began
        p.stdout.read()
        p.wait()
        if line:
            best = took if best is None else min(best, took)
    t.note("from start to the first row of a small file: %s" % ("%.0f ms" % (best * 1000) if best else "no row"))
    t.check("a small file gives its first row", [] if best else ["no row in five runs"])


def terminal(args, is_stdout=False, seconds=60):
    """Run weir with standard error (or output) on a terminal; what the terminal saw, and the status."""
    ours, theirs = pty.openpty()
    p = subprocess.Popen([weir.BINARY, *args], stdin=subprocess.DEVNULL, stdout=theirs if is_stdout else subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL if is_stdout else theirs)
    os.close(theirs)
    seen = b""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            some = os.read(ours, 65536)
        except OSError:
            break
        if not some:
            break
        seen += some
    if time.monotonic() >= end:
        p.kill()
    os.close(ours)
    return seen.decode("utf-8", "replace"), p.wait()


def test_terminal(t, folder):
    path = os.path.join(folder, "big.pcap")
    one = [pm.packet(pm.S + i, "10.0.0.%d" % (i % 200), "10.0.1.1", udp=(i % 9, 2), payload=b"x" * 60) for i in range(20000)]
    pm.write_pcap(path, one)
    slow = ["-r", path + "?speed=10k", "--agg", "n=count()", "--sink", "json:" + os.path.join(folder, "rows")]
    seen, status = terminal(slow)
    t.check("progress on a terminal: a line that is written over, with percent or time left",
            ([] if status == 0 else ["status %d" % status]) + ([] if "\r" in seen.replace("\r\n", "") and
                                                              ("%" in seen or "ETA" in seen) else ["the terminal saw %r" % seen[:400]]))
    seen, status = terminal([*slow, "--progress", "never"])
    t.check("--progress never", ([] if status == 0 else ["status %d" % status]) +
            (["the terminal saw %r" % seen[:400]] if "\r" in seen.replace("\r\n", "") else []))
    seen, status = terminal(["-r", small(folder), "--key", "ip.src", "--agg", "n=count()"], True)
    t.check("rows for people where standard output is a terminal",
            ([] if status == 0 else ["status %d" % status]) +
            ([] if "10.0.0.4" in seen and '{"query"' not in seen else ["the terminal saw %r" % seen[:600]]))


def test_pipe(t, folder):
    p = subprocess.run(["bash", "-c", '"$0" --source "gen:udp?count=300000&flows=100000" --select frame.number,ip.src '
                        '--sink json | head -n 1; echo "${PIPESTATUS[0]}"', weir.BINARY], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=weir.TIMEOUT)
    lines = p.stdout.splitlines()
    problems = [] if len(lines) == 2 and lines[0].startswith('{"query"') else ["it printed %r" % p.stdout[:300]]
    if lines and lines[-1] not in ("0", "1"):
        problems.append("status %s" % lines[-1])
    t.check("a reader that goes away ends it, or its rows are counted: no signal, no hang", problems)


def test_interrupt(t, folder):
    """A file at a slow speed, interrupted: what was read is flushed and accounted for."""
    path, stats = os.path.join(folder, "slow.pcap"), os.path.join(folder, "stats.json")
    pm.write_pcap(path, [pm.packet(pm.S + i, "10.0.0.1", "10.0.1.1", udp=(1, 2)) for i in range(20000)])
    p = subprocess.Popen([weir.BINARY, "-r", path + "?speed=1k", "--agg", "n=count()", "--stats", stats],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1.5)
    p.send_signal(signal.SIGINT)
    try:
        out, err = p.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        p.kill()
        p.communicate()
        t.check("Ctrl-C on a file", ["it did not end"])
        return
    problems = [] if p.returncode == 0 else ["status %d: %r" % (p.returncode, err[-400:])]
    try:
        with open(stats) as f:
            s = json.load(f)
        problems += weir.ledger(s)
        n = json.loads(out)["n"]
        if not 100 < n < 19000 or n != s["received"]["packets"]:
            problems.append("%d packets in the row, %d received" % (n, s["received"]["packets"]))
    except (OSError, ValueError) as e:
        problems.append("%s; standard output %r" % (e, out[:300]))
    t.check("Ctrl-C on a file at 1000 packets a second: rows flushed, ledger balanced", problems)


def test_own_input(t, folder):
    """No output goes over a file that is being read."""
    path = small(folder)
    with open(path, "rb") as f:
        before = f.read()
    for what in (["--stats", path], ["--sink", "json:" + path], ["--filter", "udp", "--sink", "pcapng:" + path]):
        p = weir.run(["-r", path] + what)
        problems = [] if p.returncode == 1 and b"open already" in p.stderr else [
            "status %d: %r" % (p.returncode, p.stderr[-300:])]
        with open(path, "rb") as f:
            if f.read() != before:
                problems.append("the capture was changed")
        t.check("an output over its own input is refused: %s" % what[-2], problems)


def test_blocked_reader(t, folder):
    """A reader that is there and takes nothing: told to stop, weir ends soon, and accounts for every row."""
    fifo, stats = os.path.join(folder, "rows"), os.path.join(folder, "stats.json")
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    p = subprocess.Popen([weir.BINARY, "--source", "gen:udp?count=0", "--select", "ip.src", "--sink", "json:" + fifo,
                          "--stats", stats], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1)
    p.send_signal(signal.SIGTERM)
    problems = []
    try:
        _, err = p.communicate(timeout=20)
        if p.returncode != 1 or b"nobody read it" not in err:
            problems.append("status %d: %r" % (p.returncode, err[-400:]))
        with open(stats) as f:
            problems += weir.ledger(json.load(f))
    except subprocess.TimeoutExpired:
        p.kill()
        p.communicate()
        problems.append("it did not end")
    except (OSError, ValueError) as e:
        problems.append(str(e))
    os.close(reader)
    t.check("a reader that takes nothing does not delay the end, ledger balanced", problems)


def test_vdev(t, folder):
    p, stats = weir.run_with_stats(["-i", "vdev:net_null0,size=100", "--packets", "5000", "--agg", "n=count(),b=sum(frame.len)",
                                    "--window", "24h"])
    problems = weir.ended(p) + (weir.ledger(stats) if stats else ["no --stats document"])
    if stats and (stats["received"]["packets"], stats["received"]["bytes"]) != (5000, 500000):
        problems.append("received %r" % stats["received"])
    t.check("a DPDK device: vdev:net_null0 gives exactly the packets asked for", problems)


def test_infinite_capture(t, folder):
    """More packets than a port's pool usually has: all of them go round, none twice before the last came."""
    n = 9000
    path = os.path.join(folder, "many.pcap")
    pm.write_pcap(path, [
        pm.packet(src="10.0.%d.%d" % (i >> 8, i & 255), dst="10.9.9.9", udp=(1000, 2000)) for i in range(n)])
    out = os.path.join(folder, "rows.json")
    p, stats = weir.run_with_stats(
        ["-i", "vdev:net_pcap0,rx_pcap=%s,infinite_rx=1" % path, "--packets", str(2 * n), "--window", "global",
         "--key", "ip.src", "--agg", "n=count()", "--sink", "json:" + out])
    problems = weir.ended(p) + (weir.ledger(stats) if stats else ["no --stats document"])
    if not problems:
        with open(out) as f:
            counts = [json.loads(line)["n"] for line in f]
        if len(counts) != n or set(counts) != {2}:
            problems.append("%d sources, counts %r" % (len(counts), sorted(set(counts))[:5]))
    t.check("a DPDK device: net_pcap with infinite_rx goes round with the whole file", problems)


def main():
    t = tap.Tap()
    for test in (test_nobody, test_start, test_terminal, test_pipe, test_interrupt, test_own_input, test_blocked_reader,
                 test_vdev, test_infinite_capture):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(t, folder)
            except (subprocess.TimeoutExpired, OSError) as e:
                t.check(test.__name__, [str(e)])
    t.done()


main()
