"""The operators and functions of expressions, each as a column."""
import ipaddress

import oracle
from shared import mix as packets

NET = ipaddress.ip_network("10.0.0.0/8")


def expected(packets):
    def div(a, b):
        return None if a is None or not b else a // b
    return oracle.select(packets, [
        ("in_net", lambda p: p["ip.src"] in NET),
        ("in_set", lambda p: p["dstport"] in (22, 53, 80)),
        ("prec", lambda p: p["frame.len"] + 2 * 3 - 1),
        ("bits", lambda p: (p["frame.len"] & 0xf0 | 1) ^ 3),
        ("shift", lambda p: (p["frame.len"] << 4) >> 2),
        ("zero", lambda p: div(p["frame.len"], p["srcport"])),
        ("choice", lambda p: p["srcport"] if p["srcport"] > p["dstport"] else p["dstport"]),
        ("bucket", lambda p: p["frame.len"] // 128 * 128),
        ("large", lambda p: p["frame.len"] >= 1000),
    ], lambda p: p["ip.src"] is not None and p["ip"])
