"""A weir that runs: started, waited for, asked through weir-ctl, ended; and what it must have counted."""
import concurrent.futures
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

import netns
import oracle
import pcapmaker as pm
import tap
import weir

N = 4000
PPS = 4000
ADDRESS = "10.99.0.1"
PORT = 4242
# Sanitizer builds are slow.
SLOWER = max(1.0, weir.TIMEOUT / 60)


def traffic(to_mac="02:00:00:00:00:02", n=N):
    """UDP to the near end's socket, and beside it flows of IPv4, IPv6 and a VLAN, of all sizes."""
    eth = ("02:00:00:00:00:01", to_mac)
    out = []
    for i in range(n):
        t = pm.S + i * pm.MS
        size = i * 37 % 1400
        if i % 4 == 0:
            p = pm.packet(t, "10.99.0.2", ADDRESS, udp=(1000 + i % 7, PORT), payload=b"u" * size, eth=eth)
        elif i % 4 == 1:
            p = pm.packet(t, "2001:db8::%x" % (i % 5 + 1), "2001:db8::99", udp=(53, 2000 + i % 3), payload=b"6" * size, eth=eth)
        elif i % 4 == 2:
            p = pm.packet(t, "10.5.0.%d" % (i % 9), "10.6.0.1", tcp=(i % 100, 80, "SA"[i % 2]), payload=b"t" * size, eth=eth)
        else:
            p = pm.packet(t, "10.7.0.1", "10.8.0.1", udp=(7, 8), payload=b"v" * (size % 1300), vlan=[(42, 1)], eth=eth)
        out.append(p)
    return out


QUERY = ["--query", "flows", "--key", "5tuple", "--window", "24h", "--agg", "packets=count(),bytes=sum(frame.len)",
         "--query", "vlan", "--key", "vlan.id", "--window", "24h", "--agg", "n=count(),b=sum(frame.len)"]


def wanted(packets):
    """What QUERY must say of them."""
    rows = oracle.group(packets, [("packets", "count"), ("bytes", "sum", "frame.len")],
                        ["ip.src", "ip.dst", "ip.proto", "srcport", "dstport"], query="flows")
    rows += oracle.group(packets, [("n", "count"), ("b", "sum", "frame.len")], ["vlan.id"], query="vlan")
    return sorted(without_times(oracle.json_rows(rows).splitlines()))


def without_times(lines):
    out = []
    for x in lines:
        r = json.loads(x)
        # A run over midnight has two windows; that is the one thing these tests do not look at.
        out.append(json.dumps({k: v for k, v in r.items() if not k.startswith("window.")}))
    return out


def differ(got, want):
    """Problems where sorted rows are not those wanted."""
    if got == want:
        return []
    return ["rows differ: %d, not %d; for one: %s" % (
        len(got), len(want), next((x for x in got if x not in want), next((x for x in want if x not in got), "?")))]


def capture(cable, folder, n=N):
    sent = traffic(cable.mac(), n)
    path = os.path.join(folder, "send-%d.pcap" % n)
    pm.write_pcap(path, sent)
    return path, sent


class Run:
    """A weir, in the cable's near namespace or in the host's; its output is gathered as it comes."""

    def __init__(self, args, folder, cable=None, name="run", reads=True, prefix=(), owner=None, output=None):
        """prefix: what starts it, such as setpriv; owner: (user id, what makes weir-ctl this user's); output: to this file"""
        self.by_owner = owner[1] if owner else []
        self.name, self.stats_path = name, os.path.join(folder, "stats.json")
        if os.path.exists(self.stats_path):
            os.unlink(self.stats_path)
        runtime = os.path.join(folder, "runtime")
        os.makedirs(runtime, exist_ok=True)
        if owner:
            for path in (folder, runtime):
                os.chown(path, owner[0], owner[0])
        self.env = {**os.environ, "RUNTIME_DIRECTORY": runtime}
        self.out, self.err = [], []
        args = [*prefix, weir.BINARY, "--name", name, "--stats", self.stats_path, *args]
        out = open(output, "w") if output else subprocess.PIPE
        more = dict(stdout=out, stderr=subprocess.PIPE, text=True, env=self.env)
        self.p = cable.start(args, **more) if cable else subprocess.Popen(args, stdin=subprocess.DEVNULL, **more)
        if output:
            out.close()
        self.threads = [threading.Thread(target=self._gather, args=x, daemon=True)
                        for x in ([(self.p.stdout, self.out)] if reads and not output else []) + [(self.p.stderr, self.err)]]
        if output:
            self.threads.append(threading.Thread(target=self._follow, args=(output,), daemon=True))
        for t in self.threads:
            t.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.p.poll() is None:
            self.p.kill()
        self.p.wait()

    @staticmethod
    def _gather(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    def _follow(self, path):
        """Lines of a file that grows, until the process has ended; what is behind the last end of a line is its own."""
        rest = ""
        with open(path) as f:
            while True:
                is_over = self.p.poll() is not None
                text = f.read()
                *lines, rest = (rest + text).split("\n")
                self.out.extend(lines)
                if is_over and not text:
                    break
                if not text:
                    time.sleep(0.005)
        if rest:
            self.out.append(rest)

    def said(self):
        return " | ".join(self.err)

    def must_live(self):
        if self.p.poll() is not None:
            raise AssertionError("weir ended with status %d: %s" % (self.p.returncode, self.said()))

    def ctl(self, *args):
        command = [*self.by_owner, weir.CTL, "-n", self.name, *args]
        return weir.run(command[1:], binary=command[0], env=self.env)

    def ask(self, *args):
        """What weir-ctl says, as JSON; None where it cannot reach the run."""
        p = self.ctl(*args)
        return json.loads(p.stdout) if p.returncode == 0 else None

    def ready(self):
        """Until its workers run and it can be asked; its status."""
        def there():
            self.must_live()
            return self.ask("status", "--json")
        return netns.wait("weir that answers; so far: " + self.said(), there)

    def received(self):
        status = self.ask("status", "--json")
        return sum(w["packets"] for w in status["workers"]) if status else 0

    def until_received(self, n):
        """Until the workers have taken n packets; their shares."""
        def there():
            self.must_live()
            status = self.ask("status", "--json")
            shares = [w["packets"] for w in status["workers"]] if status else []
            return shares if sum(shares) >= n else None
        try:
            return netns.wait("%d packets received" % n, there)
        except AssertionError as e:
            raise AssertionError("%s: %s" % (e, self.ask("stats")))

    def end(self, sig=signal.SIGINT, seconds=20, status=0, args=()):
        """Stop it, or where sig is None wait; problems, and the ledger. args: where it has queries of queries."""
        if sig is not None and self.p.poll() is None:
            self.p.send_signal(sig)
        try:
            self.p.wait(seconds * SLOWER)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
            return ["it did not end within %d s; standard error: %s" % (seconds, self.said())], None
        for t in self.threads:
            t.join(5)
        problems = [] if self.p.returncode == status else ["status %d: %s" % (self.p.returncode, self.said())]
        if "Sanitizer" in self.said() or "runtime error:" in self.said():
            problems.append("sanitizer: " + self.said()[:3000])
        try:
            with open(self.stats_path) as f:
                stats = json.load(f)
        except (OSError, ValueError) as e:
            return problems + ["no --stats document: %s" % e], None
        return problems + weir.ledger(stats, args), stats

    def rows(self):
        return [json.loads(x) for x in self.out]


def threads(pid):
    """Threads of a process by name."""
    out = {}
    for tid in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/comm" % (pid, tid)) as f:
            out[f.read().strip()] = int(tid)
    return out


def counts(sent, run, stats):
    """Problems where weir's counts and rows of QUERY are not those of what was sent."""
    problems = ["query %s dropped %r" % (name, {k: v for k, v in q["dropped"].items() if v and k != "null_key"})
                for name, q in stats["queries"].items() if sum(q["dropped"].values()) > q["dropped"]["null_key"]]
    for what, want, got in (
            ("packets received", len(sent), stats["received"]["packets"]),
            ("bytes received", sum(p.wire for p in sent), stats["received"]["bytes"]),
            ("lost.nic", 0, stats["lost"]["nic"]), ("lost.no_buffer", 0, stats["lost"]["no_buffer"])):
        if want != got:
            problems.append("%s: %d, not %d" % (what, got, want))
    return problems + differ(sorted(without_times(run.out)), wanted(sent))


def run_test(t, test):
    try:
        with tempfile.TemporaryDirectory() as folder:
            t.check(test.__doc__, test(folder))
    except netns.Unavailable as e:
        t.skip(test.__doc__, str(e))
    except (AssertionError, subprocess.SubprocessError) as e:
        t.check(test.__doc__, ["%s %s" % (e, getattr(e, "stderr", "") or "")])


def run_apart(t, test):
    """By a process of its own: what it said is said again."""
    p = subprocess.run([sys.executable, os.path.realpath(sys.argv[0]), test.__name__], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = [x for x in p.stdout.splitlines() if not x.startswith("1..")]
    skipped = [x.split(" # SKIP ", 1)[1] for x in lines if " # SKIP " in x]
    if skipped:
        t.skip(test.__doc__, skipped[0])
        return
    is_well = any(x.startswith("ok ") for x in lines) and not any(x.startswith("not ok") for x in lines)
    said = [x.lstrip("# ") for x in lines if not x.startswith(("ok ", "not ok "))]
    t.check(test.__doc__, [] if is_well else said)
    if is_well:
        for x in said:
            t.note(x)


def run_tests(tests, at_a_time=1):
    """Each in a folder of its own; arguments of the program name those wanted. Several at a time are processes."""
    t = tap.Tap()
    wanted = [x for x in tests if not sys.argv[1:] or x.__name__ in sys.argv[1:]]
    if at_a_time > 1 and len(wanted) > 1:
        with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
            list(pool.map(lambda test: run_apart(t, test), wanted))
        t.done()
    for test in wanted:
        began = time.monotonic()
        run_test(t, test)
        t.note("%.1f s" % (time.monotonic() - began))
    t.done()
