/* SPDX-License-Identifier: BSD-3-Clause */
#include <endian.h>

#include "anon.h"
#include "kernel.h"

#include <weir/base/poison.h> /* last */

void
weir_expr_k_in_network(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const struct weir_expr_network net = *(const struct weir_expr_network *)in->aux;
	const struct weir_addr *restrict a = weir_expr_a(f, in)->data;
	const uint8_t *restrict version = weir_expr_a(f, in)->version;
	uint8_t *restrict out = in->dst->data;
	const uint32_t n = f->n;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t differ = ((a[i].hi & net.mask.hi) ^ net.addr.hi) |
				  ((a[i].lo & net.mask.lo) ^ net.addr.lo) |
				  (uint64_t)(version[i] ^ net.version);

		out[i] = (differ == 0) ^ net.negate;
	}
	weir_expr_false_null_a(f, in);
}

/* The first bits of a number of width bits; bits is 0 to width, width at most 64. */
static inline uint64_t
prefix_mask(unsigned bits, unsigned width)
{
	uint64_t all = width == 64 ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1;

	return bits == 0 ? 0 : all & (all << (width - bits));
}

void
weir_expr_k_net(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	const struct weir_column *a = weir_expr_a(f, in);
	const struct weir_addr *addr = a->data;
	const int64_t *bits4 = weir_expr_b(f, in)->data, *bits6 = weir_expr_c(f, in)->data;
	const uint64_t *null4 = weir_expr_b(f, in)->null, *null6 = weir_expr_c(f, in)->null;
	struct weir_addr *out = in->dst->data;

	weir_expr_null_a(f, in);
	for (uint32_t i = 0; i < f->n; i++) {
		unsigned is4 = a->version[i] == 4;
		int64_t bits = is4 ? bits4[i] : bits6[i];

		in->dst->version[i] = a->version[i];
		out[i] = (struct weir_addr){ 0 };
		if (bits < 0 || bits > 128 || weir_mask_test(is4 ? null4 : null6, i)) {
			weir_mask_set(in->dst->null, i);
		} else if (is4) {
			out[i].lo = addr[i].lo & prefix_mask(bits > 32 ? 32 : (unsigned)bits, 32);
		} else {
			out[i].hi = addr[i].hi & prefix_mask(bits > 64 ? 64 : (unsigned)bits, 64);
			out[i].lo =
			    addr[i].lo & prefix_mask(bits < 64 ? 0 : (unsigned)bits - 64, 64);
		}
	}
}

/* The first n bits of a word; n may be anything. */
static inline uint64_t
first_bits(int n)
{
	return n <= 0 ? 0 : n >= 64 ? ~UINT64_C(0) : ~UINT64_C(0) << (64 - n);
}

/*
 * Bit i of the result is bit i of the address, flipped or not by the first bit of the cipher of
 * the i bits in front of it, padded. All blocks go through the cipher at once.
 */
static int
anonymise(struct weir_expr_anon *anon, const struct weir_addr *from, unsigned version,
    struct weir_addr *to)
{
	const uint64_t hi = version == 4 ? from->lo << 32 : from->hi;
	const uint64_t lo = version == 4 ? 0 : from->lo;
	const int n_bits = version == 4 ? 32 : 128;
	uint64_t flip[2] = { 0, 0 }, pad[2];
	int len;

	memcpy(pad, anon->pad, sizeof(pad));
	for (int i = 0; i < n_bits; i++) {
		const uint64_t known[2] = { htobe64(first_bits(i)), htobe64(first_bits(i - 64)) };
		const uint64_t block[2] = { (htobe64(hi) & known[0]) | (pad[0] & ~known[0]),
			(htobe64(lo) & known[1]) | (pad[1] & ~known[1]) };

		memcpy(anon->in + (size_t)i * 16, block, sizeof(block));
	}
	if (EVP_EncryptUpdate(anon->cipher, anon->out, &len, anon->in, n_bits * 16) != 1 ||
	    len != n_bits * 16)
		return -1;
	for (int i = 0; i < n_bits; i++)
		flip[i / 64] |= (uint64_t)(anon->out[(size_t)i * 16] >> 7) << (63 - i % 64);
	if (version == 4)
		*to = (struct weir_addr){ 0, from->lo ^ flip[0] >> 32 };
	else
		*to = (struct weir_addr){ from->hi ^ flip[0], from->lo ^ flip[1] };
	return 0;
}

void
weir_expr_k_anon(struct weir_expr_frame *f, const struct weir_expr_insn *in)
{
	struct weir_expr_anon *anon = in->aux;
	const struct weir_column *a = weir_expr_a(f, in);
	const struct weir_addr *addr = a->data;
	struct weir_addr *out = in->dst->data;
	uint64_t live[WEIR_MASK_WORDS];

	weir_expr_null_a(f, in);
	weir_expr_live(f, in, 0, live);
	WEIR_FOR_EACH_BIT (i, live) {
		uint8_t version = a->version[i];
		uint64_t mix = (addr[i].hi ^ addr[i].lo) * UINT64_C(0x9e3779b97f4a7c15);
		unsigned at = (unsigned)(mix >> 48) % WEIR_EXPR_ANON_CACHE;
		struct weir_expr_anon_entry *e = &anon->cache[at];

		if (anon->has[at] != version || e->from.hi != addr[i].hi ||
		    e->from.lo != addr[i].lo) {
			anon->has[at] = 0;
			if (anonymise(anon, &addr[i], version, &e->to)) {
				weir_mask_set(in->dst->null, (unsigned)i);
				continue;
			}
			e->from = addr[i];
			anon->has[at] = version;
		}
		out[i] = e->to;
		in->dst->version[i] = version;
	}
}
