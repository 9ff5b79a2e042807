"""A table that is full drops the rows of new keys, and counts them; keys that are in it go on."""
import json

from pcapmaker import MS, packet
from shared import B, second

KEYS, TURNS = 5000, 3
WORKERS = (1,)  # of several, one may have a key and another no place for it
STATS = {"queries": {"main": {"in": KEYS * TURNS, "dropped": {"null_key": 0, "late": 0}}}}


def packets():
    return [packet(second(0) + (turn * KEYS + i) * MS // 10, "10.%d.%d.1" % (i // 256, i % 256), B, udp=(1, 2))
            for turn in range(TURNS) for i in range(KEYS)]


def check(folder, rows):
    counts = [json.loads(r)["n"] for r in rows]
    if not 100 <= len(counts) < KEYS or set(counts) != {TURNS}:
        return ["%d rows with counts %s: not a full table of whole groups" % (len(counts), sorted(set(counts)))]
    return []
