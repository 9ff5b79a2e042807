#!/usr/bin/env python3
"""weir-latency against a device that does what it is told: delay, loss, duplicates, reordering, a limited rate."""
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import xml.etree.ElementTree

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import pcapread  # noqa: E402
import weir  # noqa: E402
from impairing import Device, Latency, TwoCables, counted, expected, measure, sound, wait_for  # noqa: E402
from running import SLOWER, Run, run_tests  # noqa: E402

MS = 1000000
# weir-latency whose ports stamp what they receive, 5 ms before they have it to give (tests/support/nic/clock.c).
STAMPING = os.environ.get("WEIR_LATENCY_NIC", "weir-latency-nic")
EARLY_NS = 5 * MS
# What a busy host may add to a delay: the lower bound is the one that is exact.
BUSY_NS = 2000 * MS
QUICK = ["--for", "1s", "--warmup", "50ms", "--drain", "3s"]


def test_delay(folder):
    """a device that holds packets for 1 ms, and for 5: the least is not below it, the percentiles begin there"""
    problems = []
    for hold in (1, 5):
        with Device(folder, hold_ns=hold * MS) as device:
            found, _ = measure(["--tx", device.tx, "--rx", device.rx, *QUICK], problems, folder, device)
        m = found["loads"][0]
        lat = m["latency_ns"]
        problems += sound(m) + sound(found["floor"])
        if m["lost"] or lat["samples"] != 1009:
            problems.append("held %d ms: %d lost, %d samples" % (hold, m["lost"], lat["samples"]))
        # a value is never below the exact one, and at most 1/128 above it
        if lat["min"] < hold * MS or not hold * MS <= lat["p50"] <= hold * MS + BUSY_NS * SLOWER:
            problems.append("held %d ms: min %d ns, P50 %d ns" % (hold, lat["min"], lat["p50"]))
        if lat["p50"] > lat["max"] or lat["mean"] < lat["min"]:
            problems.append("held %d ms: %r" % (hold, lat))
    return problems


def test_faults(folder):
    """a device that drops, repeats and delays known probes: exact counts, by one thread and by two"""
    rules = {"drop_every": 10, "dup_every": 7, "delay_every": 13, "delay_by": 3}
    problems = []
    for threads in ("1", "2"):
        with Device(folder, **rules) as device:
            found, did = measure(["--tx", device.tx, "--rx", device.rx, "--rate", "2k", "--threads", threads, *QUICK], problems,
                                 folder, device)
        m = found["loads"][-1]
        problems += sound(m)
        want = expected(2000, **rules)
        if m["sent"] != 2000 or counted(m) != want:
            problems.append("threads %s: sent %d, %r, not %r" % (threads, m["sent"], counted(m), want))
        if found["threads"] != int(threads):
            problems.append("it says %r threads" % found["threads"])
        # all that ever left, and all that ever came: warming up, too
        for key, mine in (("received", "sent_in_all"), ("sent", "received_in_all")):
            if found[mine] > did[key]:
                problems.append("%s is %d, but the device's %s %d" % (mine, found[mine], key, did[key]))
        if found["sent_in_all"] != did["received"]:
            problems.append("sent %d in all, but the device received %d" % (found["sent_in_all"], did["received"]))
    return problems


def test_late(folder):
    """probes that come after --drain are lost, and are known as late ones of the measurement before"""
    problems = []
    with Device(folder, hold_ns=700 * MS) as device:
        found, _ = measure(["--tx", device.tx, "--rx", device.rx, "--for", "200ms", "--warmup", "0ms", "--drain", "50ms",
                            "--no-floor", "--max-rate", "1009", "--load", "0,100,100,100,100"], problems, folder, device)
    first, rest = found["loads"][0], found["loads"][1:]
    if first["lost"] != first["sent"] or first["latency_ns"]["samples"]:
        problems.append("of %d sent %d are lost" % (first["sent"], first["lost"]))
    if first["latency_ns"]["p50"] is not None or first["latency_ns"]["max"] is not None:
        problems.append("no probe came, but %r" % first["latency_ns"])
    if sum(m["late_of_earlier"] for m in rest) < first["sent"]:
        problems.append("late in those after it: %r" % [m["late_of_earlier"] for m in rest])
    return problems


def test_limit(folder):
    """--ndr finds the rate that a device is limited to; shares of it are measured"""
    limit, problems = 5000, []
    with Device(folder, limit_pps=limit, queue=250) as device:
        found, _ = measure(["--tx", device.tx, "--rx", device.rx, "--ndr", "--max-rate", "20k", "--loss-goal", "2", "--trial", "1s",
                            "--load", "10,50", "--no-floor", "--for", "1s"], problems, folder, device)
    rate = found["rates"][0]
    if found["ndr"]["rate_pps"] != rate["lower_pps"] or found["ndr"]["sender_limited"]:
        problems.append("%r, but %r" % (found["ndr"], rate))
    if not rate["complete"] or not rate["lower_pps"] or rate["trials"] < 3:
        return problems + ["it found %r" % rate]
    # a trial of a second may leave 250 packets in the queue, and lose 2 % more; a busy host loses some
    if not 0.5 * limit <= rate["lower_pps"] <= 1.12 * limit:
        problems.append("%d/s is limited to %d/s" % (rate["lower_pps"], limit))
    for m, share in zip(found["loads"], (0.1, 0.5)):
        problems += sound(m)
        if abs(m["share"] - share) > 1e-9 or abs(m["offered_pps"] - share * rate["lower_pps"]) > 1:
            problems.append("share %r is offered %r/s of %r" % (m["share"], m["offered_pps"], rate["lower_pps"]))
    return problems


def test_outputs(folder):
    """the table, JSON, HdrHistogram's format and the plot are of the same figures"""
    problems = []
    table, hdr = os.path.join(folder, "table"), os.path.join(folder, "out.hgrm")
    with Device(folder, hold_ns=MS) as device, Latency(
            ["--tx", device.tx, "--rx", device.rx, *QUICK, "--max-rate", "4k", "--load", "0,50", "--size", "imix", "--hdr", hdr],
            folder, table=table) as run:
        run.measured()
        device.end()
        found, plot = run.end(problems)
    with open(table) as f:
        table = f.read()
    for m in [*found["floors"], *found["loads"]]:
        problems += sound(m)
        if not re.search(r"^%s .* %d$" % (re.escape(m["load"]), m["latency_ns"]["samples"]), table, re.M):
            problems.append("no line of %s with %d samples in %r" % (m["load"], m["latency_ns"]["samples"], table))
    names = [[m["load"] for m in found[x]] for x in ("loads", "floors")]
    if names != [["load 0%", "load 50%"], ["floor at load 0%", "floor at load 50%"]] or found["floor"] != found["floors"][0]:
        problems.append("loads and floors %r, the floor %r" % (names, found["floor"]["load"]))
    if found["frame_bytes"] != 363:
        problems.append("frames of %r" % found["frame_bytes"])
    for key in ("program", "version", "path", "clock", "clock_error_ns", "threads", "cpus", "floor_path", "rates"):
        if found.get(key) is None:
            problems.append("no %s in the JSON" % key)
    try:
        root = xml.etree.ElementTree.fromstring(plot)
        if not root.tag.endswith("svg") or sum(1 for _ in root.iter()) < 20:
            problems.append("an empty plot: %s" % root.tag)
    except xml.etree.ElementTree.ParseError as e:
        problems.append("the plot is no XML: %s" % e)
    for name, m in (("load0", found["loads"][0]), ("load50", found["loads"][1])):
        with open(os.path.join(folder, "out-%s.hgrm" % name)) as f:
            text = f.read()
        rows = [[float(x.replace("inf", "1e99")) for x in line.split()] for line in text.splitlines()
                if re.match(r"^ +\d", line)]
        # values in us, shares that rise to 1, all samples in the last row
        if len(rows) < 5 or rows != sorted(rows) or rows[-1][1] != 1 or rows[-1][2] != m["latency_ns"]["samples"]:
            problems.append("%s: %r" % (name, text[:300]))
        elif abs(rows[-1][0] * 1000 - m["latency_ns"]["max"]) > 1000:
            problems.append("%s: the largest is %r us, not %r ns" % (name, rows[-1][0], m["latency_ns"]["max"]))
    return problems


def test_floor(folder):
    """the floor: of a ring of its own, of ports that are given, and none with a reason"""
    problems = []
    ring, given, none = (measure(["--tx", "vdev:net_ring0", "--for", "200ms", *more], problems, folder)[0] for more in (
        [], ["--floor-tx", "vdev:net_ring1"], ["--no-floor"]))
    for what, found, part in (("ring", ring, "net_ring of its own"), ("given", given, "--floor-tx"), ("none", none, "--no-floor")):
        if part not in found["floor_path"]:
            problems.append("%s: it says %r" % (what, found["floor_path"]))
        for m in [found["floor"]] * (what != "none") + found["loads"]:
            problems += sound(m)
            if m["lost"] or m["sent"] != 201:
                problems.append("%s: %d lost of %d in a ring" % (what, m["lost"], m["sent"]))
    if none["floor"] is not None:
        problems.append("a floor that nobody wanted: %r" % none["floor"])
    return problems


def test_rows(folder):
    """a weir with --emit early makes a row of each probe: packet in to row out, and both count the same"""
    fifo, problems = os.path.join(folder, "rows"), []
    os.mkfifo(fifo)
    socket = os.path.join(folder, "weir.sock")
    memif = "vdev:net_memif%d,role=%s,socket=" + socket + ",socket-abstract=no"
    args = ["-i", memif % (0, "client"), "--where", "ip.dst in 198.18.0.0/15", "--key", "ip.dst", "--window", "24h",
            "--agg", "n=count()", "--where", "n >= 1", "--emit", "early", "--sink", "json:" + fifo]
    with Latency(["--tx", memif % (1, "server"), "--rows", fifo, "--rows-every", "4", "--rate", "1k", *QUICK,
                  "--wait", "60s"], folder) as latency:
        wait_for(socket)
        with Run(args, folder) as run:
            latency.measured()
            # its window's rows go into the pipe, which nobody reads any more
            more, stats = run.end()
        found, _ = latency.end(problems)
    problems += more
    m = found["loads"][-1]
    problems += sound(m)
    if m["sent"] != 250 or m["lost"] or m["duplicates"]:
        problems.append("%d rows expected, %d lost, %d twice" % (m["sent"], m["lost"], m["duplicates"]))
    if m["sender"]["probes"] != 1000 or not found["rows"]:
        problems.append("%d probes" % m["sender"]["probes"])
    if stats and stats["received"]["packets"] != found["sent_in_all"]:
        problems.append("weir received %d, weir-latency sent %d" % (stats["received"]["packets"], found["sent_in_all"]))
    return problems


def test_veth(folder):
    """interfaces of the kernel: exact loss and least delay through AF_XDP, and a floor over a cable that is given"""
    problems = []
    with TwoCables() as cable, Device(folder, cable, hold_ns=2 * MS, drop_every=10) as device:
        found, _ = measure(["--tx", "send0", "--rx", "send1", "--floor-tx", "floor0", "--floor-rx", "floor1", *QUICK, "--rate", "1k"],
                           problems, folder, device, cable)
    m, floor = found["loads"][0], found["floor"]
    problems += sound(m) + sound(floor)
    if m["sent"] != 1000 or m["lost"] != 100 or m["latency_ns"]["min"] < 2 * MS:
        problems.append("sent %d, lost %d, least %r ns" % (m["sent"], m["lost"], m["latency_ns"]["min"]))
    if floor["sent"] != 1000 or floor["lost"] or floor["latency_ns"]["min"] >= m["latency_ns"]["min"]:
        problems.append("floor: sent %d (%r), lost %d, least %r ns" % (
            floor["sent"], floor["sender"], floor["lost"], floor["latency_ns"]["min"]))
    return problems


def test_nic_clock(folder):
    """a NIC that stamps what it receives: probes came when it says, unless that is not wanted"""
    drivers, problems, hold = os.path.join(folder, "drivers"), [], 20 * MS
    shutil.copytree(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "drivers-config"), drivers)
    with open(os.path.join(drivers, "memif.ini")) as f:
        profile = f.read()
    with open(os.path.join(drivers, "memif.ini"), "w") as f:
        f.write(profile.replace("receive_timestamps = none", "receive_timestamps = ticks"))
    for options, said, least in (("", "used", hold - EARLY_NS), ("?timestamps=no", "not used", hold)):
        with Device(folder, hold_ns=hold) as device:
            found, _ = measure(["--tx", device.tx, "--rx", device.rx + options, "--no-floor", *QUICK], problems, folder, device,
                               binary=STAMPING, env={"WEIR_DRIVERS_DIR": drivers})
        m = found["loads"][0]
        problems += sound(m)
        if found["nic_timestamps"] != said or ("the NIC's" in found["clock"]) != (said == "used"):
            problems.append("time stamps are %r, the clock %r" % (found["nic_timestamps"], found["clock"]))
        # of its first seconds a clock may be off by as much as it says
        off, samples = found["clock_error_ns"], m["latency_ns"]["samples"]
        if not least - off <= m["latency_ns"]["min"] < least + EARLY_NS or samples != 1009:
            problems.append("%s: the least is %r ns, not %d (within %d); %d samples" % (
                said, m["latency_ns"]["min"], least, off, samples))
        if (found["nic_stamped"] >= samples) != (said == "used"):
            problems.append("%s: %d stamped" % (said, found["nic_stamped"]))
    return problems


def checksum(header):
    total = sum(struct.unpack(">10H", header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def test_probes(folder):
    """what is sent is what the documentation says: headers, sizes, flows, the signature"""
    path, problems = os.path.join(folder, "probes.pcap"), []
    p = weir.run(["--tx", "vdev:net_pcap0,tx_pcap=" + path, "--rx", "vdev:net_ring0", "--no-floor", "--wait", "500ms", "--size", "imix",
                  "--flows", "5", "--eth-src", "02:00:00:00:00:aa", "--eth-dst", "02:00:00:00:00:bb", "--ip-src", "10.0.0.1",
                  "--ip-dst", "10.0.0.2"], binary=weir.LATENCY)
    problems += weir.ended(p, (1,))
    frames = pcapread.read_pcap(path)
    if len(frames) < 100:
        return problems + ["%d probes in half a second" % len(frames)]
    sizes, first = [len(x) for x in frames], None
    for size, share in ((66, 7), (594, 4), (1514, 1)):
        got = sizes[:96].count(size)
        if got != 8 * share:
            problems.append("%d frames of %d bytes among 96" % (got, size))
    for i, f in enumerate(frames):
        ip, udp = f[14:34], f[34:42]
        if f[:14] != bytes.fromhex("0200000000bb0200000000aa0800") or ip[0] != 0x45 or ip[8:10] != b"\x40\x11":
            problems.append("probe %d: headers %s" % (i, f[:34].hex()))
        if checksum(ip) or struct.unpack(">H", ip[2:4])[0] != len(f) - 14 or ip[12:] != bytes((10, 0, 0, 1, 10, 0, 0, 2)):
            problems.append("probe %d: IPv4 %s" % (i, ip.hex()))
        if struct.unpack(">4H", udp) != (49152 + i % 5, 7, len(f) - 34, 0):
            problems.append("probe %d: UDP %s" % (i, udp.hex()))
        magic, stream, number, due = struct.unpack(">4sIQQ", f[-24:])
        first = first or (stream, due)
        if magic != b"WEIR" or stream != first[0] or number != i or abs(due - first[1] - i * 1e9 / 1009) > 2:
            problems.append("probe %d: signature %s" % (i, f[-24:].hex()))
    return problems[:20]


def test_interrupt(folder):
    """a signal ends it with what was measured so far"""
    problems = []
    p = subprocess.Popen([weir.LATENCY, "--tx", "vdev:net_ring0", "--for", "1h", "--load", "0,100", "--max-rate", "2k", "--no-floor",
                          "--warmup", "1ms", "--json", os.path.join(folder, "out.json")],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(2 * SLOWER)
    p.send_signal(signal.SIGINT)
    try:
        out, err = p.communicate(timeout=weir.TIMEOUT)
    except subprocess.TimeoutExpired:
        p.kill()
        p.communicate()
        return ["it did not end"]
    if p.returncode != 0 or b"stopped by a signal" not in out:
        return ["status %d: %r %r" % (p.returncode, out[-300:], err)]
    with open(os.path.join(folder, "out.json")) as f:
        found = weir.json.load(f)
    problems += sound(found["loads"][0])
    if not found["interrupted"] or len(found["loads"]) != 1 or not 100 < found["loads"][0]["sent"] < 100000:
        problems.append("interrupted %r, %d measurements, sent %d" % (
            found["interrupted"], len(found["loads"]), found["loads"][0]["sent"]))
    return problems


def test_nothing(folder):
    """where nothing comes back it says so, and what did leave"""
    problems = []
    p = weir.run(["--tx", "vdev:net_null0", "--rx", "vdev:net_ring0", "--wait", "200ms", "--for", "100ms", "--no-floor"], binary=weir.LATENCY)
    err = p.stderr.decode()
    problems += weir.ended(p, (1,)) + ["no %r in %r" % (x, err) for x in ("no probe came back", "net_ring0", "200ms", "--wait") if x not in err]
    socket = os.path.join(folder, "nobody.sock")
    p = weir.run(["--tx", "vdev:net_memif0,role=server,socket=%s,socket-abstract=no" % socket, "--wait", "200ms", "--no-floor"], binary=weir.LATENCY)
    err = p.stderr.decode()
    return problems + weir.ended(p, (1,)) + ["no %r in %r" % (x, err) for x in ("link", "down", "net_memif0") if x not in err]


if __name__ == "__main__":
    run_tests([test_limit, test_delay, test_faults, test_late, test_outputs, test_floor, test_rows, test_veth, test_nic_clock, test_probes,
               test_interrupt, test_nothing], at_a_time=2)
