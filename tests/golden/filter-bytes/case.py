"""Filters that look at single bytes: the flags of TCP, the length, a mask (the known traps of BPF converters)."""
import oracle
from shared import mix as packets


def expected(packets):
    def keep(p):
        return p["tcp"] and p["ip"] and not p["vlan"] and p["tcp.flags.syn"] and not p["tcp.flags.ack"]
    return oracle.select(packets, ["frame.number", "ip.src", "tcp.dstport"], keep)
