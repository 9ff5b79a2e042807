"""An interface on which nothing comes: the CPU that weir takes, and how soon it sees the packet that comes at last.

Needs root: a cable between two network namespaces, which are made and removed here.
"""
import contextlib
import ctypes
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

import measure
from measure import Failed, median

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "system"))
import netns  # noqa: E402

CLONE_NEWNET = 0x40000000
PORT = 4242
QUERY = ["--where", "udp.dstport == %d" % PORT, "--select", "frame.time_epoch,payload", "--sink", "json"]
TARGET = 5.0  # % of a CPU


@contextlib.contextmanager
def inside(ns):
    """This thread, for a while, in a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(fd):
        if libc.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    with open("/proc/thread-self/ns/net") as here, open("/run/netns/" + ns) as there:
        enter(there.fileno())
        try:
            yield
        finally:
            enter(here.fileno())


def checksum(data):
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    s = (s >> 16) + (s & 0xFFFF)
    return ~(s + (s >> 16)) & 0xFFFF


def frame(payload):
    """UDP in IPv4 in Ethernet."""
    udp = struct.pack("!4H", 4000, PORT, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, bytes([10, 99, 0, 2]), bytes([10, 99, 0, 1]))
    return bytes.fromhex("ffffffffffff0200000000010800") + ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + udp


class Lines:
    """Lines of a pipe, with a bound on the wait."""

    def __init__(self, pipe):
        self.fd, self.rest = pipe.fileno(), b""

    def next(self, seconds):
        end = time.monotonic() + seconds
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.fd], [], [], max(0.0, end - time.monotonic()))
            piece = os.read(self.fd, 65536) if ready else b""
            if not piece:
                raise Failed("a packet was sent and no row came")
            self.rest += piece
        line, self.rest = self.rest.split(b"\n", 1)
        return line


def seconds_of(value):
    """frame.time_epoch, exactly: nanoseconds"""
    whole, _, part = str(value).partition(".")
    return int(whole) * 10**9 + int((part + "0" * 9)[:9])


def wake_ups(lines, sender, n, has_poll_time):
    """Microseconds from the sending of a packet to its time stamp where that is the poll's, and to its row."""
    packet, row = [], []
    for _ in range(n):
        time.sleep(random.uniform(0.02, 0.2))
        sent = time.time_ns()
        sender.send(frame(b"%d" % sent))
        line = lines.next(5)
        now = time.time_ns()
        r = json.loads(line, parse_float=str)
        if r["payload"] != str(sent):
            raise Failed("another row than that of the packet that was sent: %r" % line)
        row.append((now - sent) / 1e3)
        if has_poll_time:
            packet.append((seconds_of(r["frame.time_epoch"]) - sent) / 1e3)
    return packet, row


def run(cable, weir, how, idle, workers, seconds, n):
    command = [weir, "--quiet", "-i", "weir0", "--" + how, "--idle", idle, "--cores", str(workers), *QUERY]
    p = cable.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        def is_up():
            if p.poll() is not None:
                raise Failed(p.stderr.read().decode("utf-8", "replace").strip() or "it ended")
            return cable.has_xdp() if how == "take" else cable.is_tapped()
        netns.wait("weir that listens", is_up)
        time.sleep(1.0)
        before = measure.times_by_thread(p.pid)
        time.sleep(seconds)
        by_name = measure.cpus_by_name(before, measure.times_by_thread(p.pid))
        with inside(cable.far):
            sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            sender.bind(("send0", 0))
        with sender:
            packet, row = wake_ups(Lines(p.stdout), sender, n, how == "take")
        p.terminate()
        if p.wait(10):
            raise Failed(p.stderr.read().decode("utf-8", "replace").strip())
    except AssertionError as e:
        raise Failed(str(e))
    finally:
        if p.poll() is None:
            p.kill()
            p.wait()
        p.stdout.close()
        p.stderr.close()
    return {"how": how, "idle": idle, "workers": workers, "command": command, "cpu_percent": sum(by_name.values()),
            "by_thread": by_name, "to_packet_us": packet, "to_row_us": row}


def measure_one(bench, cable, how, idle, workers, seconds, n):
    label = "%s, --idle %s" % ("AF_XDP" if how == "take" else "tap", idle)
    label += ", %d workers" % workers if workers > 1 else ""
    try:
        r = run(cable, bench.weir.binary, how, idle, workers, seconds, n)
    except (Failed, OSError, ValueError) as e:
        bench.skip(label, e)
        return
    bench.doc.setdefault("idle", []).append(r)
    d = bench.doc["differences"]
    d["%% of a CPU, idle: %s" % label] = {
        "value": r["cpu_percent"], "most": TARGET if idle == "adaptive" else None, "noise": 0.5}
    for what, found in (("packet seen", r["to_packet_us"]), ("row", r["to_row_us"])):
        if found:
            d["us to %s, median: %s" % (what, label)] = {"value": median(found), "most": None, "noise": median(found) / 2}
            d["us to %s, worst of %d: %s" % (what, len(found), label)] = {
                "value": max(found), "most": None, "noise": max(found)}
    bench.say("  %-28s %6.2f %% of a CPU, row after %.0f us" % (label, r["cpu_percent"], median(r["to_row_us"])))


def measure_all(bench):
    seconds, n = (2.0, 10) if bench.a.quick else (4.0, 30)
    try:
        with netns.Cable() as cable:
            for how in ("take", "tap"):
                for idle in ("adaptive", "interrupt", "spin"):
                    measure_one(bench, cable, how, idle, 1, seconds, n)
            measure_one(bench, cable, "take", "adaptive", 2, seconds, n)  # who take its one queue by turns
    except netns.Unavailable as e:
        bench.skip("idle", e)
