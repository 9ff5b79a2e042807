/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_NEAREST_H
#define WEIR_BASE_NEAREST_H

/*
 * The word of a list that is nearest to what was typed (Damerau-Levenshtein, case folded),
 * or NULL where none is near enough to suggest. Feed words one by one.
 */
struct weir_nearest {
	const char *typed;
	const char *best;
	unsigned distance;
};

void weir_nearest_begin(struct weir_nearest *n, const char *typed);
void weir_nearest_offer(struct weir_nearest *n, const char *word); /* word must outlive n */
const char *weir_nearest_get(const struct weir_nearest *n);

#endif
