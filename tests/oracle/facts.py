"""What tshark says about each packet of a capture, as weir's fields are defined (DESIGN A3), and as a table of SQLite.

Nothing here looks into a packet: tshark's columns are all there is. tshark is told to put nothing together - no
fragments, no segments, no records - for weir looks at each packet alone. Where a field occurs several times (tunnels,
ICMP errors) the first one counts, and the transport's only where the outermost IP header says that it is that transport.
"""
import datetime
import functools
import ipaddress
import re
import socket
import sqlite3
import subprocess

OFF = ["ip.defragment", "ipv6.defragment", "tcp.desegment_tcp_streams", "tls.desegment_ssl_records",
       "tls.desegment_ssl_application_data", "dns.desegment_dns_messages", "tcp.analyze_sequence_numbers"]
FIELDS = ["frame.number", "frame.time_epoch", "frame.len", "frame.interface_id", "frame.protocols", "frame.encap_type",
          "ip.src", "ip.dst", "ip.proto", "ip.len", "ip.ttl", "ip.frag_offset", "ip.flags.mf",
          "ipv6.src", "ipv6.dst", "ipv6.nxt", "ipv6.plen", "ipv6.hlim", "ipv6.hopopts.nxt", "ipv6.routing.nxt",
          "ipv6.fraghdr.nxt", "ipv6.fraghdr.offset", "ipv6.fraghdr.more", "ipv6.dstopts.nxt",
          "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.len", "tcp.flags", "tcp.payload",
          "udp.srcport", "udp.dstport", "sctp.srcport", "sctp.dstport", "dccp.srcport", "dccp.dstport",
          "dns.qry.name", "dns.flags.response", "dns.count.answers", "dns.resp.type", "dns.a",
          "tls.handshake.extensions_server_name"]
PORTS = {6: "tcp", 17: "udp", 136: "udp", 132: "sctp", 33: "dccp"}
DNS_PORTS = {"tcp": {53, 5353}, "udp": {53, 5353, 5355}}
DNS_STACK = re.compile(r":(dns|mdns|llmnr)$")
SECOND = 10**9
DAY = datetime.timedelta(days=1)
EPOCH = datetime.date(1970, 1, 1)

# the columns of the table, and the attributes of a packet
COLUMNS = ("number", "t", "len", "interface", "version", "src", "dst", "proto", "ttl", "iplen", "sport", "dport",
           "tcp", "tcp_sport", "tcp_dport", "seq", "tcp_len", "flags", "payload", "udp", "udp_sport", "udp_dport",
           "qname", "response", "answers", "rtype", "a", "sni")


class Packet:
    """One packet; an attribute is None where weir's field is null."""
    __slots__ = COLUMNS

    def __init__(self):
        for c in COLUMNS:
            setattr(self, c, None)
        self.tcp = self.udp = 0

    @property
    def flow(self):
        """5tuple: None where it has a null in it"""
        return None if self.src is None else (self.src, self.dst, self.proto, self.sport, self.dport)


@functools.lru_cache(maxsize=None)
def address(text):
    """as inet_ntop(3) writes it"""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    return socket.inet_ntop(family, socket.inet_pton(family, text))


@functools.lru_cache(maxsize=None)
def ip(text):
    return ipaddress.ip_address(text)


def nanoseconds(text):
    """"1.5" -> 1500000000"""
    seconds, _, rest = text.partition(".")
    return int(seconds) * SECOND + int((rest + "0" * 9)[:9])


def number(text):
    return int(text, 0) if text else None


class Line:
    """tshark's columns of one packet"""

    def __init__(self, text):
        self.columns = dict(zip(FIELDS, text.split("\t")))
        assert len(self.columns) == len(FIELDS), "an odd line of tshark: %r" % text[:200]

    def all(self, field):
        v = self.columns[field]
        return v.split("|") if v else []

    def first(self, field):
        v = self.columns[field]
        return v.split("|", 1)[0] if v else None

    def number(self, field):
        return number(self.first(field))

    def is_set(self, field):
        return self.first(field) in ("1", "True")


def network(line, p):
    """The outermost IP header. Whether a transport header may follow (not so in later fragments), and the whole datagram."""
    stack = line.columns["frame.protocols"].split(":")
    names = [s for s in stack if s in ("ip", "ipv6")]
    if not names or not line.first(names[0] + ".src") or not line.first(names[0] + ".dst"):
        return False, False
    p.src, p.dst = address(line.first(names[0] + ".src")), address(line.first(names[0] + ".dst"))
    p.sport = p.dport = 0
    if names[0] == "ip":
        p.version, p.proto, p.iplen = 4, line.number("ip.proto"), line.number("ip.len")
        p.ttl = line.number("ip.ttl")
        is_later, is_more = bool(line.number("ip.frag_offset")), line.is_set("ip.flags.mf")
    else:
        p.version, p.iplen, p.ttl = 6, 40 + line.number("ipv6.plen"), line.number("ipv6.hlim")
        p.proto, is_later, is_more = next_header(line)
    return not is_later, not is_later and not is_more


def next_header(line):
    """the protocol behind IPv6's extension headers, whether it is a later fragment, whether more follow"""
    chain = {0: line.all("ipv6.hopopts.nxt"), 43: line.all("ipv6.routing.nxt"), 44: line.all("ipv6.fraghdr.nxt"),
             60: line.all("ipv6.dstopts.nxt")}
    now, is_later, is_more = line.number("ipv6.nxt"), False, False
    while chain.get(now) and not is_later:
        if now == 44:
            is_later = bool(line.number("ipv6.fraghdr.offset"))
            is_more = line.is_set("ipv6.fraghdr.more")
        now = number(chain[now].pop(0))
    return now, is_later, is_more


def transport(line, p, is_whole):
    name = PORTS.get(p.proto)
    if not name or not line.first(name + ".srcport"):
        return
    p.sport, p.dport = line.number(name + ".srcport"), line.number(name + ".dstport")
    if name == "tcp":
        p.tcp, p.tcp_sport, p.tcp_dport = 1, p.sport, p.dport
        p.seq, p.flags = line.number("tcp.seq_raw"), line.number("tcp.flags")
        p.tcp_len = line.number("tcp.len") if is_whole else None
        p.payload = bytes.fromhex((line.first("tcp.payload") or "").replace(":", ""))
        p.sni = line.first("tls.handshake.extensions_server_name")
    elif name == "udp":
        p.udp, p.udp_sport, p.udp_dport = 1, p.sport, p.dport
    if DNS_PORTS.get(name, set()) & {p.sport, p.dport} and DNS_STACK.search(line.columns["frame.protocols"]):
        p.qname = line.first("dns.qry.name")
        p.response = int(line.is_set("dns.flags.response")) if line.first("dns.flags.response") else None
        p.answers, p.rtype = line.number("dns.count.answers"), line.number("dns.resp.type")
        p.a = address(line.first("dns.a")) if line.first("dns.a") else None


def packet(text):
    """None of what is a frame for tshark alone: a custom block"""
    line = Line(text)
    if not line.first("frame.encap_type"):
        return None
    p = Packet()
    p.number, p.len = line.number("frame.number"), line.number("frame.len")
    p.t = nanoseconds(line.first("frame.time_epoch")) if line.first("frame.time_epoch") else None
    p.interface = line.number("frame.interface_id") or 0
    has_transport, is_whole = network(line, p)
    if has_transport:
        transport(line, p, is_whole)
    return p


class Capture:
    """The packets of a file in the order of their numbers, and the table `packet` of them."""

    def __init__(self, path):
        args = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=|",
                "-d", "tcp.port==8080,tls"]  # weir looks for TLS on every port
        for name in OFF:
            args += ["-o", name + ":FALSE"]
        for name in FIELDS:
            args += ["-e", name]
        p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if p.returncode:
            raise RuntimeError("tshark: " + p.stderr.decode("utf-8", "replace")[-500:])
        lines = p.stdout.decode("utf-8", "replace").split("\n")
        self.packets = [p for p in (packet(x) for x in lines if x) if p]
        self.db = sqlite3.connect(":memory:")
        self.db.create_function("net", 2, net, deterministic=True)
        self.db.execute("CREATE TABLE packet (%s)" % ", ".join(COLUMNS))
        self.db.executemany("INSERT INTO packet VALUES (%s)" % ", ".join("?" * len(COLUMNS)),
                            ([getattr(p, c) for c in COLUMNS] for p in self.packets))

    def backward_ns(self):
        """how far at most the time of a packet lies behind that of one before it"""
        latest, most = None, 0
        for p in self.packets:
            if p.t is not None:
                latest = p.t if latest is None else max(latest, p.t)
                most = max(most, latest - p.t)
        return most


def net(text, bits):
    """the network of an address, None of None"""
    if text is None:
        return None
    a = ip(text)
    keep = min(bits, a.max_prefixlen)
    return str(type(a)(int(a) >> (a.max_prefixlen - keep) << (a.max_prefixlen - keep)))
