#!/usr/bin/env python3
"""Windows that are longer than what moves: owners change while sessions, counts, longer windows of later groups and packets
that wait to be joined are under way; rows of all hosts together are those of one weir."""
import json
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import hosts  # noqa: E402
import netns  # noqa: E402
import pcapmaker as pm  # noqa: E402
from playing import LEASE, LEASED, Playing, equal, key_of, table  # noqa: E402
from running import run_tests  # noqa: E402

NODES = 3
QUERIES = [
    "--query", "sum", "--window", "1s", "--agg", "n=count()",
    "--query", "session", "--key", "ip.src", "--window", "session:1200ms", "--agg", "n=count(),bytes=sum(frame.len)",
    "--query", "capped", "--key", "ip.src,ip.dst", "--window", "session:1500ms,max:3s", "--agg", "n=count()",
    "--query", "one_session", "--where", "ip.dst == 10.9.0.1", "--window", "session:1200ms", "--agg", "n=count()",
    "--query", "counts", "--key", "ip.src", "--window", "count:50", "--agg", "n=count(),bytes=sum(frame.len)",
    "--query", "levels", "--key", "ip.src,ip.dst", "--window", "1s", "--agg", "n=count()",
    "--key", "ip.src", "--window", "4s", "--agg", "n=sum(n),m=count()",
    "--query", "slides", "--key", "ip.src", "--window", "1s", "--agg", "n=count()",
    "--key", "ip.src", "--window", "6s/2s", "--agg", "n=sum(n)",
    "--query", "of_sessions", "--key", "ip.src", "--window", "session:1200ms", "--agg", "n=count()",
    "--key", "ip.src", "--window", "5s", "--agg", "n=sum(n),m=count()",
    "--query", "base", "--key", "ip.src", "--window", "2s", "--agg", "m=count()",
    "--query", "changed", "--key", "ip.src", "--window", "2s", "--agg", "n=count()", "--join", "base@prev",
    "--where", "m != n",
    "--query", "of_base", "--from", "base", "--key", "ip.src", "--window", "4s", "--agg", "n=sum(m)",
    "--query", "held", "--where", "ip.dst == 10.9.0.2", "--join", "semi:changed@prev", "--select", "frame.time,ip.src",
    "--query", "early", "--key", "ip.src", "--window", "4s", "--agg", "k=count()", "--where", "k >= 60", "--emit", "early",
    "--query", "fold", "--key", "ip.src", "--window", "2s", "--fold", "n=0,h=0; n+=1; h=h*31+frame.len; h=h%1000003",
]


def traffic(start, first, end, host, share):
    """Each second's packets in so much of it. Sources come and go: sessions are long, and end. No two packets have one time."""
    out = []
    for second in range(first, end):
        for i in range(150):
            source = i * 7 % 12
            if (second // 2 + source) % 4 == 0:
                continue
            t = start + second * pm.SEC + int(i * share * pm.SEC / 150) + host * 1000
            out.append(pm.packet(t, "10.%d.0.%d" % (host, source), "10.9.0.%d" % (i * 5 % 7), udp=(host, 53),
                                 payload=b"x" * ((i * 13 + second + host) % 90)))
            if i % 3 == 0:  # and some that several hosts have packets of
                out.append(pm.packet(t + 100, "10.8.0.%d" % source, "10.9.0.%d" % (i % 4), udp=(host, 53),
                                     payload=b"x" * ((i + second + host) % 50)))
    return out


class State(Playing):
    def __init__(self, h, folder, seconds, later=(), share=1.0, **more):
        super().__init__(h, folder, NODES, seconds, later=later, queries=QUERIES, **more)
        begins = [0] * NODES + list(later)
        self.sent = [traffic(self.start, begins[i], seconds, i, share) for i in range(len(begins))]
        for path, sent in zip(self.paths, self.sent):
            pm.write_pcap(path, sent)

    def finish(self, status=0, seconds=60):
        # Rows that went through queries again, which another host had delivered, are no rows of theirs.
        return [x for x in super().finish(status, seconds) if "query of_base: in" not in x]

    def move(self, node):
        """All windows that end from some moment on are to be one node's."""
        return self.tell(0, "move", "0-4095 n%d" % node)

    def move_all(self, node):
        """The same, until one of them has been delivered."""
        problems = self.move(node)
        netns.wait("all slots at n%d; %s" % (node, self.said()), lambda: self.owned(node) == 4096, 20)
        self.until(self.newest() + 2)
        return problems

    def owned(self, node):
        said = self.runs[0].ask("nodes", "--json")
        return {n["node"]: n["slots"] for n in said["nodes"]}.get("n%d" % node) if said else None


def test_planned(folder):
    """a host joins, all slots move to one node and away again, and one is drained: rows are those of one weir"""
    with hosts.Hosts(NODES + 1) as h:
        h.start_etcd()
        with State(h, folder, 16, later=[7]) as p:
            problems = []
            p.until(2)
            p.begin(NODES)
            p.until(7)
            problems += p.move_all(0)
            # Maps come faster than the windows that they begin with.
            for node in (2, 1, 3, 0, 1, 0):
                if p.newest() < 10:
                    problems += p.move(node)
                    time.sleep(0.3)
            problems += p.move(2)
            p.until(11)
            problems += p.tell(2, "drain")
            found, stats = p.runs[2].end(sig=None, seconds=40, args=QUERIES)
            p.ended[2] = stats
            problems += ["drained: " + x for x in found if "query of_base: in" not in x] + p.finish()
            # What it had not read when it was told is nobody's.
            return problems + equal(p.lines(), p.reference(first={2: stats["received"]["packets"]}) if stats else {})


def without(victim, lines, full):
    """Problems where rows that have nothing of a host's packets are not those of the reference, or any is there twice."""
    def is_others(r):
        return r.get("ip.src", "10.%d." % victim).split(".")[1] not in (str(victim), "8")
    got, doubled = table(lines)
    # A row of --emit early that left comes again where its group, without the host's packets, is as large later.
    doubled = [k for k in doubled if dict(k)["query"] != "early" or is_others(dict(k))]
    problems = ["%d rows are there more than once, such as %s" % (len(doubled), doubled[0])] if doubled else []
    wanted = {k: r for k, r in full.items() if is_others(r)}
    for k, r in wanted.items():
        own = {x: y for x, y in got.get(k, {}).items() if x != "partial"}
        if own != r:
            problems.append("%s is %s" % (r, own or "missing"))
    problems += ["%s is in no reference" % r for k, r in got.items() if is_others(r) and k not in wanted]
    if len(wanted) < 100:
        problems.append("only %d rows were looked at" % len(wanted))
    return problems[:1] + ["and %d more" % (len(problems) - 1)] if len(problems) > 3 else problems


def taken_over(folder, stop):
    """The owner of everything goes between windows, as docs/cluster.md says what may happen else."""
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        with State(h, folder, 20, share=0.5, options=LEASED) as p:
            p.until(1)
            problems = p.move_all(1)
            p.until(p.newest() + 1)
            time.sleep(0.7)
            stop(p)
            problems += p.finish()
            return problems + without(1, p.lines(), p.reference())


def test_kill(folder):
    """the owner of everything is killed: rows without its packets are as those of one weir, and none is doubled"""
    return taken_over(folder, lambda p: p.kill(1))


def test_stall(folder):
    """it is stopped for longer than its lease, and goes on: the same"""
    def stop(p):
        p.kill(1, signal.SIGSTOP)
        time.sleep(LEASE + 2)
        p.kill(1, signal.SIGCONT)
    return taken_over(folder, stop)


if __name__ == "__main__":
    run_tests([test_planned, test_kill, test_stall])
