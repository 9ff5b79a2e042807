"""What forwarding costs beside testpmd's, and what looking at latency does to throughput."""
from measure import Failed, median, spread

# Packets that come for ever, and a port that takes all of them: what is between is measured.
OUT = "net_null1,no-rx=1"
FILTER = ["--where", "udp && dstport > 0"]


class Forward:
    def __init__(self, bench):
        self.bench = bench
        self.seconds = 1.0 if bench.a.quick else 2.0

    def input(self, name):
        path = self.bench.input(name)
        n = self.bench.folder.packets(name)
        return path, n, self.bench.memory_arguments(n)

    def weir(self, path, memory, query):
        r = self.bench.weir.port(path, self.seconds, memory, query)
        if r["lost"]:
            raise Failed("it lost packets")
        return r

    def throughput(self):
        """Filter and forward, from port to port."""
        bench = self.bench
        for name in ("port-4k", "port-imix"):
            path, n, memory = self.input(name)
            if not path:
                continue
            where = FILTER if name == "port-4k" else ["--where", "ip.ttl > 0"]
            sink = ["--idle", "spin", "--sink", "port:vdev:" + OUT]
            runs = bench.turns(name + " forward", {
                "weir filter": lambda: self.weir(path, memory, [*where, *sink]),
                "testpmd io": lambda: bench.testpmd.run(
                    "io", ["net_pcap0,rx_pcap=%s,infinite_rx=1" % path, OUT], n, self.seconds, memory),
                "weir all": lambda: self.weir(path, memory, sink)})
            bench.ratio("forward/testpmd io " + name, runs, "weir filter", "testpmd io")
            bench.folder.drop(name)

    def watched(self):
        """The same work with --latency and without."""
        bench, rounds = self.bench, self.bench.a.rounds * 2
        path, _, memory = self.input("port-4k")
        if not path:
            return
        query = ["--key", "5tuple", "--agg", "packets=count(),bytes=sum(frame.len)", "--top", "20:bytes"]
        runs = bench.turns("port-4k latency", {
            "without": lambda: self.weir(path, memory, query),
            "--latency": lambda: self.weir(path, memory, [*query, "--latency"])}, rounds)
        if "without" in runs and "--latency" in runs:
            each = [100 * (1 - (b["cpu_s"] / b["packets"]) / (a["cpu_s"] / a["packets"]))
                    for a, b in zip(runs["--latency"], runs["without"])]
            bench.doc["differences"]["% of throughput lost to --latency"] = {
                "value": median(each), "most": 2.0, "noise": (max(each) - min(each)) / 2, "spread": spread(each)}
        bench.folder.drop("port-4k")
