#!/usr/bin/env python3
"""
Random events in a cluster: hosts are killed, stopped, cut off, drained, started again, slots are moved, while packets
come. usage: cluster_random.py [EVENTS [SEED]]. Counted are rows that are lost or doubled; the target is 0 of both.

Lost: a row of packets of hosts that had nothing to suffer is missing, or lacks one of them. What only a host that died,
stalled or left had seen may be missing, where its row is partial or it had not read it. Doubled: two rows of one query, window
and key. Events fall between the ends of windows: in the milliseconds in which a window is delivered its rows may come twice, as
docs/cluster.md says.
"""
import os
import random
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import hosts  # noqa: E402
import netns  # noqa: E402
import tap  # noqa: E402
from netns import ip  # noqa: E402
from playing import Playing, table  # noqa: E402

ROUND = 4  # events of one run: each needs some seconds until all is calm again
SURE = 2   # hosts to which nothing is done


def one_round(events, seed):
    """(rows lost, rows doubled, rows too large, problems, what was done)"""
    r, done, problems = random.Random(seed), [], []
    with hosts.Hosts(SURE + events) as h:
        h.start_etcd()
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            seconds = 6 + 6 * events
            with Playing(h, folder, SURE + 1, seconds, seed=seed, later=[4 + 6 * i for i in range(1, events)]) as p:
                for i in range(events):
                    victim = SURE + i
                    p.until(3 + 6 * i)
                    time.sleep(r.uniform(0.2, 0.8))
                    what = r.choice(["kill", "stall", "cut", "drain", "move"])
                    done.append(what)
                    if what == "kill":
                        p.kill(victim)
                    elif what == "stall":
                        p.kill(victim, signal.SIGSTOP)
                    elif what == "cut":
                        for dev in ("wire0", "ctl0"):
                            ip("-n", h.hub, "link", "set", "%s-%d" % (dev, victim), "down")
                    elif what == "drain":
                        p.runs[victim].ctl("drain")
                    elif what == "move":
                        p.runs[0].ctl("move", "%d-%d n%d" % (r.randrange(2048), 2048 + r.randrange(2048), r.randrange(SURE)))
                    if i + 1 < events:
                        p.begin(victim + 1)
                    time.sleep(r.uniform(3.5, 5))
                    if what == "stall":
                        p.kill(victim, signal.SIGCONT)
                    elif what == "cut":
                        for dev in ("wire0", "ctl0"):
                            ip("-n", h.hub, "link", "set", "%s-%d" % (dev, victim), "up")
                problems = p.finish(seconds=90)
                got, doubled = table(p.lines())
                least, full = p.reference(range(SURE)), p.reference()
    lost = [k for k, x in least.items() if k not in got or got[k]["n"] < x["n"]]
    large = [k for k, x in got.items() if k not in full or x["n"] > full[k]["n"]]
    problems += ["%s, such as %s" % (what, x[0]) for what, x in (("lost", lost), ("doubled", doubled), ("too large", large)) if x]
    return len(lost), len(doubled), len(large), problems, done


def main():
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    t = tap.Tap()
    left, lost, doubled, large = events, 0, 0, 0
    while left:
        n = min(left, ROUND)
        name = "%d random events, seed %d" % (n, seed)
        try:
            a, b, c, problems, done = one_round(n, seed)
            lost, doubled, large = lost + a, doubled + b, large + c
            t.check("%s: each row once" % name, problems)
            t.note(", ".join(done))
        except netns.Unavailable as e:
            t.skip(name, str(e))
        except AssertionError as e:
            t.check(name, [str(e)])
        left -= n
        seed += 1
    t.note("%d events: %d rows lost, %d doubled, %d too large" % (events, lost, doubled, large))
    t.done()


main()
