#!/usr/bin/env python3
"""Read what weir_report_* write of reports with known figures (report.c), each format by a reader of its own.

usage: report.py PROGRAM. TAP on standard output.
"""
import json
import math
import re
import subprocess
import sys
import xml.etree.ElementTree

PROGRAM = sys.argv[1]
SVG = "{http://www.w3.org/2000/svg}"
QUANTILES = {"p50": .5, "p90": .9, "p99": .99, "p99.9": .999, "p99.99": .9999}


def write(fmt, kind=""):
    return subprocess.run([PROGRAM, fmt, kind], stdout=subprocess.PIPE, check=True, timeout=60).stdout


def equal(got, want):
    assert got == want, "got %r, expected %r" % (got, want)


def delays(load):
    """The delays that report.c gives probes of a load, sorted."""
    late = {i - 3: 300000 + i * 7919 % 4001 + (5000 << 2 * load) + 1 for i in range(3, 20000, 50)}
    rest = [(5000 << 2 * load) + i * 7919 % 4001 for i in range(20000) if i % 100 != 99 and i % 50]
    return sorted(list(late.values()) + rest)


def exact(values, q):
    return values[max(0, math.ceil(q * len(values) - 1e-9) - 1)]


def test_json_has_the_figures():
    r = json.loads(write("json"))
    for load, m in enumerate(r["loads"]):
        values, lat = delays(load), m["latency_ns"]
        equal(lat["samples"], len(values))
        equal((lat["min"], lat["max"]), (values[0], values[-1]))
        assert abs(lat["mean"] - sum(values) / len(values)) < .001
        for key, q in QUANTILES.items():
            want = exact(values, q)
            assert want <= lat[key] <= want * (1 + 1 / 128), (key, lat[key], want)
            equal(m["pdv_ns"][key], lat[key] - lat["min"])
        equal([m[k] for k in ("sent", "received", "lost", "duplicates", "late")], [20000, 19800, 200, 0, 400])
        equal([m["reordering"][k] for k in ("packets", "extent_max", "extent_mean")], [400, 3, 3.0])
        equal(m["reordering"]["n_reordered"][:4], [400, 400, 400, 0])
        equal(sum(m["over_time"]["samples"]), 19800)
        equal(max(m["over_time"]["max_ns"]), values[-1])
    equal(r["floor"]["latency_ns"]["p99.99"], None)
    equal(r["floor"]["ipdv_ns"]["mean"], 1.0)
    equal([f["lower_pps"] for f in r["rates"]], [1234500.0, None])


def test_json_has_null_where_there_are_too_few():
    few, empty = json.loads(write("json", "few")), json.loads(write("json", "empty"))
    for m in few["loads"] + [few["floor"]]:
        equal([m["latency_ns"][k] is None for k in QUANTILES], [False, False, True, True, True])
        assert m["latency_ns"]["max"] > 0
    for m in empty["loads"] + [empty["floor"]]:
        equal({m["latency_ns"][k] for k in (*QUANTILES, "max", "min", "mean")}, {None})
        equal(m["latency_ns"]["samples"], 0)


def test_json_takes_any_name():
    equal(json.loads(write("json", "strange"))["path"], "?")


def test_table_has_the_floor_first_and_dashes():
    parts = write("table").decode().split("\n\n")
    equal(len(parts), 4)
    assert "no-drop rate: 1.23Mpps (1234500; not 1.24Mpps)" in parts[0], parts[0]
    assert "at most 0.5% loss: less than 1.00kpps" in parts[0], parts[0]
    for part in parts[1:]:
        lines = part.rstrip("\n").split("\n")
        equal([re.split(r"  +", x)[0] for x in lines[1:]], ["floor", "10 %", "50 %", "90 %"])
        equal(len({len(x) for x in lines}), 1)
    rows = [re.split(r"  +", x) for x in parts[1].split("\n")]
    equal(rows[0], ["latency", "P50", "P90", "P99", "P99.9", "P99.99", "max", "min", "mean", "samples"])
    equal(rows[1], ["floor", "1.5us", "1.9us", "1.99us", "2us", "-", "2us", "1us", "1.5us", "1000"])
    rows = [re.split(r"  +", x) for x in parts[2].split("\n")]
    equal(rows[2], ["10 %", "10.0k", "10.0k", "20000", "19800", "200", "1%", "0", "400", "3", "0", "400"])
    rows = [re.split(r"  +", x) for x in write("table", "empty").decode().split("\n\n")[1].split("\n")]
    equal(rows[1], ["floor"] + 8 * ["-"] + ["0"])


def read_hdr(text):
    """As HdrHistogram's plotters read it: numbers of lines that are neither heading nor comment."""
    rows = []
    for line in text.split("\n"):
        if line.strip() and not line.startswith("#") and "Value" not in line:
            rows.append([float(x) for x in line.split()])
    trailer = dict(re.findall(r"[\[ ]([A-Z][\w ]*?) *= *([\d.]+)", text))
    return rows, trailer


def test_hdr_is_the_distribution():
    text = write("hdr").decode()
    equal(text.split("\n")[0].split(), ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"])
    rows, trailer = read_hdr(text)
    values = delays(1)
    equal(rows[0][1], 0.0)
    equal(rows[-1], [values[-1] / 1000, 1.0, len(values)])
    for i, (value, level, count, *inverse) in enumerate(rows):
        want = exact(values, level) / 1000
        assert want <= value + 5e-4 and value <= want * (1 + 1 / 128) + 5e-4, rows[i]
        assert count >= level * len(values) - 1e-3, rows[i]
        equal(count, sum(x <= value * 1000 + .5 for x in values))
        assert i == 0 or (value >= rows[i - 1][0] and level > rows[i - 1][1]), rows[i]
        if level < 1:
            assert abs(inverse[0] - 1 / (1 - level)) <= .01 + inverse[0] * 1e-6, rows[i]
    # Five steps to each half of what is left.
    for level in (.1, .2, .5, .55, .75, .775):
        assert any(abs(r[1] - level) < 1e-9 for r in rows), level
    mean = sum(values) / len(values)
    assert abs(float(trailer["Mean"]) - mean / 1000) < .001, trailer
    deviation = math.sqrt(sum((x - mean) ** 2 for x in values) / len(values)) / 1000
    assert abs(float(trailer["StdDeviation"]) - deviation) < deviation / 100, trailer
    equal((float(trailer["Max"]), int(trailer["Total count"])), (values[-1] / 1000, len(values)))


def test_hdr_of_nothing_has_no_lines():
    rows, trailer = read_hdr(write("hdr", "empty").decode())
    equal((rows, int(trailer["Total count"])), ([], 0))


def svg(kind=""):
    return xml.etree.ElementTree.fromstring(write("svg", kind))


def curves(root):
    return [p for p in root.iter(SVG + "path") if "curve" in p.get("class") and p.find(SVG + "title") is not None]


def test_svg_has_a_curve_for_each_load_and_the_floor():
    root = svg()
    equal([c.find(SVG + "title").text for c in curves(root)], ["floor", "10 %", "50 %", "90 %"])
    equal([c.get("class") for c in curves(root)], ["curve cf", "curve c0", "curve c1", "curve c2"])
    for name in ("p50", "p99", "max"):
        equal(sum(p.get("class").split()[0] == name for p in root.iter(SVG + "path")), 4)
    texts = ["".join(t.itertext()) for t in root.iter(SVG + "text")]
    assert {"50%", "90%", "99.9%", "10 µs", "1 s"} <= set(texts), texts
    assert any("50 %" in t and "P50 22.1 µs" in t for t in texts), texts


def test_svg_stays_within_its_box():
    for kind in ("", "few", "empty"):
        root = svg(kind)
        _, _, width, height = (float(x) for x in root.get("viewBox").split())
        for p in root.iter(SVG + "path"):
            for x, y in re.findall(r"[ML](\S+?) (-?[\d.]+)", p.get("d")):
                assert 0 <= float(x) <= width and 0 <= float(y) <= height, p.get("d")[:200]
            assert "nan" not in p.get("d") and "inf" not in p.get("d"), p.get("d")[:200]
        for t in root.iter(SVG + "text"):
            assert 0 <= float(t.get("x")) <= width and 0 <= float(t.get("y")) <= height, t.text


def test_svg_curves_rise_with_the_percentile():
    for c in curves(svg()):
        ys = [float(y) for y in re.findall(r"V([\d.]+)", c.get("d"))]
        xs = [float(x) for x in re.findall(r"H([\d.]+)", c.get("d"))]
        assert ys == sorted(ys, reverse=True) and xs == sorted(xs) and len(xs) > 1, c.get("d")[:200]


def test_svg_takes_any_name():
    root = svg("strange")
    equal([e for e in root.iter() if "script" in e.tag], [])
    equal(root.find(SVG + "title").text, "Latency of a<b>&\"c\"]]>?é????")
    equal(curves(root)[1].find(SVG + "title").text, "</text><script>\U0001f600???")


def main():
    tests = [(n, f) for n, f in globals().items() if n.startswith("test_")]
    print("1..%d" % len(tests))
    for i, (name, f) in enumerate(tests, 1):
        try:
            f()
            print("ok %d - %s" % (i, name[5:].replace("_", " ")))
        except (AssertionError, KeyError, ValueError, subprocess.SubprocessError,
                xml.etree.ElementTree.ParseError) as e:
            print("not ok %d - %s" % (i, name[5:].replace("_", " ")))
            print("# %s: %s" % (type(e).__name__, str(e).replace("\n", "\n# ")))


main()
