#!/usr/bin/env python3
"""Addresses, lengths, ports and link headers of the innermost packet, with every tunnel of --decap, against tshark's.

usage: tunnels.py [FILE...]

tshark shows each field once for each header that it has come to, in the order of frame.protocols: the last header there
is the innermost. What weir does not walk into ends that list early: the packets inside ICMP errors, and the tunnels of
NOT_WALKED. ARP in a tunnel is a network header of its own: where tshark shows the outer addresses still, weir has none.
Labels of several stacks in one packet are not told apart by tshark, and left out.
"""
import json
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import captures  # noqa: E402
import tap  # noqa: E402
import weir  # noqa: E402

FOLDER = "tunnel"
FILES = ["app/tcpreplay-test.pcap", "l2/mpls-10pkt.pcap", "l2/mpls-ip-snaplen.pcap", "l2/pppoe-session.pcap",
         "l2/vlan-mpls-mixed.pcap"]
DECAP = "mpls,eompls,gre,vxlan,geneve,gtpu,ipip,6in4,pppoe,vlan"
# cmd: Cisco MetaData between GRE and IP; nsh: VXLAN-GPE; capwap.data: 802.11
NOT_WALKED = {"icmp", "icmpv6", "teredo", "capwap.data", "nsh", "cmd"}
REFERENCE = ["frame.number", "frame.protocols", "ip.src", "ip.dst", "ip.len", "ip.proto", "ipv6.src", "ipv6.dst", "ipv6.plen",
             "udp.srcport", "udp.dstport", "tcp.srcport", "tcp.dstport", "eth.src", "vlan.id", "mpls.label", "arp.opcode"]
SELECT = ["frame.number", "ip.src", "ip.dst", "ip.len", "ip.proto", "srcport", "dstport", "eth.src", "vlan.id", "mpls.label",
          "arp.opcode"]


def from_tshark(path):
    args = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "aggregator=|", "-d", "udp.port==8472,vxlan"]
    for name in ["ip.defragment", "ipv6.defragment", "tcp.desegment_tcp_streams"]:
        args += ["-o", name + ":FALSE"]
    for name in REFERENCE:
        args += ["-e", name]
    out = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=4 * weir.TIMEOUT, check=False).stdout
    lines = [line.split("\t") for line in out.decode("utf-8", "replace").split("\n") if line]
    return {int(c[0]): {f: v.split("|") if v else [] for f, v in zip(REFERENCE, c)} for c in lines}


def walked(protocols):
    """The protocols that weir comes to, from the outside in."""
    kept = []
    for p in protocols:
        kept.append(p)
        if p in NOT_WALKED:
            break
    return kept


def link_of(kept, shown):
    """Of the last link that has them: Ethernet, the first tag, the first label."""
    want = {"eth.src": shown["eth.src"][kept.count("eth") - 1] if "eth" in kept else None}
    tags, first = 0, None
    for i, p in enumerate(kept):
        if p == "vlan":
            first = first if kept[i - 2:i] == ["vlan", "ethertype"] else tags
            tags += 1
    want["vlan.id"] = None if first is None else int(shown["vlan.id"][first])
    if kept.count("mpls") < 2:
        want["mpls.label"] = int(shown["mpls.label"][0]) if "mpls" in kept else None
    return want


def expected(shown):
    kept = walked(shown["frame.protocols"][0].split(":"))
    want = link_of(kept, shown)
    networks = [p for p in kept if p in ("ip", "ipv6", "arp")]
    last = networks[-1] if networks else None
    if last == "arp":
        return {**want, "arp.opcode": int(shown["arp.opcode"][-1]), "ip.src": None, "ip.dst": None, "ip.len": None, "srcport": None}
    at = networks.count(last) - 1
    if last == "ip":
        want.update({"ip.src": shown["ip.src"][at], "ip.dst": shown["ip.dst"][at], "ip.len": int(shown["ip.len"][at]),
                     "ip.proto": int(shown["ip.proto"][at])})
    elif last == "ipv6":
        want.update({"ip.src": shown["ipv6.src"][at], "ip.dst": shown["ipv6.dst"][at], "ip.len": 40 + int(shown["ipv6.plen"][at])})
    else:
        return {**want, "ip.src": None, "ip.dst": None}
    behind = kept[len(kept) - kept[::-1].index(last):]
    for p in ("udp", "tcp"):
        if p in behind:
            n = kept.count(p) - 1
            want.update({"srcport": int(shown[p + ".srcport"][n]), "dstport": int(shown[p + ".dstport"][n])})
    return want


def run_file(t, root, rel):
    path = os.path.join(root, rel)
    p = weir.run(["-r", path, "--decap", DECAP, "--select", ",".join(SELECT)])
    problems = weir.ended(p)
    rows = [json.loads(x) for x in p.stdout.decode("utf-8").splitlines()]
    reference = from_tshark(path)
    if len(rows) != len(reference):
        problems.append("%d packets, not %d" % (len(rows), len(reference)))
    n = n_inner = 0
    for r in rows:
        shown = reference.get(r["frame.number"])
        if shown is None:
            continue
        want = expected(shown)
        n += len(want)
        n_inner += sum(p in ("ip", "ipv6", "arp") for p in walked(shown["frame.protocols"][0].split(":"))) > 1
        for f, w in want.items():
            if r[f] != w:
                problems.append("packet %d (%s): %s is %r, not %r" % (r["frame.number"], shown["frame.protocols"][0], f, r[f], w))
    t.check("%s: %d values, %d inner packets" % (rel, n, n_inner), problems)
    return n_inner


def main():
    root = captures.folder()
    if not shutil.which("tshark"):
        tap.skip_all("no tshark")
    t = tap.Tap()
    files = sys.argv[1:] or FILES + sorted(FOLDER + "/" + f for f in os.listdir(os.path.join(root, FOLDER)))
    n = sum(run_file(t, root, rel) for rel in files)
    t.check("inner packets: %d" % n, [] if n else ["no file has any"])
    t.done()


main()
