#!/usr/bin/env python3
"""Least privilege: each source with the capabilities that docs/privileges.md names and no other, and --user.

With those weir counts exactly what was sent; with one less it says which is missing.
"""
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import netns  # noqa: E402
import running  # noqa: E402
import weir  # noqa: E402
from running import PPS, QUERY, Run, capture, counts  # noqa: E402

NOBODY = 65534
LOCKED = 8 << 20  # what systemd and most containers allow to lock
AF_XDP = ["net_raw", "net_admin", "sys_admin", "ipc_lock"]


def as_nobody(caps=(), locked=LOCKED):
    """A command line that makes what follows nobody's, with these capabilities alone."""
    text = ",".join(["-all", *("+" + x for x in caps)])
    return ["prlimit", "--memlock=%d:%d" % (locked, locked), "setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY),
            "--clear-groups", "--no-new-privs", "--inh-caps", text, "--ambient-caps", text, "--bounding-set", text]


def run_as_nobody(args, folder, caps=(), cable=None, locked=LOCKED):
    """One run to its end."""
    runtime = os.path.join(folder, "runtime")
    os.makedirs(runtime, exist_ok=True)
    os.chown(runtime, NOBODY, NOBODY)
    command = [*(["ip", "netns", "exec", cable.near] if cable else []), *as_nobody(caps, locked), weir.BINARY, *args]
    return weir.run(command[1:], binary=command[0], env={**os.environ, "RUNTIME_DIRECTORY": runtime})


def lines():
    """A source that lives until it is stopped and takes no rights: a free port of UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return "lines:udp://127.0.0.1:%d" % s.getsockname()[1]


def said(p):
    return p.stderr.decode("utf-8", "replace").strip()


def refused(p, words):
    """Problems where a run did not fail with one line that holds these words."""
    problems = [] if p.returncode == 1 else ["status %r, not 1: %s" % (p.returncode, said(p))]
    lines = [x for x in said(p).splitlines() if x.startswith("weir: ") and not x.startswith("weir: notice")]
    if len(lines) != 1:
        problems.append("%d lines, not one: %s" % (len(lines), said(p)))
    return problems + ["no %r in: %s" % (w, said(p)) for w in words if w not in said(p)]


def rights(pid):
    """What /proc says of each thread: a set of (users, groups, further groups, capabilities, no_new_privs)."""
    out = set()
    for tid in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, tid)) as f:
            s = dict(x.rstrip("\n").split(":\t", 1) for x in f if ":\t" in x)
        out.add((s["Uid"], s["Gid"], s["Groups"].strip(), s["CapPrm"], s["CapEff"], s["CapAmb"], s["NoNewPrivs"]))
    return out


def left_in(folder):
    base = os.path.join(folder, "runtime", "dpdk")
    return os.listdir(base) if os.path.isdir(base) else []


def count(run, cable, folder, at_work=lambda run: []):
    """Send while it runs, end it, and compare with what was sent."""
    path, sent = capture(cable, folder)
    with run:
        run.ready()
        cable.send(path, PPS)
        run.until_received(len(sent))
        problems = at_work(run)
        more, stats = run.end()
    return problems + more + (counts(sent, run, stats) if stats else [])


def counts_as_nobody(folder, flags, caps, word):
    owner = (NOBODY, as_nobody())
    with netns.Cable() as cable:
        run = Run([*flags, *QUERY], folder, cable, prefix=as_nobody(caps), owner=owner)
        problems = count(run, cable, folder)
        if not any(word in x for x in run.err):
            problems.append("no notice says %r: %s" % (word, run.said()))
        return problems + (["the XDP program is left"] if cable.has_xdp() else [])


def test_nothing(folder):
    """files, the generator, lines and DPDK's own devices: no capability, as nobody; the rows are root's"""
    problems = []
    made = os.path.join(folder, "made.pcap")
    p = weir.run(["--source", "gen:mix?count=2000", "--where", "frame.len > 0", "--select", "frame.number", "--sink", "pcapng:" + made])
    if p.returncode:
        return [said(p)]
    for args in (["-r", made], ["--source", "gen:mix?count=2000"]):
        args = [*args, "--key", "ip.src", "--agg", "n=count()", "--sink", "csv:-"]
        want, got = weir.run(args), run_as_nobody(args, folder)
        problems += weir.ended(want) + weir.ended(got)
        if got.stdout != want.stdout or got.stdout.count(b"\n") < 3:
            problems.append("%s: rows differ" % args[:2])
    p = run_as_nobody(["--source", lines(), "--for", "0.3s"], folder)
    problems += weir.ended(p)
    for device in ("net_null0", "net_ring0", "net_memif0,role=server,socket-abstract=yes,socket=weir-test-%d" % os.getpid()):
        p = run_as_nobody(["-i", "vdev:" + device, "--packets", "1000", "--for", "1s"], folder)
        problems += weir.ended(p)
        if "null" in device and "received 1000 packets" not in said(p):
            problems.append("%s: not 1000 packets: %s" % (device, said(p)))
    return problems + (["left: %r" % left_in(folder)] if left_in(folder) else [])


def test_tap(folder):
    """tapping: CAP_NET_RAW, and no other; exact counts of packets to whomever"""
    return counts_as_nobody(folder, ["-i", "weir0", "--tap"], ["net_raw"], "tapped")


def test_tap_less(folder):
    """tapping without CAP_NET_RAW: a line that names it, whatever else is there"""
    with netns.Cable() as cable:
        return refused(run_as_nobody(["-i", "weir0", "--tap", "--for", "1s"], folder, ["net_admin"], cable), ["CAP_NET_RAW", "weir0"])


def test_take(folder):
    """taking over AF_XDP: CAP_NET_RAW, CAP_NET_ADMIN, CAP_SYS_ADMIN and CAP_IPC_LOCK; exact counts"""
    return counts_as_nobody(folder, ["-i", "weir0", "--take"], AF_XDP, "AF_XDP (")


def test_take_limit(folder):
    """a limit of locked memory that is high enough stands for CAP_IPC_LOCK"""
    hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    may = subprocess.run(["prlimit", "--memlock=%d:%d" % (64 << 20, 64 << 20), "true"], stderr=subprocess.DEVNULL)
    if may.returncode:
        raise netns.Unavailable("the limit of locked memory, %d bytes, cannot be raised here" % hard)
    with netns.Cable() as cable:
        args = ["-i", "weir0", "--take", "--for", "0.3s"]
        p = run_as_nobody(args, folder, AF_XDP[:3], cable, locked=64 << 20)
        return weir.ended(p) + ([] if "taken through AF_XDP" in said(p) else ["not over AF_XDP: " + said(p)])


def test_take_less(folder):
    """taking with one capability less: over AF_PACKET, and why is said; without CAP_NET_RAW not at all"""
    problems = []
    with netns.Cable() as cable:
        args = ["-i", "weir0", "--take", "--for", "0.3s"]
        for less, word in (("net_admin", "CAP_NET_ADMIN"), ("sys_admin", "CAP_SYS_ADMIN"), ("ipc_lock", "locked memory")):
            p = run_as_nobody(args, folder, [x for x in AF_XDP if x != less], cable)
            problems += weir.ended(p)
            problems += ["without %s, no %r in: %s" % (less, w, said(p)) for w in (word, "taken through AF_PACKET") if w not in said(p)]
        problems += refused(run_as_nobody(args, folder, AF_XDP[1:], cable), ["CAP_NET_RAW"])
        return problems + (["the XDP program is left"] if cable.has_xdp() else [])


def test_devices(folder):
    """DPDK's devices of kernel interfaces: CAP_NET_ADMIN for net_tap, CAP_NET_RAW with it for net_af_packet"""
    problems = []
    with netns.Cable() as cable:
        for device, caps in (("net_tap0", ["net_admin"]), ("net_af_packet0,iface=weir0", ["net_raw", "net_admin"])):
            args = ["-i", "vdev:" + device, "--for", "0.3s"]
            problems += weir.ended(run_as_nobody(args, folder, caps, cable))
            for less in caps:
                p = run_as_nobody(args, folder, [x for x in caps if x != less], cable)
                problems += refused(p, [device.split(",")[0]])
    return problems


def become(folder, flags, more=lambda cable, run: [], user="nobody", prefix=()):
    """A run of root's that becomes somebody else: rights of all threads, counts, and what it leaves."""
    with netns.Cable() as cable:
        run = Run([*flags, *QUERY, "--user", user, "--log", "info"], folder, cable, prefix=prefix)

        def at_work(run):
            found = rights(run.p.pid)
            none = "0" * 16
            ids = "\t".join(["%d" % NOBODY] * 4)
            want = {(ids, ids, str(NOBODY), none, none, none, "1")}
            problems = [] if found == want else ["rights of the threads: %r" % found]
            names = running.threads(run.p.pid)
            problems += [] if "weir-worker-0" in names else ["threads: %r" % sorted(names)]
            return problems + more(cable, run)
        problems = count(run, cable, folder, at_work)
        if not any("user 65534 (nobody), group 65534, no capabilities" in x for x in run.err):
            problems.append("it does not say so: " + run.said())
        if left_in(folder):
            problems.append("left in the folder of runs: %r" % left_in(folder))
        return problems, cable.has_xdp()


def test_user_tap(folder):
    """--user: no thread keeps a right, counts are exact, root's weir-ctl reaches the run, no folder is left"""
    def more(cable, run):
        p = weir.run(["list"], binary=weir.CTL, env=run.env)
        return [] if b"run" in p.stdout and p.returncode == 0 else ["weir-ctl list: %r" % p.stdout]
    return become(folder, ["-i", "weir0", "--tap"], more)[0]


def test_user_take(folder):
    """--user over AF_XDP: the same, and the XDP program goes with the process, which may no longer detach it"""
    netns.need_xdp_program()
    def more(cable, run):
        return [] if cable.has_xdp() else ["there is no XDP program while it runs"]
    problems, is_left = become(folder, ["-i", "weir0", "--take"], more)
    return problems + (["the XDP program is left"] if is_left else [])


def test_user_numbers(folder):
    """--user UID:GID: numbers need no entry in the host's lists"""
    return become(folder, ["-i", "weir0", "--tap"], user="%d:%d" % (NOBODY, NOBODY))[0]


def as_container(*caps):
    """Root's without other capabilities than these, as container engines have it with --cap-drop=ALL --cap-add=..."""
    return ["setpriv", "--no-new-privs", "--bounding-set", ",".join(["-all", *("+" + x for x in caps)]), "--inh-caps", "-all"]


def test_container_tap(folder):
    """the container recipe's capabilities: root with CAP_NET_RAW, CAP_SETUID and CAP_SETGID taps and becomes nobody"""
    return become(folder, ["-i", "weir0", "--tap"], prefix=as_container("net_raw", "setuid", "setgid"))[0]


def test_container_take(folder):
    """likewise over AF_XDP, with what that takes besides; its XDP program goes with it"""
    netns.need_xdp_program()
    problems, is_left = become(folder, ["-i", "weir0", "--take"], lambda cable, run: [] if cable.has_xdp() else ["no XDP program"],
                               prefix=as_container(*AF_XDP, "setuid", "setgid"))
    return problems + (["the XDP program is left"] if is_left else [])


def test_user_push(folder):
    """--user over AF_XDP with a condition for the kernel: what was left to it is still read from the program's counters"""
    netns.need_xdp_program()
    with netns.Cable() as cable:
        path, sent = capture(cable, folder)
        with Run(["-i", "weir0", "--take", "--where", "tcp", "--agg", "n=count()", "--user", "nobody"], folder, cable) as run:
            run.ready()
            cable.send(path, PPS)
            n = sum(1 for p in sent if p["tcp"])

            def all_there():
                status = run.ask("status", "--json")
                return status and run.received() + sum(s["passed"] for s in status["sources"]) >= len(sent)
            netns.wait("%d packets taken or left to the kernel" % len(sent), all_there)
            problems, stats = run.end()
        got = stats and (stats["received"]["packets"], sum(stats["passed"].values()))
        if stats and got != (n, len(sent) - n):
            problems.append("received and left: %r, not %r" % (got, (n, len(sent) - n)))
        return problems


def test_user_files(folder):
    """--user and files: a sink in root's folder is opened before, and stays root's; one that is added later is not"""
    os.chmod(folder, 0o700)
    out = os.path.join(folder, "rows.csv")
    problems = []
    with Run(["--source", lines(), "--key", "frame.interface", "--window", "1s", "--agg", "n=count()",
              "--sink", "csv:" + out, "--user", "nobody"], folder) as run:
        run.ready()
        p = run.ctl("add", "--query late --key frame.interface --window 1s --agg n=count() --sink csv:%s/late.csv" % folder)
        if p.returncode == 0 or b"late.csv" not in p.stderr or not re.search(b"[Pp]ermission denied", p.stderr):
            problems.append("adding a sink in root's folder: status %d, %r" % (p.returncode, p.stderr))
        more, _ = run.end()
    if os.stat(out).st_uid != 0:
        problems.append("rows.csv is not root's")
    return problems + more + (["left: %r" % left_in(folder)] if left_in(folder) else [])


def test_user_killed(folder):
    """--user and kill -9: the folder of the control socket is removed all the same"""
    with Run(["--source", lines(), "--user", "nobody"], folder) as run:
        run.ready()
        there = left_in(folder)
        run.p.send_signal(signal.SIGKILL)
        run.p.wait()
        netns.wait("folder that is removed", lambda: not left_in(folder))
    return [] if there == ["weir.run"] else ["while it ran: %r" % there]


def test_user_not_root(folder):
    """--user without root, or as root without CAP_SETUID: one line that says why"""
    p = run_as_nobody(["--source", "gen:udp?count=9", "--user", "nobody"], folder, ["setuid", "setgid"])
    problems = refused(p, ["--user 'nobody'", "only root", "65534"])
    env = {**os.environ, "RUNTIME_DIRECTORY": os.path.join(folder, "runtime")}
    os.chown(env["RUNTIME_DIRECTORY"], 0, 0)
    p = weir.run(["--bounding-set", "-setuid,-setgid", weir.BINARY, "--source", "gen:udp?count=9", "--user", "nobody"],
                 binary="setpriv", env=env)
    problems += refused(p, ["--user 'nobody'", "CAP_SETUID"])
    return problems + (["left: %r" % left_in(folder)] if left_in(folder) else [])


def test_memory(folder):
    """without hugepages, as nobody and with 8 MB that may be locked: a port of DPDK in less than 128 MB"""
    owner = (NOBODY, as_nobody())
    with Run(["-i", "vdev:net_null0", "--idle", "adaptive", "--table-size", "1k", "--", "--no-huge"], folder,
             prefix=as_nobody(), owner=owner) as run:
        run.ready()
        with open("/proc/%d/status" % run.p.pid) as f:
            kb = int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))
        problems, _ = run.end()
    print("# %.1f MB" % (kb / 1024), flush=True)
    if kb > 128 << 10 and running.SLOWER == 1:
        problems.append("%d MB of memory" % (kb >> 10))
    return problems


def provided(test):
    def inner(folder):
        if os.getuid() != 0:
            raise netns.Unavailable("changing users needs root")
        for tool in ("setpriv", "prlimit"):
            if not shutil.which(tool):
                raise netns.Unavailable("%s (util-linux) is missing" % tool)
        os.chmod(folder, 0o755)
        if subprocess.run([*as_nobody(), "test", "-x", weir.BINARY]).returncode:
            raise netns.Unavailable("nobody may not reach " + weir.BINARY)
        return test(folder)
    inner.__doc__, inner.__name__ = test.__doc__, test.__name__
    return inner


if __name__ == "__main__":
    running.run_tests([provided(t) for t in (
        test_nothing, test_tap, test_tap_less, test_take, test_take_limit, test_take_less, test_devices, test_user_tap,
        test_user_take, test_user_numbers, test_container_tap, test_container_take, test_user_push, test_user_files, test_user_killed, test_user_not_root, test_memory)])
