#!/usr/bin/env python3
"""The pages: help, version, fields, functions, man page, completion; the plan of --explain and --dry-run."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support")]
import pcapmaker  # noqa: E402
import tap  # noqa: E402
import weir  # noqa: E402

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))


def text(*args, binary=None):
    p = weir.run(list(args), binary=binary)
    return p.stdout.decode("utf-8", "replace"), weir.ended(p) + (
        ["standard error: %r" % p.stderr[:300]] if p.stderr else [])


def check_help(t):
    page, problems = text("--help")
    lines = page.splitlines()
    if len(lines) > 60 or any(len(x) > 110 for x in lines):
        problems.append("%d lines, the longest of %d characters: no one screen" % (
            len(lines), max(map(len, lines), default=0)))
    t.check("help fits one screen", problems)
    bare = weir.run([])
    problems = weir.ended(bare, (2,))
    if bare.stdout.decode() + bare.stderr.decode() != page:
        problems.append("a bare weir prints something else")
    t.check("a bare weir prints help, status 2", problems)
    options = sorted(set(re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", page)))
    return options, page


def check_examples(t, page):
    """What --help shows works when pasted; a live example is only checked, not run."""
    found = [x.strip().lstrip("$ ") for x in page.splitlines() if re.match(r"^\s*\$?\s*weir (-|--source)", x)]
    if len(found) < 3:
        t.check("help shows three examples", ["found %r" % found])
    env = {**os.environ, "PATH": os.path.dirname(weir.BINARY) + ":" + os.environ["PATH"]}
    for line in found:
        with tempfile.TemporaryDirectory() as d:
            dry = " --dry-run" if " -i " in line else ""
            p = subprocess.run(["bash", "-c", line + dry], cwd=d, env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=weir.TIMEOUT)
            if dry and p.returncode == 1 and b"CAP_NET_RAW" in p.stderr:
                t.skip("example: " + line + dry, "capturing needs CAP_NET_RAW")
                continue
            t.check("example: " + line + dry, weir.ended(p) + ([] if p.stdout or dry else ["it prints no row"]))


def check_tables(t):
    with open(os.path.join(ROOT, "lib/packet/include/weir/packet/fields.def")) as f:
        names = re.findall(r'^WEIR_FIELD\(\w+,\s*"([^"]+)"', f.read(), re.M)
    page, problems = text("--fields")
    words = set(page.split())
    t.check("--fields lists every field and macro",
            problems + ["%s is missing" % n for n in names + ["5tuple", "biflow"] if n not in words])
    page, problems = text("--functions")
    want = ["count", "sum", "min", "max", "mean", "stddev", "first", "last", "rate", "upper", "lower", "len", "net",
            "bucket", "if", "hash", "seqlt", "seqmax"]
    t.check("--functions lists aggregates and functions",
            problems + ["%s is missing" % n for n in want if not re.search(r"\b%s\(" % n, page)])
    page, problems = text("--version")
    if not re.fullmatch(r"weir \d+\.\d+\.\d+.*\n", page):
        problems.append("it prints %r" % page)
    t.check("--version", problems)


def check_man(t, options, binary):
    page, problems = text("--print-man", binary=binary)
    what = os.path.basename(binary) + "'s man page formats without a warning and has every option"
    if shutil.which("groff"):
        p = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-Wbreak", "-P-c"], input=page, text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
        problems += p.stderr.splitlines()
        shown = re.sub(r"\x1b\[[\d;]*m|.\x08", "", p.stdout)
        shown = shown.replace("\u2010", "-").replace("\u2212", "-")
        problems += ["%s is not in it" % o for o in options if o not in shown]
        t.check(what, problems)
    else:
        t.skip(what, "groff is missing")


def check_completion(t, options, binary):
    name = os.path.basename(binary)
    script, problems = text("--print-completion", binary=binary)
    probe = script + '\nCOMP_WORDS=(NAME --); COMP_CWORD=1; cur=--; prev=NAME\n' \
        'f=$(complete -p NAME | sed -n "s/.*-F \\([^ ]*\\).*/\\1/p"); "$f" NAME -- NAME; printf "%s\\n" "${COMPREPLY[@]}"\n'
    probe = probe.replace("NAME", name)
    p = subprocess.run(["bash", "--norc", "-c", probe], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    problems += p.stderr.splitlines()
    offered = {x.rstrip("= ") for x in p.stdout.split("\n")}
    problems += ["it does not offer %s" % o for o in options if o.startswith("--") and o not in offered]
    t.check(name + "'s bash completion offers every option", problems)


def check_plans(t):
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "good.pcap")
        pcapmaker.write_pcap(path, [pcapmaker.packet(src="10.0.0.1", dst="10.0.0.2", udp=(1, 2))])
        p = weir.run(["-r", path, "--query", "talk", "--where", "udp", "--key", "ip.src", "--agg", "n=count()", "--explain"])
        out = (p.stdout + p.stderr).decode()
        t.check("--explain names query, stages and source",
                weir.ended(p) + ["no %r in %r" % (x, out) for x in ("talk", "udp", "ip.src", "count", path) if x not in out])
        p = weir.run(["-r", path, "--simd", "v2", "--key", "ip.src", "--agg", "n=count()", "--explain"])
        t.check("--explain names the level of --simd", weir.ended(p) + ([] if b"x86-64-v2" in p.stdout else ["standard output: %r" % p.stdout]))
        p = weir.run(["-r", path, "--decap", "gre,vlan", "--key", "ip.src", "--agg", "n=count()", "--explain"])
        t.check("--explain names the tunnels", weir.ended(p) + ([] if b"tunnels gre,vlan" in p.stdout else ["standard output: %r" % p.stdout]))
        p = weir.run(["-r", path, "--agg", "n=count()", "--sink", "json:%s/rows.json" % d, "--dry-run"])
        t.check("--dry-run starts nothing", weir.ended(p) + (["rows on standard output"] if b'"n"' in p.stdout else [])
                + (["it has written the sink's file"] if os.path.exists(d + "/rows.json") else []))
        t.check("--dry-run finds what is wrong", weir.ended(weir.run(["-r", path + "x", "--dry-run"]), (1,)))
        p = weir.run(["-r", path, "--stats", "-", "--sink", "json:%s/rows.json" % d])
        t.check("--stats - is standard output", weir.ended(p) + ([] if b'"balanced":true' in p.stdout.replace(b" ", b"")
                                                               else ["standard output: %r" % p.stdout[:500]]))
        for window, is_vain in (("global", True), ("1s", False)):
            p = weir.run(["-r", path, "--default-window", window, "--query", "a", "--key", "ip.src", "--agg", "n=count()",
                          "--query", "b", "--from", "a", "--join", "anti:a@prev"])
            t.check("a join with the window before, of windows of %s, %s" % (window, "warns" if is_vain else "does not warn"),
                    weir.ended(p) + ([] if (b"a@prev finds nothing" in p.stderr) == is_vain
                                     else ["standard error: %r" % p.stderr[:300]]))
        p = weir.run(["-r", path, "--quiet"])
        t.check("--quiet says nothing on standard error",
                weir.ended(p) + (["standard error: %r" % p.stderr[:300]] if p.stderr else []))
        p = weir.run(["-r", path])
        t.check("without a terminal there is no progress on standard error",
                weir.ended(p) + (["carriage returns or escapes: %r" % p.stderr[:300]]
                                 if b"\r" in p.stderr or b"\x1b" in p.stderr else []))


def check_doctor(t):
    page, problems = text("--help", binary=weir.DOCTOR)
    if len(page.splitlines()) > 30:
        problems.append("%d lines" % len(page.splitlines()))
    t.check("weir-doctor --help", problems)
    listed = page[:page.index("\n# ")]  # the examples name options of weir
    options = sorted(set(re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", listed)) - {"-doctor"})
    check_man(t, options, weir.DOCTOR)
    check_completion(t, options, weir.DOCTOR)
    p = weir.run(["--json"], binary=weir.DOCTOR)
    problems = weir.ended(p, (0, 1))
    try:
        found = json.loads(p.stdout)
        problems += ["%s: no command that mends it" % f for f in found["findings"] if f["level"] != "ok" and not f["mend"]]
        if found["usable"] != (p.returncode == 0):
            problems.append("usable is %r, the status %d" % (found["usable"], p.returncode))
        if len({f["check"] for f in found["findings"]}) < 8:
            problems.append("it has checked too little: %s" % sorted({f["check"] for f in found["findings"]}))
    except (ValueError, KeyError) as e:
        problems.append("%r in %r" % (e, p.stdout[:300]))
    t.check("weir-doctor --json: every finding that is not well has a command that mends it", problems)
    for what, status, part, args in (
            ("a missing file", 1, "/nonexistent/x.pcap", ["-r", "/nonexistent/x.pcap"]),
            ("a missing interface", 1, "nosuch0", ["-i", "nosuch0"]),
            ("an unknown option", 2, "--jsn", ["--jsn"])):
        p = weir.run(args, binary=weir.DOCTOR)
        out = (p.stdout + p.stderr).decode("utf-8", "replace")
        t.check("weir-doctor: %s is named, status %d" % (what, status),
                weir.ended(p, (status,)) + ([] if part in out else ["it says %r" % out[:300]]))


def check_ctl(t):
    page, problems = text("--help", binary=weir.CTL)
    if len(page.splitlines()) > 30 or max(map(len, page.splitlines()), default=0) > 110:
        problems.append("no one screen")
    t.check("weir-ctl --help", problems)
    listed = page[:page.index("\n# ")]  # the examples name options of weir
    options = sorted(set(re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", listed)) - {"-ctl"})
    check_man(t, options + ["status", "remove", "top"], weir.CTL)
    check_completion(t, options, weir.CTL)
    for what, status, parts, args in (
            ("a misspelt command", 2, ["statsu", "status"], ["statsu"]),
            ("an unknown option", 2, ["--jsn", "--json"], ["status", "--jsn"]),
            ("no command", 2, ["command"], ["-n", "x"]),
            ("two commands", 2, ["stats", "status"], ["status", "stats"]),
            ("a missing query", 2, ["result", "QUERY"], ["result"]),
            ("a query without flags", 2, ["add", "--query"], ["add"]),
            ("a second name", 2, ["--name 'y'", "'x'"], ["-n", "x", "--name", "y", "status"]),
            ("a bad name", 2, ["-n", "a/b", "/"], ["-n", "a/b", "status"]),
            ("an option of another command", 2, ["--once"], ["status", "--once"]),
            ("a time that is too short", 2, ["-d", "1ms", "200ms"], ["top", "-d", "1ms"]),
            ("a time without unit", 2, ["-d", "5", "5s"], ["top", "-d", "5"]),
            ("no rows", 2, ["--rows", "0"], ["result", "x", "--rows", "0"]),
            ("a run that is not there", 1, ["nosuchrun"], ["-n", "nosuchrun", "status"])):
        p = weir.run(args, binary=weir.CTL)
        out = (p.stdout + p.stderr).decode("utf-8", "replace")
        problems = ["no %r in %r" % (x, out[:300]) for x in parts if x not in out]
        problems += ["%d lines" % len(out.splitlines())] if len(out.splitlines()) != 1 else []
        t.check("weir-ctl: %s is named, status %d" % (what, status), weir.ended(p, (status,)) + problems)


SEND = ["gen:udp?count=100", "-o", "vdev:net_null0"]


def check_gen(t):
    page, problems = text("--help", binary=weir.GEN)
    if len(page.splitlines()) > 30:
        problems.append("%d lines" % len(page.splitlines()))
    t.check("weir-gen --help", problems)
    options = sorted(set(re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", page)) - {"-gen"})
    check_man(t, options, weir.GEN)
    check_completion(t, options, weir.GEN)
    p = weir.run(["--describe", "gen:attack:ddos"], binary=weir.GEN)
    q = weir.run(["--describe", "--source", "gen:attack:ddos"], binary=weir.GEN)
    t.check("weir-gen: '--source' may be left out",
            weir.ended(p) + weir.ended(q) + ([] if p.stdout == q.stdout and p.stdout else ["%r" % p.stdout[:200]]))
    for what, status, part, args in (
            ("an unknown attack", 2, "attack:ddos", ["gen:attack:ddoss", "--describe"]),
            ("nothing to do", 2, "--describe", ["gen:mix"]),
            ("nothing to generate", 2, "gen:mix", ["--describe"]),
            ("what is no generator", 2, "lines:x", ["--source", "lines:x", "--describe"]),
            ("an unknown option", 2, "--describe", ["gen:mix", "--descrbe"]),
            ("a file that cannot be written", 1, "/nonexistent/x", ["gen:mix?count=5", "-w", "/nonexistent/x"]),
            ("a rate that is none", 2, "recorded", [*SEND, "--rate", "recordd"]),
            ("a misspelt unit of a rate", 2, "--rate '5Gbbs'", [*SEND, "--rate", "5Gbbs"]),
            ("a rate that no port has", 2, "1G packets", [*SEND, "--rate", "2G"]),
            ("more than the line", 2, "100 %", [*SEND, "--rate", "101%"]),
            ("a line without a speed", 2, "10G", [*SEND, "--rate", "50%", "--line-rate", "fast"]),
            ("an empty burst", 2, "--burst '0'", [*SEND, "--burst", "0"]),
            ("a burst every nothing", 2, "--burst '32:1'", [*SEND, "--burst", "32:1"]),
            ("bursts of recorded timing", 2, "--rate", [*SEND, "--burst", "32"]),
            ("bursts without a pause", 2, "32:1ms", [*SEND, "--burst", "32", "--rate", "max"]),
            ("bursts at two rates", 2, "--rate", [*SEND, "--burst", "32:1ms", "--rate", "1M"]),
            ("no packets", 2, "--count '0'", [*SEND, "--count", "0"]),
            ("no time", 2, "--for '5'", [*SEND, "--for", "5"]),
            ("too many threads", 2, "32", [*SEND, "--cores", "33"]),
            ("threads for packets that are made as they are sent", 2, "count=100k",
             ["gen:udp?count=0", "-o", "vdev:net_null0", "--cores", "2", "--for", "1s"]),
            ("an unknown way to be full", 2, "drop", [*SEND, "--on-full", "drp"]),
            ("sending and writing", 2, "-w", [*SEND, "-w", "/tmp/x"]),
            ("a rate without a port", 2, "-o PORT", ["gen:udp", "--describe", "--rate", "1M"]),
            ("a capture without a port", 2, "-o PORT", ["/tmp/x.pcap", "--describe"]),
            ("EAL arguments without a port", 2, "-o PORT", ["gen:udp", "--describe", "--", "-m", "64"]),
            ("two generators", 2, "twice", ["gen:udp", "gen:tcp", "-o", "vdev:net_null0"]),
            ("a generator and a capture", 2, "'/tmp/x.pcap'", ["gen:udp", "/tmp/x.pcap", "-o", "vdev:net_null0"]),
            ("a capture that is not there", 1, "/nonexistent/x.pcap", ["/nonexistent/x.pcap", "-o", "vdev:net_null0"]),
            ("a pace of the source's own", 2, "--rate", ["gen:udp?pace=1", "-o", "vdev:net_null0"]),
            ("records that are no packets", 1, "packet 1", ["gen:text?count=5", "-o", "vdev:net_null0"]),
            ("a signature without room", 1, "24 bytes", [*SEND, "--signature"]),
            ("a signature into TCP", 1, "UDP", ["gen:tcp?size=200", "-o", "vdev:net_null0", "--signature"]),
            ("a device that DPDK has not", 1, "vdev:net_null0", ["gen:udp", "-o", "vdev:net_nul0"]),
            ("an interface that is not there", 1, "nosuch0", ["gen:udp", "-o", "nosuch0"]),
            ("an interface that its host uses", 2, "--force", ["gen:udp", "-o", "lo"])):
        p = weir.run(args, binary=weir.GEN)
        out = (p.stdout + p.stderr).decode("utf-8", "replace")
        problems = ["%d lines" % len(out.splitlines())] if len(out.splitlines()) != 1 else []
        t.check("weir-gen: %s is named, status %d" % (what, status),
                weir.ended(p, (status,)) + problems + ([] if part in out else ["it says %r" % out[:300]]))


def check_latency(t):
    page, problems = text("--help", binary=weir.LATENCY)
    if len(page.splitlines()) > 60 or max(map(len, page.splitlines()), default=0) > 110:
        problems.append("no one screen")
    t.check("weir-latency --help", problems)
    options = sorted(set(re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", page)) - {"-latency"})
    check_man(t, options, weir.LATENCY)
    check_completion(t, options, weir.LATENCY)
    ring = ["--tx", "vdev:net_ring0"]
    for what, status, parts, args in (
            ("no port", 2, ["--tx"], ["--rx", "eth0"]),
            ("an unknown option", 2, ["--raet", "--rate"], [*ring, "--raet", "5"]),
            ("a rate that is none", 2, ["--rate", "fast", "10k"], [*ring, "--rate", "fast"]),
            ("shares of nothing", 2, ["--load", "--ndr", "--max-rate"], [*ring, "--load", "50"]),
            ("a share that is none", 2, ["--load", "150", "100"], [*ring, "--ndr", "--load", "10,150"]),
            ("a rate and shares", 2, ["--load", "--rate"], [*ring, "--rate", "5", "--load", "0"]),
            ("packets and rows", 2, ["--rows", "--rx"], [*ring, "--rx", "vdev:net_ring0", "--rows", "-"]),
            ("an option of rows", 2, ["--rows-every", "--rows"], [*ring, "--rows-every", "3"]),
            ("the no-drop rate of rows", 2, ["--ndr", "--max-rate"], [*ring, "--rows", "-", "--ndr"]),
            ("a frame that is too short", 2, ["--size", "20", "66", "imix"], [*ring, "--size", "20"]),
            ("a frame that is too long for the port", 1, ["--size", "9000", "long"], [*ring, "--size", "9000"]),
            ("a time without unit", 2, ["--for", "10"], [*ring, "--for", "10"]),
            ("a time that is too short", 2, ["--drain", "1ms"], [*ring, "--drain", "1us"]),
            ("half a floor", 2, ["--floor-rx", "--floor-tx"], [*ring, "--floor-rx", "eth0"]),
            ("a floor that is not wanted", 2, ["--floor-tx", "--no-floor"], [*ring, "--floor-tx", "eth0", "--no-floor"]),
            ("no MAC address", 2, ["--eth-dst", "2:3"], [*ring, "--eth-dst", "2:3"]),
            ("no IPv4 address", 2, ["--ip-dst", "::1"], [*ring, "--ip-dst", "::1"]),
            ("a percentile file of nothing", 2, ["--hdr", "--load"], [*ring, "--ndr", "--hdr", "/tmp/x"]),
            ("two outputs in one place", 2, ["--plot", "-"], [*ring, "--json", "-", "--plot", "-"]),
            ("a file that cannot be written", 1, ["--json", "/nonexistent/x"], [*ring, "--json", "/nonexistent/x"]),
            ("a missing interface", 1, ["--tx", "nosuch0"], ["--tx", "nosuch0"]),
            ("an unknown driver", 1, ["--tx", "net_rign0", "net_ring"], ["--tx", "vdev:net_rign0"]),
            ("a FIFO that is not there", 1, ["--rows", "/nonexistent/x", "mkfifo"], [*ring, "--rows", "/nonexistent/x"])):
        p = weir.run(args, binary=weir.LATENCY)
        out = (p.stdout + p.stderr).decode("utf-8", "replace")
        problems = ["no %r in %r" % (x, out[:300]) for x in parts if x not in out]
        problems += ["%d lines: %r" % (len(out.splitlines()), out[:300])] if len(out.splitlines()) != 1 else []
        t.check("weir-latency: %s is named, status %d" % (what, status), weir.ended(p, (status,)) + problems)


def main():
    t = tap.Tap()
    options, page = check_help(t)
    check_examples(t, page)
    check_tables(t)
    check_man(t, options, weir.BINARY)
    check_completion(t, options, weir.BINARY)
    check_plans(t)
    check_doctor(t)
    check_gen(t)
    check_latency(t)
    check_ctl(t)
    t.done()


main()
