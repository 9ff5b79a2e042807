/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_STAGE_FILTER_H
#define WEIR_STAGE_FILTER_H

#include <pcap/pcap.h>
#include <weir/stage/stage.h>

#include "filter_tree.h"

/* Private to lib/stage: the filter stage, split into what runs per burst and what compiles. */

#define WEIR_FILTER_MAX_DLTS 16

struct weir_filter_program {
	int dlt;
	bool is_usable; /* false: the text means nothing on this link type, so nothing matches */
	struct bpf_program bpf;
};

/* The text as masks over columns, for the rows whose layout makes both agree. */
struct weir_filter_masks {
	struct weir_program *program; /* NULL: every row runs as BPF */
	char *expression;
	bool needs_tcp_header; /* whole and possible, not only the ports */
	bool has_fixed;        /* tagged frames all match, or all do not ... */
	bool is_fixed_match;   /* ... namely so */
};

struct weir_filter {
	struct weir_stage head;
	char *text;
	char *description;
	struct weir_filter_masks masks;
	unsigned n_programs;
	struct weir_filter_program programs[WEIR_FILTER_MAX_DLTS]; /* the first is Ethernet's */
};

/* Cold: the program for a link type, compiled where it is new. */
const struct weir_filter_program *weir_filter_program_of(struct weir_filter *f, int dlt);
void weir_stage_filter_run(struct weir_stage *s, struct weir_rows *rows);

/*
 * Lower the text where that can be done and where masks and BPF decide alike on made-up packets;
 * else masks.program stays NULL, and ret_reason says why.
 */
void weir_filter_lower(
    struct weir_filter *f, const struct weir_scope *scope, const char **ret_reason);
void weir_filter_masks_fini(struct weir_filter_masks *m);

/*
 * Does the stage keep what its Ethernet program matches, on packets of all shapes that tree's
 * values steer? False also without memory.
 */
bool weir_filter_check(
    struct weir_filter *f, const struct weir_filter_node *tree, const struct weir_scope *scope);

#endif
