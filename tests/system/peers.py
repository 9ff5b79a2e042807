#!/usr/bin/env python3
"""Devices with somebody at the other end: vhost-user with virtio-user between two processes, and bonds of several ports."""
import os
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import netns  # noqa: E402
import pcapmaker as pm  # noqa: E402
import pcapread  # noqa: E402
import weir  # noqa: E402
from running import QUERY, Run, counts, run_tests, traffic  # noqa: E402


def unlike(n):
    """Packets of which none is like another."""
    return [pm.packet(pm.S + i * 1000, "10.0.0.%d" % (i % 50 + 1), "10.1.0.1", udp=(1000 + i % 9, 53),
                      payload=struct.pack(">I", i) * (1 + i * 7 % 300), eth=("02:00:00:00:00:01", "02:00:00:00:00:02")) for i in range(n)]


def ends(folder):
    """(who makes the socket, who connects to it) and why, each once as vhost-user and as virtio-user"""
    path = os.path.join(folder, "v.sock")
    return [("vhost-user makes the socket", "vdev:net_vhost0,iface=%s" % path, "vdev:net_virtio_user0,path=%s" % path),
            ("virtio-user makes the socket", "vdev:net_virtio_user0,path=%s,server=1" % path, "vdev:net_vhost0,iface=%s,client=1" % path)]


def hugepages_in_pieces(p):
    """Hugepages make regions of memory of their own, of which the protocol has room for 8."""
    if p.returncode == 1 and b"memory region" in p.stderr:
        raise netns.Unavailable("hugepages here are more regions than vhost-user takes: " + p.stderr.decode().strip())


def between(folder, send, more=()):
    """From one process to another, by each kind of device; problems, and what arrived is the same byte for byte."""
    problems, n = [], 4000
    sent = unlike(n)
    path = os.path.join(folder, "in.pcap")
    pm.write_pcap(path, sent)
    for i, (what, near, far) in enumerate(ends(folder)):
        kept = os.path.join(folder, "kept-%d.pcapng" % i)
        with Run(["-i", near, "--packets", str(n), "--query", "kept", "--sink", "pcapng:" + kept, "--query", "sums",
                  "--window", "24h", "--agg", "n=count(),b=sum(frame.len)", *more], folder, name="near%d" % i) as run:
            # virtio-user that makes the socket waits for somebody who connects before anything else
            netns.wait("socket", lambda: os.path.exists(os.path.join(folder, "v.sock")))
            p = send(path, far)
            hugepages_in_pieces(p)
            found = weir.ended(p)
            if found:
                run.p.kill()
            else:
                ended, stats = run.end(None)
                found += ended
                if stats and (stats["received"], stats["lost"]) != ({"packets": n, "bytes": sum(x.wire for x in sent)}, {"nic": 0, "no_buffer": 0}):
                    found.append("received %r, lost %r" % (stats["received"], stats["lost"]))
                rows = [(r["n"], r["b"]) for r in run.rows()]
                if [sum(x) for x in zip(*rows)] != [n, sum(x.wire for x in sent)]:
                    found.append("rows %r" % rows)
                if [x[3] for x in pcapread.read_pcapng(kept)] != [x.data for x in sent]:
                    found.append("other packets came than were sent")
        problems += [what + ": " + x for x in found]
    return problems


def test_vhost(folder):
    """vhost-user and virtio-user, either way round, weir to weir: every packet arrives, as it was and in order"""
    return between(folder, lambda path, far: weir.run(["-r", path, "--sink", "port:" + far]))


def test_vhost_gen(folder):
    """vhost-user and virtio-user, either way round, weir-gen to weir with --idle adaptive: every packet arrives, as it was and in order"""
    return between(folder, lambda path, far: weir.run(["-r", path, "--rate", "20kpps", "-o", far], binary=weir.GEN), ["--idle", "adaptive"])


def test_vhost_queues(folder):
    """vhost-user with two queues, --cores 2: exact counts, by both queues"""
    n, listening = 1600, os.path.join(folder, "v.sock")  # what the rings hold, for nobody waits for live packets' sake
    sent, paths = traffic(n=n), [os.path.join(folder, "in-%d.pcap" % i) for i in range(2)]
    for i in range(2):
        pm.write_pcap(paths[i], sent[i::2])
    with Run(["-i", "vdev:net_vhost0,iface=%s,queues=2" % listening, "--cores", "2", *QUERY], folder) as run:
        run.ready()
        p = weir.run(["-i", "vdev:net_pcap0,rx_pcap=%s,rx_pcap=%s" % tuple(paths), "--packets", str(n), "--cores", "2",
                      "--sink", "port:vdev:net_virtio_user0,path=%s,queues=2,queue_size=1024" % listening])
        hugepages_in_pieces(p)
        problems = weir.ended(p)
        shares = run.until_received(n)
        found, stats = run.end()
    if 0 in shares:
        problems.append("the workers had %r packets" % shares)
    return problems + found + (counts(sent, run, stats) if stats else [])


def test_vhost_returns(folder):
    """vhost-user: its peer goes, word of it, and another comes: exact counts of both"""
    path, listening = os.path.join(folder, "in.pcap"), os.path.join(folder, "v.sock")
    sent = traffic(n=1000)
    with Run(["-i", "vdev:net_vhost0,iface=%s" % listening, *QUERY], folder) as run:
        run.ready()
        problems = []
        for i in range(2):
            pm.write_pcap(path, sent[500 * i:500 * i + 500])
            p = weir.run(["-r", path, "--sink", "port:vdev:net_virtio_user0,path=%s" % listening])
            hugepages_in_pieces(p)
            problems += weir.ended(p)
            run.until_received(500 * i + 500)
            netns.wait("word of the peer that went; so far: " + run.said(), lambda: sum("its link is down" in x for x in run.err) > i)
        found, stats = run.end()
    return problems + found + (counts(sent, run, stats) if stats else [])


def test_vhost_alone(folder):
    """vhost-user without anybody at the other end, or anywhere to listen: what it needs is said, by weir and weir-gen"""
    cases = [("vdev:net_virtio_user0,path=%s" % os.path.join(folder, "nobody"), b"where a vhost-user listens already"),
             ("vdev:net_virtio_user0", b"path=SOCKET"), ("vdev:net_vhost0", b"iface=SOCKET"),
             ("vdev:net_vhost0,iface=%s" % os.path.join(folder, "no", "folder"), b"in a folder that is there")]
    problems = []
    for device, words in cases:
        for p in (weir.run(["-i", device, "--packets", "1", "--agg", "n=count()"]),
                  weir.run(["gen:udp?count=1", "-o", device], binary=weir.GEN)):
            if p.returncode != 1 or words not in p.stderr or p.stderr.count(b"\n") != 1:
                problems.append("%s: status %r, %r" % (device, p.returncode, p.stderr.decode()))
    return problems


class Pair(netns.Cable):
    """Two cables: weir0 and weir1 to send0 and send1."""

    def __init__(self):
        super().__init__()
        netns.ip("-n", self.near, "link", "add", "weir1", "type", "veth", "peer", "name", "send1", "netns", self.far)
        for ns, dev in ((self.near, "weir1"), (self.far, "send1")):
            netns.ip("-n", ns, "link", "set", dev, "arp", "off", "mtu", "1500")
            netns.ip("-n", ns, "link", "set", dev, "up")

    def play(self, packets, names, ns):
        """One by one, by turns."""
        senders = [self.sender(ns, name) for name in names]
        for i, p in enumerate(packets):
            senders[i % len(names)].send(p.data)
            time.sleep(0.0005)
        for s in senders:
            s.close()


def listener(cable, name):
    """Hears what arrives at an interface of the far end."""
    with cable.inside(cable.far):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
    s.bind((name, 3))
    s.setsockopt(socket.SOL_SOCKET, 33, 1 << 25)  # SO_RCVBUFFORCE
    s.setblocking(False)
    return s


def heard(s):
    got = []
    while True:
        try:
            got.append(s.recv(4096))
        except BlockingIOError:
            return got


PACKET = ["--", "--vdev", "net_af_packet0,iface=weir0", "--vdev", "net_af_packet1,iface=weir1"]
TAPS = ["--", "--vdev", "net_tap0,iface=wtap0", "--vdev", "net_tap1,iface=wtap1"]


def bond(mode, member):
    return "vdev:net_bonding0,mode=%d,slave=%s0,slave=%s1" % (mode, member, member)


def test_bond(folder):
    """bonding of two packet sockets, by turns (0), by hash (2) and to all (3): what comes by either is counted, exactly"""
    problems = []
    for mode in (0, 2, 3):
        with Pair() as cable:
            sent = traffic(cable.mac(), 600)
            with Run(["-i", bond(mode, "net_af_packet"), *QUERY, *PACKET], folder, cable) as run:
                run.ready()
                cable.play(sent, ("send0", "send1"), cable.far)
                run.until_received(len(sent))
                found, stats = run.end()
            found += counts(sent, run, stats) if stats else []
            if not any("by net_bonding" in x for x in run.err):
                found.append("no notice names the driver: " + run.said())
            problems += ["mode %d: %s" % (mode, x) for x in found]
    return problems


def test_bond_backup(folder):
    """bonding with a backup (1): what comes by the member that is in use is counted, and by the other is not"""
    with Pair() as cable:
        sent = traffic(cable.mac(), 600)
        with Run(["-i", bond(1, "net_af_packet") + ",primary=net_af_packet1", *QUERY, *PACKET], folder, cable) as run:
            run.ready()
            cable.play(sent[:300], ("send1",), cable.far)
            run.until_received(300)
            cable.play(sent[:50], ("send0",), cable.far)
            cable.play(sent[300:], ("send1",), cable.far)
            run.until_received(600)
            problems, stats = run.end()
    return problems + (counts(sent, run, stats) if stats else [])


def test_bond_taps(folder):
    """bonding of two taps, --cores 2: exact counts"""
    if not os.path.exists("/dev/net/tun"):
        raise netns.Unavailable("there is no /dev/net/tun")
    with Pair() as cable:
        sent = traffic(cable.mac(), 600)
        cable.run(cable.near, ["sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"])
        with Run(["-i", bond(0, "net_tap"), "--cores", "2", *QUERY, *TAPS], folder, cable) as run:
            run.ready()
            cable.play(sent, ("wtap0", "wtap1"), cable.near)
            run.until_received(len(sent))
            problems, stats = run.end()
    return problems + (counts(sent, run, stats) if stats else [])


def test_bond_sink(folder):
    """packets leave by a bond of two, by turns: each by one member, half of them by each"""
    n, path = 600, os.path.join(folder, "in.pcap")
    sent = unlike(n)
    pm.write_pcap(path, sent)
    with Pair() as cable:
        sockets = [listener(cable, name) for name in ("send0", "send1")]
        p = cable.run(cable.near, [weir.BINARY, "-r", path, "--sink", "port:" + bond(0, "net_af_packet"), *PACKET])
        got = [heard(s) for s in sockets]
    problems = [] if "delivered %d" % n in p.stderr else ["it says " + p.stderr]
    if sorted(x for g in got for x in g) != sorted(x.data for x in sent):
        problems.append("%r packets arrived, of %d" % ([len(g) for g in got], n))
    if 0 in map(len, got):
        problems.append("one member sent nothing: %r" % [len(g) for g in got])
    return problems


def test_bond_alone(folder):
    """a bond without mode, without members, of members that are not there, or whose MAC address cannot be set: what it needs is said"""
    path = os.path.join(folder, "in.pcap")
    pm.write_pcap(path, unlike(1))
    problems = []
    for device, more in (("vdev:net_bonding0", []), ("vdev:net_bonding0,mode=0", []), (bond(0, "net_tap"), []),
                         ("vdev:net_bonding0,mode=0,slave=net_pcap0", ["--", "--vdev", "net_pcap0,rx_pcap=" + path])):
        p = weir.run(["-i", device, "--packets", "1", "--agg", "n=count()", *more])
        if p.returncode != 1 or b"slave=DEVICE" not in p.stderr or p.stderr.count(b"\n") != 1:
            problems.append("%s: status %r, %r" % (device, p.returncode, p.stderr.decode()))
    return problems


run_tests([v for k, v in sorted(globals().items()) if k.startswith("test_")])
