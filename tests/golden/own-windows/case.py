"""Sessions and windows of a count: rows have windows of their own, in the order in which they are due, in every sink."""
import csv
import json
import os

from chain import counted, emit, packets as grouped, session
from pcapmaker import MS, SEC
from shared import chatter

ORDERED = True
COLUMNS = [("n", "count"), ("b", "sum", "frame.len")]
SPLITS = ["auto", "key"]


def packets():
    return chatter(300, 30)


def expected(packets):
    pair = ["ip.src", "ip.dst"]
    rests = grouped("sessions", packets, ["ip.src"], COLUMNS, session(300 * MS))
    return emit(rests, rests.where(lambda r: r["n"] > 2).rename("long").later(1),
                grouped("short", packets, pair, COLUMNS, session(500 * MS, SEC)).select("b", "ip.dst"),
                grouped("fives", packets, pair, COLUMNS, counted(5)))


def check(folder, rows):
    path = os.path.join(folder, "sessions.csv")
    with open(path, encoding="utf-8", newline="") as f:
        got = list(csv.DictReader(f))
    want = [{k: str(v) for k, v in json.loads(r).items()} for r in rows if r.startswith('{"query":"sessions"')]
    return [] if got == want else ["sessions.csv has other rows than standard output"]
