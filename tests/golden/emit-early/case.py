"""--emit early: a row leaves with the values of the packet for which its --where first holds, and again at the window's
end; in between other windows' rows have their place."""
import oracle
from pcapmaker import MS, SEC, packet
from shared import B, second

SPLITS = ("auto", "key")  # it must keep a key with one worker


def packets():
    random = __import__("random").Random(9)
    out, t = [], second(0)
    for i in range(3000):  # some batches, in which a key comes again and again
        t += random.choice((0, 1, 2)) * MS
        who = random.choice(("10.0.0.1",) * 6 + ("10.0.0.2", "10.0.0.3", "2001:db8::1"))
        to = "2001:db8::2" if ":" in who else B
        out.append(packet(t, who, to, udp=(1, random.choice((1, 2, 3, 4, 5)))))
    return out


def holds(row):
    return row["n"] >= 20 and row["ports"] > 3 and row["even"] == 1


def row_of(members, window):
    return {"query": "main", "window.start": oracle.time_text(window * SEC), "window.end": oracle.time_text((window + 1) * SEC),
            "ip.src": members[0]["ip.src"], "n": len(members), "ports": len({p["dstport"] for p in members}),
            "b": sum(p["frame.len"] for p in members), "even": len(members) % 2}


def expected(packets):
    due = []  # (time, early before closed, order, row)
    groups, told = {}, set()
    for i, p in enumerate(packets):
        at = (p.t // SEC, p["ip.src"])
        groups.setdefault(at, []).append(p)
        row = row_of(groups[at], at[0])
        if at not in told and holds(row):
            told.add(at)
            due.append((p.t, 0, (i,), row))
    for (window, who), members in groups.items():
        row = row_of(members, window)
        if holds(row):
            due.append(((window + 1) * SEC, 1, oracle.order(who), row))
    return [row for _, _, _, row in sorted(due, key=lambda x: x[:3])]
