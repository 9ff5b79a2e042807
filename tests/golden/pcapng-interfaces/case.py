"""A pcapng file of big-endian order with two interfaces of different link types and nanoseconds."""
import oracle
import pcapmaker as pm
from shared import A, A6, B, B6, second


def inputs():
    t = second(0)
    return {"input.pcapng": [
        pm.packet(t + 123456789, A, B, udp=(1, 2)),
        pm.packet(t + 123456790, A6, B6, udp=(3, 4), link=pm.LINK_RAW, interface=1),
        pm.packet(t + 123456791, A, B, udp=(5, 6), payload=b"abc"),
        pm.packet(t + 999999999, A, B, tcp=(7, 8, "S"), link=pm.LINK_RAW, interface=1)]}


def write(path, packets):
    pm.write_pcapng(path, packets, big=True)


def expected(packets):
    return oracle.select(packets, ["frame.interface", "frame.time", "frame.len", "eth.dst", "ip.src", "srcport"])
