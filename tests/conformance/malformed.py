#!/usr/bin/env python3
"""Captures that are damaged or that broke other parsers: what is readable comes out, nothing crashes or hangs.

For every file: status 0 or 1, no signal, no time-out, a ledger that balances, at least the packets that
capinfos or tshark could read; where the status is 1 one line says why, with the byte offset where packets were
read before. All fields are decoded, and the packets are written to a pcapng file and counted again.
"""
import concurrent.futures
import csv
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import captures  # noqa: E402
import tap  # noqa: E402
import weir  # noqa: E402

# file -> reason why fewer packets than the reference has are right
FEWER = {
    "pcpp-clusterfuzz-testcase-minimized-FuzzTarget-4683685084594176.pcap":
        "its head says version 2.8224, which libpcap refuses",
}
# file -> reason why status 0 is right although tshark complains
WHOLE = {
    "libpcap-linktype-reserved-field-not-zero.pcap": "reserved bits in the link type, no packet: not damaged for libpcap",
    "pcpp-clusterfuzz-testcase-minimized-FuzzTarget-5631583764873216.pcap":
        "reserved bits in the link type, no packet: not damaged for libpcap",
    "tcpdump-vtp_asan.pcap": "a link type that tshark does not know; its packets count under decode.link_type",
}


def all_fields():
    path = os.path.join(captures.ROOT, "lib/packet/include/weir/packet/fields.def")
    with open(path) as f:
        return re.findall(r'^WEIR_FIELD\(\w+,\s*"([^"]+)"', f.read(), re.M)


FIELDS = ",".join(all_fields())


def packets(stats):
    return stats["received"]["packets"]


def why(p):
    """Problems of the message with which a damaged file ends."""
    err = p.stderr.decode("utf-8", "replace")
    lines = [x for x in err.splitlines() if x.startswith("weir: ")]
    return lines, err


def run_file(path, want, rc):
    p, stats = weir.run_with_stats(["-r", path, "--query", "flows", "--key", "5tuple", "--agg", "n=count(),b=sum(ip.len)",
                                    "--query", "second", "--window", "1s", "--agg", "n=count()",
                                    "--query", "each", "--select", FIELDS])
    problems = weir.ended(p, (0, 1))
    lines, err = why(p)
    n = 0
    if stats:
        n = packets(stats)
        problems += weir.ledger(stats)
    elif p.returncode == 0:
        problems.append("no --stats document")
    if n < want and os.path.basename(path) not in FEWER:
        problems.append("%d packets, the reference has %d; standard error: %s" % (n, want, err[-500:]))
    if p.returncode == 1:
        if not lines:
            problems.append("status 1 without a line that says why: %r" % err[-500:])
        elif n and not any(re.search(r"(offset|byte)\D{0,12}\d+|\d+ ?bytes? (in|from)", x) for x in lines):
            problems.append("status 1 after %d packets, but no byte offset in %r" % (n, err[-500:]))
        if rc == 0 and os.path.basename(path) not in FEWER:
            problems.append("status 1 for a file that tshark reads whole: %r" % err[-500:])
    elif rc != 0 and p.returncode == 0 and os.path.basename(path) not in WHOLE:
        problems.append("status 0 for a file that tshark calls damaged")
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "all.pcapng")
        p = weir.run(["-r", path, "--sink", "pcapng:" + out])
        problems += weir.ended(p, (0, 1))
        if n:
            _, again = weir.run_with_stats(["-r", out, "--agg", "n=count()"])
            if not again or packets(again) != n:
                problems.append("written and read again: %s packets of %d" % (again and packets(again), n))
        for kind in ("tcp or udp port 53", "ip6 and not vlan"):
            p = weir.run(["-r", path, "--filter", kind, "--agg", "n=count()"])
            # a filter that has no meaning for a link type is refused, which is no damage
            problems += weir.ended(p, (0, 1, 2))
    return problems


def main():
    root = captures.folder()
    t = tap.Tap()
    with open(os.path.join(root, "expected", "malformed.tsv"), newline="") as f:
        files = list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = []
        for r in files:
            want = r["capinfos_packets"] if r["capinfos_packets"] != "-" else r["tshark_packets"]
            jobs.append((r["file"], pool.submit(run_file, os.path.join(root, "malformed", r["file"]), int(want),
                                                int(r["tshark_rc"]))))
        for name, job in jobs:
            t.check(name, job.result())
    for name, reason in [*FEWER.items(), *WHOLE.items()]:
        t.note("%s: not as the reference has it: %s" % (name, reason))
    t.done()


main()
