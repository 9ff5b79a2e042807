#!/usr/bin/env python3
"""Every well-formed reference capture, against what tshark and capinfos found in it.

usage: conformance.py FOLDER [FILE...]

One weir runs all the queries over a file; their rows must equal expected/FOLDER/FILE.*, whose definitions
stand at the head of make_expected.py beside the captures. The few files where the reference itself is odd are
listed in AMENDED: the reason, and what is expected instead.
"""
import calendar
import csv
import hashlib
import ipaddress
import json
import os
import sys
import time
from decimal import Decimal

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import captures  # noqa: E402
import tap  # noqa: E402
import weir  # noqa: E402

NO_IP = "weir does not decode this link type: its packets count under decode.link_type"


def flow(e, *key):
    """the row of a flow in the reference"""
    return next(r for r in e["flows"] if tuple(r[c] for c in ("ipver", "src", "dst", "proto", "sport", "dport")) == key)


def set_flows(e, flows):
    """Give the reference other flows (all of them) and make its digest anew."""
    def order(r):
        return (int(r["ipver"]), int(ipaddress.ip_address(r["src"])), int(ipaddress.ip_address(r["dst"])),
                int(r["proto"]), int(r["sport"]), int(r["dport"]))
    columns = ("ipver", "src", "dst", "proto", "sport", "dport", "packets", "wire_bytes", "ip_bytes")
    text = "".join("\t".join(r[c] for c in columns) + "\n" for r in sorted(flows, key=order))
    assert len(e["flows"]) == e["summary"]["flows"], "the reference does not list all flows of this file"
    e["flows"] = flows
    e["summary"].update(flows=len(flows), flows_sha256=hashlib.sha256(text.encode()).hexdigest())


def without_pseudowire(e):
    inner = [flow(e, "4", "192.168.1.%d" % a, "192.168.1.%d" % b, "1", "0", "0") for a, b in ((1, 2), (2, 1))]
    set_flows(e, [r for r in e["flows"] if r not in inner])
    for key, n in (("ip_packets", 10), ("ip_bytes", 1000), ("icmp_packets", 10)):
        e["summary"][key] -= n
    for r in e["protocols"]:
        sign = {("l3", "ipv4"): -1, ("l3", "other"): 1, ("ipproto", "1"): -1}.get((r["scope"], r["key"]), 0)
        if sign:
            r.update(packets=int(r["packets"]) + sign * 10, wire_bytes=int(r["wire_bytes"]) + sign * 1440)


def with_tcp_ports(e):
    e["flows"][0].update(sport="43267", dport="41219")
    set_flows(e, e["flows"])


def with_destination_of_header(e):
    routed = flow(e, "4", "10.0.0.6", "0.0.0.0", "1", "0", "0")
    merged = flow(e, "4", "10.0.0.6", "10.0.0.138", "1", "0", "0")
    for c in ("packets", "wire_bytes", "ip_bytes"):
        merged[c] = str(int(merged[c]) + int(routed[c]))
    merged["last_epoch"] = routed["last_epoch"]
    set_flows(e, [r for r in e["flows"] if r is not routed])


def with_carried_second(e):
    e["persec"] = [dict(zip(("rel_second", "packets", "wire_bytes"), x)) for x in ((0, 1, 76), (1, 1, 68), (2, 1, 76))]
    flow(e, "4", "137.116.81.94", "131.155.215.69", "6", "80", "46656").update(
        first_epoch="1418145371.000000000", last_epoch="1418145371.000000000")


def without_far_times(e):
    e["persec"] = [r for r in e["persec"] if int(r["rel_second"]) < 2**40]
    e["summary"]["no_timestamp_packets"] += 100
    for r in e["flows"]:
        if float(r["first_epoch"]) > 1e13:
            r.update(first_epoch="None", last_epoch="None")


# file -> (why the reference is odd there, what makes it right)
AMENDED = {
    "app/tcpreplay-test.pcap": (
        "10 packets are Ethernet pseudo-wire in MPLS, a tunnel that weir does not look into unasked", without_pseudowire),
    "ip/bigtcp-ipv6.pcap": (
        "payload length 0 without a jumbo option: tshark sees no TCP header there; it is there, with ports", with_tcp_ports),
    "ip/ipv4-options.pcap": (
        "of two packets with a source route tshark shows the route's last address as destination, not the header's",
        with_destination_of_header),
    "format/time-invalid-usec.pcap": (
        "1000000 microseconds are a second; tshark prints them as a fraction of ten digits", with_carried_second),
    "format/pcapng-mixed-linktypes.pcapng": (
        "100 stamps in the year 586524, which 64 bits of nanoseconds cannot hold: weir counts them as untimed",
        without_far_times),
}
# Files of which every packet has a link type that weir does not decode.
UNKNOWN_LINK = {"linktype/frame-relay.pcap", "linktype/ieee80211-http.pcap", "linktype/ppi.pcap"}

SYN = "tcp.flags.syn && !tcp.flags.ack"
SYNACK = "tcp.flags.syn && tcp.flags.ack"
UDP = "udp && ip.proto == 17"
QUERIES = {
    "totals": ["--agg", "packets=count(),wire=sum(frame.len),cap=sum(frame.cap_len),cut=count(frame.cap_len < frame.len)"],
    "ip": ["--where", "ip || ipv6", "--agg", "packets=count(),bytes=sum(ip.len),tcp=count(ip.proto == 6),"
           "udp=count(ip.proto == 17),icmp=count(ip.proto == 1 || ip.proto == 58),"
           "first4=count(ip && ip.frag_offset == 0 && ip.flags.mf == 1),next4=count(ip && ip.frag_offset > 0),"
           "first6=count(ipv6 && ip.frag_offset == 0 && ip.flags.mf == 1),next6=count(ipv6 && ip.frag_offset > 0),"
           "syn=count(%s),synack=count(%s),fin=count(tcp.flags.fin),rst=count(tcp.flags.reset)" % (SYN, SYNACK)],
    "l3": ["--key", "v4=ip,v6=ipv6,a=arp", "--agg", "packets=count(),wire=sum(frame.len)"],
    "ipproto": ["--key", "ip.proto", "--agg", "packets=count(),wire=sum(frame.len)"],
    "flows": ["--key", "ip.version,5tuple", "--agg", "packets=count(),wire=sum(frame.len),ip=sum(ip.len),"
              "since=min(frame.time_epoch),until=max(frame.time_epoch)"],
    "persec": ["--window", "1s", "--agg", "packets=count(),wire=sum(frame.len)"],
    "new_tcp_conns": ["--where", SYN, "--key", "dst=ip.dst", "--agg", "syn=count()", "--top", "20:syn"],
    "ssh_brute": ["--where", SYN + " && tcp.dstport == 22", "--key", "src=ip.src,dst=ip.dst",
                  "--agg", "syn_to_22=count()", "--top", "20:syn_to_22"],
    "ftp_brute": ["--where", SYN + " && tcp.dstport == 21", "--key", "src=ip.src,dst=ip.dst",
                  "--agg", "syn_to_21=count()", "--top", "20:syn_to_21"],
    "telnet": ["--where", "tcp.dstport == 23", "--key", "dst=ip.dst", "--agg", "packets_to_23=count()",
               "--top", "20:packets_to_23"],
    "dns_queries": ["--where", UDP + " && udp.dstport == 53", "--key", "src=ip.src",
                    "--agg", "packets=count(),ip_bytes=sum(ip.len)", "--top", "20:packets"],
    "dns_responses": ["--where", UDP + " && udp.srcport == 53", "--key", "dst=ip.dst",
                      "--agg", "packets=count(),ip_bytes=sum(ip.len)", "--top", "20:packets"],
    "udp_amplification": ["--where", UDP, "--key", "dst=ip.dst,udp_sport=udp.srcport",
                          "--agg", "packets=count(),ip_bytes=sum(ip.len)", "--top", "20:packets"],
    "synack_per_dst": ["--where", SYNACK, "--key", "dst=ip.dst", "--agg", "synack=count()", "--top", "20:synack"],
}
HOSTS = ["new_tcp_conns", "ssh_brute", "ftp_brute", "telnet", "dns_queries", "dns_responses", "udp_amplification",
         "synack_per_dst"]


def arguments(path):
    args = ["-r", path, "--lateness", "2000000h"]
    for name, flags in QUERIES.items():
        args += ["--query", name, *flags]
    return args


def read_expected(base):
    with open(base + ".summary.json") as f:
        expected = {"summary": json.load(f)}
    with open(base + ".queries.json") as f:
        expected["queries"] = json.load(f)
    for name in ("flows", "persec", "protocols"):
        with open("%s.%s.tsv" % (base, name), newline="") as f:
            expected[name] = list(csv.DictReader(f, delimiter="\t"))
    return expected


def epoch(text):
    """a time as text -> (seconds, nanoseconds)"""
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")), int(text[20:29])


def differ(what, want, got):
    return [] if want == got else ["%s is %r, not %r" % (what, got, want)]


def differ_rows(what, want, got):
    problems = ["%s: %d rows, not %d" % (what, len(got), len(want))] if len(want) != len(got) else []
    for w, g in zip(want, got):
        if w != g and len(problems) < 5:
            problems.append("%s: %r, not %r" % (what, g, w))
    return problems


def check_totals(e, rows, stats):
    s = e["summary"]
    got = rows["totals"][0] if rows["totals"] else {"packets": 0, "wire": 0, "cap": 0, "cut": 0}
    problems = []
    for name, key in (("packets", "packets"), ("wire", "wire_bytes"), ("cap", "cap_bytes"), ("cut", "snap_truncated_packets")):
        problems += differ(key, s[key], got[name])
    problems += differ("received.packets", s["packets"], stats["received"]["packets"])
    problems += differ("received.bytes", s["wire_bytes"], stats["received"]["bytes"])
    if s["capinfos"]:
        problems += differ("packets of capinfos", s["capinfos"]["packets"], got["packets"])
        problems += differ("bytes of capinfos", s["capinfos"]["data_bytes"], got["wire"])
    return problems


def check_ip(e, rows, stats):
    s = e["summary"]
    keys = {"packets": "ip_packets", "bytes": "ip_bytes", "tcp": "tcp_packets", "udp": "udp_packets", "icmp": "icmp_packets",
            "first4": "ipv4_first_fragments", "next4": "ipv4_nonfirst_fragments", "first6": "ipv6_first_fragments",
            "next6": "ipv6_nonfirst_fragments", "syn": "tcp_syn_noack_packets", "synack": "tcp_synack_packets",
            "fin": "tcp_fin_packets", "rst": "tcp_rst_packets"}
    got = rows["ip"][0] if rows["ip"] else dict.fromkeys(keys, 0)
    return [p for name, key in keys.items() for p in differ(key, s[key], got[name])]


def check_protocols(e, rows, stats):
    want = {(r["scope"], r["key"]): (int(r["packets"]), int(r["wire_bytes"])) for r in e["protocols"] if r["scope"] != "token"}
    got = {}
    for r in rows["l3"]:
        kind = "ipv4" if r["v4"] else "ipv6" if r["v6"] else "arp" if r["a"] else "other"
        old = got.get(("l3", kind), (0, 0))
        got[("l3", kind)] = (old[0] + r["packets"], old[1] + r["wire"])
    for r in rows["ipproto"]:
        got[("ipproto", str(r["ip.proto"]))] = (r["packets"], r["wire"])
    return [p for k in sorted(set(want) | set(got)) for p in differ(" ".join(k), want.get(k), got.get(k))]


def check_flows(e, rows, stats):
    s = e["summary"]
    columns = ["ip.version", "ip.src", "ip.dst", "ip.proto", "srcport", "dstport", "packets", "wire", "ip"]
    flows = [tuple(str(r[c]) for c in columns) for r in rows["flows"]]
    problems = differ("flows", s["flows"], len(flows))
    digest = hashlib.sha256("".join("\t".join(f) + "\n" for f in flows).encode()).hexdigest()
    problems += differ("flows_sha256", s["flows_sha256"], digest)
    if not problems:
        return problems
    key = [(int(f[0]), int(ipaddress.ip_address(f[1])), int(ipaddress.ip_address(f[2])), *map(int, f[3:6])) for f in flows]
    if key != sorted(key):
        problems.append("the rows are not in the order of their keys")
    have = {f[:6]: f[6:] for f in flows}
    for r in e["flows"]:
        k = tuple(r[c] for c in ("ipver", "src", "dst", "proto", "sport", "dport"))
        problems += differ("flow " + " ".join(k), (r["packets"], r["wire_bytes"], r["ip_bytes"]), have.get(k))
        if len(problems) > 8:
            break
    if s["flows"] <= len(e["flows"]):
        known = {tuple(r[c] for c in ("ipver", "src", "dst", "proto", "sport", "dport")) for r in e["flows"]}
        problems += ["flow %s is too many" % " ".join(k) for k in have if k not in known][:4]
    return problems


def check_flow_times(e, rows, stats):
    columns = ["ip.version", "ip.src", "ip.dst", "ip.proto", "srcport", "dstport"]
    have = {tuple(str(r[c]) for c in columns): r for r in rows["flows"]}
    problems = []
    for r in e["flows"]:
        g = have.get(tuple(r[c] for c in ("ipver", "src", "dst", "proto", "sport", "dport")))
        if g is None:
            problems.append("flow %s is missing" % r)
            continue
        for name, column in (("first_epoch", "since"), ("last_epoch", "until")):
            want = None if r[name] == "None" else format(Decimal(r[name]), ".9f")
            problems += differ("%s of %s" % (name, r["src"]), want, g[column])
    return problems[:5]


def check_persec(e, rows, stats):
    first = e["summary"]["first_second"]
    want = [(int(r["rel_second"]), int(r["packets"]), int(r["wire_bytes"])) for r in e["persec"]]
    got = []
    problems = []
    for r in rows["persec"]:
        (s, ns), end = epoch(r["window.start"]), epoch(r["window.end"])
        if ns or end != (s + 1, 0):
            problems.append("window %s to %s is no second" % (r["window.start"], r["window.end"]))
        got.append((s - first, r["packets"], r["wire"]))
    problems += differ_rows("second", want, got)
    untimed = e["summary"]["no_timestamp_packets"]
    dropped = stats["queries"]["persec"]["dropped"]
    return problems + differ("dropped.no_time", untimed, dropped.get("no_time", 0)) + differ("dropped.late", 0, dropped.get("late", 0))


def check_hosts(e, rows, stats):
    problems = []
    for name in HOSTS:
        got = [{k: v for k, v in r.items() if k not in ("query", "window.start", "window.end")} for r in rows[name]]
        columns = list(got[0]) if got else []
        want = [{k: v for k, v in r.items() if not columns or k in columns} for r in e["queries"][name]]
        problems += differ_rows(name, want, got)
    return problems


CHECKS = {"totals": check_totals, "ip": check_ip, "protocols": check_protocols, "flows": check_flows,
          "flow times": check_flow_times, "seconds": check_persec, "hosts": check_hosts}


class Decimals(str):
    """a JSON number with a fraction, kept as it is written"""


def run_file(t, root, rel):
    path = os.path.join(root, rel)
    if rel.endswith(".snoop"):
        p = weir.run(["-r", path, "--agg", "n=count()"])
        err = p.stderr.decode("utf-8", "replace")
        t.check(rel + ": refused as no capture of pcap or pcapng", weir.ended(p, (1,)) + (
            ["standard error: %r" % err] if path not in err or err.count("\n") != 1 or p.stdout else []))
        return
    p, stats = weir.run_with_stats(arguments(path), timeout=4 * weir.TIMEOUT)
    problems = weir.ended(p) + (weir.ledger(stats) if stats else ["no --stats document"])
    t.check(rel + ": runs, and the ledger balances", problems)
    if stats is None:
        return
    rows = {name: [] for name in QUERIES}
    for line in p.stdout.decode("utf-8").splitlines():
        r = json.loads(line, parse_float=Decimals)
        rows[r["query"]].append(r)
    e = read_expected(os.path.join(root, "expected", rel))
    if rel in AMENDED:
        t.note("%s: the reference is amended: %s" % (rel, AMENDED[rel][0]))
        AMENDED[rel][1](e)
    for name, check in CHECKS.items():
        label = "%s: %s" % (rel, name)
        if rel in UNKNOWN_LINK and name not in ("totals", "seconds"):
            if name == "ip":
                t.check(rel + ": " + NO_IP, differ("decode.link_type", e["summary"]["packets"], stats["decode"].get("link_type")))
            continue
        t.check(label, check(e, rows, stats))
    again = weir.run(arguments(path + "?preload=1"), timeout=4 * weir.TIMEOUT)
    t.check(rel + ": the same rows from memory", weir.ended(again) + (
        [] if again.stdout == p.stdout else ["they differ"]))


def main():
    folder = sys.argv[1]
    root = captures.folder()
    t = tap.Tap()
    for name in sys.argv[2:] or sorted(os.listdir(os.path.join(root, folder))):
        rel = folder + "/" + name
        if os.path.exists(os.path.join(root, "expected", rel + ".summary.json")):
            run_file(t, root, rel)
    if t.n == 0:
        t.check(folder, ["no capture of it has a reference"])
    t.done()


main()
