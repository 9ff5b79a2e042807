"""
How long packets take through weir and through testpmd, and alerts out of weir: one instrument (weir-latency), one
path (two memifs), one run. The device has a CPU of its own, and so has the instrument, which sends and receives in
turns.
"""
import json
import os
import subprocess
import tempfile

import measure
from measure import Failed, median

LOADS = (10, 50)
MEMORY = ["--no-huge", "--no-shconf", "--no-telemetry", "-m", "512"]
FILTER = ["--where", "udp && dstport > 0"]
ALERT = ["--where", "ip.dst in 198.18.0.0/15", "--key", "ip.dst", "--agg", "n=count()", "--window", "24h",
         "--where", "n >= 1", "--emit", "early"]


class Delay:
    def __init__(self, bench):
        self.bench = bench
        self.seconds = "2s" if bench.a.quick else "5s"
        self.instrument = os.path.join(os.path.dirname(bench.weir.binary), "..", "weir-latency", "weir-latency")

    def ends(self, folder, role):
        return ["net_memif%d,role=%s,socket=%s/%d,socket-abstract=no" % (i, role, folder, i) for i in range(2)]

    def probe(self, folder, more):
        """What weir-latency says through the device that is there or will be."""
        tx, rx = self.ends(folder, "server")
        rx = [] if "--rows" in more else ["--rx", "vdev:" + rx]
        r = measure.run([self.instrument, "--tx", "vdev:" + tx, *rx, "--no-floor", "--for", self.seconds, "--wait", "20s",
                         "--json", "-", *more], cpu=self.bench.testpmd.other_cpu, timeout=240)
        return json.loads(r["out"])

    def testpmd(self, more):
        with tempfile.TemporaryDirectory() as folder:
            p, _ = self.bench.testpmd.start("io", self.ends(folder, "client"), 0, MEMORY, ["--auto-start"])
            try:
                return self.probe(folder, more)
            finally:
                self.bench.testpmd.end(p)

    def weir(self, query, more, devices=2):
        """Until it is told to end."""
        with tempfile.TemporaryDirectory() as folder:
            ends = self.ends(folder, "client")
            sink = ["--sink", "port:vdev:" + ends[1]] if devices == 2 else ["--sink", "json:" + os.path.join(folder, "rows")]
            if devices == 1:
                os.mkfifo(os.path.join(folder, "rows"))
                more = [*more, "--rows", os.path.join(folder, "rows")]
            cpu = self.bench.a.cpu
            p = subprocess.Popen([self.bench.weir.binary, "--quiet", "-i", "vdev:" + ends[0], *query, "--idle", "spin",
                                  "--cores", "%d," % cpu, *sink, "--", *MEMORY[:2], "-m", "512",
                                  "--lcores", "0@%d" % self.bench.testpmd.other_cpu],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                return self.probe(folder, more)
            finally:
                p.terminate()
                try:
                    p.wait(10)
                except subprocess.TimeoutExpired:
                    p.kill()
                    p.wait()

    def rounds(self, players):
        """name -> what each round measured, taking turns."""
        found = {}
        for _ in range(self.bench.a.rounds):
            for name, play in players.items():
                try:
                    found.setdefault(name, []).append(play())
                except (Failed, OSError, ValueError, KeyError) as e:
                    self.bench.skip("delay " + name, e)
        return found

    def figure(self, key, one, other, of, most):
        """How many times the median of the other's: of percentiles of each round."""
        a, b = [[of(r) for r in rs if of(r)] for rs in (one, other)]
        if not a or not b:
            return
        self.bench.say("  %-40s %8.1f us beside %8.1f us" % (key, median(a) / 1e3, median(b) / 1e3))
        self.bench.doc["differences"][key] = {"value": median(a) / median(b), "most": most, "noise": 0,
                                              "each": [a, b]}

    def measure(self):
        bench = self.bench
        if not os.path.exists(self.instrument):
            bench.skip("delay", "there is no " + self.instrument)
            return
        if bench.testpmd.cpu == bench.testpmd.other_cpu:
            bench.skip("delay", "there is one CPU only")
            return
        try:
            rate = self.testpmd(["--ndr", "--loss-goal", "0.5", "--rate", "10k"])["ndr"]["rate_pps"]
        except (Failed, OSError, ValueError, KeyError) as e:
            bench.skip("delay", e)
            return
        bench.say("  no-drop rate of testpmd io with this instrument: %.2f Mpps" % (rate / 1e6))
        load = ["--load", ",".join(map(str, LOADS)), "--max-rate", "%d" % rate]
        found = self.rounds({"weir": lambda: self.weir(FILTER, load), "testpmd io": lambda: self.testpmd(load),
                             "early": lambda: self.weir(ALERT, ["--rate", "10k", "--rows-every", "10"], 1),
                             "forward": lambda: self.weir(FILTER, ["--rate", "10k"])})
        for i, share in enumerate(LOADS):
            for q in ("p50", "p99"):
                self.figure("latency at %d %% load, %s: weir / testpmd io" % (share, q), found.get("weir", []),
                            found.get("testpmd io", []), lambda r, i=i, q=q: r["loads"][i]["latency_ns"][q], 1.25)
        for q, most in (("p50", None), ("p99", 1.5)):
            self.figure("early row / forwarded packet, %s" % q, found.get("early", []), found.get("forward", []),
                        lambda r, q=q: r["loads"][-1]["latency_ns"][q], most)
