#!/usr/bin/env python3
"""Run every command that README.md and docs/ show, and compare what it prints.

A block fenced as ```console holds commands, each behind "$ ", and below each the output that a reader sees
(standard output, then standard error). Commands run in the root of the source tree with the built programs
in PATH. A command goes on in lines that begin with "> ", and behind a backslash, so that readers can paste it. A line
of three dots stands for lines left out, three dots in a line for a part of it. TAP on standard output.

Commands of a block fenced as ```console cable run as root, each in a network namespace of its own that has a
cable (veth) with the ends weir0 and send0, both up, and no IPv6; where that cannot be had they are skipped.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIMEOUT_S = 60
FENCES = ("```console", "```console cable")
# /sys of the new namespace, for who looks up interfaces there
CABLE = """mount -t sysfs none /sys || exit 77
for i in all default; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done 2>/dev/null
ip link set lo up && ip link add weir0 type veth peer name send0 && ip link set weir0 up && ip link set send0 up || exit 77
"""


def blocks(path):
    """(line number, whether on a cable, [(command, expected lines)]) of each console block."""
    lines = path.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        fence = lines[at].strip()
        if fence not in FENCES:
            if fence.startswith(FENCES[0]):
                raise SystemExit("%s:%d: no such fence: %s" % (path, at + 1, fence))
            at += 1
            continue
        first, commands = at + 1, []
        at += 1
        while at < len(lines) and lines[at].strip() != "```":
            line = lines[at]
            if line.startswith("$ "):
                commands.append([line[2:], []])
            elif commands and line.startswith("> ") and not commands[-1][1]:
                commands[-1][0] += "\n" + line[2:]
            elif commands and commands[-1][0].endswith("\\") and not commands[-1][1]:
                commands[-1][0] += "\n" + line
            elif commands:
                commands[-1][1].append(line)
            else:
                raise SystemExit("%s:%d: output before a command" % (path, at + 1))
            at += 1
        yield first, fence == FENCES[1], commands


def matches(want, got):
    """Whether the lines agree, "..." standing for any number of lines."""
    if not want:
        return not got
    if want[0] == "...":
        return any(matches(want[1:], got[i:]) for i in range(len(got) + 1))
    pattern = ".*".join(re.escape(x) for x in want[0].rstrip().split("..."))
    return bool(got) and re.fullmatch(pattern, got[0].rstrip()) is not None and matches(want[1:], got[1:])


def no_cable():
    """Why commands cannot run on a cable, or None."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for tool in ("unshare", "ip"):
        if not shutil.which(tool):
            return tool + " is missing"
    p = subprocess.run(["unshare", "-n", "-m", "sh", "-c", CABLE], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False)
    return "no cable: " + p.stdout.decode("utf-8", "replace").strip().replace("\n", " ") if p.returncode else None


def run(command, env, is_cable):
    front = ["unshare", "-n", "-m"] if is_cable else []
    p = subprocess.run([*front, "sh", "-c", CABLE + command if is_cable else command], cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False)
    return (p.stdout + p.stderr).decode("utf-8", "replace").splitlines()


def main():
    programs = [os.path.dirname(os.environ[x]) for x in ("WEIR", "WEIR_CTL", "WEIR_DOCTOR", "WEIR_GEN", "WEIR_LATENCY") if os.environ.get(x)]
    env = dict(os.environ, PATH=":".join(programs + [os.environ["PATH"]]), LC_ALL="C.UTF-8")
    n = failed = 0
    missing = no_cable()
    wanted = [pathlib.Path(x).resolve() for x in sys.argv[1:]] or [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    with tempfile.TemporaryDirectory() as runs:
        env["RUNTIME_DIRECTORY"] = runs
        for path in wanted:
            for line, is_cable, commands in blocks(path):
                for command, want in commands:
                    n += 1
                    what = "%d - %s:%d: %s" % (n, path.relative_to(ROOT), line, re.sub(r"[#\n]", " ", command))
                    why = missing
                    if "--take" in command and os.environ.get("WEIR_HAS_XDP") == "0":
                        why = why or "this weir was built without its own XDP program"
                    if is_cable and why:
                        print("ok %s # SKIP %s" % (what, why))
                        continue
                    got = run(command, env, is_cable)
                    ok = matches(want, got)
                    failed += not ok
                    print("%sok %s" % ("" if ok else "not ", what))
                    if not ok:
                        for x in got[:40]:
                            print("#   got: " + x)
    print("1..%d" % n)
    return failed != 0


sys.exit(main())
