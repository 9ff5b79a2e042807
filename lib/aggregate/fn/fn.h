/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_FN_H
#define WEIR_AGGREGATE_FN_H

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <weir/aggregate/function.h>
#include <weir/base/time.h>

/* What the functions share. Each is one file, and reads its argument by one loop a store. */

#define WEIR_AGG_INLINE static inline __attribute__((always_inline, unused))

/* Cold, function.c. 0, or a usage error that begins with the function's name. */
int weir_agg_check_count(
    const struct weir_agg_function *f, unsigned n_args, struct weir_error *err);
int weir_agg_check_number(const struct weir_agg_function *f, const enum weir_type *args,
    unsigned n_args, struct weir_error *err);
int weir_agg_check_any(const struct weir_agg_function *f, const enum weir_type *args,
    unsigned n_args, enum weir_type *ret_type, struct weir_error *err);
int weir_agg_refuse(const struct weir_agg_function *f, const char *wanted, enum weir_type type,
    struct weir_error *err);

/* The rows of an update, copied: what the loop stores could else be thought to change them. */
struct weir_agg_loop {
	uint32_t n;
	const uint32_t *row;
	uint8_t *const *group;
	const uint64_t *null; /* NULL where no row is null */
};

WEIR_AGG_INLINE struct weir_agg_loop
weir_agg_loop(const struct weir_agg_rows *rows, const struct weir_column *c)
{
	struct weir_agg_loop l = { rows->n, rows->row, rows->group, NULL };
	uint64_t null = 0;

	for (uint32_t w = 0; l.n && w <= l.row[l.n - 1] / 64; w++)
		null |= c->null[w];
	if (null)
		l.null = c->null;
	return l;
}

/*
 * Run what follows for each row whose argument is not null, with its number in r and its group's
 * memory in group. Whether there is any null is known before, so that the compiler makes a loop
 * that does not ask.
 */
#define WEIR_AGG_FOR_EACH(rows, c, r, group)                                                       \
	for (struct weir_agg_loop l_ = weir_agg_loop(rows, c), *once_ = &l_; once_; once_ = NULL)  \
		for (uint32_t k_ = 0; k_ < l_.n; k_++)                                             \
			if (r = l_.row[k_], group = l_.group[k_],                                  \
			    l_.null && weir_mask_test(l_.null, r)) {                               \
			} else

/* One integer element of whatever width; store must be a constant. */
WEIR_AGG_INLINE int64_t
weir_agg_int(const void *data, uint32_t row, enum weir_store store)
{
	switch (store) {
	case WEIR_U8:
		return ((const uint8_t *)data)[row];
	case WEIR_U16:
		return ((const uint16_t *)data)[row];
	case WEIR_U32:
		return ((const uint32_t *)data)[row];
	default:
		return ((const int64_t *)data)[row];
	}
}

/* Run body(store) with the column's store, an integer's of up to 32 bits, as a constant. */
#define WEIR_AGG_BY_NARROW_STORE(column, body)                                                     \
	do {                                                                                       \
		switch ((column)->store) {                                                         \
		case WEIR_U8:                                                                      \
			body(WEIR_U8);                                                             \
			break;                                                                     \
		case WEIR_U16:                                                                     \
			body(WEIR_U16);                                                            \
			break;                                                                     \
		default:                                                                           \
			body(WEIR_U32);                                                            \
			break;                                                                     \
		}                                                                                  \
	} while (0)

/* The same for the store of any integer. */
#define WEIR_AGG_BY_INT_STORE(column, body)                                                        \
	do {                                                                                       \
		switch ((column)->store) {                                                         \
		case WEIR_U8:                                                                      \
		case WEIR_U16:                                                                     \
		case WEIR_U32:                                                                     \
			WEIR_AGG_BY_NARROW_STORE(column, body);                                    \
			break;                                                                     \
		default:                                                                           \
			body(WEIR_I64);                                                            \
			break;                                                                     \
		}                                                                                  \
	} while (0)

/* count() without condition. */
WEIR_AGG_INLINE void
weir_agg_count_rows(const struct weir_agg_rows *rows, uint32_t offset)
{
	uint8_t *const *group = rows->group;

	for (uint32_t k = 0, n = rows->n; k < n; k++)
		++*(uint64_t *)(void *)(group[k] + offset);
}

WEIR_AGG_INLINE struct weir_value
weir_agg_null(enum weir_type type)
{
	return (struct weir_value){ .type = type, .is_null = true };
}

#endif
