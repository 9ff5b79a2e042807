#!/usr/bin/env python3
"""Rules in the NIC: rows are the same with and without, what was dropped is counted, and refused rules cost nothing but time.

weir-nic is weir with a NIC's rules in software behind whatever driver a port has (tests/support/nic), here net_tap's: its own need
parts of the kernel (sch_multiq, cls_flower, act_gact) that are rarely all there. Where they are not, its refusals are tried as well."""
import os
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import netns  # noqa: E402
import pcapmaker as pm  # noqa: E402
import weir  # noqa: E402
from running import PORT, Run, differ, run_tests, traffic, without_times  # noqa: E402

PLAIN = weir.BINARY
NIC = os.environ.get("WEIR_NIC", "weir-nic")
GROUP = ["--key", "5tuple", "--window", "24h", "--agg", "packets=count(),bytes=sum(frame.len)"]
UDP = ["--where", "udp.dstport == %d" % PORT, *GROUP]
TAP = "vdev:net_tap0,iface=wtap0"
ALL = TAP + "?flow_match=ethertypes+protocols+networks+ranges+outermost"
MASKS = TAP + "?flow_match=ethertypes+protocols+networks+masks+outermost"


def odd(n, to_mac):
    """Shapes that rules have to leave alone, or must not take for others: fragments, tags, options, extension headers, tunnels, ARP."""
    eth = ("02:00:00:00:00:01", to_mac)
    ether = pm.mac(to_mac) + pm.mac(eth[0])
    udp = struct.pack("!HHHH", 9, PORT, 20, 0) + b"o" * 12
    tcp = struct.pack("!HHIIBBHHH", 9, PORT, 1, 0, 0x50, 2, 1024, 0, 0)

    def ip4(proto, body, options=b"", fragment=0):
        head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(body), n, fragment, 64, proto, 0)
        return ether + b"\x08\x00" + head + bytes([10, 9, 0, 1, 10, 9, 0, 2]) + options + body

    def ip6(proto, body):
        return ether + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(body), proto, 64) + b"\x20\x01" + bytes(13) + b"\x01" + \
            b"\x20\x01" + bytes(13) + b"\x02" + body

    inner = ip4(17, udp)[14:]
    return [
        ip4(17, udp, b"\x01" * 8), ip4(6, tcp, b"\x01" * 4),
        ip4(17, udp, fragment=0x2000), ip4(17, b"\0\x09\x10\x92" * 4, fragment=3), ip4(6, udp, fragment=5),
        ip6(60, struct.pack("!BB6x", 17, 0) + udp), ip6(60, struct.pack("!BB6x", 6, 0) + tcp),
        ip6(44, struct.pack("!BBHI", 17, 0, 1, 7) + udp), ip6(44, struct.pack("!BBHI", 17, 0, 8 * 8, 7) + udp),
        ip4(4, inner), ip4(47, b"\0\0\x08\0" + inner), ip4(17, udp)[:12] + b"\x81\x00\0\x07\x88\xa8\0\x08" + ip4(17, udp)[12:],
        ip4(17, udp)[:12] + b"\x81\x00\0\x07" + ip4(17, udp)[12:], ip4(6, tcp)[:12] + b"\x81\x00\0\x07" + ip4(6, tcp)[12:],
        ip4(1, b"\x08\0" + bytes(14)), ip6(58, b"\x80\0" + bytes(14)), ip4(132, struct.pack("!HHII", 9, PORT, 0, 0)),
        ether + b"\x08\x06" + bytes(46), ether + b"\x88\xcc" + bytes(46), ether + b"\0\x20\xaa\xaa\x03" + bytes(40),
        ip4(17, udp)[:30], ip4(17, udp)[:36],
    ]


class Result:
    """What a run left: rows, ledger, problems, and what was said of its rules."""

    def __init__(self, folder, source, flags, words="", more=(), binary=NIC, during=None):
        self.words, self.problems, self.stats = words, [], None
        weir.BINARY = binary
        os.environ["WEIR_TEST_NIC"] = words
        try:
            with netns.Cable() as cable:
                frames = [p.data for p in traffic(cable.mac(), 200)] + [x for i in range(4) for x in odd(i, cable.mac())]
                self.sent = len(frames)
                with Run(["-i", source, *more, *flags], folder, cable) as self.run:
                    self.run.ready()
                    netns.wait("wtap0", lambda: "LOWER_UP" in netns.ip("-n", cable.near, "link", "show", "wtap0", check=False).stdout)
                    self.before = self.received()
                    self.dropped_before = self.dropped()
                    self.explained = [x for x in self.run.ctl("explain").stdout.decode().splitlines() if x.startswith("push")]
                    with cable.sender(cable.near, "wtap0") as self.out:
                        self.send(frames)
                        self.arrive()
                        if during:
                            during(self, frames)
                    self.problems, self.stats = self.run.end()
        finally:
            weir.BINARY = PLAIN
            del os.environ["WEIR_TEST_NIC"]
        self.rows = sorted(without_times(self.run.out))

    def send(self, frames):
        for x in frames:
            self.out.send(x)
            time.sleep(0.0003)

    def received(self):
        return self.run.received()

    def dropped(self):
        """None where the driver does not tell."""
        return self.run.ask("status", "--json")["sources"][0]["passed"]

    def arrive(self):
        """Until all that was sent is there; where nobody counts what was dropped, until no more comes."""
        def there():
            was = self.received()
            if self.dropped() is not None:
                return was - self.before + self.dropped() - self.dropped_before >= self.sent
            time.sleep(0.3)
            return was == self.received() and was > self.before
        netns.wait("all packets, received or dropped", there)
        self.got = self.received() - self.before
        self.lost = self.dropped() and self.dropped() - self.dropped_before

    def says(self, *words):
        """Problems where its explanation lacks words."""
        text = "\n".join(self.explained)
        return ["explain lacks %r: %s" % (w, text) for w in words if w not in text]


# What it is, its flags, and may the NIC drop anything?
CASES = [
    ("a port", UDP, True),
    ("ports of TCP and UDP, either end", ["--where", "tcp.dstport == 80 || udp.srcport == 53 || udp.dstport == 53", *GROUP], True),
    ("a network", ["--where", "ip.src in 10.5.0.0/29", *GROUP], True),
    ("IPv6 from a network, or a port", ["--where", "(ipv6 && ip.src in 2001:db8::/126) || tcp.srcport < 50 && tcp.srcport > 3", *GROUP], True),
    ("several queries", ["--query", "a", "--where", "icmp", *GROUP, "--query", "b", "--where", "sctp || ip.proto == 47", *GROUP], True),
    ("fragments", ["--where", "udp && ip.frag_offset > 0", *GROUP], True),
    ("tags", ["--where", "udp && vlan", *GROUP], True),
    ("nothing is wanted", ["--where", "tcp && udp", *GROUP], True),
    ("tcpdump's language", ["--filter", "udp dst port %d" % PORT, *GROUP], False),
    ("one query wants all", ["--query", "a", *UDP, "--query", "b", "--agg", "n=count()", "--window", "24h"], False),
    ("tunnels are looked into", [*UDP, "--decap", "gre,ipip"], False),
    ("packets of any kind", ["--where", "frame.len > 300", *GROUP], False),
]


NEVER = {}


def never(folder, flags):
    """A run without rules: the same whatever the NIC is."""
    key = tuple(flags)
    if key not in NEVER:
        NEVER[key] = Result(folder, ALL, flags, "", ("--push", "never"))
    return NEVER[key]


def same(folder, source, words):
    problems = []
    for what, flags, may_drop in CASES:
        with_rules, without = Result(folder, source, flags, words), never(folder, flags)
        found = with_rules.problems + ["--push never: " + x for x in without.problems] + differ(with_rules.rows, without.rows)
        for r, name in ((with_rules, "with"), (without, "without")):
            if r.got + r.lost != r.sent:
                found.append("%s rules: %d received and %d dropped are not the %d sent" % (name, r.got, r.lost, r.sent))
        if without.lost or without.stats and without.stats["passed"]["nic"]:
            found.append("--push never: %r dropped" % without.lost)
        if bool(with_rules.lost) != may_drop:
            found.append("dropped %r: %r" % (with_rules.lost, with_rules.explained))
        if with_rules.stats and with_rules.stats["passed"]["nic"] < with_rules.lost:
            found.append("the ledger has %r, dropped were %d" % (with_rules.stats["passed"], with_rules.lost))
        problems += [what + ": " + x for x in found]
    return problems


def test_same_strict(folder):
    """a NIC that matches headers as they stand: with and without rules rows are the same, every packet is accounted for"""
    return same(folder, ALL, "")


def test_same_lax(folder):
    """a NIC that looks behind tags and extension headers, and matches by masks"""
    return same(folder, MASKS, "lax")


def test_exact(folder):
    """what cannot be wanted is dropped to the last packet, by any of the ways to say so"""
    problems = []
    flags = ["--where", "tcp.dstport == 80", *GROUP]
    # Received are 50 of TCP to port 80, 50 with a tag, and of each 22 odd ones: the later fragment of TCP, four with extension headers,
    # three with tags, 802.3, and what is cut short in the IP header. Protocols without an item of their own, and the later fragment of
    # UDP, too, where only items can be matched.
    for source, words, n in ((ALL, "", 140), (MASKS, "", 140), (ALL, "fields", 152), (ALL + "+masks", "ranges", 140)):
        r = Result(folder, source, flags, words)
        if r.problems or r.got != n or r.got + r.lost != r.sent:
            problems.append("%s %r: %r, %r received, not %d, and %r dropped of %d" % (source, words, r.problems, r.got, n, r.lost, r.sent))
        if sum(x["packets"] for x in r.run.rows()) != 50:
            problems.append("%s %r: rows %r" % (source, words, r.run.rows()[:3]))
        problems += r.says("push protocol 6, dstport 80 (the NIC drops of the rest what it can)", "with a counter that was read back")
    return problems


def test_refused(folder):
    """rules that are refused: said, with the driver's words, and the queries do their work"""
    without = never(folder, UDP)
    problems = list(without.problems)
    for words, said, drops in (
            ("ranges", ("with a counter that was read back", "; refused ", "protocol 17 dstport 0..%d" % (PORT - 1), "(ranges are not supported)",
                        "; the queries do the rest"), True),
            ("types", ("refused EtherType 0x0806", "(EtherTypes are not supported)"), True),
            ("few", ("(3 with a counter that was read back)", "and 23 more (no room for another rule)"), True),
            ("create", (": nothing; refused IPv4 protocol 6", "no source can leave packets out", "(no room for another rule)"), False)):
        r = Result(folder, ALL, UDP, words)
        found = r.problems + r.says(*said) + differ(r.rows, without.rows)
        if r.got + r.lost != r.sent or bool(r.lost) != drops:
            found.append("%r received, %r dropped of %d" % (r.got, r.lost, r.sent))
        problems += [words + ": " + x for x in found]
    return problems


def test_uncounted(folder):
    """a driver that does not count: the ledger says unknown, and no number"""
    problems = []
    without = never(folder, UDP)
    for words, said in (("count", "listed by the driver, which does not count"), ("count,dump", "on the driver's word"),
                        ("query", "listed by the driver, which does not count")):
        r = Result(folder, ALL, UDP, words)
        found = r.problems + r.says(said) + differ(r.rows, without.rows)
        if r.stats and r.stats["passed"]["nic"] is not None:
            found.append("passed %r" % r.stats["passed"])
        if r.lost is not None or r.got >= r.sent:
            found.append("received %r of %d, dropped %r" % (r.got, r.sent, r.lost))
        if not any("its driver does not tell how many" in x for x in r.run.err):
            found.append("the summary says nothing of it: " + r.run.said())
        problems += [words + ": " + x for x in found]
    return problems


def test_added(folder):
    """a query that is added to the run gets every packet from then on; what was dropped before stays counted"""
    seen = {}

    def add(r, frames):
        p = r.run.ctl("add", "--", "--query", "all", "--window", "24h", "--agg", "n=count()")
        seen["add"] = p.stderr.decode() if p.returncode else ""
        seen["explain"] = r.run.ctl("explain").stdout.decode()
        seen["dropped"], before = r.dropped(), r.received()
        r.send(frames)
        netns.wait("all packets", lambda: r.received() - before >= len(frames))

    r = Result(folder, ALL, ["--query", "main", *UDP], during=add)
    # the added one was not there for all that was received
    problems = [x for x in r.problems if not x.startswith("query all: in ")]
    if seen["add"] or "push nothing: queries were added to the run" not in seen["explain"] or "push to" in seen["explain"]:
        problems.append("%r" % seen)
    got = sum(x["n"] for x in r.run.rows() if x["query"] == "all")
    if got != r.sent or not seen["dropped"] or r.stats and r.stats["passed"]["nic"] != seen["dropped"]:
        problems.append("the added query saw %d of %d; dropped %r, in the end %r" % (got, r.sent, seen["dropped"], r.stats["passed"]))
    return problems


def test_workers(folder):
    """two receive queues, two workers"""
    with_rules, without = (Result(folder, ALL, UDP, "", ("--cores", "2", *more)) for more in ((), ("--push", "never")))
    problems = with_rules.problems + without.problems + differ(with_rules.rows, without.rows)
    if with_rules.got + with_rules.lost != with_rules.sent or not with_rules.lost:
        problems.append("%r received, %r dropped of %d" % (with_rules.got, with_rules.lost, with_rules.sent))
    return problems


def test_tap(folder):
    """net_tap by itself: whether the kernel has what its rules need or not, rows are the same"""
    with_rules, without = (Result(folder, TAP, UDP, "", more, binary=PLAIN) for more in ((), ("--push", "never")))
    problems = with_rules.problems + without.problems + differ(with_rules.rows, without.rows)
    text = "\n".join(with_rules.explained)
    if "push to %s: nothing; refused " % TAP in text:
        if with_rules.got != with_rules.sent or with_rules.lost:
            problems.append("all was refused, and %r received, %r dropped" % (with_rules.got, with_rules.lost))
    elif "on the driver's word, which does not count" in text:
        if with_rules.lost is not None or with_rules.got >= with_rules.sent:
            problems.append("rules were taken, and %r of %d received" % (with_rules.got, with_rules.sent))
    else:
        problems.append("explain: " + text)
    return problems


def test_explain(folder):
    """--explain says what would be offered, and why nothing is"""
    cases = [
        (ALL, UDP, ["push protocol 17 136, dstport %d (the NIC drops of the rest what it can)" % PORT,
                    "push to %s: 34 rules that drop what no query can use, for its driver to take or to refuse" % ALL]),
        (TAP, ["--where", "ip.src in 10.0.0.0/8"], ["push nothing, for no source can leave packets out: IPv4, ip.src 10.0.0.0/8",
                                                  "push to %s: nothing, for tunnels are wanted, and its rules may look into them" % TAP]),
        (TAP + "?flow=no", UDP, ["push nothing, for no source can leave packets out: protocol 17 136, dstport %d" % PORT,
                                 "push to %s?flow=no: nothing, for flow=no as asked" % TAP]),
        ("vdev:net_null0", UDP, ["push nothing, for no source can leave packets out: protocol 17 136, dstport %d" % PORT,
                                 "push to vdev:net_null0: nothing, for no profile says flow=yes of its driver"]),
        (TAP, ["--filter", "tcp port 80"], ["push nothing, for no source can leave packets out: protocol 6, srcport 80; protocol 6, dstport 80; "
                                          "and what is not plain IP",
                                          "push to %s: nothing, for --filter may want what is not plain IP, which no rule tells apart" % TAP]),
        (TAP, [*UDP, "--push", "never"], ["push nothing: --push never"]),
    ]
    problems = []
    for source, flags, want in cases:
        p = weir.run(["-i", source, *flags, "--explain"])
        lines = [x for x in p.stdout.decode().splitlines() if x.startswith("push")]
        if lines != want:
            problems.append("%s %r: %r, not %r %s" % (source, flags, lines, want, p.stderr.decode() if p.returncode else ""))
    return problems


if not os.path.exists("/dev/net/tun"):
    print("1..0 # SKIP there is no /dev/net/tun")
    sys.exit(0)
run_tests([test_same_strict, test_same_lax, test_exact, test_refused, test_uncounted, test_added, test_workers, test_tap, test_explain])
