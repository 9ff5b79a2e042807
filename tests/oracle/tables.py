"""Answers that are natural in SQL: groups of the packets, and joins of groups.

Each takes the capture, the window and the query's parameters, and gives the rows as dictionaries, in any order:
start and end of the window in nanoseconds under those names, then the columns.
"""
import windows

SYN = "flags & 2 AND NOT flags & 16"


def group(c, name, window, keys, values, where="1"):
    """Make the table `name`: start, end, keys, values. Packets that lack a key, or a time, are left out."""
    columns = ", ".join('%s AS "%s"' % (x, k) for k, x in keys.items())
    kept = "SELECT *%s FROM packet WHERE (%s)" % (", " + columns if keys else "", where)
    kept += "".join(" AND (%s) IS NOT NULL" % x for x in keys.values())
    if window == "global":
        start, end = "(SELECT min(t) FROM kept)", "(SELECT max(t) FROM kept)"
    else:
        size = windows.duration(window)
        kept += " AND t IS NOT NULL"
        start, end = "t / %d * %d" % (size, size), "t / %d * %d + %d" % (size, size, size)
    by = ["1", "2"] + ['"%s"' % k for k in keys]
    c.db.execute('DROP TABLE IF EXISTS "%s"' % name)
    c.db.execute('CREATE TABLE "%s" AS WITH kept AS (%s) SELECT %s AS start, %s AS "end"%s, %s FROM kept GROUP BY %s' % (
        name, kept, start, end, "".join(', "%s"' % k for k in keys),
        ", ".join('%s AS "%s"' % (x, k) for k, x in values.items()), ", ".join(by)))


def select(c, sql, *args):
    cursor = c.db.execute(sql, args)
    return [dict(zip((d[0] for d in cursor.description), row)) for row in cursor]


def same(window, left, right, *keys):
    """the condition of a join: the same window and the same keys"""
    on = ['%s."%s" = %s."%s"' % (left, k, right, k) for k in keys]
    if window != "global":
        on.append("%s.start = %s.start" % (left, right))
    return " AND ".join(on)


def counted(where, key, value, column="n"):
    """The answer to one group with a threshold on its value."""
    def answer(c, window, least):
        group(c, "g", window, key, {column: value}, where)
        return select(c, 'SELECT * FROM g WHERE "%s" >= ?' % column, least)
    return answer


new_tcp = counted(SYN, {"ip.dst": "dst"}, "count(*)")
ssh_brute = counted("tcp_dport = 22", {"ip.dst": "dst", "ip.len": "iplen"}, "count(DISTINCT src)")
superspreader = counted("1", {"ip.src": "src"}, "count(DISTINCT dst)")
port_scan = counted("tcp", {"ip.src": "src"}, "count(DISTINCT tcp_dport)")
ddos = counted("1", {"ip.dst": "dst"}, "count(DISTINCT src)")
dns_reflect = counted("udp_sport = 53 AND rtype = 46", {"ip.dst": "dst"}, "count(DISTINCT src)")


def syn_flood(c, window, least):
    group(c, "syn", window, {"host": "dst"}, {"syn": "count(*)"}, SYN)
    group(c, "synack", window, {"host": "src"}, {"synack": "count(*)"}, "flags & 2 AND flags & 16")
    group(c, "ack", window, {"host": "dst"}, {"ack": "count(*)"}, "flags = 16")
    return select(c, """
        SELECT start, "end", host, syn, synack, ack FROM (
            SELECT syn.*, ifnull(synack, 0) AS synack, ifnull(ack, 0) AS ack
            FROM syn LEFT JOIN synack ON %s LEFT JOIN ack ON %s)
        WHERE syn + synack - ack >= ?""" % (same(window, "syn", "synack", "host"), same(window, "syn", "ack", "host")), least)


def incomplete(c, window, least):
    group(c, "syn", window, {"host": "dst"}, {"syn": "count(*)"}, SYN)
    group(c, "fin", window, {"host": "src"}, {"fin": "count(*)"}, "flags & 1")
    return select(c, """
        SELECT start, "end", host, syn, fin FROM (
            SELECT syn.*, ifnull(fin, 0) AS fin FROM syn LEFT JOIN fin ON %s)
        WHERE syn - fin >= ?""" % same(window, "syn", "fin", "host"), least)


def slowloris(c, window, conns, size, each):
    group(c, "g", window, {"ip.dst": "dst"}, {"conns": "count(DISTINCT src || ' ' || tcp_sport)", "bytes": "sum(iplen)"}, "tcp")
    return select(c, "SELECT * FROM g WHERE conns >= ? AND bytes >= ? AND bytes / conns <= ?", conns, size, each)


def dns_tunnel(c, window, least):
    group(c, "resolved", window, {"client": "dst", "server": "a"}, {"a": "count(*)"}, "udp_sport = 53 AND answers >= 1")
    group(c, "opened", window, {"client": "src", "server": "dst"}, {"c": "count(*)"}, SYN)
    return select(c, """
        SELECT resolved.start, resolved."end", resolved.client, count(*) AS n
        FROM resolved LEFT JOIN opened ON %s
        WHERE a - ifnull(c, 0) >= ? GROUP BY 1, 2, 3""" % same(window, "resolved", "opened", "client", "server"), least)


def zorro(c, window, least, word):
    size = windows.duration(window)
    group(c, "sizes", window, {"ip.dst": "dst", "ip.len": "iplen"}, {"n": "count(DISTINCT src)"}, "tcp_dport = 23")
    c.db.execute("DROP TABLE IF EXISTS telnet")
    c.db.execute('CREATE TABLE telnet AS SELECT start, "ip.dst", count(*) AS k FROM sizes WHERE n >= ? GROUP BY 1, 2', [least])
    return select(c, """
        SELECT p.t / :size * :size AS start, p.t / :size * :size + :size AS "end", p.dst AS "ip.dst", count(*) AS n
        FROM packet p JOIN telnet ON telnet."ip.dst" = p.dst AND telnet.start = p.t / :size * :size - :size
        WHERE p.tcp_dport = 23 AND instr(p.payload, ?) > 0
        GROUP BY 1, 2, 3""".replace(":size", str(size)), word.encode())


def heavy(c, window):
    group(c, "g", window, {"ip.src": "src", "ip.dst": "dst"}, {"bytes": "sum(iplen)"})
    return select(c, "SELECT * FROM g")


def malicious_domain(c, window):
    group(c, "g", window, {"dns.a": "a"}, {"n": "count(DISTINCT qname)"})
    return select(c, "SELECT * FROM g")


def udp_asymmetry(c, window, least):
    group(c, "sent", window, {"host": "src"}, {"sent": "count(*)"}, "udp")
    group(c, "got", window, {"host": "dst"}, {"got": "count(*)"}, "udp")
    return select(c, """
        SELECT start, "end", host, sent, got FROM (
            SELECT sent.*, ifnull(got, 0) AS got FROM sent LEFT JOIN got ON %s)
        WHERE sent - got >= ?""" % same(window, "sent", "got", "host"), least)


FLOW = {"ip.src": "src", "ip.dst": "dst", "ip.proto": "proto", "srcport": "sport", "dstport": "dport"}


def incast(c, window, flows, queue):
    """A file has no queue: its depth is null, which is above nothing."""
    if queue:
        return []
    group(c, "g", window, {"ip.dst": "dst"}, {"flows": "count(DISTINCT src || ' ' || tcp_sport)", "q": "NULL"})
    return select(c, "SELECT * FROM g WHERE flows > ?", flows)


def loss(c, window):
    group(c, "g", window, FLOW, {"rx": "sum(interface = 0)", "tx": "sum(interface = 1)"})
    return select(c, "SELECT * FROM g WHERE (rx - tx) * 100 > rx")


def talkers(c, window):
    group(c, "g", window, {"ip.src": "src"}, {"bytes": "sum(len)", "packets": "count(*)"})
    return select(c, "SELECT * FROM g")


def microburst(c, window, least):
    group(c, "g", window, {}, {"bytes": "sum(len)"})
    return select(c, "SELECT * FROM g WHERE bytes > ?", int(str(least).replace("k", "000")))


def top_dns(c, window):
    group(c, "g", window, {"dns.qry.name": "qname"}, {"n": "count(*)"}, "response = 0")
    return select(c, "SELECT * FROM g")


def tls_names(c, window):
    group(c, "g", window, {"tls.sni": "sni"}, {"n": "count(DISTINCT src)"})
    return select(c, "SELECT * FROM g")
