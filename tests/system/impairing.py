"""tests/support/impair between the two ports of weir-latency, and what must come of what it does."""
import json
import os
import signal
import subprocess

import netns
import weir

IMPAIR = os.environ.get("WEIR_IMPAIR", "impair")


def memif(name, role, path):
    return "%s,role=%s,socket=%s,socket-abstract=no" % (name, role, path)


class Device:
    """
    Forwards from net_memif0 to net_memif1, whose other ends are `tx` and `rx`, as it is told. With a cable, from its
    weir0 to its weir1.
    """

    def __init__(self, folder, cable=None, **rules):
        sockets = [os.path.join(folder, x) for x in ("in.sock", "out.sock")]
        for x in sockets:  # of a device before
            if os.path.exists(x):
                os.unlink(x)
        self.tx, self.rx = ["vdev:" + memif("net_memif%d" % i, "client", x) for i, x in enumerate(sockets)]
        ends = ["net_af_packet%d,iface=weir%d" % (i, i) if cable else memif("net_memif%d" % i, "server", x)
                for i, x in enumerate(sockets)]
        args = [IMPAIR, "--in", ends[0], "--out", ends[1]]
        for key, value in rules.items():
            args += ["--" + key.replace("_", "-"), str(value)]
        if cable:
            args = ["ip", "netns", "exec", cable.near, *args]
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
        """What it has done."""
        self.p.send_signal(signal.SIGINT)
        out, err = self.p.communicate(timeout=30)
        if self.p.returncode:
            raise AssertionError("the impairing device ended with %d: %s" % (self.p.returncode, err))
        return json.loads(out)


class TwoCables(netns.Cable):
    """
    Beside the first cable a second, from weir1 in the near namespace to send1 in the far one; one from mid0 to mid1 in the
    near one, and one from floor0 to floor1 in the far one.
    """

    def __init__(self):
        super().__init__()
        try:
            netns.ip("-n", self.near, "link", "add", "weir1", "type", "veth", "peer", "name", "send1", "netns", self.far)
            netns.ip("-n", self.near, "link", "add", "mid0", "type", "veth", "peer", "name", "mid1")
            netns.ip("-n", self.far, "link", "add", "floor0", "type", "veth", "peer", "name", "floor1")
            for ns, dev in ((self.near, "weir1"), (self.far, "send1"), (self.near, "mid0"), (self.near, "mid1"),
                            (self.far, "floor0"), (self.far, "floor1")):
                netns.ip("-n", ns, "link", "set", dev, "arp", "off", "mtu", "1500")
                netns.ip("-n", ns, "link", "set", dev, "up")
        except subprocess.CalledProcessError:
            self.__exit__()
            raise


def measure(args, problems, seconds=120, cable=None):
    """A run of weir-latency, in the cable's far namespace or in the host's: its JSON."""
    inside = ["netns", "exec", cable.far, weir.LATENCY] if cable else []
    p = weir.run([*inside, *args, "--json", "-"], timeout=max(seconds, weir.TIMEOUT * 2),
                 binary="ip" if cable else weir.LATENCY)
    problems += weir.ended(p)
    if p.returncode != 0:
        raise AssertionError("; ".join(problems))
    return json.loads(p.stdout)


def arrivals(n, drop_every=0, dup_every=0, delay_every=0, delay_by=1):
    """Numbers in the order in which a device with these rules lets n probes out."""
    def last_of(number, every):
        return every and (number + 1) % every == 0

    out, parked = [], []
    for number in range(n):
        if last_of(number, drop_every):
            continue
        parked = [(x, left - 1) for x, left in parked]
        if last_of(number, delay_every):
            parked.append((number, delay_by))
            continue
        out += [number] * (2 if last_of(number, dup_every) else 1)
        out += [x for x, left in parked if left <= 0]
        parked = [(x, left) for x, left in parked if left > 0]
    return out


def expected(n, **rules):
    """lost, duplicates, reordered (RFC 4737: a larger number came before), and the largest extent"""
    seen, order, top, duplicates, reordered, extent = set(), [], -1, 0, 0, 0
    for number in arrivals(n, **rules):
        if number in seen:
            duplicates += 1
            continue
        if number < top:
            reordered += 1
            first = next(i for i, x in enumerate(order) if x > number)
            extent = max(extent, len(order) - first)
        seen.add(number)
        order.append(number)
        top = max(top, number)
    return {"lost": n - len(seen), "duplicates": duplicates, "reordered": reordered, "extent": extent}


def counted(m):
    return {"lost": m["lost"], "duplicates": m["duplicates"], "reordered": m["reordering"]["packets"],
            "extent": m["reordering"]["extent_max"]}


def sound(m):
    """Problems of one measurement that no device can have caused."""
    problems = []
    lat = m["latency_ns"]
    row = [lat[k] for k in ("min", "p50", "p90", "p99", "p99.9", "p99.99", "max") if lat[k] is not None]
    if row != sorted(row):
        problems.append("percentiles fall: %r" % lat)
    for key, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999)):
        if (lat[key] is not None) != (lat["samples"] * (1 - q) >= 1 - 1e-9):
            problems.append("%s is %r of %d samples" % (key, lat[key], lat["samples"]))
    if m["sent"] != m["received"] - m["duplicates"] + m["lost"]:
        problems.append("sent %d is not received %d - duplicates %d + lost %d" % (
            m["sent"], m["received"], m["duplicates"], m["lost"]))
    if lat["samples"] != m["received"] - m["duplicates"]:
        problems.append("%d samples of %d probes" % (lat["samples"], m["received"] - m["duplicates"]))
    if sum(m["over_time"]["samples"]) != m["received"]:
        problems.append("over time there are %d probes, not %d" % (sum(m["over_time"]["samples"]), m["received"]))
    return problems


def wait_for(path):
    netns.wait("file " + path, lambda: os.path.exists(path))
