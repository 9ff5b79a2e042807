"""The steps of a bench: which programs take turns on which inputs, and what is made of it."""
import os
import subprocess

import cluster
import cores
import delay
import forward
import gen
import idle
import inputs as bench_inputs
import profile
import programs
import telemetry
import xdp
from measure import Failed, median, spread

STEPS = ("files", "peers", "port", "queries", "series", "memory", "instructions", "time", "telemetry", "sliding", "distinct",
         "fold", "forward", "latency", "delay", "gen", "cores", "idle", "xdp", "cluster")

BASE = programs.QUERY
COUNT = ["--agg", "n=count()"]
# name: (query, query whose cost is taken away, input, most ns wanted)
EXTRAS = {
    "where-key": (["--where", "ip.proto == 17 && dstport > 0", *BASE], BASE, "udp-10k", 2.0),
    "where-new": (["--where", "ip.ttl > 1 && ip.dsfield.dscp < 63", *BASE], BASE, "udp-10k", 2.0),
    "filter": (["--filter", "tcp port 443", *COUNT], COUNT, "imix", None),
    "filter-where": (["--where", "tcp.srcport == 443 || tcp.dstport == 443", *COUNT], COUNT, "imix", None),
}
FIVE = ["--query", "flows", *BASE, "--query", "sources", "--key", "ip.src", "--agg", "n=count()", "--top", "10",
        "--query", "hosts", "--key", "ip.dst", "--agg", "b=sum(frame.len)", "--top", "10",
        "--query", "ports", "--key", "ip.proto,dstport", "--agg", "n=count(),b=sum(frame.len)", "--top", "10",
        "--query", "sizes", "--key", "size=bucket(frame.len,100)", "--agg", "n=count()"]


def per_packet(run):
    return run["cpu_s"] / run["packets"] * 1e9


class Bench:
    def __init__(self, doc, folder, weir, bare, a, say):
        self.doc, self.folder, self.a, self.say = doc, folder, a, say
        self.weir = programs.Weir(weir, a.cpu)
        self.bare = programs.BareLoop(bare, a.cpu)
        others = sorted(os.sched_getaffinity(0) - {a.cpu})
        self.testpmd = programs.Testpmd(a.cpu, others[0] if others else a.cpu)
        self.loops = 2 if a.quick else 4

    def skip(self, what, why):
        self.doc["skipped"][what] = str(why)
        self.say("  left out: %s: %s" % (what, why))

    def input(self, name):
        try:
            return self.folder.get(name)
        except Failed as e:
            self.skip(name, e)
            return None

    def turns(self, where, players, rounds=None):
        """Run the players in turn; a player that fails is left out from then on. name -> runs."""
        runs, out = {}, set()
        for _ in range(rounds or self.a.rounds):
            for name, play in players.items():
                if name in out:
                    continue
                try:
                    runs.setdefault(name, []).append(play())
                except (Failed, OSError, ValueError) as e:
                    self.skip("%s %s" % (where, name), e)
                    out.add(name)
                    runs.pop(name, None)
        for name, found in runs.items():
            ns = [per_packet(r) for r in found]
            self.doc["results"].append({
                "input": where, "name": name, "ns": median(ns), "least_ns": min(ns), "spread": spread(ns),
                "mpps": 1e3 / median(ns), "packets": found[0]["packets"],
                "command": found[0]["command"], "runs": [{k: v for k, v in r.items() if k != "command"} for r in found]})
            self.say("  %-12s %-18s %8.1f ns" % (where, name, median(ns)))
        return runs

    def ratio(self, key, runs, name, other):
        """How many times the rate of other: the median of what each round says."""
        if name in runs and other in runs:
            each = [per_packet(b) / per_packet(a) for a, b in zip(runs[name], runs[other])]
            self.doc["ratios"][key] = median(each)
            self.doc["ratio_spread"][key] = spread(each)

    # steps

    def files(self):
        """The engine over packets in memory, beside a loop that does no more than it must."""
        for name in bench_inputs.FILES:
            path = self.input(name)
            if not path:
                continue
            runs = self.turns(name, {
                "weir": lambda: self.weir.file(path, loops=self.loops),
                "bare loop": lambda: self.bare.file(path, self.folder.flows(name), self.loops)})
            self.ratio("weir/bare " + name, runs, "weir", "bare loop")

    def peers(self):
        """One pass over the same file: the packaged programs read it, weir has it preloaded or reads it too."""
        rounds = 1 if self.a.quick else 2
        missing = {p: programs.peer_missing(p) for p in programs.PEERS}
        for p, why in missing.items():
            if why:
                self.skip(p, why)
        for name in bench_inputs.FILES:
            path = self.input(name)
            if not path:
                continue
            players = {"weir preload": lambda: self.weir.file(path), "weir read": lambda: self.weir.file(path, preload=False)}
            for p, spec in programs.PEERS.items():
                if not missing[p] and not (self.a.quick and p in ("pmacctd", "tshark")):
                    part, n = self.folder.head(name, spec[2]) if spec[2] else (path, self.folder.packets(name))
                    players[p] = lambda p=p, part=part, n=n: programs.run_peer(
                        p, part, n, self.a.cpu, self.folder.folder)
            slow = {p: players.pop(p) for p in ("pmacctd", "tshark") if p in players}
            runs = self.turns(name, players, rounds)
            runs.update(self.turns(name, slow, 1))
            best = min((p for p in programs.PEERS if p in runs), default=None,
                       key=lambda p: median([per_packet(r) for r in runs[p]]))
            if best:
                self.ratio("weir/peer " + name, runs, "weir preload", best)
                self.ratio("weir-read/peer " + name, runs, "weir read", best)

    def memory_arguments(self, packets):
        """EAL memory for both programs: without huge pages each buffer of some 2.3 KB has a page of its own."""
        return ["--no-huge", "--no-shconf", "-m", str(packets * 6600 // (1 << 20) + 512)]

    def port(self):
        """The same replaying port, received by testpmd and by weir."""
        seconds = 1.0 if self.a.quick else 2.0
        for name in bench_inputs.PORTS:
            path = self.input(name)
            if not path:
                continue
            n = self.folder.packets(name)
            memory = self.memory_arguments(n)
            runs = self.turns(name, {
                "weir": lambda: self.weir.port(path, seconds, memory),
                "testpmd rxonly": lambda: self.testpmd.port(path, n, seconds, memory),
                "weir count": lambda: self.weir.port(path, seconds, memory, COUNT),
                "testpmd burst 256": lambda: self.testpmd.port(path, n, seconds, memory, 256)})
            self.ratio("weir/testpmd " + name, runs, "weir", "testpmd rxonly")
            self.ratio("weir/testpmd-256 " + name, runs, "weir", "testpmd burst 256")
            self.folder.drop(name)

    def queries(self):
        """What a stage or more queries add."""
        bases = {}
        for name, (query, base, where, most) in EXTRAS.items():
            bases.setdefault((where, tuple(base)), []).append((name, query, most))
        for (where, base), extras in bases.items():
            path = self.input(where)
            if not path:
                continue
            label = "flows" if list(base) == BASE else "count"
            players = {label: lambda q=list(base): self.weir.file(path, q, self.loops)}
            for name, query, _ in extras:
                players[name] = lambda q=query: self.weir.file(path, q, self.loops)
            if label == "flows":
                players["five"] = lambda: self.weir.file(path, FIVE, self.loops)
            runs = self.turns(where + " +", players)
            for name, _, most in extras:
                self.difference("ns for --%s" % name, runs, name, label, most)
            if "five" in runs and label in runs:
                each = [per_packet(a) / per_packet(b) for a, b in zip(runs["five"], runs[label])]
                self.doc["differences"]["five queries / one"] = {
                    "value": median(each), "most": 3.0, "noise": spread(each) * median(each)}

    def difference(self, key, runs, name, base, most):
        if name in runs and base in runs:
            each = [per_packet(a) - per_packet(b) for a, b in zip(runs[name], runs[base])]
            half = (max(each) - min(each)) / 2
            self.doc["differences"][key] = {"value": median(each), "most": most, "noise": half}

    def series(self):
        """By number of flows; one pass is new flows for the most part where there are many."""
        for name in bench_inputs.SERIES:
            path = self.input(name)
            if not path:
                continue
            flows = self.folder.flows(name)
            loops = 2
            runs = self.turns(name, {
                "weir": lambda: self.weir.file(path, loops=loops),
                "bare loop": lambda: self.bare.file(path, flows, loops)}, rounds=2 if self.a.quick else 3)
            self.ratio("weir/bare " + name, runs, "weir", "bare loop")
            self.folder.drop(name)

    def memory(self):
        """
        Peak with a million flows by flows, without preload: of the whole process, and what is more than with a
        thousand, which leaves out the program and its buffers but also what flows find free among these.
        """
        few, many = self.input("series-1k"), self.input("series-1m")
        if not few or not many:
            return
        # the flows that the packets really have: a uniform draw leaves some out
        count = self.bare.file(many, self.folder.flows("series-1m"), 1)["flows"]
        for label, query in (("bytes a flow, all rows written", BASE[:-2]), ("bytes a flow, --top 20", BASE)):
            try:
                a = self.weir.file(few, query, preload=False)["max_rss_bytes"]
                b = self.weir.file(many, query, preload=False)["max_rss_bytes"]
            except Failed as e:
                self.skip(label, e)
                continue
            self.doc["differences"][label] = {"value": b / count, "most": 64.0}
            self.doc["differences"][label + ", beyond 1 k flows"] = {"value": (b - a) / count, "most": None}

    def simd(self):
        """Valgrind knows no AVX-512."""
        p = subprocess.run([self.weir.binary, "--help"], stdout=subprocess.PIPE, text=True)
        return ["--simd", "v3"] if "--simd" in p.stdout else []

    def instructions(self):
        found = self.doc["profiles"].setdefault("ir", {})
        for name in bench_inputs.FILES:
            n = 100000 if self.a.quick else 300000
            try:
                self.input(name)
                path, n = self.folder.head(name, n)
                found[name] = profile.callgrind(self.weir.binary, path, n, BASE, self.folder.folder, self.simd())
            except Failed as e:
                self.skip(name + " instructions", e)

    def time(self):
        found = self.doc["profiles"].setdefault("ns", {})
        for name in bench_inputs.FILES:
            path = self.input(name)
            if not path:
                continue
            loops = max(1, (10000000 if self.a.quick else 40000000) // self.folder.packets(name))
            try:
                r = self.weir.file(path, loops=loops)
                command = ["taskset", "-c", str(self.a.cpu), *r["command"]]
                found[name] = profile.perf(self.weir.binary, command, per_packet(r), self.folder.folder)
            except Failed as e:
                self.skip(name + " time", e)
        self.port_time(found)

    def telemetry(self):
        """Fourteen queries at once."""
        telemetry.Telemetry(self).at_once()

    def sliding(self):
        """Windows that overlap beside those that do not."""
        telemetry.Telemetry(self).sliding()

    def distinct(self):
        telemetry.Telemetry(self).distinct()

    def fold(self):
        telemetry.Telemetry(self).fold()

    def forward(self):
        """From port to port."""
        forward.Forward(self).throughput()

    def latency(self):
        """What looking at latency costs."""
        forward.Forward(self).watched()

    def delay(self):
        """How long packets and alerts take."""
        delay.Delay(self).measure()

    def gen(self):
        """Sending, beside testpmd's."""
        gen.Gen(self, self.weir.binary).measure()

    def cores(self):
        """Two workers beside one."""
        cores.Cores(self).measure()

    def idle(self):
        """What an interface without packets costs, and how soon the first one is seen."""
        idle.measure_all(self)

    def xdp(self):
        """An interface that is taken, beside testpmd's; and what push-down saves."""
        xdp.Xdp(self).measure()

    def cluster(self):
        """Nodes of a cluster beside as many that know nothing of each other."""
        cluster.Cluster(self).measure()

    def port_time(self, found):
        """The same for a port, whose packets lie in buffers of DPDK."""
        for name in ("port-4k", "port-10k"):
            path = self.input(name)
            if not path:
                continue
            try:
                r = self.weir.port(path, 2.0, self.memory_arguments(self.folder.packets(name)))
                found[name] = profile.perf(self.weir.binary, r["command"], per_packet(r), self.folder.folder)
            except Failed as e:
                self.skip(name + " time", e)
            self.folder.drop(name)
