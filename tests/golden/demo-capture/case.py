"""The capture that the project ships is what its generator makes: packet for packet, and byte for byte."""
import os

import weir

HERE = os.path.dirname(os.path.realpath(__file__))
DEMO = os.path.join(HERE, "..", "..", "data", "demo.pcapng")


def inputs():
    return {}


def check(folder, rows):
    problems = []
    with open(DEMO, "rb") as f, open(os.path.join(folder, "demo.pcapng"), "rb") as g:
        if f.read() != g.read():
            problems.append("tests/data/demo.pcapng is not what scripts/make-demo makes")
    p = weir.run(["-r", DEMO])
    if p.stdout.decode().splitlines() != rows:
        problems.append("the file's rows are not those of its packets as they are made")
    kinds = weir.run(["-r", DEMO, "--agg", "packets=count(),v4=count(ip),v6=count(ipv6),tcp=count(tcp),udp=count(udp),"
                      "icmp=count(icmp),vlan=count(vlan),dns=count(udp.dstport == 53)"])
    if b":0" in kinds.stdout.split(b"packets", 1)[-1]:
        problems.append("a kind of packet is missing: %s" % kinds.stdout)
    return problems
