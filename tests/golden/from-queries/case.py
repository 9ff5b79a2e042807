"""--from: rows of one query, of several (columns that one lacks are null), of queries named later, chains of three."""
from chain import emit, packets as grouped, tumbling, union
from pcapmaker import SEC
from shared import chatter as packets

ORDERED = True
STATS = {"queries": {"busy": {"dropped": {"late": 0}}}}


def expected(packets):
    win = tumbling(3 * SEC)
    tcp = grouped("tcp", packets, ["ip.src"], [("n", "count"), ("b", "sum", "frame.len")], win, lambda p: p["tcp"])
    udp = grouped("udp", packets, ["ip.src"], [("n", "count"), ("last", "last", "frame.len")], win, lambda p: p["udp"])
    both = union("both", tcp, udp)
    total = union("total", both).group(["ip.src"], [("n", "sum", "n"), ("parts", "count")])
    busy = union("busy", total).where(lambda r: r["n"] >= 8).map("share", lambda r: r["n"] * 100 // r["parts"])
    hosts = union("hosts", busy, udp).group([], [("rows", "count"), ("hosts", "distinct", "ip.src")])
    return emit(busy, total, hosts, tcp, both)
