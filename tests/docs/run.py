#!/usr/bin/env python3
"""Run every command that README.md and docs/ show, and compare what it prints.

A block fenced as ```console holds commands, each behind "$ ", and below each the output that a reader sees
(standard output, then standard error). Commands run in the root of the source tree with the built programs
in PATH. A command goes on in lines that begin with "> ", and behind a backslash, so that readers can paste it. A line
of three dots stands for lines left out. TAP on standard output.
"""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIMEOUT_S = 60


def blocks(path):
    """(line number, [(command, expected lines)]) of each console block."""
    lines = path.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        if lines[at].strip() != "```console":
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
        yield first, commands


def matches(want, got):
    """Whether the lines agree, "..." standing for any number of lines."""
    if not want:
        return not got
    if want[0] == "...":
        return any(matches(want[1:], got[i:]) for i in range(len(got) + 1))
    return bool(got) and want[0].rstrip() == got[0].rstrip() and matches(want[1:], got[1:])


def run(command, env):
    p = subprocess.run(["sh", "-c", command], cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False)
    return (p.stdout + p.stderr).decode("utf-8", "replace").splitlines()


def main():
    programs = [os.path.dirname(os.environ[x]) for x in ("WEIR", "WEIR_CTL", "WEIR_DOCTOR", "WEIR_GEN", "WEIR_LATENCY") if os.environ.get(x)]
    env = dict(os.environ, PATH=":".join(programs + [os.environ["PATH"]]), LC_ALL="C.UTF-8")
    n = failed = 0
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for line, commands in blocks(path):
            for command, want in commands:
                n += 1
                got = run(command, env)
                ok = matches(want, got)
                failed += not ok
                print("%sok %d - %s:%d: %s" % ("" if ok else "not ", n, path.relative_to(ROOT), line,
                                               re.sub(r"[#\n]", " ", command)))
                if not ok:
                    for x in got[:40]:
                        print("#   got: " + x)
    print("1..%d" % n)
    return failed != 0


sys.exit(main())
