/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "layout.h"

/* Average bytes of key strings that a full table may hold. */
#define STRING_BYTES_PER_KEY 256
#define STRING_BYTES_MIN     (UINT64_C(1) << 20)

/* splitmix64 (Steele, Lea, Flood 2014): consecutive secrets from one seed. */
static uint64_t
next_secret(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Bytes that a key column takes among the compared words, without an address's version. */
static uint32_t
key_width(enum weir_store store)
{
	return store == WEIR_BYTES ? 8 : weir_store_size(store);
}

static void
place_keys(struct weir_layout *l)
{
	uint32_t at = 0;

	for (uint32_t width = 16; width > 0; width /= 2)
		for (unsigned k = 0; k < l->n_keys; k++)
			if (key_width(l->keys[k].store) == width) {
				l->keys[k].offset = at;
				at += width;
			}
	for (unsigned k = 0; k < l->n_keys; k++)
		if (l->keys[k].store == WEIR_ADDR)
			l->keys[k].version = at++;
	l->words = (at + 7) / 8;
	at = l->words * 8;
	for (unsigned k = 0; k < l->n_keys; k++)
		if (l->keys[k].store == WEIR_BYTES) {
			l->keys[k].pointer = at;
			l->n_strings++;
			at += 8;
		}
	l->key_size = at;
}

static void
place_aggs(struct weir_layout *l, const struct weir_agg_call *aggs)
{
	l->stride = l->key_size;
	for (unsigned i = 0; i < l->n_aggs; i++) {
		struct weir_agg_slot *s = &l->aggs[i];

		s->function = aggs[i].function;
		s->n_args = aggs[i].n_args;
		memcpy(s->arg_types, aggs[i].arg_types, sizeof(s->arg_types));
		s->offset = l->stride;
		l->stride += (s->function->state_size(s->arg_types, aggs[i].n_args) + 7) / 8 * 8;
	}
	if (l->stride == 0)
		l->stride = 8;
}

struct weir_layout *
weir_layout_create(const struct weir_group_spec *spec)
{
	struct weir_layout *l = calloc(1, sizeof(*l));
	uint64_t seed = spec->seed;

	if (!l)
		return NULL;
	atomic_init(&l->users, 1);
	l->window = spec->window;
	l->n_keys = spec->n_keys;
	l->n_aggs = spec->n_aggs;
	l->keys = calloc(spec->n_keys + 1, sizeof(*l->keys));
	l->aggs = calloc(spec->n_aggs + 1, sizeof(*l->aggs));
	if (!l->keys || !l->aggs)
		goto fail;
	for (unsigned k = 0; k < spec->n_keys; k++) {
		l->keys[k].type = spec->keys[k].type;
		l->keys[k].store = spec->keys[k].store;
	}
	place_keys(l);
	place_aggs(l, spec->aggs);
	l->secrets = calloc(l->words + 4, sizeof(*l->secrets));
	if (!l->secrets)
		goto fail;
	for (uint32_t i = 0; i < l->words + 4; i++)
		l->secrets[i] = next_secret(&seed);
	l->max_string_bytes =
	    STRING_BYTES_MIN +
	    (spec->table_size < UINT32_MAX ? spec->table_size : UINT32_MAX) * STRING_BYTES_PER_KEY;
	return l;
fail:
	weir_layout_release(l);
	return NULL;
}

struct weir_layout *
weir_layout_hold(struct weir_layout *l)
{
	atomic_fetch_add_explicit(&l->users, 1, memory_order_relaxed);
	return l;
}

void
weir_layout_release(struct weir_layout *l)
{
	if (!l || atomic_fetch_sub_explicit(&l->users, 1, memory_order_acq_rel) != 1)
		return;
	free(l->keys);
	free(l->aggs);
	free(l->secrets);
	free(l);
}
