#!/usr/bin/env python3
"""Two weirs behind each other forward what weir-latency sends: every packet is somebody's, exactly."""
import contextlib
import os
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
from impairing import Latency, TwoCables, sound, wait_for  # noqa: E402
from running import Run, run_tests  # noqa: E402

RATE, SECONDS, FLOWS = 4000, 2, 8


def balance(found, first, second):
    """Problems where what one sent is not what the next has received, lost or dropped."""
    problems = []

    def same(what, got, want):
        if got != want:
            problems.append("%s: %d, not %d" % (what, got, want))

    sent = found["sent_in_all"]
    for name, stats in (("the first weir", first), ("the second weir", second)):
        received = stats["received"]["packets"]
        same(name + ": received and lost", received + stats["lost"]["nic"] + stats["lost"]["no_buffer"], sent)
        (query,) = stats["queries"].values()
        (sink,) = stats["sinks"].values()
        same(name + ": kept and dropped", query["in"], received)
        same(name + ": sent, waiting and dropped", sink["delivered"] + sink.get("queued", 0) + sum(sink["dropped"].values()),
             query["rows"])
        same(name + ": kept", query["rows"], received - sum(query["dropped"].values()))
        sent = sink["delivered"]
    same("weir-latency: received", found["received_in_all"], sent)
    m = found["loads"][0]
    same("probes", m["sent"], RATE * SECONDS)
    # a flow of eight is dropped by the second weir's --where, and nothing else
    dropped = sum(second["queries"]["main"]["dropped"].values())
    if m["lost"] < RATE * SECONDS // FLOWS or dropped < RATE * SECONDS // FLOWS:
        problems.append("lost %d, dropped by --where %d" % (m["lost"], dropped))
    lost = sum(x["lost"]["nic"] + x["lost"]["no_buffer"] for x in (first, second))
    lost += sum(sum(next(iter(x["sinks"].values()))["dropped"].values()) for x in (first, second))
    if m["lost"] > RATE * SECONDS // FLOWS + lost:
        problems.append("%d probes are lost, of which %d were dropped by --where and %d counted as lost" % (
            m["lost"], RATE * SECONDS // FLOWS, lost))
    return problems + sound(m)


def chain(folder, latency, ways, order, cable=None, wait=lambda i: None):
    """
    weir-latency's ports, and of each weir where it takes packets from and where to; who is started after whom:
    weir-latency is None.
    """
    problems, runs = [], {}
    args = [*latency, "--rate", str(RATE), "--for", "%ds" % SECONDS, "--flows", str(FLOWS), "--drain", "2s", "--wait", "60s", "--no-floor"]
    with contextlib.ExitStack() as stack:
        for i in order:
            if i is None:
                probes = stack.enter_context(Latency(args, folder, cable))
                continue
            wait(i)
            place = os.path.join(folder, str(i))
            os.mkdir(place)
            keep = ["--where", "srcport != 49152"] if i else []
            runs[i] = stack.enter_context(
                Run(["-i", ways[i][0], *keep, "--sink", "port:" + ways[i][1]], place, cable, name="weir%d" % i))
            runs[i].ready()
        probes.measured()
        stats = []
        for i in range(len(ways)):
            more, s = runs[i].end()
            problems += more
            stats.append(s)
        found, _ = probes.end(problems)
    return problems + (balance(found, *stats) if None not in stats else [])


def test_memif(folder):
    """two weirs in a chain of net_memif: sent = received + counted, at every border"""
    sockets = [os.path.join(folder, x + ".sock") for x in ("in", "between", "out")]
    port = ["vdev:net_memif%d,role=%s,socket=%s,socket-abstract=no" % x for x in (
        (0, "server", sockets[0]), (1, "server", sockets[2]), (2, "client", sockets[0]), (3, "server", sockets[1]),
        (4, "client", sockets[1]), (5, "client", sockets[2]))]
    return chain(folder, ["--tx", port[0], "--rx", port[1]], [(port[2], port[3]), (port[4], port[5])], [None, 0, 1],
                 wait=lambda i: [wait_for(x) for x in ([sockets[1]] if i else [sockets[0], sockets[2]])])


def test_veth(folder):
    """two weirs in a chain of veth, through AF_XDP: sent = received + counted, at every border"""
    with TwoCables() as cable:
        # what comes before an interface is taken is its host's
        return chain(folder, ["--tx", "send0", "--rx", "send1"], [("weir0", "mid0"), ("mid1", "weir1")], [1, 0, None], cable)


if __name__ == "__main__":
    run_tests([test_memif, test_veth])
