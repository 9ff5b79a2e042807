"""Queries that take rows of others, as weir must answer them: dictionaries and Python's numbers, nothing of weir.

    a = packets("a", caught, ["ip.src"], [("n", "count")], tumbling(SEC))
    b = union("b", a).group(["n"], [("k", "count")])
    expected = emit(a, b)
"""
import collections
import oracle

Window = collections.namedtuple("Window", "start end rows")


class Row(dict):
    """a row; a column that it lacks is None"""

    def __missing__(self, name):
        return None


def tumbling(size):
    return ("sliding", size, size)


def sliding(size, slide):
    return ("sliding", size, slide)


def session(gap, longest=None):
    return ("session", gap, longest)


def counted(n):
    return ("count", n)


GLOBAL = ("global",)


def getters(keys):
    return [(k, lambda r, k=k: r[k]) if isinstance(k, str) else k for k in keys]


def fold_rows(items, aggs, span):
    """columns of a group: items are (time, row) in the order of arrival"""
    out = {}
    for name, function, *arg in aggs:
        f = arg[0] if arg else (lambda r: 1)
        if isinstance(f, str):
            f = (lambda r, n=f: r[n])
        some = items
        if function in ("first", "last"):  # in the order of time, not of arrival
            some = sorted(items, key=lambda x: (x[0] is not None, x[0]))
        out[name] = oracle.fold(function, [f(r) for _, r in some], [t for t, _ in some], span)
    return out


def by_key(items, keys):
    groups = {}
    for t, r in items:
        key = tuple(f(r) for _, f in keys)
        if None not in key:
            groups.setdefault(key, []).append((t, r))
    return groups


def key_order(key):
    return [oracle.order(x) for x in key]


def rows_of_group(items, keys, aggs, span):
    groups = by_key(items, keys)
    return [Row(list(zip([n for n, _ in keys], key)) + list(fold_rows(groups[key], aggs, span).items()))
            for key in sorted(groups, key=key_order)]


def in_windows(items, keys, aggs, spec):
    """[Window]: ascending by end; those of sessions and counts by end, start and key, each with one row"""
    if spec[0] == "global":
        items = list(items)
        kept = [t for g in by_key(items, keys).values() for t, _ in g if t is not None]
        if not kept:
            return []
        start, end = min(kept), max(kept)
        return [Window(start, end, rows_of_group(items, keys, aggs, end - start))]
    if spec[0] == "sliding":
        _, size, slide = spec
        found = {}
        for t, r in items:
            start = t // slide * slide
            while start > t - size:
                found.setdefault(start, []).append((t, r))
                start -= slide
        out = [Window(s, s + size, rows_of_group(found[s], keys, aggs, size)) for s in sorted(found)]
        return [w for w in out if w.rows]
    parts = []
    for key, members in by_key(items, keys).items():
        parts += [(key, part) for part in cut(members, spec)]
    out = []
    for key, part in parts:
        times = [t for t, _ in part]
        first, last = min(times), max(times)
        row = Row(list(zip([n for n, _ in keys], key)) + list(fold_rows(part, aggs, last - first).items()))
        out.append((last, first, key_order(key), Window(first, last, [row])))
    return [w for *_, w in sorted(out, key=lambda x: x[:3])]


def cut(members, spec):
    """the sessions, or windows of so many rows, of one key"""
    if spec[0] == "count":
        return [members[i:i + spec[1]] for i in range(0, len(members), spec[1])]
    _, gap, longest = spec
    parts = []
    for t, r in members:
        if parts:
            lo, hi = min(x for x, _ in parts[-1]), max(x for x, _ in parts[-1])
            fits = lo - gap <= t <= hi + gap and (not longest or max(hi, t) - min(lo, t) <= longest)
            if fits:
                parts[-1].append((t, r))
                continue
        parts.append([(t, r)])
    return parts


class Query:
    """The rows of a query, window by window. Each step gives a new one."""

    def __init__(self, name, keys, windows, spec, delay=0, level=0, columns=()):
        self.name, self.keys, self.windows, self.spec = name, list(keys), windows, spec
        self.delay, self.level = delay, level  # rows are due so long after the end of their window
        self.columns = list(columns)           # all of them, in order

    def change(self, f, **more):
        windows = [Window(w.start, w.end, f(w)) for w in self.windows]
        same = dict(name=self.name, keys=self.keys, windows=[w for w in windows if w.rows], spec=self.spec,
                    delay=self.delay, level=self.level, columns=self.columns)
        return Query(**{**same, **more})

    def rename(self, name):
        return self.change(lambda w: w.rows, name=name)

    def later(self, levels):
        """it takes the rows of a query"""
        return self.change(lambda w: w.rows, level=self.level + levels)

    def order(self, row):
        """by the keys, then by the other columns"""
        return key_order([row[c] for c in self.columns if c in self.keys] +
                         [row[c] for c in self.columns if c not in self.keys])

    def where(self, f):
        return self.change(lambda w: [r for r in w.rows if f(r)])

    def map(self, name, f):
        return self.change(lambda w: [Row(r, **{name: f(r)}) for r in w.rows], columns=self.columns + [name])

    def top(self, n, column):
        return self.change(lambda w: sorted(w.rows, key=lambda r: (
            r[column] is None, -(r[column] or 0), self.order(r)))[:n])

    def select(self, *columns):
        names = [c if isinstance(c, str) else c[0] for c in columns]
        pick = getters(columns)
        return self.change(lambda w: [Row((n, f(r)) for n, f in pick) for r in w.rows],
                           keys=[n for n in names if n in self.keys], columns=names)

    def group(self, keys, aggs, spec=None):
        """A further --key and --agg: within each window, or into windows of its own"""
        pick = getters(keys)
        names = [n for n, _ in pick]
        columns = names + [a[0] for a in aggs]
        if spec is None:
            return self.change(lambda w: rows_of_group([(None, r) for r in w.rows], pick, aggs, w.end - w.start),
                               keys=names, columns=columns)
        last = 1 if self.spec[0] == "sliding" else 0  # a window that is cut by time does not hold its end
        items = [(w.end - last, r) for w in self.windows for r in w.rows]
        delay = float("inf") if self.spec == GLOBAL else self.delay
        return Query(self.name, names, in_windows(items, pick, aggs, spec), spec, delay, self.level, columns)

    def join(self, kind, other, prev=False):
        """other's rows of the same window, or of the one before; of several with one key the first"""
        step = other.spec[2] if other.spec[0] == "sliding" else 0
        there = {} if prev and other.spec[0] == "global" else {
            (w.start if other.spec[0] == "sliding" else 0): w for w in other.windows}
        taken = [c for c in other.columns if c not in other.keys] if kind in ("inner", "left") else []

        def rows(w):
            found = {}
            at = there.get(w.start - step * prev if other.spec[0] == "sliding" else 0)
            for r in at.rows if at else ():
                found.setdefault(tuple(r[k] for k in other.keys), r)
            out = []
            for r in w.rows:
                match = found.get(tuple(r[k] for k in other.keys))
                if kind == "anti" if match is not None else kind in ("inner", "semi"):
                    continue
                out.append(Row(r, **{c: match[c] if match is not None else other.missing(c) for c in taken}))
            return out

        return self.change(rows, delay=max(self.delay, other.delay), level=max(self.level, other.level + 1),
                           columns=self.columns + taken)

    def missing(self, column):
        """what a left join gives where there is no row: 0 for a number"""
        values = [r[column] for w in self.windows for r in w.rows if r[column] is not None]
        return 0 if not values or isinstance(values[0], (int, float)) else None


def packets(name, caught, keys, aggs, spec, where=None):
    pick = getters(keys)
    names = [n for n, _ in pick]
    items = [(p.t, p) for p in caught if (not where or where(p)) and (p.t is not None or spec == GLOBAL)]
    delay = spec[1] + 1 if spec[0] == "session" else 1 if spec[0] == "count" else 0
    return Query(name, names, in_windows(items, pick, aggs, spec), spec, delay, 0, names + [a[0] for a in aggs])


def handed_over(name, caught, like, where=None):
    """packets that are joined: those of one of like's windows together, in the order of arrival"""
    found = {}
    for p in caught:
        if not where or where(p):
            start = p.t // like.spec[1] * like.spec[1] if like.spec[0] == "sliding" else 0
            found.setdefault(start, []).append(Row(p.fields, **{"frame.time.ns": p.t}))
    size = like.spec[1] if like.spec[0] == "sliding" else 0
    return Query(name, [], [Window(s, s + size, found[s]) for s in sorted(found)], like.spec)


def union(name, *inputs):
    """--from"""
    columns, found = [], {}
    for q in inputs:
        columns += [c for c in q.columns if c not in columns]
    keys = [k for k in inputs[0].keys if all(k in q.keys for q in inputs)]
    spec = inputs[0].spec
    alone = spec[0] in ("session", "count")
    out = Query(name, keys, [], spec, max(q.delay for q in inputs), 1 + max(q.level for q in inputs), columns)
    windows = out.windows
    for q in inputs:
        for w in q.windows:
            rows = [Row((c, r[c]) for c in columns) for r in w.rows]
            if alone:
                windows.append(Window(w.start, w.end, rows))
            else:
                found.setdefault((w.start, w.end) if spec != GLOBAL else 0, []).append(Window(w.start, w.end, rows))
    for some in found.values():
        rows = sorted([r for w in some for r in w.rows], key=out.order)
        windows.append(Window(min(w.start for w in some), max(w.end for w in some), rows))
    windows.sort(key=lambda w: (w.end, w.start, out.order(w.rows[0])))
    return out


def emit(*queries):
    """The rows that leave, in their order: when they are due, then by level, then as the queries are given."""
    out = []
    for number, q in enumerate(queries):
        for at, w in enumerate(q.windows):
            due = float("inf") if q.spec == GLOBAL else w.end + q.delay
            for r in w.rows:
                row = {"query": q.name, "window.start": oracle.time_text(w.start),
                       "window.end": oracle.time_text(w.end)}
                row.update((c, r[c]) for c in q.columns)
                out.append(((due, q.level, number, at), row))
    return [row for _, row in sorted(out, key=lambda x: x[0])]
