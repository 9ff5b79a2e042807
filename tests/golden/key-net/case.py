"""A key may be an expression under a name: networks of IPv4 and IPv6 sources."""
import ipaddress

import oracle
from shared import mix as packets


def expected(packets):
    def net(p):
        a = p["ip.src"]
        return a and ipaddress.ip_network("%s/24" % a, strict=False).network_address
    return oracle.group(packets, [("n", "count")], [("net", net), "ip.version"], lambda p: not p["ipv6"])
