#!/usr/bin/env python3
"""The recipe for containers of docs/privileges.md, by an OCI runtime and the seccomp profile of podman: no --privileged.

The image's file system is this host's own, read-only; all else is what engines give: root with the capabilities that
were added and no ambient ones, no new privileges, a seccomp filter, a limit of locked memory, namespaces.
"""
import json
import os
import shutil

import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support"),
                os.path.dirname(os.path.realpath(__file__))]
import netns  # noqa: E402
import pcapmaker  # noqa: E402
import weir  # noqa: E402
from running import N, PPS, SLOWER, capture, run_tests  # noqa: E402

PROFILE = "/usr/share/containers/seccomp.json"
SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
MASKED = ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"]


def seccomp(caps):
    """The engines' profile for a container with these capabilities, as the runtime wants it."""
    with open(PROFILE) as f:
        profile = json.load(f)

    def holds(rule):
        inc, exc = rule.get("includes") or {}, rule.get("excludes") or {}
        if inc.get("arches") and "amd64" not in inc["arches"] or "amd64" in exc.get("arches", []):
            return False
        return all(c in caps for c in inc.get("caps", [])) and not any(c in caps for c in exc.get("caps", []))
    keys = ("names", "action", "args", "errnoRet")
    rules = [{k: r[k] for k in keys if r.get(k) is not None} for r in profile["syscalls"] if holds(r)]
    return {"defaultAction": profile["defaultAction"], "defaultErrnoRet": profile.get("defaultErrnoRet", 1),
            "architectures": ["SCMP_ARCH_X86_64"], "syscalls": rules}


def bundle(folder, args, caps, locked, net, user=0):
    """A container: its folder. net: the path of a network namespace, or None for a new one."""
    caps = ["CAP_" + c.upper() for c in caps]
    mounts = [{"destination": "/proc", "type": "proc", "source": "proc"},
              {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
              {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
              {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"]}]
    builds = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(weir.BINARY))))
    for path in ["/usr", "/etc", "/lib", "/lib64", "/bin", SOURCE, builds]:
        if os.path.islink(path):
            path_in = os.path.join(folder, "rootfs", path[1:])
            os.makedirs(os.path.dirname(path_in), exist_ok=True)
            os.symlink(os.readlink(path), path_in)
        elif os.path.isdir(path):
            mounts.append({"destination": path, "type": "bind", "source": path, "options": ["bind", "ro", "nosuid", "nodev"]})
    mounts.append({"destination": "/data", "type": "bind", "source": os.path.join(folder, "data"), "options": ["bind"]})
    for sub in ("rootfs", "data"):
        os.makedirs(os.path.join(folder, sub), exist_ok=True)
    os.chmod(os.path.join(folder, "data"), 0o777)
    namespaces = [{"type": t} for t in ("pid", "ipc", "uts", "mount")] + [{"type": "network", **({"path": net} if net else {})}]
    given = {k: caps if k in ("bounding", "effective", "permitted") and not (user and k != "bounding") else []
             for k in ("bounding", "effective", "permitted", "inheritable", "ambient")}
    config = {
        "ociVersion": "1.0.0", "root": {"path": "rootfs", "readonly": True}, "hostname": "weir", "mounts": mounts,
        "process": {"terminal": False, "user": {"uid": user, "gid": user}, "args": args, "cwd": "/", "noNewPrivileges": True,
                    "env": ["PATH=/usr/bin:/bin", "XDG_RUNTIME_DIR=/tmp"], "capabilities": given,
                    "rlimits": [{"type": "RLIMIT_MEMLOCK", "hard": locked, "soft": locked}]},
        "linux": {"namespaces": namespaces, "maskedPaths": MASKED, "seccomp": seccomp(caps)}}
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(config, f)
    return folder


class Container:
    """weir in a container, from its start to its end."""

    n = 0

    def __init__(self, folder, args, caps=(), locked=8 << 20, net=None, user=0):
        Container.n += 1
        self.folder = os.path.join(folder, "c%d" % Container.n)
        os.makedirs(self.folder)
        self.name = "weir-test-%d-%d" % (os.getpid(), Container.n)
        bundle(self.folder, [os.path.realpath(weir.BINARY), *args], caps, locked, net, user)
        self.base = ["crun", "--root", os.path.join(folder, "state"), "--cgroup-manager=disabled"]
        # crun refuses a host with both versions of control groups mounted, which are not used here
        hybrid = os.path.isdir("/sys/fs/cgroup/unified")
        front = ["unshare", "-m", "sh", "-c", 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"', "sh"] if hybrid else []
        self.p = subprocess.Popen([*front, *self.base, "run", "-b", self.folder, self.name], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def data(self, name):
        return os.path.join(self.folder, "data", name)

    def must_live(self):
        if self.p.poll() is not None:
            raise AssertionError("it ended: " + self.p.stderr.read())

    def kill(self, sig):
        subprocess.run([*self.base, "kill", self.name, sig], check=False, stderr=subprocess.PIPE)

    def end(self):
        """Status, standard output, standard error."""
        try:
            out, err = self.p.communicate(timeout=30 * SLOWER)
        except subprocess.TimeoutExpired:
            self.kill("KILL")
            out, err = self.p.communicate()
        return self.p.returncode, out, err

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.p.poll() is None:
            self.kill("KILL")
            self.p.communicate()


def live(folder, flags, caps, locked, is_up, word):
    """Exactly what was sent is counted, by a weir that became nobody in there."""
    with netns.Cable() as cable:
        path, sent = capture(cable, folder)
        args = ["-i", "weir0", *flags, "--user", "65534:65534", "--log", "info", "--stats", "/data/stats.json",
                "--window", "24h", "--agg", "n=count()"]
        with Container(folder, args, caps, locked, "/run/netns/" + cable.near) as c:
            def up():
                c.must_live()
                return is_up(cable)
            # --stats is opened by root, before its rights are given up
            netns.wait("weir that listens", up)
            netns.wait("weir that runs", lambda: os.path.exists(c.data("stats.json")) or c.must_live())
            pause(1.0)
            cable.send(path, PPS)
            pause(0.5)
            c.kill("INT")
            status, out, err = c.end()
        problems = [] if status == 0 else ["status %d: %s" % (status, err)]
        problems += ["no %r in: %s" % (w, err) for w in (word, "user 65534", "no capabilities") if w not in err]
        if status == 0:
            with open(c.data("stats.json")) as f:
                stats = json.load(f)
            if stats["received"]["packets"] != N or sum(stats["lost"].values()):
                problems.append("received %r, lost %r, not %d" % (stats["received"], stats["lost"], N))
        return problems + (["the XDP program is left"] if cable.has_xdp() else [])


def pause(seconds):
    """Before and after sending: the run in there has no control socket that could be asked from here."""
    time.sleep(seconds * SLOWER)


def test_files(folder):
    """a file, as a user without any capability"""
    with Container(folder, ["-r", "/data/f.pcap", "--window", "global", "--agg", "n=count()", "--sink", "csv", "--quiet"], user=65534) as c:
        pcapmaker.write_pcap(c.data("f.pcap"), [pcapmaker.packet(src="10.0.0.1", dst="10.0.0.2", udp=(1, 2))] * 7)
        status, out, err = c.end()
    return [] if status == 0 and out.strip().endswith(",7") else ["status %d, %r, %r" % (status, out, err)]


def test_tap(folder):
    """an interface, tapped: NET_RAW, SETUID and SETGID under the engines' seccomp profile"""
    return live(folder, ["--tap"], ["net_raw", "setuid", "setgid"], 8 << 20, lambda cable: cable.is_tapped(), "weir0: tapped")


def test_take(folder):
    """an interface over AF_XDP: NET_RAW, NET_ADMIN, SYS_ADMIN, SETUID, SETGID, and memory that may be locked"""
    netns.need_xdp_program()
    locked, caps = 64 << 20, ["net_raw", "net_admin", "sys_admin", "setuid", "setgid"]
    if subprocess.run(["prlimit", "--memlock=%d:%d" % (locked, locked), "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        print("# the limit of locked memory cannot be raised here: IPC_LOCK in its place", flush=True)
        locked, caps = 8 << 20, [*caps, "ipc_lock"]
    return live(folder, ["--take"], caps, locked, lambda cable: cable.has_xdp(), "weir's XDP program")


def test_take_less(folder):
    """the same with the engines' usual limit of locked memory: over AF_PACKET, and why is said"""
    return live(folder, ["--take"], ["net_raw", "net_admin", "sys_admin", "setuid", "setgid"], 8 << 20,
                lambda cable: cable.is_tapped(), "locked memory")


def test_nothing(folder):
    """a container with no capability may not tap, and weir names the one that is missing"""
    with netns.Cable() as cable, Container(folder, ["-i", "weir0", "--tap"], net="/run/netns/" + cable.near) as c:
        status, _, err = c.end()
    return [] if status == 1 and "CAP_NET_RAW" in err else ["status %d: %s" % (status, err)]


def provided(test):
    def inner(folder):
        if os.geteuid() != 0:
            raise netns.Unavailable("it takes root")
        if not shutil.which("crun"):
            raise netns.Unavailable("crun is missing")
        if not os.path.exists(PROFILE):
            raise netns.Unavailable("%s (golang-github-containers-common) is missing" % PROFILE)
        os.chmod(folder, 0o755)
        p = subprocess.run(["crun", "--version"], stdout=subprocess.PIPE, text=True, check=False)
        if "+SECCOMP" not in p.stdout:
            raise netns.Unavailable("crun was built without seccomp")
        return test(folder)
    inner.__doc__, inner.__name__ = test.__doc__, test.__name__
    return inner


if __name__ == "__main__":
    run_tests([provided(t) for t in (test_files, test_tap, test_take, test_take_less, test_nothing)])
