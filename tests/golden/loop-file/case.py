"""loop=3 reads a file three times, from a file and from memory."""
import json

from shared import mix as packets

STATS = {"received": {"packets": 72}}


def check(folder, rows):
    got = [json.loads(r) for r in rows]
    want = {4: 48, 6: 18}  # ARP has no version
    return [] if {r["ip.version"]: r["n"] for r in got} == want else ["rows: %s" % rows]
