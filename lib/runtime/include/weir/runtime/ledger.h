/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_LEDGER_H
#define WEIR_RUNTIME_LEDGER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>
#include <weir/aggregate/aggregate.h>
#include <weir/base/error.h>
#include <weir/decode/decode.h>
#include <weir/port/port.h>
#include <weir/runtime/latency.h>
#include <weir/sink/forward.h>

/* The account of every packet and row (contract A10). Control thread. */

#define WEIR_DROP_REASONS(X)                                                                       \
	X(FILTER, "filter", "--filter did not match")                                              \
	X(WHERE, "where", "--where was not true")                                                  \
	X(NULL_KEY, "null_key", "a key field is not in the packet")                                \
	X(LATE, "late", "its window was closed already, see --lateness")                           \
	X(NO_TIME, "no_time", "the packet has no time and the window needs one")                   \
	X(OVERFLOW, "overflow", "the table was full, see --table-size and --overflow")             \
	X(EXCHANGE, "exchange", "the worker that owns its key had no room, see --split")           \
	X(IN_TIME, "in_time", "it came in time: of the query that --late makes")                   \
	X(JOIN, "join", "--join found no row for it (anti: found one)")                            \
	X(TOP, "top", "--top had others that were larger")                                         \
	X(NO_MEMORY, "no_memory", "no memory for its row")

enum weir_drop_reason {
#define X(id, name, doc) WEIR_DROP_##id,
	WEIR_DROP_REASONS(X)
#undef X
	    WEIR_N_DROP_REASONS,
};

struct weir_ledger_query {
	char *name;          /* owned; "NAME#2" of a removed one whose name another took */
	uint64_t offered;    /* packets that were received while it ran */
	uint64_t in;         /* packets that it was given */
	uint64_t aggregated; /* or emitted */
	uint64_t under_way;  /* rows between two workers: while it runs only */
	uint64_t dropped[WEIR_N_DROP_REASONS];
	uint64_t rows; /* produced */

	/* Of its group table; size 0 where it has none. The rest is the most of any one window. */
	uint64_t table_size;
	enum weir_overflow overflow;
	uint64_t table_keys;
	uint64_t table_bytes;
	double sampling; /* sample: the least share of the keys that a window's rows stand for */
	uint64_t undercount; /* evict: packets that a row may lack */
	uint64_t crowded;    /* rows that sliding windows had no room for, in each window anew */
	uint64_t left_out;   /* values that found no memory in aggregates that grow */
};

struct weir_ledger_sink {
	char *uri;        /* owned */
	uint64_t offered; /* rows or packets that queries produced for it */
	uint64_t delivered;
	uint64_t queued; /* waiting in its buffer: while it runs only */
	uint64_t dropped_error;
	uint64_t dropped_queue_full;
	bool forwards;  /* packets, by ports: */
	uint64_t moved; /* to another port, for their own one had no link */
	uint64_t unsent[WEIR_N_FORWARD_REASONS];
	unsigned n_ports;
	char *ports[WEIR_FORWARD_PORTS]; /* owned */
	uint64_t sent_by[WEIR_FORWARD_PORTS];
};

struct weir_ledger {
	double elapsed_s;
	uint64_t packets;
	uint64_t bytes; /* on the wire */
	bool has_guest; /* a source's port is that of --wire, too: */
	uint64_t guest; /* packets of its that were not offered to queries */
	uint64_t lost_nic;
	uint64_t lost_no_buffer;
	uint64_t passed[WEIR_PORT_N_PASSED]; /* left to the kernel, or dropped by the NIC: not
						received */
	bool has_unknown;                    /* of what the NIC dropped, not all is counted */
	struct weir_decode_counters decode;
	unsigned n_queries;
	struct weir_ledger_query *queries;
	unsigned n_sinks;
	struct weir_ledger_sink *sinks;
	struct weir_latency_set *latency; /* owned; NULL without --latency */
	json_t *cluster;                  /* owned; NULL without --cluster */
};

/* As --stats writes it; a new reference. */
json_t *weir_ledger_json(const struct weir_ledger *l);
const char *weir_drop_reason_name(enum weir_drop_reason reason);
/* Packets or rows that a query dropped, for all reasons. */
uint64_t weir_ledger_dropped(const struct weir_ledger_query *q);
/* Does every line of the account add up? */
bool weir_ledger_is_balanced(const struct weir_ledger *l);
/* For people: a few lines, each beginning "weir: ". */
void weir_ledger_print(const struct weir_ledger *l, FILE *out);
/*
 * Open the file that the JSON form will go to, "-" is standard output: before anything starts, as a
 * wrong path should not be found after the work is done. Run-time error with cause and place.
 */
int weir_ledger_open(const char *path, FILE **ret, struct weir_error *err);
/* Write as JSON and close. Run-time error with cause and place. */
int weir_ledger_write(
    const struct weir_ledger *l, const char *path, FILE *out, struct weir_error *err);
void weir_ledger_fini(struct weir_ledger *l);

#endif
