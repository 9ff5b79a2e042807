/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_STAGE_FILTERS_H
#define TEST_STAGE_FILTERS_H

#include <pcap/pcap.h>
#include <weir/decode/decode.h>
#include <weir/stage/stage.h>

/* Filters for the tests that compare masks with BPF, and both beside each other. */

extern const char *const filter_texts[]; /* all are lowered; NULL ends */

/* A text put together from those and others; buf of at least 1024 bytes. */
void filter_compose(uint64_t *state, char *buf, size_t size);

/* One text as weir runs it and as libpcap alone does, for several link types. */
struct filter_pair {
	const char *text;
	struct weir_stage *stage;
	struct bpf_program bpf[256];
	int dlts[256];
	unsigned n_dlts;
	uint64_t n_packets, n_matched, n_differ;
};

/* False where libpcap refuses the text. */
bool filter_pair_init(struct filter_pair *p, const char *text);
void filter_pair_fini(struct filter_pair *p);
bool filter_pair_is_lowered(const struct filter_pair *p);
/* Run both on a decoded batch of all fields, and count; says the first difference. */
void filter_pair_run(struct filter_pair *p, const struct weir_batch *b);

/* A batch with all fields. */
struct weir_batch *filter_batch(void);

#endif
