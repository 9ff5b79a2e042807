/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fixture.h"

/*
 * Random bytes and mutated expressions with a fixed seed: whatever the text, it compiles and runs
 * or is refused with a message, without a crash (the sanitizers watch). Build with FUZZ_ROUNDS to
 * run longer.
 */

#ifndef FUZZ_ROUNDS
#define FUZZ_ROUNDS 20000
#endif

static const char *const seeds[] = {
	"u8 == 80 && ip in {10.0.0.0/8, ::1..::5} || string contains \"zorro\"",
	"if(u16 < 100, upper(string), lower(string2)) matches 'z.*o\\d'",
	"bucket(time, 1m) >= \"2026-01-02T03:04:05Z\" and not mac eq aa:bb:cc:dd:ee:ff",
	"(i64 - u32) * 100 / (u8 % 7) << 3 ^ ~u16 | 0xff & 12",
	"duration > 0.2 && duration2 < 320ms || duration / 2s >= 1.5e3",
	"seqmax(u32, u32b) + hash(ip) - len(string) + seqlt(u32, 5)",
	"net(ip, u8, 64) != 2001:db8::/32 && u8 not in {22,23,80..90,-5,1k}",
	"anon(net(ip2, 24)) == ip || float * float2 != -1.5 && !bool",
};

static const char *const pieces[] = { "(", ")", "{", "}", ",", "..", "&&", "||", "!", "not ", "in ",
	"==", "<", "-", "~", "/", "%", "<<", "'", "\"", "\\", "\\x", "0x", "10.0.0.0/8", "::", "1s",
	"9e9", "9223372036854775807", "u8", "ip", "string", "time", "mac", "if(", "net(", "bucket(",
	"hash(", " matches ", " contains ", ".", ":", "\xff", "1/0", "=" };

static void
mutate(struct fixture *f, char *text, size_t size)
{
	unsigned times = 1 + (unsigned)(fixture_random(f) % 4);

	while (times--) {
		size_t len = strlen(text), at = fixture_random(f) % (len + 1);
		const char *piece =
		    pieces[fixture_random(f) % (sizeof(pieces) / sizeof(pieces[0]))];
		const char *other = seeds[fixture_random(f) % (sizeof(seeds) / sizeof(seeds[0]))];
		size_t cut = len - at ? fixture_random(f) % (len - at) : 0;

		switch (fixture_random(f) % 5) {
		case 0:
			if (at < len)
				text[at] = (char)(1 + fixture_random(f) % 255);
			break;
		case 1:
			memmove(text + at, text + at + cut, len - at - cut + 1);
			break;
		case 2:
			other += fixture_random(f) % strlen(other);
			snprintf(text + at, size - at, "%s", other);
			break;
		default:
			if (len + strlen(piece) + 1 > size)
				break;
			memmove(text + at + strlen(piece), text + at, len - at + 1);
			memcpy(text + at, piece, strlen(piece));
		}
	}
}

static int
ignore(void *ctx, const struct weir_list_item *it, struct weir_error *err)
{
	*(unsigned *)ctx += (unsigned)strlen(it->expr);
	return 0;
}

/* True where it compiles. */
static bool
try_text(struct fixture *f, const char *text)
{
	struct weir_error err = { .text = "" };
	struct weir_call call;
	struct weir_program *p;
	unsigned total = 0;
	uint64_t sel[WEIR_MASK_WORDS];
	bool is_valid = weir_program_compile(text, &f->scope, &p, &err) == 0;

	if (is_valid) {
		fixture_run(f, p, (uint32_t)(fixture_random(f) % (WEIR_ROWS + 1)));
		for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
			sel[w] = fixture_random(f);
		weir_program_filter(p, f->inputs, WEIR_ROWS, sel);
		weir_program_destroy(p);
	} else {
		CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
		CU_ASSERT(strlen(err.text) > 5 && !strchr(err.text, '\n'));
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, " at "));
	}
	weir_list_split(text, ',', ignore, &total, &err);
	if (weir_call_parse(text, &call, &err) == 0)
		weir_call_fini(&call);
	return is_valid;
}

static void
test_mutations(void)
{
	struct fixture f;
	unsigned n_valid = 0;
	char text[300];

	fixture_init(&f, 41);
	for (unsigned i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
		CU_ASSERT(try_text(&f, seeds[i]));
	for (unsigned i = 0; i < FUZZ_ROUNDS; i++) {
		snprintf(text, sizeof(text), "%s", seeds[i % (sizeof(seeds) / sizeof(seeds[0]))]);
		mutate(&f, text, sizeof(text));
		n_valid += try_text(&f, text);
	}
	/* Both ways were taken. */
	CU_ASSERT(n_valid > FUZZ_ROUNDS / 200 && n_valid < FUZZ_ROUNDS);
	fixture_fini(&f);
}

static void
test_random(void)
{
	struct fixture f;
	char text[1024];

	fixture_init(&f, 42);
	for (unsigned i = 0; i < FUZZ_ROUNDS; i++) {
		size_t len = fixture_random(&f) % 40, at = 0;

		if (i % 2) {
			for (; at < len; at++)
				text[at] = (char)(1 + fixture_random(&f) % 255);
			text[at] = 0;
		} else {
			text[0] = 0;
			for (len %= 15; len; len--)
				at += (size_t)snprintf(text + at, sizeof(text) - at, "%s",
				    pieces[fixture_random(&f) %
					   (sizeof(pieces) / sizeof(pieces[0]))]);
		}
		try_text(&f, text);
	}
	fixture_fini(&f);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "mutated expressions", test_mutations },
		{ "random bytes and pieces", test_random },
		CU_TEST_INFO_NULL,
	};

	return check_run("expr fuzz", tests);
}
