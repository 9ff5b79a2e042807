"""Rows as weir must print them, computed from the descriptions of packets that pcapmaker keeps.

It shares nothing with weir: dictionaries, sorting and Python's numbers. A field whose layer a packet
lacks is None; a None in a key drops the packet.
"""
import collections
import ipaddress
import math
import statistics
import time


class Raw(str):
    """text that stands in JSON as it is"""


def time_text(ns):
    s, rest = divmod(ns, 10**9)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(s)) + ".%09dZ" % rest


def seconds(ns):
    return Raw("%d.%09d" % divmod(ns, 10**9))


def text(v):
    """a value as JSON"""
    if v is None:
        return "null"
    if isinstance(v, Raw):
        return str(v)
    if v is True or v is False:
        return "true" if v else "false"
    if isinstance(v, (int, float)):
        return repr(v)
    if isinstance(v, bytes):
        try:
            s = v.decode("utf-8")
            v = s if all(c.isprintable() or c in "\n\r\t" for c in s) else "hex:" + v.hex()
        except UnicodeDecodeError:
            v = "hex:" + v.hex()
    out = str(v).replace("\\", "\\\\").replace('"', '\\"')
    return '"%s"' % out.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def json_row(row):
    return "{%s}" % ",".join('"%s":%s' % (k, text(v)) for k, v in row.items())


def json_rows(rows):
    return "".join(json_row(r) + "\n" for r in rows)


def order(v):
    """sort key: null, then numbers by size, IPv4 before IPv6, text as bytes"""
    if v is None:
        return (0,)
    if isinstance(v, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
        return (1, v.version, int(v))
    if isinstance(v, str):
        return (1, v.encode())
    return (1, v)


def fold(function, values, times, span):
    """An aggregate over a group's values (None left out, as every aggregate does)."""
    if function == "count":
        return len(values)
    kept = [(v, t) for v, t in zip(values, times) if v is not None]
    v = [x for x, _ in kept]
    if function == "count_if":
        return sum(1 for x in v if x)
    if function == "sum":
        return sum(v)
    if function == "changes" and not v:
        return 0
    if function in ("distinct", "approx_distinct"):  # the latter for so few that it is exact
        return len(set(v))
    if function == "rate":
        return sum(v) / (span / 10**9)
    if not v:
        return None
    if function == "min":
        return min(v, key=order)
    if function == "max":
        return max(v, key=order)
    if function == "mean":
        return sum(v) / len(v)
    if function == "stddev":
        return statistics.pstdev(v)
    if function == "entropy":
        counts = collections.Counter(v).values()
        return math.fsum(c / len(v) * math.log2(len(v) / c) for c in counts)
    if function.startswith("topk:"):
        best = sorted(collections.Counter(v).items(), key=lambda x: (-x[1], order(x[0])))
        return " ".join("%s=%d" % x for x in best[:int(function[5:])])
    if function.startswith("quantile:"):
        return sorted(v)[max(math.ceil(float(function[9:]) * len(v)), 1) - 1]
    if function == "changes":
        return sum(1 for a, b in zip(v, v[1:]) if a != b)
    if function.startswith("ewma:"):
        a, s = float(function[5:]), float(v[0])
        for x in v[1:]:
            s = a * s + (1 - a) * x
        return s
    if function == "first":
        return v[0]
    if function == "last":
        return v[-1]
    raise ValueError(function)


def group(packets, aggs, keys=(), where=None, window=None, top=None, having=None, query="main", seen=()):
    """Rows of a query with --agg.

    keys: field names, or (name, function of the packet)
    aggs: (name, aggregate[, field name or function of the packet])
    window: nanoseconds, None for the global one; top: (number, column)
    seen: packets that found no place, but were in the window: they count for its start and end
    """
    get = []
    for k in keys:
        get.append((k, lambda p, k=k: p[k]) if isinstance(k, str) else k)
    groups = {}
    spans = {}
    for p in seen:
        lo, hi = spans.get(0, (p.t, p.t))
        spans[0] = (min(lo, p.t), max(hi, p.t))
    for p in packets:
        if where and not where(p):
            continue
        key = tuple(f(p) for _, f in get)
        if None in key:
            continue
        w = p.t // window if window else 0
        lo, hi = spans.get(w, (p.t, p.t))
        spans[w] = (min(lo, p.t), max(hi, p.t))
        groups.setdefault(w, {}).setdefault(key, []).append(p)
    rows = []
    for w in sorted(groups):
        start, end = (w * window, (w + 1) * window) if window else spans[w]
        some = []
        for key in sorted(groups[w], key=lambda k: [order(x) for x in k]):
            members = groups[w][key]
            row = {"query": query, "window.start": time_text(start), "window.end": time_text(end)}
            row.update((n, x) for (n, _), x in zip(get, key))
            for name, function, *arg in aggs:
                f = arg[0] if arg else (lambda p: 1)
                if isinstance(f, str):
                    f = (lambda p, n=f: p[n])
                row[name] = fold(function, [f(p) for p in members], [p.t for p in members], end - start)
            if having is None or having(row):
                some.append(row)
        if top:
            n, column = top
            some.sort(key=lambda r: (r[column] is None, -(r[column] or 0)))
            some = some[:n]
        rows += some
    return rows


def states(packets, variables, step, keys=(), window=None, having=None, query="main"):
    """Rows of a query with --fold: step(state, p) changes the dictionary of a group, {} before its first packet."""
    groups = {}
    spans = {}
    for p in packets:
        key = tuple(p[k] for k in keys)
        if None in key:
            continue
        w = p.t // window if window else 0
        lo, hi = spans.get(w, (p.t, p.t))
        spans[w] = (min(lo, p.t), max(hi, p.t))
        step(groups.setdefault(w, {}).setdefault(key, {}), p)
    rows = []
    for w in sorted(groups):
        start, end = (w * window, (w + 1) * window) if window else spans[w]
        for key in sorted(groups[w], key=lambda k: [order(x) for x in k]):
            row = {"query": query, "window.start": time_text(start), "window.end": time_text(end)}
            row.update(zip(keys, key))
            row.update((v, groups[w][key][v]) for v in variables)
            if having is None or having(row):
                rows.append(row)
    return rows


def select(packets, columns, where=None, query="main"):
    """Rows of a query with --select: columns are field names or (name, function of the packet)."""
    rows = []
    for p in packets:
        if where and not where(p):
            continue
        row = {"query": query}
        for c in columns:
            row.update({c: p[c]} if isinstance(c, str) else {c[0]: c[1](p)})
        rows.append(row)
    return rows


def number(packets):
    """Give packets the fields that follow from their place in the stream."""
    for i, p in enumerate(packets, 1):
        p.fields["frame.number"] = i
        if p.t is not None:
            p.fields["frame.time"] = time_text(p.t)
            p.fields["frame.time_epoch"] = seconds(p.t)
    return packets
