"""--join: inner, left, semi and anti, of the same window and the one before, several in a row, of an address, of two
columns and of a text."""
from chain import emit, packets as grouped, tumbling
from pcapmaker import SEC
from shared import chatter as packets

ORDERED = True


def expected(packets):
    win = tumbling(2 * SEC)
    text = ("w", lambda p: p["payload"][:1] and p["payload"].decode().upper())
    host = grouped("host", packets, ["ip.src"], [("n", "count")], win, lambda p: p["tcp"])
    heard = grouped("heard", packets, [("ip.src", lambda p: p["ip.dst"])],
                    [("m", "count"), ("last", "last", "ip.src")], win, lambda p: p["udp"])
    pair = grouped("pair", packets, ["srcport", "ip.src"], [("k", "sum", "frame.len")], win, lambda p: p["frame.len"] > 90)
    word = grouped("word", packets, [text], [("z", "count")], win, lambda p: p["tcp"])
    every = grouped("every", packets, [], [("all", "count")], win)

    def of(name, keys=("ip.src",)):
        return grouped(name, packets, keys, [("c", "count")], win)

    return emit(
        host.join("inner", heard).rename("inner"),
        host.join("left", heard).where(lambda r: r["n"] - r["m"] >= 1).rename("left"),
        host.join("semi", heard).rename("semi"), host.join("anti", heard).rename("anti"),
        host.join("left", heard, prev=True).rename("before"), host.join("anti", host, prev=True).rename("new"),
        of("three").join("left", heard).join("left", every).join("semi", host, prev=True).top(2, "c"),
        of("two", ("ip.src", "srcport", "dstport")).join("left", pair),
        grouped("words", packets, [text], [("c", "count")], win, lambda p: p["udp"]).join("inner", word))
