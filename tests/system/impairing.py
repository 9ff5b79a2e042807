"""tests/support/impair between the two ports of weir-latency, and what must come of what it does."""
import fcntl
import json
import os
import select
import signal
import subprocess
import time

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


class Latency:
    """
    A weir-latency, in the cable's far namespace or in the host's. Its plot goes into a pipe that is too small for it: who
    has measured() it knows that it has measured all and still has its ports. So devices end before their peer does;
    the other way round net_memif may free what they are reading (22.11).
    """

    def __init__(self, args, folder, cable=None, table=os.devnull, binary=weir.LATENCY, env=None):
        self.json, plot = (os.path.join(folder, "latency." + x) for x in ("json", "svg"))
        for x in (self.json, plot):
            if os.path.exists(x):
                os.unlink(x)
        os.mkfifo(plot)
        self.plot = os.open(plot, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self.plot, fcntl.F_SETPIPE_SZ, 4096)
        inside = ["ip", "netns", "exec", cable.far] if cable else []
        with open(table, "wb") as out:
            self.p = subprocess.Popen([*inside, binary, *args, "--json", self.json, "--plot", plot], stdin=subprocess.DEVNULL,
                                      stdout=out, stderr=subprocess.PIPE, env={**os.environ, **(env or {})})

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        os.close(self.plot)
        if self.p.poll() is None:
            self.p.kill()
        self.p.communicate()

    def measured(self, seconds=120):
        """Wait until it has measured all, or has failed."""
        plot = select.poll()
        plot.register(self.plot, select.POLLIN)
        end = time.monotonic() + max(seconds, 2 * weir.TIMEOUT)
        while self.p.poll() is None and time.monotonic() < end:
            if plot.poll(100):
                return

    def end(self, problems):
        """Its JSON, and its plot."""
        plot = b""
        os.set_blocking(self.plot, True)
        while self.p.poll() is None or not plot:
            some = os.read(self.plot, 65536)
            plot += some
            if not some:
                break
        _, err = self.p.communicate(timeout=weir.TIMEOUT)
        said = err.decode("utf-8", "replace")
        if self.p.returncode or "Sanitizer" in said or "runtime error:" in said:
            raise AssertionError("; ".join([*problems, "weir-latency ended with status %d: %s" % (self.p.returncode, said[:3000])]))
        with open(self.json) as f:
            return json.load(f), plot.decode()


def measure(args, problems, folder, device=None, cable=None, **how):
    """A run of weir-latency: its JSON, and what the device has done."""
    with Latency(args, folder, cable, **how) as run:
        run.measured()
        did = device.end() if device else None
        return run.end(problems)[0], did


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
