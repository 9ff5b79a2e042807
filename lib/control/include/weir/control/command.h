/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CONTROL_COMMAND_H
#define WEIR_CONTROL_COMMAND_H

#include <stdbool.h>

/*
 * What can be asked of a running weir: name, argument ("" for none), help. Each is a command of
 * DPDK's telemetry, /weir/NAME, and goes to the handler of the run.
 */
#define WEIR_CONTROL_COMMANDS(X)                                                                   \
	X(STATUS, "status", "", "rate, delay and throughput, per query and per core")              \
	X(STATS, "stats", "", "the ledger, as --stats writes it at the end")                       \
	X(RESULT, "result", "QUERY", "rows of the last closed window; QUERY or QUERY,N rows")      \
	X(EXPLAIN, "explain", "", "the plan, as --explain prints it")                              \
	X(ADD, "add", "FLAGS", "add queries; the flags that begin with --query")                   \
	X(REMOVE, "remove", "QUERY", "close a query's windows and end it")                         \
	X(NODES, "nodes", "", "the cluster's nodes, and what goes between them and this one")      \
	X(SLOTS, "slots", "", "which node owns which slots of the keys")                           \
	X(MOVE, "move", "FIRST[-LAST] NODE", "have a node own these slots")                        \
	X(DRAIN, "drain", "", "hand over what this node owns, and end")                            \
	X(STOP, "stop", "", "drain, flush and end")

enum weir_control_command {
#define X(id, name, arg, help) WEIR_CONTROL_##id,
	WEIR_CONTROL_COMMANDS(X)
#undef X
	    WEIR_N_CONTROL_COMMANDS,
};

const char *weir_control_command_name(enum weir_control_command c);

#endif
