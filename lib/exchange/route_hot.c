/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/hash.h>

#include "route.h"

#include <weir/base/poison.h> /* last */

/* The partition is the upper half of the hash, scaled: no division. */
static void
hash_end(const struct weir_route *r, uint32_t n, uint16_t *restrict worker)
{
	uint64_t n_partitions = r->n_partitions;

	for (uint32_t i = 0; i < n; i++) {
		worker[i] = r->worker[(r->hash[i] >> 32) * n_partitions >> 32];
	}
}

/*
 * NH, of UMAC (RFC 4418): halves plus their keys, multiplied. Who does not know the keys cannot
 * choose words that meet, sums of it keep that, and it runs on vectors.
 */
static inline __attribute__((always_inline)) uint64_t
mix(uint64_t word, uint64_t key)
{
	uint32_t lo = (uint32_t)word + (uint32_t)key;
	uint32_t hi = (uint32_t)(word >> 32) + (uint32_t)(key >> 32);

	return (uint64_t)lo * hi;
}

#define HASH(ctype, expression)                                                                    \
	do {                                                                                       \
		const ctype *restrict data = c->data;                                              \
                                                                                                   \
		for (uint32_t i = 0; i < n; i++)                                                   \
			hash[i] += mix((uint64_t)(expression), s0);                                \
	} while (0)

/* Nulls and rows that are out are left out: what they point to is not known. */
static void
hash_strings(const struct weir_route *r, const struct weir_column *c,
    const uint64_t sel[WEIR_MASK_WORDS], const uint64_t *secret, uint64_t *hash)
{
	const struct weir_bytes *data = c->data;
	uint64_t there[WEIR_MASK_WORDS];

	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
		there[w] = sel[w] & ~c->null[w];
	WEIR_FOR_EACH_BIT (i, there)
		hash[i] += weir_fold(
		    weir_hash_bytes(data[i].p, data[i].len, r->secrets) ^ secret[0], secret[1]);
}

static void
hash_addresses(
    const struct weir_addr *restrict a, uint32_t n, const uint64_t *secret, uint64_t *restrict hash)
{
	uint64_t s0 = secret[0], s1 = secret[1];

	for (uint32_t i = 0; i < n; i++)
		hash[i] += mix(a[i].lo, s0) + mix(a[i].hi, s1);
}

static void
hash_column(struct weir_route *r, const struct weir_column *c, uint32_t n,
    const uint64_t sel[WEIR_MASK_WORDS], const uint64_t *secret)
{
	uint64_t *restrict hash = r->hash;
	uint64_t s0 = secret[0];

	switch (c->store) {
	case WEIR_U8:
		HASH(uint8_t, data[i]);
		break;
	case WEIR_U16:
		HASH(uint16_t, data[i]);
		break;
	case WEIR_U32:
		HASH(uint32_t, data[i]);
		break;
	case WEIR_I64:
		HASH(int64_t, data[i]);
		break;
	case WEIR_F64:
		HASH(double, weir_float_bits(data[i]));
		break;
	case WEIR_ADDR: /* of either version: ::1 may meet 0.0.0.1 */
		hash_addresses(c->data, n, secret, hash);
		break;
	case WEIR_BYTES:
		hash_strings(r, c, sel, secret, hash);
		break;
	case WEIR_N_STORES:
		break;
	}
}

/* Column by column, so that no row asks what its columns are. */
static void
by_key(struct weir_route *r, const struct weir_column *const *keys, unsigned n_keys, uint32_t n,
    const uint64_t sel[WEIR_MASK_WORDS], uint16_t *worker)
{
	const uint64_t *last = &r->secrets[WEIR_ROUTE_SECRETS * 2];

	for (uint32_t i = 0; i < n; i++)
		r->hash[i] = last[0];
	for (unsigned k = 0; k < n_keys; k++)
		hash_column(r, keys[k], n, sel, &r->secrets[k % WEIR_ROUTE_SECRETS * 2]);
	for (uint32_t i = 0; i < n; i++)
		r->hash[i] = weir_fold(r->hash[i], last[1] | 1);
	hash_end(r, n, worker);
}

/*
 * The two ends in one order, each as one word, and the ports in one order. Who swaps the ports of
 * two ends meets the same partition, which is no harm: it is no key.
 */
static void
by_flow(struct weir_route *r, const struct weir_column *const *fields, uint32_t n, uint16_t *worker)
{
	const struct weir_addr *restrict src = fields[WEIR_FIELD_IP_SRC]->data;
	const struct weir_addr *restrict dst = fields[WEIR_FIELD_IP_DST]->data;
	const uint16_t *restrict sport = fields[WEIR_FIELD_SRCPORT]->data;
	const uint16_t *restrict dport = fields[WEIR_FIELD_DSTPORT]->data;
	const uint8_t *restrict proto = fields[WEIR_FIELD_IP_PROTO]->data;
	const uint64_t *s = r->secrets;
	uint64_t *restrict hash = r->hash;
	uint64_t ends[WEIR_ROWS];

	for (uint32_t i = 0; i < n; i++) {
		int64_t a = (int64_t)(src[i].lo + mix(src[i].hi, s[0]));
		int64_t b = (int64_t)(dst[i].lo + mix(dst[i].hi, s[0]));

		ends[i] = (uint64_t)(a < b ? a : b);
		hash[i] = (uint64_t)(a < b ? b : a);
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t lo = sport[i] < dport[i] ? sport[i] : dport[i];
		uint32_t hi = sport[i] < dport[i] ? dport[i] : sport[i];

		hash[i] += mix((uint64_t)proto[i] << 32 | hi << 16 | lo, s[1]);
	}
	for (uint32_t i = 0; i < n; i++)
		hash[i] = weir_fold(ends[i] ^ s[2], hash[i] ^ s[3]);
	hash_end(r, n, worker);
}

/* What is not IP has no flow: such rows go by their key, or where there is none to one partition.
 */
static void
by_flow_or_key(struct weir_route *r, const struct weir_column *const *fields,
    const struct weir_column *const *keys, unsigned n_keys, uint32_t n,
    const uint64_t sel[WEIR_MASK_WORDS], uint16_t *worker)
{
	const uint64_t *null = fields[WEIR_FIELD_IP_SRC]->null;
	uint64_t others[WEIR_MASK_WORDS], any = 0;
	uint16_t owner[WEIR_ROWS];

	by_flow(r, fields, n, worker);
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
		any |= others[w] = w * 64 < n ? null[w] & sel[w] : 0;
	if (!any)
		return;
	if (n_keys)
		by_key(r, keys, n_keys, n, others, owner);
	WEIR_FOR_EACH_BIT (i, others)
		worker[i] = n_keys ? owner[i] : r->worker[0];
}

#define LINEAR_BOUNDS 16 /* so few are compared with all rows at once */

/* Partition of each number: how many bounds are not above it. */
static void
count_bounds(
    const struct weir_route *r, const int64_t *restrict x, uint32_t n, uint16_t *restrict partition)
{
	memset(partition, 0, n * sizeof(*partition));
	for (unsigned b = 0; b < r->n_bounds; b++) {
		int64_t bound = (int64_t)(r->bounds[b].lo ^ UINT64_C(1) << 63);

		for (uint32_t i = 0; i < n; i++)
			partition[i] = (uint16_t)(partition[i] + (x[i] >= bound));
	}
}

static uint16_t
search_bounds(const struct weir_route *r, const struct weir_route_bound *x)
{
	unsigned lo = 0, n = r->n_bounds;

	while (n) {
		unsigned half = n / 2;

		if (weir_route_bound_compare(&r->bounds[lo + half], x) <= 0) {
			lo += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return (uint16_t)lo;
}

#define WIDEN(ctype)                                                                               \
	do {                                                                                       \
		const ctype *restrict data = c->data;                                              \
                                                                                                   \
		for (uint32_t i = 0; i < n; i++)                                                   \
			x[i] = (int64_t)data[i];                                                   \
	} while (0)

static void
partition_numbers(
    const struct weir_route *r, const struct weir_column *c, uint32_t n, uint16_t *partition)
{
	int64_t x[WEIR_ROWS];

	switch (c->store) {
	case WEIR_U8:
		WIDEN(uint8_t);
		break;
	case WEIR_U16:
		WIDEN(uint16_t);
		break;
	case WEIR_U32:
		WIDEN(uint32_t);
		break;
	default:
		WIDEN(int64_t);
		break;
	}
	if (r->n_bounds <= LINEAR_BOUNDS) {
		count_bounds(r, x, n, partition);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct weir_route_bound at = { 0, 0, (uint64_t)x[i] ^ UINT64_C(1) << 63 };

		partition[i] = search_bounds(r, &at);
	}
}

static void
by_range(struct weir_route *r, const struct weir_column *c, uint32_t n, uint16_t *worker)
{
	if (c->store == WEIR_ADDR) {
		const struct weir_addr *addr = c->data;

		for (uint32_t i = 0; i < n; i++) {
			struct weir_route_bound at = { c->version[i], addr[i].hi, addr[i].lo };

			worker[i] = search_bounds(r, &at);
		}
	} else {
		partition_numbers(r, c, n, worker);
	}
	WEIR_FOR_EACH_BIT (i, c->null)
		worker[i] = 0;
	for (uint32_t i = 0; i < n; i++)
		worker[i] = r->worker[worker[i]];
}

static void
in_turn(struct weir_route *r, uint32_t n, const uint64_t sel[WEIR_MASK_WORDS], uint16_t *worker)
{
	unsigned next = r->next;

	memset(worker, 0, n * sizeof(*worker));
	WEIR_FOR_EACH_BIT (i, sel) {
		worker[i] = r->worker[next];
		next = next + 1 == r->n_partitions ? 0 : next + 1;
	}
	r->next = next;
}

void
WEIR_SIMD_NAME(weir_route_run)(struct weir_route *r, const struct weir_column *const *fields,
    const struct weir_column *const *keys, unsigned n_keys, uint32_t n,
    const uint64_t sel[WEIR_MASK_WORDS], uint16_t *worker)
{
	switch (r->kind) {
	case WEIR_ROUTE_AUTO:
		memset(worker, 0, n * sizeof(*worker));
		break;
	case WEIR_ROUTE_HASH:
		by_flow_or_key(r, fields, keys, n_keys, n, sel, worker);
		break;
	case WEIR_ROUTE_RANGE:
		by_range(r, fields[r->field], n, worker);
		break;
	case WEIR_ROUTE_ROUND_ROBIN:
		in_turn(r, n, sel, worker);
		break;
	case WEIR_ROUTE_KEY:
		by_key(r, keys, n_keys, n, sel, worker);
		break;
	}
}
