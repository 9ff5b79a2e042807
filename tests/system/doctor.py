#!/usr/bin/env python3
"""weir-doctor and drivers-config/bind: documents, mending, NICs bound on a made host; rights that suffice, for real.

A made host is a folder with files as sysfs and procfs have them. Where the kernel would do something (a driver takes a
NIC), a thread does it: it reads what is written to drivers_probe, a pipe, and sets the link `driver` as the kernel would.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support")]
import netns  # noqa: E402
import pcapmaker  # noqa: E402
import tap  # noqa: E402
import weir  # noqa: E402

BIND = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "drivers-config", "bind")
NIC = "0000:03:00.0"


class Tree:
    """A made host with one NIC, eth1 of i40e, and vfio-pci loaded."""

    def __init__(self, folder):
        self.root = folder
        self.refuses = False  # does vfio-pci take the NIC?
        base = "sys/bus/pci/devices/%s/" % NIC
        for path, text in (
                (base + "class", "0x020000\n"), (base + "vendor", "0x8086\n"), (base + "device", "0x1572\n"),
                (base + "driver_override", ""), (base + "net/eth1/ifindex", "3\n"),
                ("sys/bus/pci/drivers/i40e/unbind", ""), ("sys/bus/pci/drivers/vfio-pci/unbind", ""),
                ("sys/class/net/eth1/ifindex", "3\n"), ("sys/class/net/eth1/flags", "0x1003\n"),
                ("sys/class/net/eth1/type", "1\n"), ("sys/class/net/eth1/mtu", "1500\n"),
                ("sys/class/net/eth1/carrier", "1\n"), ("proc/net/route", "Iface\tDestination\n"),
                ("sys/kernel/iommu_groups/7/devices/" + NIC, "")):
            self.put(path, text)
        self.link(base + "driver", "../../drivers/i40e")
        self.link(base + "iommu_group", "../../../kernel/iommu_groups/7")
        os.mkfifo(self.at("sys/bus/pci/drivers_probe"))

    def at(self, path):
        return os.path.join(self.root, path)

    def put(self, path, text):
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        with open(self.at(path), "w", encoding="utf-8") as f:
            f.write(text)

    def get(self, path):
        with open(self.at(path), encoding="utf-8") as f:
            return f.read()

    def link(self, path, target):
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        if os.path.islink(self.at(path)):
            os.unlink(self.at(path))
        os.symlink(target, self.at(path))

    def driver(self):
        return os.path.basename(os.readlink(self.at("sys/bus/pci/devices/%s/driver" % NIC)))

    def route(self, name, to="00000000", mask="00000000"):
        self.put("proc/net/route", "Iface\tDestination\n%s\t%s\t0100000A\t0003\t0\t0\t0\t%s\t0\t0\t0\n" % (name, to, mask))

    def be_the_kernel(self, stop):
        while True:
            with open(self.at("sys/bus/pci/drivers_probe"), encoding="utf-8") as f:
                device = f.read().strip()
            if stop.is_set():
                return
            wanted = self.get("sys/bus/pci/devices/%s/driver_override" % device).strip() or "i40e"
            if not (self.refuses and wanted == "vfio-pci"):
                self.link("sys/bus/pci/devices/%s/driver" % device, "../../drivers/" + wanted)

    def bind(self, *args, ssh=None):
        """A run of the script, with a kernel beside it. Of SSH only what is said is in its environment, and above it."""
        env = {k: v for k, v in os.environ.items() if k != "SSH_CONNECTION"}
        if ssh:
            env["SSH_CONNECTION"] = ssh
        stop = threading.Event()
        kernel = threading.Thread(target=self.be_the_kernel, args=(stop,))
        kernel.start()
        try:
            return weir.run(["--root", self.root, *args], binary=BIND, env=env)
        finally:
            stop.set()
            with open(self.at("sys/bus/pci/drivers_probe"), "w", encoding="utf-8"):
                pass
            kernel.join()


def said(p, status, *parts):
    out = (p.stdout + p.stderr).decode("utf-8", "replace")
    return weir.ended(p, (status,)) + ["no %r in %r" % (x, out[:600]) for x in parts if x not in out]


def check_bind(t, folder):
    h = Tree(folder)
    p = h.bind("--dry-run", NIC)
    t.check("bind --dry-run writes nothing", said(p, 0, "would write 'vfio-pci'", "would write '%s'" % NIC)
            + ([] if h.driver() == "i40e" and h.get("sys/bus/pci/devices/%s/driver_override" % NIC) == ""
               and not os.path.exists(h.at("run")) else ["it has"]))
    p = h.bind("eth1")
    t.check("a NIC is bound by its interface's name, and its driver remembered",
            said(p, 0, "vfio-pci has it") + ([] if h.driver() == "vfio-pci" else ["its driver is " + h.driver()])
            + ([] if h.get("sys/bus/pci/drivers/i40e/unbind") == NIC else ["it was not unbound"])
            + ([] if "driver=i40e" in h.get("run/weir/bound/" + NIC) else ["nothing is remembered"]))
    t.check("bound again it stays", said(h.bind("03:00.0"), 0, "has it already"))
    t.check("status tells what was before", said(h.bind("--status"), 0, "vfio-pci", "before: i40e"))
    p = h.bind("--restore", "all")
    t.check("it is given back", said(p, 0, "i40e has it again")
            + ([] if h.driver() == "i40e" and not os.listdir(h.at("run/weir/bound")) else ["it is not"]))
    t.check("given back twice is an error", said(h.bind("--restore", NIC), 1, "nothing is remembered"))
    h.refuses = True
    p = h.bind(NIC)
    t.check("a NIC that is not taken goes back to its driver", said(p, 1, "did not take it", "giving it back to i40e")
            + ([] if h.driver() == "i40e" and not os.listdir(h.at("run/weir/bound")) else ["it has not"]))
    h.refuses = False
    t.check("no such NIC", said(h.bind("0000:09:00.0"), 1, "no such NIC", NIC))
    t.check("nothing to do is an error of the command line", said(h.bind(), 2, "name a NIC"))


def check_refusals(t, folder):
    h = Tree(folder)
    bound = ["--even-if-used", NIC]
    kept = lambda: [] if h.driver() == "i40e" and not os.path.exists(h.at("run")) else ["it was touched"]  # noqa: E731
    h.route("eth1")
    t.check("the default route's interface is refused", said(h.bind(*bound), 1, "default route") + kept())
    h.put("proc/net/route", "Iface\n")
    h.put("proc/net/ipv6_route", "%s 00 %s 00 %s 00000400 00000001 00000000 00450003 eth1\n" % ("0" * 32, "0" * 32, "fe80" + "0" * 28))
    t.check("and IPv6's", said(h.bind(*bound), 1, "default route") + kept())
    h.put("proc/net/ipv6_route", "")
    h.route("bond0")
    h.put("sys/class/net/bond0/ifindex", "9\n")
    h.link("sys/class/net/eth1/master", "../bond0")
    t.check("and what a bond of it rides on", said(h.bind(*bound), 1, "default route") + kept())
    os.unlink(h.at("sys/class/net/eth1/master"))
    h.route("eth1.5")
    h.put("sys/class/net/eth1.5/lower_eth1/x", "")
    t.check("and a VLAN", said(h.bind(*bound), 1, "default route") + kept())
    h.route("eth1", "0000000A", "000000FF")
    t.check("a used interface is refused", said(h.bind(NIC), 1, "10.0.0.0/8", "--even-if-used") + kept())
    ssh = "10.1.2.3 50000 10.0.0.1 22"
    t.check("the session's interface is refused", said(h.bind(*bound, ssh=ssh), 1, "SSH session") + kept())
    # sudo takes the variable away: a parent of the script still has it
    p = subprocess.run(["sh", "-c", "env -u SSH_CONNECTION %s --root %s --even-if-used %s; exit $?" % (BIND, folder, NIC)],
                       env={**os.environ, "SSH_CONNECTION": ssh}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=weir.TIMEOUT)
    t.check("without the variable, too", said(p, 1, "SSH session") + kept())
    p = h.bind(*bound, ssh="192.168.1.1 50000 192.168.1.2 22")
    t.check("a session that comes by nobody knows where refuses all", said(p, 1, "no route tells") + kept())
    h.put("proc/net/route", "Iface\n")
    os.unlink(h.at("sys/bus/pci/devices/%s/iommu_group" % NIC))
    t.check("without IOMMU it is refused", said(h.bind(NIC), 1, "IOMMU group") + kept())


FINDING = {"level": str, "check": str, "found": str, "why": str, "mend": (str, type(None)), "fixable": bool}
NEEDS = {"ports": int, "packet_buffers": int, "port_bytes": int, "nodes": dict, "anywhere_bytes": int, "table_bytes": int,
         "needs_hugepages": bool}


def schema(document, wants):
    problems = ["not %s but %s" % (sorted(wants), sorted(document))] if set(document) != set(wants) else []
    return problems + ["%s is %r" % (k, document[k]) for k, v in wants.items() if k in document and not isinstance(document[k], v)]


def judge(p, *more):
    """Problems of a --json document, which has these beside."""
    try:
        d = json.loads(p.stdout)
    except ValueError:
        return ["no JSON: %r" % p.stdout[:300]], {}
    problems = schema(d, {"findings": list, "usable": bool, **{k: (list, dict) for k in more}})
    for f in d["findings"]:
        problems += schema(f, FINDING)
        if f["level"] not in ("ok", "warn", "fail") or (f["level"] == "ok") != (f["mend"] is None):
            problems.append("level and mend of %r" % f)
    return problems + (schema(d["needs"], NEEDS) if "needs" in d else []), d


def check_documents(t, folder):
    h = Tree(folder)
    h.put("proc/self/status", "CapEff:\t000001ffffffffff\nCpus_allowed_list:\t0-3\n")
    h.put("sys/devices/system/cpu/online", "0-3\n")
    pages = "sys/devices/system/node/node0/hugepages/hugepages-2048kB/"
    h.put(pages + "nr_hugepages", "0\n")
    h.put(pages + "free_hugepages", "0\n")
    h.put("proc/sys/vm/nr_hugepages", "0\n")
    h.put("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n")
    look = ["--root", folder, "--json"]
    p = weir.run(look, binary=weir.DOCTOR)
    t.check("--json of a host", weir.ended(p, (0, 1)) + judge(p)[0])
    nic = ["--", "-i", NIC, "--cores", "2", "--key", "ip.src", "--agg", "n=count()"]
    problems, d = judge(weir.run(look + nic, binary=weir.DOCTOR), "needs")
    one, e = judge(weir.run(look + [x if x != "2" else "1" for x in nic], binary=weir.DOCTOR), "needs")
    if not problems + one:
        if not (d["needs"]["needs_hugepages"] and d["needs"]["packet_buffers"] > e["needs"]["packet_buffers"] > 2048
                and d["needs"]["table_bytes"] > 0):
            problems.append("needs %r, with one worker %r" % (d["needs"], e["needs"]))
        problems += [] if not d["usable"] else ["it says that this can run"]
    t.check("what a command line needs grows with its workers", problems + one)
    p = weir.run(["--root", folder, "--fix"], binary=weir.DOCTOR)
    t.check("--fix without an answer does nothing",
            said(p, 0, "do it?") + ([] if h.get("proc/sys/vm/nr_hugepages") == "0\n" else ["it has"]))
    with tempfile.TemporaryFile() as answers:
        answers.write(b"n\ny\n")
        answers.seek(0)
        p = weir.run(["--root", folder, "--fix"], binary=weir.DOCTOR, stdin=answers)
    got = h.get("proc/sys/vm/nr_hugepages").strip(), h.get("sys/kernel/mm/transparent_hugepage/enabled").strip()
    t.check("--fix asks for each", weir.ended(p, (0, 1)) + ([] if got == ("0", "madvise") else ["%r" % (got,)]))
    h.put("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n")
    p = weir.run(look + ["--fix", "--yes"], binary=weir.DOCTOR)
    problems, d = judge(p, "fixes")
    done = {f["mend"]: f["error"] for f in d.get("fixes", [])}
    problems += [] if done.get("sudo sysctl vm.nr_hugepages=512", 0) is None else ["%r" % done]
    problems += [] if h.get("proc/sys/vm/nr_hugepages") == "512" else ["nothing is written"]
    problems += [] if h.driver() == "i40e" else ["the NIC was touched"]
    t.check("--fix --yes does what is safe, and says what", problems)
    for what, args, parts in (
            ("--yes alone", ["--yes"], ["--fix"]), ("nothing behind --", ["--"], ["weir's arguments"]),
            ("a wrong argument of weir's", ["--", "-i", "x", "--coers", "2"], ["--coers", "--cores"]),
            ("a wrong expression", ["--", "-i", "x", "--where", "ip.srk==1"], ["ip.srk", "ip.src"]),
            ("sources twice", ["-i", "x", "--", "-i", "y"], ["not both"])):
        t.check(what + " is a wrong command line", said(weir.run(args, binary=weir.DOCTOR), 2, *parts))


def doctor_in(cable, args, caps=None):
    """weir-doctor in the near namespace, as nobody with these capabilities alone."""
    ns = ["ip", "netns", "exec", cable.near]
    return weir.run(ns[1:] + with_caps(caps) + [weir.DOCTOR, "--json", *args], binary=ns[0])


def with_caps(caps):
    if caps is None:
        return []
    listed = ",".join(["-all"] + ["+" + c for c in caps])
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=" + listed,
            "--ambient-caps=" + listed, "--bounding-set=" + listed]


def check_rights(t, cable, folder):
    """What the doctor calls enough is enough for weir, and what it calls too little is too little."""
    shutil.copy(weir.BINARY, folder + "/weir")
    shutil.copy(weir.DOCTOR, folder + "/weir-doctor")
    shutil.copytree(os.path.dirname(BIND), folder + "/drivers-config")  # nobody may not look into this source tree
    pcapmaker.write_pcap(folder + "/x.pcap", [pcapmaker.packet(src="10.0.0.1", dst="10.0.0.2", udp=(1, 2))])
    os.chmod(folder, 0o755)
    os.chown(folder, 65534, 65534)
    for what, source, caps, works in (
            ("a file", ["-r", folder + "/x.pcap"], [], True),
            ("a generator", ["--source", "gen:udp?count=10"], [], True),
            ("net_null", ["-i", "vdev:net_null0"], [], True),
            ("tapping", ["-i", "weir0", "--tap"], ["net_raw"], True),
            ("tapping, without", ["-i", "weir0", "--tap"], [], False),
            ("AF_PACKET through DPDK", ["-i", "vdev:net_af_packet0,iface=weir0"], ["net_raw", "net_admin"], True),
            ("AF_PACKET through DPDK, without", ["-i", "vdev:net_af_packet0,iface=weir0"], ["net_raw"], False),
            # and a lock in /run/xdp, which is root's: read it by right, or see weir-doctor's cure
            ("AF_XDP", ["-i", "weir0", "--take"], ["net_raw", "net_admin", "sys_admin", "ipc_lock", "dac_read_search"], True)):
        line = [*source, "--packets", "1", "--for", "1s", "--agg", "n=count()"]
        front = ["netns", "exec", cable.near] + with_caps(caps)
        env = {**os.environ, "XDG_RUNTIME_DIR": folder, "WEIR_DRIVERS_DIR": folder + "/drivers-config"}
        p = weir.run(front + [folder + "/weir", *line], binary="ip", env=env)
        q = weir.run(front + [folder + "/weir-doctor", "--json", "--", *line], binary="ip", env=env)
        problems, d = judge(q, "needs")
        refused = [f["found"] for f in d.get("findings", []) if f["check"] == "capabilities" and f["level"] == "fail"]
        problems += weir.ended(p, (0,) if works else (1,))
        if bool(refused) == works:
            problems.append("the doctor refuses %r" % refused)
        if "--take" in line and b"through AF_XDP" not in p.stderr:
            problems.append("it was not taken: %r" % p.stderr[:300])
        t.check("rights for %s: %s" % (what, ",".join(caps) or "none"), problems)


def check_cure(t, cable, folder):
    """The cure for tapping, done to a copy of weir, lets nobody tap; and no cure gives a file more than that."""
    problems, d = judge(doctor_in(cable, ["-i", "weir0"], []))
    cures = [f["mend"] for f in d.get("findings", []) if f["check"] == "capabilities" and f["mend"]]
    given = re.findall(r"setcap (\S+)", " ".join(cures))
    if set(given) != {"cap_net_raw=ep"}:
        problems.append("given to the file: %r" % given)
    if not any("--user" in x for x in cures):
        problems.append("no cure for AF_XDP: %r" % cures)
    binary = folder + "/weir"
    shutil.copy(weir.BINARY, binary)
    shutil.copytree(os.path.dirname(BIND), folder + "/drivers-config")
    os.chmod(folder, 0o755)
    front = ["netns", "exec", cable.near, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    args = [binary, "-i", "weir0", "--packets", "1", "--for", "0.3s", "--control", "never"]
    env = {**os.environ, "WEIR_DRIVERS_DIR": folder + "/drivers-config"}
    before = weir.run(front + args, binary="ip", env=env)
    problems += said(before, 1, "CAP_NET_RAW")
    subprocess.run(["setcap", given[0] if given else "", binary], check=True, stderr=subprocess.PIPE)
    after = weir.run(front + [*args, "--tap"], binary="ip", env=env)
    t.check("the cure for tapping is enough, and the least", problems + said(after, 0, "weir0: tapped"))


def check_live(t, cable):
    netns.ip("-n", cable.near, "link", "set", "weir0", "down")
    p = doctor_in(cable, ["-i", "weir0"])
    problems, d = judge(p)
    down = [f for f in d.get("findings", []) if f["check"] == "interface"]
    t.check("an interface that is down fails, and can be mended",
            weir.ended(p, (1,)) + problems + ([] if down and down[0]["level"] == "fail" and down[0]["fixable"] else ["%r" % down]))
    # other findings of this host would be mended, too, if it said yes to all: so answer by question
    p = subprocess.Popen(["ip", "netns", "exec", cable.near, weir.DOCTOR, "-i", "weir0", "--fix"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    asked = b""
    while True:
        c = p.stderr.read(1)
        if not c:
            break
        asked += c
        if asked.endswith(b"[y/N] "):
            p.stdin.write(b"y\n" if b"ip link set weir0 up" in asked.splitlines()[-2] else b"n\n")
            p.stdin.flush()
    out = p.stdout.read().decode("utf-8", "replace")
    p.wait(timeout=weir.TIMEOUT)
    p.stdin.close()
    state = netns.ip("-n", cable.near, "-br", "link", "show", "dev", "weir0").stdout
    t.check("--fix sets it up", ([] if state.split()[1] == "UP" and "weir0: up" in out else ["%r, %r" % (state, asked)]))
    netns.ip("netns", "exec", cable.near, "ethtool", "-L", "weir0", "rx", "1")
    p = doctor_in(cable, ["--", "-i", "weir0", "--cores", "2", "--agg", "n=count()"])
    rss = [f for f in judge(p, "needs")[1].get("findings", []) if f["check"] == "rss"]
    t.check("queues that are not in use are found", [] if rss and rss[0]["level"] == "warn" and "ethtool -L weir0 rx 2" in (rss[0]["mend"] or "")
            else ["%r" % rss])
    # this driver does XDP natively as long as it has a queue for each of its peer's
    for n, level in (("1", "warn"), ("2", "ok")):
        netns.ip("netns", "exec", cable.near, "ethtool", "-L", "weir0", "rx", n)
        xdp = [f for f in judge(doctor_in(cable, ["-i", "weir0"]))[1].get("findings", []) if f["check"] == "xdp"]
        t.check("XDP of veth with %s queues is as the kernel tells" % n,
                [] if xdp and xdp[0]["level"] == level else ["%r" % xdp])


def main():
    t = tap.Tap()
    for check in (check_bind, check_refusals, check_documents):
        with tempfile.TemporaryDirectory() as d:
            check(t, d)
    try:
        with netns.Cable(queues=2) as cable, tempfile.TemporaryDirectory() as d:
            check_live(t, cable)
            if shutil.which("setpriv"):
                check_rights(t, cable, d)
                with tempfile.TemporaryDirectory() as e:
                    if shutil.which("setcap"):
                        check_cure(t, cable, e)
                    else:
                        t.skip("the cure for tapping", "setcap (libcap2-bin) is missing")
            else:
                t.skip("rights that suffice", "setpriv (util-linux) is missing")
    except netns.Unavailable as e:
        t.skip("live interfaces", str(e))
    t.done()


main()
