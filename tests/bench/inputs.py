"""The captures that are measured on, made by weir's own generator, kept in memory while the bench runs."""
import os
import shutil
import subprocess

import measure

# name: generator, packets (full, quick), flows, bytes kept of a packet
FILES = {
    "udp-10k": ("udp?size=64&flows=10k&seed=7", (2000000, 1000000), 10000, 96),
    "udp-1m": ("udp?size=64&flows=1M&seed=7", (4000000, 2000000), 1000000, 96),
    "imix": ("imix?flows=100k&dist=zipf:1.1&v6=0.3&seed=7", (2000000, 1000000), 100000, 96),
}
# 64-byte UDP, by number of flows: two packets a flow at least
SERIES = {
    "series-1k": ("udp?size=64&flows=1k&seed=7", (2000000, 1000000), 1000, 96),
    "series-10k": ("udp?size=64&flows=10k&seed=7", (2000000, 1000000), 10000, 96),
    "series-100k": ("udp?size=64&flows=100k&seed=7", (2000000, 1000000), 100000, 96),
    "series-1m": ("udp?size=64&flows=1M&seed=7", (4000000, 2000000), 1000000, 96),
    "series-10m": ("udp?size=64&flows=10M&seed=7", (20000000, 0), 10000000, 96),
}
# What a virtual port replays again and again: each packet takes a buffer of DPDK.
PORTS = {
    "port-4k": ("udp?size=64&flows=4k&seed=7", (4000, 4000), 4000, 96),
    "port-10k": ("udp?size=64&flows=10k&seed=7", (40000, 40000), 10000, 96),
    "port-1m": ("udp?size=64&flows=1M&seed=7", (1000000, 0), 1000000, 96),
    "port-imix": ("imix?flows=100k&dist=zipf:1.1&v6=0.3&seed=7", (100000, 100000), 100000, 1518),
}
ALL = {**FILES, **SERIES, **PORTS}


class Inputs:
    """A folder in memory. Each input is made when it is first asked for; drop() frees it."""

    def __init__(self, weir, folder, limit_bytes, is_quick):
        self.weir, self.folder, self.limit_bytes, self.is_quick = weir, folder, limit_bytes, is_quick
        os.makedirs(folder, mode=0o700, exist_ok=False)

    def packets(self, name):
        return ALL[name][1][1 if self.is_quick else 0]

    def flows(self, name):
        return ALL[name][2]

    def path(self, name):
        return os.path.join(self.folder, name + ".pcap")

    def _check_room(self, name):
        _, _, _, snap = ALL[name]
        need = self.packets(name) * (snap + 16)
        used = sum(e.stat().st_size for e in os.scandir(self.folder) if e.is_file())
        free = shutil.disk_usage(self.folder).free
        if used + need > self.limit_bytes:
            raise measure.Failed("it would take %d MB, over the bound of %d MB (--memory)" % (
                (used + need) >> 20, self.limit_bytes >> 20))
        if need > free * 0.8:
            raise measure.Failed("%s has only %d MB free" % (self.folder, free >> 20))

    def get(self, name):
        """The path of the capture, made now where it is not there."""
        path = self.path(name)
        if os.path.exists(path):
            return path
        if not self.packets(name):
            raise measure.Failed("left out by --quick")
        self._check_room(name)
        self.make(ALL[name][0], self.packets(name), ALL[name][3], path)
        return path

    def make(self, kind, packets, snap, path):
        generate = subprocess.Popen(
            [self.weir, "--quiet", "--source", "gen:%s&count=%d" % (kind, packets), "--sink", "pcapng:/dev/stdout"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        convert = subprocess.run(["editcap", "-F", "pcap", "-s", str(snap), "-", path], stdin=generate.stdout,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        generate.stdout.close()
        said = generate.stderr.read().decode("utf-8", "replace").strip()
        if generate.wait() or convert.returncode:
            raise measure.Failed("the input cannot be made: %s" % (said or convert.stderr.strip()))

    def head(self, name, packets):
        """The first packets of an input, for programs that would take too long over all of it."""
        path = os.path.join(self.folder, "%s-%d.pcap" % (name, packets))
        if self.packets(name) <= packets:
            return self.get(name), self.packets(name)
        if not os.path.exists(path):
            subprocess.run(["editcap", "-F", "pcap", "-r", self.get(name), path, "1-%d" % packets], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return path, packets

    def drop(self, name):
        for e in os.scandir(self.folder):
            if e.name == name + ".pcap" or e.name.startswith(name + "-") and e.name.endswith(".pcap"):
                os.unlink(e.path)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)
