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

/* The selected rows whose argument is not null. */
WEIR_AGG_INLINE void
weir_agg_take(
    uint64_t take[WEIR_MASK_WORDS], const uint64_t *sel, uint32_t n, const struct weir_column *c)
{
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
		take[w] = w * 64 < n ? sel[w] & ~c->null[w] : 0;
}

WEIR_AGG_INLINE void *
weir_agg_state(uint8_t *base, uint32_t stride, const uint32_t *group, uint64_t row)
{
	return base + (size_t)group[row] * stride;
}

/* One integer element of whatever width; store must be a constant. */
WEIR_AGG_INLINE int64_t
weir_agg_int(const void *data, uint64_t row, enum weir_store store)
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
