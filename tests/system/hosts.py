"""Hosts of a cluster: network namespaces on a bridge, with etcd beside them; each has a wire and a way to etcd."""
import itertools
import json
import os
import shutil
import subprocess
import tempfile

import netns
import running
import weir
from netns import ip, wait

JOB = "test"
NUMBERS = itertools.count()


class Hosts:
    """Namespaces hub (bridge, etcd) and h0, h1, ...; interfaces wire0 (nothing but weir's) and ctl0 (10.77.0.x)."""

    def __init__(self, n, queues=1):
        """queues: of each wire0"""
        if os.getuid() != 0:
            raise netns.Unavailable("network namespaces need root")
        for tool in ("ip", "etcd", "curl"):
            if not shutil.which(tool):
                raise netns.Unavailable("%s is missing" % tool)
        self.n = n
        self.lanes = ["numtxqueues", str(queues), "numrxqueues", str(queues)] if queues > 1 else []
        mark = "%d-%d" % (os.getpid(), next(NUMBERS))  # of tests that run at the same time
        self.hub = "weir-hub-" + mark
        self.names = ["weir-h%d-%s" % (i, mark) for i in range(n)]
        self.made, self.etcd = [], None
        self.folder = tempfile.mkdtemp(prefix="weir-cluster-")
        # etcd waits for each write; where a disk is busy for longer than a lease, all nodes seem to be dead.
        self.data = tempfile.mkdtemp(prefix="weir-etcd-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        try:
            self._make()
        except subprocess.CalledProcessError as e:
            self.remove()
            raise netns.Unavailable("cannot make network namespaces here: " + (e.stderr or "").strip())

    def _make(self):
        for ns in (self.hub, *self.names):
            ip("netns", "add", ns)
            self.made.append(ns)
            netns.Cable.run(ns, ["sh", "-c", "for i in all default; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; "
                                 "done 2>/dev/null || :"])
            ip("-n", ns, "link", "set", "lo", "up")
        for bridge in ("wires", "ctl"):
            ip("-n", self.hub, "link", "add", bridge, "type", "bridge")
            ip("-n", self.hub, "link", "set", bridge, "up")
        ip("-n", self.hub, "addr", "add", "10.77.0.254/24", "dev", "ctl")
        for i, ns in enumerate(self.names):
            for dev, bridge in (("wire0", "wires"), ("ctl0", "ctl")):
                lanes = self.lanes if dev == "wire0" else []
                ip("-n", ns, "link", "add", dev, *lanes, "type", "veth", "peer", "name", "%s-%d" % (dev, i), *lanes, "netns", self.hub)
                ip("-n", ns, "link", "set", dev, "up")
                ip("-n", self.hub, "link", "set", "%s-%d" % (dev, i), "master", bridge, "up")
            ip("-n", ns, "addr", "add", "10.77.0.%d/24" % (i + 1), "dev", "ctl0")

    def start_etcd(self):
        data = os.path.join(self.data, "etcd")
        url = "http://10.77.0.254:2379"
        with open(os.path.join(self.folder, "etcd.log"), "a") as log:
            self.etcd = subprocess.Popen(
                ["ip", "netns", "exec", self.hub, "etcd", "--data-dir", data, "--listen-client-urls", url,
                 "--advertise-client-urls", url, "--listen-peer-urls", "http://127.0.0.1:2380", "--logger", "zap"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait("etcd", self.is_etcd_up)

    def is_etcd_up(self):
        p = subprocess.run(["ip", "netns", "exec", self.hub, "curl", "-s", "-m", "2", "http://10.77.0.254:2379/health"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            return json.loads(p.stdout).get("health") == "true"
        except ValueError:
            return False

    def stop_etcd(self):
        if self.etcd:
            self.etcd.terminate()
            self.etcd.wait(20)
            self.etcd = None

    def remove(self):
        self.stop_etcd()
        for ns in self.made:
            ip("netns", "del", ns, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()

    def url(self, options=""):
        return "etcd://10.77.0.254:2379/%s%s" % (JOB, options)

    def arguments(self, i, options="", wire="wire0,ip=192.0.2.%d/24", more=("--insecure-wire",)):
        return ["--cluster", self.url(options), "--node", "n%d" % i, "--wire", wire % (i + 1), *more]

    def run(self, i, args, **more):
        """A weir on host i; see running.Run."""
        folder = os.path.join(self.folder, "h%d" % i)
        os.makedirs(folder, exist_ok=True)
        return running.Run(args, folder, name=more.pop("name", "h%d" % i),
                           prefix=("ip", "netns", "exec", self.names[i]), **more)
