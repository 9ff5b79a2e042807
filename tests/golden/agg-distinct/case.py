"""Different addresses, ports, names of any type and pairs of them, of IPv4 and IPv6, with groups that lack the field."""
import oracle
from shared import flood, mix


def packets():
    return mix() + flood()


def pair(p, a, b):
    return None if p[a] is None or p[b] is None else (p[a], p[b])


def expected(packets):
    few = oracle.group([p for p in packets if p["ip.src"] is not None], [
        ("src", "distinct", "ip.src"), ("pairs", "distinct", lambda p: pair(p, "ip.src", "srcport")),
        ("lens", "distinct", "frame.len"), ("payloads", "distinct", "payload"), ("vlan", "distinct", "vlan.id"),
        ("syn", "distinct", lambda p: pair(p, "tcp.flags.syn", "ip.dst"))], ["ip.version"])
    return few
