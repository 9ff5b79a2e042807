"""--map adds columns that later stages, keys and aggregates use; integer division and remainder."""
import oracle
from shared import mix as packets


def expected(packets):
    return oracle.group(packets, [("n", "count"), ("tens", "sum", lambda p: p["frame.len"] // 10)],
                        [("odd", lambda p: p["srcport"] % 2 if p["srcport"] is not None else None)],
                        lambda p: p["frame.len"] // 10 > 5)
