/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <weir/base/hash.h>
#include <weir/base/time.h>

#include "part.h"

static const uint64_t secrets[] = {
	UINT64_C(0xa0761d6478bd642f),
	UINT64_C(0xe7037ed1a0b428db),
	UINT64_C(0x8ebc6af09c88c6e3),
	UINT64_C(0x589965cc75374cc3),
};

static uint64_t
mix(uint64_t print, uint64_t x)
{
	return weir_fold(print ^ secrets[0], x ^ secrets[1]);
}

static uint64_t
mix_slot(uint64_t print, const struct weir_agg_slot *s)
{
	print = mix(print, (uint64_t)s->size << 32 | s->n_args);
	if (s->fold) {
		for (unsigned v = 0; v < s->n_results; v++)
			print = mix(print, weir_fold_type(s->fold, v));
		return print;
	}
	for (unsigned i = 0; i < s->n_args; i++)
		print = mix(print, s->arg_types[i]);
	return mix(print, weir_hash_bytes((const uint8_t *)s->function->name,
			      (uint32_t)strlen(s->function->name), secrets));
}

uint32_t
weir_part_print(const struct weir_layout *l)
{
	uint64_t print = mix(l->n_keys, l->n_slots);

	for (unsigned k = 0; k < l->n_keys; k++)
		print = mix(print, l->keys[k].type);
	for (unsigned i = 0; i < l->n_slots; i++)
		print = mix_slot(print, &l->slots[i]);
	if (l->overflow == WEIR_OVERFLOW_SAMPLE) /* all must leave out the same keys */
		print = mix(print, l->secrets[0]);
	return (uint32_t)(print >> 32);
}

static uint64_t
minus(int64_t a, int64_t b)
{
	return weir_zigzag((int64_t)((uint64_t)a - (uint64_t)b));
}

static int64_t
plus(int64_t a, uint64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)weir_unzigzag(b));
}

void
weir_part_write_head(struct weir_out *out, const struct weir_part_head *h)
{
	weir_out_byte(out, WEIR_PART_VERSION);
	weir_out_byte(out, h->flags);
	for (unsigned i = 0; i < 4; i++)
		weir_out_byte(out, (uint8_t)(h->print >> 8 * i));
	weir_out_number(out, weir_zigzag(h->start_ns));
	weir_out_number(out, minus(h->end_ns, h->start_ns));
	if (h->flags & WEIR_PART_TIMES) {
		weir_out_number(out, minus(h->first_ns, h->start_ns));
		weir_out_number(out, minus(h->last_ns, h->first_ns));
	}
	weir_out_number(out, h->level);
	if (h->flags & WEIR_PART_TOTALS)
		weir_out_number(out, h->undercount);
	if (h->flags & WEIR_PART_LOST) {
		weir_out_number(out, h->lost);
		weir_out_number(out, h->n_short);
	}
}

bool
weir_part_read_head(struct weir_in *in, struct weir_part_head *h)
{
	*h = (struct weir_part_head){ .first_ns = WEIR_TIME_NONE, .last_ns = WEIR_TIME_NONE };
	if (weir_in_byte(in) != WEIR_PART_VERSION)
		weir_in_spoil(in);
	h->flags = weir_in_byte(in);
	for (unsigned i = 0; i < 4; i++)
		h->print |= (uint32_t)weir_in_byte(in) << 8 * i;
	h->start_ns = weir_unzigzag(weir_in_number(in));
	h->end_ns = plus(h->start_ns, weir_in_number(in));
	if (h->flags & WEIR_PART_TIMES) {
		h->first_ns = plus(h->start_ns, weir_in_number(in));
		h->last_ns = plus(h->first_ns, weir_in_number(in));
		if (h->first_ns == WEIR_TIME_NONE || h->last_ns < h->first_ns)
			weir_in_spoil(in);
	}
	h->level = weir_in_number(in);
	if (h->flags & WEIR_PART_TOTALS)
		h->undercount = weir_in_number(in);
	if (h->flags & WEIR_PART_LOST) {
		h->lost = weir_in_number(in);
		h->n_short = weir_in_number(in);
	}
	if (h->flags & ~WEIR_PART_FLAGS || h->end_ns < h->start_ns)
		weir_in_spoil(in);
	return !in->is_bad;
}

int
weir_part_window(
    const void *bytes, size_t len, struct weir_part_window *ret, struct weir_error *err)
{
	struct weir_in in = { .p = bytes, .len = len };
	struct weir_part_head h;

	if (!weir_part_read_head(&in, &h))
		return weir_error_run(err, -EBADMSG, "these %zu bytes are no part of a pane", len);
	*ret = (struct weir_part_window){ h.start_ns, h.end_ns };
	return 0;
}

/* A key column of a row, as its type has it. */
static struct weir_value
key_of(const struct weir_layout *l, const struct weir_shape *s, uint8_t *row, unsigned key)
{
	const struct weir_key_place *place = &s->places[key];
	const uint64_t *words = weir_row_key(l, row);
	struct weir_value v = { .type = l->keys[key].type };
	uint64_t x = words[place->word] >> place->shift & weir_part_mask(l->keys[key].store);

	switch (v.type) {
	case WEIR_BOOL:
		v.b = x != 0;
		break;
	case WEIR_FLOAT:
		memcpy(&v.f, &words[place->word], sizeof(v.f));
		break;
	case WEIR_IP:
		v.version = 4;
		v.addr.lo = (uint32_t)(words[place->word] >> place->shift);
		if (s == &l->shapes[WEIR_SHAPE_NARROW])
			break;
		v.version = (uint8_t)(words[place->version_word] >> place->version_shift);
		v.addr = (struct weir_addr){ words[place->word], words[place->word + 1] };
		break;
	case WEIR_STRING:
		v.s.p = weir_row_strings(l, s, row)[place->pointer];
		v.s.len = (uint32_t)words[place->word];
		break;
	default:
		v.i = (int64_t)x;
	}
	return v;
}

void
weir_pane_slots(const struct weir_pane *p, const struct weir_slot_key *key, uint16_t *ret)
{
	const struct weir_layout *l = p->layout;
	uint32_t n = weir_pane_n_rows(p);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t row = p->order ? p->order[i] : i;
		const struct weir_table *t = weir_pane_table_of(p, &row);
		struct weir_slot_hash h;

		weir_slot_begin(&h, key);
		for (unsigned k = 0; k < l->n_keys; k++) {
			struct weir_value v =
			    key_of(l, t->shape, t->rows + (size_t)row * t->shape->stride, k);

			weir_slot_add(&h, &v);
		}
		ret[i] = weir_slot_end(&h);
	}
}
