/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include <weir/base/nearest.h>

#define WORD_MAX 63

/*
 * Optimal string alignment distance: insertions, deletions, substitutions and swaps of
 * neighbours count one each. Words longer than WORD_MAX are compared by their start.
 */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[3][WORD_MAX + 1];
	unsigned n = (unsigned)strnlen(a, WORD_MAX), m = (unsigned)strnlen(b, WORD_MAX);

	for (unsigned j = 0; j <= m; j++)
		row[0][j] = j;
	for (unsigned i = 1; i <= n; i++) {
		unsigned *now = row[i % 3], *last = row[(i - 1) % 3];

		now[0] = i;
		for (unsigned j = 1; j <= m; j++) {
			int ca = tolower((unsigned char)a[i - 1]);
			int cb = tolower((unsigned char)b[j - 1]);
			unsigned d = last[j - 1] + (ca != cb);

			if (last[j] + 1 < d)
				d = last[j] + 1;
			if (now[j - 1] + 1 < d)
				d = now[j - 1] + 1;
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]) &&
			    row[(i - 2) % 3][j - 2] + 1 < d)
				d = row[(i - 2) % 3][j - 2] + 1;
			now[j] = d;
		}
	}
	return row[n % 3][m];
}

void
weir_nearest_begin(struct weir_nearest *n, const char *typed)
{
	n->typed = typed;
	n->best = NULL;
	n->distance = UINT_MAX;
}

void
weir_nearest_offer(struct weir_nearest *n, const char *word)
{
	unsigned d = distance(n->typed, word);

	/* A word that goes on from what was typed (tcp.flag -> tcp.flags.syn) is near too. */
	if (d > 2 && strlen(n->typed) >= 3 && strncasecmp(n->typed, word, strlen(n->typed)) == 0)
		d = 2;
	if (d < n->distance) {
		n->distance = d;
		n->best = word;
	}
}

const char *
weir_nearest_get(const struct weir_nearest *n)
{
	size_t len = strnlen(n->typed, WORD_MAX); /* what was compared */

	if (!n->best)
		return NULL;
	return n->distance <= 1 + len / 3 && n->distance < len ? n->best : NULL;
}
