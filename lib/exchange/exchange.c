/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/exchange/ring.h>

#include "parcel.h"

/* A block's memory is one piece: its parts are taken from the front. With no memory it measures. */
struct piece {
	char *p;
	size_t used;
};

static void *
take(struct piece *m, size_t size)
{
	void *at = m->p ? m->p + m->used : NULL;

	m->used += RTE_CACHE_LINE_ROUNDUP(size);
	return at;
}

static void
lay_column(struct piece *m, const struct weir_exchange_column *spec, struct weir_column *c)
{
	struct weir_column column = {
		.type = spec->type,
		.store = spec->store,
		.data = take(m, (size_t)WEIR_ROWS * weir_store_size(spec->store)),
		.version = spec->store == WEIR_ADDR ? take(m, WEIR_ROWS) : NULL,
		.null = take(m, WEIR_MASK_WORDS * sizeof(uint64_t)),
	};

	if (c)
		*c = column;
}

static bool
has_strings(const struct weir_exchange_spec *spec)
{
	for (unsigned c = 0; c < spec->n_columns; c++)
		if (spec->columns[c].store == WEIR_BYTES)
			return true;
	return false;
}

static uint32_t
string_bytes(const struct weir_exchange_spec *spec)
{
	if (!has_strings(spec))
		return 0;
	return spec->string_bytes ? spec->string_bytes : WEIR_EXCHANGE_STRING_BYTES;
}

static unsigned
n_blocks(const struct weir_exchange_spec *spec)
{
	return spec->n_blocks ? spec->n_blocks : WEIR_EXCHANGE_BLOCKS;
}

/* One block. NULL where it is only measured. */
static struct weir_exchange_parcel *
lay_block(struct piece *m, const struct weir_exchange_spec *spec, unsigned from)
{
	struct weir_exchange_parcel *b = take(m, sizeof(*b));
	struct weir_column *columns = take(m, (spec->n_columns + 1) * sizeof(*columns));
	const struct weir_column **list = take(m, (spec->n_columns + 1) * sizeof(*list));
	int64_t *time_ns = take(m, WEIR_ROWS * sizeof(*time_ns));
	int64_t *number = take(m, WEIR_ROWS * sizeof(*number));
	struct weir_exchange_ipv4 *ipv4 = take(m, (spec->n_columns + 1) * sizeof(*ipv4));
	uint8_t *strings = take(m, string_bytes(spec));

	for (unsigned c = 0; c < spec->n_columns; c++) {
		uint32_t *addr =
		    spec->columns[c].store == WEIR_ADDR ? take(m, WEIR_ROWS * sizeof(*addr)) : NULL;

		lay_column(m, &spec->columns[c], columns ? &columns[c] : NULL);
		if (ipv4)
			ipv4[c] = (struct weir_exchange_ipv4){ false, addr };
	}
	if (!b)
		return NULL;
	for (unsigned c = 0; c < spec->n_columns; c++)
		list[c] = &columns[c];
	b->head.from = from;
	b->head.columns = list;
	b->head.time_ns = time_ns;
	b->head.number = number;
	b->strings = strings;
	b->columns = columns;
	b->ipv4 = ipv4;
	return b;
}

static size_t
block_bytes(const struct weir_exchange_spec *spec)
{
	struct piece m = { NULL, 0 };

	lay_block(&m, spec, 0);
	return m.used;
}

uint64_t
weir_exchange_bytes(const struct weir_exchange_spec *spec)
{
	unsigned n = spec->n_workers;
	uint64_t ring = (uint64_t)rte_ring_get_memsize_elem(
	    sizeof(void *), rte_align32pow2(n_blocks(spec) + 1));
	uint64_t worker = sizeof(struct weir_exchange_worker) +
			  (uint64_t)n * (sizeof(void *) + sizeof(uint16_t) * (WEIR_ROWS + 1));

	return sizeof(struct weir_exchange) + n * worker +
	       (uint64_t)n * n * sizeof(struct weir_exchange_lane) +
	       (uint64_t)n * (spec->is_ordered ? n : n - 1) *
		   (n_blocks(spec) * block_bytes(spec) + 2 * ring);
}

static int
create_lane(struct weir_exchange_lane *l, const struct weir_exchange_spec *spec, unsigned from)
{
	size_t size = block_bytes(spec);
	unsigned n = n_blocks(spec);
	struct piece m = { NULL, 0 };

	atomic_init(&l->number, INT64_MIN);
	l->least = INT64_MIN;
	l->there = weir_ring_create("there", sizeof(void *), n);
	l->back = weir_ring_create("back", sizeof(void *), n);
	l->memory = aligned_alloc(RTE_CACHE_LINE_SIZE, n * size);
	if (!l->there || !l->back || !l->memory)
		return -ENOMEM;
	memset(l->memory, 0, n * size);
	m.p = l->memory;
	for (unsigned i = 0; i < n; i++) {
		struct weir_exchange_parcel *b = lay_block(&m, spec, from);

		rte_ring_sp_enqueue_elem(l->back, &b, sizeof(b));
	}
	return 0;
}

static int
create_worker(struct weir_exchange_worker *w, unsigned n_workers)
{
	atomic_init(&w->watermark_ns, INT64_MIN);
	w->taken_number = w->mark_number = INT64_MIN;
	w->mark_ns = w->settled_ns = INT64_MIN;
	w->open = calloc(n_workers, sizeof(struct weir_exchange_parcel *));
	w->n_rows = calloc(n_workers, sizeof(*w->n_rows));
	w->rows = calloc(n_workers, sizeof(*w->rows));
	return w->open && w->n_rows && w->rows ? 0 : -ENOMEM;
}

int
weir_exchange_create(
    const struct weir_exchange_spec *spec, struct weir_exchange **ret, struct weir_error *err)
{
	struct weir_exchange *x = calloc(1, sizeof(*x));
	unsigned n = spec->n_workers;
	int rc = 0;

	if (!x)
		return weir_error_run(err, -ENOMEM, "out of memory for the exchange of rows");
	x->n_workers = n;
	x->n_columns = spec->n_columns;
	x->n_blocks = n_blocks(spec);
	x->is_ordered = spec->is_ordered;
	x->string_bytes = string_bytes(spec);
	for (unsigned c = 0; c < spec->n_columns; c++)
		x->n_strings += spec->columns[c].store == WEIR_BYTES;
	x->workers = aligned_alloc(RTE_CACHE_LINE_SIZE, n * sizeof(*x->workers));
	x->lanes = aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)n * n * sizeof(*x->lanes));
	if (x->workers)
		memset(x->workers, 0, n * sizeof(*x->workers));
	if (x->lanes)
		memset(x->lanes, 0, (size_t)n * n * sizeof(*x->lanes));
	if (!x->workers || !x->lanes)
		rc = -ENOMEM;
	for (unsigned from = 0; !rc && from < n; from++) {
		rc = create_worker(&x->workers[from], n);
		for (unsigned to = 0; !rc && to < n; to++)
			if (to != from || spec->is_ordered)
				rc = create_lane(weir_exchange_lane(x, from, to), spec, from);
	}
	if (rc) {
		weir_exchange_destroy(x);
		return weir_error_run(err, rc, "out of memory for the exchange of rows");
	}
	*ret = x;
	return 0;
}

void
weir_exchange_destroy(struct weir_exchange *x)
{
	if (!x)
		return;
	for (unsigned i = 0; x->lanes && i < x->n_workers * x->n_workers; i++) {
		free(x->lanes[i].there);
		free(x->lanes[i].back);
		free(x->lanes[i].memory);
	}
	for (unsigned i = 0; x->workers && i < x->n_workers; i++) {
		free(x->workers[i].open);
		free(x->workers[i].n_rows);
		free(x->workers[i].rows);
	}
	free(x->lanes);
	free(x->workers);
	free(x);
}
