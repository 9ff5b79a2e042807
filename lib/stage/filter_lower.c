/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/decode/decode.h>

#include "filter.h"
#include "filter_sample.h"

#define CHECK_BATCHES 16 /* of WEIR_ROWS packets: about a millisecond at start */
#define CHECK_SEED    20260102

void
weir_filter_masks_fini(struct weir_filter_masks *m)
{
	weir_program_destroy(m->program);
	free(m->expression);
	*m = (struct weir_filter_masks){ 0 };
}

/* The fields that the program reads; false where it reads anything else. */
static bool
fields_of(const struct weir_program *p, const struct weir_scope *scope, struct weir_field_set *ret)
{
	unsigned slots[WEIR_N_FIELDS];
	unsigned n = weir_program_slots(p, slots, WEIR_N_FIELDS);

	for (unsigned i = 0; i < n; i++) {
		int field = -1;

		for (unsigned k = 0; k < scope->n_symbols && i < WEIR_N_FIELDS; k++)
			if (scope->symbols[k].slot == slots[i])
				field = weir_field_find(scope->symbols[k].name);
		if (field < 0)
			return false;
		weir_field_set_add(ret, (unsigned)field);
	}
	return true;
}

static void
fill(struct weir_batch *b, struct weir_filter_sample *samples, uint64_t *state,
    const struct weir_filter_hints *hints)
{
	b->n = WEIR_ROWS;
	for (unsigned r = 0; r < WEIR_ROWS; r++) {
		weir_filter_sample_make(state, hints, &samples[r]);
		b->data[r] = samples[r].bytes;
		b->cap_len[r] = samples[r].cap_len;
		b->wire_len[r] = samples[r].wire_len;
		b->link[r] = WEIR_LINK_ETHERNET;
		b->dlt[r] = DLT_EN10MB;
	}
}

static bool
is_alike(struct weir_filter *f, const struct weir_batch *b, const struct weir_column **inputs)
{
	struct weir_rows rows = { .n = b->n, .inputs = inputs, .batch = b };

	weir_mask_first(rows.sel, b->n);
	weir_stage_filter_run(&f->head, &rows);
	for (unsigned r = 0; r < b->n; r++) {
		bool want = bpf_filter(f->programs[0].bpf.bf_insns, b->data[r], b->wire_len[r],
				b->cap_len[r]) != 0;

		if (weir_mask_test(rows.sel, r) != want)
			return false;
	}
	return true;
}

bool
weir_filter_check(
    struct weir_filter *f, const struct weir_filter_node *tree, const struct weir_scope *scope)
{
	struct weir_field_set needed = { 0 };
	struct weir_filter_hints hints = { 0 };
	struct weir_decode_counters counters = { 0 };
	struct weir_filter_sample *samples = calloc(WEIR_ROWS, sizeof(*samples));
	const struct weir_column **inputs = NULL;
	struct weir_batch *b = NULL;
	uint64_t state = CHECK_SEED;
	unsigned n_slots = 0;
	bool ok = false;

	if (!samples || !fields_of(f->masks.program, scope, &needed))
		goto out;
	for (unsigned i = 0; i < scope->n_symbols; i++)
		if (scope->symbols[i].slot >= n_slots)
			n_slots = scope->symbols[i].slot + 1;
	inputs = calloc(n_slots + 1, sizeof(*inputs));
	b = weir_batch_create(&needed);
	if (!inputs || !b)
		goto out;
	for (unsigned i = 0; i < scope->n_symbols; i++) {
		int field = weir_field_find(scope->symbols[i].name);

		if (field >= 0)
			inputs[scope->symbols[i].slot] = &b->col[field];
	}
	weir_filter_hints_add(&hints, tree);
	ok = true;
	for (unsigned i = 0; ok && i < CHECK_BATCHES; i++) {
		fill(b, samples, &state, &hints);
		weir_decode_batch(b, &counters);
		ok = is_alike(f, b, inputs);
	}
out:
	weir_batch_destroy(b);
	free(inputs);
	free(samples);
	return ok;
}

void
weir_filter_lower(struct weir_filter *f, const struct weir_scope *scope, const char **ret_reason)
{
	struct weir_filter_masks *m = &f->masks;
	struct weir_filter_node *tree = weir_filter_parse(f->text);
	struct weir_strbuf expression = { 0 };

	if (!tree) {
		*ret_reason = "it asks for more than decoded columns hold";
		return;
	}
	weir_filter_print(tree, &expression);
	m->expression = expression.p;
	m->needs_tcp_header = weir_filter_has(tree, WEIR_FILTER_FLAGS);
	m->has_fixed = weir_filter_is_fixed(tree, &m->is_fixed_match);
	if (weir_program_compile(m->expression, scope, &m->program, NULL)) {
		m->program = NULL;
		*ret_reason = "its expression is too long or too deep";
	} else if (!weir_filter_check(f, tree, scope)) {
		*ret_reason = "masks and libpcap disagree on a made-up packet";
		weir_filter_masks_fini(m);
	}
	weir_filter_node_free(tree);
}
