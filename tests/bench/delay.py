"""
How long packets take through weir and through testpmd, and alerts out of weir: one instrument (weir-latency), one
path (two memifs), one run. The device has a CPU of its own, and so has the instrument, which sends and receives in
turns.

A figure is the least of its rounds: what disturbs, another process or a host that takes a CPU away, only ever adds, and how far
apart the two CPUs are is a virtual machine's luck from one second to the next. So rounds are short and many.
"""
import concurrent.futures
import contextlib
import json
import os
import subprocess
import tempfile
import time

import measure
from measure import Failed, median

LOADS = (10, 50)
ROUNDS = 3  # for each that the bench is asked for
MEMORY = ["--no-huge", "--no-shconf", "--no-telemetry", "-m", "512"]
FILTER = ["--where", "udp && dstport > 0"]
ALERT = ["--where", "ip.dst in 198.18.0.0/15", "--key", "ip.dst", "--agg", "n=count()", "--window", "24h",
         "--where", "n >= 1", "--emit", "early"]


class Delay:
    def __init__(self, bench):
        self.bench = bench
        self.seconds = "1s"
        self.instrument = os.path.join(os.path.dirname(bench.weir.binary), "..", "weir-latency", "weir-latency")

    def ends(self, folder, role):
        return ["net_memif%d,role=%s,socket=%s/%d,socket-abstract=no" % (i, role, folder, i) for i in range(2)]

    def probe(self, folder, device, more):
        """What weir-latency says through a device, which starts when the ends that it connects to are there."""
        tx, rx = self.ends(folder, "server")
        rx = [] if "--rows" in more else ["--rx", "vdev:" + rx]
        command = [self.instrument, "--tx", "vdev:" + tx, *rx, "--no-floor", "--for", self.seconds, "--wait", "20s",
                   "--json", "-", *more]
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            instrument = pool.submit(measure.run, command, cpu=self.bench.testpmd.other_cpu, timeout=240)
            last, end = os.path.join(folder, "1" if rx else "0"), time.monotonic() + 20
            while not os.path.exists(last) and not instrument.done() and time.monotonic() < end:
                time.sleep(0.02)
            with device(folder):
                return json.loads(instrument.result()["out"])

    @contextlib.contextmanager
    def testpmd(self, folder):
        p, _ = self.bench.testpmd.start("io", self.ends(folder, "client"), 0, MEMORY, ["--auto-start"])
        try:
            yield
        finally:
            self.bench.testpmd.end(p)

    @contextlib.contextmanager
    def weir(self, folder, query, sink):
        cpu = self.bench.a.cpu
        p = subprocess.Popen([self.bench.weir.binary, "--quiet", "-i", "vdev:" + self.ends(folder, "client")[0], *query,
                              "--idle", "spin", "--cores", "%d," % cpu, "--sink", sink, "--", "--no-huge", "-m", "512"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            p.terminate()
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()

    def through_testpmd(self, more):
        with tempfile.TemporaryDirectory() as folder:
            return self.probe(folder, self.testpmd, more)

    def through_weir(self, more):
        """Filter and forward."""
        with tempfile.TemporaryDirectory() as folder:
            return self.probe(folder, lambda f: self.weir(f, FILTER, "port:vdev:" + self.ends(f, "client")[1]), more)

    def out_of_weir(self, more):
        """Alerts, each of a probe."""
        with tempfile.TemporaryDirectory() as folder:
            rows = os.path.join(folder, "rows")
            os.mkfifo(rows)
            return self.probe(folder, lambda f: self.weir(f, ALERT, "json:" + rows), [*more, "--rows", rows])

    def rounds(self, players):
        """name -> what each round measured, taking turns."""
        found = {}
        for _ in range(ROUNDS * self.bench.a.rounds):
            for name, play in players.items():
                try:
                    found.setdefault(name, []).append(play())
                except (Failed, OSError, ValueError, KeyError) as e:
                    self.bench.skip("delay " + name, e)
        return found

    def figure(self, key, one, other, of, most):
        """How many times the least of the other's: of percentiles of each round."""
        a, b = [[of(r) for r in rs if of(r)] for rs in (one, other)]
        if not a or not b:
            return
        self.bench.say("  %-40s %8.1f us beside %8.1f us" % (key, min(a) / 1e3, min(b) / 1e3))
        self.bench.doc["differences"][key] = {"value": min(a) / min(b), "of_medians": median(a) / median(b), "most": most,
                                              "noise": 0, "each": [a, b]}

    def measure(self):
        bench = self.bench
        if not os.path.exists(self.instrument):
            bench.skip("delay", "there is no " + self.instrument)
            return
        if bench.testpmd.cpu == bench.testpmd.other_cpu:
            bench.skip("delay", "there is one CPU only")
            return
        try:  # the least of several: one that nothing disturbed may be above what the others can do
            rate = min(self.through_testpmd(["--ndr", "--loss-goal", "0.5", "--rate", "10k"])["rates"][0]["lower_pps"]
                       for _ in range(min(3, bench.a.rounds)))
        except (Failed, OSError, ValueError, KeyError) as e:
            bench.skip("delay", e)
            return
        bench.say("  no-drop rate of testpmd io with this instrument: %.2f Mpps" % (rate / 1e6))
        load = ["--load", ",".join(map(str, LOADS)), "--max-rate", "%d" % rate]
        found = self.rounds({"weir": lambda: self.through_weir(load), "testpmd io": lambda: self.through_testpmd(load),
                             "early": lambda: self.out_of_weir(["--rate", "10k", "--rows-every", "10"]),
                             "forward": lambda: self.through_weir(["--rate", "10k"])})
        for i, share in enumerate(LOADS):
            for q in ("p50", "p99"):
                self.figure("latency at %d %% load, %s: weir / testpmd io" % (share, q), found.get("weir", []),
                            found.get("testpmd io", []), lambda r, i=i, q=q: r["loads"][i]["latency_ns"][q], 1.25)
        for q, most in (("p50", None), ("p99", 1.5)):
            self.figure("early row / forwarded packet, %s" % q, found.get("early", []), found.get("forward", []),
                        lambda r, q=q: r["loads"][-1]["latency_ns"][q], most)
