/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "pane.h"

const struct weir_pane_window weir_pane_window_all = { INT64_MIN, INT64_MAX, INT64_MAX };

struct weir_pane *
weir_pane_create(struct weir_layout *l)
{
	struct weir_pane *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	if (weir_table_init(&p->table, l)) {
		free(p);
		return NULL;
	}
	p->layout = weir_layout_hold(l);
	p->window = weir_pane_window_all;
	p->first_ns = WEIR_TIME_NONE;
	p->last_ns = WEIR_TIME_NONE;
	return p;
}

void
weir_pane_destroy(struct weir_pane *p)
{
	if (!p)
		return;
	weir_table_fini(&p->table, p->layout);
	weir_layout_release(p->layout);
	free(p);
}

void
weir_pane_clear(struct weir_pane *p)
{
	weir_table_clear(&p->table, p->layout);
	p->window = weir_pane_window_all;
	p->first_ns = WEIR_TIME_NONE;
	p->last_ns = WEIR_TIME_NONE;
	p->batch = 0;
}

uint32_t
weir_pane_n_groups(const struct weir_pane *p)
{
	return p->table.n_rows;
}

uint64_t
weir_pane_bytes(const struct weir_pane *p)
{
	return sizeof(*p) + weir_table_bytes(&p->table, p->layout);
}

int64_t
weir_pane_start(const struct weir_pane *p)
{
	return p->layout->window.kind == WEIR_WINDOW_GLOBAL ? INT64_MIN : p->window.start_ns;
}

static void
merge_states(struct weir_pane *dst, const uint8_t *from, const uint32_t *rows, uint32_t n)
{
	const struct weir_layout *l = dst->layout;

	for (unsigned i = 0; i < l->n_aggs; i++) {
		const struct weir_agg_slot *s = &l->aggs[i];
		uint8_t *base = dst->table.rows + s->offset;

		for (uint32_t k = 0; k < n; k++)
			s->function->merge(base + (size_t)rows[k] * l->stride,
			    from + s->offset + (size_t)k * l->stride, s->arg_types);
	}
}

static void
merge_span(struct weir_pane *dst, const struct weir_pane *src)
{
	if (src->first_ns != WEIR_TIME_NONE &&
	    (dst->first_ns == WEIR_TIME_NONE || src->first_ns < dst->first_ns))
		dst->first_ns = src->first_ns;
	if (src->last_ns > dst->last_ns)
		dst->last_ns = src->last_ns;
}

int
weir_pane_merge(struct weir_pane *dst, const struct weir_pane *src)
{
	const struct weir_layout *l = dst->layout;
	uint32_t rows[WEIR_ROWS];
	struct weir_probe probe;

	for (uint32_t first = 0; first < src->table.n_rows; first += WEIR_ROWS) {
		const uint8_t *from = src->table.rows + (size_t)first * l->stride;
		uint32_t left = src->table.n_rows - first;
		uint32_t n = left < WEIR_ROWS ? left : WEIR_ROWS;

		if (weir_table_lookup(
			&dst->table, l, from, l->stride, n, WEIR_TABLE_MAX_ROWS, &probe, rows))
			return -ENOMEM;
		merge_states(dst, from, rows, n);
	}
	merge_span(dst, src);
	return 0;
}

/* Unpack one key of all rows to the block's column, whose store is as wide as its type. */
#define UNPACK(from_type, to_type)                                                                 \
	do {                                                                                       \
		to_type *data = c->data;                                                           \
		for (uint32_t i = 0; i < n; i++) {                                                 \
			from_type x;                                                               \
			memcpy(&x, from + (size_t)i * l->stride, sizeof(x));                       \
			data[at + i] = (to_type)x;                                                 \
		}                                                                                  \
	} while (0)

static int
unpack_strings(const struct weir_pane *p, const struct weir_key_field *f, struct weir_block *b,
    struct weir_column *c)
{
	struct weir_bytes *data = c->data;

	for (uint32_t i = 0; i < p->table.n_rows; i++) {
		const uint8_t *row = p->table.rows + (size_t)i * p->layout->stride;
		const uint8_t *bytes;
		uint32_t len;

		memcpy(&len, row + f->offset, sizeof(len));
		memcpy(&bytes, row + f->pointer, sizeof(bytes));
		bytes = weir_block_keep(b, bytes, len);
		if (!bytes)
			return -ENOMEM;
		data[b->n_rows + i] = (struct weir_bytes){ .p = bytes, .len = len };
	}
	return 0;
}

static void
unpack_addresses(const struct weir_pane *p, const struct weir_key_field *f, struct weir_block *b,
    struct weir_column *c)
{
	for (uint32_t i = 0; i < p->table.n_rows; i++) {
		const uint8_t *row = p->table.rows + (size_t)i * p->layout->stride;
		struct weir_addr *to = (struct weir_addr *)c->data + b->n_rows + i;

		memcpy(to, row + f->offset, sizeof(*to));
		c->version[b->n_rows + i] = row[f->version];
	}
}

static int
unpack_key(const struct weir_pane *p, unsigned key, struct weir_block *b)
{
	const struct weir_layout *l = p->layout;
	const struct weir_key_field *f = &l->keys[key];
	const uint8_t *from = p->table.rows + f->offset;
	struct weir_column *c = &b->columns[key];
	uint32_t n = p->table.n_rows, at = b->n_rows;

	for (uint32_t i = 0; i < n; i++)
		weir_mask_clear(c->null, at + i);
	switch (f->store) {
	case WEIR_U8:
		if (c->store == WEIR_U8)
			UNPACK(uint8_t, uint8_t);
		else
			UNPACK(uint8_t, int64_t);
		break;
	case WEIR_U16:
		UNPACK(uint16_t, int64_t);
		break;
	case WEIR_U32:
		UNPACK(uint32_t, int64_t);
		break;
	case WEIR_I64:
		UNPACK(int64_t, int64_t);
		break;
	case WEIR_F64:
		UNPACK(double, double);
		break;
	case WEIR_ADDR:
		unpack_addresses(p, f, b, c);
		break;
	case WEIR_BYTES:
		return unpack_strings(p, f, b, c);
	case WEIR_N_STORES:
		break;
	}
	return 0;
}

int
weir_pane_rows(const struct weir_pane *p, struct weir_block *b)
{
	const struct weir_layout *l = p->layout;
	struct weir_window_span span = { p->window.start_ns, p->window.end_ns };
	uint32_t n = p->table.n_rows;

	if (l->window.kind == WEIR_WINDOW_GLOBAL)
		span = (struct weir_window_span){ p->first_ns, p->last_ns };
	if (weir_block_reserve(b, n))
		return -ENOMEM;
	for (unsigned k = 0; k < l->n_keys; k++)
		if (unpack_key(p, k, b))
			return -ENOMEM;
	for (unsigned i = 0; i < l->n_aggs; i++) {
		const struct weir_agg_slot *s = &l->aggs[i];

		for (uint32_t r = 0; r < n; r++) {
			const uint8_t *row = p->table.rows + (size_t)r * l->stride;
			struct weir_value v =
			    s->function->result(row + s->offset, s->arg_types, &span);

			if (weir_block_set(b, b->n_rows + r, l->n_keys + i, &v))
				return -ENOMEM;
		}
	}
	b->n_rows += n;
	b->window_start_ns = span.start_ns;
	b->window_end_ns = span.end_ns;
	return 0;
}
