/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RECORD_GAPS_H
#define WEIR_RECORD_GAPS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Times of which packets are missing for good, as those that a host had when it died: rows whose
 * windows touch them are partial.
 */

struct weir_gap {
	int64_t from_ns, until_ns; /* windows that end after from, until this one included */
};

struct weir_gaps {
	unsigned n;
	struct weir_gap *gaps; /* ascending; none touches another */
};

/* Note one, joined with those that it touches. 0 or -ENOMEM. */
int weir_gaps_add(struct weir_gaps *g, int64_t from_ns, int64_t until_ns);
/* Whether a window from start to end (WEIR_TIME_NONE: without one) lacks something. */
bool weir_gaps_touch(const struct weir_gaps *g, int64_t start_ns, int64_t end_ns);
void weir_gaps_fini(struct weir_gaps *g);

#endif
