#!/usr/bin/env python3
"""Build everything, run everything, add it all up. Started by scripts/test.

Steps:
  check     the sources: format, layering, documentation
  gcc       build with gcc; all suites but those of system tests that need a sanitizer to say much
  clang     build the programs with clang; golden tests
  sanitize  build with clang under AddressSanitizer and UndefinedBehaviorSanitizer; unit, golden and attack tests, damaged
            input, wrong command lines, system tests
  thread    build with clang under ThreadSanitizer; tests of the threaded run-time and system tests
  fuzz      a short run of each fuzz target, which are of the same build as sanitize

Each test is one line; what failed or was skipped is listed at the end with its reason, and the last line is
"N passed, N failed, N skipped". Exit status 1 where anything failed.
"""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILDS = os.path.join(ROOT, "build-test")
FUZZ_SECONDS = int(os.environ.get("WEIR_FUZZ_SECONDS", "4"))
# Tests of whole programs wait for them more than they compute.
PROCESSES = max(2, len(os.sched_getaffinity(0)) * 3 // 2)
SANITIZER_ENV = {
    "ASAN_OPTIONS": "abort_on_error=0:detect_leaks=1:detect_stack_use_after_return=1",
    "LSAN_OPTIONS": "suppressions=%s/tests/support/lsan.supp:print_suppressions=0" % ROOT,
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}
TAP_LINE = re.compile(r"^(ok|not ok) \d+ - (.*?)(?: # SKIP (.*))?$")
BEGAN = time.monotonic()
# Of what a test said of its failure, characters for the list at the end.
DETAIL = 1500


class Total:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add(self, name, result, detail=""):
        if result == "ok":
            self.passed += 1
        elif result == "skip":
            self.skipped.append((name, detail or "no reason given"))
        else:
            self.failed.append((name, detail))


def say(text):
    print(text, flush=True)


def heading(text):
    say("\n== %s (at %.0f s)" % (text, time.monotonic() - BEGAN))


def command(label, args, env=None):
    """Run a command that must succeed; its output only where it does not. True: it did."""
    began = time.monotonic()
    p = subprocess.run(args, cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    ok = p.returncode == 0
    say("%-60s %s  %.1fs" % (label, "OK" if ok else "FAIL", time.monotonic() - began))
    if not ok:
        sys.stdout.buffer.write(p.stdout[-20000:])
        sys.stdout.flush()
    return ok


def compile_progress(build, targets):
    """ninja; on a terminal with its own progress line."""
    if sys.stdout.isatty():
        return subprocess.run(["ninja", "-C", build, *targets], stdin=subprocess.DEVNULL).returncode == 0
    return command("compile " + os.path.basename(build), ["ninja", "-C", build, "--quiet", *targets])


# Lines for stack traces, which compile in four fifths of the time that all of it takes.
SETUP = ["meson", "setup", "-Dc_args=-g1"]
CLANG = ("clang", [], "clang")
# Sanitizers make programs large: lld links them in a fifth of the time.
LINKER = {"clang": {"CC_LD": "lld"}}
SANITIZE = ("sanitize", ["-Dfuzz=true", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1"], "clang")


def programs_of(directory, suites):
    """What tests of these suites run, as targets of ninja."""
    def introspect(what):
        return json.loads(subprocess.run(["meson", "introspect", what, directory], stdin=subprocess.DEVNULL, check=True,
                                         stdout=subprocess.PIPE).stdout)
    wanted = {d for t in introspect("--tests") if {s.split(":")[-1] for s in t["suite"]} & set(suites) for d in t["depends"]}
    return [os.path.relpath(f, directory) for t in introspect("--targets") if t["id"] in wanted for f in t["filename"]]


def build(total, name, options, compiler, targets=(), suites=()):
    """Configure (once) and compile build-test/NAME: all of it, these targets, or what tests of these suites run. Its directory, or None."""
    heading("%s: build" % name)
    directory = os.path.join(BUILDS, name)
    env = {"CC": compiler, **LINKER.get(compiler, {})}
    ok = True
    if not os.path.exists(os.path.join(directory, "build.ninja")):
        shutil.rmtree(directory, ignore_errors=True)
        ok = command("configure " + name, [*SETUP, *options, directory, ROOT], env)
    ok = ok and compile_progress(directory, [*targets, *(programs_of(directory, suites) if suites else ())])
    total.add(name + ": builds without a warning", "ok" if ok else "fail")
    return directory if ok else None


def tap_checks(text):
    """[("ok", "not ok" or "skip", name, detail)] of what speaks TAP: why it was skipped, or what it said of a failure."""
    out = []
    for line in text.splitlines():
        m = TAP_LINE.match(line)
        if m:
            out.append(("skip" if m.group(3) is not None else m.group(1), m.group(2), [m.group(3)] if m.group(3) else []))
        elif out and out[-1][0] == "not ok" and line.startswith("#"):
            out[-1][2].append(line.lstrip("# "))
    return [(kind, name, " | ".join(said)[:DETAIL]) for kind, name, said in out]


def last_line(text):
    lines = [x for x in text.splitlines() if x.strip()]
    return lines[-1].strip() if lines else ""


def read_log(total, name, directory):
    """Count what meson test has logged; a test that speaks TAP counts for each of its checks. The suites that ran."""
    path = os.path.join(directory, "meson-logs", "testlog.json")
    ran = set()
    with open(path) as f:
        for line in f:
            t = json.loads(line)
            ran |= set(re.split("[:+ ]", t["name"].split(" / ")[0]))
            test = "%s: %s" % (name, t["name"].split(" / ")[-1])
            out, err = t.get("stdout") or "", t.get("stderr") or ""
            checks = tap_checks(out)
            result = t["result"]
            for kind, check, detail in checks:
                total.add("%s: %s" % (test, check), kind, detail)
            if result == "SKIP" and not checks:
                m = re.search(r"# SKIP (.*)", out)
                total.add(test, "skip", m.group(1) if m else last_line(out) or last_line(err))
            elif result not in ("OK", "SKIP", "EXPECTEDFAIL"):
                if not any(kind == "not ok" for kind, _, _ in checks):
                    total.add(test, "fail", "%s %s" % (result, last_line(err) or last_line(out)))
            elif not checks:
                total.add(test, "ok")
    return ran


def run_tests(total, name, directory, suites, multiplier, env=None, without=()):
    heading("%s: test" % name)
    args = ["meson", "test", "-C", directory, "--no-rebuild", "--num-processes", str(PROCESSES),
            "--timeout-multiplier", str(multiplier), "--print-errorlogs"]
    for s in suites:
        args += ["--suite", s]
    for s in without:
        args += ["--no-suite", s]
    log = os.path.join(directory, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    # Sanitizers need the address space where they expect it.
    if env:
        args = ["setarch", os.uname().machine, "-R", *args]
    env = {**(env or {}), "WEIR_TEST_TIMEOUT": str(60 * multiplier)}
    subprocess.run(args, env={**os.environ, **env}, stdin=subprocess.DEVNULL)
    try:
        ran = read_log(total, name, directory)
    except (OSError, ValueError) as e:
        total.add("%s: tests" % name, "fail", "no test log: %s" % e)
        return
    for s in suites or ["unit", "golden"]:
        if s not in ran:
            total.add("%s: suite %s" % (name, s), "fail", "no test of it ran")


def checks(total, which):
    for label, args in which:
        p = subprocess.run([os.path.join(ROOT, "scripts", "check"), *args], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        result = {0: "ok", 77: "skip"}.get(p.returncode, "fail")
        say("%-60s %s" % ("check: " + label, {"ok": "OK", "skip": "SKIP"}.get(result, "FAIL")))
        if result == "fail":
            say(p.stdout)
        total.add("check: " + label, result, last_line(p.stdout))


def step_check(total):
    say("== check")
    checks(total, [("format", ["format"]), ("poison", ["poison"]), ("layers", ["layers"]), ("docs", ["docs"]),
                   ("scripts", ["scripts"])])


def step_gcc(total):
    d = build(total, "gcc", [], "gcc")
    if d:
        checks(total, [("hot objects of gcc", ["hot", d])])
        run_tests(total, "gcc", d, [], 1, without=["system-checked", "system-patient"])
        run_tests(total, "gcc", d, ["system-patient"], 1)


def step_clang(total):
    d = build(total, *CLANG, suites=["golden"])
    if d:
        checks(total, [("hot objects of clang", ["hot", d]), ("registers of clang", ["simd", d])])
        run_tests(total, "clang", d, ["golden"], 1)


def step_sanitize(total):
    d = build(total, *SANITIZE)
    if d:
        run_tests(total, "sanitize", d, ["unit", "golden", "attacks", "errors", "malformed", "system", "system-checked"], 5,
                  SANITIZER_ENV)


def step_thread(total):
    suites = ["threads", "system-threads"]
    d = build(total, "thread", ["-Db_sanitize=thread", "-Db_lundef=false", "-Doptimization=1"], "clang", suites=suites)
    if d:
        run_tests(total, "thread", d, suites, 8, SANITIZER_ENV)


def step_fuzz(total):
    source = os.path.join(ROOT, "tests", "fuzz")
    if not os.path.exists(os.path.join(source, "meson.build")):
        total.add("fuzz", "fail", "tests/fuzz has no meson.build")
        return
    d = build(total, *SANITIZE, ["fuzz-targets"])
    if not d:
        return
    heading("fuzz: %d s each" % FUZZ_SECONDS)
    seeds = os.path.join(d, "seeds")
    if not command("fuzz: seeds of the golden cases", [os.path.join(source, "make_seeds.py"), seeds]):
        total.add("fuzz: seeds", "fail")
    targets = sorted(x for x in os.listdir(os.path.join(d, "tests", "fuzz"))
                     if x.startswith("fuzz-") and os.access(os.path.join(d, "tests", "fuzz", x), os.X_OK)
                     and os.path.isfile(os.path.join(d, "tests", "fuzz", x)))
    if not targets:
        total.add("fuzz", "fail", "the build has made no fuzz target")
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for t, ok in zip(targets, pool.map(lambda t: fuzz(d, seeds, t), targets)):
            total.add("fuzz: " + t, "ok" if ok else "fail", "its input is under %s/found-%s" % (d, t))


def fuzz(directory, seeds, target):
    """A short run of one target. True: nothing was found."""
    found = os.path.join(directory, "found-" + target)
    os.makedirs(found, exist_ok=True)
    return command("fuzz: " + target, [
        "setarch", os.uname().machine, "-R", os.path.join(directory, "tests", "fuzz", target),
        "-max_total_time=%d" % FUZZ_SECONDS, "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
        "-artifact_prefix=" + found + "/crash-", found, os.path.join(seeds, target[len("fuzz-"):])], SANITIZER_ENV)


STEPS = {"check": step_check, "gcc": step_gcc, "clang": step_clang, "sanitize": step_sanitize,
         "thread": step_thread, "fuzz": step_fuzz}


def find_captures():
    """Tests of every kind look for the reference captures where this says."""
    if "WEIR_CAPTURES" not in os.environ:
        for up in ("..", "../.."):
            d = os.path.join(ROOT, up, "shared", "captures")
            if os.path.isdir(d):
                os.environ["WEIR_CAPTURES"] = os.path.realpath(d)
                return


def main():
    find_captures()
    wanted = sys.argv[1:] or list(STEPS)
    for w in wanted:
        if w not in STEPS:
            sys.exit("test: unknown step '%s' (steps: %s)" % (w, " ".join(STEPS)))
    total = Total()
    for w in wanted:
        STEPS[w](total)
    say("")
    for name, why in total.skipped:
        say("SKIPPED  %s: %s" % (name, why))
    for name, why in total.failed:
        say("FAILED   %s%s" % (name, ": " + why if why else ""))
    say("%.0f s" % (time.monotonic() - BEGAN))
    say("%d passed, %d failed, %d skipped" % (total.passed, len(total.failed), len(total.skipped)))
    sys.exit(1 if total.failed else 0)


try:
    main()
except KeyboardInterrupt:
    sys.exit("test: interrupted")
