/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_TOP_H
#define WEIR_AGGREGATE_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/value.h>
#include <weir/sketch/bag.h>

struct weir_strbuf;

#define WEIR_TOP_MAX 100

/*
 * Cold, top.c. The k values of bags that were met most often, as "value=count" with blanks between
 * them; of values that are as frequent the smaller one first. Bags as values.h fills them from one
 * argument of the type. False where there is none.
 */
bool weir_top_text(const struct weir_bag *bags, unsigned n_bags, enum weir_type type, unsigned k,
    struct weir_strbuf *ret);

#endif
