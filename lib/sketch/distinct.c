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

uint64_t
weir_distinct_places(const struct weir_distinct *d)
{
	return d->registers ? WEIR_DISTINCT_REGISTERS : weir_bag_places(&d->hashes);
}

/* How many registers there are, 0 where hashes follow; the number of the first; and they. */
void
weir_distinct_write(const struct weir_distinct *d, uint64_t first, uint64_t n, struct weir_out *out)
{
	uint64_t column[WEIR_WORDS_MAX];
	uint32_t some;

	weir_out_number(out, d->registers ? n : 0);
	if (!d->registers || !n) {
		weir_bag_write(&d->hashes, false, first, n, out);
		return;
	}
	weir_out_number(out, first);
	for (; n; n -= some, first += some) {
		some = n < WEIR_WORDS_MAX ? (uint32_t)n : WEIR_WORDS_MAX;
		for (uint32_t i = 0; i < some; i++)
			column[i] = d->registers[first + i];
		weir_words_write(out, column, some);
	}
}

static bool
read_registers(struct weir_distinct *d, uint64_t first, uint32_t n, struct weir_in *in)
{
	uint64_t column[WEIR_WORDS_MAX];

	if (!weir_words_read(in, column, n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (column[i] > MAX_RANK) {
			weir_in_spoil(in);
			return false;
		}
		if (d->registers && column[i] > d->registers[first + i])
			d->registers[first + i] = (uint8_t)column[i];
	}
	return true;
}

bool
weir_distinct_read(struct weir_distinct *d, struct weir_sketch_memory *m, struct weir_in *in)
{
	static const struct weir_bag_shape one_word = { 1, 0, false };
	uint64_t n = weir_in_number(in), first;
	uint32_t some;

	if (!n)
		return weir_bag_read(&d->hashes, m, one_word, false, in);
	first = weir_in_number(in);
	if (n > WEIR_DISTINCT_REGISTERS || first > WEIR_DISTINCT_REGISTERS - n)
		weir_in_spoil(in);
	if (!in->is_bad && !weir_distinct_spread(d, m))
		m->n_short++;
	for (; n && !in->is_bad; n -= some, first += some) {
		some = n < WEIR_WORDS_MAX ? (uint32_t)n : WEIR_WORDS_MAX;
		(void)read_registers(d, first, some, in);
	}
	return !in->is_bad;
}
