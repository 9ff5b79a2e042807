"""--filter is tcpdump's: 'tcp port 80' is not for tagged packets, and holds for IPv4 and IPv6."""
import oracle
from shared import mix as packets

STATS = {"queries": {"main": {"dropped": {"filter": 15}}}}


def expected(packets):
    def keep(p):
        return not p["vlan"] and (p["tcp"] and 80 in (p["srcport"], p["dstport"]) or p["icmp"] and p["ip"])
    return oracle.group(packets, [("n", "count"), ("b", "sum", "frame.len")], ["ip.proto", "ip.src"], keep)
