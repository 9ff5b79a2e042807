"""Several workers: what the second one brings, what merging and exchange of rows cost, and what watching does.

Costs are CPU time by packet, which a busy machine changes little; a ratio of rates is that of the costs by worker. It
says nothing of workers that sleep: of those the wall clock tells, on a quiet machine.
"""
import json
import os
import sys
import tempfile
import threading
import time

import measure
import programs
from measure import Failed, median, spread

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import terminal  # noqa: E402

NAME = "bench"  # of the run that is watched


class Top(threading.Thread):
    """`weir-ctl top` on a terminal of its own, from when the run answers until it ends."""

    def __init__(self, ctl, env):
        super().__init__(daemon=True)
        self.ctl, self.env = ctl, env
        self.end = threading.Event()
        self.first = self.last = None
        self.problem = "it was never shown"

    def run(self):
        while not self.end.is_set() and not os.path.exists(self.socket()):
            time.sleep(0.02)
        while not self.end.is_set() and self.first is None:
            try:
                self.show()
            except OSError as e:
                self.problem = str(e)
                return

    def socket(self):
        return os.path.join(self.env["RUNTIME_DIRECTORY"], "dpdk", "weir." + NAME, "dpdk_telemetry.v2")

    def show(self):
        """Until it ends; looked at from its second view on, for starting is paid once."""
        with terminal.Terminal([self.ctl, "-n", NAME, "top"], env=self.env) as t:
            start = time.monotonic()
            t.until("BUSY", seconds=5)
            self.problem = None if "BUSY" in t.text() else "it showed no view: %r" % t.text()[-300:]
            t.until("\0", seconds=max(0.0, start + 0.5 - time.monotonic()))
            while True:
                found = measure.times_by_thread(t.pid)
                if found:
                    self.last = (time.monotonic(), sum(on for _, on, _ in found.values()))
                    self.first = self.first or self.last
                t.forget()
                begin = time.monotonic()
                t.until("\0", seconds=0.2)
                if time.monotonic() - begin < 0.1:  # it has hung up
                    return

    def cpus(self):
        self.end.set()
        self.join(10)
        if self.problem or not self.first or self.last[0] - self.first[0] < 0.5:
            raise Failed("weir-ctl top: %s" % (self.problem or "it ran too short to be looked at"))
        return (self.last[1] - self.first[1]) / (self.last[0] - self.first[0])


class Cores:
    def __init__(self, bench):
        self.bench, self.weir = bench, bench.weir.binary
        self.ctl = os.path.join(os.path.dirname(self.weir), "..", "weir-ctl", "weir-ctl")
        self.cpus = sorted(os.sched_getaffinity(0))[:2]

    def run(self, args, n, is_watched=False):
        """n workers: what they took, and what the whole process did, and who watched it."""
        with tempfile.TemporaryDirectory() as d:
            stats = os.path.join(d, "stats.json")
            env = {**os.environ, "RUNTIME_DIRECTORY": d}
            top = Top(self.ctl, env) if is_watched else None
            if top:
                top.start()
            try:
                r = measure.run([self.weir, "--quiet", "--stats", stats, "--name", NAME, *args], watch=("weir-worker", n),
                                env=env)
            finally:
                if top:
                    top.end.set()
            watched = top.cpus() if top else 0.0
            with open(stats) as f:
                s = json.load(f)
        packets, wall = s["received"]["packets"], s["elapsed_s"]
        if not s["balanced"] or not packets:
            raise Failed("the ledger does not balance" if packets else "it received no packets")
        percent = r["watch"].percent()
        everything = sum(percent.values()) / 100 + watched
        workers = sum(x for name, x in percent.items() if name.startswith("weir-worker")) / 100
        return {"command": [self.weir, *args], "packets": packets, "wall_s": wall, "cpu_s": workers * wall,
                "all_cpu_s": everything * wall, "top_cpu_s": watched * wall, "cpus": workers / n,
                "lost": sum(s["lost"].values()) + sum(q["dropped"]["exchange"] for q in s["queries"].values())}

    def port(self, path, cpus, seconds, more=(), is_watched=False):
        queues = ",".join("rx_pcap=" + path for _ in cpus)
        return self.run(["-i", "vdev:net_pcap0,%s,infinite_rx=1" % queues, "--for", "%gs" % seconds,
                         "--cores", cpu_list(cpus), *programs.QUERY, *more, "--sink", "json:/dev/null",
                         "--", *self.memory], len(cpus), is_watched)

    def file(self, path, cpus, loops, more=()):
        return self.run(["-r", "%s?preload=1&loop=%d" % (path, loops), "--cores", cpu_list(cpus),
                         *programs.QUERY, *more, "--sink", "json:/dev/null"], len(cpus))

    def one(self, path, seconds):
        """One worker, on each CPU in turn: one of them may have more to do beside."""
        return total([self.port(path, [cpu], seconds / 2) for cpu in self.cpus])

    def side_by_side(self, path, seconds):
        """Two programs of one worker at the same time: what the machine itself leaves of two."""
        runs, failed = [None, None], []

        def play(i):
            try:
                runs[i] = self.port(path, [self.cpus[i]], seconds)
            except (Failed, OSError, ValueError) as e:
                failed.append(e)

        threads = [threading.Thread(target=play, args=(i,)) for i in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if failed:
            raise failed[0]
        return {**total(runs), "wall_s": median([r["wall_s"] for r in runs])}

    def measure(self):
        bench = self.bench
        if len(self.cpus) < 2:
            bench.skip("cores", "there is one CPU only")
            return
        seconds = 1.5 if bench.a.quick else 3.0
        for name, step in (("port-10k", self.ports), ("port-4k", self.watching), ("udp-10k", self.files)):
            path = bench.input(name)
            if path:
                self.memory = bench.memory_arguments(2 * bench.folder.packets(name))
                step(path, seconds)
                bench.folder.drop(name)

    def ports(self, path, seconds):
        """A receive queue for each worker."""
        runs = self.bench.turns("cores, port", {
            "1 worker": lambda: self.one(path, seconds),
            "2 workers": lambda: self.port(path, self.cpus, seconds),
            "2 workers, ring": lambda: self.port(path, self.cpus, seconds, ["--split", "key"]),
            "2 programs": lambda: self.side_by_side(path, seconds)})
        self.port_figures(runs)

    def watching(self, path, seconds):
        """Packets that stay in the cache: their cost varies least."""
        if not os.path.exists(self.ctl):
            self.bench.skip("weir-ctl top", "there is no " + self.ctl)
            return
        runs = self.bench.turns("cores, watched", {
            "2 workers": lambda: self.port(path, self.cpus, seconds),
            "2 workers, watched": lambda: self.port(path, self.cpus, seconds + 0.5, is_watched=True)},
            rounds=self.bench.a.rounds * 2)
        self.figure("% of throughput lost to weir-ctl top", runs, "2 workers, watched", "2 workers", 1.0,
                    lambda a, b: 100 * (1 - ns(b, "all_cpu_s") / ns(a, "all_cpu_s")))
        if "2 workers, watched" in runs:
            self.bench.doc["differences"]["% of a CPU that weir-ctl top takes"] = {
                "value": median([100 * r["top_cpu_s"] / r["wall_s"] for r in runs["2 workers, watched"]]), "most": None}

    def files(self, path, seconds):
        """A preloaded file, of which the workers take bursts by turns."""
        loops = int(seconds * 40e6) // self.bench.folder.packets("udp-10k")
        runs = self.bench.turns("cores, file", {
            "1 worker": lambda: self.file(path, self.cpus[-1:], loops),
            "2 workers": lambda: self.file(path, self.cpus, loops),
            "2 workers, ring": lambda: self.file(path, self.cpus, loops, ["--split", "key"])})
        self.ratio("2 workers / 1, a file by turns, wall clock", runs, "2 workers", "1 worker", rate)
        self.ring("ns a row more by --split key (ring)", runs, 15.0)

    def ring(self, key, runs, most):
        """
        By the median, and by what was least: a machine whose CPUs now share a cache and now do not has two answers.
        """
        self.figure(key, runs, "2 workers, ring", "2 workers", most, lambda a, b: ns(a, "cpu_s") - ns(b, "cpu_s"))
        found = self.bench.doc["differences"].get(key)
        if found:
            self.bench.doc["differences"][key + ", least"] = {"value": min(found["each"]), "most": None,
                                                             "noise": found["noise"]}

    def port_figures(self, runs):
        if "2 workers" in runs:
            self.bench.doc["differences"]["% of a CPU that each worker had"] = {
                "value": 100 * median([r["cpus"] for r in runs["2 workers"]]), "most": None}
        self.ratio("2 workers / 1", runs, "2 workers", "1 worker", lambda r: r["packets"] / r["cpu_s"], 2)
        self.ratio("2 workers / 1, wall clock", runs, "2 workers", "1 worker", rate)
        self.ratio("2 programs / 1", runs, "2 programs", "1 worker", lambda r: r["packets"] / r["cpu_s"], 2)
        self.figure("% more CPU a packet by combine", runs, "2 workers", "1 worker", 3.0,
                    lambda a, b: 100 * (ns(a, "all_cpu_s") / ns(b, "all_cpu_s") - 1))
        self.figure("the same, beside two programs of one worker", runs, "2 workers", "2 programs", None,
                    lambda a, b: 100 * (ns(a, "all_cpu_s") / ns(b, "all_cpu_s") - 1))
        self.ring("ns a row more by ring, of a port", runs, None)

    def ratio(self, key, runs, name, other, of, times=1):
        if name in runs and other in runs:
            each = [times * of(a) / of(b) for a, b in least_disturbed(runs[name], runs[other])]
            self.bench.doc["ratios"][key] = median(each)
            self.bench.doc["ratio_spread"][key] = spread(each)

    def figure(self, key, runs, name, other, most, of):
        if name in runs and other in runs:
            pairs = least_disturbed(runs[name], runs[other])
            each = [of(a, b) for a, b in pairs]
            self.bench.doc["differences"][key] = {
                "value": median(each), "most": most, "noise": (max(each) - min(each)) / 2, "each": each,
                "had": median([min(a["cpus"], b["cpus"]) for a, b in pairs])}


def least_disturbed(one, other):
    """
    Of the rounds the half in which the workers had most of their CPUs: who waits for a worker that has none does what
    on a quiet machine it would not.
    """
    pairs = sorted(zip(one, other), key=lambda p: -min(p[0]["cpus"], p[1]["cpus"]))
    return pairs[:max(3, (len(pairs) + 1) // 2)]


def cpu_list(cpus):
    """A number alone would be a number of workers."""
    return ",".join(map(str, cpus)) + ","


def total(runs):
    """Several runs as one: sums."""
    r = dict(runs[0])
    for k in ("packets", "wall_s", "cpu_s", "all_cpu_s", "top_cpu_s", "lost"):
        r[k] = sum(x[k] for x in runs)
    r["cpus"] = median([x["cpus"] for x in runs])
    return r


def ns(run, what):
    return run[what] / run["packets"] * 1e9


def rate(run):
    return run["packets"] / run["wall_s"]
