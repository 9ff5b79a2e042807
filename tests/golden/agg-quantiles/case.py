"""Quantiles of numbers below 256, of which each has a bucket of its own; and the entropy of one, two and four values, equally frequent."""
import oracle
from pcapmaker import MS, packet
from shared import A, A6, B, B6, second


def packets():
    out = []
    for i in range(200):
        v6 = i % 5 == 0
        out.append(packet(second(0) + i * MS, A6 if v6 else A, B6 if v6 else B,
                          udp=(1000 + (i // 5 % 2 if v6 else i // 10 % 4), 2), payload=b"x" * (i * i % 211)))
    return out


def expected(packets):
    return oracle.group(packets, [
        ("p0", "quantile:0", "payload.len"), ("q", "quantile:0.3", "payload.len"), ("p50", "quantile:0.5", "payload.len"),
        ("p90", "quantile:0.9", "payload.len"), ("p99", "quantile:0.99", "payload.len"),
        ("p999", "quantile:0.999", "payload.len"), ("p100", "quantile:1", "payload.len"),
        ("bits", "entropy", "srcport"), ("one", "entropy", "ip.dst"),
        ("top", "topk:3", "payload.len"), ("to", "topk:1", "ip.dst")], ["ip.src"])
