"""Two network namespaces and a cable between them, silent but for what a test sends."""
import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import time

import weir


class Unavailable(Exception):
    """This host cannot do it; the text says why."""


def need_xdp_program():
    """For tests of weir's own XDP program, which needs clang and bpftool where weir is built."""
    if os.environ.get("WEIR_HAS_XDP") == "0":
        raise Unavailable("this weir was built without its own XDP program")


def ip(*args, check=True):
    return subprocess.run(["ip", *args], check=check, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)


def wait(what, condition, seconds=20):
    """Wait until condition() is true; its value. AssertionError with `what` where it never is."""
    seconds *= max(1.0, weir.TIMEOUT / 60)  # sanitizer builds are slow
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("no %s within %d s" % (what, seconds))


class Cable:
    """Namespaces `near` and `far` with interfaces weir0 and send0; no IPv6, no ARP: nobody speaks unasked."""

    def __init__(self, queues=1):
        if os.getuid() != 0:
            raise Unavailable("network namespaces need root")
        if not shutil.which("ip"):
            raise Unavailable("ip (iproute2) is missing")
        self.near, self.far = "weir-near-%d" % os.getpid(), "weir-far-%d" % os.getpid()
        lanes = ["numtxqueues", str(queues), "numrxqueues", str(queues)] if queues > 1 else []
        made = []
        try:
            for ns in (self.near, self.far):
                ip("netns", "add", ns)
                made.append(ns)
                self.run(ns, ["sh", "-c", "for i in all default; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; "
                              "done 2>/dev/null || :"])
            ip("-n", self.near, "link", "add", "weir0", *lanes, "type", "veth", "peer", "name", "send0",
               *lanes, "netns", self.far)
            for ns, dev in ((self.near, "weir0"), (self.far, "send0")):
                ip("-n", ns, "link", "set", dev, "arp", "off", "mtu", "1500")
                ip("-n", ns, "link", "set", "lo", "up")
                ip("-n", ns, "link", "set", dev, "up")
        except subprocess.CalledProcessError as e:
            for ns in made:
                ip("netns", "del", ns, check=False)
            raise Unavailable("cannot make network namespaces here: " + (e.stderr or "").strip())

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for ns in (self.near, self.far):
            ip("netns", "del", ns, check=False)

    @staticmethod
    def run(ns, args, **more):
        return subprocess.run(["ip", "netns", "exec", ns, *args], check=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)

    def start(self, args, **more):
        """A process in the near namespace; `ip netns exec` becomes it, so that signals reach it."""
        return subprocess.Popen(["ip", "netns", "exec", self.near, *args], stdin=subprocess.DEVNULL, **more)

    def mac(self):
        return self.run(self.near, ["cat", "/sys/class/net/weir0/address"]).stdout.strip()

    def arrived(self):
        """Packets that the kernel has seen arrive at weir0."""
        return int(self.run(self.near, ["cat", "/sys/class/net/weir0/statistics/rx_packets"]).stdout)

    def is_tapped(self):
        """Somebody listens on a packet socket bound to weir0."""
        index = self.run(self.near, ["cat", "/sys/class/net/weir0/ifindex"]).stdout.strip()
        lines = self.run(self.near, ["cat", "/proc/net/packet"]).stdout.splitlines()[1:]
        return any(x.split()[4] == index for x in lines)

    def has_xdp(self):
        return "xdp" in ip("-n", self.near, "link", "show", "dev", "weir0").stdout

    @staticmethod
    @contextlib.contextmanager
    def inside(ns):
        """What is opened in this block belongs to the namespace."""
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open("/run/netns/" + ns, os.O_RDONLY)
        libc = ctypes.CDLL(None, use_errno=True)
        try:
            if libc.setns(there, 0x40000000):
                raise OSError(ctypes.get_errno(), "setns")
            yield
        finally:
            libc.setns(own, 0x40000000)
            os.close(own)
            os.close(there)

    def sender(self, ns=None, device="send0"):
        """A packet socket at the far end, or where it is said, for packets one by one."""
        with self.inside(ns or self.far):
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            s.bind((device, 0))
            return s

    def send(self, capture, pps):
        """Replay a capture into the far end; how many packets went out."""
        if not shutil.which("tcpreplay"):
            raise Unavailable("tcpreplay is missing")
        self.run(self.far, ["tcpreplay", "-q", "--pps=%d" % pps, "-i", "send0", capture], timeout=60)
