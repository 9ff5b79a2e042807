"""--join of sliding windows: the same one, and the one a slide before; slides that do not divide the size."""
from chain import emit, packets as grouped, sliding
from pcapmaker import SEC
from shared import chatter as packets

ORDERED = True


def expected(packets):
    win = sliding(10 * SEC, 3 * SEC)
    tcp = grouped("tcp", packets, ["ip.src"], [("n", "count")], win, lambda p: p["tcp"])
    udp = grouped("udp", packets, ["ip.src"], [("m", "count")], win, lambda p: p["udp"])
    return emit(tcp.join("left", udp), udp.join("anti", udp, prev=True).rename("began"),
                tcp.join("inner", udp, prev=True).rename("after"))
