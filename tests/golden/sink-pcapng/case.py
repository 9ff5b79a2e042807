"""pcapng: the packets that a query keeps - bytes, nanoseconds, the length on the wire - and weir reads them back."""
import os

import pcapread
import weir
from pcapmaker import MS, packet
from shared import A, B, mix, second


def packets():
    return mix() + [packet(second(5) + 123456789, A, B, udp=(1, 2), payload=b"c" * 1000, cap=100),
                    packet(second(5) + 124 * MS, A, B, udp=(1, 2), payload=b"odd")]


def check(folder, rows):
    path = os.path.join(folder, "kept.pcapng")
    want = [(p.t, p.data, p.wire) for p in packets() if p["udp"]]
    try:
        got = [(t, data, wire) for _, _, t, data, wire in pcapread.read_pcapng(path)]
    except (OSError, pcapread.Bad) as e:
        return ["kept.pcapng: %s" % e]
    problems = ["standard output is not empty"] if rows else []
    if got != want:
        problems.append("%d packets kept, not the %d expected, or they differ" % (len(got), len(want)))
    again = weir.run(["-r", path, "--agg", "n=count(),b=sum(frame.len),c=sum(frame.cap_len),t=max(frame.time)"])
    text = again.stdout.decode()
    for part in ('"n":%d' % len(want), '"b":%d' % sum(w for _, _, w in want), '"c":%d' % sum(len(d) for _, d, _ in want)):
        if part not in text:
            problems.append("read back: no %s in %s" % (part, text))
    return problems + weir.ended(again)
