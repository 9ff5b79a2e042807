#!/usr/bin/env python3
"""Write seeds for the fuzz targets, out of the golden cases: make_seeds.py FOLDER makes FOLDER/decode, application, expr,
file, cluster, part, seal, span, wire."""
import base64
import glob
import importlib.util
import json
import os
import struct
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
GOLDEN = os.path.join(HERE, "..", "golden")
sys.dont_write_bytecode = True
sys.path[:0] = [GOLDEN, os.path.join(HERE, "..", "support")]
import pcapmaker as pm  # noqa: E402

# In the order of enum weir_link.
LINKS = [None, pm.LINK_ETHERNET, pm.LINK_RAW, pm.LINK_SLL, pm.LINK_SLL2, pm.LINK_NULL, pm.LINK_LOOP, pm.LINK_PPP,
         pm.LINK_CHDLC, pm.LINK_NFLOG]


def write(folder, data):
    with open(os.path.join(folder, "%04d" % len(os.listdir(folder))), "wb") as f:
        f.write(data)


def main():
    folders = {}
    for kind in ("decode", "application", "expr", "file", "cluster", "part", "seal", "span", "wire"):
        folders[kind] = os.path.join(sys.argv[1], kind)
        os.makedirs(folders[kind], exist_ok=True)
        for old in glob.glob(folders[kind] + "/*"):
            os.unlink(old)
    for n_payload in (0, 40, 1400):  # all parts put right; see fuzz_seal.c
        write(folders["seal"], b"\x3f" + struct.pack(">HBBHHQQQ", 0x5745, 1, 7, 1, 0, 77, 42, 5) + bytes(n_payload + 16))
    # what a peer says behind the receiver's incarnation, as type and length in front of it; see fuzz_wire.c and docs/wire.md
    data = struct.pack(">IIQQ", 1, 0, 0, 0) + b"payload"
    ping = struct.pack(">II11Q4H", 1, 1, 0, 0, 100, 0, 0, 0, 0, 1, 10 ** 18, 0, 0, 0, 0, 0, 0)
    nak = struct.pack(">II11Q4H", 1, 1, 0, 1, 100, 4, 0, 3, 50, 0, 0, 0, 0, 1, 0, 0, 0) + struct.pack(">Q", 4)
    write(folders["wire"], b"".join(bytes([0xc0 - 0xc0 % 6 + kind, len(x)]) + x for kind, x in ((1, data), (3, ping), (2, nak), (1, data))))
    # a greeting in clear that names the receiver; see fuzz_wire.c
    write(folders["wire"], b"\x1f" + struct.pack(">HBBHHQQQQ", 0x5745, 1, 5, 4, 0, 1, 0, 1, 0))
    # heads of parts, a word of how far a node is, a table, a ledger of two queries, three pieces in any order; see fuzz_span.c
    for frame in (struct.pack(">BBHQQ", 1, 0, 2, 9, 5) + b"groups", struct.pack(">BBHQqQq", 2, 1, 0, 9, -1, 5, 10 ** 18),
                  struct.pack(">BBHQQHHI", 6, 3, 2, 9, 5, 1, 300, 400) + bytes(100),
                  struct.pack(">BBBBQqq", 4, 3, 2, 0, 9, -5, 10 ** 18) + bytes(i % 2 for i in range(512))):
        write(folders["span"], b"\x00" + frame)
    ledger = struct.pack(">BBHHH5Q", 5, 0, 1, 2, 0, *range(5)) + bytes(2 * 15 * 8)
    write(folders["span"], b"\x01" + 2 * (struct.pack("<H", len(ledger)) + ledger))
    write(folders["span"], b"\x02" + b"".join(bytes([0, i << 3 | 1, 10 + i, 3, 200, 0]) for i in (2, 0, 1)))
    for path in sorted(glob.glob(os.path.join(GOLDEN, "*", "case.py"))):
        spec = importlib.util.spec_from_file_location("case", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        files = module.inputs() if hasattr(module, "inputs") else {"input.pcap": module.packets()}
        for name, packets in files.items():
            for p in packets[:30]:
                more = p.wire - len(p.data)
                if p.link == pm.LINK_ETHERNET:
                    write(folders["wire"], p.data)
                write(folders["decode"], bytes([LINKS.index(p.link), more >> 8 & 255, more & 255]) + p.data)
                if p["payload"]:
                    write(folders["application"], p["payload"])
                    write(folders["application"], p["payload"][2:])  # DNS over TCP has a length before it
            there = os.path.join(folders["file"], "new")
            for big in (False, True):
                for writer in (pm.write_pcap, pm.write_pcapng):
                    if writer is pm.write_pcap and any(p.t is None for p in packets):
                        continue
                    writer(there, packets[:8], big=big)
                    with open(there, "rb") as f:
                        data = f.read()
                    os.unlink(there)
                    write(folders["file"], data)
        for args in glob.glob(os.path.join(os.path.dirname(path), "args*")):
            with open(args, encoding="utf-8") as f:
                lines = f.read().split("\n")
            for flag, value in zip(lines, lines[1:]):
                if flag in ("--where", "--map", "--select", "--agg", "--key"):
                    write(folders["expr"], value.encode())
                    for part in value.split(","):
                        write(folders["expr"], part.split("=", 1)[-1].encode())
    node = {"name": "a", "incarnation": "%016x" % 1, "weight": 2.0}
    table = base64.b64encode(bytes(8192)).decode()
    maps = [{"epoch": 5, "live": [0], "draining": [1], "owners": table},
            {"from": 7, "live": [0], "draining": [], "owners": table}]
    lost = {"name": "b", "incarnation": "%016x" % 2, "weight": 1.0, "lost": 0}
    for record in ({"version": 1, "nodes": [node, lost], "maps": maps, "global": table, "pins": [[9, 0]]},
                   {**node, "state": "live", "address": "192.0.2.1", "udp": 1, "queues": 1, "facts": "", "version": "0",
                    "done": 3, "queries": {"scan": "--where 'tcp' --top 5"}}):
        write(folders["cluster"], json.dumps(record).encode())
    for query in range(6):  # a good part of each, unchanged; as it stands, and of its block
        for mode in (0x40, 0xc0):
            first = next(x for x in range(mode, mode + 64) if x % 6 == query)
            write(folders["part"], bytes([first]) + bytes(9))


main()
