"""Make captures out of descriptions of packets, byte for byte the same every time.

A packet is built from what a test says about it, and keeps that description as `fields`, under weir's
names: an expected result is computed from the descriptions, never by parsing the bytes again.

    p = packet(t=S + 1, src="10.0.0.1", dst="10.0.0.2", tcp=(1234, 80, "S"), payload=b"hi")
    write_pcap("x.pcap", [p])
"""
import ipaddress
import struct

S = 1_700_000_000 * 10**9  # a round start for captures: 2023-11-14T22:13:20Z, in nanoseconds
MS = 10**6
SEC = 10**9

LINK_NULL, LINK_ETHERNET, LINK_PPP, LINK_CHDLC, LINK_RAW = 0, 1, 9, 104, 101
LINK_LOOP, LINK_SLL, LINK_NFLOG, LINK_SLL2 = 108, 113, 239, 276

MAC_A = "02:00:00:00:00:0a"
MAC_B = "02:00:00:00:00:0b"
FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "C": 128}
FLAG_FIELDS = {"syn": "S", "ack": "A", "fin": "F", "reset": "R", "push": "P", "urg": "U",
               "ece": "E", "cwr": "C"}


class Packet:
    """bytes on the wire, when, and what they mean"""

    def __init__(self, t, data, fields, link=LINK_ETHERNET, cap=None, wire=None, interface=0):
        self.t = t                      # nanoseconds since the epoch, None: without a time
        self.data = data if cap is None else data[:cap]
        self.wire = len(data) if wire is None else wire
        self.link = link
        self.interface = interface
        self.fields = dict(fields)
        self.fields["frame.len"] = self.wire
        self.fields["frame.cap_len"] = len(self.data)
        self.fields["frame.interface"] = interface

    def __getitem__(self, name):
        return self.fields.get(name)


def mac(text):
    return bytes(int(x, 16) for x in text.split(":"))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def _tcp(spec, payload, f):
    sport, dport, flags = spec[:3]
    seq, ack, window = (tuple(spec[3:]) + (0, 0, 0))[:3]
    bits = sum(FLAGS[c] for c in flags)
    f.update({"tcp": True, "srcport": sport, "dstport": dport, "tcp.srcport": sport,
              "tcp.dstport": dport, "tcp.seq_raw": seq, "tcp.ack_raw": ack, "tcp.window": window,
              "tcp.flags": bits, "tcp.len": len(payload), "payload": payload,
              "payload.len": len(payload)})
    for name, c in FLAG_FIELDS.items():
        f["tcp.flags." + name] = int(c in flags)
    return struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, bits, window, 0, 0) + payload


def _udp(spec, payload, f):
    sport, dport = spec
    f.update({"udp": True, "srcport": sport, "dstport": dport, "udp.srcport": sport,
              "udp.dstport": dport, "udp.length": 8 + len(payload), "payload": payload,
              "payload.len": len(payload)})
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def _icmp(spec, payload, f):
    f.update({"icmp": True, "icmp.type": spec[0], "icmp.code": spec[1]})
    body = struct.pack("!BBHHH", spec[0], spec[1], 0, 1, 1) + payload
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def _sctp(spec, payload, f):
    f.update({"sctp": True, "srcport": spec[0], "dstport": spec[1], "sctp.srcport": spec[0],
              "sctp.dstport": spec[1], "sctp.verification_tag": spec[2]})
    return struct.pack("!HHII", *spec, 0) + struct.pack("!BBHI", 3, 0, 8, 0) + payload


def _ipv4(src, dst, proto, body, f, ttl, dscp, ecn, ident, frag):
    offset, more = frag if frag else (0, False)
    f.update({"ip": True, "ip.version": 4, "ip.len": 20 + len(body), "ip.id": ident})
    head = struct.pack("!BBHHHBBH", 0x45, dscp << 2 | ecn, 20 + len(body), ident,
                       int(more) << 13 | offset // 8, ttl, proto, 0) + src.packed + dst.packed
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return head + body


def _ipv6(src, dst, proto, body, f, ttl, dscp, ecn, ident, frag, flow, ext):
    next_header = proto
    if frag:
        body = struct.pack("!BBHI", next_header, 0, frag[0] | int(frag[1]), ident) + body
        next_header = 44
    for number, data in reversed(ext):  # data: what follows the two bytes of next header and length
        assert (len(data) + 2) % 8 == 0
        body = struct.pack("!BB", next_header, (len(data) + 2) // 8 - 1) + data + body
        next_header = number
    f.update({"ipv6": True, "ip.version": 6, "ip.len": 40 + len(body), "ipv6.flow": flow,
              "ip.id": ident if frag else None})
    return struct.pack("!IHBB", 6 << 28 | dscp << 22 | ecn << 20 | flow, len(body), next_header,
                       ttl) + src.packed + dst.packed + body


def packet(t=S, src=None, dst=None, tcp=None, udp=None, icmp=None, sctp=None, raw=None, payload=b"",
           vlan=(), ttl=64, dscp=0, ecn=0, ident=0, frag=None, flow=0, ext=(), link=LINK_ETHERNET,
           eth=(MAC_A, MAC_B), arp=None, cap=None, wire=None, interface=0):
    """One packet.

    tcp=(sport, dport, "SA", seq, ack, window)  udp=(sport, dport)  icmp=(type, code)
    sctp=(sport, dport, tag)  raw=protocol number, with payload as its body
    frag=(offset in bytes, more)  ext=[(header number, data)] of IPv6  vlan=[(id, priority)], outermost first
    arp=operation  cap: bytes captured  wire: length on the wire, where it is not that of the bytes
    """
    f = {}
    if arp:
        f.update({"arp": True, "arp.opcode": arp})
        l3 = struct.pack("!HHBBH", 1, 0x0800, 6, 4, arp) + mac(eth[0]) + \
            ipaddress.ip_address(src).packed + bytes(6) + ipaddress.ip_address(dst).packed
        ethertype = 0x0806
    else:
        s, d = ipaddress.ip_address(src), ipaddress.ip_address(dst)
        if frag and frag[0]:  # not the first piece: payload is the bytes of the datagram from there
            proto = raw if raw is not None else 6 if tcp else 17 if udp else 1
            body = payload
        elif tcp:
            proto, body = 6, _tcp(tcp, payload, f)
        elif udp:
            proto, body = 17, _udp(udp, payload, f)
        elif sctp:
            proto, body = 132, _sctp(sctp, payload, f)
        elif icmp:
            proto, body = (1 if s.version == 4 else 58), _icmp(icmp, payload, f)
        else:
            proto, body = raw, payload
        f.update({"ip.src": s, "ip.dst": d, "ip.proto": proto, "ip.ttl": ttl,
                  "ip.dsfield.dscp": dscp, "ip.dsfield.ecn": ecn,
                  "ip.frag_offset": frag[0] // 8 if frag else 0, "ip.flags.mf": int(bool(frag and frag[1]))})
        f.setdefault("srcport", 0)
        f.setdefault("dstport", 0)
        if s.version == 4:
            l3 = _ipv4(s, d, proto, body, f, ttl, dscp, ecn, ident, frag)
            ethertype = 0x0800
        else:
            l3 = _ipv6(s, d, proto, body, f, ttl, dscp, ecn, ident, frag, flow, ext)
            ethertype = 0x86dd
    return Packet(t, _link(link, l3, ethertype, vlan, eth, f), f, link, cap, wire, interface)


def _link(link, l3, ethertype, vlan, eth, f):
    if vlan:
        f.update({"vlan": True, "vlan.id": vlan[0][0], "vlan.priority": vlan[0][1]})
    if link == LINK_ETHERNET:
        tags = b""
        kind = ethertype
        for i, (vid, prio) in reversed(list(enumerate(vlan))):
            tags = struct.pack("!HH", prio << 13 | vid, kind) + tags
            kind = 0x88a8 if i == 0 and len(vlan) > 1 else 0x8100
        f.update({"eth": True, "eth.src": eth[0], "eth.dst": eth[1], "eth.type": kind})
        return mac(eth[1]) + mac(eth[0]) + struct.pack("!H", kind) + tags + l3
    family6 = ethertype == 0x86dd
    if link == LINK_RAW:
        return l3
    if link == LINK_NULL:
        return struct.pack("<I", 10 if family6 else 2) + l3
    if link == LINK_LOOP:
        return struct.pack(">I", 24 if family6 else 2) + l3
    if link == LINK_SLL:
        return struct.pack("!HHH", 0, 1, 6) + mac(eth[0]) + b"\0\0" + struct.pack("!H", ethertype) + l3
    if link == LINK_SLL2:
        return struct.pack("!HHIHBB", ethertype, 0, 1, 1, 0, 6) + mac(eth[0]) + b"\0\0" + l3
    if link == LINK_PPP:
        return b"\xff\x03" + struct.pack("!H", 0x0057 if family6 else 0x0021) + l3
    if link == LINK_CHDLC:
        return struct.pack("!BBH", 0x0f, 0, ethertype) + l3
    if link == LINK_NFLOG:
        head = struct.pack("!BBH", 10 if family6 else 2, 0, 0)
        return head + struct.pack("<HH", 4 + len(l3), 9) + l3 + bytes(-len(l3) % 4)
    raise ValueError(link)


def write_pcap(path, packets, nsec=True, big=False, snaplen=262144):
    """A pcap file; all packets have the link type of the first one."""
    e = ">" if big else "<"
    with open(path, "wb") as o:
        o.write(struct.pack(e + "IHHiIII", 0xa1b23c4d if nsec else 0xa1b2c3d4, 2, 4, 0, 0, snaplen,
                            packets[0].link if packets else LINK_ETHERNET))
        for p in packets:
            s, ns = divmod(p.t, SEC)
            o.write(struct.pack(e + "IIII", s, ns if nsec else ns // 1000, len(p.data), p.wire))
            o.write(p.data)


def write_pcapng(path, packets, big=False, tsresol=9):
    """A pcapng file with one interface block for each interface number that the packets have.

    Packets without a time become simple packet blocks (interface 0 only).
    """
    e = ">" if big else "<"

    def block(kind, body):
        body += bytes(-len(body) % 4)
        n = len(body) + 12
        return struct.pack(e + "II", kind, n) + body + struct.pack(e + "I", n)

    links = {}
    for p in packets:
        links.setdefault(p.interface, p.link)
    with open(path, "wb") as o:
        o.write(block(0x0a0d0d0a, struct.pack(e + "IHHq", 0x1a2b3c4d, 1, 0, -1)))
        for i in range(max(links) + 1):
            options = struct.pack(e + "HHB3xHH", 9, 1, tsresol, 0, 0)
            o.write(block(1, struct.pack(e + "HHI", links.get(i, LINK_ETHERNET), 0, 0) + options))
        for p in packets:
            if p.t is None:
                o.write(block(3, struct.pack(e + "I", p.wire) + p.data))
                continue
            ticks = p.t * 10**tsresol // SEC
            o.write(block(6, struct.pack(e + "IIIII", p.interface, ticks >> 32, ticks & 0xffffffff,
                                         len(p.data), p.wire) + p.data))


def write(path, packets):
    (write_pcapng if str(path).endswith(".pcapng") else write_pcap)(path, packets)
