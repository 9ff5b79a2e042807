#!/usr/bin/env python3
"""weir-ctl and running weirs: names, status, results, queries that come and go, the end; top on a terminal."""
import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support")]
import pcapmaker as pm  # noqa: E402
import tap  # noqa: E402
import terminal  # noqa: E402
import weir  # noqa: E402
from netns import wait  # noqa: E402

PPS = 20000
GEN = "gen:udp?rate=20k&count=0&flows=100&pace=1"
COUNT = ["--key", "ip.src", "--agg", "n=count()"]
RACES = 12 if weir.TIMEOUT <= 60 else 4  # a sanitizer sees more in each


class Host:
    """A runtime folder of this test's own, and the weirs that run in it."""

    def __init__(self, folder, user=None):
        self.folder, self.user, self.runs = folder, user, []
        self.runtime = os.path.join(folder, "run")
        os.makedirs(self.runtime)
        if user:
            os.chown(self.runtime, user, user)
        self.env = {**os.environ, "RUNTIME_DIRECTORY": self.runtime}
        self.prefix = ["setpriv", "--reuid=%d" % user, "--regid=%d" % user, "--clear-groups", "--inh-caps=-all"] if user else []

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for p in self.runs:
            if p.poll() is None:
                p.kill()
            p.communicate()

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, args, name=None, env=None):
        p = subprocess.Popen([*self.prefix, weir.BINARY, *args, *(["--name", name] if name else [])], env=env or self.env,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.runs.append(p)
        return p

    def socket(self, name):
        return os.path.join(self.runtime, "dpdk", "weir." + name, "dpdk_telemetry.v2")

    def started(self, args, name):
        """A run that can be reached."""
        p = self.start(args, name)

        def is_up():
            if p.poll() is not None:
                raise AssertionError("weir has ended: %r" % p.stderr.read()[-500:])
            return self.ctl("-n", name, "status").returncode == 0
        wait("weir that answers", is_up)
        return p

    def ctl(self, *args, timeout=None):
        return weir.run(list(args), binary=weir.CTL, env=self.env, timeout=timeout) if not self.prefix else \
            weir.run([*self.prefix[1:], weir.CTL, *args], binary=self.prefix[0], env=self.env, timeout=timeout)

    def json(self, *args):
        p = self.ctl(*args)
        problems = weir.ended(p)
        if problems:
            raise AssertionError("weir-ctl %s: %s" % (" ".join(args), "; ".join(problems)))
        return json.loads(p.stdout)

    def leftovers(self):
        d = os.path.join(self.runtime, "dpdk")
        return sorted(os.listdir(d)) if os.path.isdir(d) else []


def said(p, *parts):
    text = (p.stdout + p.stderr).decode("utf-8", "replace")
    return ["no %r in %r" % (x, text[:400]) for x in parts if x not in text]


def finish(p):
    """What a run that ends said: a process as weir.ended wants it."""
    out, err = p.communicate(timeout=weir.TIMEOUT)
    return subprocess.CompletedProcess(p.args, p.returncode, out, err)


def test_status(t, h):
    h.started(["--source", GEN, "--cores", "2", *COUNT, "--window", "200ms", "--sink", "json:" + h.path("s.json"),
               "--stats", h.path("one.stats")], "one")
    time.sleep(0.5)
    s = h.json("-n", "one", "status", "--json")
    problems = []
    if s["name"] != "one" or s["pid"] != h.runs[0].pid or not 0.2 < s["uptime_s"] < 60:
        problems.append("name, pid, uptime: %r" % [s["name"], s["pid"], s["uptime_s"]])
    if not 0.5 * PPS < s["rate"]["pps"] < 1.5 * PPS:
        problems.append("pps is %r, the source gives %d" % (s["rate"]["pps"], PPS))
    if not 0.5 * 64 * 8 * PPS < s["rate"]["bps"] < 1.5 * 64 * 8 * PPS:
        problems.append("bps is %r" % s["rate"]["bps"])
    with open(h.path("s.json")) as f:
        first = [json.loads(x)["window.start"] for x in f]
    if not 0.3 * 5 * first.count(first[0]) < s["rows_per_s"] < 3 * 5 * first.count(first[0]):  # five windows a second
        problems.append("rows_per_s is %r, of windows with %d rows" % (s["rows_per_s"], first.count(first[0])))
    if [w["worker"] for w in s["workers"]] != [0, 1]:
        problems.append("workers: %r" % s["workers"])
    for w in s["workers"]:
        shares = [w[x] for x in ("busy", "pressed", "idle")]
        if not all(0 <= x <= 1 for x in shares) or not 0.9 < sum(shares) < 1.1:
            problems.append("worker %d spends %r of its time" % (w["worker"], shares))
    q = s["queries"][0]
    if q["name"] != "main" or not q["strategy"] or not 0 < q["table_keys"] <= q["table_size"]:
        problems.append("query: %r" % q)
    if s["sources"][0]["name"] != GEN or s["sinks"][0]["uri"] != "json:" + h.path("s.json"):
        problems.append("sources and sinks: %r %r" % (s["sources"], s["sinks"]))
    t.check("status as JSON tells what the run does", problems)
    p = h.ctl("-n", "one", "status")
    t.check("status for people", weir.ended(p) + said(p, "weir one", "packets/s", "CORE", "QUERY", "main", "json:"))
    a = h.json("-n", "one", "stats")
    time.sleep(0.3)
    b = h.json("-n", "one", "stats")
    t.check("stats is the ledger, and balances while it runs", ["first: " + x for x in weir.ledger(a)]
            + ["second: " + x for x in weir.ledger(b)]
            + ([] if b["received"]["packets"] > a["received"]["packets"] > 0 else ["%r, then %r" % (a["received"], b["received"])]))
    p = h.ctl("-n", "one", "explain")
    t.check("explain shows the plan", weir.ended(p) + said(p, "main", "ip.src", "count"))


def test_result(t, h):
    def rows():
        p = h.ctl("-n", "one", "result", "main", "--rows", "3")
        return (p, [json.loads(x) for x in p.stdout.splitlines()]) if p.stdout else None
    p, got = wait("closed window", rows)
    with_start = [r for r in got if "window.start" in r and r.get("query") == "main" and r["n"] > 0]
    problems = weir.ended(p) + ([] if len(got) == len(with_start) == 3 else ["rows: %r" % p.stdout])

    def in_file():
        with open(h.path("s.json"), "rb") as f:
            return set(p.stdout.splitlines()) <= set(f.read().splitlines())
    try:
        wait("row of result in the sink's file, byte for byte", in_file, 5)
    except AssertionError as e:
        problems.append(str(e))
    t.check("result is the last window's rows, as the sink writes them", problems)
    p = h.ctl("-n", "one", "result", "mian")
    t.check("a query that is not there is named, with the nearest", weir.ended(p, (1, 2)) + said(p, "mian", "main"))


def test_names(t, h):
    p = h.start(["--source", GEN, *COUNT], "one")
    p = finish(p)
    t.check("a name that is taken is refused", weir.ended(p, (1,)) + said(p, "'one'", "weir-ctl -n one stop"))
    second = h.started(["--source", GEN, *COUNT, "--window", "1s", "--sink", "json:/dev/null"], "two")
    listed = h.json("list", "--json")
    problems = [] if [x["name"] for x in listed] == ["one", "two"] else ["listed: %r" % listed]
    problems += [] if listed and listed[-1]["pid"] == second.pid and listed[-1]["sources"][0]["name"] == GEN else ["%r" % listed]
    t.check("list shows all runs", problems)
    p = h.ctl("list")
    t.check("list for people", weir.ended(p) + said(p, "one", "two", "gen:udp", str(second.pid)))
    p = h.ctl("status")
    t.check("without -n, several runs are listed", weir.ended(p, (2,)) + said(p, "-n", "one", "two"))
    p = h.ctl("-n", "onee", "status")
    t.check("a name that is not there gets the nearest", weir.ended(p, (1,)) + said(p, "'onee'", "try 'one'"))
    p = h.ctl("-n", "two", "stop")
    status = second.poll()
    t.check("stop returns when the run has ended", weir.ended(p) + weir.ended(finish(second))
            + ([] if status is not None else ["it runs on"]))
    p = h.ctl("status")
    t.check("the only run that is left needs no -n", weir.ended(p) + said(p, "weir one"))


def test_queries(t, h):
    """Queries come and go; nobody else loses a packet."""
    path = h.path("dns.json")
    p = h.ctl("-n", "one", "add", "--query added --where 'udp' --key ip.dst --agg 'm=count()' --window 200ms --sink 'json:%s'" % path)
    problems = weir.ended(p)
    try:
        wait("row of the added query", lambda: os.path.exists(path) and os.path.getsize(path) > 0)
    except AssertionError as e:
        problems.append(str(e))
    t.check("add starts a query", problems)
    stats = h.json("-n", "one", "stats")
    t.check("the ledger has it, and balances", sorted(set(stats["queries"]) ^ {"main", "added"})
            + ([] if stats["balanced"] else ["it does not balance: %r" % stats]))
    p = h.ctl("-n", "one", "result", "added", "--rows", "1")
    t.check("result of the added query", weir.ended(p) + said(p, '"m":'))
    words = "--query long --where 'ip.src in {%s}' --key ip.src --agg n=count() --window 200ms --sink json:/dev/null" % \
        ",".join("10.1.%d.%d" % (i // 250, i % 250) for i in range(400))
    p = h.ctl("-n", "one", "add", words)
    t.check("add takes flags of %d bytes" % len(words), weir.ended(p))
    p = h.ctl("-n", "one", "remove", "long")
    t.check("remove ends a query", weir.ended(p))
    p = h.ctl("-n", "one", "add", "--", "--query", "words", "--where", "ip.src == 10.0.0.1", "--key", "ip.src",
              "--agg", "n=count()", "--window", "200ms", "--sink", "json:/dev/null")
    t.check("add takes words behind --", weir.ended(p))
    for what, args, parts in (
            ("a misspelt flag", ["add", "--query x --fliter tcp --agg n=count()"], ["--fliter", "--filter"]),
            ("a misspelt field", ["add", "--query x --key ip.scr --agg n=count()"], ["ip.scr", "ip.src"]),
            ("a name that is there", ["add", "--query main --key ip.src --agg n=count()"], ["main"]),
            ("an option of the whole run", ["add", "--query x --key ip.src --agg n=count() --latency"], ["--latency"]),
            ("a quote that is open", ["add", "--query x --filter 'tcp"], ["'"]),
            ("a query that is not there", ["remove", "mian"], ["mian", "main"])):
        p = h.ctl("-n", "one", *args)
        t.check("%s is refused" % what, weir.ended(p, (1, 2)) + said(p, *parts)
                + ([] if len(p.stderr.splitlines()) == 1 else ["it says %r" % p.stderr]))
    p = h.ctl("-n", "one", "remove", "words")
    p = h.ctl("-n", "one", "remove", "added")
    problems = weir.ended(p)
    time.sleep(0.5)  # for the rows of its last windows
    size = os.path.getsize(path)
    time.sleep(0.6)
    if os.path.getsize(path) != size:
        problems.append("it writes on")
    names = [q["name"] for q in h.json("-n", "one", "status", "--json")["queries"]]
    t.check("a removed query is silent and gone", problems + ([] if names == ["main"] else ["queries: %r" % names]))


def test_end(t, h):
    first = h.runs[0]
    p = h.ctl("-n", "one", "stop")
    problems = weir.ended(p) + weir.ended(finish(first))
    with open(h.path("s.json")) as f:
        n = sum(json.loads(x)["n"] for x in f)
    with open(h.path("one.stats")) as f:
        stats = json.load(f)
    for name in [x for x in stats["queries"] if x != "main"]:  # these were there for a while only
        q = stats["queries"].pop(name)
        if q["in"] != q["aggregated"] + sum(q["dropped"].values()):
            problems.append("query %s: %r" % (name, q))
    problems += [x for x in weir.ledger(stats) if not x.startswith("rows ")]
    main = stats["queries"]["main"]
    if n != main["aggregated"] or main["in"] != stats["received"]["packets"]:
        problems.append("%d packets in rows, %r in the ledger, of %r" % (n, main, stats["received"]))
    t.check("after add and remove nothing is missing in the other query's rows", problems)
    p = h.ctl("list")
    t.check("nothing is left behind", weir.ended(p) + ["left: %s" % x for x in h.leftovers()])
    killed = h.started(["--source", GEN, *COUNT, "--sink", "json:/dev/null"], "killed")
    killed.kill()
    killed.wait()
    before = h.leftovers()
    p = h.ctl("list", "--json")
    t.check("a killed run is not listed, and what it left is removed", weir.ended(p)
            + ([] if p.stdout.strip() == b"[]" else ["%r" % p.stdout])
            + ([] if before == ["weir.killed"] and not h.leftovers() else ["left: %r, then %r" % (before, h.leftovers())]))


def connected(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(10)
    s.connect(path)
    s.recv(20000)
    return s


def ask_raw(path, request):
    with connected(path) as s:
        s.send(request.encode())
        return json.loads(s.recv(20000))


def test_others(t, h):
    h.started(["--source", GEN, *COUNT, "--window", "200ms", "--sink", "json:/dev/null"], "mine")
    path = h.socket("mine")
    modes = [os.stat(x).st_mode & 0o777 for x in (path, os.path.dirname(path), os.path.dirname(os.path.dirname(path)))]
    t.check("socket and folders are the owner's alone", [] if modes == [0o600, 0o700, 0o700] else [" ".join(map(oct, modes))])
    what = "another user is refused"
    if os.getuid() != 0 or not shutil.which("setpriv"):
        t.skip(what, "being another user needs root and setpriv")
    else:
        code = "import socket,sys; s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET); s.connect(sys.argv[1])"
        p = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", code, path],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/")
        problems = [] if p.returncode and b"PermissionError" in p.stderr else ["it got in: %r" % p.stderr]
        p = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", weir.CTL, "-n", "mine", "stop"],
                           env=h.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/")
        problems += [] if p.returncode == 1 and h.runs[-1].poll() is None else ["weir-ctl: status %d, %r" % (p.returncode, p.stderr)]
        t.check(what, problems)
    s = ask_raw(path, "/weir/status")["/weir/status"]
    t.check("telemetry's clients see the same", [] if s["name"] == "mine" and s["queries"]["0"]["name"] == "main" else ["%r" % s])
    tool = shutil.which("dpdk-telemetry.py")
    if not tool:
        t.skip("dpdk-telemetry.py sees the same", "it is not installed")
    else:  # it knows no RUNTIME_DIRECTORY: give it the folder as another name of its own
        env = {**h.env, "XDG_RUNTIME_DIR": h.runtime}
        code = "import os,runpy,sys; os.getuid=os.geteuid=lambda:1000; sys.argv=['x','-f','weir.mine']; runpy.run_path(%r,run_name='__main__')" % tool
        p = subprocess.run([sys.executable, "-c", code], env=env, input=b"/weir/status\n/weir\n", stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=30)
        t.check("dpdk-telemetry.py sees the same", [] if b'"name": "mine"' in p.stdout else ["%r" % (p.stdout[-600:] + p.stderr[-300:])])


def race(h, name):
    """Orders that come while the workers end, some of which have and some have not: problems."""
    flags = "--query %s --key ip.src --agg n=count() --split key --sink json:/dev/null"
    stats = h.path(name + ".stats")
    p = h.started(["--source", GEN, "--cores", "3", *COUNT, "--sink", "json:/dev/null", "--stats", stats], name)
    problems = weir.ended(h.ctl("-n", name, "add", flags % "early"))
    asked = ["/weir/stop", *("/weir/add," + flags % ("late%d" % i) for i in range(6)), "/weir/remove,early"]
    clients = [connected(h.socket(name)) for _ in asked]  # telemetry serves each by a thread of its own
    try:
        for c, request in zip(clients, asked):
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has ended already
                c.send(request.encode())
        wait("end of the run", lambda: p.poll() is not None)
    finally:
        for c in clients:
            c.close()
    problems += weir.ended(finish(p))
    with open(stats) as f:
        queries = json.load(f)["queries"]
    for x, q in queries.items():
        if q["in"] != q["aggregated"] + sum(q["dropped"].values()):
            problems.append("query %s: %r" % (x, q))
    return problems + ([] if {"main", "early"} <= set(queries) else ["queries: %r" % sorted(queries)])


def test_orders_at_the_end(t, h):
    """One race in three or four used to hang."""
    problems = []
    for i in range(RACES):
        problems = problems or race(h, "race%d" % i)
    t.check("a run ends whatever is ordered meanwhile, and no row is on its way then", problems)


def test_top(t, h):
    p = h.ctl("-n", "mine", "top", "--once")
    t.check("top --once prints one view", weir.ended(p) + said(p, "weir mine", "CORE", "ROWS OF main", "ip.src")
            + (["escapes: %r" % p.stdout[:200]] if b"\x1b" in p.stdout else []))
    p = h.ctl("-n", "mine", "top")
    t.check("so does top without a terminal", weir.ended(p) + said(p, "ROWS OF main"))

    def top(*args):
        return terminal.Terminal([weir.CTL, "-n", "mine", "top", *args, "-d", "200ms"], env=h.env)
    with top() as x:
        problems = x.until("CORE", "ROWS OF main", "ip.src", "q quit")
        x.type("+")
        x.forget()
        x.resize(45, 130)
        problems += x.until("(400ms)")  # the last line has moved, so it is drawn anew
        x.resize(12, 40)
        x.type("q")
        t.check("top shows, resizes, quits with q", problems + x.ends(0))
    with top("main") as x:
        problems = x.until("ROWS OF main")
        x.type("\x03")
        t.check("top quits with Ctrl-C", problems + x.ends(0))
    with top() as x:
        problems = x.until("CORE")
        os.kill(x.pid, signal.SIGTERM)
        t.check("top gives the terminal back when it is told to end", problems + x.ends(0))
    with top() as x:
        problems = x.until("CORE")
        p = h.ctl("-n", "mine", "stop")
        t.check("top ends with the run", problems + weir.ended(p) + x.until("has ended") + x.ends(0))


def test_port(t, h):
    p = h.start(["-i", "vdev:net_null0", *COUNT, "--window", "200ms", "--sink", "json:/dev/null"], "port")
    try:
        wait("weir that answers", lambda: p.poll() is not None or h.ctl("-n", "port", "status").returncode == 0)
    except AssertionError as e:
        t.check("a run that polls a port is reached", [str(e)])
        return
    if p.poll() is not None:
        err = p.stderr.read().decode("utf-8", "replace")
        if "EAL" in err and "did not start" in err:
            t.skip("a run that polls a port is reached", err.strip())
        else:
            t.check("a run that polls a port is reached", [err])
        return
    port = ask_raw(h.socket("port"), "/ethdev/info,0")["/ethdev/info"]
    try:  # the first rate takes two readings
        s = wait("rate", lambda: [x for x in [h.json("-n", "port", "status", "--json")] if x["rate"]["pps"] > 0])[0]
    except AssertionError as e:
        s = {"rate": {"pps": 0}, "why": str(e)}
    t.check("a run that polls a port is reached, and so are the port's own counters",
            ([] if port and port["name"] == "net_null0" else ["%r" % port]) + ([] if s["rate"]["pps"] > 0 else ["%r" % s["rate"]]))
    q = h.ctl("-n", "port", "stop")
    t.check("it is stopped", weir.ended(q) + weir.ended(finish(p)) + ["left: %s" % x for x in h.leftovers()])


def threads(pid):
    """name -> CPUs that it may run on"""
    found = {}
    for tid in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, tid)) as f:
            fields = dict(x.split(":", 1) for x in f.read().splitlines())
        found[fields["Name"].strip()] = fields["Cpus_allowed_list"].strip()
    return found


def test_late(t, h):
    """What the late start of EAL must leave alone."""
    small = h.path("small.pcap")
    pm.write_pcap(small, [pm.packet(pm.S + i, "10.0.0.1", "10.0.1.1", udp=(1, 2)) for i in range(50)])
    p = finish(h.start(["-r", small, *COUNT]))
    t.check("a short run makes no folder", weir.ended(p) + ["left: %s" % x for x in h.leftovers()])
    rows = h.path("late.json")
    with open(rows, "wb") as out:
        p = subprocess.Popen([weir.BINARY, "--source", GEN, "--select", "frame.number", "--name", "late", "--packets", "30k"],
                             env=h.env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE)
        h.runs.append(p)
        before = wait("threads", lambda: threads(p.pid) if p.poll() is None else {"weir": ""})
        wait("control socket", lambda: os.path.exists(h.socket("late")) or p.poll() is not None)
        after = threads(p.pid) if p.poll() is None else before
        done = finish(p)
    same = [n for n in before if n in after and after[n] != before[n]]
    t.check("threads stay on their CPUs", ["%s: %s, then %s" % (n, before[n], after[n]) for n in same])
    with open(rows) as f:
        numbers = [json.loads(x)["frame.number"] for x in f]
    t.check("no row on standard output is lost to the late start", weir.ended(done)
            + ([] if numbers == list(range(1, 30001)) else ["%d rows, %r to %r" % (len(numbers), numbers[:2], numbers[-2:])]))
    env = {**h.env, "RUNTIME_DIRECTORY": "/nonexistent/folder"}
    p = finish(h.start(["--source", GEN, *COUNT, "--for", "600ms"], env=env))
    t.check("without a folder the run goes on, and says so once", weir.ended(p)
            + ([] if p.stderr.count(b"no control socket") == 1 and b"/nonexistent/folder" in p.stderr else ["%r" % p.stderr]))
    p = finish(h.start(["--source", GEN, *COUNT, "--for", "600ms", "--control", "never"]))
    t.check("--control never makes no socket and says nothing of it", weir.ended(p)
            + (["%r" % p.stderr] if b"control" in p.stderr else []) + ["left: %s" % x for x in h.leftovers()])


def test_nobody(t, folder):
    what = "an unprivileged user reaches a run of their own"
    if os.getuid() != 0 or not shutil.which("setpriv"):
        t.skip(what, "being another user needs root and setpriv")
        return
    os.chmod(folder, 0o755)
    user = pwd.getpwnam("nobody").pw_uid
    for name in ("BINARY", "CTL"):  # where everybody may read them
        setattr(weir, name, shutil.copy(getattr(weir, name), folder))
        os.chmod(getattr(weir, name), 0o755)
    with Host(os.path.join(folder, "user"), user) as h:
        p = h.started(["--source", GEN, *COUNT, "--sink", "json:/dev/null"], "theirs")
        owner = os.stat(h.socket("theirs")).st_uid
        stop = h.ctl("stop")
        t.check(what, weir.ended(stop) + weir.ended(finish(p)) + ([] if owner == user else ["the socket is %d's" % owner]))


def test_chains(t, h):
    """Queries that take rows of others, while it runs: all added, the ledger asked for, removed, added again; the end."""
    p = h.started(["--source", GEN, "--cores", "2", "--query", "hosts", "--window", "100ms", *COUNT, "--sink", "json:/dev/null",
                   "--query", "big", "--from", "hosts", "--where", "n > 1", "--key", "n", "--window", "300ms", "--agg", "k=count()",
                   "--sink", "json:/dev/null", "--query", "seen", "--join", "semi:hosts@prev", "--window", "100ms", "--agg", "m=count()",
                   "--sink", "json:/dev/null", "--stats", h.path("chains.stats")], "chains")
    unbalanced = []

    def do(*words, fails=()):
        q = h.ctl("-n", "chains", *words)
        for _ in range(3):
            stats = h.json("-n", "chains", "stats")
            unbalanced.extend([] if stats["balanced"] else ["after %s: %r" % (words, stats["queries"])])
        return weir.ended(q, (1, 2) if fails else (0,)) + said(q, *fails)

    def rows(name):
        return lambda: h.json("-n", "chains", "stats")["queries"][name]["rows"] > 0

    wait("rows of a chain", rows("big"))
    t.check("an input is not removed", do("remove", "hosts", fails=("big", "hosts", "first")))
    two = ("--query ports --window 100ms --key udp.dstport --agg n=count() "
           "--query some --from ports,hosts --join left:ports@prev --sink json:/dev/null")
    t.check("a join of unlike columns is refused", do("add", two, fails=("--join",)))
    two = ("--query mice --window 100ms --key ip.src --agg m=count() --query some --from hosts --join left:mice "
           "--where 'n - m >= 0' --top 5:n --sink json:/dev/null")
    t.check("two queries are added, of which one joins the other", do("add", two))
    wait("rows of the added chain", rows("some"))
    found = h.json("-n", "chains", "stats")["queries"]["some"]
    t.check("rows that --top leaves out are counted", [] if found["dropped"]["top"] else ["%r" % found])
    t.check("a query that is joined is not removed", do("remove", "mice", fails=("some", "first")))
    t.check("a reader is removed", do("remove", "some"))
    t.check("then what it has joined", do("remove", "mice"))
    t.check("both are added again", do("add", two))
    t.check("and a query that joins packets", do("add", "--query again --join anti:mice --agg m=count() --window 100ms --sink json:/dev/null"))
    t.check("which is removed", do("remove", "again"))
    q = h.ctl("-n", "chains", "stop")
    problems = weir.ended(q) + weir.ended(finish(p))
    with open(h.path("chains.stats")) as f:
        problems += [] if json.load(f)["balanced"] else ["the last ledger does not balance"]
    t.check("the ledger balances whenever it is asked for, and at the end", unbalanced[:3] + problems)


def main():
    t = tap.Tap()
    with tempfile.TemporaryDirectory() as folder:
        with Host(os.path.join(folder, "a")) as h:
            for test in (test_status, test_result, test_names, test_queries, test_end):
                try:
                    test(t, h)
                except (AssertionError, KeyError, ValueError, OSError, subprocess.TimeoutExpired) as e:
                    t.check(test.__name__[5:], ["%s: %s" % (type(e).__name__, e)])
        with Host(os.path.join(folder, "b")) as h:
            for test in (test_others, test_top, test_port, test_late, test_chains, test_orders_at_the_end):
                try:
                    test(t, h)
                except (AssertionError, KeyError, ValueError, OSError, subprocess.TimeoutExpired) as e:
                    t.check(test.__name__[5:], ["%s: %s" % (type(e).__name__, e)])
        try:
            test_nobody(t, folder)
        except (AssertionError, KeyError, ValueError, OSError, subprocess.TimeoutExpired) as e:
            t.check("unprivileged user", ["%s: %s" % (type(e).__name__, e)])
    t.done()


main()
