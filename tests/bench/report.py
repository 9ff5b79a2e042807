"""Tables of what was measured, and what moved against an older file."""

TARGETS = [  # what, key of the ratio, at least (None: for information)
    ("port, 10 k flows: weir / testpmd", "weir/testpmd port-10k", 0.60),
    ("port, 1 M flows: weir / testpmd", "weir/testpmd port-1m", 0.60),
    ("port, IMIX: weir / testpmd", "weir/testpmd port-imix", 0.60),
    ("file, 10 k flows: weir / fastest peer", "weir/peer udp-10k", 10),
    ("file, 1 M flows: weir / fastest peer", "weir/peer udp-1m", 10),
    ("file, IMIX: weir / fastest peer", "weir/peer imix", 10),
    ("file, 10 k flows: weir / bare loop", "weir/bare udp-10k", 0.60),
    ("file, 1 M flows: weir / bare loop", "weir/bare udp-1m", 0.60),
    ("file, IMIX: weir / bare loop", "weir/bare imix", 0.60),
    ("port, IMIX: fourteen telemetry queries / testpmd", "telemetry/testpmd port-imix", 0.20),
    ("port to port, 4 k flows: weir filter / testpmd io", "forward/testpmd io port-4k", 0.80),
    ("port to port, IMIX: weir filter / testpmd io", "forward/testpmd io port-imix", 0.80),
    ("64 B, one template: weir-gen / testpmd txonly", "gen/testpmd txonly one template", 0.90),
    ("64 B, 10 k flows: weir-gen / testpmd txonly", "gen/testpmd txonly 10 k flows", 0.70),
    ("66 B, signed: weir-gen / testpmd txonly", "gen/testpmd txonly signed", None),
    ("2 workers / 1, a queue each, 10 k flows", "2 workers / 1", 1.85),
    ("the same by the wall clock", "2 workers / 1, wall clock", None),
    ("2 programs of a worker / 1", "2 programs / 1", None),
    ("2 workers / 1, a file by turns, wall clock", "2 workers / 1, a file by turns, wall clock", None),
    ("AF_XDP on veth: received, weir / testpmd", "xdp/testpmd received rate", 0.95),
    ("the same, share of what was sent", "xdp/testpmd share received", None),
    ("the same, packets by CPU time of the receiver", "xdp/testpmd CPU", None),
    ("push-down of 1 %: share of weir's CPU saved, adaptive", "push/saved adaptive", 0.60),
    ("the same, interrupt", "push/saved interrupt", 0.60),
    ("with what the sender takes for it, adaptive", "push/saved with the sender's adaptive", None),
    ("the same, interrupt", "push/saved with the sender's interrupt", None),
    ("cluster, IMIX, 1 s: bytes of packets' columns / on the wire", "cluster: columns/wire", 10),
    ("cluster of 3: a node's ingest / alone, in clear", "cluster: ingest in clear / alone", 0.90),
    ("the same, sealed", "cluster: ingest sealed / alone", 0.90),
]

# Where workers had less of their CPUs they waited for each other, which says nothing of a quiet machine.
HAD_LEAST = 0.85


def table(head, rows):
    rows = [[str(c) for c in r] for r in rows]
    width = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]

    def line(cells):
        return "  ".join(c.ljust(w) if i < 2 else c.rjust(w)
                         for i, (c, w) in enumerate(zip(cells, width))).rstrip()

    return "\n".join([line(head), line(["-" * w for w in width]), *[line(r) for r in rows]])


def number(x, digits=1):
    return "-" if x is None else "%.*f" % (digits, x)


def costs(doc):
    rows = [[r["input"], r["name"], number(r["mpps"], 2), number(r["ns"]), "%.0f%%" % (100 * r["spread"]),
             len(r["runs"])] for r in doc["results"]]
    return table(["input", "program", "Mpps", "ns/packet", "+-", "runs"], rows)


def ratios(doc):
    rows = []
    for what, key, least in TARGETS:
        got = doc["ratios"].get(key)
        if got is not None:
            state = "-" if least is None else "met" if got >= least else "missed"
            rows.append([what, state, number(got, 2), number(least, 2)])
    for name, d in doc["differences"].items():
        least = d.get("most")
        state = "-" if least is None else "met" if d["value"] <= least else "missed"
        if state == "missed" and d.get("had", 1.0) < HAD_LEAST:
            state = "disturbed"
        rows.append([name, state, number(d["value"], 2), "-" if least is None else "<= " + number(least, 1)])
    return table(["target", "", "got", "wanted"], rows) if rows else ""


def parts(doc, unit):
    """instructions or ns a packet by part, a column an input"""
    found = doc["profiles"].get(unit, {})
    names = [p for p in doc["parts"] if any(p in f["parts"] for f in found.values())]
    if not names:
        return ""
    head = ["part", "", *found]
    rows = [[p, "", *[number(f["parts"].get(p), 1) for f in found.values()]] for p in names]
    rows.append(["all", "", *[number(sum(f["parts"].values()), 1) for f in found.values()]])
    return table(head, rows)


def functions(doc):
    rows = []
    for name, f in doc["profiles"].get("ns", {}).items():
        for e in f["functions"][:12]:
            rows.append([name, e["function"], number(e["ns"], 2)])
    return table(["input", "function", "ns/packet"], rows) if rows else ""


def text(doc):
    pieces = [costs(doc), ratios(doc)]
    for title, unit in (("ns a packet by part (perf)", "ns"), ("instructions a packet by part (callgrind)", "ir")):
        t = parts(doc, unit)
        pieces += [title + "\n" + t] if t else []
    pieces += [functions(doc)]
    if doc["skipped"]:
        pieces.append("left out:\n" + "\n".join("  %s: %s" % (k, v) for k, v in doc["skipped"].items()))
    return "\n\n".join(p for p in pieces if p) + "\n"


def compare(old, new):
    """What moved by more than the two spreads together, and by 3 % at least; ratios, which drift less, first."""
    rows = []
    for key in sorted(set(old["ratios"]) & set(new["ratios"])):
        a, b = old["ratios"][key], new["ratios"][key]
        noise = max(0.03, old["ratio_spread"].get(key, 0) + new["ratio_spread"].get(key, 0))
        if abs(b / a - 1) > noise:
            rows.append(["ratio", key, number(a, 3), number(b, 3), "%+.0f%%" % (100 * (b / a - 1)),
                         "%.0f%%" % (100 * noise)])
    before = {(r["input"], r["name"]): r for r in old["results"]}
    for r in new["results"]:
        o = before.get((r["input"], r["name"]))
        if not o:
            continue
        noise = max(0.03, o["spread"] + r["spread"])
        if abs(r["ns"] / o["ns"] - 1) > noise:
            rows.append(["ns/packet", "%s %s" % (r["input"], r["name"]), number(o["ns"]), number(r["ns"]),
                         "%+.0f%%" % (100 * (r["ns"] / o["ns"] - 1)), "%.0f%%" % (100 * noise)])
    for name, f in new["profiles"].get("ir", {}).items():
        o = old["profiles"].get("ir", {}).get(name)
        if not o:
            continue
        for p in new["parts"]:
            a, b = o["parts"].get(p, 0), f["parts"].get(p, 0)
            if abs(b - a) > max(0.5, 0.02 * a):
                rows.append(["instructions", "%s %s" % (name, p), number(a), number(b),
                             "%+.0f%%" % (100 * (b / a - 1)) if a else "new", ""])
    for name, d in new["differences"].items():
        o = old["differences"].get(name)
        if o and abs(d["value"] - o["value"]) > max(0.05 * abs(o["value"]), d.get("noise", 0) + o.get("noise", 0)):
            rows.append(["figure", name, number(o["value"], 2), number(d["value"], 2),
                         "%+.2f" % (d["value"] - o["value"]), ""])
    if not rows:
        return "nothing moved beyond the noise\n"
    return table(["what", "where", "old", "new", "moved", "noise"], rows) + "\n"
