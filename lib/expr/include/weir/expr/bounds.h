/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXPR_BOUNDS_H
#define WEIR_EXPR_BOUNDS_H

#include <weir/expr/program.h>

/*
 * What rows must be like for a condition to hold, as far as single columns and constants say so:
 * any of some terms, each a conjunction of bounds. It is never too narrow, and may be too wide: of
 * what it cannot put so it says nothing. Control thread.
 */

#define WEIR_BOUNDS_TERMS  64
#define WEIR_BOUNDS_TESTS  16 /* of a term */
#define WEIR_BOUNDS_RANGES 32

struct weir_bounds;

struct weir_bound_range {
	int64_t first, last; /* of integers; a bool is 0 or 1 */
	struct weir_addr first_addr, last_addr;
	uint8_t version; /* 4 or 6: of addresses, both ends alike; 0: integers */
};

/* The column of a slot is not null, and in one of these ranges. */
struct weir_bound {
	unsigned slot;
	unsigned n; /* 1 or more */
	struct weir_bound_range ranges[WEIR_BOUNDS_RANGES];
};

/* NULL when out of memory. A program that says nothing has one term without tests. */
struct weir_bounds *weir_bounds_create(const struct weir_program *p);
void weir_bounds_destroy(struct weir_bounds *b);
unsigned weir_bounds_terms(const struct weir_bounds *b);
unsigned weir_bounds_tests(const struct weir_bounds *b, unsigned term);
void weir_bounds_get(
    const struct weir_bounds *b, unsigned term, unsigned test, struct weir_bound *ret);

#endif
