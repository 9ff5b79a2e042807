"""Hosts that play captures in real time as one cluster, and what their rows together must be."""
import collections
import json
import os
import random
import signal
import sys
import time

import netns
import pcapmaker as pm
import weir

QUERIES = [
    "--query", "flows", "--key", "5tuple", "--window", "1s", "--agg", "n=count(),bytes=sum(frame.len)",
    "--query", "sliding", "--key", "ip.dst", "--window", "3s/1s", "--agg", "n=count()",
    "--query", "fan", "--key", "ip.src,ip.dst", "--window", "1s", "--agg", "n=count()", "--key", "ip.src", "--agg", "n=sum(n)",
    "--query", "sum", "--window", "1s", "--agg", "n=count()",
]
# Where no host is to lose its place: on a busy machine a thread may wait for seconds.
STEADY = "ttl=30s&lead=1s"
# Where one is: as long as the others need to be sure of theirs.
LEASE = 6
LEASED = "ttl=%ds&lead=1s" % LEASE


def packets(start, seconds, seed, pps=300):
    r, out = random.Random(seed), []
    n = int(seconds * pps)
    for i in range(n):
        a, b = "10.0.%d.%d" % (r.randrange(3), r.randrange(30)), "10.9.0.%d" % r.randrange(20)
        out.append(pm.packet(start + i * int(seconds * pm.SEC) // n, a, b, udp=(r.randrange(3), 53),
                             payload=b"x" * r.randrange(200)))
    return out


class Playing:
    """A capture a host, from a moment close to now on, as fast as it was; hosts that join later have theirs later."""

    def __init__(self, h, folder, n, seconds, seed=1, options=STEADY, later=(), more=("--insecure-wire",), queries=None):
        """later: for each host that joins, how many seconds after the others its packets begin"""
        self.h, self.folder, self.n, self.seconds, self.more = h, folder, n, seconds, list(more)
        self.options = "?nodes=%d&%s" % (n, options)
        self.queries = queries or QUERIES
        self.start = int(time.time() + 3) * pm.SEC
        self.sent = [packets(self.start, seconds, seed * 1000 + i) for i in range(n)]
        self.sent += [packets(self.start + int(x * pm.SEC), seconds - x, seed * 1000 + n + i) for i, x in enumerate(later)]
        self.paths = []
        for i, sent in enumerate(self.sent):
            self.paths.append(os.path.join(folder, "play-%d.pcap" % i))
            pm.write_pcap(self.paths[i], sent)
        self.runs = {}
        self.ended = {}

    def begin(self, i):
        # Files are written at once, and do not wait for this program to read.
        self.runs[i] = self.h.run(i, ["-r", self.paths[i] + "?speed=1", "--lateness", "0s", *self.queries,
                                      *self.h.arguments(i, self.options, more=self.more)],
                                  output=os.path.join(self.folder, "rows-%d.json" % i))
        return self.runs[i]

    def __enter__(self):
        for i in range(self.n):
            self.begin(i)
        return self

    def __exit__(self, *exc):
        for r in self.runs.values():
            r.__exit__()
        if os.environ.get("KEEP"):  # a folder, for whoever looks at what was lost or doubled
            for i, r in self.runs.items():
                with open(os.path.join(os.environ["KEEP"], "%s-%d" % (self.h.hub, i)), "w") as f:
                    f.write("\n".join(r.out + r.err) + "\n")

    def lines(self):
        return [x for r in self.runs.values() for x in r.out]

    def newest(self, hosts=None):
        """The end of the newest window of `sum` that anybody has delivered, in seconds since the start."""
        ends = [self.end_of(json.loads(x)) for i, r in self.runs.items() if hosts is None or i in hosts
                for x in list(r.out) if '"query":"sum"' in x]
        return max(ends, default=0)

    def end_of(self, row):
        return at(row["window.end"]) - self.start / 1e9

    def until(self, seconds):
        """Until the window that ends so many seconds after the start has been delivered."""
        def there():
            for i, r in self.runs.items():
                if i not in self.ended and r.p.poll() != 0:
                    r.must_live()
            return self.newest() >= seconds
        netns.wait("window %d; so far %.0f; %s" % (seconds, self.newest(), self.said()), there, 40)

    def tell(self, i, *words):
        """Have a host do something by weir-ctl; problems where it does not."""
        said = self.runs[i].ctl(*words)
        return ["weir-ctl %s: %s" % (" ".join(words), said.stderr.decode())] if said.returncode else []

    def said(self):
        return "; ".join("%s: %s" % (r.name, r.said()) for r in self.runs.values())

    def kill(self, i, sig=signal.SIGKILL):
        self.runs[i].p.send_signal(sig)
        if sig == signal.SIGKILL:
            self.runs[i].p.wait()
            self.ended[i] = None

    def finish(self, status=0, seconds=60):
        """All that are left end by themselves: problems, and their ledgers."""
        problems = []
        for i, r in self.runs.items():
            if i in self.ended:
                for t in r.threads:
                    t.join(5)
                continue
            found, self.ended[i] = r.end(sig=None, seconds=seconds, status=status, args=self.queries)
            problems += ["%s: %s" % (r.name, x) for x in found]
        return problems

    def reference(self, hosts=None, first=None):
        """Rows of one weir for the packets of these hosts; first: of some hosts only so many packets."""
        hosts = self.runs if hosts is None else hosts
        all_packets = sorted((p for i in hosts for p in self.sent[i][:(first or {}).get(i)]), key=lambda p: p.t)
        path = os.path.join(self.folder, "reference.pcap")
        pm.write_pcap(path, all_packets)
        p = weir.run(["-r", path, *self.queries, "--control", "never"])
        assert p.returncode == 0, p.stderr
        return table(p.stdout.decode().splitlines())[0]


def at(text):
    """Seconds since the epoch."""
    import calendar
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + text[19:].rstrip("Z"))


def key_of(row):
    return tuple((k, v) for k, v in row.items() if k not in ("n", "bytes", "partial"))


def table(lines):
    """{(query, window, key): row}, and those that are there more than once."""
    rows = [json.loads(x) for x in lines]
    count = collections.Counter(key_of(r) for r in rows)
    return {key_of(r): r for r in rows}, [k for k, n in count.items() if n > 1]


def value(row):
    return {k: v for k, v in row.items() if k != "partial"}


def equal(lines, full):
    """Problems where lines are not the rows of the reference, each once and none partial."""
    got, doubled = table(lines)
    problems = ["%d rows are there more than once, such as %s" % (len(doubled), doubled[0])] if doubled else []
    lost = [k for k in full if k not in got]
    if lost:
        problems.append("%d of %d rows are missing, such as %s" % (len(lost), len(full), lost[0]))
    wrong = [r for k, r in got.items() if r != full.get(k)]
    if wrong:
        problems.append("%d rows are wrong, such as %s, not %s" % (len(wrong), wrong[0], full.get(key_of(wrong[0]))))
    return problems


def between(lines, least, full, may_lack=()):
    """
    Problems where a host died, whose packets are in full and not in least: each row once; those that are not partial as
    in full, or, when the gap is over, as in least; partial ones between the two. may_lack: hosts come again.
    Also the times of the partial rows' windows, None where there are none.
    """
    got, doubled = table(lines)
    problems = ["%d rows are there more than once, such as %s" % (len(doubled), doubled[0])] if doubled else []
    lost = [k for k in least if k not in got]
    if lost:
        problems.append("%d of %d rows are missing, such as %s" % (len(lost), len(least), lost[0]))
    more = [k for k in got if k not in full]
    if more:
        problems.append("%d rows of nothing, such as %s" % (len(more), more[0]))
    gap = [at(r["window.end"]) for r in got.values() if r.get("partial")]
    last = {}  # sliding windows touch the gap for longer than others
    for r in got.values():
        if r.get("partial"):
            last[r["query"]] = max(last.get(r["query"], 0), at(r["window.end"]))
    for k, r in got.items():
        if k not in full:
            continue
        is_full, is_least = value(r) == full[k], value(r) == least.get(k)
        low, high = least.get(k, {}).get("n", 0), full[k]["n"]
        if r.get("partial"):
            is_right = low <= r["n"] <= high
        elif gap and at(r["window.end"]) > last.get(r["query"], 0):
            is_right = is_least or (may_lack == "again" and is_full)
        else:
            is_right = is_full or (may_lack == "again" and is_least)
        if not is_right:
            problems.append("%s is neither %s nor %s; partial are windows that end from %s to %s" % (
                r, least.get(k), full[k], min(gap, default=None), max(gap, default=None)))
            break
    return problems, ((min(gap), max(gap)) if gap else None)
