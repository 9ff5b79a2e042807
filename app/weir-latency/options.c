/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include "config.h"

#define PORTS  "Ports"
#define LOAD   "Load"
#define PROBES "Probes"
#define TIMES  "How long"
#define OUTPUT "Output"

static const struct weir_option options[] = {
	{ .id = FLAG_TX,
	    .name = "--tx",
	    .arg = "PORT",
	    .group = PORTS,
	    .help = "send probes out of this port, named as weir's -i names it" },
	{ .id = FLAG_RX,
	    .name = "--rx",
	    .arg = "PORT",
	    .group = PORTS,
	    .help = "receive them on this one (the same)" },
	{ .id = FLAG_ROWS,
	    .name = "--rows",
	    .arg = "FILE",
	    .group = PORTS,
	    .help = "instead of packets wait for rows, JSON lines from a FIFO or - (standard "
		    "input); each probe has a destination of its own in 198.18.0.0/15, as the rows "
		    "of a weir with --key ip.dst --emit early have it" },
	{ .id = FLAG_ROWS_FIELD,
	    .name = "--rows-field",
	    .arg = "NAME",
	    .group = PORTS,
	    .help = "the column of a row that names the probe (ip.dst)" },
	{ .id = FLAG_ROWS_EVERY,
	    .name = "--rows-every",
	    .arg = "N",
	    .group = PORTS,
	    .help = "each N-th probe makes a row (1), the others go to --ip-dst" },
	{ .id = FLAG_FLOOR_TX,
	    .name = "--floor-tx",
	    .arg = "PORT",
	    .group = PORTS,
	    .help = "the instrument's own floor: a port of the same kind with a cable to "
		    "--floor-rx; net_memif and net_ring make a loopback of their own" },
	{ .id = FLAG_FLOOR_RX,
	    .name = "--floor-rx",
	    .arg = "PORT",
	    .group = PORTS,
	    .help = "the other end of that cable; the same port where it is left out" },
	{ .id = FLAG_NO_FLOOR,
	    .name = "--no-floor",
	    .group = PORTS,
	    .help = "do not measure the floor" },
	{ .id = FLAG_RATE,
	    .name = "--rate",
	    .arg = "RATE",
	    .group = LOAD,
	    .help = "probes a second (10k); or bits (1Gbps), bits with what a line adds to frames "
		    "(1Gline), a share of the line (50%)" },
	{ .id = FLAG_LOAD,
	    .name = "--load",
	    .arg = "PERCENT,...",
	    .group = LOAD,
	    .help = "one measurement at each of these shares of the no-drop rate; 0, the default, "
		    "is single probes, 1009 a second" },
	{ .id = FLAG_NDR,
	    .name = "--ndr",
	    .group = LOAD,
	    .help = "find the no-drop rate first: the highest rate without more loss than "
		    "--loss-goal" },
	{ .id = FLAG_MAX_RATE,
	    .name = "--max-rate",
	    .arg = "RATE",
	    .group = LOAD,
	    .help = "the most to try with --ndr; without it the no-drop rate itself" },
	{ .id = FLAG_LOSS_GOAL,
	    .name = "--loss-goal",
	    .arg = "PERCENT",
	    .group = LOAD,
	    .help = "loss that --ndr takes for none (0)" },
	{ .id = FLAG_TRIAL,
	    .name = "--trial",
	    .arg = "DURATION",
	    .group = LOAD,
	    .help = "how long --ndr tries a rate (1s)" },
	{ .id = FLAG_SIZE,
	    .name = "--size",
	    .arg = "BYTES",
	    .group = PROBES,
	    .help = "frame without its check sequence (66), or imix: 66, 594 and 1514 as 7 : 4 : "
		    "1; headers and signature just fit into 66" },
	{ .id = FLAG_FLOWS,
	    .name = "--flows",
	    .arg = "N",
	    .group = PROBES,
	    .help = "UDP source ports that take turns (1)" },
	{ .id = FLAG_ETH_SRC,
	    .name = "--eth-src",
	    .arg = "MAC",
	    .group = PROBES,
	    .help = "(02:00:00:00:00:01)" },
	{ .id = FLAG_ETH_DST,
	    .name = "--eth-dst",
	    .arg = "MAC",
	    .group = PROBES,
	    .help = "(02:00:00:00:00:02)" },
	{ .id = FLAG_IP_SRC,
	    .name = "--ip-src",
	    .arg = "ADDRESS",
	    .group = PROBES,
	    .help = "(192.0.2.1)" },
	{ .id = FLAG_IP_DST,
	    .name = "--ip-dst",
	    .arg = "ADDRESS",
	    .group = PROBES,
	    .help = "(192.0.2.2)" },
	{ .id = FLAG_FOR,
	    .name = "--for",
	    .arg = "DURATION",
	    .group = TIMES,
	    .help = "of each measurement (10s)" },
	{ .id = FLAG_WARMUP,
	    .name = "--warmup",
	    .arg = "DURATION",
	    .group = TIMES,
	    .help = "probes before it that are not counted (200ms)" },
	{ .id = FLAG_DRAIN,
	    .name = "--drain",
	    .arg = "DURATION",
	    .group = TIMES,
	    .help = "wait for probes after the last was sent (200ms); those that come later are "
		    "lost, and where all are back it waits a tenth of it for copies" },
	{ .id = FLAG_WAIT,
	    .name = "--wait",
	    .arg = "DURATION",
	    .group = TIMES,
	    .help = "for a link, and for the first probe to come back (10s)" },
	{ .id = FLAG_THREADS,
	    .name = "--threads",
	    .arg = "1|2",
	    .group = TIMES,
	    .choices = "1|2",
	    .help = "send and receive in turns, or each on a thread of its own; 2 where there are "
		    "3 CPUs or more" },
	{ .id = FLAG_JSON,
	    .name = "--json",
	    .arg = "FILE",
	    .group = OUTPUT,
	    .help = "write all of it as JSON, too; - is standard output, without the table" },
	{ .id = FLAG_HDR,
	    .name = "--hdr",
	    .arg = "FILE",
	    .group = OUTPUT,
	    .help = "write HdrHistogram's percentile format; of several measurements to FILE with "
		    "their names put in" },
	{ .id = FLAG_PLOT,
	    .name = "--plot",
	    .arg = "FILE.svg",
	    .group = OUTPUT,
	    .help = "draw percentiles and latency over time" },
	{ .id = FLAG_HELP, .name = "--help", .group = OUTPUT, .help = "print this page" },
	{ .id = FLAG_VERSION, .name = "--version", .group = OUTPUT, .help = "print the version" },
	{ .id = FLAG_MAN,
	    .name = "--print-man",
	    .group = OUTPUT,
	    .help = "print the man page's source",
	    .is_hidden = true },
	{ .id = FLAG_COMPLETION,
	    .name = "--print-completion",
	    .group = OUTPUT,
	    .help = "print the completion for bash",
	    .is_hidden = true },
	{ 0 },
};

static const char *const examples[] = {
	"what the instrument itself takes: a ring of its own process",
	"weir-latency --tx vdev:net_ring0 --for 2s",
	"a device between two NICs: its no-drop rate, and latency at shares of it",
	"weir-latency --tx 0000:03:00.0 --rx 0000:03:00.1 --ndr --load 0,10,50,90 --json out.json",
	"a link: one port at each end, and the file of a plot",
	"weir-latency --tx eth1 --rx eth2 --rate 100k --plot link.svg",
	NULL,
};

const struct weir_program_help config_help = {
	.name = "weir-latency",
	.summary = "measure latency, loss and reordering through a device, a link or a weir",
	.synopsis = "weir-latency --tx PORT [--rx PORT | --rows FILE] [options] [-- EAL ARGUMENTS]",
	.examples = examples,
	.description =
	    "Sends probes through what is to be measured and receives them again. Each carries a "
	    "sequence number and the time at which it was to be sent: by a schedule that does not "
	    "wait for anything, so that a stall is seen in every probe that it kept waiting. What "
	    "is reported are percentiles with the number of samples, loss, duplicates, reordering "
	    "(RFC 4737) and delay variation (RFC 5481).\n\n"
	    "The instrument's own share, its floor, is measured first over a path of the same kind "
	    "without the device, at the same rates, and is shown beside each result. Percentiles "
	    "do "
	    "not subtract: a result that is not well above its floor says little.\n\n"
	    "Times are CLOCK_MONOTONIC of this host, read without a system call; where the NIC "
	    "that receives stamps packets and its clock can be read, they came when it says "
	    "('PORT?timestamps=no' for the time of the poll).\n\n"
	    "The exit status is 0 where all was measured, whatever was found, 1 where it could not "
	    "be, and 2 where the command line is wrong.",
	.options = options,
};
