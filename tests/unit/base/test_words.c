/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/words.h>

#include "check.h"
#include "random.h"

static uint64_t words[WEIR_WORDS_MAX], got[WEIR_WORDS_MAX];
static uint8_t bytes[WEIR_WORDS_MAX * 16];

/* Write and read; returns the bytes that it took. */
static size_t
round_trip(uint32_t n)
{
	struct weir_out out = { .p = bytes, .max = sizeof(bytes) };
	struct weir_out counted = { 0 };
	struct weir_in in;

	weir_words_write(&out, words, n);
	weir_words_write(&counted, words, n);
	CU_ASSERT_EQUAL(counted.len, out.len);
	CU_ASSERT_FATAL(weir_out_fits(&out));
	in = (struct weir_in){ .p = bytes, .len = out.len };
	memset(got, 0x5a, sizeof(got));
	CU_ASSERT(weir_words_read(&in, got, n));
	CU_ASSERT_EQUAL(in.len, 0);
	CU_ASSERT_EQUAL(memcmp(got, words, n * sizeof(*words)), 0);
	for (size_t len = 0; n && len < out.len; len += 1 + len / 8) {
		in = (struct weir_in){ .p = bytes, .len = len };
		CU_ASSERT(!weir_words_read(&in, got, n));
	}
	return out.len;
}

static void
words_survive(void)
{
	uint64_t rng = 1;

	for (uint32_t n = 0; n <= WEIR_WORDS_MAX; n += 1 + n / 3)
		for (unsigned bits = 0; bits <= 64; bits++)
			for (unsigned kind = 0; kind < 6; kind++) {
				uint64_t base = kind % 2 ? random_next(&rng) : 0, last = base;

				for (uint32_t i = 0; i < n; i++) {
					uint64_t x = random_next(&rng);

					x = bits ? x >> (64 - bits) : 0;
					if (kind >= 4) /* few different ones */
						x %= 5;
					if (kind / 2 == 1) /* rising */
						x += last;
					words[i] = kind / 2 == 1 ? x : x + base;
					last = words[i];
				}
				(void)round_trip(n);
			}
}

static void
ends_survive(void)
{
	static const uint64_t ends[] = { 0, UINT64_MAX, 1, INT64_MAX, UINT64_C(1) << 63,
		UINT64_MAX - 1, 127, 128 };

	for (unsigned a = 0; a < 8; a++)
		for (unsigned b = 0; b < 8; b++) {
			for (unsigned i = 0; i < 50; i++)
				words[i] = i % 7 ? ends[a] : ends[b];
			(void)round_trip(50);
			(void)round_trip(2);
		}
}

static void
small_is_what_should_be(void)
{
	uint64_t rng = 2;

	for (unsigned i = 0; i < 100; i++)
		words[i] = 6;
	CU_ASSERT(round_trip(100) <= 2);
	for (unsigned i = 0; i < 100; i++)
		words[i] = UINT64_C(1) << 40 | i;
	CU_ASSERT(round_trip(100) <= 16);
	for (unsigned i = 0; i < 100; i++)
		words[i] = random_next(&rng) % 16;
	CU_ASSERT(round_trip(100) <= 55);
	/* Most are 1, a few large. */
	for (unsigned i = 0; i < 100; i++)
		words[i] = i % 20 ? 1 : 1000 + i;
	CU_ASSERT(round_trip(100) <= 35);
	for (unsigned i = 0; i < 100; i++)
		words[i] = (random_next(&rng) % 4) * UINT64_C(0x123456789abcd);
	CU_ASSERT(round_trip(100) <= 60);
}

static void
strings_survive(void)
{
	static char text[500][24];
	struct weir_bytes s[500], t[500];
	uint64_t rng = 3;

	for (unsigned run = 0; run < 8; run++) {
		struct weir_out out = { .p = bytes, .max = sizeof(bytes) };
		uint32_t n = run < 2 ? run : 500;
		struct weir_in in;

		for (unsigned i = 0; i < n; i++) {
			uint64_t x = random_next(&rng) % (run % 3 == 0 ? 100000 : run);
			int len = snprintf(text[i], sizeof(text[i]), "%u.example", (unsigned)x);

			s[i] = (struct weir_bytes){ x == 1 ? NULL : (uint8_t *)text[i],
				x == 1 ? 0 : (uint32_t)len };
		}
		weir_strings_write(&out, s, n);
		CU_ASSERT_FATAL(weir_out_fits(&out));
		in = (struct weir_in){ .p = bytes, .len = out.len };
		CU_ASSERT(weir_strings_read(&in, t, n));
		CU_ASSERT_EQUAL(in.len, 0);
		for (unsigned i = 0; i < n; i++)
			CU_ASSERT(s[i].len == t[i].len &&
				  (!s[i].len || memcmp(s[i].p, t[i].p, s[i].len) == 0));
		for (size_t len = 0; n && len < out.len; len += 1 + len / 8) {
			in = (struct weir_in){ .p = bytes, .len = len };
			CU_ASSERT(!weir_strings_read(&in, t, n));
		}
	}
}

static void
noise_is_read_or_refused(void)
{
	uint64_t rng = 4;

	for (unsigned i = 0; i < 100000; i++) {
		uint8_t noise[64];
		struct weir_in in = { .p = noise, .len = random_next(&rng) % sizeof(noise) };
		struct weir_bytes s[100];

		for (unsigned k = 0; k < sizeof(noise); k++)
			noise[k] = (uint8_t)random_next(&rng);
		noise[0] %= 12;
		if (i % 2)
			CU_ASSERT_EQUAL(weir_words_read(&in, got, 1 + i % 100), !in.is_bad);
		if (i % 2 == 0)
			CU_ASSERT_EQUAL(weir_strings_read(&in, s, 1 + i % 100), !in.is_bad);
	}
}

static void
numbers_survive(void)
{
	for (unsigned bits = 0; bits <= 64; bits++) {
		uint64_t x = bits ? UINT64_MAX >> (64 - bits) : 0;
		struct weir_out out = { .p = bytes, .max = sizeof(bytes) };
		struct weir_in in = { .p = bytes };

		weir_out_number(&out, x);
		in.len = out.len;
		CU_ASSERT_EQUAL(weir_in_number(&in), x);
		CU_ASSERT(!in.is_bad && in.len == 0);
		CU_ASSERT_EQUAL(weir_unzigzag(weir_zigzag((int64_t)x)), (int64_t)x);
		CU_ASSERT_EQUAL(weir_unzigzag(weir_zigzag(-(int64_t)(x >> 1))), -(int64_t)(x >> 1));
	}
	memset(bytes, 0xff, 11);
	CU_ASSERT_EQUAL(weir_in_number(&(struct weir_in){ .p = bytes, .len = 11 }), 0);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "words survive", words_survive },
		{ "ends survive", ends_survive },
		{ "small is what should be", small_is_what_should_be },
		{ "strings survive", strings_survive },
		{ "noise is read or refused", noise_is_read_or_refused },
		{ "numbers survive", numbers_survive },
		CU_TEST_INFO_NULL,
	};

	return check_run("words", tests);
}
