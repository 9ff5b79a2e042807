/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "random.h"
#include "span_parts.h"

/* Parts that are longer than a frame: cut into pieces, and put together. */

#define MOST     1400u /* bytes of a frame */
#define N_FUZZED 200000u

/* Bytes that tell where they are. */
static uint8_t *
make_bytes(uint32_t len, uint64_t seed)
{
	uint8_t *p = malloc(len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)((i * 2654435761u >> 24) ^ seed);
	return p;
}

static bool
is_made(const uint8_t *p, uint32_t len, uint64_t seed)
{
	uint8_t *want = make_bytes(len, seed);
	bool is_same = memcmp(p, want, len) == 0;

	free(want);
	return is_same;
}

struct frame {
	uint32_t len;
	uint8_t p[MOST];
};

/* All frames of bytes that are sent in pieces, numbered from `number` on; the caller frees them. */
static struct frame *
cut(uint32_t len, uint64_t seed, uint64_t number, unsigned *ret_n)
{
	struct weir_span_long l = { 0 };
	struct frame *frames = calloc(len / 1000 + 2, sizeof(*frames));
	unsigned n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(frames);
	CU_ASSERT_TRUE_FATAL(
	    weir_span_begin_long(&l, WEIR_SPAN_ROWS, 3, make_bytes(len, seed), len));
	while (l.at < l.len) {
		struct weir_span_piece head = { .query = 7, .epoch = 99, .number = number + n };
		uint32_t bytes = weir_span_next_piece(&l, frames[n].p, MOST, &head);

		l.at += bytes;
		frames[n++].len = WEIR_SPAN_PIECE_HEAD + bytes;
	}
	weir_span_end_long(&l);
	CU_ASSERT_PTR_NULL(l.bytes);
	*ret_n = n;
	return frames;
}

static int
take(struct weir_span_gather *g, const struct frame *f, struct weir_span_gathered **ret)
{
	struct weir_span_piece piece;

	CU_ASSERT_TRUE_FATAL(weir_span_get_piece(f->p, f->len, &piece));
	CU_ASSERT(piece.query == 7 && piece.epoch == 99 && piece.of == WEIR_SPAN_ROWS);
	return weir_span_gather(g, &piece, f->p + WEIR_SPAN_PIECE_HEAD, ret);
}

/* Of any length, in any order; nothing is left behind. */
static void
pieces_make_a_whole(void)
{
	static const uint32_t lens[] = { 1, 1371, 1372, 1373, 2744, 5000, 100000,
		WEIR_SPAN_LONG_MOST };
	struct weir_span_gather g = { 0 };
	uint64_t state = 5;

	for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct weir_span_gathered *whole = NULL;
		unsigned n;
		struct frame *frames = cut(lens[i], i, 1000, &n);

		CU_ASSERT_EQUAL(n, (lens[i] + 1371) / 1372);
		for (unsigned k = n; k; k--) {
			unsigned other = (unsigned)(random_next(&state) % k);
			struct frame swap = frames[other];

			CU_ASSERT_PTR_NULL(whole);
			frames[other] = frames[k - 1];
			CU_ASSERT_EQUAL(take(&g, &swap, &whole), 0);
		}
		CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
		CU_ASSERT(whole->total == lens[i] && whole->query == 7);
		CU_ASSERT_TRUE(is_made(whole->bytes, whole->total, i));
		weir_span_free_gathered(whole);
		CU_ASSERT(!g.list && !g.n_bytes && !g.n_shed);
		free(frames);
	}
}

static void
what_cannot_be_sent(void)
{
	struct weir_span_long l = { 0 };

	CU_ASSERT_FALSE(
	    weir_span_begin_long(&l, WEIR_SPAN_PART, 0, make_bytes(8, 0), WEIR_SPAN_LONG_MOST + 1));
	CU_ASSERT_FALSE(weir_span_begin_long(&l, WEIR_SPAN_PART, 0, NULL, 8));
	CU_ASSERT_TRUE(weir_span_begin_long(&l, WEIR_SPAN_PART, 0, make_bytes(8, 0), 8));
	/* one after the other */
	CU_ASSERT_FALSE(weir_span_begin_long(&l, WEIR_SPAN_PART, 0, make_bytes(8, 0), 8));
	weir_span_end_long(&l);
}

/* Those whose last piece never comes take no more than their bound; the oldest go. */
static void
memory_is_bounded(void)
{
	struct weir_span_gather g = { 0 };
	struct weir_span_gathered *whole;
	struct frame *last = NULL;
	unsigned n, n_begun = 40;

	for (unsigned i = 0; i < n_begun; i++) {
		free(last);
		last = cut(WEIR_SPAN_LONG_MOST / 4, i, i * 1000, &n);
		for (unsigned k = 1; k < n; k++) {
			CU_ASSERT_EQUAL(take(&g, &last[k], &whole), 0);
			CU_ASSERT_PTR_NULL(whole);
			CU_ASSERT_FATAL(g.n_bytes <= WEIR_SPAN_GATHERED_MOST);
		}
	}
	CU_ASSERT_EQUAL(g.n_shed, n_begun - 15);
	/* the newest is there still */
	CU_ASSERT_EQUAL(take(&g, &last[0], &whole), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
	CU_ASSERT_TRUE(is_made(whole->bytes, whole->total, n_begun - 1));
	weir_span_free_gathered(whole);
	free(last);
	weir_span_forget_gathered(&g);
	CU_ASSERT(!g.list && !g.n_bytes);
}

static void
pieces_that_do_not_fit(void)
{
	struct weir_span_gather g = { 0 };
	struct weir_span_gathered *whole;
	struct weir_span_piece piece, other;
	unsigned n;
	struct frame *f = cut(5000, 1, 10, &n);

	CU_ASSERT_TRUE_FATAL(weir_span_get_piece(f[1].p, f[1].len, &piece));
	for (uint32_t len = 0; len <= f[1].len; len++)
		CU_ASSERT_EQUAL(weir_span_get_piece(f[1].p, len, &other), len == f[1].len);
	CU_ASSERT_EQUAL(take(&g, &f[1], &whole), 0);
	CU_ASSERT_EQUAL(take(&g, &f[1], &whole), -EBADMSG); /* twice */
	for (unsigned i = 0; i < 4; i++) {
		other = piece;
		other.index = 0;
		other.number--;
		other.total += i == 0;
		other.size = (uint16_t)(other.size + (i == 1));
		other.of = i == 2 ? WEIR_SPAN_PART : other.of;
		other.query = (uint16_t)(other.query + (i == 3));
		CU_ASSERT_EQUAL(weir_span_gather(&g, &other, f[0].p, &whole), -EBADMSG);
		CU_ASSERT_PTR_NULL(whole);
	}
	/* too long, too small, beyond its end, before the first of all */
	for (unsigned i = 0; i < 5; i++) {
		uint8_t p[MOST];

		other = piece;
		other.total = i == 0 ? WEIR_SPAN_LONG_MOST + 1 : other.total;
		other.size = i == 1 ? WEIR_SPAN_PIECE_LEAST - 1 : other.size;
		other.index = i == 2 ? 4 : other.index;
		other.number = i == 3 ? 0 : other.number;
		other.of = i == 4 ? WEIR_SPAN_STATUS : other.of;
		memcpy(p, f[1].p, f[1].len);
		weir_span_put_piece(p, &other);
		CU_ASSERT_FALSE(weir_span_get_piece(p, f[1].len, &other));
	}
	weir_span_forget_gathered(&g);
	free(f);
}

/* Heads of any bytes, with lengths that are right more often than chance would have it. */
static void
any_pieces(void)
{
	struct weir_span_gather g = { 0 };
	uint64_t state = 11, taken = 0, wholes = 0;

	for (unsigned i = 0; i < N_FUZZED; i++) {
		struct weir_span_piece in = { .of = WEIR_SPAN_PART + 2 * (random_next(&state) & 1),
			.number = random_next(&state) % 16,
			.index = (uint16_t)(random_next(&state) % 4),
			.size = (uint16_t)(255 + random_next(&state) % 3),
			.total = 200 + 400 * (uint32_t)(random_next(&state) % 3) },
				       out;
		uint32_t at = (uint32_t)in.index * in.size, len;
		struct weir_span_gathered *whole = NULL;
		uint8_t p[WEIR_SPAN_PIECE_HEAD + 300] = { 0 };

		weir_span_put_piece(p, &in);
		len = at < in.total && in.total - at < in.size ? in.total - at : in.size;
		if (!weir_span_get_piece(p, WEIR_SPAN_PIECE_HEAD + len, &out))
			continue;
		CU_ASSERT_EQUAL(out.len, len);
		taken++;
		if (weir_span_gather(&g, &out, p + WEIR_SPAN_PIECE_HEAD, &whole) == 0 && whole)
			wholes++;
		weir_span_free_gathered(whole);
	}
	CU_ASSERT(taken > N_FUZZED / 10 && wholes > 100);
	weir_span_forget_gathered(&g);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "pieces make a whole", pieces_make_a_whole },
		{ "what cannot be sent", what_cannot_be_sent },
		{ "memory is bounded", memory_is_bounded },
		{ "pieces that do not fit", pieces_that_do_not_fit },
		{ "any pieces", any_pieces },
		CU_TEST_INFO_NULL,
	};

	return check_run("pieces of what is longer than a frame", tests);
}
