#!/usr/bin/env python3
"""Application and transport fields of every packet, against tshark's.

usage: fields.py [FILE...]

tshark is told to put nothing together - no fragments, no segments, no records - and to compare no segments, for weir
looks at each packet alone; and the first occurrence of each field counts. Packets in which tshark looks into a tunnel, an ICMP
error or another protocol are left to it. AMENDED names the packets where it is meant that the two differ, and why.
"""
import json
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import captures  # noqa: E402
import tap  # noqa: E402
import weir  # noqa: E402

FILES = ["app/dns.pcap", "app/quic.pcap", "app/tcpreplay-test.pcap", "app/ipfixprobe-mixed.pcap", "app/sctp-www.pcap",
         "attack/dns-exfiltration.pcap", "attack/dns-reflection-part1.pcap", "attack/dns-tunnel-iodine.pcap", "attack/iot-bot-telnet-scan.pcap",
         "ip/frag-dns.pcap", "ip/igmp.pcap", "ip/jumbo-gro.pcap", "ip/icmp-unreach-embedded.pcap", "linktype/ipv4.pcap",
         "linktype/null-loopback.pcap", "linktype/ppp.pcap", "linktype/raw-ip.pcap", "linktype/sll.pcap",
         "mixed/composite-ndpi.pcap", "mixed/mixed-isp-vlan-4k-cut128.pcap", "mixed/mixed-isp-vlan-4k.pcap",
         "mixed/mixed-many-protocols.pcap", "mixed/mixed-mercury-capture2.pcap", "mixed/mixed-p2p-gnutella.pcap",
         "tunnel/4in6.pcap", "tunnel/6in4.pcap", "tunnel/gre-sample.pcap", "tunnel/vxlan.pcap"]
PLAIN = ["ip.defragment", "ipv6.defragment", "tcp.desegment_tcp_streams", "tls.desegment_ssl_records",
         "tls.desegment_ssl_application_data", "dns.desegment_dns_messages", "tcp.analyze_sequence_numbers"]
DNS = ["dns.qry.name", "dns.qry.type", "dns.flags.response", "dns.count.answers", "dns.resp.type", "dns.a"]
SCTP = ["sctp.srcport", "sctp.dstport", "sctp.verification_tag", "sctp.checksum", "sctp.chunk_type"]
# weir's name -> tshark's
FIELDS = {**{f: f for f in DNS + SCTP}, "tls.sni": "tls.handshake.extensions_server_name"}
LINK = r"^(eth|sll|null|raw|ppp)?(:?(ethertype|vlan|eth|ppp|mpls|pppoes|llc))*:?(ip|ipv6)(:ipv6\.\w+)*"
STACK = {
    "dns": re.compile(LINK + r":(udp|tcp):(dns|mdns|llmnr)$"),
    "tls": re.compile(LINK + r":tcp(:http)?:tls"),
    "sctp": re.compile(LINK + r":sctp"),
}
DNS_PORTS = {"53", "5353", "5355"}
# file -> packet -> why weir is right to differ
AMENDED = {
    "mixed/composite-ndpi.pcap": {
        1862: "the hello goes on in the next segment, but its server name stands in this one",
    },
}


def layer(field):
    return field.split(".")[0]


def plain(text):
    """A name with all but printable ASCII made one mark, for tshark replaces what is no UTF-8."""
    return None if text is None else re.sub(r"(\\+(\d{3}|[a-z])|[^!-\[\]-~])+", "?", text)


def number(text):
    return None if text is None else int(text, 0)


def from_tshark(path):
    """packet -> (its protocols, its ports, field -> text)"""
    args = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "aggregator=|", "-e", "frame.number", "-e", "frame.protocols",
            "-e", "udp.port", "-e", "tcp.port", "-d", "tcp.port==8080,tls"]
    for name in PLAIN:
        args += ["-o", name + ":FALSE"]
    for name in FIELDS.values():
        args += ["-e", name]
    out = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=4 * weir.TIMEOUT, check=False).stdout
    packets = {}
    for line in out.decode("utf-8", "replace").split("\n"):
        columns = line.split("\t")
        if len(columns) == len(FIELDS) + 4:
            ports = set("|".join(columns[2:4]).split("|"))
            packets[int(columns[0])] = columns[1], ports, {f: v.split("|")[0] or None for f, v in zip(FIELDS, columns[4:])}
    return packets


def text_of(v):
    if isinstance(v, str) and v.startswith("hex:"):
        return bytes.fromhex(v[4:]).decode("utf-8", "replace")
    return v


def run_file(t, root, rel):
    path = os.path.join(root, rel)
    p = weir.run(["-r", path, "--select", ",".join(["frame.number", "dns", "tls", *FIELDS])])
    problems = weir.ended(p)
    rows = [json.loads(x) for x in p.stdout.decode("utf-8").splitlines()]
    reference = from_tshark(path)
    if len(rows) != len(reference):
        problems.append("%d packets, not %d" % (len(rows), len(reference)))
    n = 0
    for r in rows:
        protocols, ports, want = reference.get(r["frame.number"], ("", set(), {}))
        # on other ports tshark looks for DNS by heuristics
        is_dns = bool(STACK["dns"].search(protocols) and ports & DNS_PORTS)
        if r["frame.number"] in AMENDED.get(rel, {}):
            t.note("%s: packet %d: %s" % (rel, r["frame.number"], AMENDED[rel][r["frame.number"]]))
            continue
        for f in FIELDS:
            convert = plain if f in ("dns.qry.name", "tls.sni") else str if f == "dns.a" else number
            w = want.get(f) if (is_dns if f in DNS else STACK[layer(f)].search(protocols)) else None
            w = None if w is None else convert(w)
            g = plain(text_of(r[f])) if convert is plain else r[f]
            n += w is not None
            if w != g:
                problems.append("packet %d (%s): %s is %r, not %r" % (r["frame.number"], protocols, f, g, w))
        # tshark calls it DNS from the first byte on, weir from a whole header on
        if r["dns"] != (is_dns and protocols.endswith(":dns") and want["dns.flags.response"] is not None):
            problems.append("packet %d (%s): dns is %r" % (r["frame.number"], protocols, r["dns"]))
        if r["tls.sni"] is not None and not r["tls"]:
            problems.append("packet %d: a server name, but no TLS" % r["frame.number"])
    t.check("%s: %d values" % (rel, n), problems)
    return n


def main():
    root = captures.folder()
    if not shutil.which("tshark"):
        tap.skip_all("no tshark")
    t = tap.Tap()
    n = sum(run_file(t, root, rel) for rel in sys.argv[1:] or FILES)
    t.check("values to compare: %d" % n, [] if n else ["no file has any"])
    t.done()


main()
