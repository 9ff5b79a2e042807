/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>
#include <weir/record/gaps.h>

int
weir_gaps_add(struct weir_gaps *g, int64_t from_ns, int64_t until_ns)
{
	struct weir_gap *gaps;
	unsigned at = 0, end;

	if (from_ns >= until_ns)
		return 0;
	while (at < g->n && g->gaps[at].until_ns < from_ns)
		at++;
	for (end = at; end < g->n && g->gaps[end].from_ns <= until_ns; end++) {
		from_ns = g->gaps[end].from_ns < from_ns ? g->gaps[end].from_ns : from_ns;
		until_ns = g->gaps[end].until_ns > until_ns ? g->gaps[end].until_ns : until_ns;
	}
	if (at == end) {
		gaps = realloc(g->gaps, (g->n + 1) * sizeof(*gaps));
		if (!gaps)
			return -ENOMEM;
		g->gaps = gaps;
	}
	memmove(&g->gaps[at + 1], &g->gaps[end], (g->n - end) * sizeof(*g->gaps));
	g->gaps[at] = (struct weir_gap){ from_ns, until_ns };
	g->n = g->n + 1 - (end - at);
	return 0;
}

bool
weir_gaps_touch(const struct weir_gaps *g, int64_t start_ns, int64_t end_ns)
{
	if (end_ns == WEIR_TIME_NONE)
		return g->n > 0;
	for (unsigned i = 0; i < g->n; i++)
		if (end_ns > g->gaps[i].from_ns &&
		    (start_ns == WEIR_TIME_NONE || start_ns < g->gaps[i].until_ns))
			return true;
	return false;
}

void
weir_gaps_fini(struct weir_gaps *g)
{
	free(g->gaps);
	*g = (struct weir_gaps){ 0 };
}
