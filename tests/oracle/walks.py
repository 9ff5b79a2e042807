"""Answers for which packets are walked in their order, one by one. What they take and give is as in tables.py."""
import collections
import math
from decimal import Decimal

import facts
import windows

FLOW = ("ip.src", "ip.dst", "ip.proto", "srcport", "dstport")
GAP = facts.SECOND // 1000 * 200, facts.SECOND // 1000 * 320  # of timeouts, both excluded


def by_flow(c, window):
    """(row with the window and the key, packets) of each flow in each window"""
    keyed = windows.groups([p for p in c.packets if p.flow and None not in p.flow], window,
                           lambda p: p.flow, lambda p: p.t)
    for (start, end), key, packets in keyed:
        yield {"start": start, "end": end, **dict(zip(FLOW, key))}, packets


def plus(*numbers):
    return None if None in numbers else sum(numbers)


def is_different(a, b):
    return a is not None and b is not None and a != b


def is_before(a, b):
    """sequence numbers, modulo 2^32 (RFC 1982)"""
    return a is not None and b is not None and 0 < (b - a) % 2**32 < 2**31


def out_of_sequence(c, window):
    rows = []
    for row, packets in by_flow(c, window):
        n, following = 0, packets[0].seq
        for p in packets:
            n += is_different(following, p.seq)
            is_tcp = p.flags is not None
            following = plus(p.seq, p.tcp_len, bool(p.flags & 2), p.flags & 1) if is_tcp else None
        rows.append({**row, "n": n, "next": following})
    return [r for r in rows if r["n"] > 0]


def non_monotonic(c, window):
    rows = []
    for row, packets in by_flow(c, window):
        n, most = 0, packets[0].seq
        for p in packets:
            n += is_before(p.seq, most)
            if p.seq is None or most is None:
                most = None
            elif is_before(most, p.seq):
                most = p.seq
        rows.append({**row, "n": n, "max": most})
    return [r for r in rows if r["n"] > 0]


def length_ewma(c, window):
    rows = []
    for row, packets in by_flow(c, window):
        s = float(packets[0].len)
        for p in packets[1:]:
            s = 0.1875 * s + (1 - 0.1875) * p.len
        rows.append({**row, "avg": s})
    return rows


def flowlets(c, window, gap):
    sizes = [(row["end"], len(packets)) for row, packets in by_flow(c, "session:" + gap)]
    return [{"start": start, "end": end, "b": b, "n": len(some)}
            for (start, end), (b,), some in windows.groups(sizes, window, lambda s: (s[1] // 128 * 128,), lambda s: s[0])]


def timeouts(c, window):
    rows = []
    for row, packets in by_flow(c, window):
        n = sum(GAP[0] < b.t - a.t < GAP[1] for a, b in zip(packets, packets[1:]))
        rows.append({**row, "n": n, "t": Decimal(packets[-1].t) / facts.SECOND})
    return [r for r in rows if r["n"] > 0]


def reroute(c, window):
    rows = [{**row, "ch": sum(a.ttl != b.ttl for a, b in zip(packets, packets[1:]))} for row, packets in by_flow(c, window)]
    return [r for r in rows if r["ch"] > 0]


def netflow(c, window):
    return [{**row, "packets": len(packets), "bytes": sum(p.iplen for p in packets)} for row, packets in by_flow(c, window)]


def subnets(c, window):
    found = windows.groups(c.packets, window, lambda p: (facts.net(p.src, 24),), lambda p: p.t)
    return [{"start": start, "end": end, "net": net, "bps": sum(p.len for p in packets) / ((end - start) / facts.SECOND)}
            for (start, end), (net,), packets in found]


def rank(numbers, q):
    """the least number that a share q of them does not exceed"""
    return sorted(numbers)[max(math.ceil(q * len(numbers)), 1) - 1]


def sizes(c, window):
    rows = []
    for (start, end), _, packets in windows.groups(c.packets, window, lambda p: (), lambda p: p.t):
        lengths = [p.len for p in packets]
        counts = collections.Counter(p.src for p in packets if p.src is not None).values()
        n = sum(counts)
        rows.append({"start": start, "end": end, "p50": rank(lengths, 0.5), "p99": rank(lengths, 0.99),
                     "e": -math.fsum(k / n * math.log2(k / n) for k in counts) + 0.0 if n else None})
    return rows
