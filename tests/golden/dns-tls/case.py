"""DNS and TLS: fields as columns and as keys, over more packets than a batch holds; what is neither has nulls."""
import ipaddress
import struct

import oracle
from pcapmaker import MS, S, packet
from shared import A, A6, B, B6, C

FIELDS = ["dns", "dns.qry.name", "dns.qry.type", "dns.flags.response", "dns.count.answers", "dns.resp.type", "dns.a", "tls",
          "tls.sni"]


def labels(name):
    return b"".join(struct.pack("!B", len(x)) + x for x in name.split(b".")) + b"\0"


def dns(name, kind=1, answers=(), response=None):
    """A message and its fields; answers: (type, data), each with a name that points to the question's."""
    response = bool(answers) if response is None else response
    m = struct.pack("!HHHHHH", 7, 0x8180 if response else 0x0100, 1, len(answers), 0, 0) + labels(name)
    m += struct.pack("!HH", kind, 1)
    for t, data in answers:
        m += struct.pack("!HHHIH", 0xc00c, t, 1, 300, len(data)) + data
    a = [d for t, d in answers if t == 1]
    return m, {"dns": True, "dns.qry.name": name, "dns.qry.type": kind, "dns.flags.response": int(response),
               "dns.count.answers": len(answers), "dns.resp.type": answers[0][0] if answers else None,
               "dns.a": ipaddress.ip_address(a[0]) if a else None}


def hello(name):
    """A ClientHello with a server name behind another extension."""
    ext = struct.pack("!HHB", 23, 1, 0) + struct.pack("!HHHBH", 0, len(name) + 5, len(name) + 3, 0, len(name)) + name
    body = b"\x03\x03" + bytes(32) + b"\0" + struct.pack("!HH", 2, 0x1301) + b"\1\0" + struct.pack("!H", len(ext)) + ext
    body = b"\1" + struct.pack("!I", len(body))[1:] + body
    return struct.pack("!BHH", 22, 0x0301, len(body)) + body, {"tls": True, "tls.sni": name}


def with_fields(p, fields):
    p.fields.update({"dns": False, "tls": False, **fields})
    return p


def packets():
    made = []

    def add(message, more=b"", **how):
        payload, fields = message
        made.append(with_fields(packet(S + len(made) * MS, payload=more + payload, **how), fields))

    v4 = [ipaddress.ip_address("192.0.2.%d" % i).packed for i in range(8)]
    add(dns(b"www.Example.com"), src=A, dst=B, udp=(4000, 53))
    add(dns(b"www.Example.com", 1, [(5, labels(b"example.com")), (1, v4[1]), (1, v4[2])]), src=B, dst=A, udp=(53, 4000))
    add(dns(b"nowhere.test", 28, response=True), src=B6, dst=A6, udp=(53, 4001))
    add(dns(b"signed.test", 46, [(46, bytes(30))]), src=B, dst=A, udp=(53, 4002), vlan=[(7, 0)])
    m = dns(b"over.tcp", 1, [(1, v4[3])])
    add(m, struct.pack("!H", len(m[0])), src=B, dst=A, tcp=(53, 4003, "PA"))
    add((m[0], {}), struct.pack("!H", len(m[0]) + 1), src=B, dst=A, tcp=(53, 4003, "PA"))
    m = dns(b"printer.local", 12)
    add((m[0], {**m[1], "dns": False}), src=A, dst="224.0.0.251", udp=(5353, 5353))
    add(dns(b"\xff\x01.tunnel"), src=A, dst=B, udp=(4000, 53))
    add((m[0], {}), src=A, dst=B, udp=(4000, 54))
    add(hello(b"www.example.org"), src=A, dst=B, tcp=(4005, 443, "PA"))
    add(hello(b"v6.example.org"), src=A6, dst=B6, tcp=(4006, 8443, "PA"))
    add(hello(b"second.example.org"), b"\x14\x03\x03\0\1\1", src=A, dst=B, tcp=(4005, 443, "PA"))
    add((b"\x17\x03\x03\0\x20" + bytes(32), {"tls": True}), src=A, dst=B, tcp=(4005, 443, "PA"))
    add((b"GET / HTTP/1.1\r\n", {}), src=A, dst=B, tcp=(4007, 443, "PA"))
    made.append(with_fields(packet(S + len(made) * MS, C, B, icmp=(8, 0)), {}))
    for i in range(700):
        if i % 7 == 3:
            add(hello(b"host-%d.example.net" % (i % 50)), src=A, dst=B, tcp=(5000 + i, 443, "PA"))
        else:
            add(dns(b"name-%d.example.net" % (i % 90), 1, [(1, v4[i % 8])]), src=B, dst=A, udp=(53, 5000 + i))
    return made


def expected(packets):
    return (oracle.select(packets[:20], ["frame.number", *FIELDS])
            + oracle.group(packets, [("n", "count"), ("last", "last", "dns.a")], ["dns.qry.name"], query="names")
            + oracle.group(packets, [("n", "count"), ("name", "first", "dns.qry.name")], ["dns.a"],
                           where=lambda p: p["dns.flags.response"] == 1, query="hosts")
            + oracle.group(packets, [("n", "count")], ["tls.sni"], where=lambda p: p["tls"], query="servers"))
