#!/usr/bin/env python3
"""Members of a cluster and a real etcd, in a network namespace of their own: who owns what, whatever happens."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import netns  # noqa: E402
from running import run_tests  # noqa: E402

MEMBER = os.environ.get("WEIR_MEMBER", "member")
SPACE = "weir-etcd-%d" % os.getpid()  # tests that run at a time are processes
# A thread may have to wait for seconds on a busy machine.
LEASE = 5
URI = "etcd://127.0.0.1:2379/job?nodes=%%d&ttl=%ds&lead=300ms" % LEASE
SLOTS = 4096


@contextlib.contextmanager
def space():
    """A namespace that has nothing but its loopback."""
    if os.getuid() != 0:
        raise netns.Unavailable("network namespaces need root")
    for program in ("ip", "etcd", "etcdctl"):
        if not shutil.which(program):
            raise netns.Unavailable("%s is missing" % program)
    if netns.ip("netns", "add", SPACE, check=False).returncode:
        raise netns.Unavailable("cannot make a network namespace here")
    try:
        netns.ip("-n", SPACE, "link", "set", "lo", "up")
        yield
    finally:
        netns.ip("netns", "del", SPACE, check=False)


def inside(args):
    return ["ip", "netns", "exec", SPACE, *args]


class Etcd:
    """One etcd with its data in the folder; it can be ended and started again. number, of: a member of one with several."""

    def __init__(self, folder, tls=None, number=0, of=1):
        self.folder, self.tls, self.p = folder, tls, None
        self.number, self.of = number, of
        # A busy disk makes etcd wait for seconds, longer than leases here: its data is in memory.
        self.data = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.url = ("https" if tls else "http") + "://" + self.endpoint()

    def endpoint(self):
        return "127.0.0.1:%d" % (2379 + 100 * self.number)

    def start(self, waits=True):
        peers = ["http://127.0.0.1:%d" % (2380 + 100 * i) for i in range(self.of)]
        args = ["etcd", "--name", "m%d" % self.number, "--data-dir", self.data.name, "--listen-client-urls", self.url,
                "--advertise-client-urls", self.url, "--listen-peer-urls", peers[self.number],
                "--initial-advertise-peer-urls", peers[self.number],
                "--initial-cluster", ",".join("m%d=%s" % x for x in enumerate(peers)), "--log-level", "error"]
        if self.tls:
            args += ["--cert-file", self.tls["cert"], "--key-file", self.tls["key"]]
        if self.tls and "client" in self.tls:
            args += ["--client-cert-auth", "--trusted-ca-file", self.tls["ca"]]
        self.log = open(os.path.join(self.folder, "etcd-%d.log" % self.number), "ab")
        self.p = subprocess.Popen(inside(args), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        if waits:
            self.wait()

    def wait(self):
        netns.wait("answer of etcd", lambda: self.ctl("endpoint", "health", check=False).returncode == 0)

    def ctl(self, *args, check=True):
        more = ["--cacert", self.tls["ca"]] if self.tls else []
        if self.tls and "client" in self.tls:
            more += ["--cert", self.tls["client"], "--key", self.tls["client_key"]]
        return subprocess.run(inside(["etcdctl", "--endpoints", self.url, "--command-timeout=2s", *more, *args]),
                              check=check, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env={**os.environ, "ETCDCTL_API": "3"})

    def end(self, sig=signal.SIGTERM):
        if self.p:
            self.p.send_signal(sig)
            self.p.wait()
            self.log.close()
            self.p = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.end(signal.SIGKILL)
        self.data.cleanup()


class Member:
    """A process with one node or several; the last view of each is in views, all events in events."""

    def __init__(self, uri, names, query=None):
        self.views, self.events = {}, {n: [] for n in names.split(",")}
        self.p = subprocess.Popen(inside([MEMBER, uri, names] + ([query] if query else [])), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.p.stdout:
            m = json.loads(line)
            if m["type"] == "view":
                self.views[m["node"]] = m
            else:
                self.events[m["node"]].append(m.get("text") or m)

    def say(self, text):
        self.p.stdin.write(text + "\n")
        self.p.stdin.flush()

    def end(self):
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGCONT)
            self.p.stdin.close()
            try:
                self.p.wait(20)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
        self.reader.join(5)
        return self.p.stderr.read()

    def kill(self):
        self.p.kill()
        self.p.wait()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.end()

    def is_so(self, name, state="live", **nodes):
        """The node is in that state, and sees others in theirs."""
        v = self.views.get(name)
        return v and v["state"] == state and all(v["nodes"].get(n, [""])[0] == s for n, s in nodes.items()) and v

    def wait(self, name, state="live", seconds=30, **nodes):
        try:
            return netns.wait("view", lambda: self.is_so(name, state, **nodes), seconds)
        except AssertionError:
            raise AssertionError("%s does not come to %s and %s, but to %s; events: %s" % (
                name, state, nodes, self.views.get(name), self.events[name][-8:]))

    def told(self, name, text):
        return netns.wait("event '%s'" % text, lambda: any(text in str(e) for e in self.events[name]))


def owned(view, when=0):
    """Slots of each node: in windows of the newest map, or (1) in those right before it."""
    return {n: x[1 + when] for n, x in view["nodes"].items() if x[1 + when]}


def same(*views):
    if len({(v["epoch"], v["hash"]) for v in views}) != 1:
        return ["they do not agree: %s" % [(v["node"], v["epoch"], v["hash"]) for v in views]]
    return [] if sum(owned(views[0]).values()) == SLOTS else ["not all slots have an owner: %s" % views[0]]


ALL = {"a": "live", "b": "live", "c": "live"}


def test_join(folder):
    """three nodes in two processes wait for each other, and have one map; a fourth joins later windows"""
    with space(), Etcd(folder), Member(URI % 3, "a,b") as ab:
        ab.wait("a", "joining", b="joining")
        if ab.views["a"]["epoch"]:
            return ["there is a map before all are there"]
        with Member(URI % 3, "c") as c:
            first = [ab.wait("a", **ALL), ab.wait("b", **ALL), c.wait("c", **ALL)]
            problems = same(*first)
            with Member(URI % 3, "d") as d:
                later = [ab.wait("a", d="live"), c.wait("c", d="live"), d.wait("d", d="live")]
                problems += same(*later)
                if "d" in owned(later[0], 1):
                    problems.append("the fourth owns windows of before: %s" % later[0])
                before, now = owned(later[0], 1), owned(later[0])
                if any(now[n] > before[n] for n in before):
                    problems.append("slots moved between those that stay: %s, then %s" % (before, now))
            return problems


def test_kill(folder):
    """a node killed hard: its slots move when its lease is over, in windows of before too"""
    with space(), Etcd(folder), Member(URI % 3, "a") as a, Member(URI % 3, "b") as b, Member(URI % 3, "c") as c:
        for m, n in ((a, "a"), (b, "b"), (c, "c")):
            m.wait(n, **ALL)
        c.kill()
        began = time.monotonic()
        views = [a.wait("a", c="lost"), b.wait("b", c="lost")]
        problems = same(*views)
        if "c" in owned(views[0]) or "c" in owned(views[0], 1):
            problems.append("the lost node owns slots: %s" % views[0])
        with Member(URI % 3, "c") as again:
            problems += same(again.wait("c", c="live"), a.wait("a", c="live"), b.wait("b", c="live"))
        print("# %.1f s" % (time.monotonic() - began))
        return problems


def test_stopped(folder):
    """a node stopped for longer than its lease is fenced when it goes on"""
    with space(), Etcd(folder), Member(URI % 2, "a") as a, Member(URI % 2, "b") as b:
        a.wait("a", b="live")
        b.wait("b", a="live")
        b.p.send_signal(signal.SIGSTOP)
        a.wait("a", b="lost")
        b.p.send_signal(signal.SIGCONT)
        v = b.wait("b", "fenced")
        b.told("b", "this node is fenced: others have its slots")
        return [] if v["lost"] else ["it is not lost for good: %s" % v]


def test_restart(folder):
    """etcd restarted, and away for longer than a lease: nobody is lost, the map stays"""
    uri = URI % 2
    with space(), Etcd(folder) as etcd, Member(uri, "a") as a, Member(uri, "b") as b:
        before = a.wait("a", b="live")
        b.wait("b", a="live")
        problems = []
        for seconds in (0, LEASE + 2):
            etcd.end(signal.SIGKILL)
            if seconds:
                a.told("a", "the coordinator does not answer")
                time.sleep(seconds)
                if not a.is_so("a", b="live") or not a.views["a"]["away"]:
                    problems.append("while etcd was away: %s" % a.views["a"])
            etcd.start()
            netns.wait("etcd seen again", lambda: not a.views["a"]["away"] and not b.views["b"]["away"])
        # Longer than a lease: who could not renew would be lost now.
        time.sleep(LEASE + 1)
        after = [a.wait("a", b="live"), b.wait("b", a="live")]
        if {v["epoch"] for v in after} != {before["epoch"]}:
            problems.append("the map is another: %s, then %s" % (before, after))
        return problems + same(*after)


def test_queries(folder):
    """other queries are refused with the difference, also of two that are first at the same time"""
    with space(), Etcd(folder):
        with Member(URI % 1, "a") as a:
            a.wait("a")
            with Member(URI % 1, "b", "--where 'udp' --key src") as b:
                b.p.wait(30)
                said = b.end()
        want = "query 'scan': --where is 'udp' here and 'tcp' at node a"
        problems = [] if want in said and b.p.returncode == 2 else ["said %r, status %d" % (said, b.p.returncode)]
        # Both begin at once, with a job that nobody knows: one of them, not both, may go on.
        for i in range(5):
            job = (URI % 1).replace("/job", "/race%d" % i)
            with Member(job, "a") as a, Member(job, "b", "--where 'udp' --key src") as b:
                netns.wait("one that is refused", lambda: a.p.poll() is not None or b.p.poll() is not None)
                one, name = (b, "b") if a.p.poll() is not None else (a, "a")
                one.wait(name)
                if one.p.poll() is not None:
                    problems.append("both were refused")
        return problems


def test_name(folder):
    """a name that is taken is refused; after a kill it is free once the lease is over"""
    with space(), Etcd(folder), Member(URI % 1, "a") as a:
        a.wait("a")
        with Member(URI % 1, "a") as other:
            other.p.wait(30)
            said = other.end()
        problems = [] if "there is a node a in the cluster already" in said else [said]
        a.kill()
        with Member(URI % 1, "a") as again:
            again.wait("a")
        return problems


def test_move(folder):
    """slots moved by hand, and back"""
    with space(), Etcd(folder), Member(URI % 2, "a,b") as m:
        before = m.wait("a", b="live")
        m.say("move a 0 4095 b")
        m.told("a", "slots 0-4095 move to node b")
        v = netns.wait("the move", lambda: owned(m.views["b"]) == {"b": SLOTS} and m.views["b"])
        problems = [] if owned(v, 1) == owned(before) else ["windows of before moved: %s" % v]
        m.say("move a 0 1 nobody")
        m.told("a", "there is no live node 'nobody'")
        return problems


def test_drain(folder):
    """a node drains: it owns nothing of later windows, ends its own, and leaves"""
    with space(), Etcd(folder) as etcd, Member(URI % 2, "a,b") as m:
        m.wait("a", b="live")
        m.wait("b", a="live")  # else it is told that nobody could take over
        m.say("drain b 0 0 -")
        v = m.wait("b", "draining")
        problems = []
        if owned(v) != {"a": SLOTS} or "b" not in owned(v, 1):
            problems.append("drained, but owned: %s" % v)
        m.say("done b %d" % v["from"])
        m.say("pending b")
        m.told("b", "'is': 0")
        m.say("leave b")
        m.wait("b", "left")
        m.wait("a", b="left")
        if "weir/job/nodes/b" in etcd.ctl("get", "--prefix", "--keys-only", "weir/job/").stdout:
            problems.append("its key is still there")
        return problems


def test_race(folder):
    """eight nodes in four processes join at once: one map"""
    with space(), Etcd(folder), contextlib.ExitStack() as stack:
        names = ["%s%d" % (x, i) for x in "ab" for i in range(4)]
        members = [(n, stack.enter_context(Member(URI % 1, "a%d,b%d" % (i, i)))) for i, n in
                   enumerate(["a0", "a1", "a2", "a3"])]
        want = {n: "live" for n in names}
        for n, m in members:
            m.wait(n, **want)
        netns.wait("one epoch", lambda: not same(*[m.views[n] for n, m in members]))
        return []


def certificates(folder, clients=False):
    """Of etcd, and of whom it signs; clients: etcd wants one of these of whoever comes."""
    def at(name):
        return os.path.join(folder, name)

    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
    if not shutil.which("openssl"):
        raise netns.Unavailable("openssl is missing")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1",
            "-days", "2", "-keyout", at("key.pem"), "-out", at("cert.pem"))
    found = {"cert": at("cert.pem"), "key": at("key.pem"), "ca": at("cert.pem")}
    if clients:
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=tap", "-keyout", at("client-key.pem"), "-out", at("client.csr"))
        openssl("x509", "-req", "-in", at("client.csr"), "-CA", at("cert.pem"), "-CAkey", at("key.pem"), "-CAcreateserial", "-days", "2",
                "-out", at("client.pem"))
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=tap", "-days", "2", "-keyout", at("own-key.pem"),
                "-out", at("own.pem"))
        found.update({"client": at("client.pem"), "client_key": at("client-key.pem"),
                      "own": at("own.pem"), "own_key": at("own-key.pem")})
    return found


def refused(cases):
    """Problems of (what, URL, what must be said): all of them try at once, as each may take as long as joining may."""
    with contextlib.ExitStack() as stack:
        members = [(what, want, stack.enter_context(Member(uri, "x%d" % i))) for i, (what, uri, want) in enumerate(cases)]
        problems = []
        for what, want, m in members:
            m.p.wait(60)
            said = m.end()
            if want not in said or not m.p.returncode:
                problems.append("%s: said %r" % (what, said))
        return problems


def test_tls_and_user(folder):
    """TLS and a user with rights on the job's keys only; wrong certificate, password, job and no user are told"""
    with space():
        tls = certificates(folder)
        password = os.path.join(folder, "password")
        wrong = os.path.join(folder, "wrong")
        for path, text in ((password, "secret\n"), (wrong, "guess\n")):
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
        with Etcd(folder, tls) as etcd:
            for order in (["user", "add", "root:x"], ["user", "grant-role", "root", "root"], ["role", "add", "weir"],
                          ["role", "grant-permission", "weir", "readwrite", "--prefix=true", "weir/job/"],
                          ["user", "add", "tap:secret"], ["user", "grant-role", "tap", "weir"], ["auth", "enable"]):
                etcd.ctl(*order)
            uri = "etcds://127.0.0.1:2379/%s?ttl=%ds&ca=%s" % ("%s", LEASE, tls["ca"])
            user = "&user=tap&password-file="
            problems = []
            with Member(uri % "job" + user + password, "a,b") as m:
                problems += same(m.wait("a", b="live"), m.wait("b", a="live"))
                # Tokens do not outlive a start of etcd.
                etcd.end(signal.SIGKILL)
                m.told("a", "does not answer")
                restart_with_auth(etcd)
                m.told("a", "answers again")
                m.say("move a 0 4095 b")
                m.told("a", "slots 0-4095 move to node b")
            return problems + refused((
                ("password", uri % "job" + user + wrong, "authentication failed"),
                ("job", uri % "other" + user + password, "permission denied"),
                ("no user", uri % "job", "add user=NAME&password-file=FILE"),
                ("no ca", (uri % "job").replace("ca=" + tls["ca"], "nodes=1") + user + password, "certificate")))


def test_client_certificates(folder):
    """etcd wants clients' certificates: who has one that it signed is served; who has none, or another, is told"""
    with space():
        tls = certificates(folder, clients=True)
        with Etcd(folder, tls):
            uri = "etcds://127.0.0.1:2379/job?nodes=2&ttl=%ds&ca=%s" % (LEASE, tls["ca"])
            mine = "&cert=%s&key=%s"
            with Member(uri + mine % (tls["client"], tls["client_key"]), "a,b") as m:
                problems = same(m.wait("a", b="live"), m.wait("b", a="live"))
                m.say("move a 0 4095 b")
                m.told("a", "slots 0-4095 move to node b")
            return problems + refused((
                ("no certificate", uri, "certificate"),
                ("one that nobody signed", uri + mine % (tls["own"], tls["own_key"]), "certificate"),
                ("another's key", uri + mine % (tls["client"], tls["own_key"]), "key"),
                ("no such file", uri + mine % (tls["client"] + ".not", tls["client_key"]), tls["client"] + ".not")))


def test_three(folder):
    """an etcd of three; the member that nodes talk to, which leads, dies: nobody is lost, and the map goes on changing"""
    with space(), contextlib.ExitStack() as stack:
        members = [Etcd(folder, number=i, of=3) for i in range(3)]
        for e in members:
            stack.callback(e.__exit__)
            e.start(waits=False)
        for e in members:
            e.wait()

        def leads(e):
            status = json.loads(e.ctl("endpoint", "status", "-w", "json").stdout)[0]["Status"]
            return status["leader"] == status["header"]["member_id"]
        members.sort(key=leads, reverse=True)
        uri = (URI % 2).replace("127.0.0.1:2379", ",".join(e.endpoint() for e in members))
        a, b = (stack.enter_context(Member(uri, n)) for n in "ab")
        before = a.wait("a", b="live")
        b.wait("b", a="live")
        members[0].end(signal.SIGKILL)
        time.sleep(LEASE + 1)  # longer than a lease: who cannot renew is lost by now
        after = [a.wait("a", b="live"), b.wait("b", a="live")]
        problems = same(*after)
        if after[0]["epoch"] != before["epoch"]:
            problems.append("the map is another: %s, then %s" % (before, after))
        a.say("move a 0 4095 b")
        netns.wait("the move", lambda: owned(b.views["b"]) == {"b": SLOTS})
        with Member(uri, "c") as c:
            problems += same(c.wait("c", a="live", b="live"), a.wait("a", c="live"), b.wait("b", c="live"))
        return problems


def restart_with_auth(etcd):
    """etcdctl's health wants a user now: wait for the port instead."""
    ctl = etcd.ctl
    etcd.ctl = lambda *args, check=True: ctl("--user", "tap:secret", "get", "weir/job/map", check=check)
    etcd.start()
    etcd.ctl = ctl


def test_nobody_there(folder):
    """no etcd: said within the time that joining may take, with what the endpoints said"""
    with space():
        with Member("etcd://127.0.0.1:2379,127.0.0.1:2479/job?ttl=1s", "a") as m:
            m.p.wait(60)
            said = m.end()
        return [] if "could not join within" in said and "127.0.0.1" in said and m.p.returncode == 1 else [said]


def test_fail_over(folder):
    """of two endpoints the first is dead: the second serves"""
    with space(), Etcd(folder), Member("etcd://127.0.0.1:2479,127.0.0.1:2379/job?ttl=2s", "a") as m:
        m.wait("a")
        return []


# The long ones first; they wait for leases most of the time.
run_tests([test_restart, test_tls_and_user, test_client_certificates, test_three, test_queries, test_nobody_there, test_kill, test_name,
           test_stopped, test_join, test_move, test_drain, test_race, test_fail_over], at_a_time=4)
