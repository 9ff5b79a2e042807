"""Read the packets of pcapng and pcap files: just enough to check what weir and devices write, and strict about it."""
import struct


class Bad(Exception):
    pass


def options(body, e):
    found = {}
    while len(body) >= 4:
        code, n = struct.unpack_from(e + "HH", body)
        if code == 0:
            break
        found[code] = body[4:4 + n]
        body = body[4 + (n + 3) // 4 * 4:]
    return found


def read_pcapng(path):
    """[(interface, link type, time in ns or None, bytes, length on the wire)]"""
    with open(path, "rb") as f:
        data = f.read()
    at, e, interfaces, packets = 0, "<", [], []
    if len(data) < 28:
        raise Bad("no section header")
    while at < len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            e = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        kind, n = struct.unpack_from(e + "II", data, at)
        if n < 12 or n % 4 or at + n > len(data) or struct.unpack_from(e + "I", data, at + n - 4)[0] != n:
            raise Bad("block at %d: bad length %d" % (at, n))
        body = data[at + 8:at + n - 4]
        if kind == 1:
            link, _, _ = struct.unpack_from(e + "HHI", body)
            resolution = options(body[8:], e).get(9, b"\6")[0]
            if resolution & 0x80:
                raise Bad("interface with a binary time resolution")
            interfaces.append((link, 10**9 // 10**resolution))
        elif kind == 6:
            i, hi, lo, cap, wire = struct.unpack_from(e + "IIIII", body)
            link, ns = interfaces[i]
            packets.append((i, link, (hi << 32 | lo) * ns, body[20:20 + cap], wire))
        elif kind == 3:
            wire, = struct.unpack_from(e + "I", body)
            packets.append((0, interfaces[0][0], None, body[4:4 + wire], wire))
        at += n
    return packets


def read_pcap(path):
    """The packets' bytes, of a file in the old format."""
    with open(path, "rb") as f:
        data = f.read()
    e = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at, out = 24, []
    while at < len(data):
        n = struct.unpack_from(e + "I", data, at + 8)[0]
        out.append(data[at + 16:at + 16 + n])
        at += 16 + n
    return out
