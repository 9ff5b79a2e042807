#!/usr/bin/env python3
"""Wrong command lines: each gives one helpful line, the right status, and nothing on standard output.

A row: what is wrong; the status (2: the command line is wrong, 1: it failed at run time); what the line must
hold besides "weir: " - flag, value, place, the nearest valid word; the arguments.
"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "support")]
import pcapmaker  # noqa: E402
import tap  # noqa: E402
import weir  # noqa: E402

FILE = object()  # stands for "-r" and a good capture

WINDOW = ["--window", "1s"]
EVERY = [*WINDOW, "--key", "ip.src", "--agg", "n=count()"]
OTHER = [*WINDOW, "--key", "ip.src", "--agg", "m=count()"]

CASES = [
    # options
    ("unknown option", 2, ["--fliter", "--filter"], [FILE, "--fliter", "tcp"]),
    ("unknown short option", 2, ["-x"], [FILE, "-x"]),
    ("option of another program", 2, ["--verbos"], [FILE, "--verbos"]),
    ("stray argument", 2, ["capture.pcap"], ["capture.pcap"]),
    ("missing value", 2, ["--where"], [FILE, "--where"]),
    ("missing value of -r", 2, ["-r"], ["-r"]),
    ("unwanted value", 2, ["--explain"], [FILE, "--explain=yes"]),
    ("option given twice", 2, ["--stats"], [FILE, "--stats", "/tmp/a", "--stats", "/tmp/b"]),
    ("unwanted value of --latency", 2, ["--latency"], [FILE, "--latency=yes"]),
    ("--latency given twice", 2, ["--latency"], [FILE, "--latency", "--latency"]),
    ("--latency misspelt", 2, ["--latancy", "--latency"], [FILE, "--latancy"]),
    ("value that is no choice", 2, ["--progress", "sometimes", "never"], [FILE, "--progress", "sometimes"]),
    ("unknown level of --simd", 2, ["--simd", "v5", "v2"], [FILE, "--simd", "v5"]),
    ("unknown tunnel", 2, ["--decap", "vxlam", "at 5", "vxlan"], [FILE, "--decap", "gre,vxlam"]),
    ("tunnel that is like no other", 2, ["--decap", "wireguard", "6in4"], [FILE, "--decap", "wireguard"]),
    ("no tunnel at all", 2, ["--decap", "eompls"], [FILE, "--decap", ""]),
    ("missing tunnel", 2, ["--decap", "at 5"], [FILE, "--decap", "gre,"]),
    ("unknown log level", 2, ["--log", "warnings", "warning"], [FILE, "--log", "warnings"]),
    ("bad name of a run", 2, ["--name", "a/b", "/"], [FILE, "--name", "a/b"]),
    ("name of a run that is not to be reached", 2, ["--name", "--control"],
     [FILE, "--name", "x", "--control", "never"]),
    ("unknown user", 2, ["--user", "nobdy", "nobody"], [FILE, "--user", "nobdy"]),
    ("unknown group", 2, ["--user", "nogrup", "nogroup"], [FILE, "--user", "nobody:nogrup"]),
    ("root as the user", 2, ["--user", "root", "nobody"], [FILE, "--user", "root"]),
    ("group of root", 2, ["--user", "group 0"], [FILE, "--user", "nobody:0"]),
    ("no user", 2, ["--user", "nobody"], [FILE, "--user", ":nogroup"]),
    ("user without a name or group", 2, ["--user", "4294967", "4294967:4294967"], [FILE, "--user", "4294967"]),
    # clusters
    ("wire without a cluster", 2, ["--wire", "--cluster"], [FILE, "--wire", "eth1,ip=192.0.2.1/24"]),
    ("cluster of no known kind", 2, ["--cluster", "ectd", "etcd"],
     [FILE, "--cluster", "ectd://192.0.2.9:2379/j", "--node", "a", "--wire", "e,ip=192.0.2.1/24", "--insecure-wire", "--dry-run"]),
    ("node that is no name", 2, ["--node", "a/b"],
     [FILE, "--cluster", "etcd://192.0.2.9:2379/j", "--node", "a/b", "--wire", "e,ip=192.0.2.1/24", "--insecure-wire", "--dry-run"]),
    ("wire without an address", 2, ["--wire", "ip="],
     [FILE, "--cluster", "etcd://192.0.2.9:2379/j", "--node", "a", "--wire", "e", "--insecure-wire", "--dry-run"]),
    ("no file of nodes", 2, ["/nonexistent/nodes"],
     [FILE, "--cluster", "static:/nonexistent/nodes", "--node", "a", "--wire", "e,ip=192.0.2.1/24", "--insecure-wire", "--dry-run"]),
    ("no secret", 2, ["--secret-file", "/nonexistent/secret"],
     [FILE, "--cluster", "etcd://192.0.2.9:2379/j", "--node", "a", "--wire", "e,ip=192.0.2.1/24", "--secret-file", "/nonexistent/secret",
      "--dry-run"]),
    ("queues of a wire on a source's port", 2, ["--wire", "queues=4", "-i", "--cores"],
     ["-i", "eth9?burst=32", "--cluster", "etcd://192.0.2.9:2379/j", "--node", "a", "--wire", "eth9,ip=192.0.2.1/24,queues=4",
      "--insecure-wire", "--dry-run"]),
    ("wire that is a sink", 2, ["--wire", "vdev:net_null0", "port:"],
     [FILE, "--cluster", "etcd://192.0.2.9:2379/j", "--node", "a", "--wire", "vdev:net_null0,ip=192.0.2.1/24", "--insecure-wire",
      "--sink", "port:vdev:net_null0", "--dry-run"]),
    ("anon() that is another on each host", 2, ["--cluster", "anon()", "--anon-key"],
     [FILE, "--cluster", "etcd://192.0.2.9:2379/j", "--node", "a", "--wire", "e,ip=192.0.2.1/24", "--insecure-wire", "--dry-run",
      "--key", "a=anon(ip.src)", "--agg", "n=count()"]),
    ("no source", 2, ["-r"], ["--key", "ip.src", "--agg", "n=count()"]),
    ("tap and take", 2, ["--tap", "--take"], ["-i", "lo", "--tap", "--take"]),
    # sources
    ("missing file", 1, ["/nonexistent/x.pcap", "no such file"], ["-r", "/nonexistent/x.pcap"]),
    ("file that is a folder", 1, ["/tmp"], ["-r", "/tmp"]),
    ("file that is no capture", 1, ["/etc/passwd"], ["-r", "/etc/passwd"]),
    ("unknown option of a file", 2, ["sped", "speed"], ["-r", "{file}?sped=1"]),
    ("bad loop", 2, ["loop", "many"], ["-r", "{file}?loop=many"]),
    ("bad speed", 2, ["speed", "fast"], ["-r", "{file}?speed=fast"]),
    ("missing interface", 1, ["nosuch0"], ["-i", "nosuch0"]),
    ("unknown scheme of a source", 2, ["gem:udp", "gen"], ["--source", "gem:udp"]),
    ("unknown kind of generator", 2, ["udpp", "udp"], ["--source", "gen:udpp"]),
    ("unknown option of a generator", 2, ["cuont", "count"], ["--source", "gen:udp?cuont=5"]),
    ("options of a generator without their mark", 2, ["gen:attack:heavy&count=9k", "attack:heavy?count=9k"],
     ["--source", "gen:attack:heavy&count=9k"]),
    ("unknown attack of a generator", 2, ["syn_flod", "attack:syn_flood"], ["--source", "gen:attack:syn_flod"]),
    ("unknown transport of lines", 2, ["tcp", "lines:udp://"], ["--source", "lines:tcp://127.0.0.1:5000"]),
    ("lines without a port", 2, ["port", "lines:udp://127.0.0.1:5000"], ["--source", "lines:udp://127.0.0.1"]),
    ("lines of a missing file", 1, ["/nonexistent/x", "no such file"], ["--source", "lines:/nonexistent/x"]),
    ("bad count of a generator", 2, ["count", "ten"], ["--source", "gen:udp?count=ten"]),
    # fields, functions, aggregates: with the nearest word
    ("unknown field in --where", 2, ["--where", "tcp.dstprt", "tcp.dstport"], [FILE, "--where", "tcp.dstprt == 80"]),
    ("unknown field in --key", 2, ["--key", "ip.scr", "ip.src"], [FILE, "--key", "ip.scr", "--agg", "n=count()"]),
    ("unknown field in --select", 2, ["--select", "frame.length", "frame.len"], [FILE, "--select", "frame.length"]),
    ("unknown field in --map", 2, ["--map", "ip.lenn", "ip.len"], [FILE, "--map", "x=ip.lenn*8"]),
    ("unknown field in --agg", 2, ["--agg", "frame.lne", "frame.len"], [FILE, "--agg", "b=sum(frame.lne)"]),
    ("unknown function", 2, ["--map", "uper", "upper"], [FILE, "--map", "x=uper(payload)"]),
    ("unknown aggregate", 2, ["--agg", "cuont", "count"], [FILE, "--agg", "n=cuont()"]),
    ("unknown column after --agg", 2, ["--where", "packest", "packets"],
     [FILE, "--agg", "packets=count()", "--where", "packest > 1"]),
    ("packet field after --agg", 2, ["--where", "frame.len"], [FILE, "--agg", "n=count()", "--where", "frame.len > 1"]),
    # queries that take rows of others
    ("unknown query in --from", 2, ["query 'b'", "--from", "syns", "syn"],
     [FILE, "--query", "syn", *EVERY, "--query", "b", "--from", "syns"]),
    ("unknown query in --join", 2, ["--join", "sny", "syn"],
     [FILE, "--query", "syn", *EVERY, "--query", "b", *OTHER, "--join", "left:sny"]),
    ("the second query of --from is unknown", 2, ["--from", "sny", "syn"],
     [FILE, "--query", "syn", *EVERY, "--query", "b", "--from", "syn,sny"]),
    ("queries in a circle", 2, ["--from", "circle"],
     [FILE, "--query", "a", "--from", "b", "--query", "b", "--from", "a"]),
    ("a query that takes its own rows", 2, ["--from", "circle"], [FILE, "--query", "a", "--from", "a"]),
    ("a query that joins itself", 2, ["--join", "circle"], [FILE, "--query", "a", *EVERY, "--join", "a"]),
    ("--from a query of packets", 2, ["--from", "'a'", "--agg"],
     [FILE, "--query", "a", "--select", "ip.src", "--query", "b", "--from", "a"]),
    ("--join with a query of packets", 2, ["--join", "'a'", "--agg"],
     [FILE, "--query", "a", "--select", "ip.src", "--query", "b", *OTHER, "--join", "a"]),
    ("a join without the key", 2, ["--join", "'ip.src'", "--map"],
     [FILE, "--query", "a", *EVERY, "--query", "b", *WINDOW, "--key", "ip.dst", "--agg", "m=count()", "--join", "a"]),
    ("a join by a key of another type", 2, ["--join", "'ip.src'", "int", "address"],
     [FILE, "--query", "a", *EVERY, "--query", "b", *WINDOW, "--key", "ip.src=ip.ttl", "--agg", "m=count()", "--join", "a"]),
    ("a join that brings a column twice", 2, ["--join", "'n'", "another name"],
     [FILE, "--query", "a", *EVERY, "--query", "b", *EVERY, "--join", "a"]),
    ("a join of different windows", 2, ["--join", "1s", "2s", "--window"],
     [FILE, "--query", "a", *EVERY, "--query", "b", "--window", "2s", "--key", "ip.src", "--agg", "m=count()", "--join", "a"]),
    ("packets joined, and grouped in another window", 2, ["--window", "2s", "joined"],
     [FILE, "--query", "a", *EVERY, "--query", "b", "--join", "a", "--window", "2s", "--agg", "m=count()"]),
    ("packets joined with sliding windows", 2, ["--join", "sliding"],
     [FILE, "--query", "a", "--window", "10s/1s", "--key", "ip.src", "--agg", "n=count()", "--query", "b", "--join", "a"]),
    ("a join with sessions", 2, ["--join", "session"],
     [FILE, "--query", "a", "--window", "session:1s", "--key", "ip.src", "--agg", "n=count()", "--query", "b", *OTHER, "--join", "a"]),
    ("a join by a part of the key", 2, ["--join", "key", "--select"],
     [FILE, "--query", "a", *EVERY, "--select", "n", "--query", "b", *OTHER, "--join", "a"]),
    ("packets joined behind --select", 2, ["--join", "--select"],
     [FILE, "--query", "a", *EVERY, "--query", "b", "--select", "ip.src", "--join", "a"]),
    ("unknown kind of join", 2, ["--join", "lft", "at 1", "left"],
     [FILE, "--query", "a", *EVERY, "--query", "b", *OTHER, "--join", "lft:a"]),
    ("unknown window of a join", 2, ["--join", "@prv", "at 7", "a@prev"],
     [FILE, "--query", "a", *EVERY, "--query", "b", *OTHER, "--join", "semi:a@prv"]),
    ("a join without a name", 2, ["--join", "at 6"], [FILE, "--query", "a", *OTHER, "--join", "left:"]),
    ("--from after other stages", 2, ["--from", "first"],
     [FILE, "--query", "a", *EVERY, "--query", "b", "--where", "tcp", "--from", "a"]),
    ("--from without a name", 2, ["--from", "at 1"], [FILE, "--query", "b", "--from", ""]),
    ("--from one query twice", 2, ["--from", "'a'", "twice"], [FILE, "--query", "a", *EVERY, "--query", "b", "--from", "a,a"]),
    ("--from queries with different windows", 2, ["--from", "tumbling 1s", "global"],
     [FILE, "--query", "a", *EVERY, "--query", "c", "--agg", "n=count()", "--query", "b", "--from", "a,c"]),
    ("--from queries with columns of different types", 2, ["--from", "'ip.src'", "int", "address"],
     [FILE, "--query", "a", *EVERY, "--query", "c", *WINDOW, "--key", "ip.src=ip.ttl", "--agg", "m=count()",
      "--query", "b", "--from", "a,c"]),
    ("--filter of rows", 2, ["--filter", "--where"], [FILE, "--query", "a", *EVERY, "--query", "b", "--from", "a", "--filter", "tcp"]),
    ("--split of rows", 2, ["--split", "packets"], [FILE, "--query", "a", *EVERY, "--query", "b", "--from", "a", "--split", "hash"]),
    ("a sink of packets for rows", 2, ["--sink", "pcapng:/tmp/x", "packets"],
     [FILE, "--query", "a", *EVERY, "--query", "b", "--from", "a", "--sink", "json", "--sink", "pcapng:/tmp/x"]),
    ("a sink of packets for a join", 2, ["--sink", "pcapng:/tmp/x", "packets"],
     [FILE, "--query", "a", *EVERY, "--query", "b", "--join", "semi:a", "--sink", "pcapng:/tmp/x"]),
    ("a session of rows", 2, ["--window", "session:5s", "packets"],
     [FILE, "--query", "a", *EVERY, "--window", "session:5s", "--agg", "k=count()"]),
    ("rows of sessions grouped without a window", 2, ["--agg", "--window"],
     [FILE, "--key", "ip.src", "--window", "session:1s", "--agg", "n=count()", "--key", "n", "--agg", "k=count()"]),
    ("--top of sessions", 2, ["--top", "window", "--agg"],
     [FILE, "--key", "ip.src", "--window", "session:1s", "--agg", "n=count()", "--top", "3:n"]),
    ("--key and --select of rows", 2, ["--select", "--key"], [FILE, *EVERY, "--key", "n", "--select", "n"]),
    ("--key of rows without --agg", 2, ["--key", "--agg"], [FILE, *EVERY, "--key", "n"]),
    ("--window of rows without --agg", 2, ["--window", "5s"], [FILE, "--query", "a", *EVERY, "--query", "b", "--from", "a", "--window", "5s"]),
    ("a second --window for one --agg", 2, ["--window", "2s", "second"],
     [FILE, *EVERY, "--key", "n", "--window", "1s", "--window", "2s", "--agg", "k=count()"]),
    ("a second --key for one --agg", 2, ["--key", "second"], [FILE, *EVERY, "--key", "n", "--key", "ip.src", "--agg", "k=count()"]),
    ("two queries of one name", 2, ["--query", "'a'", "taken"], [FILE, "--query", "a", *EVERY, "--query", "a", *OTHER]),
    ("unknown column of a joined query", 2, ["--where", "syns", "syn"],
     [FILE, "--query", "a", *WINDOW, "--key", "ip.src", "--agg", "syn=count()", "--query", "b", *OTHER, "--join", "left:a",
      "--where", "syns > 1"]),
    # types and values
    ("type clash: address and number", 2, ["--where", "ip.src"], [FILE, "--where", "ip.src == 5"]),
    ("type clash: text and number", 2, ["--where", "frame.len"], [FILE, "--where", 'frame.len == "big"']),
    ("type clash: arithmetic on addresses", 2, ["--map", "ip.src"], [FILE, "--map", "x=ip.src*2"]),
    ("a number where truth is wanted: text", 2, ["--where"], [FILE, "--where", '"text"']),
    ("sum of an address", 2, ["--agg", "sum", "ip.src"], [FILE, "--agg", "x=sum(ip.src)"]),
    ("too few arguments", 2, ["--agg", "sum"], [FILE, "--agg", "x=sum()"]),
    ("too many arguments", 2, ["--agg", "sum"], [FILE, "--agg", "x=sum(frame.len,frame.len)"]),
    ("a quantile beyond the end", 2, ["--agg", "1.5", "0 to 1", "quantile"],
     [FILE, "--agg", "x=quantile(frame.len,1.5)"]),
    ("a quantile that is no constant", 2, ["--agg", "frame.len", "constant", "quantile"],
     [FILE, "--agg", "x=quantile(frame.len,frame.len)"]),
    ("too few arguments of a function", 2, ["--map", "net"], [FILE, "--map", "x=net(ip.src)"]),
    ("bad CIDR: prefix too long", 2, ["--where", "10.0.0.0/33"], [FILE, "--where", "ip.src in 10.0.0.0/33"]),
    ("bad CIDR: no such address", 2, ["--where", "10.0.0.300"], [FILE, "--where", "ip.src in 10.0.0.300/8"]),
    ("bad address", 2, ["--where"], [FILE, "--where", "ip.src == 10.0.0"]),
    ("bad regular expression", 2, ["--where", "matches"], [FILE, "--where", 'payload matches "(["']),
    ("unbalanced bracket", 2, ["--where"], [FILE, "--where", "(tcp && udp"]),
    ("expression that ends too early", 2, ["--where"], [FILE, "--where", "frame.len >"]),
    ("empty expression", 2, ["--where"], [FILE, "--where", ""]),
    ("text without its end", 2, ["--where"], [FILE, "--where", 'payload contains "abc']),
    ("empty part of a list", 2, ["--key"], [FILE, "--key", "ip.src,,ip.dst", "--agg", "n=count()"]),
    # folds
    ("unknown variable in --fold", 2, ["--fold", "unknown variable 'cuont' at 10", "count"],
     [FILE, "--fold", "count=0; cuont+=1"]),
    ("unknown field in --fold", 2, ["--fold", "tcp.seq_rw", "at 11", "tcp.seq_raw"],
     [FILE, "--fold", "n=0; n+=n>tcp.seq_rw"]),
    ("a variable with the name of a field", 2, ["--fold", "'frame.len' is a field at 1"],
     [FILE, "--fold", "frame.len=0; frame.len+=1"]),
    ("a variable with the name of a key", 2, ["--fold", "'n' at 1 is a key"],
     [FILE, "--key", "n=ip.ttl", "--fold", "n=0; n+=1"]),
    ("a variable with the name of a mapped column", 2, ["--fold", "'n' is a field at 1"],
     [FILE, "--map", "n=ip.ttl", "--fold", "n=0; n+=1"]),
    ("--fold without an update", 2, ["--fold", "';'", "NAME=EXPR"], [FILE, "--fold", "n=0"]),
    ("--fold of an address", 2, ["--fold", "address", "hash"], [FILE, "--fold", "a=ip.src; a=ip.dst"]),
    ("--fold that changes a type", 2, ["--fold", "time", "int", "at 19"], [FILE, "--fold", "t=frame.time; t = 1"]),
    ("--fold with a comparison for an assignment", 2, ["--fold", "at 7", "+="], [FILE, "--fold", "n=0; n==1"]),
    ("--fold and --select", 2, ["--fold", "--select"], [FILE, "--select", "ip.src", "--fold", "n=0; n+=1"]),
    ("--fold in sliding windows", 2, ["--fold", "sliding", "tumbling"],
     [FILE, "--window", "10s/1s", "--fold", "n=0; n+=1"]),
    ("ewma of a weight beyond 1", 2, ["--agg", "1.5", "0 to 1", "ewma"], [FILE, "--agg", "x=ewma(1.5,frame.len)"]),
    ("ewma of a weight that is no constant", 2, ["--agg", "ip.ttl", "constant", "ewma"],
     [FILE, "--agg", "x=ewma(ip.ttl,frame.len)"]),
    ("ewma of an address", 2, ["--agg", "ewma", "address"], [FILE, "--agg", "x=ewma(0.5,ip.src)"]),
    # workers
    ("no workers", 2, ["--cores '0'", "1"], [FILE, "--cores", "0"]),
    ("too many workers", 2, ["--cores '65'", "64"], [FILE, "--cores", "65"]),
    ("no number of workers", 2, ["--cores", "'many'"], [FILE, "--cores", "many"]),
    ("empty number of workers", 2, ["--cores ''"], [FILE, "--cores", ""]),
    ("negative number of workers", 2, ["--cores '-1'", "2-5,8"], [FILE, "--cores", "-1"]),
    ("a CPU twice", 2, ["--cores '0,0'", "CPU 0", "twice"], [FILE, "--cores", "0,0"]),
    ("a CPU twice, by a range", 2, ["--cores '0-1,1'", "CPU 1", "twice"], [FILE, "--cores", "0-1,1"]),
    ("CPUs that descend", 2, ["--cores '1-0'", "at 1", "ascending"], [FILE, "--cores", "1-0"]),
    ("range of CPUs without an end", 2, ["--cores '0-'", "at 1"], [FILE, "--cores", "0-"]),
    ("empty part of a list of CPUs", 2, ["--cores '0,,1'", "at 3"], [FILE, "--cores", "0,,1"]),
    ("no CPU in a list", 2, ["--cores '0,x'", "at 3"], [FILE, "--cores", "0,x"]),
    ("too many CPUs", 2, ["--cores '0-64'", "64 workers"], [FILE, "--cores", "0-64"]),
    ("a CPU that is not there", 2, ["--cores", "CPU 1023", "it may on"], [FILE, "--cores", "1023,"]),
    ("a CPU that no machine has", 2, ["--cores '99999,'", "at 1"], [FILE, "--cores", "99999,"]),
    ("a CPU that is not there, with a device", 2, ["--cores", "CPU 1023", "it may on"],
     ["-i", "vdev:net_null0", "--cores", "1023,"]),
    # options of a port, behind its '?'
    ("unknown key of a port", 2, ["-i 'vdev:net_null0?burts=64'", "unknown key 'burts'", "burst"],
     ["-i", "vdev:net_null0?burts=64"]),
    ("a port's number out of range", 2, ["-i", "burst", "'999'", "256"], ["-i", "vdev:net_null0?burst=999"]),
    ("unknown word of a port's set", 2, ["-i", "rss_fields", "'tpc'", "'tcp'"],
     ["-i", "vdev:net_null0?descriptors=512&rss_fields=ip,tpc"]),
    ("a port's option without a value", 2, ["-i", "'burst' lacks its value"], ["-i", "vdev:net_null0?burst"]),
    ("a port's option twice", 2, ["-i", "'burst' is given twice"], ["-i", "vdev:net_null0?burst=1&burst=2"]),
    ("a port's option that is the driver's matter", 2, ["-i", "'lost_nic'", "drivers-config"],
     ["-i", "vdev:net_null0?lost_nic=none"]),
    ("a NIC's option", 2, ["-i '0000:03:00.0?dscriptors=1'", "descriptors"], ["-i", "0000:03:00.0?dscriptors=1"]),
    ("an interface's option", 2, ["-i 'lo?dscriptors=1'", "descriptors"], ["-i", "lo?dscriptors=1"]),
    ("an option of a port for a tapped interface", 2, ["-i 'lo?burst=64'", "tapped", "--take"], ["-i", "lo?burst=64"]),
    ("no virtual device behind vdev:", 2, ["-i 'vdev:'", "net_null", "net_memif"], ["-i", "vdev:"]),
    ("unknown way to idle", 2, ["--idle 'adaptiv'", "adaptive"], [FILE, "--idle", "adaptiv"]),
    ("no way to idle", 2, ["--idle ''", "spin", "interrupt"], [FILE, "--idle", ""]),
    # how rows are split
    ("unknown split", 2, ["--split 'hsh:4'", "hsh", "hash:4"],
     [FILE, "--split", "hsh:4", "--key", "ip.src", "--agg", "n=count()"]),
    ("split into nothing", 2, ["--split", "hash:0", "4096"], [FILE, "--split", "hash:0", "--agg", "n=count()"]),
    ("split into too many", 2, ["--split", "4097", "4096"], [FILE, "--split", "rr:4097", "--agg", "n=count()"]),
    ("split by no number", 2, ["--split", "many"], [FILE, "--split", "hash:many", "--agg", "n=count()"]),
    ("split by a range without bounds", 2, ["--split", "range:dstport"],
     [FILE, "--split", "range:dstport", "--agg", "n=count()"]),
    ("unknown field in --split", 2, ["--split", "dstprt", "dstport"],
     [FILE, "--split", "range:dstprt:1024", "--agg", "n=count()"]),
    ("bounds that do not ascend", 2, ["--split", "'80'"],
     [FILE, "--split", "range:dstport:443,80", "--agg", "n=count()"]),
    ("bound of another type", 2, ["--split", "'80'", "address"],
     [FILE, "--split", "range:ip.src:10.0.0.0,80", "--agg", "n=count()"]),
    ("range of a text", 2, ["--split", "payload", "string"],
     [FILE, "--split", "range:payload:a", "--agg", "n=count()"]),
    ("split by a key that is not there", 2, ["--split", "--key"], [FILE, "--split", "key", "--agg", "n=count()"]),
    ("key split with a number", 2, ["--split", "key:4"],
     [FILE, "--split", "key:4", "--key", "ip.src", "--agg", "n=count()"]),
    ("--split without --agg", 2, ["--split 'rr'", "--agg", "auto"], [FILE, "--split", "rr", "--select", "ip.src"]),
    ("--split twice", 2, ["--split", "second"], [FILE, "--split", "rr", "--split", "key", "--agg", "n=count()"]),
    # windows, durations, numbers
    ("bad unit of a window", 2, ["--window", "10x"], [FILE, "--window", "10x", "--agg", "n=count()"]),
    ("window without a unit", 2, ["--window", "10"], [FILE, "--window", "10", "--agg", "n=count()"]),
    ("window of zero", 2, ["--window", "0s"], [FILE, "--window", "0s", "--agg", "n=count()"]),
    ("unknown window", 2, ["--window 'tumblin:1s'", "tumblin", "1s"],
     [FILE, "--window", "tumblin:1s", "--agg", "n=count()"]),
    ("bad default window", 2, ["--default-window"], [FILE, "--default-window", "soon"]),
    ("bad duration", 2, ["--for", "10"], [FILE, "--for", "10"]),
    ("bad unit of a duration", 2, ["--lateness", "5parsec"], [FILE, "--lateness", "5parsec"]),
    ("bad number", 2, ["--packets", "lots"], [FILE, "--packets", "lots"]),
    ("negative number", 2, ["--packets", "-5"], [FILE, "--packets", "-5"]),
    ("bad table size", 2, ["--table-size"], [FILE, "--table-size", "10q"]),
    # the shape of a query
    ("--emit early without --where", 2, ["--emit 'early'", "--where"], [FILE, "--agg", "n=count()", "--emit", "early"]),
    ("--emit early with --top", 2, ["--emit 'early'", "--map"],
     [FILE, "--agg", "n=count()", "--where", "n > 1", "--top", "5", "--emit", "early"]),
    ("--emit early of a sliding window", 2, ["--emit 'early'", "tumbling"],
     [FILE, "--window", "10s/1s", "--agg", "n=count()", "--where", "n > 1", "--emit", "early"]),
    ("--emit early of rows", 2, ["--emit 'early'"],
     [FILE, "--query", "a", "--key", "ip.src", "--agg", "n=count()", "--query", "b", "--from", "a", "--where", "n > 1",
      "--emit", "early"]),
    ("unknown --emit", 2, ["--emit", "erly", "early"], [FILE, "--agg", "n=count()", "--emit", "erly"]),
    ("--late to nowhere", 2, ["--late", "sink:", "drop"], [FILE, "--late", "sink:"]),
    ("--late to an unknown sink", 2, ["--late", "jsn", "json"], [FILE, "--late", "sink:jsn:x"]),
    ("--late that cannot be written", 1, ["--late 'sink:csv:/nowhere/x'", "/nowhere/x"], [FILE, "--late", "sink:csv:/nowhere/x"]),
    ("--late where its name is taken", 2, ["--late", "late"],
     [FILE, "--query", "late", "--agg", "n=count()", "--late", "sink:json"]),
    ("--top without --agg", 2, ["--top"], [FILE, "--key", "ip.src", "--top", "5"]),
    ("--top with an unknown column", 2, ["--top", "byte", "bytes"],
     [FILE, "--agg", "bytes=sum(frame.len)", "--top", "5:byte"]),
    ("--top without a number", 2, ["--top", "many"], [FILE, "--agg", "n=count()", "--top", "many:n"]),
    ("--top with a column alone", 2, ["--top", "10:bytes"],
     [FILE, "--agg", "bytes=sum(frame.len)", "--top", "bytes"]),
    ("--top of zero", 2, ["--top", "0"], [FILE, "--agg", "n=count()", "--top", "0:n"]),
    ("--window without --agg", 2, ["--window"], [FILE, "--window", "1s", "--select", "ip.src"]),
    ("--key without --agg", 2, ["--key", "--agg"], [FILE, "--key", "ip.src"]),
    ("--key and --select", 2, ["--key", "--select"], [FILE, "--key", "ip.src", "--select", "ip.dst"]),
    ("--key and --select of one name", 2, ["--key", "--select"], [FILE, "--key", "ip.src", "--select", "ip.src"]),
    ("--select with --agg", 2, ["--select"], [FILE, "--select", "ip.src", "--agg", "n=count()"]),
    ("--filter after --where", 2, ["--filter"], [FILE, "--where", "tcp", "--filter", "port 80"]),
    ("bad filter syntax", 2, ["--filter", "tcp prt 80"], [FILE, "--filter", "tcp prt 80"]),
    ("two queries of one name", 2, ["--query", "a"], [FILE, "--query", "a", "--agg", "n=count()", "--query", "a"]),
    ("two columns of one name", 2, ["--agg", "n"], [FILE, "--agg", "n=count(),n=sum(frame.len)"]),
    ("column that hides a key", 2, ["ip.src"], [FILE, "--key", "ip.src", "--agg", "ip.src=count()"]),
    # sinks and files
    ("unknown scheme of a sink", 2, ["--sink", "jsn", "json"], [FILE, "--sink", "jsn:x"]),
    ("port without a name", 2, ["--sink", "port:eth0"], [FILE, "--sink", "port:"]),
    ("port that is missing", 1, ["--sink", "nosuch0"], [FILE, "--sink", "port:nosuch0"]),
    ("second port that is missing", 1, ["--sink", "port 'nosuch0'"], [FILE, "--sink", "port:vdev:net_null0,size=64,nosuch0"]),
    ("unknown driver of a port", 1, ["--sink", "net_nul0", "vdev:net_null0"], [FILE, "--sink", "port:vdev:net_nul0"]),
    ("device that nobody opened", 2, ["--sink", "'net_null0'", "vdev:net_null0"], [FILE, "--sink", "port:net_null0"]),
    ("port given twice", 2, ["--sink", "given twice"], [FILE, "--sink", "port:lo,lo"]),
    ("missing port between commas", 2, ["--sink", "between commas"], [FILE, "--sink", "port:lo,,lo"]),
    ("option among ports", 2, ["--sink", "'mac=swap' at 4", "?"], [FILE, "--sink", "port:lo,mac=swap"]),
    ("unknown option of a port", 2, ["--sink", "vlam", "vlan"], [FILE, "--sink", "port:lo?vlam=pop"]),
    ("option of a port that is like no other", 2, ["--sink", "colour", "mac=swap"], [FILE, "--sink", "port:lo?colour=red"]),
    ("an option of the driver that is like no other", 2, ["--sink", "colour", "send_descriptors"], [FILE, "--sink", "port:lo?colour=red"]),
    ("unknown option of a port's driver", 2, ["--sink", "'burts'", "'burst'"], [FILE, "--sink", "port:lo?burts=9"]),
    ("option of a port's driver out of range", 2, ["--sink", "mtu: '9'", "68"], [FILE, "--sink", "port:lo?mtu=9"]),
    ("driver's option of a port that is a source", 2, ["--sink", "'net_null0' is a source", "-i 'vdev:net_null0?mtu=900'"],
     ["-i", "vdev:net_null0", "--sink", "port:net_null0?mtu=900"]),
    ("option of a port without a value", 2, ["--sink", "'mac'", "mac=swap"], [FILE, "--sink", "port:lo?mac"]),
    ("option of a port given twice", 2, ["--sink", "src", "twice"],
     [FILE, "--sink", "port:lo?src=02:00:00:00:00:01&src=02:00:00:00:00:02"]),
    ("unknown word of mac=", 2, ["--sink", "mac=swp", "mac=swap"], [FILE, "--sink", "port:lo?mac=swp"]),
    ("unknown word of vlan=", 2, ["--sink", "pussh", "vlan=push:100"], [FILE, "--sink", "port:lo?vlan=pussh:4"]),
    ("VLAN out of range", 2, ["--sink", "4095", "4094"], [FILE, "--sink", "port:lo?vlan=push:4095"]),
    ("priority of a VLAN out of range", 2, ["--sink", "vlan=push:5:8", "0 to 7"], [FILE, "--sink", "port:lo?vlan=push:5:8"]),
    ("bad MAC of a port", 2, ["--sink", "dst=02:00", "02:00:00:00:00:01"], [FILE, "--sink", "port:lo?dst=02:00"]),
    ("to=other with one port", 2, ["--sink", "to=other", "two ports"], [FILE, "--sink", "port:lo?to=other"]),
    ("to=other with ports that are no sources", 2, ["--sink", "'lo' is no source", "-i"],
     [FILE, "--sink", "port:lo,vdev:net_null0?to=other"]),
    ("to=other beside a third source", 2, ["--sink", "to=other", "neither"],
     ["-i", "vdev:net_null0", "-i", "vdev:net_null1", "-r", "{file}", "--sink", "port:net_null0,net_null1?to=other"]),
    ("--agg before a port", 2, ["--sink", "port:lo", "--agg", "--query"], [FILE, "--agg", "n=count()", "--sink", "port:lo"]),
    ("--window before a port", 2, ["--sink", "port:lo", "--window"], [FILE, "--window", "1s", "--sink", "port:lo"]),
    ("--split with one port", 2, ["--split 'rr'", "one port", "port:A,B"], [FILE, "--split", "rr", "--sink", "port:lo"]),
    ("--split key of ports without --key", 2, ["--split 'key'", "--key"],
     [FILE, "--split", "key", "--sink", "port:vdev:net_null0,vdev:net_null1"]),
    ("--key of ports without its --split", 2, ["--key", "--agg"],
     [FILE, "--key", "ip.src", "--sink", "port:vdev:net_null0,vdev:net_null1"]),
    ("unknown split of ports", 2, ["--split", "hsh", "hash"], [FILE, "--split", "hsh", "--sink", "port:lo,vdev:net_null0"]),
    ("pcapng without a file", 2, ["--sink", "pcapng"], [FILE, "--sink", "pcapng"]),
    ("sink file in no folder", 1, ["/nonexistent/rows.json"], [FILE, "--sink", "json:/nonexistent/rows.json"]),
    ("sink file that is a folder", 1, ["/tmp"], [FILE, "--sink", "csv:/tmp"]),
    ("--stats file in no folder", 1, ["/nonexistent/s.json"], [FILE, "--stats", "/nonexistent/s.json"]),
]


def judge(p, status, parts):
    err = p.stderr.decode("utf-8", "replace")
    problems = weir.ended(p, (status,))
    if p.stdout:
        problems.append("standard output: %r" % p.stdout[:300])
    if not err.endswith("\n") or err.count("\n") != 1 or not err.startswith("weir: "):
        problems.append("standard error is not one line that begins with 'weir: ': %r" % err[:1000])
    problems += ["no %r in %r" % (x, err[:500]) for x in parts if x not in err]
    return problems


def unprivileged(t, path):
    """What needs a right that the caller has not: run as nobody where root runs the tests."""
    os.chmod(path, 0o600)
    cases = (("no permission to capture", ["lo", "CAP_NET_RAW"], ["-i", "lo", "--tap", "--packets", "1"]),
             ("no permission to read the file", [path, "ermission"], ["-r", path]),
             ("no permission to write the file", ["/rows.json", "ermission"],
              ["--source", "gen:udp?count=1", "--sink", "json:/rows.json"]))
    if os.getuid() != 0:
        os.chmod(path, 0)
        for name, parts, args in cases:
            t.check(name, judge(weir.run(args), 1, parts))
        return
    if not shutil.which("setpriv"):
        for name, _, _ in cases:
            t.skip(name, "setpriv (util-linux) is missing")
        return
    binary = shutil.copy(weir.BINARY, os.path.join(os.path.dirname(path), "weir"))
    os.chmod(binary, 0o755)
    for name, parts, args in cases:
        p = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
                            binary, *args], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=weir.TIMEOUT, cwd="/")
        t.check(name, judge(p, 1, parts))


def main():
    t = tap.Tap()
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        path = os.path.join(d, "good.pcap")
        pcapmaker.write_pcap(path, [pcapmaker.packet(src="10.0.0.1", dst="10.0.0.2", udp=(1, 2))])
        for what, status, parts, args in CASES:
            full = []
            for a in args:
                full += ["-r", path] if a is FILE else [a.replace("{file}", path).replace("{out}", d)]
            t.check(what, judge(weir.run(full), status, parts))
            left = sorted(os.listdir(d))
            if left != ["good.pcap"]:
                t.check(what + ": nothing has been started", ["it has left %s" % left])
                for x in left:
                    if x != "good.pcap":
                        os.unlink(os.path.join(d, x))
        unprivileged(t, path)
    t.done()


main()
