"""Captures of the taps of a cluster, and what shipping their columns would take."""
import json
import os
import re
import subprocess

from measure import Failed

FLOWS, SKEW, V6, SNAP = 100000, 1.1, 0.3, 96
# 5-tuple and length: addresses, protocol, ports, and two bytes of the length
BYTES_V4, BYTES_V6 = 4 + 4 + 1 + 2 + 2 + 2, 16 + 16 + 1 + 2 + 2 + 2


def get(folder, i, n, packets, pps):
    """Path of tap i's capture of n, and bytes of the columns of its packets: made when the first is asked for."""
    path = os.path.join(folder.folder, "tap-%d.pcap" % i)
    if not os.path.exists(path):
        # All taps see the same flows, each other packets of them at the same time.
        every = os.path.join(folder.folder, "taps.pcap")
        folder.make("imix?flows=%d&dist=zipf:%g&v6=%g&seed=7&rate=%d" % (FLOWS, SKEW, V6, pps), n * packets, SNAP, every)
        for k in range(n):
            p = subprocess.run(["editcap", "-F", "pcap", "-t", "-%.9f" % (k * packets / pps), "-r", every,
                                os.path.join(folder.folder, "tap-%d.pcap" % k), "%d-%d" % (k * packets + 1, (k + 1) * packets)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            if p.returncode:
                raise Failed("the captures of the taps cannot be made: %s" % p.stderr.strip())
        os.unlink(every)
    return path, column_bytes(folder.weir, path, packets)


_counted = {}


def column_bytes(weir, path, packets):
    if path not in _counted:
        p = subprocess.run([weir, "--quiet", "-r", path, "--control", "never", "--where", "ip.version == 6", "--agg", "n=count()",
                            "--window", "global"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True)
        if p.returncode or not p.stdout:
            raise Failed("the packets of IPv6 cannot be counted: %s" % p.stderr.strip())
        six = json.loads(p.stdout)["n"]
        _counted[path] = six * BYTES_V6 + (packets - six) * BYTES_V4
    return _counted[path]


def part_cost(weir, program, flows, packets):
    """Costs by group of slotting, writing and reading the parts of one pane, in ns, and the bytes that they take."""
    rows = subprocess.Popen([weir, "--quiet", "--source", "gen:imix?flows=%d&dist=zipf:%g&v6=%g&count=%d" % (flows, SKEW, V6, packets),
                             "--control", "never", "--select", "ip.src,ip.dst,ip.proto,srcport,dstport,frame.len",
                             "--sink", "csv:/dev/stdout"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    cut = subprocess.Popen(["sh", "-c", "tail -n +2 | cut -d, -f2-"], stdin=rows.stdout, stdout=subprocess.PIPE)
    p = subprocess.run([program], stdin=cut.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for other in (rows, cut):
        other.stdout.close()
        other.wait()
    groups = re.search(r"(\d+) packets, (\d+) groups", p.stdout)
    costs = re.search(r"as they lie: .*, ([\d.]+) bytes a group.*slot (\d+) ns, write (\d+) ns, read (\d+) ns", p.stdout)
    if p.returncode or not groups or not costs:
        raise Failed("part_cost says %r" % (p.stderr or p.stdout))
    return {"packets": int(groups.group(1)), "groups": int(groups.group(2)), "bytes": float(costs.group(1)),
            **{k: int(costs.group(2 + i)) for i, k in enumerate(("slot_ns", "write_ns", "read_ns"))}}
