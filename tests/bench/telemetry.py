"""What the queries of network telemetry cost: all at once beside testpmd, and what is dear in them beside what is cheap.

Costs are the CPU time of all threads while the worker runs, since the control thread combines the panes of sliding
windows and makes rows of what is closed; of the queries at once it is the worker's, as with other ports.
"""
import cores
from measure import Failed, median, spread

WINDOW = ["--window", "1s"]
COUNT = ["--agg", "n=count()"]
FLOWS = ["--key", "5tuple", "--agg", "packets=count(),bytes=sum(frame.len)", "--top", "20:bytes"]
NETS = ["--key", "net=net(ip.src,24)", "--agg", "bps=rate(frame.len)"]
OUT_OF_SEQUENCE = ("n=0,next=tcp.seq_raw; n+=next!=tcp.seq_raw; "
                   "next=tcp.seq_raw+tcp.len+tcp.flags.syn+tcp.flags.fin")

SYN, ACK_OF_SYN = "tcp.flags.syn && !tcp.flags.ack", "tcp.flags.syn && tcp.flags.ack"
# name, packets, rest of the chain; those whose rows others take have no sink
QUERIES = [
    ("new_tcp", ["--where", SYN], ["--key", "ip.dst", *COUNT, "--where", "n >= 40"]),
    ("ssh_brute", ["--where", "tcp.dstport == 22"],
     ["--key", "ip.dst,ip.len", "--agg", "n=distinct(ip.src)", "--where", "n >= 40"]),
    ("superspreader", [], ["--key", "ip.src", "--agg", "n=distinct(ip.dst)", "--where", "n >= 40"]),
    ("port_scan", ["--where", "tcp"], ["--key", "ip.src", "--agg", "n=distinct(tcp.dstport)", "--where", "n >= 40"]),
    ("ddos", [], ["--key", "ip.dst", "--agg", "n=distinct(ip.src)", "--where", "n >= 45"]),
    ("slowloris", ["--where", "tcp"],
     ["--key", "ip.dst", "--agg", "conns=distinct(ip.src,tcp.srcport),bytes=sum(ip.len)",
      "--where", "conns >= 5 && bytes >= 500 && bytes/conns <= 90"]),
    ("dns_reflect", ["--where", "udp.srcport == 53 && dns.resp.type == 46"],
     ["--key", "ip.dst", "--agg", "n=distinct(ip.src)", "--where", "n >= 40"]),
    ("heavy", [], ["--key", "ip.src,ip.dst", "--agg", "bytes=sum(ip.len)", "--top", "100:bytes"]),
    ("malicious_domain", [], ["--key", "dns.a", "--agg", "n=distinct(dns.qry.name)", "--where", "n >= 10"]),
    ("syn_flood", ["--from", "syn", "--join", "left:synack", "--join", "left:ack"],
     ["--where", "syn + synack - ack >= 3"]),
    ("incomplete", ["--from", "syn", "--join", "left:fin"], ["--where", "syn - fin >= 1"]),
    ("dns_tunnel", ["--from", "resolved", "--join", "left:opened"], ["--where", "a - c >= 1", "--key", "client", *COUNT]),
    ("zorro", ["--where", "tcp.dstport == 23", "--join", "semi:telnet@prev"],
     ["--where", 'payload contains "zorro"', "--key", "ip.dst", *COUNT]),
    ("udp_asymmetry", ["--from", "sent", "--join", "left:got"], ["--where", "s - r >= 100"]),
]
TAKEN = [
    ("syn", SYN, "host=ip.dst", "syn=count()"), ("synack", ACK_OF_SYN, "host=ip.src", "synack=count()"),
    ("ack", "tcp.flags == 0x10", "host=ip.dst", "ack=count()"), ("fin", "tcp.flags.fin", "host=ip.src", "fin=count()"),
    ("resolved", "udp.srcport == 53 && dns.count.answers >= 1", "client=ip.dst,server=dns.a", "a=count()"),
    ("opened", SYN, "client=ip.src,server=ip.dst", "c=count()"),
    ("sent", "udp", "host=ip.src", "s=count()"), ("got", "udp", "host=ip.dst", "r=count()"),
]
TELNET = ["--query", "telnet", "--where", "tcp.dstport == 23", "--key", "ip.dst,ip.len", "--agg", "n=distinct(ip.src)",
          "--where", "n >= 40", "--key", "ip.dst", "--agg", "k=count()"]


def all_queries():
    """The fourteen, in one command."""
    command = []
    for name, where, key, agg in TAKEN:
        command += ["--query", name, "--where", where, "--key", key, "--agg", agg]
    command += TELNET
    for name, packets, rest in QUERIES:
        command += ["--query", name, *packets, *rest, "--sink", "json:/dev/null"]
    return command


class Telemetry:
    def __init__(self, bench):
        self.bench = bench
        self.cores = cores.Cores(bench)

    def file(self, path, query, packets):
        """
        Over a preloaded capture, about so many packets. Files are waited for by a minute, more than all of it: then
        no pane would come back in time.
        """
        loops = max(1, packets // self.bench.folder.packets("imix"))
        r = self.cores.run(["-r", "%s?preload=1&loop=%d" % (path, loops), "--cores", "%d," % self.bench.a.cpu, "--lateness", "1s",
                            *query, "--sink", "json:/dev/null"], 1)
        if r["lost"]:
            raise Failed("it lost packets")
        return {**r, "cpu_s": r["all_cpu_s"], "worker_cpu_s": r["cpu_s"]}

    def cost(self, key, most, queries, packets):
        """How many times the cost of the first query the second has."""
        path = self.bench.input("imix")
        if not path:
            return
        (base, _), (name, _) = queries
        runs = self.bench.turns("imix " + key.split(" ", 1)[0], {
            n: lambda q=q: self.file(path, q, packets) for n, q in queries})
        if name in runs and base in runs:
            each = [a["cpu_s"] / b["cpu_s"] for a, b in zip(runs[name], runs[base])]
            self.bench.doc["differences"][key] = {"value": median(each), "most": most,
                                                  "noise": spread(each) * median(each)}

    def at_once(self):
        bench, name = self.bench, "port-imix"
        path = bench.input(name)
        if not path:
            return
        n, seconds = bench.folder.packets(name), 2.0 if bench.a.quick else 4.0
        memory = bench.memory_arguments(n)
        runs = bench.turns(name + " telemetry", {
            "fourteen queries": lambda: bench.weir.port(path, seconds, memory, all_queries(), "1s"),
            "testpmd rxonly": lambda: bench.testpmd.port(path, n, seconds / 2, memory)})
        bench.ratio("telemetry/testpmd port-imix", runs, "fourteen queries", "testpmd rxonly")
        bench.folder.drop(name)

    def sliding(self):
        """Forty windows' ends or four: the capture has a million packets a second."""
        for name, query in (("flows", FLOWS), ("subnets", NETS)):
            self.cost("sliding 10s/1s / tumbling 10s, %s" % name, 1.3, (
                ("tumbling " + name, [*query, "--window", "10s"]),
                ("sliding " + name, [*query, "--window", "10s/1s"])), 40000000)

    def distinct(self):
        self.cost("distinct / count, superspreader", 2.5, (
            ("count", ["--key", "ip.src", *COUNT, *WINDOW, "--where", "n >= 40"]),
            ("distinct", ["--key", "ip.src", "--agg", "n=distinct(ip.dst)", *WINDOW, "--where", "n >= 40"])), 40000000)

    def fold(self):
        self.cost("fold / count, out_of_sequence by 5-tuple", 1.5, (
            ("count", ["--key", "5tuple", *COUNT, *WINDOW, "--where", "n > 0"]),
            ("fold", ["--key", "5tuple", "--fold", OUT_OF_SEQUENCE, *WINDOW, "--where", "n > 0"])), 20000000)
