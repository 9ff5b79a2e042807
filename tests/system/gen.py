#!/usr/bin/env python3
"""weir-gen sends: the bytes that were asked for, as many, in their order, each meant for its time."""
import json
import os
import signal
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import netns  # noqa: E402
import pcapmaker as pm  # noqa: E402
import pcapread  # noqa: E402
import weir  # noqa: E402
from pcapread import read_pcap  # noqa: E402
from running import ADDRESS, Run, run_tests  # noqa: E402

NULL = "vdev:net_null0"
MS = 1000000


def pcap_out(*paths):
    return "vdev:net_pcap0," + ",".join("tx_pcap=" + p for p in paths)


def report(p):
    """The report, and problems. That a host gave it no CPU, so that a rate was not reached, is none."""
    said = p.stderr.decode("utf-8", "replace")
    problems = weir.ended(p, (0, 1) if "not reached" in said else (0,))
    try:
        return json.loads(p.stdout), problems
    except ValueError:
        return None, problems + ["no report: %r; %s" % (p.stdout[:300], said)]


def send(args, cable=None):
    if not cable:
        return report(weir.run([*args, "--json"], binary=weir.GEN))
    p = subprocess.run(["ip", "netns", "exec", cable.far, weir.GEN, *args, "--json"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=weir.TIMEOUT)
    return report(p)


def sent(r, n):
    """Problems where not exactly n packets were sent and accounted for."""
    if not r:
        return []
    lost = sum(r["not_sent"].values())
    return [] if (r["packets"], lost) == (n, 0) else ["%d packets sent and %d not, of %d" % (r["packets"], lost, n)]


def signatures(packets):
    """[(stream, number, time)]; of what has none, None."""
    found = []
    for p in packets:
        magic, stream, number, t = struct.unpack("!4sIQQ", p[-24:])
        found.append(("%08x" % stream, number, t) if magic == b"WEIR" else None)
    return found


def test_bytes(folder):
    """what is sent is what -w writes, byte for byte: imix, an attack, a capture, and again from the start"""
    problems = []
    for uri in ("gen:imix?count=3000&v6=0.3&vlan=0.2", "gen:attack:syn_flood?count=2000", "gen:mix?count=1000"):
        out, written = os.path.join(folder, "out.pcap"), os.path.join(folder, "w.pcapng")
        problems += weir.ended(weir.run([uri, "-w", written], binary=weir.GEN))
        want = [data for _, _, _, data, _ in pcapread.read_pcapng(written)]
        for what, count in ((uri, []), (written, []), (uri, ["--count", str(2 * len(want) + 7)])):
            r, more = send([what, "-o", pcap_out(out), "--rate", "max", *count])
            expected = want + want + want[:7] if count else want
            problems += more + sent(r, len(expected))
            if read_pcap(out) != expected:
                problems.append("%s %r: the packets differ" % (what, count))
            os.unlink(out)
    return problems


def test_signature(folder):
    """--signature: every number once, in order, with its time by the rate; the rest of the packet as it was"""
    out, plain = os.path.join(folder, "out.pcap"), os.path.join(folder, "plain.pcap")
    uri = "gen:udp?count=700&size=120&v6=0.5&vlan=0.3"
    send([uri, "-o", pcap_out(plain), "--rate", "max"])
    r, problems = send([uri, "-o", pcap_out(out), "--rate", "30k", "--count", "3000", "--signature"])
    problems += sent(r, 3000)
    got, was = read_pcap(out), read_pcap(plain)
    marks = signatures(got)
    if None in marks or len(marks) != 3000:
        return problems + ["%d packets, %d without a signature" % (len(marks), marks.count(None))]
    start = marks[0][2]
    if any(m != (r["stream"], k, start + k * 10**9 // 30000) for k, m in enumerate(marks)):
        problems.append("numbers, times or stream are wrong: %r ..." % marks[:3])
    for k, p in enumerate(got):
        before = bytearray(was[k % 700])
        at = 14 + 4 * (before[12:14] == b"\x81\x00")
        at += 46 if before[at - 2:at] == b"\x86\xdd" else 26
        before[at:at + 2] = b"\0\0"  # the UDP checksum
        if p[:-24] != bytes(before[:-24]):
            return problems + ["packet %d is not what it was before its signature" % k]
    return problems


def test_recorded(folder):
    """a capture by its own timing, and twice as fast: the gaps meant are exact, and it takes no less time"""
    gaps, t, packets = [0, 20 * MS, 1, 0, 75 * MS, 30 * MS + 7, 5 * MS], pm.S, []
    for i, gap in enumerate(gaps):
        t += gap
        packets.append(pm.packet(t, "10.0.0.1", "10.0.0.2", udp=(i + 1, 9), payload=b"x" * 30))
    path, out = os.path.join(folder, "in.pcap"), os.path.join(folder, "out.pcap")
    pm.write_pcap(path, packets)
    problems = []
    for rate, factor in ((None, 1), ("recorded:2", 2)):
        began = time.monotonic()
        r, more = send([path, "-o", pcap_out(out), "--signature", *(["--rate", rate] if rate else [])])
        took = time.monotonic() - began
        problems += more + sent(r, len(gaps))
        times = [m[2] for m in signatures(read_pcap(out))]
        want = [(p.t - packets[0].t) // factor for p in packets]
        if [x - times[0] for x in times] != want:
            problems.append("times meant: %r, not %r" % ([x - times[0] for x in times], want))
        if took * 1e9 < want[-1] or r["seconds"] * 1e9 < want[-1]:
            problems.append("it took %.6f s for %d ns" % (r["seconds"], want[-1]))
    return problems


def test_bursts(folder):
    """--burst: so many together, by a rate and by an interval; packets of one burst are meant for one time"""
    out, problems = os.path.join(folder, "out.pcap"), []
    for flags, gap in ((["--rate", "10k", "--burst", "40"], 4 * MS), (["--burst", "40:3ms"], 3 * MS)):
        r, more = send(["gen:udp?size=80", "-o", pcap_out(out), *flags, "--count", "410", "--signature"])
        problems += more + sent(r, 410)
        times = [m[2] for m in signatures(read_pcap(out))]
        if [x - times[0] for x in times] != [k // 40 * gap for k in range(410)]:
            problems.append("%r: %r ..." % (flags, [x - times[0] for x in times[:90]]))
    return problems


def test_bits(folder):
    """rates in bits: by frames, and by what they take of a line, whose speed may be said"""
    out, problems = os.path.join(folder, "out.pcap"), []
    for rate, extra in (("20Mbps", 0), ("20Mline", 24), ("20%", 24)):
        r, more = send(["gen:udp?size=imix&count=300&rate=1G", "-o", pcap_out(out), "--rate", rate, "--line-rate", "100M"])
        lengths = [len(p) for p in read_pcap(out)]
        problems += more + sent(r, 300)
        # the last packet comes when all before it have passed: 50 ns a bit
        least = sum(8 * (n + extra) * 50 for n in lengths[:-1])
        if r and r["seconds"] * 1e9 < least - 1:
            problems.append("%s: %.9f s, at least %d ns are right" % (rate, r["seconds"], least))
        if r and r["error_ppm"] > 0.001:
            problems.append("%s: %g ppm too fast" % (rate, r["error_ppm"]))
    return problems


def test_for(folder):
    """--for: exactly the packets that are due in that time"""
    r, problems = send(["gen:udp?count=100", "-o", NULL, "--rate", "12345", "--for", "400ms"])
    return problems + sent(r, 4938)


def test_cores(folder):
    """--cores 2: by two queues, each packet of the schedule once"""
    paths = [os.path.join(folder, x) for x in ("a.pcap", "b.pcap")]
    r, problems = send(["gen:udp?count=500&size=90", "-o", pcap_out(*paths), "--rate", "40k", "--count", "5000",
                        "--signature", "--cores", "2"])
    problems += sent(r, 5000)
    marks = [signatures(read_pcap(p)) for p in paths]
    if not all(marks):
        problems.append("a queue had nothing to send")
    both = sorted(m[1:] for x in marks for m in x)
    start = both[0][1]
    if both != [(k, start + k * 25000) for k in range(5000)]:
        problems.append("numbers or times are wrong: %d, %r ..." % (len(both), both[:3]))
    return problems


def has_race_detector():
    """ThreadSanitizer, which sees half of what the threads of net_memif do: the driver is not built with it."""
    with open(weir.GEN, "rb") as f:
        return b"__tsan_init" in f.read()


def test_memif(folder):
    """into a memif that weir reads: every packet arrives"""
    if has_race_detector():
        raise netns.Unavailable("the race detector takes net_memif's closing for a race")
    socket_path = os.path.join(folder, "memif.sock")
    with Run(["-i", "vdev:net_memif0,role=server,socket=%s,socket-abstract=no" % socket_path, "--agg", "n=count(),b=sum(frame.len)",
              "--window", "24h"], folder) as run:
        run.ready()
        r, problems = send(["gen:imix?count=9000", "-o", "vdev:net_memif0,role=client,socket=%s,socket-abstract=no" % socket_path,
                            "--rate", "20k"])
        problems += sent(r, 9000)
        run.until_received(9000)
        more, stats = run.end()
    if stats and r and (stats["received"]["packets"], stats["received"]["bytes"]) != (9000, r["bytes"]):
        problems.append("weir received %r" % stats["received"])
    return problems + more


def on_cable(folder, flags, device, prepare=None):
    """Out of an interface of the kernel; weir listens at the other end."""
    with netns.Cable() as cable:
        if prepare:
            prepare(cable)
        with Run(["-i", "weir0", "--tap", "--agg", "n=count(),b=sum(frame.len)", "--window", "24h"], folder, cable) as run:
            run.ready()
            r, problems = send(["gen:tcp?size=1514&count=6000", "-o", "send0", "--rate", "20k", *flags], cable)
            problems += sent(r, 6000)
            run.until_received(6000)
            more, stats = run.end()
    if stats and r and (stats["received"]["packets"], stats["received"]["bytes"]) != (6000, r["bytes"]):
        problems.append("weir received %r" % stats["received"])
    if r and device not in r["device"]:
        problems.append("by %s, not %s" % (r["device"], device))
    return problems + more


def test_interface(folder):
    """out of an interface that nobody uses: AF_XDP, every packet arrives"""
    return on_cable(folder, [], "net_af_xdp")


def address(cable):
    netns.ip("-n", cable.far, "address", "add", ADDRESS + "/24", "dev", "send0")


def test_interface_in_use(folder):
    """out of an interface that its host uses: only with --force, then by AF_PACKET"""
    with netns.Cable() as cable:
        address(cable)
        p = subprocess.run(["ip", "netns", "exec", cable.far, weir.GEN, "gen:udp?count=5", "-o", "send0"], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=weir.TIMEOUT)
        problems = weir.ended(p, (2,))
        if b"--force" not in p.stderr or ADDRESS.encode() not in p.stderr or cable.arrived():
            problems.append("it says %r, and %d packets arrived" % (p.stderr, cable.arrived()))
        p = subprocess.run(["ip", "netns", "exec", cable.far, weir.GEN, "gen:udp?count=5&size=1515", "-o", "send0", "--force"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=weir.TIMEOUT)
        problems += weir.ended(p, (1,))
        if b"MTU of 1500" not in p.stderr or cable.arrived():
            problems.append("packets beyond the MTU: %r" % p.stderr)
    return problems + on_cable(folder, ["--force"], "net_af_packet", address)


def test_stop(folder):
    """SIGINT: it ends at once, with a report of what was sent"""
    p = subprocess.Popen([weir.GEN, "gen:udp?count=0", "-o", NULL, "--rate", "1k", "--json"], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        netns.wait("thread that sends", lambda: any(
            open("/proc/%d/task/%s/comm" % (p.pid, t)).read().strip() == "weir-sender" for t in os.listdir("/proc/%d/task" % p.pid)))
        time.sleep(0.2)
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=weir.TIMEOUT)
    finally:
        p.kill()
        p.wait()
    r, problems = report(subprocess.CompletedProcess(p.args, p.returncode, out, err))
    if r and not (r["interrupted"] and r["packets"] > 0 and not sum(r["not_sent"].values())):
        problems.append("report: %r" % r)
    return problems


def test_nobody(folder):
    """a port that takes nothing: status 1, and all of it is said to be not sent"""
    p = weir.run(["gen:udp?count=500", "-o", "vdev:net_memif0,role=server,socket=%s,socket-abstract=no" % os.path.join(folder, "m.sock"),
                  "--rate", "max", "--count", "1000", "--json"], binary=weir.GEN)
    r, problems = json.loads(p.stdout), weir.ended(p, (1,))
    if (r["packets"], r["not_sent"]["refused"]) != (0, 1000) or b"1000 packets could not be sent" not in p.stderr:
        problems.append("%r %r" % (r, p.stderr))
    return problems


def test_drop(folder):
    """--on-full drop: what a full ring does not take is not sent, and counted"""
    p = weir.run(["gen:udp", "-o", "vdev:net_ring0", "--rate", "max", "--count", "20000", "--on-full", "drop", "--json"],
                 binary=weir.GEN)
    r, problems = json.loads(p.stdout), weir.ended(p, (1,))
    if not 0 < r["packets"] < 20000 or r["packets"] + r["not_sent"]["refused"] != 20000:
        problems.append("%r" % r)
    return problems


TESTS = [test_bytes, test_signature, test_recorded, test_bursts, test_bits, test_for, test_cores, test_memif, test_interface,
         test_interface_in_use, test_stop, test_nobody, test_drop]

run_tests(TESTS)
