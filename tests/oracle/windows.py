"""Which rows are one window, and when it starts and ends. Rows come in the order of their arrival.

A window is (start, end) in nanoseconds. Everything that follows here goes by the text of --window.
"""
import re

UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9}


def duration(text):
    n, unit = re.fullmatch(r"(\d+)([a-z]+)", text).groups()
    return int(n) * UNITS[unit]


def aligned(t, size, slide):
    """all windows that hold the instant, aligned to the epoch"""
    start = t // slide * slide
    while start + size > t:
        yield start, start + size
        start -= slide


class Session:
    """The windows of one key: a pause of more than the gap ends one, and what would make it longer than the maximum."""

    def __init__(self, gap, most):
        self.gap, self.most = gap, most

    def split(self, rows, time):
        """lists of rows, one a window"""
        parts = []
        first = last = 0
        for r in rows:
            t = time(r)
            lo, hi = min(first, t), max(last, t)
            if parts and abs(t - last) <= self.gap and (not self.most or hi - lo <= self.most):
                parts[-1].append(r)
                first, last = lo, hi
            else:
                parts.append([r])
                first = last = t
        return parts


def session(text):
    """the windows that each key has of its own, or None"""
    m = re.fullmatch(r"session:(\w+)(?:,max:(\w+))?", text)
    return Session(duration(m.group(1)), duration(m.group(2)) if m.group(2) else 0) if m else None


def groups(rows, window, key, time):
    """[((start, end), key, rows)]; None in a key drops the row, and so does no time

    The global window starts and ends with its rows, those of all keys.
    """
    keys = {}
    for r in rows:
        k = key(r)
        if None not in k and (time(r) is not None or window == "global"):
            keys.setdefault(k, []).append(r)
    found = []
    own = session(window)
    if window == "global":
        times = [time(r) for some in keys.values() for r in some if time(r) is not None]
        span = (min(times), max(times)) if times else (None, None)
        found = [(span, k, some) for k, some in keys.items()]
    elif own:
        for k, some in keys.items():
            for part in own.split(some, time):
                times = [time(r) for r in part]
                found.append(((min(times), max(times)), k, part))
    else:
        size, _, slide = window.partition("/")
        size, slide = duration(size), duration(slide or size)
        inside = {}
        for k, some in keys.items():
            for r in some:
                for w in aligned(time(r), size, slide):
                    inside.setdefault((w, k), []).append(r)
        found = [(w, k, some) for (w, k), some in inside.items()]
    return found
