"""A window's way through the threads and links of all hosts, event by event; and what happens when a host dies."""
import heapq
import math
import random

import model
from model import ACK_BYTES, ACK_EVERY, STATUS_BYTES


EVENTS_MOST = 256  # hosts; of more there are loads alone


class Server:
    """Something that does one thing after another: a thread, or a direction of a link."""

    def __init__(self):
        self.free = self.busy = 0.0

    def take(self, now, seconds):
        self.free = max(now, self.free) + seconds
        self.busy += seconds
        return self.free


class Run:
    """
    Windows of all hosts. `due` says when a host's workers have closed each window; what is done then: control puts panes
    together and writes the parts of one owner after the other, in their order; the wires send and take them; the owner's
    control reads them, and when it has those of all hosts, delivers.
    """

    def __init__(self, s, load, costs, due, hosts):
        self.s, self.load, self.c, self.hosts = s, load, costs, hosts
        self.control = {h: Server() for h in hosts}
        self.wire = {h: Server() for h in hosts}
        self.out = {h: Server() for h in hosts}
        self.into = {h: Server() for h in hosts}
        self.left = {}       # (host, window): parts that it has not read
        self.delivered = {}  # (host, window): when
        self.undelivered = {}
        self.events, self.number = [], 0
        self.pending = {}    # window -> hosts that have not delivered it
        self.closed = {}     # (host, window): when
        self.freed = {}      # window: when panes of it are not needed any more
        for (h, w), at in due.items():
            self.closed[h, w] = at
            self.left[h, w] = len(hosts)
            self.pending.setdefault(w, set()).add(h)
            self.push(at, self.close, h, w)

    def push(self, at, what, *args):
        self.number += 1
        heapq.heappush(self.events, (at, self.number, what, args))

    def go(self):
        while self.events:
            at, _, what, args = heapq.heappop(self.events)
            what(at, *args)
        return self

    def close(self, now, h, w):
        x = self.load
        self.control[h].take(now, x.prepare_s + x.read_s[h])
        for dest in self.hosts:
            if dest != h:
                at = self.control[h].take(now, x.write_s[dest])
                self.push(at, self.written, h, dest, w)
        self.push(self.control[h].free, self.gathered, h, w)

    def written(self, now, h, dest, w):
        # A status tells how many parts there were; it is one frame more.
        frames = self.load.frames[dest] + 1
        at = self.wire[h].take(now, frames * model.frame_ns(self.s, self.c) / 1e9)
        self.push(at, self.sent, h, dest, w, frames)

    def sent(self, now, h, dest, w, frames):
        seconds = (self.load.bytes[dest] + STATUS_BYTES) * 8 / self.s.link_bps
        self.push(self.out[h].take(now, seconds), self.carried, dest, w, frames, seconds)

    def carried(self, now, dest, w, frames, seconds):
        self.push(self.into[dest].take(now - seconds, seconds), self.arrived, dest, w, frames)

    def arrived(self, now, dest, w, frames):
        self.push(self.wire[dest].take(now, frames * model.frame_ns(self.s, self.c) / 1e9), self.taken, dest, w)

    def taken(self, now, dest, w):
        self.push(self.control[dest].take(now, self.load.read_s[dest]), self.gathered, dest, w)

    def gathered(self, now, h, w):
        self.left[h, w] -= 1
        if self.left[h, w] == 0:
            self.push(self.control[h].take(now, self.load.deliver_s[h]), self.deliver, h, w)

    def deliver(self, now, h, w):
        self.delivered[h, w] = now
        self.pending[w].discard(h)
        if not self.pending[w]:
            self.freed[w] = now

    def most_kept(self):
        """Windows at once of which a host has panes."""
        changes = sorted([(min(self.closed[h, w] for h in self.hosts), 1) for w in self.freed] +
                         [(at, -1) for at in self.freed.values()])
        now = most = 0
        for _, d in changes:
            now += d
            most = max(most, now)
        return most


def steady(s, load, costs):
    """Windows one after the other."""
    r = random.Random(s.seed)
    hosts = range(s.hosts)
    due = {(h, w): (w + 1) * s.window_s + r.uniform(0, s.clock_s) for w in range(s.windows) for h in hosts}
    return Run(s, load, costs, due, hosts).go()


def busy(s, load, costs, h):
    """Seconds of a host's threads and link for a window: what the events come to, and what nodes tell each other anyway."""
    others = s.hosts - 1
    frame_s = model.frame_ns(s, costs) / 1e9
    n_frames, n_bytes = (x * s.window_s for x in model.chatter(s))
    sent, taken = sum(load.frames) - load.frames[h], load.frames[h] * others
    out, into = sum(load.bytes) - load.bytes[h], load.bytes[h] * others
    status = 2 * n_frames * costs["status_ns"] / 1e9
    return {"worker": s.pps * s.window_s * model.worker_ns(s, costs) / 1e9 / model.workers_of(s, costs),
            "control": load.prepare_s + sum(load.write_s) - load.write_s[h] + load.read_s[h] * s.hosts + load.deliver_s[h] + status,
            "wire": ((sent + taken) * (1 + 1 / ACK_EVERY) + 2 * n_frames) * frame_s,
            "link": (max(out, into) + max(sent, taken) / ACK_EVERY * ACK_BYTES + n_bytes) * 8 / s.link_bps,
            "sent_bytes": out + taken / ACK_EVERY * ACK_BYTES + n_bytes}


def host_figures(s, costs):
    """One line: a cluster of so many hosts."""
    load = model.load(s, costs)
    each = [busy(s, load, costs, h) for h in range(s.hosts)]
    loads = {k: max(x[k] for x in each) / s.window_s for k in ("worker", "control", "wire", "link")}
    sent = [sum(load.bytes) - b for b in load.bytes]
    worst = max(range(s.hosts), key=lambda h: each[h]["control"])
    out = {"hosts": s.hosts, "pps": s.pps, "groups": load.groups, "rows": sum(load.rows_out), "workers": model.workers_of(s, costs),
           "load": loads, "bottleneck": max(loads, key=loads.get), "keeps_up": max(loads.values()) <= 1,
           "parts_s": {"prepare": load.prepare_s, "write": sum(load.write_s) - load.write_s[worst],
                       "read": load.read_s[worst] * s.hosts, "deliver": load.deliver_s[worst]},
           "wire_bytes_per_s": max(x["sent_bytes"] for x in each) / s.window_s,
           "cluster_bytes_per_s": sum(x["sent_bytes"] for x in each) / s.window_s,
           "columns_to_wire": load.packets * costs["column_bytes"] * (s.hosts - 1) / s.hosts / max(sent) if max(sent) > 0 else None,
           "deliver_s": None, "take_over": None, "take_over_s": None}
    kept = 2
    if s.hosts <= EVENTS_MOST and out["keeps_up"]:
        run = steady(s, load, costs)
        kept = run.most_kept() + 1
        out["deliver_s"] = max(at - run.closed[h, w] for (h, w), at in run.delivered.items())
        if s.hosts > 1:
            out["take_over"] = take_over(s, costs)
            out["take_over_s"] = out["take_over"] and out["take_over"]["first_s"]
    # Where it does not keep up memory has no bound but what is shed.
    out["memory_bytes"] = model.workers_of(s, costs) * costs["worker_bytes"] + costs["base_bytes"] + \
        (s.hosts - 1) * model.PEER_BYTES + load.kept_bytes * kept + max(load.owned_bytes) if out["keeps_up"] else None
    return out


def take_over(s, costs):
    """
    A host dies just after a window was due. Its lease ends, at most `ttl` and at least two thirds of it later; a map is
    made and read; all tell each other what they have delivered; then what is kept is parted anew and sent again, for all windows
    that nobody could deliver meanwhile. None where those that are left do not keep up.
    """
    hosts = [h for h in range(s.hosts) if h != 0]
    owner = model.owners(s.hosts, s.seed, without=0)
    load = model.load(s, costs, owner)
    control = max(load.prepare_s + sum(load.write_s) - load.write_s[h] + load.read_s[h] * len(hosts) + load.deliver_s[h] for h in hosts)
    if control >= s.window_s:
        return None
    r = random.Random(s.seed)
    # the lease was renewed every third of it; its end is looked at every half second
    lease = s.ttl_s * (1 - r.uniform(0, 1 / 3)) + 0.25
    tables = model.TABLES * 2 * max(0, len(hosts) - 1) * (costs["status_ns"] + model.frame_ns(s, costs)) / 1e9
    ready = lease + costs["map_s"] + tables
    # From the last window that was delivered before to now, all at once; and those that come while that is worked off.
    waiting = max(1, math.ceil(ready / s.window_s))
    more = min(200, math.ceil(waiting * control / (s.window_s - control)) + 1)
    due = {(h, w): max(ready, w * s.window_s) for w in range(waiting + more) for h in hosts}
    run = Run(s, load, costs, due, hosts).go()
    done = [max(run.delivered[h, w] for h in hosts) for w in range(waiting + more)]
    caught_up = next((w for w in range(waiting + more) if done[w] - w * s.window_s <= control + 2 * s.clock_s + 0.1), waiting + more - 1)
    return {"lease_s": lease, "barrier_s": ready - lease, "first_s": done[0], "caught_up_s": done[caught_up],
            "windows_again": waiting, "kept_bytes": load.kept_bytes * (waiting + 1)}
