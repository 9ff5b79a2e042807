"""--map and --where after --agg work on results; the new column comes last."""
import oracle
from shared import mix as packets


def expected(packets):
    rows = oracle.group(packets, [("packets", "count"), ("bytes", "sum", "frame.len")], ["ip.proto"])
    for r in rows:
        r["each"] = r["bytes"] // r["packets"]
    return [r for r in rows if r["each"] > 80]
