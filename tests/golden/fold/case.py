"""State of a group that every packet changes: Marple's queries over sequence numbers and gaps, and one state for all."""
import oracle
from pcapmaker import MS, SEC
from shared import disorder as packets

SPLITS = ("auto",)  # its last query has no key
FLOW = ["ip.src", "ip.dst", "ip.proto", "srcport", "dstport"]


def before(a, b):
    return 0 < (b - a) % 2**32 < 2**31


def sequence(s, p):
    seq = p["tcp.seq_raw"]
    if not s:
        s.update(n=0, next=seq)
    s["n"] += seq is not None and s["next"] is not None and s["next"] != seq
    s["next"] = None if seq is None else seq + p["tcp.len"] + p["tcp.flags.syn"] + p["tcp.flags.fin"]


def monotonic(s, p):
    seq = p["tcp.seq_raw"]
    if not s:
        s.update(n=0, max=seq)
    if seq is None:
        s["max"] = None
        return
    s["n"] += before(seq, s["max"])
    s["max"] = seq if before(s["max"], seq) else s["max"]


def timeouts(s, p):
    if not s:
        s.update(n=0, at=p.t)
    s["n"] += 200 * MS < p.t - s["at"] < 320 * MS
    s.update(at=p.t, t=oracle.seconds(p.t))


def all_of_them(s, p):
    if not s:
        s.update(packets=0, most=0, before=p["ip.ttl"], late=0.0)
    s["packets"] += 1
    s["most"] = max(s["most"], p["frame.len"])
    s["late"] = s["late"] * 0.5 + (s["before"] != p["ip.ttl"])
    s["before"] = p["ip.ttl"]


def expected(packets):
    def some(row):
        return row["n"] > 0

    return (oracle.states(packets, ["n", "next"], sequence, FLOW, SEC, None, "sequence") +
            oracle.states(packets, ["n", "max"], monotonic, FLOW, SEC, some, "monotonic") +
            oracle.states(packets, ["n", "t"], timeouts, FLOW, 10 * SEC, some, "timeouts") +
            oracle.states(packets, ["packets", "most", "before", "late"], all_of_them, query="all"))
