"""pcap files of microseconds and of big-endian order."""
import oracle
import pcapmaker as pm
from shared import A, B, second


def inputs():
    def two(i):
        return [pm.packet(second(i) + 123456000, A, B, udp=(1 + i, 2), interface=i),
                pm.packet(second(i) + 999999000, A, B, udp=(3 + i, 2), interface=i)]
    return {"a.pcap": two(0), "b.pcap": two(1), "c.pcap": two(2)}


def write(path, packets):
    i = packets[0].interface
    pm.write_pcap(path, packets, nsec=i == 2, big=i > 0)


def expected(*files):
    return oracle.select([p for f in files for p in f], ["frame.interface", "frame.time", "srcport"])
