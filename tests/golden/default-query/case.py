"""Without query flags: the top talkers."""
import oracle
from shared import mix as packets


def expected(packets):
    return oracle.group(packets, [("packets", "count"), ("bytes", "sum", "frame.len")],
                        ["ip.src", "ip.dst", "ip.proto", "srcport", "dstport"], top=(20, "bytes"))
