/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/simd.h>

#include <weir/exchange/ring.h>

#include "parcel.h"

#include <weir/base/poison.h> /* last */

/* Rows that go to one worker: their numbers in the batch, ascending. */
struct share {
	const struct weir_exchange_rows *rows;
	const uint16_t *row;
	uint32_t n;
};

static inline __attribute__((always_inline)) bool
has_null(const struct weir_column *c)
{
	return c->null[0] | c->null[1] | c->null[2] | c->null[3];
}

#define GATHER(ctype)                                                                              \
	do {                                                                                       \
		const ctype *restrict src = from->data;                                            \
		ctype *restrict dst = (ctype *)to->data + at;                                      \
                                                                                                   \
		for (uint32_t i = 0; i < n; i++)                                                   \
			dst[i] = src[row[i]];                                                      \
	} while (0)

static void
copy_strings(struct weir_exchange_parcel *b, struct weir_column *to, uint32_t at,
    const struct weir_column *from, const uint16_t *row, uint32_t n)
{
	const struct weir_bytes *src = from->data;
	struct weir_bytes *dst = (struct weir_bytes *)to->data + at;

	for (uint32_t i = 0; i < n; i++) {
		uint8_t *p = b->strings + b->n_string_bytes;
		uint32_t len = weir_mask_test(from->null, row[i]) ? 0 : src[row[i]].len;

		if (len)
			memcpy(p, src[row[i]].p, len);
		dst[i] = (struct weir_bytes){ p, len };
		b->n_string_bytes += len;
	}
}

static void
copy_addresses(struct weir_exchange_parcel *b, unsigned column, const struct weir_column *from,
    const uint16_t *restrict row, uint32_t n)
{
	const struct weir_addr *restrict addr = from->data;
	const uint8_t *restrict version = from->version;
	struct weir_exchange_ipv4 *ipv4 = &b->ipv4[column];
	struct weir_column *to = &b->columns[column];
	uint32_t at = b->head.n;
	uint8_t six = 0;

	for (uint32_t i = 0; i < n; i++)
		six |= version[row[i]] & 2; /* 6 has it, 4 has not */
	if (ipv4->is_used && !six) {
		uint32_t *restrict dst = ipv4->addr + at;

		for (uint32_t i = 0; i < n; i++)
			dst[i] = (uint32_t)addr[row[i]].lo;
		return;
	}
	if (ipv4->is_used)
		weir_exchange_widen(b, column);
	GATHER(struct weir_addr);
	for (uint32_t i = 0; i < n; i++)
		to->version[at + i] = version[row[i]];
}

static void
copy_column(struct weir_exchange_parcel *b, unsigned column, const struct weir_column *from,
    const uint16_t *row, uint32_t n)
{
	struct weir_column *to = &b->columns[column];
	uint32_t at = b->head.n;

	switch (to->store) {
	case WEIR_U8:
		GATHER(uint8_t);
		break;
	case WEIR_U16:
		GATHER(uint16_t);
		break;
	case WEIR_U32:
		GATHER(uint32_t);
		break;
	case WEIR_I64:
	case WEIR_F64:
		GATHER(uint64_t);
		break;
	case WEIR_ADDR:
		copy_addresses(b, column, from, row, n);
		break;
	case WEIR_BYTES:
		copy_strings(b, to, at, from, row, n);
		break;
	case WEIR_N_STORES:
		break;
	}
	if (has_null(from))
		for (uint32_t i = 0; i < n; i++)
			if (weir_mask_test(from->null, row[i]))
				weir_mask_set(to->null, at + i);
}

/* Append n rows for which there is room. */
static void
append(const struct weir_exchange *x, struct weir_exchange_parcel *b, const struct share *s,
    uint32_t n)
{
	const struct weir_exchange_rows *rows = s->rows;
	int64_t *restrict time_ns = b->head.time_ns + b->head.n;
	int64_t *restrict number = b->head.number + b->head.n;

	if (rows->arrival && !b->head.arrival.polled_ns)
		b->head.arrival = *rows->arrival;
	if (rows->put_ns && !b->head.put_ns) {
		b->head.put_ns = rows->put_ns;
		b->head.put_row = b->head.n;
	}
	for (unsigned c = 0; c < x->n_columns; c++)
		copy_column(b, c, rows->columns[c], s->row, n);
	for (uint32_t i = 0; i < n; i++) {
		time_ns[i] = rows->time_ns[s->row[i]];
		number[i] = rows->first_number + s->row[i];
	}
	b->head.n += n;
}

static uint64_t
string_bytes_of(const struct weir_exchange *x, const struct weir_exchange_rows *rows, unsigned row)
{
	uint64_t bytes = 0;

	for (unsigned c = 0; c < x->n_columns; c++) {
		const struct weir_column *column = rows->columns[c];

		if (column->store == WEIR_BYTES && !weir_mask_test(column->null, row))
			bytes += ((const struct weir_bytes *)column->data)[row].len;
	}
	return bytes;
}

/* How many of the rows there is room for; *ret_is_lost: the one after them fits no block at all. */
static uint32_t
room(const struct weir_exchange *x, const struct weir_exchange_parcel *b, const struct share *s,
    bool *ret_is_lost)
{
	uint32_t n = WEIR_ROWS - b->head.n, k = 0;
	uint64_t bytes = x->string_bytes - b->n_string_bytes;

	n = s->n < n ? s->n : n;
	*ret_is_lost = false;
	if (!x->n_strings)
		return n;
	for (; k < n; k++) {
		uint64_t more = string_bytes_of(x, s->rows, s->row[k]);

		*ret_is_lost = more > x->string_bytes;
		if (more > bytes)
			break;
		bytes -= more;
	}
	return k;
}

static struct weir_exchange_parcel *
open_block(struct weir_exchange *x, unsigned from, unsigned to)
{
	struct weir_exchange_parcel **open = &x->workers[from].open[to], *b;

	if (*open)
		return *open;
	if (rte_ring_sc_dequeue_elem(weir_exchange_lane(x, from, to)->back, &b, sizeof(b)))
		return NULL;
	b->head.n = 0;
	b->head.arrival.polled_ns = 0;
	b->head.put_ns = 0;
	b->n_string_bytes = 0;
	for (unsigned c = 0; c < x->n_columns; c++) {
		memset(b->columns[c].null, 0, WEIR_MASK_WORDS * sizeof(uint64_t));
		b->ipv4[c].is_used = b->ipv4[c].addr;
	}
	*open = b;
	return b;
}

static void
ship(struct weir_exchange *x, unsigned from, unsigned to, struct weir_exchange_counters *counters)
{
	struct weir_exchange_parcel **open = &x->workers[from].open[to];

	counters->blocks++;
	rte_ring_sp_enqueue_elem(weir_exchange_lane(x, from, to)->there, open, sizeof(*open));
	*open = NULL;
}

/* Send a worker its share. What finds no free block is left: all that follows, to keep the order.
 */
static void
send_share(struct weir_exchange *x, unsigned from, unsigned to, struct share s,
    struct weir_exchange_counters *counters)
{
	while (s.n) {
		struct weir_exchange_parcel *b = open_block(x, from, to);
		bool is_lost;
		uint32_t n;

		if (!b)
			break;
		n = room(x, b, &s, &is_lost);
		append(x, b, &s, n);
		counters->rows += n;
		counters->too_large += is_lost;
		s.row += n + is_lost;
		s.n -= n + is_lost;
		if (b->head.n == WEIR_ROWS || (s.n && !is_lost))
			ship(x, from, to, counters);
	}
	counters->refused += s.n;
	for (uint32_t i = 0; i < s.n; i++)
		weir_mask_set(s.rows->left, s.row[i]);
}

/* Split sel: what the sender owns stays in it unless that is sent too, the others are returned. */
static void
keep_own(const struct weir_exchange *x, const struct weir_exchange_rows *rows, unsigned from,
    uint64_t others[WEIR_MASK_WORDS])
{
	uint8_t is_own[WEIR_ROWS] __attribute__((aligned(64)));
	uint64_t first[WEIR_MASK_WORDS];

	memset(is_own, 0, sizeof(is_own));
	for (uint32_t r = 0; !x->is_ordered && r < rows->n; r++)
		is_own[r] = rows->worker[r] == from;
	weir_mask_first(first, rows->n);
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++) {
		uint64_t own = weir_bools_pack64(is_own + w * 64);

		others[w] = rows->sel[w] & first[w] & ~own;
		rows->sel[w] &= first[w] & own;
	}
}

void
weir_exchange_put(struct weir_exchange *x, unsigned from, const struct weir_exchange_rows *rows,
    struct weir_exchange_counters *counters)
{
	struct weir_exchange_worker *w = &x->workers[from];
	uint64_t others[WEIR_MASK_WORDS];

	keep_own(x, rows, from, others); /* sel may be left */
	memset(rows->left, 0, sizeof(others));
	memset(w->n_rows, 0, x->n_workers * sizeof(*w->n_rows));
	WEIR_FOR_EACH_BIT (r, others) {
		unsigned to = rows->worker[r];

		w->rows[to][w->n_rows[to]++] = (uint16_t)r;
	}
	for (unsigned to = 0; to < x->n_workers; to++)
		if (w->n_rows[to])
			send_share(x, from, to, (struct share){ rows, w->rows[to], w->n_rows[to] },
			    counters);
}

void
weir_exchange_flush(struct weir_exchange *x, unsigned from, struct weir_exchange_counters *counters)
{
	for (unsigned to = 0; to < x->n_workers; to++)
		if (x->workers[from].open[to] && x->workers[from].open[to]->head.n)
			ship(x, from, to, counters);
}

bool
weir_exchange_flush_gently(
    struct weir_exchange *x, unsigned from, struct weir_exchange_counters *counters)
{
	bool is_all = true;

	for (unsigned to = 0; to < x->n_workers; to++) {
		if (!x->workers[from].open[to] || !x->workers[from].open[to]->head.n)
			continue;
		if (weir_ring_used(weir_exchange_lane(x, from, to)->back) < x->n_blocks / 2)
			is_all = false;
		else
			ship(x, from, to, counters);
	}
	return is_all;
}
