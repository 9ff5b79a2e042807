#!/usr/bin/env python3
"""Hosts that come, go, die, stall and are cut off while packets come: each row of all outputs together is there exactly once."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import hosts  # noqa: E402
import netns  # noqa: E402
from netns import ip  # noqa: E402
from playing import LEASE, LEASED, Playing, between, equal  # noqa: E402
from running import run_tests  # noqa: E402

NODES = 3
SECONDS = 12


def test_quiet(folder):
    """three hosts in real time, nothing happens: rows of all together are those of one weir"""
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        with Playing(h, folder, NODES, 6) as p:
            return p.finish() + equal(p.lines(), p.reference())


def test_join(folder):
    """a fourth host joins under load: each row once, and it delivers some"""
    with hosts.Hosts(NODES + 1) as h:
        h.start_etcd()
        with Playing(h, folder, NODES, SECONDS, later=[8]) as p:
            p.until(2)
            p.begin(NODES)
            problems = p.finish() + equal(p.lines(), p.reference())
            if not p.runs[NODES].out:
                problems.append("the host that joined delivered nothing")
            return problems


def test_drain(folder):
    """one of three is drained under load: it ends with status 0, and each row is there once"""
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        with Playing(h, folder, NODES, SECONDS) as p:
            p.until(3)
            problems = p.tell(1, "drain")
            found, stats = p.runs[1].end(sig=None, seconds=30)
            p.ended[1] = stats
            problems += ["drained: " + x for x in found]
            if not p.newest([0, 2]) < SECONDS - 1:
                problems.append("it ended after the others")
            problems += p.finish()
            # What it had not read when it was told is nobody's.
            return problems + equal(p.lines(), p.reference(first={1: stats["received"]["packets"]}) if stats else {})


def test_move(folder):
    """slots are moved by hand, there and back: each row once"""
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        with Playing(h, folder, NODES, SECONDS) as p:
            problems = []
            p.until(2)
            for words in (["0-4095", "n1"], ["1000-3000 n2"]):
                problems += p.tell(0, "move", *words)
                time.sleep(2)
            return problems + p.finish() + equal(p.lines(), p.reference())


def test_kill(folder):
    """one is killed: others take its windows over, rows without its packets are partial, later ones are complete"""
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        with Playing(h, folder, NODES, SECONDS + 4, options=LEASED) as p:
            p.until(3)
            p.kill(1)
            began, before = time.monotonic(), p.newest()
            netns.wait("window after the kill; " + p.said(), lambda: p.newest([0, 2]) > before, 20)
            took = time.monotonic() - began
            problems = p.finish()
            found, gap = between(p.lines(), p.reference([0, 2]), p.reference())
            if not gap:
                found.append("no row is partial")
            elif gap[0] - p.start / 1e9 < before:
                found.append("rows are partial from %.0f s on, and it was killed after %.0f s" % (gap[0] - p.start / 1e9, before))
            if not any('"partial"' not in x and '"query":"sum"' in x and p.end_of(json.loads(x)) > gap[1] - p.start / 1e9
                       for x in (p.runs[0].out + p.runs[2].out if gap else [])):
                found.append("no window is complete after the gap")
            print("# %.1f s from the kill to the next window of all, with a lease of %d s" % (took, LEASE))
            return problems + found


def stalled(folder, stop, go_on):
    """One host is away for longer than its lease, and comes again by itself."""
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        with Playing(h, folder, NODES, SECONDS + 10, options=LEASED) as p:
            p.until(3)
            stop(h, p)
            time.sleep(LEASE + 2)
            go_on(h, p)
            problems = p.finish()
            found, gap = between(p.lines(), p.reference([0, 2]), p.reference(), may_lack="again")
            if not gap:
                found.append("no row is partial")
            if not any("joins again" in x for x in p.runs[1].err):
                found.append("it did not join again: " + p.runs[1].said())
            if not p.runs[1].out or max(p.end_of(json.loads(x)) for x in p.runs[1].out) < 5 + LEASE + 2:
                found.append("it delivered nothing when it was back")
            return problems + found


def test_stall(folder):
    """one is stopped for longer than its lease, and goes on: it is fenced, joins again, and each row is there once"""
    return stalled(folder, lambda h, p: p.kill(1, signal.SIGSTOP), lambda h, p: p.kill(1, signal.SIGCONT))


def test_cut_both(folder):
    """one is cut off from the wire and from etcd, and joined again: each row once"""
    def link(h, state):
        for dev in ("wire0-1", "ctl0-1"):
            ip("-n", h.hub, "link", "set", dev, state)
    return stalled(folder, lambda h, p: link(h, "down"), lambda h, p: link(h, "up"))


def test_cut_etcd(folder):
    """one is cut off from etcd alone, for longer than its lease, and joined again: each row once"""
    return stalled(folder, lambda h, p: ip("-n", h.hub, "link", "set", "ctl0-1", "down"),
                   lambda h, p: ip("-n", h.hub, "link", "set", "ctl0-1", "up"))


def test_cut_wire(folder):
    """one is cut off from the wire alone for a while: the others wait for it, each row once and none partial"""
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        with Playing(h, folder, NODES, SECONDS) as p:
            p.until(2)
            ip("-n", h.hub, "link", "set", "wire0-1", "down")
            time.sleep(5)
            ip("-n", h.hub, "link", "set", "wire0-1", "up")
            return p.finish() + equal(p.lines(), p.reference())


def test_etcd_away(folder):
    """etcd is away for half a minute, five leases, and comes again: windows go on meanwhile, each row once and none partial"""
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        with Playing(h, folder, NODES, 36, options=LEASED) as p:
            p.until(2)
            h.stop_etcd()
            p.until(32)
            h.start_etcd()
            return p.finish() + equal(p.lines(), p.reference())


def test_secret(folder):
    """frames are sealed; a host with another secret is refused, and told why, and harms nobody"""
    paths = []
    for i in range(2):
        paths.append(os.path.join(folder, "secret-%d" % i))
        with open(paths[i], "w") as f:
            f.write("%02d" % (i + 11) * 32 + "\n")
        os.chmod(paths[i], 0o600)
    with hosts.Hosts(NODES + 1) as h:
        h.start_etcd()
        with Playing(h, folder, NODES, 8, later=[4], more=["--secret-file", paths[0]]) as p:
            p.until(2)
            p.more = ["--secret-file", paths[1]]
            stranger = p.begin(NODES)
            stranger.p.wait(30)
            del p.runs[NODES]
            problems = p.finish() + equal(p.lines(), p.reference())
            said = stranger.said()
            if stranger.p.returncode not in (1, 2) or "--secret-file" not in said:
                problems.append("with another secret: status %r, %s" % (stranger.p.returncode, said))
            return problems


RELAY = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support", "relay.py")


def counters(run):
    """Of the wire, of all peers of a run together."""
    total = {}
    for n in netns.wait("weir that answers", lambda: run.ask("nodes", "--json"))["nodes"]:
        wire = n.get("wire", {})
        for k, v in [*wire.items(), *(("refused_" + k, v) for k, v in wire.get("refused", {}).items())]:
            if not isinstance(v, dict):
                total[k] = total.get(k, 0) + v
    return total


@contextlib.contextmanager
def relayed(h, *shares):
    """A relay in place of the bridge."""
    ports = ["wire0-%d" % i for i in range(NODES)]
    for port in ports:
        ip("-n", h.hub, "link", "set", port, "nomaster")
    relay = subprocess.Popen(["ip", "netns", "exec", h.hub, sys.executable, RELAY, *shares, "5", *ports],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert relay.stdout.readline() == "ready\n", "the relay did not start"
        yield relay
    finally:
        if relay.poll() is None:
            relay.kill()
            relay.wait()


def test_impaired(folder):
    """1 % of the wire's frames lost, 1 % repeated, 2 % out of order: rows are those of one weir"""
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        with relayed(h, "0.01", "0.01", "0.02") as relay:
            with Playing(h, folder, NODES, 8) as p:
                problems = p.finish() + equal(p.lines(), p.reference())
            said, _ = relay.communicate("", timeout=10)
            did = dict(x.split("=") for x in said.split())
            return problems + ["nothing was %s: %s" % (k, said) for k in ("lost", "repeated", "delayed") if int(did[k]) == 0]


def ends(p, i):
    """The end of the newest window of which a host has delivered flows."""
    return max((p.end_of(json.loads(x)) for x in p.runs[i].out if '"flows"' in x), default=0)


def test_claim(folder):
    """one loses its place when all know what it is about to deliver, and it does not know that: it delivers when it is back"""
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        with relayed(h, "0", "0", "0") as relay, Playing(h, folder, NODES, SECONDS + 7, options=LEASED) as p:
            p.until(2)
            print("deaf wire0-1", file=relay.stdin, flush=True)
            netns.wait("window that it has claimed", lambda: min(ends(p, 0), ends(p, 2)) > ends(p, 1))
            time.sleep(0.2)
            p.kill(1, signal.SIGSTOP)
            time.sleep(LEASE + 2)
            print("hear", file=relay.stdin, flush=True)
            p.kill(1, signal.SIGCONT)
            problems = p.finish()
            # It counts, unless what had to be sent before it to one of them was too much.
            if not any("claimed before is" in x for x in p.runs[1].err):
                problems.append("it was not told whether its claim counts: " + p.runs[1].said())
            is_warned = any("'n1' was lost as it delivered the windows up to" in x for i in (0, 2) for x in p.runs[i].err)
            if is_warned != any("is its own to deliver" in x for x in p.runs[1].err):
                problems.append("warned of what it may not have written: %s: %s" % (is_warned, p.said()))
            return problems + between(p.lines(), p.reference([0, 2]), p.reference(), may_lack="again")[0]


def attack(port):
    """On the bridge's end of a host's cable: each frame of weir's to the host once more, and once with a byte changed."""
    from_wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    from_wire.bind((port, 0))
    from_wire.settimeout(0.1)
    n, end = 0, time.monotonic() + 4
    while time.monotonic() < end:
        try:
            data, address = from_wire.recvfrom(65536)
        except socket.timeout:
            continue
        if address[2] != socket.PACKET_OUTGOING or data[12:14] != b"\x08\x00" or len(data) < 100 or n % 8:
            n += address[2] == socket.PACKET_OUTGOING
            continue
        n += 1
        from_wire.send(data)
        forged = bytearray(data)
        forged[-1] ^= 1
        forged[40:42] = b"\0\0"  # UDP without a checksum
        forged[42 + 31] ^= 0x80  # a number that has not been there
        from_wire.send(bytes(forged))
    print(n)


def test_forged(folder):
    """sealed frames played again and changed: they are refused and counted, rows are those of one weir"""
    secret = os.path.join(folder, "secret")
    with open(secret, "w") as f:
        f.write("42" * 32 + "\n")
    os.chmod(secret, 0o600)
    with hosts.Hosts(NODES) as h:
        h.start_etcd()
        with Playing(h, folder, NODES, 8, more=["--secret-file", secret]) as p:
            p.until(1)
            subprocess.run(["ip", "netns", "exec", h.hub, sys.executable, os.path.realpath(__file__), "--attack", "wire0-0"],
                           check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=30)
            got = counters(p.runs[0])
            problems = p.finish() + equal(p.lines(), p.reference())
            return problems + ["%s: %r" % (k, got.get(k)) for k in ("refused_replayed", "refused_forged") if not got.get(k)]


if sys.argv[1:2] == ["--attack"]:
    attack(sys.argv[2])
elif __name__ == "__main__":
    # They wait most of the time.
    run_tests([test_etcd_away, test_stall, test_cut_both, test_cut_etcd, test_claim, test_kill, test_cut_wire, test_join, test_drain, test_move,
               test_quiet, test_impaired, test_forged, test_secret], at_a_time=3)
