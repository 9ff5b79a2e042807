"""--select emits every row; a field whose layer a packet lacks is null, and an ARP packet has no ip.src."""
import oracle
from shared import mix as packets

FIELDS = ["frame.number", "frame.time", "frame.time_epoch", "frame.len", "eth.src", "eth.type", "vlan.id",
          "arp.opcode", "ip.src", "ip.proto", "ip.ttl", "ip.dsfield.dscp", "ip.dsfield.ecn", "ipv6.flow", "srcport",
          "tcp.dstport", "tcp.flags", "tcp.seq_raw", "tcp.len", "udp.length", "icmp.type", "payload.len"]


def expected(packets):
    return oracle.select(packets, FIELDS)
