/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <string.h>

#include <weir/sketch/distinct.h>

#define MAX_RANK (64 - WEIR_DISTINCT_LOG2 + 1)

static void
note_all(struct weir_distinct *to, const struct weir_bag *hashes)
{
	uint32_t walk = weir_bag_walk(hashes);

	if (hashes->has_zero)
		weir_distinct_note(to, 0);
	if (!hashes->log2_cap && hashes->n)
		weir_distinct_note(to, hashes->one);
	for (uint32_t i = 0; i < walk; i++) {
		const uint64_t *e = weir_bag_element(hashes, i, false);

		if (e)
			weir_distinct_note(to, *e);
	}
}

bool
weir_distinct_spread(struct weir_distinct *d, struct weir_sketch_memory *m)
{
	if (d->registers)
		return true;
	d->registers = weir_sketch_get(m, WEIR_DISTINCT_REGISTERS);
	if (!d->registers) /* it stays exact while there is room for hashes */
		return false;
	memset(d->registers, 0, WEIR_DISTINCT_REGISTERS);
	note_all(d, &d->hashes);
	weir_bag_drop(&d->hashes, m, false);
	return true;
}

void
weir_distinct_merge(
    struct weir_distinct *dst, struct weir_sketch_memory *m, const struct weir_distinct *src)
{
	if (src->registers && !weir_distinct_spread(dst, m)) {
		m->n_short++;
		return;
	}
	if (!dst->registers) {
		weir_bag_merge(&dst->hashes, m, &src->hashes, false);
		if (weir_bag_count(&dst->hashes) > WEIR_DISTINCT_EXACT)
			(void)weir_distinct_spread(dst, m);
		return;
	}
	if (!src->registers) {
		note_all(dst, &src->hashes);
		return;
	}
	for (uint32_t i = 0; i < WEIR_DISTINCT_REGISTERS; i++)
		if (src->registers[i] > dst->registers[i])
			dst->registers[i] = src->registers[i];
}

void
weir_distinct_drop(struct weir_distinct *d, struct weir_sketch_memory *m)
{
	weir_bag_drop(&d->hashes, m, false);
	if (d->registers)
		weir_sketch_put(m, d->registers, WEIR_DISTINCT_REGISTERS);
	d->registers = NULL;
}

/* x + sum over k of x^(2^k) * 2^(k-1); infinite at 1. */
static double
sigma(double x)
{
	double y = 1, z = x, before;

	if (x == 1)
		return HUGE_VAL;
	do {
		x *= x;
		before = z;
		z += x * y;
		y += y;
	} while (z != before);
	return z;
}

/* (1 - x - sum over k of (1 - x^(2^-k))^2 * 2^-k) / 3 */
static double
tau(double x)
{
	double y = 1, z = 1 - x, before;

	if (x == 0 || x == 1)
		return 0;
	do {
		x = sqrt(x);
		before = z;
		y *= 0.5;
		z -= (1 - x) * (1 - x) * y;
	} while (z != before);
	return z / 3;
}

int64_t
weir_distinct_get(const struct weir_distinct *d)
{
	const double m = WEIR_DISTINCT_REGISTERS;
	uint32_t with[MAX_RANK + 1] = { 0 }; /* registers of each rank */
	double z;

	if (!d->registers)
		return (int64_t)weir_bag_count(&d->hashes);
	for (uint32_t i = 0; i < WEIR_DISTINCT_REGISTERS; i++)
		with[d->registers[i]]++;
	z = m * tau(1 - with[MAX_RANK] / m);
	for (unsigned k = MAX_RANK - 1; k >= 1; k--)
		z = 0.5 * (z + with[k]);
	z += m * sigma(with[0] / m);
	return llround(m * m / (2 * log(2) * z));
}
