"""pcapng out of sources of two link types: each packet keeps its own."""
import os

import pcapmaker as pm
import pcapread
from shared import A, B, second


def inputs():
    return {"a.pcap": [pm.packet(second(0), A, B, udp=(1, 2))],
            "b.pcap": [pm.packet(second(1), A, B, udp=(3, 4), link=pm.LINK_RAW, interface=1)]}


def check(folder, rows):
    want = [(p.link, p.t, p.data) for some in inputs().values() for p in some]
    try:
        got = [(link, t, data) for _, link, t, data, _ in pcapread.read_pcapng(os.path.join(folder, "all.pcapng"))]
    except (OSError, pcapread.Bad) as e:
        return ["all.pcapng: %s" % e]
    return [] if got == want else ["got %r, expected %r" % (got, want)]
