"""What pieces of a cluster cost, how keys fall into slots, and what follows for a window; simulation.py has time in it."""
import bisect
import dataclasses
import json
import math
import os
import random

SLOTS = 4096
KINDS = ("slot", "head", "rows")
DEFAULTS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "costs.json")

PART_BYTES = 1350          # of a frame that goes to a path of 1500 bytes
# Ethernet 14, IPv4 20, UDP 8, header of the wire and of data 64, head of a part 20; a tag where sealed
FRAME_BYTES, TAG_BYTES = 14 + 20 + 8 + 64 + 20, 16
ACK_BYTES = 14 + 20 + 8 + 144 + 8
ACK_EVERY = 8              # frames of data
STATUS_BYTES = 14 + 20 + 8 + 64 + 40
STATUS_HZ = 50             # of a node to each other: every 20 ms at most, as its time goes on
PING_BYTES, PING_HZ = 14 + 20 + 8 + 144, 10
TABLES = 8                 # frames that a node tells each other at a new map
PEER_BYTES = 70e3          # of the wire, for each peer
GROUP_BYTES = 47           # of a table, with its index
KEPT_BYTES = 6             # beside it while it is kept: slot and place


@dataclasses.dataclass
class Setup:
    """A cluster, and what its taps see."""
    hosts: int
    pps: float          # of each tap
    flows: int          # of each tap
    skew: float = 1.1
    shared: float = 0.0
    window_s: float = 1.0
    kinds: dict = dataclasses.field(default_factory=lambda: {"slot": 1})
    top: float = 20
    workers: int = None
    link_bps: float = 25e9
    is_sealed: bool = True
    clock_s: float = 0.005
    ttl_s: float = 5.0
    windows: int = 4
    seed: int = 1
    is_cluster: bool = True


# costs

def costs(path=None):
    """
    As they are here, with those of a bench in their places. "estimated" names those that no bench measures: they were set by
    what the code does.
    """
    with open(DEFAULTS) as f:
        found = {k: float(v) if isinstance(v, int) else v for k, v in json.load(f).items()}
    if not path:
        return found
    with open(path) as f:
        doc = json.load(f)
    if "cluster" not in doc:
        raise ValueError("%s: no step 'cluster' in it (scripts/bench --only cluster --json %s)" % (path, path))
    return {**found, **derive(doc["cluster"]), "from": path, "date": doc.get("date")}


def derive(cluster):
    """
    Costs by what a bench says: parts by part_cost; the worker's and the making of rows by nodes that are alone; the
    wire's and rows' by runs with three nodes. Runs with one and two nodes are not looked at: they are for --validate.
    """
    out = {}
    runs = {r["name"]: r for r in cluster["runs"]}
    alone = next((r for r in cluster["runs"] if not r["is_cluster"]), None)
    n = max(r["nodes"] for r in cluster["runs"])
    clear, sealed = runs.get("%d nodes, in clear" % n), runs.get("%d nodes, sealed" % n)
    rows = next((r for r in cluster["runs"] if r["kind"] == "rows"), None)
    if cluster.get("parts"):
        out["parts"] = sorted(cluster["parts"], key=lambda p: p["groups"])
    if alone:
        out["worker_ns"] = alone["by_kind_s"]["worker"] / alone["packets"] * 1e9
        out["row_ns"] = alone["by_kind_s"]["control"] / alone["rows"] * 1e9
    if clear:
        out["frame_ns"] = clear["by_kind_s"]["wire"] / (2 * clear["link_sent_frames"]) * 1e9
    if clear and sealed:
        more = (sealed["by_kind_s"]["wire"] / (2 * sealed["link_sent_frames"]) -
                clear["by_kind_s"]["wire"] / (2 * clear["link_sent_frames"])) * 1e9
        if more > 0:  # less than the noise of a busy machine says nothing
            out["seal_ns"] = more
    if "column_bytes" in cluster:
        out["column_bytes"] = cluster["column_bytes"]
    if rows:
        out["worker_rows_ns"] = rows["by_kind_s"]["worker"] / rows["packets"] * 1e9
        shipped = rows["packets"] * (n - 1) / n
        idle = n * rows["done_s"] * chatter(Setup(hosts=n, pps=1, flows=1))[1]
        out["row_bytes"] = (rows["link_sent_bytes"] - idle) / shipped
        # Own rows are read as others' are, but not written.
        made = rows["rows"] * out.get("row_ns", 0.0) / 1e9
        out["row_shipped_ns"] = max(0.0, (rows["by_kind_s"]["control"] - made) / (shipped + rows["packets"] / n / 2) * 1e9)
    return out


def part_costs(c, groups):
    """Costs of a group, where a pane has so many: between those measured by the logarithm, beyond them as the last one."""
    parts = c["parts"]
    at = bisect.bisect_left([p["groups"] for p in parts], groups)
    if at == 0 or at == len(parts):
        return parts[min(at, len(parts) - 1)]
    a, b = parts[at - 1], parts[at]
    x = math.log(groups / a["groups"]) / math.log(b["groups"] / a["groups"])
    return {k: a[k] + x * (b[k] - a[k]) for k in ("bytes", "slot_ns", "write_ns", "read_ns")}


# keys

def ranks(flows, skew):
    """(share of the packets of one flow, flows) of runs of ranks that are about alike; the first thousand each for itself."""
    out, at = [], 1
    while at <= flows:
        n = 1 if at <= 1000 else min(flows - at + 1, at // 100)
        out.append(((at + (n - 1) / 2) ** -skew, n))
        at += n
    total = sum(w * n for w, n in out)
    return [(w / total, n) for w, n in out]


def distinct(flows, skew, packets):
    """Flows that so many packets are of, as it is to be expected."""
    return sum(-n * math.expm1(-packets * p) for p, n in ranks(flows, skew))


def slot_shares(s):
    """
    (share of keys, share of packets) of each slot: heavy flows fall each into a slot of their own; of the others, which are
    many, a slot has as many as it has by chance.
    """
    r = random.Random(s.seed)
    light = max(0, s.flows - 1000)
    keys = [0.0] * SLOTS
    packets = [0.0] * SLOTS
    mean = light / SLOTS
    draws = [max(0.0, r.gauss(mean, math.sqrt(mean))) for _ in range(SLOTS)]
    total = sum(draws)
    all_ranks = ranks(s.flows, s.skew)
    light_packets = sum(p * n for p, n in all_ranks[1000:])
    for i, d in enumerate(draws):
        keys[i] += d / total * light / s.flows if total else 0.0
        packets[i] += d / total * light_packets if total else 0.0
    for p, n in all_ranks[:1000]:
        slot = r.randrange(SLOTS)
        keys[slot] += n / s.flows
        packets[slot] += p * n
    return keys, packets


def owners(hosts, seed=1, without=None):
    """owner[slot]: shares that differ by one slot at most; those of a host that went go to all others."""
    r = random.Random(seed)
    found = [i % hosts for i in range(SLOTS)]
    r.shuffle(found)
    if without is not None:
        left = [h for h in range(hosts) if h != without]
        found = [h if h != without else left[i % len(left)] for i, h in enumerate(found)]
    return found


def owned(hosts, shares, owner):
    out = [0.0] * hosts
    for slot, share in enumerate(shares):
        out[owner[slot]] += share
    return out


# what a window takes

@dataclasses.dataclass
class Load:
    """Of one window: what a host does, and what it sends to each."""
    packets: float           # of a tap
    groups: float            # of a query, at a tap
    rows_out: list           # [hosts] delivered
    prepare_s: float         # control: panes of the workers as one, slots, parting, the own part
    write_s: list            # [hosts] control, for that owner
    read_s: list             # [hosts] control at that owner
    deliver_s: list          # [hosts] control at that owner
    bytes: list              # [hosts] to that owner, all headers
    frames: list             # [hosts]
    kept_bytes: float
    owned_bytes: list        # [hosts] windows that are put together


def workers_of(s, c):
    return s.workers or max(1, math.ceil(s.pps * worker_ns(s, c) / 1e9 / 0.8))


def part_load(s, c, groups, share, load, dest):
    """Groups of one query that go from a tap to `dest`."""
    p = part_costs(c, groups)
    n = groups * share
    size = n * p["bytes"]
    frames = math.ceil(size / PART_BYTES) if n >= 0.5 else 0
    load.write_s[dest] += n * p["write_ns"] / 1e9
    load.read_s[dest] += n * p["read_ns"] / 1e9
    load.frames[dest] += frames
    load.bytes[dest] += size + frames * (FRAME_BYTES + (TAG_BYTES if s.is_sealed else 0))


def union(s, groups):
    """Rows of all taps together: what they share comes once, but each sees only some of it."""
    if s.hosts == 1:
        return groups
    packets = s.pps * s.window_s
    shared = int(s.flows * s.shared)
    own = groups * (1 - s.shared) * s.hosts
    return own + (distinct(s.flows, s.skew, packets * s.hosts) * shared / s.flows if shared else 0.0)


def load(s, c, owner=None):
    """Of a window at each host. All taps are alike, so one list for all senders."""
    keys, packets = slot_shares(s)
    owner = owner or owners(s.hosts, s.seed)
    by_keys, by_packets = owned(s.hosts, keys, owner), owned(s.hosts, packets, owner)
    n_packets = s.pps * s.window_s
    groups = distinct(s.flows, s.skew, n_packets)
    all_rows = union(s, groups)
    w, p = workers_of(s, c), part_costs(c, groups)
    zero = lambda: [0.0] * s.hosts  # noqa: E731
    out = Load(n_packets, groups, zero(), 0.0, zero(), zero(), zero(), zero(), zero(), 0.0, zero())
    head = owner[0]
    for kind, n in s.kinds.items():
        for _ in range(n):
            if kind == "rows":
                ship(s, c, n_packets, by_packets, out)
            else:
                # A flow is at one worker by RSS: all but the largest of their panes are merged into that.
                out.prepare_s += groups * (w - 1) / w * p["read_ns"] / 1e9
                out.kept_bytes += groups * (GROUP_BYTES + KEPT_BYTES)
            if kind == "slot":
                out.prepare_s += groups * (p["slot_ns"] + c["part_ns"]) / 1e9 if s.is_cluster else 0.0
                for dest in range(s.hosts):
                    part_load(s, c, groups, by_keys[dest], out, dest)
            if kind == "head":
                out.prepare_s += groups * c["part_ns"] / 1e9 if s.is_cluster else 0.0
                part_load(s, c, groups, 1.0, out, head)
            # What is delivered
            for dest in range(s.hosts):
                rows = all_rows * by_keys[dest]
                if kind == "head":
                    rows = all_rows if dest == head else 0.0
                out.owned_bytes[dest] += rows * GROUP_BYTES
                made = min(rows, s.top) if kind == "head" else rows
                out.rows_out[dest] += made
                out.deliver_s[dest] += (made * c["row_ns"] + (rows * c["top_ns"] if kind == "head" else 0.0)) / 1e9
    return out


def ship(s, c, n_packets, by_packets, out):
    """Rows of packets, as they are, to the owners of their keys."""
    for dest in range(s.hosts):
        n = n_packets * by_packets[dest]
        size = n * c["row_bytes"]
        out.bytes[dest] += size
        out.frames[dest] += size / (PART_BYTES + FRAME_BYTES)
        # The cost is of both ends together: a half each.
        out.write_s[dest] += n * c["row_shipped_ns"] / 2e9
        out.read_s[dest] += n * c["row_shipped_ns"] / 2e9
        out.kept_bytes += n * c["row_bytes"]


# against what was measured

def validate(c, cluster):
    """Rows of a table: each measured run's costs beside those that the model has for the same."""
    out = []
    for r in cluster["runs"]:
        windows = r["packets"] / r["nodes"] / cluster["pps"] / cluster["window_s"]
        hosts, times = (r["nodes"], 1) if r["is_cluster"] else (1, r["nodes"])
        s = Setup(hosts=hosts, pps=cluster["pps"], flows=cluster["flows"], skew=cluster["skew"], shared=1.0,
                  window_s=cluster["window_s"], kinds={r["kind"]: 1}, workers=1, is_sealed=r["is_sealed"], is_cluster=r["is_cluster"])
        m = {k: x * windows * times for k, x in total(s, c).items()}
        # What nodes tell each other goes by the time that the run took.
        frames, size = chatter(s)
        m["wire s"] += 2 * hosts * frames * r["done_s"] * frame_ns(s, c) / 1e9
        m["bytes on the wire"] += hosts * size * r["done_s"]
        got = {"rows": r["rows"], "worker s": r["by_kind_s"]["worker"], "control s": r["by_kind_s"]["control"]}
        if hosts > 1:
            got.update({"wire s": r["by_kind_s"]["wire"], "bytes on the wire": r["link_sent_bytes"]})
        out += [{"run": r["name"], "what": what, "measured": x, "model": m[what], "error": m[what] / x - 1 if x else 0.0}
                for what, x in got.items()]
    return out


def total(s, c):
    """Of a window, all hosts together, no idle traffic."""
    x = load(s, c)
    sent = [(i, j) for i in range(s.hosts) for j in range(s.hosts) if i != j]
    frames = sum(x.frames[j] for _, j in sent)
    own = sum(x.read_s)  # each host reads its own part out of its pane
    control = s.hosts * x.prepare_s + own + sum(x.write_s[j] + x.read_s[j] for _, j in sent) + sum(x.deliver_s)
    if not s.is_cluster:
        control = x.prepare_s + sum(x.deliver_s)
    return {"rows": sum(x.rows_out), "control s": control, "worker s": s.hosts * s.pps * s.window_s * worker_ns(s, c) / 1e9,
            "wire s": 2 * frames * (1 + 1 / ACK_EVERY) * frame_ns(s, c) / 1e9,
            "bytes on the wire": sum(x.bytes[j] for _, j in sent) + frames / ACK_EVERY * ACK_BYTES}


def chatter(s):
    """Of a host, each second: (frames, bytes) that it sends beside data, and as many come."""
    peers = s.hosts - 1
    return peers * (STATUS_HZ + 2 * PING_HZ), peers * (STATUS_HZ * STATUS_BYTES + 2 * PING_HZ * PING_BYTES)


def worker_ns(s, c):
    """A packet's, of all queries: those behind the first are taken to cost as much as it."""
    return sum(n * c["worker_rows_ns" if kind == "rows" else "worker_ns"] for kind, n in s.kinds.items())


def frame_ns(s, c):
    return c["frame_ns"] + (c["seal_ns"] if s.is_sealed else 0.0)
