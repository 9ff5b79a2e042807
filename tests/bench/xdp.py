"""
An interface that is taken: what weir receives beside testpmd, and the CPU that push-down saves.

Needs root: a cable (veth) between two network namespaces, which are made and removed here. There the sender's own process
runs the XDP program: it takes the packet over the cable in a softirq of its own. So two figures stand beside each
other: the CPU of the process that receives, and that with what the sender takes more than into a cable of which
nobody takes packets.
"""
import json
import os
import re
import struct
import subprocess
import sys
import time

import idle
import measure
import programs
from idle import checksum
from measure import Failed, median, spread

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "system"))
import netns  # noqa: E402

MATCH = 4242
QUERY = ["--key", "5tuple", "--window", "global", "--agg", "packets=count(),bytes=sum(frame.len)", "--sink", "json:/dev/null"]
RATE = 50000  # below what one CPU sends and another receives
IDLES = ("adaptive", "interrupt")


def packet(i, port):
    udp = struct.pack("!4H", 1000 + i % 500, port, 26, 0) + b"x" * 18
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, bytes([10, 0, 0, 1 + i % 200]), bytes([10, 99, 0, 1]))
    return bytes.fromhex("0200000000020200000000010800") + ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + udp


def write(path, n=10000):
    """Packets of 60 bytes; one in a hundred goes to the port that is asked for."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(n):
            p = packet(i, MATCH if i % 100 == 0 else 5000 + i % 90)
            f.write(struct.pack("<IIII", 0, i, len(p), len(p)) + p)


def process_seconds(pid):
    """User and system time of all threads, as the kernel accounts it."""
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def taken_seconds(pid):
    return sum(on for _, on, _ in measure.times_by_thread(pid).values())


class Xdp:
    def __init__(self, bench):
        self.bench = bench
        self.weir = bench.weir.binary
        self.gen = os.path.join(os.path.dirname(os.path.dirname(self.weir)), "weir-gen", "weir-gen")
        self.seconds = 2.0 if bench.a.quick else 4.0
        self.receiver = bench.a.cpu
        others = sorted(os.sched_getaffinity(0) - {bench.a.cpu})
        self.sender = others[0] if others else bench.a.cpu
        self.path = os.path.join(bench.folder.folder, "xdp.pcap")
        self.stats = os.path.join(bench.folder.folder, "xdp.json")

    def send(self, cable, rate):
        """What the sender says, with the CPU that its process took."""
        command = ["ip", "netns", "exec", cable.far, self.gen, "-r", self.path + "?preload=1&loop=0", "-o",
                   "vdev:net_af_packet0,iface=send0", "--rate", str(rate), "--for", "%gs" % self.seconds, "--json"]
        r = measure.run(command, cpu=self.sender, timeout=self.seconds + 30)
        return {**json.loads(r["out"]), "cpu_s": r["cpu_s"]}

    def start(self, cable, args):
        command = ["taskset", "-c", str(self.receiver), self.weir, "--quiet", "--stats", self.stats, "-i", "weir0", "--take", *args, *QUERY]
        p = cable.start(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

        def is_up():
            if p.poll() is not None:
                raise Failed(p.stderr.read().decode("utf-8", "replace").strip() or "it ended")
            return cable.has_xdp()
        netns.wait("weir that listens", is_up)
        time.sleep(0.7)
        return p, command

    @staticmethod
    def end(p):
        if p.poll() is None:
            p.terminate()
        try:
            if p.wait(20):
                raise Failed(p.stderr.read().decode("utf-8", "replace").strip())
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            raise Failed("it did not end")
        finally:
            p.stderr.close()

    def receive(self, cable, args, rate):
        """One run of weir under the sender's rate."""
        p, command = self.start(cable, args)
        try:
            before = taken_seconds(p.pid), process_seconds(p.pid)
            sent = self.send(cable, rate)
            time.sleep(0.2)
            took = taken_seconds(p.pid) - before[0], process_seconds(p.pid) - before[1]
        finally:
            self.end(p)
        with open(self.stats) as f:
            s = json.load(f)
        n, left = s["received"]["packets"], sum(s["passed"].values())
        if not n:
            raise Failed("it received no packets")
        return {"command": command, "packets": n, "cpu_s": took[0], "stat_cpu_s": took[1], "left": left, "sent": sent["packets"],
                "pps": n / sent["seconds"], "share": (n + left) / sent["packets"], "sent_pps": sent["pps"], "sender_cpu_s": sent["cpu_s"],
                "lost": sum(s["lost"].values())}

    def receive_testpmd(self, cable, rate):
        """testpmd, with a main lcore on the sender's CPU that only waits for commands."""
        t = self.bench.testpmd
        with idle.inside(cable.near):
            p, command = t.start("rxonly", ["net_af_xdp0,iface=weir0"], 0, ["--no-huge", "--no-shconf", "-m", "512"])
        try:
            programs.until(p.stdout.fileno(), "testpmd>", 60)
            t.say(p, "start", "testpmd>")
            before = measure.thread_times(p.pid, "lcore-worker") or measure.thread_times(p.pid, "rte-worker")
            sent = self.send(cable, rate)
            time.sleep(0.2)
            after = measure.thread_times(p.pid, "lcore-worker") or measure.thread_times(p.pid, "rte-worker")
            said = t.say(p, "stop", "Done.")
            t.say(p, "quit", "Bye")
        finally:
            t.end(p)
            netns.ip("-n", cable.near, "link", "set", "dev", "weir0", "xdp", "off", check=False)
        found = re.findall(r"RX-packets:\s*(\d+)", said)
        if not found or not int(found[-1]) or not before:
            raise Failed("testpmd had no packets")
        n = int(found[-1])
        return {"command": command, "packets": n, "cpu_s": after[0] - before[0], "pps": n / sent["seconds"],
                "share": n / sent["packets"], "sent": sent["packets"], "sent_pps": sent["pps"], "sender_cpu_s": sent["cpu_s"]}

    def beside_testpmd(self, cable):
        """All that the sender can send: the rate received, and its share of what was sent."""
        runs = self.bench.turns("AF_XDP, veth", {
            "weir": lambda: self.receive(cable, ["--push", "never", "--idle", "spin"], "max"),
            "testpmd rxonly": lambda: self.receive_testpmd(cable, "max"),
            "weir adaptive": lambda: self.receive(cable, ["--push", "never"], "max")})
        if "weir" in runs and "testpmd rxonly" in runs:
            for key, what in (("xdp/testpmd received rate", "pps"), ("xdp/testpmd share received", "share")):
                each = [a[what] / b[what] for a, b in zip(runs["weir"], runs["testpmd rxonly"])]
                self.bench.doc["ratios"][key] = median(each)
                self.bench.doc["ratio_spread"][key] = spread(each)
            self.bench.ratio("xdp/testpmd CPU", runs, "weir", "testpmd rxonly")

    def saved(self, cable):
        """The same packets at the same rate, of which 1 % are asked for: with push-down and without, and nobody there."""
        where = ["--where", "udp.dstport == %d" % MATCH]
        runs = {}
        for _ in range(self.bench.a.rounds):
            alone = self.send(cable, RATE)
            for how in IDLES:
                for push in ("auto", "never"):
                    try:
                        r = self.receive(cable, [*where, "--idle", how, "--push", push], RATE)
                    except (Failed, OSError, ValueError, AssertionError) as e:
                        self.bench.skip("push %s, %s" % (push, how), e)
                        return
                    r["alone_cpu_s"] = alone["cpu_s"]
                    runs.setdefault((how, push), []).append(r)
        self.bench.doc["push"] = {"%s, %s" % k: v for k, v in runs.items()}
        for how in IDLES:
            pairs = list(zip(runs[how, "auto"], runs[how, "never"]))
            self.tell("push/saved " + how, [1 - a["cpu_s"] / b["cpu_s"] for a, b in pairs])
            both = [[r["cpu_s"] + max(0.0, r["sender_cpu_s"] - r["alone_cpu_s"]) for r in pair] for pair in pairs]
            self.tell("push/saved with the sender's " + how, [1 - a / b for a, b in both])
            for push in ("auto", "never"):
                each = runs[how, push]
                self.bench.doc["differences"]["us of weir a packet sent: --push %s, %s" % (push, how)] = {
                    "value": median([r["cpu_s"] / r["sent"] * 1e6 for r in each]), "most": None, "noise": 0.2}
            self.bench.say("  push-down, %-10s %5.1f %% of weir's CPU saved" % (how, 100 * self.bench.doc["ratios"]["push/saved " + how]))

    def tell(self, key, each):
        self.bench.doc["ratios"][key] = median(each)
        self.bench.doc["ratio_spread"][key] = spread(each)

    def measure(self):
        write(self.path)
        try:
            with netns.Cable() as cable:
                self.beside_testpmd(cable)
                self.saved(cable)
        except (netns.Unavailable, AssertionError) as e:
            self.bench.skip("xdp", e)
        finally:
            os.unlink(self.path)
