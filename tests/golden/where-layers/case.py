"""A protocol's name is true where the packet has that layer, and --where sees through VLAN tags."""
import oracle
from shared import mix as packets


def expected(packets):
    return oracle.group(packets, [("n", "count")], ["vlan.id", "vlan.priority"],
                        lambda p: p["vlan"] and (p["udp"] or p["tcp"]))
