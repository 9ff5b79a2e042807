"""The queries: their flags, on what they are run, and who answers.

`flags` are weir's, with the published thresholds as defaults of their parameters in braces; `on` are captures that hold the
thing, each with the window that queries without one of their own are run with, and parameters low enough to give rows.
"""
import dataclasses
import shlex

import tables
import walks

SYN = "--query syn --where 'tcp.flags.syn && !tcp.flags.ack' --key host=ip.dst --agg 'syn=count()' "
OUT_OF_SEQUENCE = "n=0,next=tcp.seq_raw; n+=next!=tcp.seq_raw; next=tcp.seq_raw+tcp.len+tcp.flags.syn+tcp.flags.fin"
NON_MONOTONIC = "n=0,max=tcp.seq_raw; n+=seqlt(tcp.seq_raw,max); max=seqmax(max,tcp.seq_raw)"
TIMEOUTS = "n=0,t=frame.time_epoch; g=frame.time_epoch-t; n+=g>0.2&&g<0.32; t=frame.time_epoch"
FLOW = walks.FLOW
# captures
P2P = "mixed/mixed-p2p-gnutella.pcap"
MERCURY = "mixed/mixed-mercury-capture2.pcap"
MANY = "mixed/mixed-many-protocols.pcap"
JUMBO = "ip/jumbo-gro.pcap"
DNS = "app/dns.pcap"
SCAN = "attack/portscan-syn.pcap"
SSH = "attack/ssh-bruteforce.pcap"
BOT = "attack/iot-bot-telnet-scan.pcap"
REFLECTION = "attack/dns-reflection-part1.pcap"
SYNACK = "attack/tcp-synack-reflection.pcap"
TELNET = "app/telnet-session.pcap"
FLOOD = "attack/synflood-spoofed.pcap"


@dataclasses.dataclass
class Query:
    name: str
    flags: str
    answer: object
    columns: tuple                # of a row, keys first
    n_keys: int
    defaults: dict = dataclasses.field(default_factory=dict)
    window: str = None            # that of the flags; None: the default one
    top: tuple = None             # (number, column)
    within: dict = dataclasses.field(default_factory=dict)   # column -> how far it may be off, as a share
    attack: str = "rate=2000&count=6000"  # of its generator; enough for a few windows
    in_file: dict = dataclasses.field(default_factory=dict)  # parameters for the attack's capture, which lacks what files lack
    on: tuple = ()                # (capture, default window or None, parameters)

    def arguments(self, **parameters):
        text = self.flags.format(**{**self.defaults, **parameters})
        head = [] if text.startswith("--query ") else ["--query", self.name]
        return head + shlex.split(text)

    def rows(self, capture, window=None, **parameters):
        """the answer, in the order in which the rows must come"""
        rows = self.answer(capture, self.window or window, **{**self.defaults, **parameters})
        return self.ordered(rows)

    def key(self, row):
        return tuple(row[c] for c in self.columns[:self.n_keys])

    def ordered(self, rows):
        windows = {}
        for r in sorted(rows, key=lambda r: (r["end"], r["start"], [order(x) for x in self.key(r)])):
            windows.setdefault((r["end"], r["start"]), []).append({c: r[c] for c in ("start", "end", *self.columns)})
        found = []
        for some in windows.values():
            if self.top:
                n, column = self.top
                some = sorted(some, key=lambda r: -r[column])[:n]
            found += some
        return found


TELEMETRY = [
    Query("new_tcp", "--where 'tcp.flags.syn && !tcp.flags.ack' --key ip.dst --agg 'n=count()' --where 'n >= {least}'",
          tables.new_tcp, ("ip.dst", "n"), 1, {"least": 40},
          on=((SCAN, "1s", {}), (SCAN, "global", {}),
              (P2P, "1s", {"least": 2}))),
    Query("ssh_brute", "--where 'tcp.dstport == 22' --key ip.dst,ip.len --agg 'n=distinct(ip.src)' --where 'n >= {least}'",
          tables.ssh_brute, ("ip.dst", "ip.len", "n"), 2, {"least": 40},
          on=((SSH, "1s", {"least": 1}), (SSH, "global", {"least": 1}))),
    Query("superspreader", "--key ip.src --agg 'n=distinct(ip.dst)' --where 'n >= {least}'",
          tables.superspreader, ("ip.src", "n"), 1, {"least": 40},
          on=((BOT, "global", {}), (BOT, "1s", {"least": 3}),
              (P2P, "1s", {"least": 3}))),
    Query("port_scan", "--where 'tcp' --key ip.src --agg 'n=distinct(tcp.dstport)' --where 'n >= {least}'",
          tables.port_scan, ("ip.src", "n"), 1, {"least": 40},
          on=((SCAN, "1s", {}), (SCAN, "global", {"least": 1}))),
    Query("ddos", "--key ip.dst --agg 'n=distinct(ip.src)' --where 'n >= {least}'",
          tables.ddos, ("ip.dst", "n"), 1, {"least": 45},
          on=((FLOOD, "1s", {}), (SYNACK, "1s", {}), (REFLECTION, "global", {}),
              (REFLECTION, "1s", {"least": 5}))),
    Query("syn_flood", SYN +
          "--query synack --where 'tcp.flags.syn && tcp.flags.ack' --key host=ip.src --agg 'synack=count()' "
          "--query ack --where 'tcp.flags == 0x10' --key host=ip.dst --agg 'ack=count()' "
          "--query syn_flood --from syn --join left:synack --join left:ack --where 'syn + synack - ack >= {least}'",
          tables.syn_flood, ("host", "syn", "synack", "ack"), 1, {"least": 3},
          on=((FLOOD, "1s", {}), (FLOOD, "global", {}), (SCAN, "1s", {}), (SSH, "global", {"least": -1000}),
              (P2P, "1s", {"least": 1}), (MERCURY, "1s", {"least": -3}))),
    Query("incomplete", SYN +
          "--query fin --where 'tcp.flags.fin' --key host=ip.src --agg 'fin=count()' "
          "--query incomplete --from syn --join left:fin --where 'syn - fin >= {least}'",
          tables.incomplete, ("host", "syn", "fin"), 1, {"least": 1},
          on=((SCAN, "1s", {}), (SSH, "1s", {"least": -1000}),
              (P2P, "global", {}))),
    Query("slowloris", "--where 'tcp' --key ip.dst --agg 'conns=distinct(ip.src,tcp.srcport),bytes=sum(ip.len)' "
          "--where 'conns >= {conns} && bytes >= {size} && bytes/conns <= {each}'",
          tables.slowloris, ("ip.dst", "conns", "bytes"), 1, {"conns": 5, "size": 500, "each": 90},
          on=((FLOOD, "1s", {}), (SYNACK, "1s", {}),
              (SSH, "1s", {"conns": 1, "size": 1, "each": 100000}),
              (MERCURY, "global", {"each": 300}))),
    Query("dns_tunnel",
          "--query resolved --where 'udp.srcport == 53 && dns.count.answers >= 1' --key client=ip.dst,server=dns.a "
          "--agg 'a=count()' "
          "--query opened --where 'tcp.flags.syn && !tcp.flags.ack' --key client=ip.src,server=ip.dst --agg 'c=count()' "
          "--query dns_tunnel --from resolved --join left:opened --where 'a - c >= {least}' --key client --agg 'n=count()'",
          tables.dns_tunnel, ("client", "n"), 1, {"least": 1},
          on=((DNS, "1s", {}), (MERCURY, "global", {}),
              (MERCURY, "1s", {"least": 0}), (JUMBO, "1s", {"least": -5}))),
    Query("zorro",
          "--query telnet --where 'tcp.dstport == 23' --key ip.dst,ip.len --agg 'n=distinct(ip.src)' "
          "--where 'n >= {least}' --key ip.dst --agg 'k=count()' "
          "--query zorro --where 'tcp.dstport == 23' --join semi:telnet@prev --where 'payload contains \"{word}\"' "
          "--key ip.dst --agg 'n=count()'",
          tables.zorro, ("ip.dst", "n"), 1, {"least": 40, "word": "zorro"},
          on=((TELNET, "1s", {"least": 1, "word": "e"}),)),
    Query("dns_reflect", "--where 'udp.srcport == 53 && dns.resp.type == 46' --key ip.dst --agg 'n=distinct(ip.src)' "
          "--where 'n >= {least}'",
          tables.dns_reflect, ("ip.dst", "n"), 1, {"least": 40},
          on=((REFLECTION, "global", {"least": 2}),
              (REFLECTION, "1s", {"least": 2}))),
    Query("heavy", "--key ip.src,ip.dst --agg 'bytes=sum(ip.len)' --top 100:bytes",
          tables.heavy, ("ip.src", "ip.dst", "bytes"), 2, top=(100, "bytes"),
          on=((P2P, "1s", {}), (P2P, "global", {}),
              (REFLECTION, "1s", {}))),
    Query("malicious_domain", "--key dns.a --agg 'n=distinct(dns.qry.name)'",
          tables.malicious_domain, ("dns.a", "n"), 1,
          on=((DNS, "global", {}), (DNS, "1s", {}), (MERCURY, "1s", {}))),
    Query("udp_asymmetry",
          "--query udp_out --where 'udp' --key host=ip.src --agg 'sent=count()' "
          "--query udp_in --where 'udp' --key host=ip.dst --agg 'got=count()' "
          "--query udp_asymmetry --from udp_out --join left:udp_in --where 'sent - got >= {least}'",
          tables.udp_asymmetry, ("host", "sent", "got"), 1, {"least": 100},
          on=((P2P, "1s", {"least": 2}), (P2P, "global", {"least": 1}))),
]

PERFORMANCE = [
    Query("out_of_sequence", "--key 5tuple --window 1s --fold '%s' --where 'n > 0'" % OUT_OF_SEQUENCE,
          walks.out_of_sequence, (*FLOW, "n", "next"), 5, window="1s",
          on=((P2P, None, {}), (MERCURY, None, {}), (JUMBO, None, {}))),
    Query("non_monotonic", "--key 5tuple --window 1s --fold '%s' --where 'n > 0'" % NON_MONOTONIC,
          walks.non_monotonic, (*FLOW, "n", "max"), 5, window="1s",
          on=((MERCURY, None, {}), (MANY, None, {}), (JUMBO, None, {}))),
    Query("length_ewma", "--key 5tuple --window global --agg 'avg=ewma(0.1875,frame.len)'",
          walks.length_ewma, (*FLOW, "avg"), 5, window="global", within={"avg": 1e-12},
          on=((P2P, None, {}), ("ip/frag-ipv4.pcap", None, {}))),
    Query("flowlets", "--key 5tuple --window session:{gap} --agg 'size=count()' --map 'b=bucket(size,128)' --key b "
          "--window 1s --agg 'n=count()'",
          walks.flowlets, ("b", "n"), 1, {"gap": "5us"}, window="1s",
          on=((P2P, None, {}), ("app/rtp-video.pcap", None, {"gap": "5ms"}))),
    Query("timeouts", "--key 5tuple --window 10s --fold '%s' --where 'n > 0'" % TIMEOUTS,
          walks.timeouts, (*FLOW, "n", "t"), 5, window="10s",
          attack="rate=1000&count=12000",
          on=((P2P, None, {}), (MANY, None, {}))),
    Query("incast", "--window 128us --key ip.dst --agg 'flows=distinct(ip.src,tcp.srcport),q=max(queue.depth)' "
          "--where 'flows > {flows}{queue}'",
          tables.incast, ("ip.dst", "flows", "q"), 1, {"flows": 50, "queue": " && q > 100"}, window="128us",
          in_file={"queue": ""},
          on=((SYNACK, None, {"flows": 4, "queue": ""}),
              (SYNACK, None, {"flows": 4}))),
    Query("loss", "--key 5tuple --window 10s --agg 'rx=count(frame.interface==0),tx=count(frame.interface==1)' "
          "--where '(rx-tx)*100 > rx'",
          tables.loss, (*FLOW, "rx", "tx"), 5, window="10s",
          attack="rate=1000&count=12000",
          on=(("format/pcapng-multi-if.pcapng", None, {}), ("pcapng-suite/le-basic-test004.pcapng", None, {}))),
    Query("reroute", "--key 5tuple --window 10s --agg 'ch=changes(ip.ttl)' --where 'ch > 0'",
          walks.reroute, (*FLOW, "ch"), 5, window="10s",
          attack="rate=1000&count=12000",
          on=((MERCURY, None, {}), ("attack/hostscan-icmp.pcap", None, {}), (MANY, None, {}))),
]

EVERYDAY = [
    Query("talkers", "--key ip.src --window 1s --agg 'bytes=sum(frame.len),packets=count()' --top 10:bytes",
          tables.talkers, ("ip.src", "bytes", "packets"), 1, window="1s", top=(10, "bytes"),
          on=((P2P, None, {}), (SYNACK, None, {}))),
    Query("netflow", "--key 5tuple --window 'session:15s,max:60s' --agg 'packets=count(),bytes=sum(ip.len)'",
          walks.netflow, (*FLOW, "packets", "bytes"), 5, window="session:15s,max:60s", attack="rate=1000&count=62000",
          on=((P2P, None, {}), (DNS, None, {}))),
    Query("microburst", "--window 1ms --agg 'bytes=sum(frame.len)' --where 'bytes > {least}'",
          tables.microburst, ("bytes",), 0, {"least": "100k"}, window="1ms",
          on=((JUMBO, None, {"least": "5k"}), (P2P, None, {"least": "3k"}))),
    Query("subnets", "--key 'net=net(ip.src,24)' --window 10s/1s --agg 'bps=rate(frame.len)'",
          walks.subnets, ("net", "bps"), 1, window="10s/1s", within={"bps": 1e-15},
          attack="rate=1000&count=12000",
          on=((P2P, None, {}), (DNS, None, {}))),
    Query("sizes", "--window 1s --agg 'p50=p50(frame.len),p99=p99(frame.len),e=entropy(ip.src)'",
          walks.sizes, ("p50", "p99", "e"), 0, window="1s", within={"p50": 1 / 256, "p99": 1 / 256, "e": 1e-12},
          on=((P2P, None, {}), (REFLECTION, None, {}))),
    Query("top_dns", "--where 'dns.flags.response == 0' --key dns.qry.name --window 10s --agg 'n=count()' --top 20:n",
          tables.top_dns, ("dns.qry.name", "n"), 1, window="10s", top=(20, "n"),
          attack="rate=1000&count=12000",
          on=((DNS, None, {}), ("attack/dns-exfiltration.pcap", None, {}), (MERCURY, None, {}))),
    Query("tls_names", "--key tls.sni --window 10s --agg 'n=distinct(ip.src)' --top 20:n",
          tables.tls_names, ("tls.sni", "n"), 1, window="10s", top=(20, "n"),
          attack="rate=1000&count=12000",
          on=((MANY, None, {}), (JUMBO, None, {}))),
]

LOW = {"flows": 1, "gap": "1ms", "least": 1, "conns": 1, "size": 1, "each": 100000, "word": "e"}
# what all telemetry queries together are run on: attacks, and captures with the parameters
TOGETHER = ["syn_flood", "dns_tunnel", "zorro"]
ALL_ON = [(P2P, {}), (MERCURY, LOW), (TELNET, LOW),
          (REFLECTION, LOW), (SSH, LOW)]

FAMILIES = {"telemetry": TELEMETRY, "performance": PERFORMANCE, "everyday": EVERYDAY}


def order(v):
    """The order of keys: numbers by size, addresses IPv4 first and then as numbers, text by its bytes."""
    if not isinstance(v, str):
        return 0, v
    try:
        a = walks.facts.ip(v)
    except ValueError:
        return 1, v.encode()
    return 0, a.version, int(a)
