"""How fast weir-gen sends beside testpmd txonly: 64-byte packets into a device that takes all."""
import json
import os

import measure

DEVICE = "net_null0,no-rx=1"
# name: arguments of weir-gen
SENDERS = {
    "one template": ["gen:udp?size=64&count=1"],
    "10 k flows": ["gen:udp?size=64&flows=10k"],
    "signed": ["gen:udp?size=66&flows=10k", "--signature"],
}


class Gen:
    def __init__(self, bench, weir):
        self.bench = bench
        self.binary = os.path.join(os.path.dirname(os.path.dirname(weir)), "weir-gen", "weir-gen")
        self.seconds = 1.0 if bench.a.quick else 2.0
        self.memory = ["--no-huge", "--no-shconf", "-m", "512"]

    def weir(self, what):
        command = [self.binary, *what, "-o", "vdev:" + DEVICE, "--rate", "max", "--for", "%gs" % self.seconds, "--json",
                   "--", *self.memory, "--lcores", "0@%d" % self.bench.a.cpu]
        r = measure.run(command, cpu=self.bench.a.cpu, thread="weir-sender")
        s = json.loads(r["out"])
        return {"command": command, "packets": s["packets"], "wall_s": s["seconds"],
                "cpu_s": s["seconds"] * (r["share"] or 1.0), "max_rss_bytes": r["max_rss_bytes"]}

    def measure(self):
        """All packets of testpmd are alike, and one is copied again and again."""
        runs = self.bench.turns("gen 64 B", {
            "testpmd txonly": lambda: self.bench.testpmd.run("txonly", [DEVICE], 0, self.seconds, self.memory),
            **{"weir-gen " + name: lambda what=what: self.weir(what) for name, what in SENDERS.items()}})
        for name in SENDERS:
            self.bench.ratio("gen/testpmd txonly " + name, runs, "weir-gen " + name, "testpmd txonly")
