#!/usr/bin/env python3
"""
Random events in a cluster: hosts are killed, stopped, cut off, drained, started again, slots are moved, while packets
come. usage: cluster_random.py [EVENTS [SEED [AT_A_TIME [SHARE]]]]. Counted are rows that are lost or doubled; the target is 0 of both.

SHARE of the events, half of them if nothing is said, fall within 25 ms of the moment in which a window is delivered. Lost: a row of packets of hosts
that had nothing to suffer is missing, or lacks one of them. What only a host that died, stalled or left had seen may be missing,
where its row is partial or it had not read it. Doubled: two rows of one query, window and key. Lost with its writer: rows of windows that
a host was delivering as it was killed; those who were left must have said so.
"""
import concurrent.futures
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import hosts  # noqa: E402
import netns  # noqa: E402
import tap  # noqa: E402
from netns import ip  # noqa: E402
from playing import Playing, table  # noqa: E402

ROUND = 4   # events of one run
SURE = 2    # hosts to which nothing is done
EVERY = 5   # seconds between events
AWAY = 3    # seconds for which a host is stopped or cut off, and some
OPTIONS = "ttl=2s&lead=1s"
KINDS = ["kill", "kill", "stall", "cut", "cut", "cut etcd", "cut wire", "drain", "move"]
SHARE = float(sys.argv[4]) if len(sys.argv) > 4 else 0.5


def cut(h, victim, what, state):
    for dev in {"cut": ("wire0", "ctl0"), "cut etcd": ("ctl0",), "cut wire": ("wire0",)}[what]:
        ip("-n", h.hub, "link", "set", "%s-%d" % (dev, victim), state)


def lag(p, second):
    """How long after its end the window that ends then is delivered by all, in seconds."""
    p.until(second - 1)
    while p.newest() < second:
        p.runs[0].must_live()
        time.sleep(0.002)
    return time.time() - (p.start / 1e9 + second)


def wait_for_moment(p, r, second, usual):
    """At random in the second after this one, or close to the delivery at its end. What was chosen."""
    if r.random() >= SHARE:
        at, name = second + r.random(), "anywhere"
    else:
        at, name = second + 1 + usual + r.uniform(-0.025, 0.025), "at a window"
    time.sleep(max(0, p.start / 1e9 + at - time.time()))
    return name


def do_event(h, p, r, victim, usual, second):
    what = r.choice(KINDS)
    when = wait_for_moment(p, r, second, usual)
    if what == "kill":
        p.kill(victim)
    elif what == "stall":
        p.kill(victim, signal.SIGSTOP)
    elif what.startswith("cut"):
        cut(h, victim, what, "down")
    elif what == "drain":
        p.runs[victim].ctl("drain")
    elif what == "move":
        p.runs[0].ctl("move", "%d-%d n%d" % (r.randrange(2048), 2048 + r.randrange(2048), r.randrange(SURE)))
    return what, "%s %s" % (what, when)


def end_event(h, p, victim, what):
    if what == "stall":
        p.kill(victim, signal.SIGCONT)
    elif what.startswith("cut"):
        cut(h, victim, what, "up")


def play(h, folder, events, seed, r, done):
    """Problems, rows, the least that there must be, and the most that there may be."""
    seconds = 5 + EVERY * events
    with Playing(h, folder, SURE + 1, seconds, seed=seed, options=OPTIONS,
                 later=[3 + EVERY * i for i in range(1, events)]) as p:
        usual = sum(lag(p, k) for k in (1, 2)) / 2
        for i in range(events):
            what, text = do_event(h, p, r, SURE + i, usual, 2 + EVERY * i)
            done.append(text)
            if i + 1 < events:
                p.begin(SURE + i + 1)
            time.sleep(AWAY + r.random())
            end_event(h, p, SURE + i, what)
        problems = p.finish(seconds=90)
        said = "\n".join(x for i in range(SURE) for x in p.runs[i].err)
        unwritten = set(re.findall(r"was lost as it delivered the windows up to (\S+Z)", said))
        return problems, p.lines(), p.reference(range(SURE)), p.reference(), unwritten


def one_round(events, seed):
    """(rows lost, rows doubled, rows too large, rows lost with their writer, problems, what was done)"""
    r, done = random.Random(seed), []
    with hosts.Hosts(SURE + events) as h, tempfile.TemporaryDirectory() as folder:
        h.start_etcd()
        problems, lines, least, full, unwritten = play(h, folder, events, seed, r, done)
    broken = [x for x in lines if not x.endswith("}")]
    got, doubled = table([x for x in lines if x.endswith("}")])
    lost = [k for k, x in least.items() if k not in got or got[k]["n"] < x["n"]]
    with_writer = [k for k in lost if "kill" in " ".join(done) and dict(k)["window.end"] in unwritten]
    lost = [k for k in lost if k not in with_writer]
    large = [k for k, x in got.items() if k not in full or x["n"] > full[k]["n"]]
    found = (("lost", lost), ("doubled", doubled), ("too large", large), ("cut in half", broken))
    problems += ["%d rows %s, such as %s" % (len(x), what, x[0]) for what, x in found if x]
    return len(lost), len(doubled), len(large), len(with_writer), problems, done


def run_round(events, seed):
    """The same by a process of its own: namespaces are named by it."""
    p = subprocess.run([sys.executable, os.path.realpath(__file__), "--round", str(events), str(seed), str(SHARE)],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        return json.loads(p.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return [0, 0, 0, 0, ["status %d: %s" % (p.returncode, p.stderr)], []]


def main():
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rounds = [(min(ROUND, events - i), seed + i // ROUND) for i in range(0, events, ROUND)]
    t, total = tap.Tap(), [0, 0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(int(sys.argv[3]) if len(sys.argv) > 3 else 1) as pool:
        for (n, s), (*counts, problems, done) in zip(rounds, pool.map(lambda x: run_round(*x), rounds)):
            total = [a + b for a, b in zip(total, counts)]
            t.check("%d random events, seed %d: each row once" % (n, s), problems)
            t.note(", ".join(done) + ("; %d rows lost with their writer" % counts[3] if counts[3] else ""))
    t.note("%d events: %d rows lost, %d doubled, %d too large, %d lost with their writer" % (events, *total))
    t.done()


if sys.argv[1:2] == ["--round"]:
    try:
        print(json.dumps(one_round(int(sys.argv[2]), int(sys.argv[3]))))
    except (AssertionError, netns.Unavailable) as e:
        print(json.dumps([0, 0, 0, 0, [str(e)], []]))
else:
    main()
