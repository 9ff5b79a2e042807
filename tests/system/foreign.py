"""XDP programs that are not weir's, loaded and attached without any tool."""
import ctypes
import errno
import os
import platform
import socket
import struct

import netns

BPF_PROG_LOAD, BPF_LINK_CREATE, PROG_TYPE_XDP, ATTACH_XDP = 5, 28, 6, 37
DRIVER, GENERIC = 4, 2  # XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE
DROP, PASS = 1, 2
NAME = "bystander"


def bpf(command, attributes):
    number = {"x86_64": 321, "aarch64": 280}.get(platform.machine())
    if not number:
        raise netns.Unavailable("the number of bpf(2) is not known here")
    attributes = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
    fd = ctypes.CDLL(None, use_errno=True).syscall(number, command, attributes, 128)
    if fd < 0:
        raise netns.Unavailable("no XDP program can be loaded: " + os.strerror(ctypes.get_errno()))
    return fd


def load(action=PASS):
    """A descriptor of a program that does this with every packet."""
    code = ctypes.create_string_buffer(struct.pack("<BBhi", 0xb7, 0, 0, action) + struct.pack("<BBhi", 0x95, 0, 0, 0))  # r0 = action; exit
    text = ctypes.create_string_buffer(b"GPL")
    return bpf(BPF_PROG_LOAD, struct.pack("=IIQQIIQII16s", PROG_TYPE_XDP, 2, ctypes.addressof(code), ctypes.addressof(text), 0, 0, 0, 0, 0,
                                          NAME.encode()))


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def attach(ns, interface, fd, mode=DRIVER):
    """Attach it as `ip link set dev INTERFACE xdp` does; -1 takes what is there off."""
    with netns.Cable.inside(ns):
        index = socket.if_nametoindex(interface)
        s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    nested = attribute(43 | 0x8000, attribute(1, struct.pack("=i", fd)) + attribute(3, struct.pack("=I", mode)))  # IFLA_XDP: FD, FLAGS
    body = struct.pack("=BxHiII", 0, 0, index, 0, 0) + nested
    with s:
        s.send(struct.pack("=IHHII", 16 + len(body), 19, 5, 1, 0) + body)  # RTM_SETLINK, to be acknowledged
        code = -struct.unpack_from("=i", s.recv(4096), 16)[0]
    if code in (errno.EOPNOTSUPP, errno.EPERM):
        raise netns.Unavailable("no XDP program can be attached: " + os.strerror(code))
    if code:
        raise AssertionError("the program cannot be attached: " + os.strerror(code))


def link(ns, interface, fd):
    """Attach it by a link: it is there for as long as the descriptor that is returned."""
    with netns.Cable.inside(ns):
        return bpf(BPF_LINK_CREATE, struct.pack("=IIII", fd, socket.if_nametoindex(interface), ATTACH_XDP, DRIVER))
