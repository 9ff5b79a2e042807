"""Where the time goes: instructions by callgrind, time by perf's samples, both by part of the way.

A part is told by the source file that an instruction comes from, so that what was inlined counts where it was
written: the table's hash is hash.h wherever it ended up.
"""
import collections
import os
import re
import shutil
import subprocess

import measure
from measure import Failed

PARTS = ["receive", "decode", "predicate", "group", "pack", "hash", "probe", "update", "loop", "kernel", "other"]
# the first that matches the path of the source file
BY_FILE = [
    (r"lib/source/|librte_net|librte_mbuf|librte_mempool|rte_mbuf|rte_mempool|rte_ring|rte_ethdev", "receive"),
    (r"lib/decode/", "decode"),
    (r"lib/(expr|stage)/", "predicate"),
    (r"lib/base/include/weir/base/hash\.h|lib/aggregate/hash", "hash"),
    (r"lib/aggregate/(pack|pick)", "pack"),
    (r"lib/aggregate/(find|unlink|table|probe|memory|overflow)", "probe"),
    (r"lib/aggregate/fn/|lib/sketch/", "update"),
    (r"lib/(aggregate|record)/", "group"),
    (r"lib/(runtime|query)/", "loop"),
    (r"lib/(packet|base)/", None),  # helpers that all parts use: the caller's
]


def part_of(path):
    for pattern, part in BY_FILE:
        if re.search(pattern, path):
            return part
    return "other"


def read_callgrind(path):
    """(file, function) -> own cost, and the cost by part."""
    own, parts = collections.Counter(), collections.Counter()
    files, functions = {}, {}

    def name(table, text):
        m = re.match(r"\((\d+)\)(?: (.*))?$", text)
        if not m:
            return text
        if m.group(2) is not None:
            table[m.group(1)] = m.group(2)
        return table.get(m.group(1), "?")

    fl = fi = fn = "?"
    n_positions, skip = 1, False
    with open(path, errors="replace") as f:
        for line in f:
            line = line.rstrip("\n")
            m = re.match(r"(fl|fi|fe|fn|ob|cob|cfi|cfl|cfn|calls|positions)(?:=|: ?)(.*)$", line)
            if m:
                key, value = m.groups()
                if key == "positions":
                    n_positions = len(value.split())
                elif key == "fl":
                    fl = fi = name(files, value)
                elif key in ("fi", "fe"):
                    fi = name(files, value)
                elif key == "fn":
                    fn = name(functions, value)
                    fi = fl
                elif key in ("cfi", "cfl"):
                    name(files, value)
                elif key == "cfn":
                    name(functions, value)
                elif key == "calls":
                    skip = True  # the next line is what the callee took
                continue
            if line[:1] in "+-*0123456789" and line:
                if skip:
                    skip = False
                    continue
                words = line.split()
                if len(words) <= n_positions:
                    continue
                cost = int(words[n_positions])
                own[(fl, fn)] += cost
                part = part_of(fi)
                if part is None or part == "other" and part_of(fl) not in (None, "other"):
                    part = part_of(fl) or "other"
                parts[part] += cost
    return own, parts


def callgrind(weir, path, packets, query, folder, simd):
    """Instructions a packet of the worker, in all, by part and by function."""
    if not shutil.which("valgrind"):
        raise Failed("valgrind is not installed (scripts/bench --install)")
    out = os.path.join(folder, "callgrind.out")
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out, "--toggle-collect=weir_worker_main",
               "--dump-instr=no", weir, *simd, "--quiet", "-r", path + "?preload=1", *query, "--sink", "json:/dev/null"]
    measure.run(command, timeout=300)
    own, parts = read_callgrind(out)
    os.unlink(out)
    total = sum(parts.values())
    if not total:
        raise Failed("callgrind collected nothing")
    top = [{"function": fn.split("'")[0], "file": os.path.basename(fl), "per_packet": cost / packets}
           for (fl, fn), cost in own.most_common(16)]
    return {"command": command, "packets": packets, "per_packet": total / packets,
            "parts": {p: parts[p] / packets for p in PARTS if parts[p]}, "functions": top}


def symbols_of(binary):
    p = subprocess.run(["nm", "--defined-only", binary], stdout=subprocess.PIPE, text=True, check=True)
    return {w[2]: int(w[0], 16) for w in (line.split() for line in p.stdout.splitlines()) if len(w) == 3}


def files_of(binary, addresses):
    """The source file of each address, of inlined code its own."""
    addresses = sorted(addresses)
    if not addresses:
        return {}
    p = subprocess.run(["addr2line", "-e", binary], input="\n".join(hex(a) for a in addresses), text=True,
                       stdout=subprocess.PIPE, check=True)
    return {a: line.rsplit(":", 1)[0] for a, line in zip(addresses, p.stdout.splitlines())}


def perf(weir, command, ns_per_packet, folder):
    """ns a packet by part and function: samples of the worker's CPU clock, scaled to what was measured."""
    if not shutil.which("perf"):
        raise Failed("perf is not installed (scripts/bench --install)")
    data = os.path.join(folder, "perf.data")
    measure.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "4000", "-o", data, *command], timeout=120)
    p = subprocess.run(["perf", "script", "-i", data, "-F", "comm,ip,sym,symoff,dso"], stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL, text=True, errors="replace")
    os.unlink(data)
    symbols = symbols_of(weir)
    samples, addresses = [], set()
    for line in p.stdout.splitlines():
        m = re.match(r"\s*(\S+)\s+([0-9a-f]+) (.+?)(?:\+0x([0-9a-f]+))? \((.*)\)$", line)
        if not m or not m.group(1).startswith("weir-worker"):
            continue
        symbol, offset, dso = m.group(3), int(m.group(4) or "0", 16), m.group(5)
        address = symbols.get(symbol)
        if address is not None and os.path.basename(dso) == os.path.basename(weir):
            address += offset
            addresses.add(address)
        else:
            address = None
        samples.append((address, symbol, dso))
    if not samples:
        raise Failed("perf took no samples of the worker")
    where = files_of(weir, addresses)
    home = files_of(weir, {symbols[s] for _, s, _ in samples if s in symbols})
    parts, functions = collections.Counter(), collections.Counter()
    for address, symbol, dso in samples:
        if address is None:
            part = "kernel" if "kernel" in dso else part_of(dso)
            functions[("%s (%s)" % (symbol, os.path.basename(dso).strip("[]"))) if part != "receive"
                      else os.path.basename(dso)] += 1
        else:
            part = part_of(where.get(address, "?"))
            if part in (None, "other"):
                part = part_of(home.get(symbols[symbol], "?")) or "other"
            functions[symbol] += 1
        parts[part] += 1
    scale = ns_per_packet / len(samples)
    return {"samples": len(samples), "parts": {q: parts[q] * scale for q in PARTS if parts[q]},
            "functions": [{"function": f, "ns": n * scale} for f, n in functions.most_common(20)]}
