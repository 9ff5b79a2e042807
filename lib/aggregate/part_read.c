/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/hash.h>
#include <weir/base/time.h>

#include "memory.h"
#include "part.h"

/*
 * A part is first read whole, into rows as a pane has them but without an index, and with memory of
 * its own for states that grow; nothing of it gets into the pane before all of it is known to be
 * good.
 */

/* States that grow may take so much while a part is read. */
#define MOST_STATE_BYTES (UINT64_C(64) << 20)

struct reading {
	struct weir_in in;
	struct weir_part_head head;
	const struct weir_layout *layout;
	const struct weir_shape *shape; /* of the section in hand */
	uint8_t *rows;
	uint32_t n;
	struct weir_pane part;
	struct weir_sketch_memory memory;
};

static uint8_t *
row_at(const struct reading *r, uint32_t i)
{
	return r->rows + (size_t)i * r->shape->stride;
}

static uint64_t *
key_of(const struct reading *r, uint32_t i)
{
	return (uint64_t *)(void *)(row_at(r, i) + r->layout->key_offset);
}

static void
read_key_words(
    struct reading *r, const struct weir_group_key *key, const struct weir_key_place *place)
{
	uint64_t x[WEIR_PART_GROUPS], mask = weir_part_mask(key->store);

	if (!weir_words_read(&r->in, x, r->n))
		return;
	for (uint32_t i = 0; i < r->n; i++) {
		if (x[i] & ~mask || (key->type == WEIR_BOOL && x[i] > 1)) {
			weir_in_spoil(&r->in);
			return;
		}
		if (weir_part_is_signed(key->store))
			x[i] = (uint64_t)weir_unzigzag(x[i]);
		if (key->store == WEIR_F64) {
			double f;

			memcpy(&f, &x[i], sizeof(f));
			x[i] = weir_float_bits(f);
		}
		key_of(r, i)[place->word] |= x[i] << place->shift;
	}
}

static void
read_key_strings(struct reading *r, const struct weir_key_place *place)
{
	const uint64_t *secrets = r->layout->secrets + r->layout->max_words;
	struct weir_bytes x[WEIR_PART_GROUPS];

	if (!weir_strings_read(&r->in, x, r->n))
		return;
	for (uint32_t i = 0; i < r->n; i++) {
		uint64_t hash = weir_hash_bytes(x[i].p, x[i].len, secrets);

		key_of(r, i)[place->word] = x[i].len | hash >> 32 << 32;
		weir_row_strings(r->layout, r->shape, row_at(r, i))[place->pointer] = x[i].p;
	}
}

static void
read_narrow(struct reading *r, const struct weir_key_place *place)
{
	uint64_t x[WEIR_PART_GROUPS];

	if (!weir_words_read(&r->in, x, r->n))
		return;
	for (uint32_t i = 0; i < r->n; i++) {
		if (x[i] > UINT32_MAX) {
			weir_in_spoil(&r->in);
			return;
		}
		key_of(r, i)[place->word] |= x[i] << place->shift;
	}
}

/* Returns by bits which rows have an address that is not IPv4. */
static void
read_wide(struct reading *r, const struct weir_key_place *place, uint64_t *is_wide)
{
	uint64_t version[WEIR_PART_GROUPS], hi[WEIR_PART_GROUPS], lo[WEIR_PART_GROUPS];

	if (!weir_words_read(&r->in, version, r->n) || !weir_words_read(&r->in, hi, r->n) ||
	    !weir_words_read(&r->in, lo, r->n))
		return;
	for (uint32_t i = 0; i < r->n; i++) {
		if (version[i] != 6 && (version[i] != 4 || hi[i] || lo[i] > UINT32_MAX)) {
			weir_in_spoil(&r->in);
			return;
		}
		key_of(r, i)[place->word] = hi[i];
		key_of(r, i)[place->word + 1] = lo[i];
		key_of(r, i)[place->version_word] |= version[i] << place->version_shift;
		is_wide[i / 64] |= (uint64_t)(version[i] == 6) << i % 64;
	}
}

static void
read_keys(struct reading *r)
{
	const struct weir_layout *l = r->layout;
	uint64_t is_wide[WEIR_PART_GROUPS / 64] = { 0 };

	for (unsigned k = 0; k < l->n_keys && !r->in.is_bad; k++) {
		const struct weir_key_place *place = &r->shape->places[k];

		if (l->keys[k].store == WEIR_BYTES)
			read_key_strings(r, place);
		else if (l->keys[k].store != WEIR_ADDR)
			read_key_words(r, &l->keys[k], place);
		else if (r->shape == &l->shapes[WEIR_SHAPE_NARROW])
			read_narrow(r, place);
		else
			read_wide(r, place, is_wide);
	}
	/* One key has one shape: else it would be two groups. */
	for (uint32_t i = 0; l->n_shapes > 1 && r->shape == &l->shapes[WEIR_SHAPE_WIDE] && i < r->n;
	     i++)
		if (!(is_wide[i / 64] >> i % 64 & 1)) {
			weir_in_spoil(&r->in);
			return;
		}
}

static void
read_windows(struct reading *r)
{
	uint64_t start[WEIR_PART_GROUPS], length[WEIR_PART_GROUPS], n[WEIR_PART_GROUPS];

	if (!weir_words_read(&r->in, start, r->n) || !weir_words_read(&r->in, length, r->n) ||
	    !weir_words_read(&r->in, n, r->n))
		return;
	for (uint32_t i = 0; i < r->n; i++) {
		struct weir_group_window *w = weir_row_window(row_at(r, i));

		w->first_ns = weir_unzigzag(start[i]);
		w->last_ns = (int64_t)((uint64_t)w->first_ns + length[i]);
		w->n = n[i];
		if (w->last_ns < w->first_ns || !n[i]) {
			weir_in_spoil(&r->in);
			return;
		}
	}
}

static bool
is_sound(const struct weir_agg_slot *slot, const uint8_t *state)
{
	if (slot->fold)
		return weir_fold_is_sound(slot->fold, state);
	return !slot->function->is_sound || slot->function->is_sound(state, slot->arg_types);
}

static void
read_words(struct reading *r, const struct weir_agg_slot *slot)
{
	uint64_t x[WEIR_PART_GROUPS];

	for (uint32_t at = 0; at < slot->size; at += sizeof(*x)) {
		if (!weir_words_read(&r->in, x, r->n))
			return;
		for (uint32_t i = 0; i < r->n; i++)
			memcpy(row_at(r, i) + slot->offset + at, &x[i], sizeof(*x));
	}
	for (uint32_t i = 0; i < r->n && !r->in.is_bad; i++)
		if (!is_sound(slot, row_at(r, i) + slot->offset))
			weir_in_spoil(&r->in);
}

static void
read_states(struct reading *r, const struct weir_agg_slot *slot)
{
	for (uint32_t i = 0; i < r->n && !r->in.is_bad; i++)
		if (!slot->function->read(
			row_at(r, i) + slot->offset, slot->arg_types, &r->memory, &r->in))
			weir_in_spoil(&r->in);
}

static int
read_section(struct reading *r, unsigned shape)
{
	const struct weir_layout *l = r->layout;
	struct weir_table *t = &r->part.tables[shape];

	r->shape = t->shape = &l->shapes[shape];
	r->n = (uint32_t)r->head.n_groups[shape];
	if (!r->n)
		return 0;
	t->cap_rows = r->n;
	t->rows = r->rows = weir_memory_get((size_t)r->n * t->shape->stride);
	if (!t->rows)
		return -ENOMEM;
	t->n_rows = r->n;
	read_keys(r);
	if (l->is_per_group && !r->in.is_bad)
		read_windows(r);
	for (unsigned i = 0; i < l->n_slots && !r->in.is_bad; i++)
		if (l->slots[i].function && l->slots[i].function->read)
			read_states(r, &l->slots[i]);
		else
			read_words(r, &l->slots[i]);
	return r->in.is_bad ? -EBADMSG : 0;
}

static bool
read_head(struct reading *r)
{
	const struct weir_layout *l = r->layout;
	struct weir_part_head *h = &r->head;
	bool is_list;
	uint64_t n = 0;

	if (!weir_part_read_head(&r->in, h))
		return false;
	is_list = h->flags & WEIR_PART_LIST;
	for (unsigned s = 0; s < l->n_shapes; s++) {
		h->n_groups[s] = weir_in_number(&r->in);
		if (h->n_groups[s] > WEIR_PART_GROUPS)
			weir_in_spoil(&r->in);
		n += h->n_groups[s];
	}
	if (h->level > (l->overflow == WEIR_OVERFLOW_SAMPLE ? 32 : 0) ||
	    is_list != l->is_per_group || n > WEIR_PART_GROUPS)
		weir_in_spoil(&r->in);
	return !r->in.is_bad;
}

static int
read_part(struct reading *r, struct weir_layout *l)
{
	struct weir_pane *p = &r->part;
	int rc = 0;

	p->layout = l;
	p->memory = &r->memory;
	if (!read_head(r) || r->head.print != weir_part_print(l))
		return -EBADMSG;
	p->is_list = l->is_per_group;
	p->level = (uint32_t)r->head.level;
	p->undercount = r->head.undercount;
	p->lost = r->head.lost;
	p->first_ns = r->head.first_ns;
	p->last_ns = r->head.last_ns;
	for (unsigned s = 0; !rc && s < l->n_shapes; s++)
		rc = read_section(r, s);
	r->memory.n_short += r->head.n_short;
	return rc ? rc : r->in.len ? -EBADMSG : 0;
}

int
weir_pane_read(struct weir_pane *dst, const void *bytes, size_t len, struct weir_error *err)
{
	struct weir_layout *l = dst->layout;
	struct reading *r = calloc(1, sizeof(*r));
	int rc = -ENOMEM;

	if (r) {
		r->in = (struct weir_in){ .p = bytes, .len = len };
		r->layout = l;
		weir_sketch_memory_init(&r->memory, l->state_seed,
		    l->max_state_bytes < MOST_STATE_BYTES ? l->max_state_bytes : MOST_STATE_BYTES);
		rc = read_part(r, l);
		if (!rc) {
			weir_pane_take_window(dst, r->head.start_ns, r->head.end_ns);
			rc = weir_pane_take_part(dst, &r->part);
		}
		for (unsigned s = 0; s < l->n_shapes; s++)
			if (r->part.tables[s].rows)
				weir_memory_put(
				    r->part.tables[s].rows, (size_t)r->part.tables[s].cap_rows *
								r->part.tables[s].shape->stride);
		weir_sketch_memory_fini(&r->memory);
	}
	free(r);
	if (rc == -EBADMSG)
		return weir_error_run(
		    err, rc, "these %zu bytes are no part of a pane of this query", len);
	return rc ? weir_error_run(err, rc, "no memory to merge a part of a pane") : 0;
}
