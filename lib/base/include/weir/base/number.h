/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_NUMBER_H
#define WEIR_BASE_NUMBER_H

#include <stdint.h>

#include <weir/base/error.h>

/*
 * Numbers on the command line. All parse the whole text and describe a mistake in
 * err (usage), leaving *ret untouched. Sizes: decimal suffixes k M G T (powers of 1000).
 * Durations need a unit: ns us ms s m h d; a fraction is allowed (1.5s).
 */
int weir_parse_u64(const char *text, uint64_t *ret, struct weir_error *err);
int weir_parse_size(const char *text, uint64_t *ret, struct weir_error *err);
int weir_parse_double(const char *text, double *ret, struct weir_error *err);
int weir_parse_duration(const char *text, int64_t *ret_ns, struct weir_error *err);

/* People's form of a count (12.3k, 4.56M) and of a duration (1.50s, 340ms); buf of 32 bytes. */
const char *weir_text_count(double n, char *buf, unsigned size);
const char *weir_text_duration(int64_t ns, char *buf, unsigned size);

#endif
