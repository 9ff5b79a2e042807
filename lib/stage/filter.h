/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_STAGE_FILTER_H
#define WEIR_STAGE_FILTER_H

#include <pcap/pcap.h>
#include <weir/stage/stage.h>

/* Private to lib/stage: the filter stage, split into what runs per burst and what compiles. */

#define WEIR_FILTER_MAX_DLTS 16

struct weir_filter_program {
	int dlt;
	bool is_usable; /* false: the text means nothing on this link type, so nothing matches */
	struct bpf_program bpf;
};

struct weir_filter {
	struct weir_stage head;
	char *text;
	unsigned n_programs;
	struct weir_filter_program programs[WEIR_FILTER_MAX_DLTS];
};

/* Cold: the program for a link type, compiled where it is new. */
const struct weir_filter_program *weir_filter_program_of(struct weir_filter *f, int dlt);
void weir_stage_filter_run(struct weir_stage *s, struct weir_rows *rows);

#endif
