"""--late sink: packets that came too late for some query make a query of their own."""
import os

import oracle
from pcapmaker import MS, SEC, packet
from shared import A, B, C, second

STATS = {"queries": {"late": {"in": 904, "aggregated": 2, "dropped": {"in_time": 902}, "rows": 2}, "main": {"dropped": {"late": 2}},
                     "other": {"dropped": {"late": 1}}}}


def packets():
    some = [packet(second(i // 100) + i % 100 * MS, A, B, udp=(1, 2)) for i in range(900)]
    some.insert(150, packet(second(0) + 900 * MS, C, B, udp=(3, 4)))  # in time: not half a second after its window's end
    some.insert(320, packet(second(2) + 100 * MS, C, B, udp=(5, 6)))
    some.insert(420, packet(second(2) + 200 * MS, C, B, udp=(7, 8)))  # late for windows of one second
    some.insert(800, packet(second(2) + 300 * MS, C, B, udp=(9, 10)))  # late for both
    return some


def check(folder, rows):
    path = os.path.join(folder, "late.csv")
    try:
        with open(path, encoding="utf-8") as f:
            lines = f.read().splitlines()
    except OSError as e:
        return ["late.csv: %s" % e]
    got = [line.split(",")[2:6] for line in lines[1:]]
    want = [[C, "7", B, "8"], [C, "9", B, "10"]]
    return [] if got == want else ["late.csv has %r, not %r" % (lines, want)]


def expected(packets):
    in_time = [p for p in packets if p["srcport"] not in (7, 9)]
    return (oracle.group(in_time, [("n", "count")], ["ip.src"], window=SEC) +
            oracle.group([p for p in packets if p["srcport"] != 9], [("n", "count")], window=2 * SEC, query="other"))
