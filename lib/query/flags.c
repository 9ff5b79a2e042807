/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/query/flags.h>

#define SOURCES "Sources"
#define STAGES  "Stages, in order"
#define OPTIONS "Options"
#define PAGES   "Pages"

const struct weir_option weir_flags[] = {
	{ WEIR_FLAG_READ, "-r", "FILE", SOURCES,
	    "pcap or pcapng file, - is standard input; FILE?speed=1&loop=3&preload=1", NULL, true,
	    false },
	{ WEIR_FLAG_INTERFACE, "-i", "NAME", SOURCES,
	    "interface, PCI address or vdev:; eth0, 0000:03:00.0 or vdev:net_x0,args; "
	    "NAME?descriptors=1024&burst=64 sets up a port otherwise than the profile of its "
	    "driver "
	    "says, which is in drivers-config or in the folder WEIR_DRIVERS_DIR",
	    NULL, true, false },
	{ WEIR_FLAG_SOURCE, "--source", "URI", SOURCES,
	    "gen:udp, tcp, imix or mix; gen:KIND?rate=&count=&flows=&dist=&size=&v6=&seed=", NULL,
	    true, false },
	{ WEIR_FLAG_TAP, "--tap", NULL, SOURCES, "copy the packets of -i; its host keeps them",
	    NULL, false, false },
	{ WEIR_FLAG_TAKE, "--take", NULL, SOURCES, "take them away from the host", NULL, false,
	    false },
	{ WEIR_FLAG_QUERY, "--query", "NAME", STAGES, "begin a query", NULL, true, false },
	{ WEIR_FLAG_FROM, "--from", "NAME,...", STAGES,
	    "rows of other queries, not packets; first stage only", NULL, true, false },
	{ WEIR_FLAG_FILTER, "--filter", "PCAP", STAGES, "tcpdump's language; first stage only",
	    NULL, true, false },
	{ WEIR_FLAG_WHERE, "--where", "EXPR", STAGES, "keep rows; packets, and after --agg results",
	    NULL, true, false },
	{ WEIR_FLAG_MAP, "--map", "NAME=EXPR,...", STAGES, "add columns", NULL, true, false },
	{ WEIR_FLAG_SELECT, "--select", "FIELD,...", STAGES,
	    "columns of every packet; without --agg", NULL, true, false },
	{ WEIR_FLAG_KEY, "--key", "FIELD,...", STAGES,
	    "group by; fields, NAME=EXPR, 5tuple or biflow", NULL, true, false },
	{ WEIR_FLAG_SPLIT, "--split", "P", STAGES,
	    "how rows go to workers: auto, hash[:N], key ...; auto, hash[:N] (both directions of a "
	    "flow alike), range:FIELD:B1,B2,... (by bounds), rr[:N] (in turn), key (by --key)",
	    NULL, true, false },
	{ WEIR_FLAG_WINDOW, "--window", "W", STAGES,
	    "1s, 10s/1s, session:15s, count:1k or global; 1s is tumbling, 10s/1s slides; "
	    "session:GAP[,max:MAX] and count:N are of each key",
	    NULL, true, false },
	{ WEIR_FLAG_AGG, "--agg", "NAME=FN(..),...", STAGES,
	    "aggregates; n=count(),b=sum(frame.len)", NULL, true, false },
	{ WEIR_FLAG_FOLD, "--fold", "INIT; UPDATE", STAGES,
	    "state of a group, row by row; n=0,p=ip.id; n+=ip.id!=p; p=ip.id", NULL, true, false },
	{ WEIR_FLAG_JOIN, "--join", "[HOW:]NAME[@prev]", STAGES,
	    "look rows up in another query's window; HOW is inner (the default: rows that are in "
	    "both, with its columns), left (all rows; a number that is missing is 0), semi (rows "
	    "that are in both) or anti (rows that are not in it); by the keys of NAME; @prev is "
	    "its "
	    "window before this one",
	    NULL, true, false },
	{ WEIR_FLAG_TOP, "--top", "N[:COLUMN]", STAGES,
	    "the N largest; of each window, by a column", NULL, true, false },
	{ WEIR_FLAG_EMIT, "--emit", "WHEN", STAGES,
	    "close or early; a window's rows when it closes (the default), or each also at once "
	    "when "
	    "its --where first holds",
	    "close|early", true, false },
	{ WEIR_FLAG_SINK, "--sink", "URI", STAGES,
	    "table, json, csv, pcapng:FILE; json:FILE and csv:FILE too", NULL, true, false },
	{ WEIR_FLAG_DEFAULT_WINDOW, "--default-window", "W", OPTIONS,
	    "of queries without; files: global, live: 1s", NULL, false, false },
	{ WEIR_FLAG_CORES, "--cores", "N|LIST", OPTIONS,
	    "workers, or their CPUs; 4, or 2-5,8; default: 1", NULL, false, false },
	{ WEIR_FLAG_IDLE, "--idle", "HOW", OPTIONS,
	    "adaptive, spin or interrupt; adaptive: sleep while nothing comes (default), poll on, "
	    "or wait for the source",
	    "spin|adaptive|interrupt", false, false },
	{ WEIR_FLAG_PUSH, "--push", "WHEN", OPTIONS,
	    "auto or never; auto: what no query can use stays with the kernel (of an interface "
	    "that is taken) or is dropped by the NIC (of a port)",
	    "auto|never", false, false },
	{ WEIR_FLAG_LATENESS, "--lateness", "D", OPTIONS,
	    "how late a row may come; files: 60s, others: 0s", NULL, false, false },
	{ WEIR_FLAG_DECAP, "--decap", "LIST", OPTIONS,
	    "fields of what these tunnels carry; any of mpls, eompls, gre, vxlan, geneve, gtpu, "
	    "ipip, 6in4 (vlan and pppoe are always walked)",
	    NULL, false, false },
	{ WEIR_FLAG_LATE, "--late", "HOW", OPTIONS,
	    "drop or sink:URI; late packets are dropped (the default), or go to a sink as well",
	    NULL, false, false },
	{ WEIR_FLAG_TABLE_SIZE, "--table-size", "N", OPTIONS,
	    "most keys in a window; of one query; by default what a quarter of memory holds", NULL,
	    false, false },
	{ WEIR_FLAG_OVERFLOW, "--overflow", "HOW", OPTIONS,
	    "a full table: evict, sample or drop; drop new keys (the default), evict small ones, "
	    "keep a sample of all",
	    "evict|sample|drop", false, false },
	{ WEIR_FLAG_SEED, "--seed", "N", OPTIONS, "of the keyed hash (default: random)", NULL,
	    false, true },
	{ WEIR_FLAG_SIMD, "--simd", "LEVEL", OPTIONS,
	    "kernels for x86-64-v2, v3 or v4 (default: the best that the CPU has)", "v2|v3|v4",
	    false, true },
	{ WEIR_FLAG_ANON_KEY, "--anon-key", "FILE", OPTIONS,
	    "32 bytes that key anon(); without it every run maps addresses anew", NULL, false,
	    true },
	{ WEIR_FLAG_FOR, "--for", "D", OPTIONS, "stop after this time", NULL, false, false },
	{ WEIR_FLAG_PACKETS, "--packets", "N", OPTIONS, "stop after so many packets", NULL, false,
	    false },
	{ WEIR_FLAG_STATS, "--stats", "FILE", OPTIONS, "the ledger as JSON; - is standard output",
	    NULL, false, false },
	{ WEIR_FLAG_LATENCY, "--latency", NULL, OPTIONS,
	    "measure how long packets take, stage by stage; percentiles in the summary, in --stats "
	    "and live in weir-ctl; of a sample that costs at most 2 %",
	    NULL, false, false },
	{ WEIR_FLAG_PROGRESS, "--progress", "WHEN", OPTIONS, "auto or never; auto: on a terminal",
	    "auto|never", false, false },
	{ WEIR_FLAG_NAME, "--name", "JOB", OPTIONS, "of this run, for weir-ctl", NULL, false,
	    false },
	{ WEIR_FLAG_CONTROL, "--control", "WHEN", OPTIONS,
	    "auto or never; auto: weir-ctl reaches a run once it has lasted 0.2 s", "auto|never",
	    false, true },
	{ WEIR_FLAG_USER, "--user", "NAME[:GROUP]", OPTIONS,
	    "give up root's rights; for this user's, once sources and sinks are open", NULL, false,
	    true },
	{ WEIR_FLAG_CLUSTER, "--cluster", "URL", OPTIONS,
	    "one of several hosts that give each answer once: etcd://H:P[,H:P...]/JOB or "
	    "static:FILE",
	    NULL, false, false },
	{ WEIR_FLAG_NODE, "--node", "NAME", OPTIONS, "this host's name in the cluster", NULL, false,
	    false },
	{ WEIR_FLAG_WIRE, "--wire", "PORT,ip=A/N[,gw=A]", OPTIONS,
	    "port and address by which the hosts of the cluster talk", NULL, false, false },
	{ WEIR_FLAG_SECRET_FILE, "--secret-file", "F", OPTIONS,
	    "seal what the hosts send each other; the same bytes on all of them", NULL, false,
	    false },
	{ WEIR_FLAG_INSECURE_WIRE, "--insecure-wire", NULL, OPTIONS,
	    "no --secret-file: anybody on the wire can read and forge results", NULL, false, true },
	{ WEIR_FLAG_EXPLAIN, "--explain", NULL, OPTIONS, "print the plan and end", NULL, false,
	    false },
	{ WEIR_FLAG_DRY_RUN, "--dry-run", NULL, OPTIONS, "check everything, start nothing", NULL,
	    false, false },
	{ WEIR_FLAG_QUIET, "--quiet", NULL, OPTIONS, "no summary, no notices", NULL, false, false },
	{ WEIR_FLAG_LOG, "--log", "LEVEL", OPTIONS, "error, warning, notice, info or debug",
	    "error|warning|notice|info|debug", false, false },
	{ WEIR_FLAG_FIELDS, "--fields", NULL, PAGES, "list the fields", NULL, false, false },
	{ WEIR_FLAG_FUNCTIONS, "--functions", NULL, PAGES, "list functions and aggregates", NULL,
	    false, false },
	{ WEIR_FLAG_HELP, "--help", NULL, PAGES, "this page", NULL, false, false },
	{ WEIR_FLAG_VERSION, "--version", NULL, PAGES, "print the version", NULL, false, false },
	{ WEIR_FLAG_MAN, "--print-man", NULL, PAGES, "print the man page", NULL, false, true },
	{ WEIR_FLAG_COMPLETION, "--print-completion", NULL, PAGES, "print the bash completion",
	    NULL, false, true },
	{ 0 },
};

static const char *const examples[] = {
	"top talkers of a generated second of traffic",
	"weir --source 'gen:mix?count=100k'",
	"hosts with the most new TCP connections",
	"weir --source gen:tcp --where 'tcp.flags.syn && !tcp.flags.ack' --key ip.dst --agg "
	"'n=count()' "
	"--top 5",
	"DNS packets of an interface to a file",
	"weir -i lo --filter 'port 53' --sink pcapng:dns.pcapng --for 10s",
	NULL,
};

const struct weir_program_help weir_help = {
	.name = "weir",
	.summary = "run queries over packet streams",
	.synopsis = "weir [options] SOURCE... [QUERY...] [-- EAL ARGUMENTS]",
	.examples = examples,
	.description =
	    "weir reads packets from capture files, kernel interfaces, DPDK ports or its own "
	    "generator, decodes them to columns, and runs one or more queries over them: filter, "
	    "map, "
	    "group by key and window, aggregate. Results go to people, files and tools.\n\n"
	    "Without query flags it shows the top talkers: --key 5tuple --agg "
	    "'packets=count(),bytes=sum(frame.len)' --top 20:bytes.\n\n"
	    "A kernel interface is never stolen from its host: where it carries an address or a "
	    "route it "
	    "is tapped, where it carries none it is taken.\n\n"
	    "At the end weir accounts for every packet: received, aggregated or dropped with a "
	    "reason. If "
	    "the account does not balance it says so and exits with status 1.",
	.options = weir_flags,
};

const char *
weir_flag_name(enum weir_flag flag)
{
	const struct weir_option *o = weir_flags;

	while (o->name && o->id != (int)flag)
		o++;
	return o->name;
}
