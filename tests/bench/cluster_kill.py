"""How long a cluster is without windows when one of its nodes is killed: by captures that are played as fast as they were."""
import json
import os
import random
import shutil
import sys
import tempfile
import time

from measure import Failed

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path += [os.path.join(HERE, "..", x) for x in ("system", "support")]
import playing  # noqa: E402
import weir  # noqa: E402

NODES, KILLED = 3, 1
LEAD_S = 1
SETTLED_S = 0.1  # less than the shortest lease that is left: two thirds of a second
# The target of the cluster: from a hard kill to the first window that is complete again.
MOST_S = 5.0


class Watched:
    """Windows of the query `sum` that the nodes that are left have delivered: (end, whether it is partial), each line read once."""

    def __init__(self, p):
        self.p, self.read = p, {i: 0 for i in p.runs}

    def new(self):
        found = []
        for i, r in self.p.runs.items():
            lines = r.out[self.read[i]:]
            self.read[i] += len(lines)
            if i != KILLED:
                rows = [json.loads(x) for x in lines if '"query":"sum"' in x]
                found += [(self.p.end_of(row), bool(row.get("partial"))) for row in rows]
        return found


def wait(watched, after, seconds):
    """Moments of the clock at which the first window came that ends after that time, and the first of them that is not partial."""
    first, end = None, time.monotonic() + seconds
    while time.monotonic() < end:
        found = [is_partial for at, is_partial in watched.new() if at > after]
        if found:
            first = first or time.monotonic()
        if not all(found):
            return first, time.monotonic()
        time.sleep(0.005)
    raise Failed("no window came within %d s of the kill" % seconds)


def once(h, binary, ttl_s, seed):
    """
    Kill a node at some moment. Seconds from there until those that are left deliver the window that was next then, and
    one that is not partial: which is of the map without it.
    """
    weir.BINARY = binary
    r = random.Random(seed)
    folder = tempfile.mkdtemp(dir=h.folder)
    try:
        with playing.Playing(h, folder, NODES, 9 + ttl_s + LEAD_S, seed=seed,
                             options="ttl=%gs&lead=%gs" % (ttl_s, LEAD_S)) as p:
            p.until(3)
            time.sleep(r.random())
            watched = Watched(p)
            p.kill(KILLED)
            began = time.monotonic()
            # What comes now was complete before; without the dead one nothing is as early as this.
            time.sleep(SETTLED_S)
            after = max([end for end, _ in watched.new()], default=0)
            first, whole = wait(watched, after, 25)
            problems = p.finish()
            if problems:
                raise Failed("; ".join(problems))
            return first - began, whole - began
    except AssertionError as e:
        raise Failed(str(e))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
