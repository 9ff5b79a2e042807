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

/* Whether any of the column's rows that are taken is null. */
WEIR_AGG_INLINE bool
weir_agg_has_nulls(const struct weir_agg_rows *rows, const struct weir_column *c)
{
	uint64_t null = 0;

	for (uint32_t w = 0; rows->n && w <= rows->row[rows->n - 1] / 64; w++)
		null |= c->null[w];
	return null != 0;
}

/*
 * Run what follows for each row whose argument is not null: r is the row, group its group's memory.
 * Where there is no null at all, which is known before, no row is asked.
 */
#define WEIR_AGG_FOR_EACH(rows, c, r, group)                                                       \
	for (bool has_nulls_ = weir_agg_has_nulls(rows, c), once_ = true; once_; once_ = false)    \
		for (uint32_t k_ = 0, r; k_ < (rows)->n && (r = (rows)->row[k_], true); k_++)      \
			for (uint8_t *group = has_nulls_ && weir_mask_test((c)->null, r)           \
						  ? NULL                                           \
						  : (rows)->group[k_];                             \
			     group; group = NULL)

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

/* Run body(store) with the column's integer store as a constant. */
#define WEIR_AGG_BY_INT_STORE(column, body)                                                        \
	do {                                                                                       \
		switch ((column)->store) {                                                         \
		case WEIR_U8:                                                                      \
			body(WEIR_U8);                                                             \
			break;                                                                     \
		case WEIR_U16:                                                                     \
			body(WEIR_U16);                                                            \
			break;                                                                     \
		case WEIR_U32:                                                                     \
			body(WEIR_U32);                                                            \
			break;                                                                     \
		default:                                                                           \
			body(WEIR_I64);                                                            \
			break;                                                                     \
		}                                                                                  \
	} while (0)

WEIR_AGG_INLINE struct weir_value
weir_agg_null(enum weir_type type)
{
	return (struct weir_value){ .type = type, .is_null = true };
}

#endif
