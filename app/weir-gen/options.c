/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <stddef.h>

const struct weir_option gen_options[] = {
	{ .id = FLAG_SOURCE,
	    .name = "--source",
	    .arg = "gen:KIND",
	    .group = "What to generate",
	    .help = "as weir's own --source; the word '--source' may be left out" },
	{ .id = FLAG_FILE,
	    .name = "-r",
	    .arg = "FILE",
	    .group = "What to generate",
	    .help = "the packets of a capture, to be sent; '-r' may be left out, too" },
	{ .id = FLAG_OUT,
	    .name = "-o",
	    .arg = "PORT",
	    .group = "What to do with it",
	    .help = "send it out of eth1, 0000:03:00.0 or vdev:net_x0,args" },
	{ .id = FLAG_WRITE,
	    .name = "-w",
	    .arg = "FILE",
	    .group = "What to do with it",
	    .help = "write the packets to a pcapng file; - is standard output" },
	{ .id = FLAG_DESCRIBE,
	    .name = "--describe",
	    .group = "What to do with it",
	    .help = "say what it gives: of an attack the culprit, the query that finds it and "
		    "its rows" },
	{ .id = FLAG_RATE,
	    .name = "--rate",
	    .arg = "RATE",
	    .group = "Sending",
	    .help = "1M (packets/s), 5Gbps, 9Gline, 50%, max, recorded[:FACTOR]; the default is "
		    "recorded: as the packets' time stamps say, which of a generator are by its "
		    "rate=. Gbps are of frames, Gline count what they take of an Ethernet line "
		    "(preamble, check sequence, gap: 24 bytes more), % are of that line" },
	{ .id = FLAG_BURST,
	    .name = "--burst",
	    .arg = "N[:TIME]",
	    .group = "Sending",
	    .help = "N packets together, on the average at the rate, or every TIME" },
	{ .id = FLAG_COUNT,
	    .name = "--count",
	    .arg = "N",
	    .group = "Sending",
	    .help = "exactly so many packets; from the first again after the last" },
	{ .id = FLAG_FOR,
	    .name = "--for",
	    .arg = "TIME",
	    .group = "Sending",
	    .help = "all that is due in so much time; from the first again after the last" },
	{ .id = FLAG_SIGNATURE,
	    .name = "--signature",
	    .group = "Sending",
	    .help = "number and intended time, in the last 24 bytes of each UDP payload" },
	{ .id = FLAG_FORCE,
	    .name = "--force",
	    .group = "Sending",
	    .help = "send out of an interface that its host uses" },
	{ .id = FLAG_LINE_RATE,
	    .name = "--line-rate",
	    .arg = "BITS",
	    .group = "Sending",
	    .help = "of what line --rate 50% is, where the driver does not tell: 10G",
	    .is_hidden = true },
	{ .id = FLAG_CORES,
	    .name = "--cores",
	    .arg = "N",
	    .group = "Sending",
	    .help = "so many threads send, each by a transmit queue of its own, in turns of 32 "
		    "packets; their order is then nobody's",
	    .is_hidden = true },
	{ .id = FLAG_ON_FULL,
	    .name = "--on-full",
	    .arg = "WHAT",
	    .group = "Sending",
	    .help = "what the port does not take at once is late (wait), or not sent (drop)",
	    .choices = "wait|drop",
	    .is_hidden = true },
	{ .id = FLAG_PROGRESS,
	    .name = "--progress",
	    .arg = "WHEN",
	    .group = "Output",
	    .help = "a line with count and rate while it sends; auto: where there is a terminal",
	    .choices = "auto|never",
	    .is_hidden = true },
	{ .id = FLAG_LIST,
	    .name = "--list",
	    .group = "Output",
	    .help = "list the kinds and the attacks" },
	{ .id = FLAG_JSON,
	    .name = "--json",
	    .group = "Output",
	    .help = "describe and report in JSON, as where standard output is no terminal" },
	{ .id = FLAG_HELP, .name = "--help", .group = "Output", .help = "print this page" },
	{ .id = FLAG_VERSION, .name = "--version", .group = "Output", .help = "print the version" },
	{ .id = FLAG_MAN,
	    .name = "--print-man",
	    .group = "Output",
	    .help = "print the man page's source",
	    .is_hidden = true },
	{ .id = FLAG_COMPLETION,
	    .name = "--print-completion",
	    .group = "Output",
	    .help = "print the completion for bash",
	    .is_hidden = true },
	{ 0 },
};

static const char *const examples[] = {
	"what an attack hides, and the query that finds it",
	"weir-gen --describe 'gen:attack:syn_flood?seed=7'",
	"its packets for another program",
	"weir-gen 'gen:attack:syn_flood?seed=7' -w /tmp/syn_flood.pcapng",
	"a million packets a second for two seconds, out of a virtual device",
	"weir-gen gen:udp -o vdev:net_null0 --rate 1M --for 2s",
	NULL,
};

const struct weir_program_help gen_help = {
	.name = "weir-gen",
	.summary = "make traffic that is known exactly, send it, and say what is in it",
	.synopsis = "weir-gen [options] gen:KIND[?OPTION=VALUE&...]|FILE [-- EAL ARGUMENTS]",
	.examples = examples,
	.description =
	    "Makes the packets of weir's built-in generator, the same as weir reads with --source "
	    "'gen:...', and sends them out of a port, writes them to a file for other programs, or "
	    "says what they are. The same "
	    "text gives the same packets, byte for byte. An attack is one culprit, planted in "
	    "the midst "
	    "of background that does nothing wrong and of decoys that nearly do; its description "
	    "names "
	    "the culprit and gives the rows that the query must find.\n\n"
	    "Written are as many packets as count= says, with nanoseconds, one interface in the "
	    "file for "
	    "each interface that the packets come by.\n\n"
	    "Sending is open loop: each packet has its time by the schedule, whatever happened to "
	    "those before; what is late is sent at once, and its lag is reported. Packets are read "
	    "into memory before the first one is sent, up to 512 MB; more are made or read as they "
	    "are sent. At the end it says what was sent, how far the rate was off, and what could "
	    "not be sent.\n\n"
	    "The exit status is 0 where all was done, 1 where writing failed or what was asked for "
	    "could not be sent (packets that the port did not take, a rate that was not reached by "
	    "5 %), and 2 where the command line is wrong.",
	.options = gen_options,
};
