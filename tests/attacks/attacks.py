#!/usr/bin/env python3
"""Each gen:attack: holds what weir-gen --describe says, and accuses nobody else.

The packets that weir-gen writes are read and counted here, by the query's meaning and without weir; the rows
must be those of the description. Of those attacks whose query is one plain group, weir itself is asked too.
"""
import collections
import json
import os
import shlex
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"))
import oracle  # noqa: E402
import pcapread  # noqa: E402
import tap  # noqa: E402
import weir  # noqa: E402

S = 10**9
VARIANTS = (
    "rate=2000&count=24500&seed=3",  # the last second is too short for anything to be planted
    "rate=5003&count=8200&seed=11&flows=50&dist=zipf:1.2&v6=0.4&vlan=0.3&size=200",
)
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

Packet = collections.namedtuple("Packet", "t i len src dst proto ttl iplen sport dport flags seq paylen pay dns sni")


def address(b):
    return ".".join(map(str, b)) if len(b) == 4 else b.hex(":", 2)


def name_at(d, at):
    labels = []
    while d[at]:
        labels.append(d[at + 1:at + 1 + d[at]].decode())
        at += 1 + d[at]
    return ".".join(labels), at + 1


def read_dns(d):
    """(is an answer, answers, name, type of the first record, first A)"""
    flags, _, n = struct.unpack(">HHH", d[2:8])
    name, at = name_at(d, 12)
    if not n:
        return flags >> 15, 0, name, None, None
    kind, _, _, size = struct.unpack(">HHIH", d[at + 6:at + 16])
    assert at + 16 + size == len(d), "DNS lengths"
    return flags >> 15, n, name, kind, address(d[at + 16:at + 20]) if kind == 1 else None


def read_sni(d):
    assert len(d) == 5 + struct.unpack(">H", d[3:5])[0] and d[5] == 1
    at = 9 + 34
    at += 1 + d[at]
    at += 2 + struct.unpack(">H", d[at:at + 2])[0]
    at += 1 + d[at] + 2
    kind, size = struct.unpack(">HH", d[at:at + 4])
    assert kind == 0 and at + 4 + size == len(d)
    return d[at + 9:].decode()


def dissect(interface, t, d, wire):
    at = 12
    kind, = struct.unpack_from(">H", d, at)
    if kind == 0x8100:
        at += 4
        kind, = struct.unpack_from(">H", d, at)
    at += 2
    none = [None] * 13
    if kind == 0x0806:
        return Packet(t, interface, wire, *none)
    if kind == 0x0800:
        iplen, ttl, proto = struct.unpack_from(">H", d, at + 2)[0], d[at + 8], d[at + 9]
        src, dst, l4 = d[at + 12:at + 16], d[at + 16:at + 20], at + 20
    else:
        iplen, ttl, proto = 40 + struct.unpack_from(">H", d, at + 4)[0], d[at + 7], d[at + 6]
        src, dst, l4 = d[at + 8:at + 24], d[at + 24:at + 40], at + 40
    end = at + iplen
    head = [t, interface, wire, address(src), address(dst), proto, ttl, iplen]
    if proto == 6:
        sport, dport, seq, _, offset, flags = struct.unpack_from(">HHIIBB", d, l4)
        pay = d[l4 + (offset >> 4) * 4:end]
        sni = read_sni(pay) if pay[:2] == b"\x16\x03" else None
        return Packet(*head, sport, dport, flags, seq, len(pay), pay, None, sni)
    if proto == 17:
        sport, dport, size = struct.unpack_from(">HHH", d, l4)
        assert size == end - l4, "UDP length"
        pay = d[l4 + 8:end]
        return Packet(*head, sport, dport, None, None, len(pay), pay, read_dns(pay) if 53 in (sport, dport) else None, None)
    return Packet(*head, 0, 0, None, None, None, None, None, None)


def flow(p):
    return p.src and (p.src, p.dst, p.proto, p.sport, p.dport)


def is_syn(p):
    return p.flags is not None and p.flags & (SYN | ACK) == SYN


# Groups of a list of packets, as {key: value}.

def count(packets, key, where=lambda p: True, value=None):
    found = collections.Counter()
    for p in packets:
        if where(p) and key(p) is not None:
            found[key(p)] += value(p) if value else 1
    return found


def distinct(packets, key, what, where=lambda p: True):
    found = collections.defaultdict(set)
    for p in packets:
        if where(p) and key(p) is not None and what(p) is not None:
            found[key(p)].add(what(p))
    return {k: len(v) for k, v in found.items()}


def flows(packets, where=lambda p: p.src):
    found = collections.defaultdict(list)
    for p in packets:
        if where(p):
            found[flow(p)].append(p)
    return found


def having(names, found, test=lambda *v: True):
    """rows of {key: value or values}, whose columns have these names"""
    rows = []
    for k, v in found.items():
        values = v if isinstance(v, tuple) else (v,)
        if test(*values):
            keys = k if isinstance(k, tuple) else (k,)
            rows.append(dict(zip(names, keys + values)))
    return rows


FLOW = ["ip.src", "ip.dst", "ip.proto", "srcport", "dstport"]


def new_tcp(ps):
    return having(["ip.dst", "n"], count(ps, lambda p: p.dst, is_syn), lambda n: n >= 40)


def ssh_brute(ps, port=22):
    return having(["ip.dst", "ip.len", "n"], distinct(ps, lambda p: (p.dst, p.iplen), lambda p: p.src,
                  lambda p: p.proto == 6 and p.dport == port), lambda n: n >= 40)


def superspreader(ps):
    return having(["ip.src", "n"], distinct(ps, lambda p: p.src, lambda p: p.dst), lambda n: n >= 40)


def port_scan(ps):
    return having(["ip.src", "n"], distinct(ps, lambda p: p.src, lambda p: p.dport, lambda p: p.proto == 6),
                  lambda n: n >= 40)


def ddos(ps):
    return having(["ip.dst", "n"], distinct(ps, lambda p: p.dst, lambda p: p.src), lambda n: n >= 45)


def syn_flood(ps):
    syn = count(ps, lambda p: p.dst, is_syn)
    synack = count(ps, lambda p: p.src, lambda p: p.flags and p.flags & (SYN | ACK) == SYN | ACK)
    ack = count(ps, lambda p: p.dst, lambda p: p.flags == ACK)
    return having(["host", "syn", "synack", "ack"], {h: (n, synack[h], ack[h]) for h, n in syn.items()},
                  lambda s, sa, a: s + sa - a >= 3)


def incomplete(ps):
    syn = count(ps, lambda p: p.dst, is_syn)
    fin = count(ps, lambda p: p.src, lambda p: p.flags and p.flags & FIN)
    return having(["host", "syn", "fin"], {h: (n, fin[h]) for h, n in syn.items()}, lambda s, f: s - f >= 1)


def slowloris(ps):
    def tcp(p):
        return p.proto == 6
    conns = distinct(ps, lambda p: p.dst, lambda p: (p.src, p.sport), tcp)
    size = count(ps, lambda p: p.dst, tcp, lambda p: p.iplen)
    return having(["ip.dst", "conns", "bytes"], {h: (n, size[h]) for h, n in conns.items()},
                  lambda c, b: c >= 5 and b >= 500 and b // c <= 90)


def dns_tunnel(ps):
    a = count(ps, lambda p: (p.dst, p.dns[4]) if p.dns[4] else None, lambda p: p.dns and p.sport == 53 and p.dns[1] >= 1)
    c = count(ps, lambda p: (p.src, p.dst), is_syn)
    return having(["client", "n"], collections.Counter(k[0] for k, n in a.items() if n - c[k] >= 1))


def zorro(ps, before=()):
    victims = {r["ip.dst"] for r in ssh_brute(before, 23)}
    return having(["ip.dst", "n"], count(ps, lambda p: p.dst, lambda p: p.proto == 6 and p.dport == 23 and
                                         p.dst in victims and b"zorro" in p.pay))


def dns_reflect(ps):
    return having(["ip.dst", "n"], distinct(ps, lambda p: p.dst, lambda p: p.src,
                  lambda p: p.dns and p.sport == 53 and p.dns[3] == 46), lambda n: n >= 40)


def heavy(ps):
    return having(["ip.src", "ip.dst", "bytes"], count(ps, lambda p: p.src and (p.src, p.dst), value=lambda p: p.iplen))


def malicious_domain(ps):
    return having(["dns.a", "n"], distinct(ps, lambda p: p.dns[4], lambda p: p.dns[2], lambda p: p.dns))


def udp_asymmetry(ps):
    out = count(ps, lambda p: p.src, lambda p: p.proto == 17)
    back = count(ps, lambda p: p.dst, lambda p: p.proto == 17)
    return having(["host", "sent", "got"], {h: (n, back[h]) for h, n in out.items()}, lambda s, g: s - g >= 100)


def by_flow(ps, state, name="n", test=lambda n: n > 0, where=lambda p: p.src):
    return having(FLOW + [name], {k: state(v) for k, v in flows(ps, where).items()}, test)


def out_of_sequence(ps):
    def state(v):
        n, following = 0, v[0].seq
        for p in v:
            n += p.seq != following
            following = p.seq + p.paylen + bool(p.flags & SYN) + bool(p.flags & FIN)
        return n
    return by_flow(ps, state, where=lambda p: p.proto == 6)


def non_monotonic(ps):
    def less(a, b):
        return (a - b) & 0x80000000 != 0

    def state(v):
        n, most = 0, v[0].seq
        for p in v:
            n += less(p.seq, most)
            most = p.seq if less(most, p.seq) else most
        return n
    return by_flow(ps, state, where=lambda p: p.proto == 6)


def length_ewma(ps):
    def state(v):
        s = v[0].len
        for p in v[1:]:
            s = 0.1875 * s + 0.8125 * p.len
        return s
    return by_flow(ps, state, "avg")


def flowlets(ps):
    found = collections.Counter()
    for v in flows(ps).values():
        size = 0
        for p, following in zip(v, v[1:] + [None]):
            size += 1
            if following is None or following.t - p.t > 5000:
                found[size // 128 * 128] += 1
                size = 0
    return having(["b", "n"], found)


def timeouts(ps):
    return by_flow(ps, lambda v: sum(0.2 * S < b.t - a.t < 0.32 * S for a, b in zip(v, v[1:])))


def incast(ps):  # a capture has no depth of a queue: weir is asked below
    found = distinct(ps, lambda p: p.dst, lambda p: (p.src, p.sport), lambda p: p.proto == 6)
    return [{**r, "q": 150} for r in having(["ip.dst", "flows"], found, lambda n: n > 50)
            if not r["ip.dst"].startswith("198.51.100.")]


def loss(ps):
    v = {k: (sum(p.i == 0 for p in f), sum(p.i == 1 for p in f)) for k, f in flows(ps).items()}
    return having(FLOW + ["rx", "tx"], v, lambda rx, tx: (rx - tx) * 100 > rx)


def reroute(ps):
    return by_flow(ps, lambda v: sum(a.ttl != b.ttl for a, b in zip(v, v[1:])), "ch")


def talkers(ps):
    size = count(ps, lambda p: p.src, value=lambda p: p.len)
    n = count(ps, lambda p: p.src)
    return having(["ip.src", "bytes", "packets"], {k: (b, n[k]) for k, b in size.items()})


def netflow(ps):
    return having(FLOW + ["packets", "bytes"], {k: (len(v), sum(p.iplen for p in v)) for k, v in flows(ps).items()})


def microburst(ps):
    size = sum(p.len for p in ps)
    return [{"bytes": size}] if size > 100000 else []


def subnets(ps):
    def net(p):
        return p.src and p.src[:p.src.rindex(".")] + ".0" if p.src and "." in p.src else None
    return having(["net", "bps"], {k: b / 10 for k, b in count(ps, net, value=lambda p: p.len).items()})


def sizes(ps):
    v = sorted(p.len for p in ps)
    return [{"p50": v[(len(v) + 1) // 2 - 1], "p99": v[-(-len(v) * 99 // 100) - 1]}]


def top_dns(ps):
    return having(["dns.qry.name", "n"], count(ps, lambda p: p.dns[2], lambda p: p.dns and not p.dns[0]))


def tls_names(ps):
    return having(["tls.sni", "n"], distinct(ps, lambda p: p.sni, lambda p: p.src))


def windows(packets, name):
    """[(start, end or None, packets, those of the window before)]"""
    if name in ("global", "session:15s,max:60s"):
        return [(packets[0].t, None, packets, [])]
    size = {"1s": S, "10s": 10 * S, "10s/1s": 10 * S, "1ms": 10**6, "128us": 128000}[name]
    slide = S if name == "10s/1s" else size
    panes = collections.defaultdict(list)
    for p in packets:
        panes[p.t // slide].append(p)
    n = size // slide
    starts = sorted({k - i for k in panes for i in range(n)})
    return [(k * slide, k * slide + size, [p for i in range(n) for p in panes.get(k + i, [])], panes.get(k - 1, []))
            for k in starts]


def close(a, b, within):
    return a == b or (isinstance(a, (int, float)) and isinstance(b, (int, float)) and abs(a - b) <= within * abs(b))


def same(row, want, within):
    return all(k in row and close(row[k], v, within.get(k, 0)) for k, v in want.items())


def judge(d, rows, expected, where):
    """Problems of the rows of one window, against the one that is expected there, or None."""
    rank, within = d["rank"], d.get("within", {})
    first = [k for k in (expected or {}) if k not in d["culprit"] and not k.startswith("window.")][:1]
    hits = [r for r in rows if expected and same(r, expected, within)]
    if expected is None:
        return ["%s: nothing is expected, got %s" % (where, rows[:2])] if rank == "only" and rows else []
    if len(hits) != 1:
        return ["%s: expected %s, got %s" % (where, expected, rows[:3])]
    if rank == "only" and len(rows) != 1:
        return ["%s: others are accused: %s" % (where, [r for r in rows if r not in hits][:3])]
    if rank in ("first", "largest") and any(r[first[0]] >= hits[0][first[0]] for r in rows if r not in hits):
        return ["%s: others have more: %s" % (where, sorted((r[first[0]] for r in rows), reverse=True)[:3])]
    return []


def by_window(rows):
    return {r.get("window.start"): {k: v for k, v in r.items() if not k.startswith("window.")} for r in rows}


def check_counted(d, packets):
    query = globals()[d["attack"]]
    problems = []
    for name, expected in d["expect"].items():
        if not expected:
            problems.append("no row is expected with window " + name)
        wanted = by_window(expected)
        for start, end, ps, before in windows(packets, name):
            key = oracle.time_text(start) if end else None
            # A second that count cut short tells nothing of shares.
            if d["attack"] == "sizes" and key not in wanted:
                continue
            rows = query(ps, before) if d["attack"] == "zorro" else query(ps)
            problems += judge(d, rows, wanted.pop(key, None), "%s %s" % (name, key))
        problems += ["%s: no window %s" % (name, k) for k in wanted]
    return problems


def ask_weir(d):
    """One run a window that the query may have; None where the query has several parts."""
    if " --query " in d["query"] or "flowlets" in d["query"]:
        return None
    problems = []
    for name, expected in d["expect"].items():
        p = weir.run(["--source", d["uri"], "--default-window", name, *shlex.split(d["query"]), "--sink", "json"])
        problems += weir.ended(p)
        rows = [json.loads(line) for line in p.stdout.splitlines()]
        for want in expected:
            mine = [r for r in rows if r["window.start"] == want.get("window.start", r["window.start"])]
            problems += judge(d, mine, want, "weir, %s" % name)
        if d["rank"] == "only" and d["attack"] != "sizes" and len(rows) != len(expected):
            problems.append("weir, %s: %d rows, not %d" % (name, len(rows), len(expected)))
    return problems


def describe(uri):
    p = weir.run(["--describe", uri], binary=weir.GEN)
    return json.loads(p.stdout), weir.ended(p)


def check_one(t, name, variant, folder):
    if name == "microburst":
        variant = variant.replace("size=200", "size=imix")
    uri = "gen:attack:%s?%s" % (name, variant)
    if name == "zorro" and "count=8200" in variant:
        uri = uri.replace("count=8200", "count=14000")
    d, problems = describe(uri)
    path = os.path.join(folder, "a.pcapng")
    p = weir.run([uri, "-w", path], binary=weir.GEN)
    problems += weir.ended(p)
    packets = [dissect(i, time, data, wire) for i, _, time, data, wire in pcapread.read_pcapng(path)]
    if len(packets) != d["count"]:
        problems.append("%d packets were written, not %d" % (len(packets), d["count"]))
    if any(a.t > b.t for a, b in zip(packets, packets[1:])):
        problems.append("time goes back")
    t.check("%s holds what its description says (%s)" % (name, variant), problems + check_counted(d, packets))
    asked = ask_weir(d)
    if asked is not None:
        t.check("%s: weir finds it" % name, asked)


def main():
    t = tap.Tap()
    listed = weir.run(["--list"], binary=weir.GEN).stdout.decode()
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("  ")]
    t.check("there is an attack for each query", [] if len(names) == 29 else [str(names)])
    with tempfile.TemporaryDirectory() as folder:
        for variant in VARIANTS:
            for name in names:
                check_one(t, name, variant, folder)
    t.done()


if __name__ == "__main__":
    main()
