"""A TCP stream over the cable, of which every byte is compared and every segment that is lost is counted."""
import socket
import threading
import time

import netns
from running import ADDRESS, PORT

PEER = "10.99.0.2"


class Stream:
    """TCP from the far end to the near one, as fast as it goes; every byte is compared."""

    BLOCK = bytes(range(251)) * 64

    def __init__(self, cable):
        for ns, dev, address in ((cable.near, "weir0", ADDRESS), (cable.far, "send0", PEER)):
            netns.ip("-n", ns, "link", "set", dev, "arp", "on")
            netns.ip("-n", ns, "address", "add", address + "/24", "dev", dev)
        self.cable = cable
        with cable.inside(cable.near):
            box = socket.create_server((ADDRESS, PORT))
        with cable.inside(cable.far):
            self.out = socket.create_connection((ADDRESS, PORT), timeout=60)
        self.inner, _ = box.accept()
        self.inner.settimeout(60)
        box.close()
        self.sent = self.got = 0
        self.problems, self.stop = [], False
        self.threads = [threading.Thread(target=x, daemon=True) for x in (self._send, self._receive)]
        for t in self.threads:
            t.start()

    def _send(self):
        try:
            while not self.stop:
                self.out.sendall(self.BLOCK)
                self.sent += len(self.BLOCK)
                time.sleep(0.0005)
            self.out.shutdown(socket.SHUT_WR)
        except OSError as e:
            self.problems.append("sending: %s" % e)

    def _receive(self):
        size = len(self.BLOCK)
        try:
            while True:
                data = self.inner.recv(1 << 16)
                if not data:
                    return
                at = self.got % size
                if data != (self.BLOCK * (2 + len(data) // size))[at:at + len(data)]:
                    self.problems.append("other bytes came than were sent, after %d" % self.got)
                    return
                self.got += len(data)
        except OSError as e:
            self.problems.append("receiving: %s" % e)

    def flows(self):
        """Until more of it has come."""
        was = self.got
        netns.wait("more of the TCP stream (%d bytes so far; %r)" % (was, self.problems), lambda: self.got > was + 4 * len(self.BLOCK))

    def lost(self):
        """Segments so far that were sent again, without those that had come the first time: the kernel tells."""
        found = {}
        for name in ("snmp", "netstat"):
            lines = self.cable.run(self.cable.far, ["cat", "/proc/net/" + name]).stdout.splitlines()
            for keys, values in zip(lines[::2], lines[1::2]):
                found.update(zip((keys.split()[0] + k for k in keys.split()[1:]), values.split()[1:]))
        return max(0, int(found["Tcp:RetransSegs"]) - int(found["TcpExt:TCPDSACKRecv"]))

    def end(self):
        self.stop = True
        for t in self.threads:
            t.join(60)
        if self.sent != self.got:
            self.problems.append("%d bytes of %d came" % (self.got, self.sent))
        self.out.close()
        self.inner.close()
        return self.problems
