"""The same packets under every link type that weir decodes, IPv4 and IPv6: nine files, one stream."""
import oracle
import pcapmaker as pm
from shared import A, A6, B, B6, second

LINKS = [pm.LINK_ETHERNET, pm.LINK_RAW, pm.LINK_NULL, pm.LINK_LOOP, pm.LINK_SLL, pm.LINK_SLL2, pm.LINK_PPP,
         pm.LINK_CHDLC, pm.LINK_NFLOG]


def inputs():
    files = {}
    for i, link in enumerate(LINKS):
        t = second(i)
        files["f%d.pcap" % i] = [
            pm.packet(t, A, B, tcp=(1000 + i, 80, "S"), link=link, interface=i),
            pm.packet(t + pm.MS, A6, B6, udp=(2000 + i, 53), payload=b"12345678", link=link, interface=i)]
    return files


def expected(*files):
    return oracle.group([p for f in files for p in f], [("n", "count"), ("bytes", "sum", "frame.len"), ("ip", "sum", "ip.len")],
                        ["frame.interface", "ip.src", "srcport"])
