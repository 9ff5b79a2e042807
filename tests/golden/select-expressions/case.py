"""--select takes expressions under a name, and --map's columns."""
import oracle
from shared import mix as packets


def expected(packets):
    return oracle.select(packets, ["ip.dst", ("half", lambda p: p["frame.len"] // 2), ("big", lambda p: p["frame.len"] > 500)],
                         lambda p: p["udp"])
