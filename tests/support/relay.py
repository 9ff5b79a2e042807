"""
A switch that loses, repeats and reorders: `relay.py LOSE REPEAT DELAY SEED PORT...` passes frames between interfaces of its network
namespace, of each to that port which has shown the destination, else to all. LOSE, REPEAT and DELAY are shares of the frames.
A frame that is delayed goes out behind up to five later ones, or 20 ms later. Ends when its standard input does, and says what it did.
Lines there: `deaf PORT`, as soon as a weir behind PORT has claimed a window nothing but data goes to it, no acknowledgements, pings
and pongs; `hear` ends that. Frames are in clear.
"""
import random
import select
import socket
import sys
import time


FRAME = 42        # where frames begin: Ethernet, IPv4, UDP
DATA = 42 + 64    # what a frame of data carries
STATUS, DONE, CLAIM = 2, DATA + 28, DATA + 36


def kind(data):
    """The type of a frame; 0: it is none."""
    return data[FRAME + 3] if data[12:14] == b"\x08\x00" and data[23] == 17 and len(data) > FRAME + 3 else 0


def is_claim(data):
    """How far a weir is: it has claimed more than it has delivered."""
    return kind(data) == 1 and len(data) >= CLAIM + 8 and data[DATA] == STATUS and \
        int.from_bytes(data[CLAIM:CLAIM + 8], signed=True) > int.from_bytes(data[DONE:DONE + 8], signed=True)


def main():
    lose, repeat, delay = (float(x) for x in sys.argv[1:4])
    r = random.Random(int(sys.argv[4]))
    ports, learnt, parked, deaf, watched = [], {}, [], None, None
    for name in sys.argv[5:]:
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        s.bind((name, 0))
        s.setblocking(False)
        ports.append(s)
    counts = {"passed": 0, "lost": 0, "repeated": 0, "delayed": 0}

    def out(data, at):
        to = learnt.get(data[:6])
        for s in ([to] if to else ports):
            if s is not at and not (s is deaf and kind(data) in (2, 3, 4)):
                try:
                    s.send(data)
                except OSError:
                    pass

    print("ready", flush=True)
    while True:
        there, _, _ = select.select([sys.stdin, *ports], [], [], 0.005)
        if sys.stdin in there:
            words = sys.stdin.readline().split()
            if not words:
                break
            deaf, watched = None, ports[sys.argv[5:].index(words[1])] if words[0] == "deaf" else None
            there.remove(sys.stdin)
        for s in there:
            for _ in range(64):
                try:
                    data, address = s.recvfrom(65536)
                except BlockingIOError:
                    break
                if address[2] == socket.PACKET_OUTGOING:
                    continue
                learnt[data[6:12]] = s
                if s is watched and is_claim(data):
                    deaf = s
                x = r.random()
                if x < lose:
                    counts["lost"] += 1
                    continue
                if x < lose + delay:
                    counts["delayed"] += 1
                    parked.append([r.randrange(1, 6), time.monotonic() + 0.02, data, s])
                    continue
                counts["passed"] += 1
                out(data, s)
                if x > 1 - repeat:
                    counts["repeated"] += 1
                    out(data, s)
                for p in parked:
                    p[0] -= 1
        now = time.monotonic()
        for p in [p for p in parked if p[0] <= 0 or p[1] < now]:
            parked.remove(p)
            out(p[2], p[3])
    print(" ".join("%s=%d" % x for x in counts.items()), flush=True)


main()
