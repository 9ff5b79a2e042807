#!/usr/bin/env python3
"""Where workers run, and what they cost while nothing comes."""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import netns  # noqa: E402
import pcapmaker as pm  # noqa: E402
import weir  # noqa: E402
from running import PPS, QUERY, Run, capture, counts, run_tests, threads, traffic  # noqa: E402

GEN = ["--source", "gen:udp?count=0&rate=10k&pace=1", "--agg", "n=count()", "--sink", "json:/dev/null"]
ALLOWED = sorted(os.sched_getaffinity(0))


def workers(run):
    """CPUs of each worker's thread, by its number."""
    return {int(name.rsplit("-", 1)[1]): sorted(os.sched_getaffinity(tid))
            for name, tid in threads(run.p.pid).items() if name.startswith("weir-worker-")}


def placed(folder, cores, want, source=GEN):
    with Run([*source, "--cores", cores], folder) as run:
        status = run.ready()
        got = workers(run)
        main = sorted(os.sched_getaffinity(run.p.pid))
        problems, _ = run.end()
    if got != want:
        problems.append("--cores %s: the workers may run on %r, not %r" % (cores, got, want))
    if main != ALLOWED:
        problems.append("--cores %s: the control thread may run on %r, not %r" % (cores, main, ALLOWED))
    shown = [w["cpu"] for w in status["workers"]]
    if shown != [c[0] if len(c) == 1 else None for _, c in sorted(want.items())]:
        problems.append("--cores %s: status shows CPUs %r" % (cores, shown))
    return problems


def needs_two():
    if len(ALLOWED) < 2:
        raise netns.Unavailable("this process may run on one CPU only")


def test_list(folder):
    """--cores LIST: each worker on its CPU, in the order of the list"""
    needs_two()
    a, b = ALLOWED[:2]
    return placed(folder, "%d,%d" % (b, a), {0: [b], 1: [a]}) + placed(folder, "%d," % b, {0: [b]})


def test_list_device(folder):
    """--cores LIST with a device of DPDK: the same, whatever EAL binds"""
    needs_two()
    a, b = ALLOWED[:2]
    return placed(folder, "%d,%d" % (a, b), {0: [a], 1: [b]}, ["-i", "vdev:net_null0", "--agg", "n=count()", "--sink", "json:/dev/null"])


def test_number(folder):
    """--cores N: each worker on a CPU of its own while they suffice"""
    needs_two()
    with Run([*GEN, "--cores", "2"], folder) as run:
        run.ready()
        got = workers(run)
        problems, _ = run.end()
    cpus = [c for x in got.values() for c in x]
    if len(got) != 2 or len(cpus) != 2 or len(set(cpus)) != 2 or not set(cpus) <= set(ALLOWED):
        problems.append("workers and their CPUs: %r" % got)
    return problems


def test_more_workers(folder):
    """more workers than CPUs: they share all of them, and rows are those of one worker"""
    n = len(ALLOWED) + 3
    problems = placed(folder, str(n), {i: ALLOWED for i in range(n)})
    path = os.path.join(folder, "more.pcap")
    pm.write_pcap(path, traffic(n=3000))
    one = weir.run(["-r", path, *QUERY, "--cores", "1"])
    many = weir.run(["-r", path, *QUERY, "--cores", str(n)])
    problems += weir.ended(one) + weir.ended(many)
    if one.stdout != many.stdout or not one.stdout:
        problems.append("rows differ")
    return problems


def test_refused(folder):
    """a CPU that the process may not use: one line that names those it may, status 2, nothing started"""
    path, problems = os.path.join(folder, "x.pcap"), []
    pm.write_pcap(path, traffic(n=10))
    allowed = ALLOWED[-1:]
    for cpu, source in ((max(ALLOWED) + 1, ["-r", path]), (1023, ["-r", path]), (1023, ["-i", "vdev:net_null0"])):
        stats = os.path.join(folder, "stats.json")
        p = weir.run([*source, "--cores", "%d," % cpu, "--stats", stats])
        err = p.stderr.decode()
        problems += weir.ended(p, (2,))
        if err.count("\n") != 1 or "--cores" not in err or "CPU %d" % cpu not in err or p.stdout or os.path.exists(stats):
            problems.append("CPU %d: it says %r" % (cpu, err))
    if len(ALLOWED) > 1:
        p = weir.run(["-r", path, "--cores", "%d," % ALLOWED[0]], preexec_fn=lambda: os.sched_setaffinity(0, allowed))
        problems += weir.ended(p, (2,))
        if b"(it may on %d)" % allowed[0] not in p.stderr:
            problems.append("it says %r" % p.stderr)
        p = weir.run(["-r", path, "--cores", "2"], preexec_fn=lambda: os.sched_setaffinity(0, allowed))
        problems += weir.ended(p)
    return problems


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(folder, flags, queues=1, most=0.2):
    """Silence costs at most so much of a core; what comes after it is counted."""
    with netns.Cable(queues) as cable:
        path, sent = capture(cable, folder, 400)
        with Run(["-i", "weir0", *flags, *QUERY], folder, cable) as run:
            run.ready()
            before, began = cpu_seconds(run.p.pid), time.monotonic()
            time.sleep(4)
            share = (cpu_seconds(run.p.pid) - before) / (time.monotonic() - began)
            cable.send(path, PPS)
            run.until_received(len(sent))
            problems, stats = run.end()
    print("# %s: %.1f %% of a core" % (" ".join(flags), 100 * share), flush=True)
    if share > most:
        problems.append("%.0f %% of a core while nothing came" % (100 * share))
    return problems + (counts(sent, run, stats) if stats else [])


def test_idle_adaptive_tap(folder):
    """--idle adaptive on a silent interface, tapped: at most 20 % of a core, then exact counts"""
    return idle(folder, ["--tap", "--idle", "adaptive"])


def test_idle_adaptive_take(folder):
    """--idle adaptive on a silent interface, taken by two workers: at most 20 % of a core each, then exact counts"""
    return idle(folder, ["--take", "--cores", "2", "--idle", "adaptive"], 2, 0.4)


def test_idle_interrupt_tap(folder):
    """--idle interrupt on a silent interface, tapped: it sleeps, and wakes for packets"""
    return idle(folder, ["--tap", "--idle", "interrupt"], most=0.1)


def test_idle_interrupt_take(folder):
    """--idle interrupt on a silent interface, taken by two workers: they sleep, and wake for packets"""
    return idle(folder, ["--take", "--cores", "2", "--idle", "interrupt"], 2, 0.2)


def test_idle_interrupt_shared(folder):
    """--idle interrupt where three workers take turns at a tapped interface: exact counts"""
    return idle(folder, ["--tap", "--cores", "3", "--idle", "interrupt"], most=0.6)


run_tests([test_list, test_list_device, test_number, test_more_workers, test_refused, test_idle_adaptive_tap, test_idle_adaptive_take,
           test_idle_interrupt_tap, test_idle_interrupt_take, test_idle_interrupt_shared])
