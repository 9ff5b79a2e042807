"""Several --key/--agg in a chain: within the window of the first, with windows of their own, behind --top and --select."""
from chain import emit, packets as grouped, session, sliding, tumbling
from pcapmaker import MS, SEC
from shared import chatter as packets

ORDERED = True
FLOW = ["ip.src", "ip.dst", "ip.proto", "srcport", "dstport"]


def expected(packets):
    count, one = [("n", "count")], tumbling(SEC)
    flows = grouped("flowlets", packets, FLOW, [("size", "count")], session(200 * MS))
    return emit(
        grouped("within", packets, ["ip.src", "ip.dst"], [("n", "count"), ("b", "sum", "frame.len")], one)
        .group(["ip.dst"], [("srcs", "count"), ("b", "sum", "b")]).group(["srcs"], [("k", "count"), ("b", "max", "b")]),
        grouped("wider", packets, ["ip.src"], count, one)
        .group(["ip.src"], [("seconds", "count"), ("most", "max", "n"), ("last", "last", "n")], tumbling(5 * SEC)),
        grouped("slide", packets, ["ip.src"], count, one).group(["ip.src"], [("n", "sum", "n")], sliding(4 * SEC, 2 * SEC)),
        flows.map("b", lambda r: r["size"] // 2 * 2).group(["b"], count, one),
        grouped("keyless", packets, ["ip.src"], count, one).group([], [("hosts", "count"), ("n", "sum", "n")]),
        grouped("top", packets, ["ip.src"], count, one).top(2, "n").group([], [("n", "sum", "n"), ("min", "min", "n")]),
        grouped("select", packets, ["ip.src", "dstport"], count, one).top(3, "n").select("n", "ip.src")
        .map("m", lambda r: r["n"] * 2),
        grouped("finer", packets, ["ip.src"], count, sliding(4 * SEC, 2 * SEC)).group(["ip.src"], count, one))
