#!/usr/bin/env python3
"""--sink port: what comes in leaves as it should, byte for byte, and every packet is accounted for."""
import collections
import os
import socket
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import netns  # noqa: E402
import pcapmaker as pm  # noqa: E402
import pcapread  # noqa: E402
import weir  # noqa: E402
from pcapread import read_pcap  # noqa: E402
from running import SLOWER, Run, run_tests  # noqa: E402

ETH = ("02:00:00:00:00:01", "02:00:00:00:00:02")


def flows(n, n_flows=60):
    """UDP and TCP both ways, IPv4 and IPv6, each packet unlike all others; and now and then what has no flow."""
    out = []
    for i in range(n):
        f, back, t = i % n_flows, i // n_flows % 2, pm.S + i * 1000
        a, b = ("10.0.0.%d" % (f + 1), "10.1.0.1") if f % 3 else ("2001:db8::%x" % (f + 1), "2001:db8::1:1")
        ports = (1000 + f, 53)
        if back:
            a, b, ports = b, a, ports[::-1]
        more = {"udp": ports} if f % 2 else {"tcp": (*ports, "A")}
        out.append(pm.packet(t, a, b, payload=struct.pack(">I", i) * (1 + i * 7 % 300), eth=ETH, **more))
    return out


def flow_of(p):
    ends = sorted([(p["ip.src"], p["srcport"]), (p["ip.dst"], p["dstport"])])
    return (*ends, p["ip.proto"])


def same(got, want, what="packets"):
    """Problems where the packets are not those, in their order."""
    if got == want:
        return []
    n = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
    return ["%s: %d, not %d; they differ first at %d: %s, not %s" % (
        what, len(got), len(want), n, got[n].hex() if n < len(got) else None, want[n].hex() if n < len(want) else None)]


def data(packets):
    return [p.data for p in packets]


def forward(args, allowed=(0,)):
    """A run that ends by itself: problems, and its only sink's account."""
    p, stats = weir.run_with_stats(args)
    problems = weir.ended(p, allowed)
    if not stats:
        return problems + ["no --stats document: %s" % p.stderr.decode()], {}
    sinks = list(stats["sinks"].values())
    return problems + weir.ledger(stats, args), (sinks[0] if len(sinks) == 1 else stats["sinks"])


def file_of(folder, packets, name="in.pcap"):
    path = os.path.join(folder, name)
    pm.write_pcap(path, packets)
    return path


def pcap_port(number, folder, rx=None):
    """A device that writes what is sent; and its file."""
    out = os.path.join(folder, "out-%d.pcap" % number)
    return "vdev:net_pcap%d,%stx_pcap=%s" % (number, "rx_pcap=%s," % rx if rx else "", out), out


def counted(sink, **want):
    """Problems where a sink's account is not this: what is not named is nothing."""
    got = {k: v for k, v in {"delivered": sink["delivered"], **sink["dropped"], "moved": sink.get("moved")}.items() if v}
    want = {k: v for k, v in want.items() if v}
    return [] if got == want else ["the sink counted %r, not %r" % (got, want)]


def test_zero_copy(folder):
    """a port to itself, 1 and 3 workers: the same packets in their order"""
    sent, problems = flows(3000), []
    for cores in ("1", "3"):
        port, out = pcap_port(0, folder, file_of(folder, sent))
        found, sink = forward(["-i", port, "--packets", "3000", "--cores", cores, "--sink", "port:net_pcap0"])
        problems += found + same(read_pcap(out), data(sent), cores + " workers") + (counted(sink, delivered=3000) if sink else [])
    return problems


def test_filtered(folder):
    """only what --where keeps leaves; the rest is dropped by it"""
    sent = flows(2000)
    port, out = pcap_port(0, folder, file_of(folder, sent))
    problems, sink = forward(["-i", port, "--packets", "2000", "--where", "udp", "--sink", "port:net_pcap0"])
    kept = [p for p in sent if p["ip.proto"] == 17]
    return problems + same(read_pcap(out), data(kept)) + counted(sink, delivered=len(kept))


def test_file_to_port(folder):
    """a file to a port, 1 and 3 workers: copied, all of them, in their order"""
    sent, problems = flows(5000), []
    path = file_of(folder, sent)
    for cores in ("1", "3"):
        port, out = pcap_port(0, folder)
        found, sink = forward(["-r", path, "--cores", cores, "--sink", "port:" + port])
        problems += found + same(read_pcap(out), data(sent), cores + " workers") + counted(sink, delivered=5000)
    return problems


def share(folder, sent, split, cores="1", n=3):
    """Packets of each of n ports; problems where any is missing or out of order within its port."""
    ports, outs = zip(*[pcap_port(i, folder) for i in range(n)])
    problems, sink = forward(["-r", file_of(folder, sent), "--cores", cores, *split, "--sink", "port:" + ",".join(ports)])
    got = [read_pcap(x) for x in outs]
    number = {p.data: i for i, p in enumerate(sent)}
    numbers = [[number.get(x, -1) for x in g] for g in got]
    if sorted(x for g in numbers for x in g) != list(range(len(sent))):
        problems.append("%d packets left, of %d" % (sum(map(len, got)), len(sent)))
    if any(g != sorted(g) for g in numbers):
        problems.append("packets of one port are not in the order in which they came")
    if sink:
        problems += counted(sink, delivered=len(sent))
        if list(sink["ports"].values()) != [len(g) for g in got]:
            problems.append("the ledger has %r, the files %r" % (sink["ports"], [len(g) for g in got]))
    return problems, numbers


def whole(sent, numbers, key):
    """Problems where packets of one key left by several ports, or a port has none."""
    ports = collections.defaultdict(set)
    for i, g in enumerate(numbers):
        for x in g:
            ports[key(sent[x])].add(i)
    broken = [k for k, v in ports.items() if len(v) > 1]
    idle = [i for i, g in enumerate(numbers) if not g]
    return ["%d of %d keys left by several ports: %r" % (len(broken), len(ports), broken[:1])] * bool(broken) + [
        "port %d got nothing" % i for i in idle]


def test_split_hash(folder):
    """three ports by hash, which is the default: both directions of a flow by one, nothing lost; 1 and 3 workers"""
    sent, problems = flows(3000), []
    for cores in ("1", "3"):
        for split in ([], ["--split", "hash"], ["--split", "hash:64"]):
            found, numbers = share(folder, sent, split, cores)
            problems += found + whole(sent, numbers, flow_of)
    return problems


def test_split_fragments(folder):
    """fragments without ports go by their addresses: all of them by one port"""
    sent = [pm.packet(pm.S + i, *[("10.0.0.%d" % (i % 40), "10.1.0.1"), ("10.1.0.1", "10.0.0.%d" % (i % 40))][i // 40 % 2],
                      raw=17, payload=struct.pack(">I", i) * 8, ident=i % 40, frag=(i // 40 * 8 + 8, 1), eth=ETH) for i in range(400)]
    problems, numbers = share(folder, sent, [])
    return problems + whole(sent, numbers, lambda p: min(p["ip.src"], p["ip.dst"]))


def test_split_range(folder):
    """three ports by a range: each has what its bounds say"""
    sent = flows(3000)
    problems, numbers = share(folder, sent, ["--split", "range:srcport:100,1030"], "3")
    want = [[], [], []]
    for i, p in enumerate(sent):
        want[(p["srcport"] >= 100) + (p["srcport"] >= 1030)].append(i)
    if numbers != want:
        problems.append("packets of the ports: %r, not %r" % ([len(x) for x in numbers], [len(x) for x in want]))
    return problems


def test_split_turns(folder):
    """three ports by turns: one after the other"""
    sent = flows(3000)
    problems, numbers = share(folder, sent, ["--split", "rr"])
    if numbers != [list(range(i, 3000, 3)) for i in range(3)]:
        problems.append("not by turns: %r" % [x[:5] for x in numbers])
    return problems


def test_split_key(folder):
    """three ports by --key alone: each key by one port; what lacks it by the first"""
    sent = flows(3000)
    for i in range(0, 3000, 100):  # no IP
        sent[i] = pm.Packet(sent[i].t, sent[i].data[:12] + b"\x88\xb5" + struct.pack(">I", i) * 12, {"ip.src": None})
    problems, numbers = share(folder, sent, ["--key", "ip.src", "--split", "key"], "3")
    if not {i for i in range(0, 3000, 100)} <= set(numbers[0]):
        problems.append("what is no IP did not leave by the first port")
    return problems + whole(sent, numbers, lambda p: p["ip.src"])


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def test_rewriting(folder):
    """mac=swap, src=, dst=, vlan=pop, vlan=push, of tagged and untagged packets: the bytes that are expected"""
    sent = flows(200)
    for i in range(0, 200, 5):
        sent[i] = pm.packet(pm.S + i, "10.0.0.1", "10.0.0.2", udp=(i, 7), payload=b"v" * i, eth=ETH, vlan=[(42, 1)])
    for i in range(1, 200, 5):
        sent[i] = pm.packet(pm.S + i, "10.0.0.1", "10.0.0.2", udp=(i, 7), payload=b"q" * i, eth=ETH, vlan=[(7, 0), (9, 0)])

    def popped(d):
        return d[:12] + d[16:] if d[12:14] in (b"\x81\x00", b"\x88\xa8") else d
    cases = {
        "mac=swap": lambda d: d[6:12] + d[:6] + d[12:],
        "src=0a:00:00:00:00:11": lambda d: d[:6] + mac("0a:00:00:00:00:11") + d[12:],
        "dst=0a:00:00:00:00:22&mac=swap": lambda d: mac("0a:00:00:00:00:22") + d[:6] + d[12:],
        "vlan=pop": popped,
        "vlan=push:100": lambda d: d[:12] + b"\x81\x00\x00\x64" + d[12:],
        "vlan=push:4094:7": lambda d: d[:12] + b"\x81\x00\xef\xfe" + d[12:],
        "vlan=pop&vlan=push:5": lambda d: popped(d)[:12] + b"\x81\x00\x00\x05" + popped(d)[12:],
    }
    problems = []
    for options, change in cases.items():
        for is_port in (True, False):
            path = file_of(folder, sent)
            port, out = pcap_port(0, folder, path if is_port else None)
            source = ["-i", port, "--packets", "200", "--sink", "port:net_pcap0?" + options] if is_port else [
                "-r", path, "--sink", "port:%s?%s" % (port, options)]
            found, sink = forward(source)
            problems += found + same(read_pcap(out), [change(d) for d in data(sent)], options) + counted(sink, delivered=200)
    return problems


def test_short_frames(folder):
    """frames that end within their headers: sent as they are, dropped as too_short below 14 bytes"""
    whole_frame = flows(1)[0].data
    sent = [pm.Packet(pm.S + i, whole_frame[:12] + b"\x81\x00" + b"\x00\x05" * 3, {}, wire=n, cap=n)
            for i, n in enumerate(range(4, 20))]
    problems = []
    for options in ("", "?vlan=pop", "?mac=swap", "?vlan=push:3"):
        path = file_of(folder, sent)
        port, out = pcap_port(0, folder)
        found, sink = forward(["-r", path, "--sink", "port:%s%s" % (port, options)], (0, 1))
        problems += found + counted(sink, delivered=6, too_short=10)
        want = [d for d in data(sent) if len(d) >= 14]
        if options == "?vlan=pop":
            want = [d[:12] + d[16:] if len(d) >= 18 else d for d in want]
        elif options == "?mac=swap":
            want = [d[6:12] + d[:6] + d[12:] for d in want]
        elif options == "?vlan=push:3":
            want = [d[:12] + b"\x81\x00\x00\x03" + d[12:] for d in want]
        problems += same(read_pcap(out), want, "short frames" + options)
    return problems


def test_unsendable(folder):
    """packets that are cut short, of another link type or too long: each dropped under its reason, the others sent"""
    good = flows(20)
    long = [pm.packet(pm.S, "10.0.0.1", "10.0.0.2", udp=(1, 2), payload=b"l" * n, eth=ETH) for n in (1472, 8000, 9000)]
    cut = [pm.packet(pm.S, "10.0.0.1", "10.0.0.2", udp=(1, 2), payload=b"c" * 100, eth=ETH, cap=60) for _ in range(3)]
    raw = [pm.packet(pm.S, "10.0.0.1", "10.0.0.2", udp=(1, 2), link=pm.LINK_RAW) for _ in range(4)]
    a = file_of(folder, good + long + cut, "a.pcap")
    b = os.path.join(folder, "b.pcap")
    pm.write_pcap(b, raw)
    port, out = pcap_port(0, folder)
    problems, sink = forward(["-r", a, "-r", b, "--sink", "port:" + port])
    if not sink:
        return problems
    problems += counted(sink, delivered=21, too_long=2, cut_short=3, link_type=4)
    return problems + same(sorted(read_pcap(out)), sorted(data(good + long[:1])))


def test_driver_options(folder):
    """options of the drivers behind the '?' reach every port of a sink, beside the sink's own, and a source's its port"""
    sent = [pm.packet(pm.S + i, "10.0.0.1", "10.0.0.2", udp=(i, 2), payload=b"o" * (i * 3), eth=ETH) for i in range(300)]
    path, problems = file_of(folder, sent), []
    kept = [d for d in data(sent) if len(d) <= 614]
    ports, outs = zip(*[pcap_port(i, folder) for i in range(2)])
    p, stats = weir.run_with_stats(["-r", path, "--cores", "2", "--split", "rr",
                                    "--sink", "port:%s?mac=swap&mtu=600&queues=1" % ",".join(ports)])
    problems += weir.ended(p)
    got = sorted(x for out in outs for x in read_pcap(out))
    problems += same(got, sorted(d[6:12] + d[:6] + d[12:] for d in kept), "two ports")
    if stats:
        problems += counted(list(stats["sinks"].values())[0], delivered=len(kept), too_long=300 - len(kept))
    for i in range(2):
        if "net_pcap%d: packets leave by net_pcap, 1 transmit queue" % i not in p.stderr.decode():
            problems.append("no word of port %d: %s" % (i, p.stderr.decode()))
    if p.stderr.count(b"profile pcap.ini, and queues=1, mtu=600 as asked") != 2:
        problems.append("nobody says what was asked for: %s" % p.stderr.decode())
    port, out = pcap_port(0, folder, path)
    found, sink = forward(["-i", port + "?mtu=600", "--packets", "300", "--sink", "port:net_pcap0"])
    problems += found + same(read_pcap(out), kept, "a port that is a source")
    problems += counted(sink, delivered=len(kept), too_long=300 - len(kept)) if sink else []
    return problems


def test_many_users(folder):
    """two queries, three port sinks with and without rewriting and pcapng beside them: each has its packets, untouched by others"""
    sent, problems = flows(1000), []
    for source in ("port", "file"):
        path = file_of(folder, sent)
        ports, outs = zip(*[pcap_port(i, folder, path if i == 0 and source == "port" else None) for i in range(4)])
        kept = os.path.join(folder, "kept.pcapng")
        first = "net_pcap0" if source == "port" else ports[0]
        p, stats = weir.run_with_stats([
            *(["-i", ports[0], "--packets", "1000"] if source == "port" else ["-r", path]),
            "--query", "a", "--where", "udp", "--sink", "port:%s?vlan=push:9" % ports[1], "--sink", "port:" + first,
            "--query", "b", "--sink", "port:" + ports[2], "--sink", "pcapng:" + kept,
            "--query", "c", "--where", "ip.version == 4", "--sink", "port:%s?mac=swap" % ports[3],
            "--query", "d", "--key", "ip.proto", "--agg", "n=count()", "--sink", "json:/dev/null"])
        problems += weir.ended(p)
        udp = [d.data for d in sent if d["ip.proto"] == 17]
        v4 = [d.data for d in sent if d["ip.version"] == 4]
        problems += same(read_pcap(outs[0]), udp, source + ", as they are")
        problems += same(read_pcap(outs[1]), [d[:12] + b"\x81\x00\x00\x09" + d[12:] for d in udp], source + ", tagged")
        problems += same(read_pcap(outs[2]), data(sent), source + ", all")
        problems += same(read_pcap(outs[3]), [d[6:12] + d[:6] + d[12:] for d in v4], source + ", swapped")
        problems += same([x[3] for x in pcapread.read_pcapng(kept)], data(sent), source + ", pcapng")
        if stats and not stats["balanced"]:
            problems.append("the ledger does not balance")
        want = [len(udp), len(udp), 1000, 1000, len(v4)]
        got = [s["delivered"] for u, s in stats["sinks"].items() if u.startswith(("port", "pcapng"))] if stats else []
        if got != want:
            problems.append("delivered %r, not %r" % (got, want))
    return problems


def test_shared_port(folder):
    """two queries name the same port, once with rewriting: both sets leave by it"""
    sent = flows(1000)
    path = file_of(folder, sent)
    port, out = pcap_port(0, folder)
    p, stats = weir.run_with_stats(["-r", path, "--query", "a", "--where", "udp", "--sink", "port:" + port,
                                    "--query", "b", "--where", "tcp", "--sink", "port:net_pcap0?mac=swap"])
    want = [p.data if p["ip.proto"] == 17 else p.data[6:12] + p.data[:6] + p.data[12:] for p in sent]
    problems = weir.ended(p) + same(sorted(read_pcap(out)), sorted(want))
    if stats and sum(s["delivered"] for s in stats["sinks"].values()) != 1000:
        problems.append("the sinks delivered %r" % stats["sinks"])
    return problems


def test_late(folder):
    """--late sink:port: what came too late for a query leaves by the port"""
    sent = [pm.packet(pm.S + (100 - i) * pm.SEC, "10.0.0.1", "10.0.0.2", udp=(i, 2), eth=ETH) for i in range(10)]
    port, out = pcap_port(0, folder)
    p, _ = weir.run_with_stats(["-r", file_of(folder, sent), "--window", "1s", "--lateness", "0s", "--agg", "n=count()",
                                "--late", "sink:port:" + port])
    return weir.ended(p) + same(read_pcap(out), data(sent[1:]))


def memif(folder, role, number=0):
    return "vdev:net_memif%d,role=%s,id=0,socket=%s,socket-abstract=no" % (number, role, os.path.join(folder, "memif.sock"))


def test_memif(folder):
    """a file through two weirs, by memif: every packet arrives, as it was"""
    n = 5000
    sent = flows(n)
    kept = os.path.join(folder, "kept.pcapng")
    with Run(["-i", memif(folder, "server"), "--packets", str(n), "--sink", "pcapng:" + kept], folder, name="far") as far:
        far.ready()
        problems, sink = forward(["-r", file_of(folder, sent), "--sink", "port:" + memif(folder, "client")])
        problems += counted(sink, delivered=n) if sink else []
        found, _ = far.end(None)
    return problems + found + same([x[3] for x in pcapread.read_pcapng(kept)], data(sent))


class Road(netns.Cable):
    """The cable, and more of them: weir0 .. to send0 .., whose packets are recorded."""

    def __init__(self, n):
        super().__init__()
        self.heard = collections.defaultdict(list)
        self.names = ["send%d" % i for i in range(n)]
        for i in range(1, n):
            netns.ip("-n", self.near, "link", "add", "weir%d" % i, "type", "veth", "peer", "name", "send%d" % i, "netns", self.far)
            for ns, dev in ((self.near, "weir%d" % i), (self.far, "send%d" % i)):
                netns.ip("-n", ns, "link", "set", dev, "arp", "off", "mtu", "1500")
                netns.ip("-n", ns, "link", "set", dev, "up")
        self.sockets = []
        for name in self.names:
            with self.inside(self.far):
                s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
                s.bind((name, 3))
            s.setsockopt(socket.SOL_SOCKET, 33, 1 << 25)  # SO_RCVBUFFORCE
            s.settimeout(0.1)
            self.sockets.append(s)
        self.is_over = False
        self.listeners = [threading.Thread(target=self._listen, args=x, daemon=True) for x in zip(self.names, self.sockets)]
        for t in self.listeners:
            t.start()

    def _listen(self, name, s):
        while not self.is_over:
            try:
                frame, address = s.recvfrom(4096)
            except socket.timeout:
                continue
            except OSError:  # the interface is down
                time.sleep(0.01)
                continue
            if address[2] != 4:  # PACKET_OUTGOING: what this end sends itself
                self.heard[name].append(frame)

    def __exit__(self, *exc):
        self.is_over = True
        for t in self.listeners:
            t.join()
        for s in self.sockets:
            s.close()
        super().__exit__(*exc)

    def play(self, packets, by=0, pps=4000):
        """Send them into one end, not faster than that."""
        began = time.monotonic()
        for i, p in enumerate(packets):
            while time.monotonic() < began + i / pps:
                time.sleep(0.002)
            self.sockets[by].send(p.data)

    def until(self, n, *names):
        def there():
            return sum(len(self.heard[x]) for x in names) >= n
        try:
            netns.wait("%d packets at %s" % (n, ", ".join(names)), there)
        except AssertionError as e:
            return ["%s: %r arrived" % (e, {k: len(v) for k, v in self.heard.items()})]
        return []


def test_taken(folder):
    """veth taken through AF_XDP, one to another, 1 and 3 workers: all arrive, as they were and in order"""
    problems, sent = [], flows(2000)
    for cores in ("1", "3"):
        with Road(2) as road, Run(["-i", "weir0", "--take", "--cores", cores, "--where", "ip || ipv6", "--sink", "port:weir1"],
                                  folder, road) as run:
            run.ready()
            road.play(sent)
            problems += road.until(2000, "send1")
            found, stats = run.end()
            problems += found + same(road.heard["send1"], data(sent), cores + " workers")
        if stats:
            problems += counted(stats["sinks"]["port:weir1"], delivered=2000)
    return problems


def test_mtu(folder):
    """a file to a veth: what is beyond its MTU is dropped as too_long, tags are not counted against it"""
    sent = [pm.packet(pm.S + i, "10.0.0.1", "10.0.0.2", udp=(i, 2), payload=b"m" * (n - 42), eth=ETH, vlan=[(5, 0)] * tags)
            for i, (n, tags) in enumerate([(1514, 0), (1515, 0), (1514, 1), (1515, 1), (60, 0)])]
    with Road(1) as road, Run(["-r", file_of(folder, sent), "--sink", "port:weir0"], folder, road) as run:
        problems, stats = run.end(None)
        problems += road.until(3, "send0")
        # the socket hears them without the tag
        if sorted(map(len, road.heard["send0"])) != [60, 1514, 1514]:
            problems.append("lengths of what arrived: %r" % [len(x) for x in road.heard["send0"]])
    if stats:
        problems += counted(stats["sinks"]["port:weir0"], delivered=3, too_long=2)
    return problems


def test_inline(folder):
    """-i A -i B --sink port:A,B?to=other: both directions cross, each to the other side, nothing else"""
    there, back = flows(1500), flows(1000, 7)
    with Road(2) as road, Run(["-i", "weir0", "-i", "weir1", "--take", "--sink", "port:weir0,weir1?to=other"], folder, road) as run:
        run.ready()
        other = threading.Thread(target=road.play, args=(back, 1, 3000))
        other.start()
        road.play(there)
        other.join()
        problems = road.until(1500, "send1") + road.until(1000, "send0")
        found, stats = run.end()
        problems += found + same(road.heard["send1"], data(there), "there") + same(road.heard["send0"], data(back), "back")
    if stats:
        problems += counted(list(stats["sinks"].values())[0], delivered=2500)
    return problems


def test_inline_pcap(folder):
    """to=other between devices of DPDK, 1 and 3 workers"""
    problems, a, b = [], flows(1000), flows(800, 9)
    for cores in ("1", "3"):
        one, out_one = pcap_port(0, folder, file_of(folder, a, "a.pcap"))
        two, out_two = pcap_port(1, folder, file_of(folder, b, "b.pcap"))
        found, sink = forward(["-i", one, "-i", two, "--packets", "1800", "--cores", cores,
                               "--sink", "port:net_pcap0,net_pcap1?to=other"])
        problems += found + same(read_pcap(out_two), data(a)) + same(read_pcap(out_one), data(b))
        problems += counted(sink, delivered=1800) if sink else []
    return problems


def ports_of(road, packets):
    """Which end heard which packet."""
    number = {p.data: i for i, p in enumerate(packets)}
    return {number[f]: name for name, frames in road.heard.items() for f in frames if f in number}


def test_link_down(folder):
    """a port whose link goes down hands its share, and only that, to the others, and gets it back; all down: link_down"""
    n = 600
    # the same flows each time
    rounds = [[pm.packet(pm.S + i, "10.0.0.%d" % (i % 100), "10.9.0.1", udp=(i % 100 + 1, 5), payload=struct.pack(">II", r, i),
                         eth=ETH) for i in range(n)] for r in range(4)]
    with Road(4) as road, Run(["-i", "weir0", "--take", "--sink", "port:weir1,weir2,weir3"], folder, road) as run:
        run.ready()

        def link(numbers, word):
            for i in numbers:
                said = "weir: notice: port weir%d: its link is %s" % (i, word)
                before = run.err.count(said)
                netns.ip("-n", road.far, "link", "set", "send%d" % i, word)
                netns.wait("word of the link of weir%d" % i, lambda: run.err.count(said) > before)

        def play(r):
            before = sum(len(v) for v in road.heard.values())
            road.play(rounds[r])
            return road.until(before + n, "send1", "send2", "send3")
        problems = play(0)
        link([2], "down")
        problems += play(1)
        moved = run.ask("stats")["sinks"]["port:weir1,weir2,weir3"]["moved"]
        link([2], "up")
        problems += play(2)
        link([1, 2, 3], "down")
        road.play(rounds[3])
        run.until_received(4 * n)
        found, stats = run.end()
        where = [ports_of(road, r) for r in rounds]
    problems += found
    if where[0] != where[2]:
        problems.append("when the link was back, %d packets went elsewhere" % sum(
            where[0].get(i) != where[2].get(i) for i in range(n)))
    share_of_2 = {i for i, name in where[0].items() if name == "send2"}
    strays = [i for i in range(n) if i not in share_of_2 and where[1].get(i) != where[0].get(i)]
    if strays:
        problems.append("%d packets of other shares moved" % len(strays))
    if not share_of_2 or {where[1].get(i) for i in share_of_2} != {"send1", "send3"}:
        problems.append("the share of %d packets went to %r" % (len(share_of_2), {where[1].get(i) for i in share_of_2}))
    if moved != len(share_of_2):
        problems.append("moved %d, not %d" % (moved, len(share_of_2)))
    if stats:
        problems += counted(list(stats["sinks"].values())[0], delivered=3 * n, link_down=n, moved=moved)
    return problems


def test_added(folder):
    """a query with a port is added to a run and removed: what leaves meanwhile is counted, live too"""
    sent = flows(500)
    with Road(3) as road, Run(["-i", "weir0", "--take", "--query", "a", "--where", "udp", "--sink", "port:weir1"], folder, road) as run:
        run.ready()
        p = run.ctl("add", "--query b --where 'tcp' --sink port:weir2")
        problems = weir.ended(p)
        road.play(sent)
        n_udp = sum(p["ip.proto"] == 17 for p in sent)
        problems += road.until(n_udp, "send1") + road.until(500 - n_udp, "send2")
        live = run.ask("stats")["sinks"]
        problems += weir.ended(run.ctl("remove", "b"))
        found, stats = run.end()
        problems += [x for x in found if "query b" not in x]
    for name, n in (("port:weir1", n_udp), ("port:weir2", 500 - n_udp)):
        for s in (live, stats["sinks"] if stats else {}):
            if s.get(name, {}).get("delivered") != n:
                problems.append("%s: %r, not %d" % (name, s.get(name), n))
    return problems


def test_not_taken(folder):
    """a driver that takes no more: tx_full, and the run goes on receiving"""
    n = 4000
    # nobody empties the ring of net_ring, which holds 1023 packets
    problems, sink = forward(["-i", pcap_port(0, folder, file_of(folder, flows(n)))[0], "--packets", str(n),
                              "--sink", "port:vdev:net_ring0"])
    return problems + (counted(sink, delivered=1023, tx_full=n - 1023) if sink else [])


def test_shared_queue(folder):
    """two workers with receive queues of their own, one transmit queue or two: all leave, each queue's in their order"""
    sent, problems = flows(2000), []
    files = [file_of(folder, sent[i::2], "queue-%d.pcap" % i) for i in range(2)]
    for n_tx in (1, 2):
        outs = [os.path.join(folder, "tx-%d.pcap" % i) for i in range(n_tx)]
        found, sink = forward(["-i", "vdev:net_pcap0,rx_pcap=%s,rx_pcap=%s" % tuple(files), "--packets", "2000", "--cores", "2",
                               "--sink", "port:vdev:net_pcap1," + ",".join("tx_pcap=" + x for x in outs)])
        problems += found + (counted(sink, delivered=2000) if sink else [])
        got = [read_pcap(x) for x in outs]
        problems += same(sorted(x for g in got for x in g), sorted(data(sent)), "%d transmit queues" % n_tx)
        number = {p.data: i for i, p in enumerate(sent)}
        for i in range(2):
            for g in got:
                numbers = [number[x] for x in g if number.get(x, i + 1) % 2 == i]
                if numbers != sorted(numbers):
                    problems.append("%d transmit queues: packets of receive queue %d left in another order" % (n_tx, i))
    return problems


# DPDK's thread for interrupts, which memif works on, is nothing that a race detector knows.
tests = [v for k, v in sorted(globals().items()) if k.startswith("test_")]
if sys.argv[1:] == ["memif"]:
    sys.argv[1:] = [test_memif.__name__]
elif not sys.argv[1:]:
    tests.remove(test_memif)
run_tests(tests)
