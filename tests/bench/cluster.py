"""Nodes of a cluster on one machine: what goes over their wires, what sealing it costs, and what the workers lose.

Nodes live in network namespaces on a bridge (tests/system/hosts.py), each with a capture of its own that is preloaded:
the IMIX mix, Zipf, flows that all nodes see. Costs are CPU time of threads, looked at a hundred times a second: the
nodes compete for the CPUs, so the wall clock says little where there are fewer CPUs than threads. Bytes on the wire are those
of the bridge's ports, headers of Ethernet, IP and UDP included.
"""
import json
import os
import resource
import subprocess
import sys
import threading
import time

import measure
import taps
from measure import Failed, median

TESTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..")

NODES = 3
PPS = 1000000  # of each node, by the packets' own times
WINDOW_S = 1.0
# Each group by the owner of its key: the exchange is parts of panes and nothing else.
QUERY = ["--query", "flows", "--key", "5tuple", "--agg", "packets=count(),bytes=sum(frame.len)", "--window", "1s",
         "--sink", "json:/dev/null"]
# All groups of all nodes to one of them; and rows of packets as they are.
HEAD = [*QUERY, "--top", "20:bytes"]
SHIPPED = ["--query", "flows", "--key", "5tuple", "--fold", "b=0; b+=frame.len", "--window", "1s",
           "--sink", "json:/dev/null"]
KINDS = {"weir-worker": "worker", "weir-wire": "wire"}


class Account(threading.Thread):
    """
    CPU time by kind of thread of some processes, and the most resident memory, from when their workers are there. What a
    thread had when it was seen last counts, though it has ended since.
    """

    def __init__(self, pids, every_s=0.01):
        super().__init__(daemon=True)
        self.pids, self.every_s, self.end = pids, every_s, threading.Event()
        self.started = {}  # seconds of all threads until there were workers: to begin, and to load packets
        self.first = {pid: {} for pid in pids}
        self.last = {pid: {} for pid in pids}
        self.began, self.ended, self.rss = {}, {}, dict.fromkeys(pids, 0)

    def run(self):
        measure.hurry()
        while not self.end.is_set():
            for pid in self.pids:
                self.look(pid)
            self.end.wait(self.every_s)

    def look(self, pid):
        found = measure.times_by_thread(pid)
        if pid not in self.began and not any(name.startswith("weir-worker") for name, _, _ in found.values()):
            return
        now = time.monotonic()
        if found:
            self.started.setdefault(pid, sum(on for name, on, _ in found.values() if not name.startswith("weir-worker")))
            self.began.setdefault(pid, now)
            self.ended[pid] = now
            self.rss[pid] = max(self.rss[pid], resident(pid))
        for tid, (name, on, _) in found.items():
            # A worker's own start is its work; what the others did before is theirs.
            self.first[pid].setdefault(tid, 0.0 if name.startswith("weir-worker") else on)
            self.last[pid][tid] = (name, on)

    def stop(self):
        self.end.set()
        self.join()

    def of(self, pid):
        """kind -> seconds; other: EAL's and the coordinator's"""
        out = dict.fromkeys(("worker", "control", "wire", "other"), 0.0)
        for tid, (name, on) in self.last[pid].items():
            kind = next((k for n, k in KINDS.items() if name.startswith(n)), "other")
            out["control" if int(tid) == pid else kind] += on - self.first[pid][tid]
        return out


def resident(pid):
    try:
        with open("/proc/%d/statm" % pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


class Cluster:
    def __init__(self, bench):
        self.bench, self.weir = bench, bench.weir.binary
        self.cpus = sorted(os.sched_getaffinity(0))
        self.packets, self.loops = bench.a.tap
        self.secret = None

    def input(self, i):
        return taps.get(self.bench.folder, i, NODES, self.packets, PPS)

    # runs

    def run(self, h, n, more, alone=False, query=QUERY, loops=None):
        """n nodes, each on its packets: what they took, in all."""
        before = [link_bytes(h, i) for i in range(n)]
        processes = []
        began, before_s = time.monotonic(), children_s()
        account = None
        try:
            for i in range(n):
                processes.append(self.start(h, i, n, more, alone, query, loops or self.loops))
            account = Account([p.pid for p in processes])
            account.start()
            for p in processes:
                _, err = p.communicate(timeout=150)
                if p.returncode:
                    raise Failed("a node ended with %d: %s" % (p.returncode, (err.strip().splitlines() or ["(no message)"])[-1]))
        except subprocess.TimeoutExpired:
            raise Failed("a node did not end within 150 s")
        finally:
            for p in processes:
                if p.poll() is None:
                    p.kill()
                    p.communicate()
            if account:
                account.stop()
        whole_s = children_s() - before_s
        out = self.sum_up(h, n, processes, account, before, began)
        # To the last moment of all threads, as the kernel counted them; what came before packets is left out.
        out["nodes_cpu_s"] = whole_s - sum(account.started.values())
        return out

    def start(self, h, i, n, more, alone, query, loops):
        folder = os.path.join(h.folder, "h%d" % i)
        os.makedirs(os.path.join(folder, "runtime"), exist_ok=True)
        stats = os.path.join(folder, "stats.json")
        if os.path.exists(stats):
            os.unlink(stats)
        span = [] if alone else h.arguments(i, "?nodes=%d" % n, more=more)
        args = ["ip", "netns", "exec", h.names[i], self.weir, "--name", "h%d" % i, "--quiet", "--stats", stats,
                "-r", "%s?preload=1&loop=%d" % (self.input(i)[0], loops), "--cores", "%d," % self.cpus[i % len(self.cpus)],
                *query, *span]
        return subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, "RUNTIME_DIRECTORY": os.path.join(folder, "runtime")})

    def sum_up(self, h, n, processes, account, before, began):
        stats = []
        for i in range(n):
            with open(os.path.join(h.folder, "h%d" % i, "stats.json")) as f:
                stats.append(json.load(f))
        if not all(s["balanced"] for s in stats):
            raise Failed("a ledger does not balance")
        if any(p.pid not in account.began for p in processes):
            raise Failed("it ran too short to be looked at")
        times = [account.of(p.pid) for p in processes]
        packets = sum(s["received"]["packets"] for s in stats)
        by_kind = {k: sum(t[k] for t in times) for k in times[0]}
        link = [[b - a for a, b in zip(x, link_bytes(h, i))] for i, x in enumerate(before)]
        return {"command": processes[0].args, "packets": packets, "wall_s": time.monotonic() - began,
                # turns() tells costs by packet: the workers'
                "cpu_s": by_kind["worker"], "by_kind_s": by_kind, "all_cpu_s": sum(by_kind.values()),
                "done_s": max(account.ended.values()) - min(account.began.values()), "nodes": n,
                "rows": sum(s["queries"]["flows"]["rows"] for s in stats),
                "link_sent_bytes": sum(x[0] for x in link), "link_sent_frames": sum(x[1] for x in link),
                "most_rss_bytes": max(account.rss.values()), "lost": sum(sum(s["lost"].values()) for s in stats)}

    # the step

    def measure(self):
        bench = self.bench
        sys.path += [os.path.join(TESTS, x) for x in ("system", "support")]
        import hosts
        import netns
        if len(self.cpus) < 2:
            bench.skip("cluster", "there is one CPU only")
            return
        try:
            with hosts.Hosts(NODES) as h:
                h.start_etcd()
                self.secret = os.path.join(h.folder, "secret")
                with open(os.open(self.secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
                    f.write("a secret for one run of the bench, worth nothing\n")
                self.play(h)
        except netns.Unavailable as e:
            bench.skip("cluster", e)

    def play(self, h):
        bench = self.bench
        for i in range(NODES):  # not while the nodes run
            self.input(i)
        clear, sealed = ["--insecure-wire"], ["--secret-file", self.secret]
        players = {"alone x %d" % NODES: lambda: self.run(h, NODES, [], alone=True)}
        for n in range(1, NODES + 1):
            players["%d node%s, in clear" % (n, "" if n == 1 else "s")] = lambda n=n: self.run(h, n, clear)
        players["%d nodes, sealed" % NODES] = lambda: self.run(h, NODES, sealed)
        players["%d nodes, --top" % NODES] = lambda: self.run(h, NODES, clear, query=HEAD)
        # Of rows each node has all that it sends in memory, until they have been delivered: a file is read faster.
        players["%d nodes, rows shipped" % NODES] = lambda: self.run(h, NODES, clear, query=SHIPPED, loops=1 + self.loops // 16)
        runs = bench.turns("cluster", players)
        self.figures(runs)
        self.keep(runs)
        self.sealing(h)
        for ttl_s in (1, 3):
            self.kills(h, ttl_s)

    def sealing(self, h):
        """CPU seconds of all nodes, sealed and not, one after the other over the same packets."""
        runs = self.bench.turns("cluster, sealing", {
            "in clear": lambda: self.run(h, NODES, ["--insecure-wire"]),
            "sealed": lambda: self.run(h, NODES, ["--secret-file", self.secret])}, rounds=2 * self.bench.a.rounds)
        if len(runs) == 2:
            clear, sealed = [[r["nodes_cpu_s"] for r in runs[name]] for name in ("in clear", "sealed")]
            d = self.bench.doc["differences"]
            d["CPU s of 3 nodes in clear"], d["CPU s of 3 nodes sealed"] = figure(clear, None), figure(sealed, None)
            d["% more CPU of 3 nodes for sealing, by turns"] = figure([100 * (a / b - 1) for a, b in zip(sealed, clear)], 20.0)

    def kills(self, h, ttl_s):
        """From a hard kill to windows of the others."""
        import cluster_kill
        each = []
        try:
            for i in range(max(3, self.bench.a.rounds)):
                each.append(cluster_kill.once(h, self.weir, ttl_s, seed=i + 1))
                self.bench.say("  cluster      killed, ttl=%gs     %8.2f s, whole %.2f s" % (ttl_s, *each[-1]))
        except Failed as e:
            self.bench.skip("cluster: a kill, ttl=%gs" % ttl_s, e)
        if each:
            d = self.bench.doc["differences"]
            d["s from a hard kill to the next window, ttl=%gs" % ttl_s] = figure([x for x, _ in each], cluster_kill.MOST_S)
            d["s to the next that is not partial, ttl=%gs" % ttl_s] = figure([x for _, x in each], None)

    def figures(self, runs):
        """Against the targets."""
        alone, clear, sealed = ("alone x %d" % NODES, "%d nodes, in clear" % NODES, "%d nodes, sealed" % NODES)
        d, bench = self.bench.doc["differences"], self.bench
        if clear in runs:
            each = [self.column_bytes(NODES) * (NODES - 1) / NODES / r["link_sent_bytes"] for r in runs[clear]]
            bench.doc["ratios"]["cluster: columns/wire"] = median(each)
            bench.doc["ratio_spread"]["cluster: columns/wire"] = measure.spread(each)
        if clear in runs and sealed in runs:
            pairs = list(zip(runs[sealed], runs[clear]))
            d["% more CPU of all threads for sealing, 3 nodes"] = figure(
                [100 * (a["all_cpu_s"] / b["all_cpu_s"] - 1) for a, b in pairs], 20.0)
            d["% more CPU of control and wire for sealing"] = figure(
                [100 * (exchange(a) / exchange(b) - 1) for a, b in pairs], 20.0)
            d["% more time to completion for sealing"] = figure(
                [100 * (a["done_s"] / b["done_s"] - 1) for a, b in pairs], 20.0)
        if alone in runs and clear in runs:
            self.ratio("cluster: ingest in clear / alone", runs[alone], runs[clear])
        if alone in runs and sealed in runs:
            self.ratio("cluster: ingest sealed / alone", runs[alone], runs[sealed])

    def ratio(self, key, one, other):
        """Rates by the workers' CPU time, of the rounds by turns."""
        each = [a["cpu_s"] / a["packets"] / (b["cpu_s"] / b["packets"]) for a, b in zip(one, other)]
        self.bench.doc["ratios"][key] = median(each)
        self.bench.doc["ratio_spread"][key] = measure.spread(each)

    def column_bytes(self, n):
        """Of the columns that the query needs, of all packets of n nodes."""
        return self.loops * sum(self.input(i)[1] for i in range(n))

    def keep(self, runs):
        """What scripts/scale-model is held against."""
        found = self.bench.doc.setdefault("cluster", {})
        found.update({"cpus": len(self.cpus), "window_s": WINDOW_S, "pps": PPS, "packets": self.packets,
                      "loops": self.loops, "flows": taps.FLOWS, "skew": taps.SKEW,
                      "v6": taps.V6, "runs": [],
                      "column_bytes": self.column_bytes(NODES) / (NODES * self.packets * self.loops)})
        for name, each in runs.items():
            r = {k: median([x[k] for x in each]) for k in
                 ("packets", "rows", "link_sent_bytes", "link_sent_frames", "most_rss_bytes", "done_s", "all_cpu_s")}
            r["by_kind_s"] = {k: median([x["by_kind_s"][k] for x in each]) for k in each[0]["by_kind_s"]}
            found["runs"].append({"name": name, "nodes": each[0]["nodes"], "is_cluster": not name.startswith("alone"),
                                  "is_sealed": name.endswith("sealed"),
                                  "kind": "head" if "--top" in name else "rows" if "shipped" in name else "slot", **r})
        found["parts"] = self.parts()

    def parts(self):
        """What the parts of a pane take by groups, by part_cost: small and large tables."""
        program = os.path.join(self.bench.a.build, "tests", "bench", "part_cost")
        out = []
        for flows, packets in ((10000, 200000), (100000, self.packets), (1000000, 2 * self.packets)):
            try:
                each = [taps.part_cost(self.weir, program, flows, packets) for _ in range(3)]
                out.append({k: median([x[k] for x in each]) for k in each[0]})
            except (Failed, OSError) as e:
                self.bench.skip("part_cost of %d flows" % flows, e)
        return out


def children_s():
    """CPU seconds of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def exchange(run):
    return run["by_kind_s"]["control"] + run["by_kind_s"]["wire"]


def figure(each, most):
    return {"value": median(each), "most": most, "noise": (max(each) - min(each)) / 2, "each": each}


def link_bytes(h, i):
    """Bytes and frames that node i has sent, as the bridge's port received them."""
    out = subprocess.run(["ip", "-n", h.hub, "-j", "-s", "-s", "link", "show", "wire0-%d" % i], check=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True).stdout
    rx = json.loads(out)[0]["stats64"]["rx"]
    return rx["bytes"], rx["packets"]
