#!/usr/bin/env python3
"""Two wires and a hundred thousand frames each way, each exactly once: over memif, AF_XDP and AF_PACKET, in clear and sealed,
with loss, duplication and reordering in between, through a router, by several receive queues; and a kernel that pings one."""
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import netns  # noqa: E402
import weir  # noqa: E402
from impairing import IMPAIR, memif  # noqa: E402
from running import run_tests  # noqa: E402

PEER = os.environ.get("WEIR_WIREPEER", "wirepeer")
FRAMES = 100000
IDS = (0x1111222233334444, 0x5555666677778888)
V4, V6 = ("10.9.0.1", "10.9.0.2", 24, ("", "")), ("2001:db8::1", "2001:db8::2", 64, ("", ""))


def text_of(err):
    err.seek(0)
    return err.read().decode("utf-8", "replace")


class Node:
    """A wirepeer; the first of two, or the second. addresses: of both, how long their network's part is, and more of --wire."""

    def __init__(self, folder, which, port, addresses, frames, ns=None, more=()):
        self.err = open(os.path.join(folder, "err%d" % which), "w+b")
        inside = ["ip", "netns", "exec", ns] if ns else []
        self.p = subprocess.Popen(
            [*inside, PEER, "--wire", "%s,ip=%s/%d%s" % (port, addresses[which], addresses[2], addresses[3][which]),
             "--incarnation", str(IDS[which]),
             "--peer", addresses[1 - which], "--peer-incarnation", str(IDS[1 - which]), "--frames", str(frames), *more,
             "--", "--no-huge", "-m", "256", "--no-pci"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.err, bufsize=0)
        self.buffer = b""

    def line(self, seconds):
        end = time.monotonic() + max(seconds, 2 * weir.TIMEOUT)
        while b"\n" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.p.stdout], [], [], left)[0]:
                raise AssertionError("a wire said nothing in time: " + text_of(self.err))
            some = os.read(self.p.stdout.fileno(), 65536)
            if not some:
                raise AssertionError("a wire ended with status %r: %s" % (self.p.wait(), text_of(self.err)))
            self.buffer += some
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def end(self, problems):
        """Its last counts."""
        self.p.send_signal(signal.SIGINT)
        last = self.line(30)
        if self.p.wait(timeout=weir.TIMEOUT):
            problems.append("a wire ended with status %d" % self.p.returncode)
        said = text_of(self.err)
        if "Sanitizer" in said or "runtime error:" in said:
            problems.append(said[:3000])
        return last

    def kill(self):
        if self.p.poll() is None:
            self.p.kill()
        self.p.wait()
        self.p.stdout.close()
        self.err.close()


def exactly_once(counts, frames):
    problems = []
    for which, c in enumerate(counts):
        for key, want in (("sent", frames), ("got", frames), ("double", 0), ("wrong", 0), ("unacked", 0), ("data_acked", frames),
                          ("data_received", frames), ("data_abandoned", 0), ("malformed", 0), ("seal_failed", 0), ("no_room", 0)):
            if c[key] != want:
                problems.append("node %d: %s is %r, not %r" % (which, key, c[key], want))
        if c["buffers"] != c["buffers_free"]:
            problems.append("node %d: %d of %d buffers are free" % (which, c["buffers_free"], c["buffers"]))
        if not c["rtt_n"]:
            problems.append("node %d: no ping came back" % which)
        # one host has one clock; the bound is what the wire itself says
        if abs(c["offset_ns"]) > c["error_ns"]:
            problems.append("node %d: the other clock is %d ns off, at most %d wrong" % (which, c["offset_ns"], c["error_ns"]))
    return problems


def exchange(folder, ports, addresses, frames=FRAMES, spaces=(None, None), more=((), ())):
    """Run two nodes until both have all: problems, and what each has counted."""
    nodes, problems = [], []
    try:
        for i in range(2):
            nodes.append(Node(folder, i, ports[i], addresses, frames, spaces[i], more[i]))
            if nodes[i].line(60) != {"ready": True}:
                problems.append("node %d is not ready" % i)
        for n in nodes:
            n.line(120)
        counts = [n.end(problems) for n in reversed(nodes)]  # the memif's client first
        counts.reverse()
    finally:
        for n in nodes:
            n.kill()
    return problems + exactly_once(counts, frames), counts


def secret_file(folder, name, text):
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(text + "\n")
    return path


def pair(folder):
    path = os.path.join(folder, "m.sock")
    return ["vdev:" + memif("net_memif0", role, path) for role in ("server", "client")]


def test_memif(folder):
    """over memif, in clear"""
    problems, counts = exchange(folder, pair(folder), V4)
    for c in counts:
        if not c["device"].startswith("net_memif"):
            problems.append("the device is " + c["device"])
        if c["neighbours_asked"] == 0 or c["neighbours_answered"] == 0:
            problems.append("no neighbour was asked, or none answered: %r" % c)
    return problems


def test_memory(folder):
    """with little memory: who has no credit waits, and nothing is dropped for want of room"""
    return exchange(folder, pair(folder), V6, 20000, more=[["--memory", str(1 << 20)]] * 2)[0]


def test_xdp(folder):
    """over a cable by AF_XDP, sealed, IPv6"""
    secret = secret_file(folder, "secret", "correct horse battery staple")
    with netns.Cable() as cable:
        problems, counts = exchange(folder, ["weir0", "send0"], V6, spaces=(cable.near, cable.far),
                                    more=[["--secret-file", secret]] * 2)
    for c in counts:
        if not c["device"].startswith("net_af_xdp"):
            raise netns.Unavailable("AF_XDP cannot be had here: " + c["device"])
        if not c["seal"].startswith("crypto_"):
            problems.append("sealed by %r" % c["seal"])
    return problems


def test_packet(folder):
    """over a cable by AF_PACKET, IPv4"""
    with netns.Cable() as cable:
        ports = ["vdev:net_af_packet0,iface=%s" % x for x in ("weir0", "send0")]
        return exchange(folder, ports, V4, spaces=(cable.near, cable.far))[0]


class Impairer:
    """Between two wires over memif, in both directions."""

    def __init__(self, folder, **rules):
        paths = [os.path.join(folder, x) for x in ("a.sock", "b.sock")]
        self.ports = ["vdev:" + memif("net_memif0", "client", x) for x in paths]
        ends = [memif("net_memif%d" % i, "server", x) for i, x in enumerate(paths)]
        args = [IMPAIR, "--any", "1", "--in", ends[0], "--out", ends[1], "--in", ends[1], "--out", ends[0]]
        for key, value in rules.items():
            args += ["--" + key.replace("_", "-"), str(value)]
        self.p = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        line = self.p.stdout.readline()
        if line != '{"ready":true}\n':
            self.p.kill()
            raise AssertionError("the impairing device did not start: %r" % self.p.communicate()[1])
        return self

    def __exit__(self, *exc):
        if self.p.poll() is None:
            self.p.kill()
        self.p.communicate()

    def end(self):
        self.p.send_signal(signal.SIGINT)
        out, err = self.p.communicate(timeout=weir.TIMEOUT)
        if self.p.returncode:
            raise AssertionError("the impairing device ended with %d: %s" % (self.p.returncode, err))
        return [json.loads(x) for x in out.splitlines()]


def test_impaired(folder):
    """with 1 % loss, 1 % duplicates and 1 % reordering in between, sealed"""
    secret = secret_file(folder, "secret", "correct horse battery staple")
    with Impairer(folder, drop_every=100, dup_every=103, delay_every=97, delay_by=5) as device:
        problems, counts = exchange(folder, device.ports, V4, more=[["--secret-file", secret]] * 2)
        did = device.end()
    for which, c in enumerate(counts):
        d = did[which]
        for key in ("dropped", "duplicated", "delayed"):
            if d[key] < FRAMES / 120:
                problems.append("the device has %s only %d of %d" % (key, d[key], d["received"]))
        # every second frame at least is data, so that as many were lost at least
        if c["retransmitted"] < d["dropped"] / 2:
            problems.append("node %d: %d were sent again, %d lost" % (which, c["retransmitted"], d["dropped"]))
        if not c["naks_sent"] or not c["naks_received"]:
            problems.append("node %d: nothing was asked for again: %r" % (which, c))
        # what the device repeats, the seal refuses
        if c["refused_replayed"] < did[1 - which]["duplicated"] * 0.9:
            problems.append("node %d: %d of %d replayed frames were refused" % (
                which, c["refused_replayed"], did[1 - which]["duplicated"]))
    return problems


def test_impaired_clear(folder):
    """the same in clear, over IPv6, with 3 % lost"""
    with Impairer(folder, drop_every=33, dup_every=51, delay_every=47, delay_by=30) as device:
        return exchange(folder, device.ports, V6, 30000)[0]


def test_wrong_secret(folder):
    """another secret, or none: nothing is taken, all of it is counted"""
    problems = []
    secrets = [secret_file(folder, "s%d" % i, "correct horse battery staple %d" % i) for i in range(2)]
    for more, want in (([["--secret-file", secrets[0]], ["--secret-file", secrets[1]]], ["refused_forged"] * 2),
                       ([["--secret-file", secrets[0]], []], ["refused_unsealed", "refused_sealed"])):
        nodes = []
        ports = pair(folder)
        try:
            for i in range(2):
                nodes.append(Node(folder, i, ports[i], V4, 1000, None, more[i]))
                nodes[i].line(60)
            time.sleep(1)  # pings go every tenth of a second
            counts = [n.end(problems) for n in reversed(nodes)]
            counts.reverse()
        finally:
            for n in nodes:
                n.kill()
        for which, c in enumerate(counts):
            if c["sent"] or c["got"] or c["rtt_n"] or not c[want[which]]:
                problems.append("node %d: %s: %r" % (which, want[which], c))
    return problems


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ping(ns, address, size):
    """A kernel's ping: does the same come back? It has to ask for the link address first."""
    is_v6 = ":" in address
    with netns.Cable.inside(ns):
        s = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_RAW,
                          socket.IPPROTO_ICMPV6 if is_v6 else socket.IPPROTO_ICMP)
    with s:
        body = bytes(i & 0xff for i in range(size))
        head = struct.pack("!BBHHH", 128 if is_v6 else 8, 0, 0, 4711, 1)
        packet = head[:2] + struct.pack("!H", 0 if is_v6 else checksum(head + body)) + head[4:] + body
        want = bytes([129 if is_v6 else 0]) + packet[1:2] + packet[4:]
        for _ in range(5):
            s.sendto(packet, (address, 0))
            end = time.monotonic() + 2
            while select.select([s], [], [], max(0, end - time.monotonic()))[0]:
                got = s.recv(65536)
                got = got if is_v6 else got[20:]
                if got[:2] + got[4:] == want:
                    return True
    return False


def test_ping(folder):
    """a kernel pings a wire, and asks who has its address, over IPv4 and IPv6"""
    problems = []
    for addresses, key in ((V4, "ARP"), (V6, "ND")):
        with netns.Cable() as cable:
            far = cable.far
            cable.run(far, ["sh", "-c", "for i in all default send0; do echo 0 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done; "
                            "echo 0 >/proc/sys/net/ipv6/conf/send0/accept_dad"])
            netns.ip("-n", far, "link", "set", "send0", "arp", "on")
            netns.ip("-n", far, "addr", "add", "%s/%d" % (addresses[1], addresses[2]), "dev", "send0", *(["nodad"] if key == "ND" else []))
            # its peer is nobody: a kernel that is asked by the wire would know its link address without asking
            node = Node(folder, 0, "weir0", (addresses[0], addresses[1] + "7", addresses[2], addresses[3]), 0, cable.near)
            try:
                node.line(60)
                for size in (8, 56, 1400):
                    if not ping(far, addresses[0], size):
                        problems.append("%s: no answer to a ping of %d bytes" % (key, size))
                table = netns.ip("-n", far, "neigh", "show", addresses[0]).stdout
                if cable.mac() not in table:
                    problems.append("%s: the kernel knows %r" % (key, table))
                # what nobody speaks is looked at and ignored
                with cable.sender() as s:
                    for junk in (b"", b"\x08\x00", b"\x08\x00" + b"\x45" * 40, b"\x86\xdd" + b"\x60" * 60, b"\x08\x06" + b"\0" * 40):
                        s.send(bytes.fromhex(cable.mac().replace(":", "")) + b"\2\0\0\0\0\7" + (junk or b"\x12\x34") + b"\0" * 20)
                if not ping(far, addresses[0], 56):
                    problems.append("%s: no answer after junk" % key)
                c = node.end(problems)
                if c["echoes"] < 4 or not c["neighbours_answered"] or not c["ignored"] or c["got"]:
                    problems.append("%s: %r" % (key, c))
            finally:
                node.kill()
    return problems


class Router:
    """Namespaces of two hosts, each with an interface wire0, and a kernel between them that routes; links there take 1400 bytes."""

    SPACES = ["weir-gw-%s-%d" % (x, os.getpid()) for x in ("a", "b", "router")]
    V4 = ("192.0.2.1", "198.51.100.1", 24, (",gw=192.0.2.254", ",gw=198.51.100.254"))
    V6 = ("2001:db8:1::1", "2001:db8:2::1", 64, (",gw=2001:db8:1::fe", ",gw=2001:db8:2::fe"))

    def __init__(self):
        if os.getuid() != 0:
            raise netns.Unavailable("network namespaces need root")
        self.made = []

    def __enter__(self):
        router = self.SPACES[2]
        try:
            for ns in self.SPACES:
                netns.ip("netns", "add", ns)
                self.made.append(ns)
            for ns in self.SPACES[:2]:
                netns.Cable.run(ns, ["sh", "-c", "for i in all default; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done"])
            netns.Cable.run(router, ["sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; "
                                     "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad"])
            for i, ns in enumerate(self.SPACES[:2]):
                netns.ip("-n", ns, "link", "add", "wire0", "type", "veth", "peer", "name", "r%d" % i, "netns", router)
                netns.ip("-n", ns, "link", "set", "wire0", "up")
                netns.ip("-n", router, "link", "set", "r%d" % i, "mtu", "1400", "up")
                for addresses in (self.V4, self.V6):
                    netns.ip("-n", router, "addr", "add", "%s/%d" % (addresses[3][i].split("=")[1], addresses[2]), "dev", "r%d" % i,
                             *(["nodad"] if ":" in addresses[0] else []))
        except subprocess.CalledProcessError as e:
            self.__exit__()
            raise netns.Unavailable("cannot make network namespaces here: " + (e.stderr or "").strip())
        return self

    def __exit__(self, *exc):
        for ns in self.made:
            netns.ip("netns", "del", ns, check=False)


def hops_left(sniffer, is_v6):
    """TTLs of the frames of a wire that a packet socket has heard."""
    found, n = set(), 0
    while n < 2000 and select.select([sniffer], [], [], 0)[0]:
        p, n = sniffer.recv(2048), n + 1
        if p[12:14] == (b"\x86\xdd" if is_v6 else b"\x08\x00") and p[20 if is_v6 else 23] == 17:
            found.add(p[21] if is_v6 else p[22])
    return found


def test_gateway(folder):
    """two hosts of different networks, and a kernel that routes between them: IPv4 over AF_XDP, IPv6 over AF_PACKET, 1400 bytes"""
    problems = []
    with Router() as r:
        for addresses, ports in ((r.V4, ["wire0"] * 2), (r.V6, ["vdev:net_af_packet0,iface=wire0"] * 2)):
            is_v6 = ":" in addresses[0]
            cut = (*addresses[:3], tuple(x + ",mtu=1400" for x in addresses[3]))
            with netns.Cable.inside(r.SPACES[2]):
                sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                sniffer.bind(("r1", 3))
            with sniffer:
                found, counts = exchange(folder, ports, cut, 20000, r.SPACES[:2])
                hops = hops_left(sniffer, is_v6)
            what = "IPv6" if is_v6 else "IPv4"
            problems += ["%s: %s" % (what, x) for x in found]
            # what comes out of the wire has 64 hops to go, and what has come through the router 63
            if hops != {63, 64}:
                problems.append("%s: frames have %r hops to go" % (what, hops))
            for c in counts:
                if c["mtu"] != 1400 or not 0 < c["neighbours_asked"] < 20:
                    problems.append("%s: %r" % (what, c))
    return problems


def test_far(folder):
    """a peer of another network, and no gateway: it is said"""
    p = subprocess.run([PEER, "--wire", "vdev:net_null0,ip=192.0.2.1/24", "--incarnation", "1", "--peer", "198.51.100.1",
                        "--peer-incarnation", "2", "--", "--no-huge", "-m", "256", "--no-pci"],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return [] if p.returncode == 1 and "gw=" in p.stderr else ["status %d: %s" % (p.returncode, p.stderr)]


class Switch:
    """Two hosts with interfaces wire0 of four queues, and relay.py between: their kernel chooses a queue by a hash with the ports in it."""

    SPACES = ["weir-sw-%s-%d" % (x, os.getpid()) for x in ("a", "b", "hub")]

    def __init__(self):
        if os.getuid() != 0:
            raise netns.Unavailable("network namespaces need root")
        self.made, self.relay = [], None

    def __enter__(self):
        lanes = ["numtxqueues", "4", "numrxqueues", "4"]
        try:
            for ns in self.SPACES:
                netns.ip("netns", "add", ns)
                self.made.append(ns)
                netns.Cable.run(ns, ["sh", "-c", "for i in all default; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done"])
            for i, ns in enumerate(self.SPACES[:2]):
                netns.ip("-n", ns, "link", "add", "wire0", *lanes, "type", "veth", "peer", "name", "s%d" % i, *lanes,
                         "netns", self.SPACES[2])
                netns.ip("-n", ns, "link", "set", "wire0", "up")
                netns.ip("-n", self.SPACES[2], "link", "set", "s%d" % i, "up")
            self.relay = subprocess.Popen(
                ["ip", "netns", "exec", self.SPACES[2], sys.executable, os.path.join(sys.path[0], "relay.py"), "0", "0", "0", "1", "s0", "s1"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.relay.stdout.readline()
        except subprocess.CalledProcessError as e:
            self.__exit__()
            raise netns.Unavailable("cannot make network namespaces here: " + (e.stderr or "").strip())
        return self

    def __exit__(self, *exc):
        if self.relay:
            self.relay.communicate()
        for ns in self.made:
            netns.ip("netns", "del", ns, check=False)


def test_queues(folder):
    """several receive queues, to be chosen by the source port: frames are taken from all of them, over AF_XDP and AF_PACKET"""
    problems = []
    kinds = {"AF_XDP": (["wire0"] * 2, V4, 4),
             "AF_PACKET": (["vdev:net_af_packet0,iface=wire0,qpairs=3"] * 2, V6, 3)}
    for kind, (ports, addresses, n) in kinds.items():
        # so many source ports that none of the queues has none of them
        with Switch() as s:
            found, counts = exchange(folder, ports, addresses, 5000, s.SPACES[:2], [["--peer-queues", "64"]] * 2)
        problems += ["%s: %s" % (kind, x) for x in found]
        for c in counts:
            if len(c["by_queue"]) != n or 0 in c["by_queue"] or not c["other_queue"]:
                problems.append("%s: packets by queue: %r of %s; by another: %d" % (
                    kind, c["by_queue"], c["device"], c["other_queue"]))
    return problems


run_tests([test_memif, test_memory, test_xdp, test_packet, test_impaired, test_impaired_clear, test_wrong_secret, test_ping,
           test_gateway, test_far, test_queues])
