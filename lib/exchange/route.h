/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXCHANGE_ROUTE_PRIVATE_H
#define WEIR_EXCHANGE_ROUTE_PRIVATE_H

#include <weir/exchange/route.h>

#define WEIR_ROUTE_SECRETS 64 /* pairs, one a column; longer keys take them in turn */

/* A bound of a range: numbers are in lo, and rank is 0; rank tells IPv4 (4) from IPv6 (6). */
struct weir_route_bound {
	uint64_t rank;
	uint64_t hi;
	uint64_t lo; /* as unsigned: the sign bit of a number is flipped */
};

/* What route_hot.c is, built once for each level: weir_route_run. */
typedef void weir_route_kernel(struct weir_route *r, const struct weir_column *const *fields,
    const struct weir_column *const *keys, unsigned n_keys, uint32_t n,
    const uint64_t sel[WEIR_MASK_WORDS], uint16_t *worker);
weir_route_kernel weir_route_run_v2, weir_route_run_v3, weir_route_run_v4;

struct weir_route {
	weir_route_kernel *run; /* at the level of the run */
	enum weir_route_kind kind;
	unsigned n_wanted; /* partitions asked for; 0: as many as workers */

	/* range */
	enum weir_field_id field;
	unsigned n_bounds;
	struct weir_route_bound *bounds; /* [n_bounds] ascending */

	/* since start */
	unsigned n_partitions;
	unsigned n_workers;
	unsigned next; /* rr: partition of the next row */
	uint64_t secrets[WEIR_ROUTE_SECRETS * 2 + 2];
	uint16_t worker[WEIR_ROUTE_PARTITIONS]; /* of each partition */
	uint64_t hash[WEIR_ROWS];               /* scratch */
};

/* One bound of a field's type. Usage error. */
int weir_route_bound_parse(const char *text, const struct weir_field *field,
    struct weir_route_bound *ret, struct weir_error *err);

static inline int
weir_route_bound_compare(const struct weir_route_bound *a, const struct weir_route_bound *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	return (a->lo > b->lo) - (a->lo < b->lo);
}

#endif
