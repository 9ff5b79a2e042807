"""What is measured, and how each is told to do the same work: a run gives packets and seconds of CPU."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

import measure
from measure import Failed

QUERY = ["--key", "5tuple", "--agg", "packets=count(),bytes=sum(frame.len)", "--top", "20:bytes"]


class Weir:
    def __init__(self, binary, cpu):
        self.binary, self.cpu = binary, cpu

    def _run(self, args, timeout):
        with tempfile.TemporaryDirectory() as d:
            stats = os.path.join(d, "stats.json")
            command = [self.binary, "--quiet", *args]
            r = measure.run([self.binary, "--stats", stats, *command[1:]], cpu=self.cpu, timeout=timeout,
                            thread="weir-worker")
            with open(stats) as f:
                s = json.load(f)
        if not s["balanced"]:
            raise Failed("the ledger does not balance")
        n = s["received"]["packets"]
        if not n:
            raise Failed("it received no packets")
        return {
            "command": command, "packets": n, "wall_s": s["elapsed_s"],
            "cpu_s": s["elapsed_s"] * (r["share"] or 1.0), "process_cpu_s": r["cpu_s"],
            "max_rss_bytes": r["max_rss_bytes"], "lost": sum(s["lost"].values()),
        }

    def file(self, path, query=None, loops=1, preload=True, timeout=120):
        """Over a capture; preloaded, the time is that of processing alone."""
        options = (["preload=1"] if preload else []) + (["loop=%d" % loops] if loops != 1 else [])
        r = self._run(["-r", path + ("?" + "&".join(options) if options else ""), *(query or QUERY),
                       "--sink", "json:/dev/null"], timeout)
        if not preload:
            r["cpu_s"] = r["process_cpu_s"]
        return r

    def port(self, path, seconds, memory, query=None, window="global"):
        """Over a virtual port that replays a capture for ever."""
        query = query or QUERY
        sink = [] if "--sink" in query else ["--sink", "json:/dev/null"]
        return self._run(["-i", "vdev:net_pcap0,rx_pcap=%s,infinite_rx=1" % path, "--for", "%gs" % seconds,
                          "--default-window", window, *query, *sink, "--", *memory, "--lcores", "0@%d" % self.cpu], seconds + 60)


class BareLoop:
    def __init__(self, binary, cpu):
        self.binary, self.cpu = binary, cpu

    def file(self, path, flows, loops):
        command = [self.binary, path, str(flows), str(loops)]
        r = measure.run(command, cpu=self.cpu)
        s = json.loads(r["out"])
        return {"command": command, "packets": s["packets"], "flows": s["flows"], "cpu_s": s["cpu_s"],
                "wall_s": s["wall_s"], "max_rss_bytes": r["max_rss_bytes"]}


def until(fd, word, seconds):
    """Read until a word was said; what was read."""
    end, said = time.monotonic() + seconds, ""
    os.set_blocking(fd, False)
    while word not in said:
        if time.monotonic() > end:
            raise Failed("testpmd did not say '%s' within %d s" % (word, seconds))
        try:
            piece = os.read(fd, 65536)
            if not piece:
                causes = re.findall(r"Cause: (.*)", said) or said.strip().splitlines()[-1:]
                raise Failed("testpmd ended: %s" % (causes[-1] if causes else "(no message)"))
            said += piece.decode("utf-8", "replace")
        except BlockingIOError:
            time.sleep(0.01)
    return said


class Testpmd:
    """dpdk-testpmd; its lcore is pinned, and its CPU time is read while it is stopped."""

    def __init__(self, cpu, other_cpu):
        self.cpu, self.other_cpu = cpu, other_cpu

    def port(self, path, packets, seconds, memory, burst=32):
        """What comes by a virtual port that replays a capture for ever, and nothing done with it."""
        return self.run("rxonly", ["net_pcap0,rx_pcap=%s,infinite_rx=1" % path], packets, seconds, memory,
                        ["--burst=%d" % burst])

    def run(self, mode, devices, packets, seconds, memory, more=()):
        """One of its modes over virtual devices that hold so many packets."""
        p, command = self.start(mode, devices, packets, memory, more)
        try:
            return self._talk(p, command, seconds, "TX" if mode == "txonly" else "RX")
        finally:
            self.end(p)

    def start(self, mode, devices, packets, memory, more=()):
        # lcore 1 forwards, on the CPU that is measured; lcore 0 reads commands
        command = ["stdbuf", "-oL", "dpdk-testpmd", *memory, "--no-telemetry", "--no-pci",
                   "--lcores", "0@%d,1@%d" % (self.other_cpu, self.cpu), *[x for d in devices for x in ("--vdev", d)],
                   "--", "-i", "--forward-mode=" + mode, "--total-num-mbufs=%d" % (packets + 16384), *more]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT), command

    def end(self, p):
        p.stdin.close()
        try:
            p.wait(10)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
        p.stdout.close()

    def say(self, p, text, word, wait=20):
        p.stdin.write((text + "\n").encode())
        p.stdin.flush()
        return until(p.stdout.fileno(), word, wait)

    def _talk(self, p, command, seconds, direction):
        def say(text, word):
            return self.say(p, text, word)

        until(p.stdout.fileno(), "testpmd>", 60)
        before = measure.thread_times(p.pid, "lcore-worker") or measure.thread_times(p.pid, "rte-worker")
        start = time.monotonic()
        say("start", "testpmd>")
        time.sleep(seconds)
        said = say("stop", "Done.")
        wall = time.monotonic() - start
        after = measure.thread_times(p.pid, "lcore-worker") or measure.thread_times(p.pid, "rte-worker")
        found = re.findall(direction + r"-packets:\s*(\d+)", said)
        say("quit", "Bye")
        if not found or not int(found[-1]) or not before or not after:
            raise Failed("testpmd had no packets")
        return {"command": command, "packets": int(found[-1]), "wall_s": wall, "cpu_s": after[0] - before[0]}


# name: package, program, packets at most (they are slow), command over a file; {file} {dir} are filled in
PEERS = {
    "softflowd": ("softflowd", "softflowd", None,
                  "softflowd -r {file} -6 -d -m 20000000 -p {dir}/pid -c none"),
    "nfpcapd": ("nfdump", "nfpcapd", None, "nfpcapd -r {file} -w {dir}"),
    "argus": ("argus-server", "argus", 500000, "argus -r {file} -w {dir}/out"),
    "pmacctd": ("pmacct", "pmacctd", 200000, "pmacctd -f {dir}/pmacctd.conf -I {file}"),
    "tshark": ("tshark", "tshark", 100000, "tshark -n -r {file} -q -z conv,udp -z conv,tcp"),
}
PMACCTD = """aggregate: src_host,dst_host,src_port,dst_port,proto
plugins: print
print_output: csv
print_output_file: {dir}/out.csv
print_refresh_time: 3600
print_cache_entries: 1000003
pcap_savefile_delay: 0
plugin_buffer_size: 1024000
plugin_pipe_size: 102400000
daemonize: false
"""


def peer_missing(name):
    package, program, _, _ = PEERS[name]
    if not shutil.which(program):
        return "%s is not installed (package %s; scripts/bench --install)" % (program, package)
    return None


def run_peer(name, path, packets, cpu, folder):
    with tempfile.TemporaryDirectory(dir=folder) as d:
        with open(os.path.join(d, "pmacctd.conf"), "w") as f:
            f.write(PMACCTD.format(dir=d))
        command = PEERS[name][3].format(file=path, dir=d).split()
        r = measure.run(command, cpu=cpu, timeout=90)
    return {"command": command, "packets": packets, "cpu_s": r["cpu_s"], "wall_s": r["wall_s"],
            "max_rss_bytes": r["max_rss_bytes"]}


def packages():
    """What the bench takes besides what building weir does."""
    return ["wireshark-common", "dpdk-dev", "valgrind", "linux-perf", "util-linux", "binutils",
            *[p[0] for p in PEERS.values()]]


def versions():
    found = {}
    p = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n", *packages(), "gcc",
                        "libdpdk-dev", "libpcap0.8"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in p.stdout.splitlines():
        status, package, version = line.split(None, 2)
        if status == "installed":
            found[package] = version
    return found
