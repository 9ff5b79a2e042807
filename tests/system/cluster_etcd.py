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
SPACE = "weir-etcd-%d" % os.getpid()
URI = "etcd://127.0.0.1:2379/job?nodes=%d&ttl=4s&lead=300ms"
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
    """One etcd with its data in the folder; it can be ended and started again."""

    def __init__(self, folder, tls=None):
        self.folder, self.tls, self.p = folder, tls, None
        # A busy disk makes etcd wait for seconds, longer than leases here: its data is in memory.
        self.data = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.url = ("https" if tls else "http") + "://127.0.0.1:2379"

    def start(self):
        args = ["etcd", "--data-dir", self.data.name, "--listen-client-urls", self.url,
                "--advertise-client-urls", self.url, "--listen-peer-urls", "http://127.0.0.1:2380", "--log-level", "error"]
        if self.tls:
            args += ["--cert-file", self.tls["cert"], "--key-file", self.tls["key"]]
        self.log = open(os.path.join(self.folder, "etcd.log"), "ab")
        self.p = subprocess.Popen(inside(args), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        netns.wait("answer of etcd", lambda: self.ctl("endpoint", "health", check=False).returncode == 0)

    def ctl(self, *args, check=True):
        more = ["--cacert", self.tls["ca"]] if self.tls else []
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
    """a node killed hard: its slots move within its lease and 2 s, in windows of before too"""
    with space(), Etcd(folder), Member(URI % 3, "a") as a, Member(URI % 3, "b") as b, Member(URI % 3, "c") as c:
        for m, n in ((a, "a"), (b, "b"), (c, "c")):
            m.wait(n, **ALL)
        c.kill()
        began = time.monotonic()
        views = [a.wait("a", c="lost", seconds=6), b.wait("b", c="lost", seconds=6)]
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
    """etcd restarted, and away for 10 s (two leases and more): nobody is lost, the map stays"""
    with space(), Etcd(folder) as etcd, Member(URI % 2, "a") as a, Member(URI % 2, "b") as b:
        before = a.wait("a", b="live")
        b.wait("b", a="live")
        problems = []
        for seconds in (0, 10):
            etcd.end(signal.SIGKILL)
            if seconds:
                a.told("a", "the coordinator does not answer")
                time.sleep(seconds)
                if not a.is_so("a", b="live") or not a.views["a"]["away"]:
                    problems.append("while etcd was away: %s" % a.views["a"])
            etcd.start()
            netns.wait("etcd seen again", lambda: not a.views["a"]["away"] and not b.views["b"]["away"])
        # Longer than a lease: who could not renew would be lost now.
        time.sleep(6)
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


def certificates(folder):
    def at(name):
        return os.path.join(folder, name)

    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
    if not shutil.which("openssl"):
        raise netns.Unavailable("openssl is missing")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1",
            "-days", "2", "-keyout", at("key.pem"), "-out", at("cert.pem"))
    return {"cert": at("cert.pem"), "key": at("key.pem"), "ca": at("cert.pem")}


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
            uri = "etcds://127.0.0.1:2379/%s?ttl=4s&ca=%s" % ("%s", tls["ca"])
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
            for what, text, want in (("password", uri % "job" + user + wrong, "authentication failed"),
                                     ("job", uri % "other" + user + password, "permission denied"),
                                     ("no user", uri % "job", "add user=NAME&password-file=FILE"),
                                     ("no ca", (uri % "job").replace("ca=" + tls["ca"], "nodes=1") + user + password,
                                      "certificate")):
                with Member(text, "x") as m:
                    m.p.wait(60)
                    said = m.end()
                if want not in said:
                    problems.append("%s: said %r" % (what, said))
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


run_tests([test_join, test_kill, test_stopped, test_restart, test_queries, test_name, test_move, test_drain, test_race,
           test_tls_and_user, test_nobody_there, test_fail_over])
