/* SPDX-License-Identifier: BSD-3-Clause */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

#include "fixture.h"

static const struct {
	const char *names[2];
	enum weir_type type;
	enum weir_store store;
} kinds[N_KINDS] = {
	[SLOT_BOOL] = { { "bool", "bool2" }, WEIR_BOOL, WEIR_U8 },
	[SLOT_U8] = { { "u8", "u8b" }, WEIR_INT, WEIR_U8 },
	[SLOT_U16] = { { "u16", "u16b" }, WEIR_INT, WEIR_U16 },
	[SLOT_U32] = { { "u32", "u32b" }, WEIR_INT, WEIR_U32 },
	[SLOT_I64] = { { "i64", "i64b" }, WEIR_INT, WEIR_I64 },
	[SLOT_FLOAT] = { { "float", "float2" }, WEIR_FLOAT, WEIR_F64 },
	[SLOT_DURATION] = { { "duration", "duration2" }, WEIR_DURATION, WEIR_I64 },
	[SLOT_TIME] = { { "time", "time2" }, WEIR_TIME, WEIR_I64 },
	[SLOT_STRING] = { { "string", "string2" }, WEIR_STRING, WEIR_BYTES },
	[SLOT_IP] = { { "ip", "ip2" }, WEIR_IP, WEIR_ADDR },
	[SLOT_MAC] = { { "mac", "mac2" }, WEIR_MAC, WEIR_I64 },
};

uint64_t
fixture_random(struct fixture *f)
{
	f->random ^= f->random >> 12;
	f->random ^= f->random << 25;
	f->random ^= f->random >> 27;
	return f->random * UINT64_C(0x2545f4914f6cdd1d);
}

static int64_t
random_int(struct fixture *f)
{
	static const int64_t edges[] = { 0, 1, -1, 2, 63, 64, 65, 255, 256, 65535, 65536, INT64_MIN,
		INT64_MAX, INT64_MIN + 1, UINT32_MAX, INT64_C(1) << 31, 1000000000, -7 };
	uint64_t r = fixture_random(f);

	if (r % 4 == 0)
		return (int64_t)fixture_random(f);
	if (r % 4 == 1)
		return (int64_t)(r >> 32 & 15) - 5;
	return edges[(r >> 32) % (sizeof(edges) / sizeof(edges[0]))];
}

static double
random_float(struct fixture *f)
{
	static const double edges[] = { 0, -0.0, 1, -1, 0.5, 1.5, 2.5, 1e9, -1e300, DBL_MAX, 1e-9,
		3, DBL_MIN, INFINITY };
	uint64_t r = fixture_random(f);

	if (r % 3 == 0)
		return (double)(int64_t)fixture_random(f) / 1e15;
	return edges[(r >> 32) % (sizeof(edges) / sizeof(edges[0]))];
}

static void
random_ip(struct fixture *f, struct weir_addr *addr, uint8_t *version)
{
	uint64_t r = fixture_random(f);

	*version = r & 1 ? 4 : 6;
	*addr = (struct weir_addr){ 0, (r >> 8 & 3) | 0x0a000000 };
	if (r >> 4 & 1)
		addr->lo = (uint32_t)fixture_random(f);
	if (*version == 6)
		addr->hi =
		    r >> 5 & 1 ? fixture_random(f) : UINT64_C(0x20010db800000000) | (r >> 16 & 1);
}

static void
fill(struct fixture *f, unsigned slot)
{
	struct weir_column *c = &f->columns[slot];

	for (unsigned i = 0; i < WEIR_ROWS; i++) {
		uint64_t r = fixture_random(f);
		int64_t x = random_int(f);

		if (r % 8 == 0) {
			weir_mask_set(c->null, i);
			/* What a null row holds is undefined: a pointer that must not be followed.
			 */
			if (c->store == WEIR_BYTES)
				((struct weir_bytes *)c->data)[i] =
				    (struct weir_bytes){ (const uint8_t *)8, 1000 };
		} else if (c->type == WEIR_BOOL) {
			((uint8_t *)c->data)[i] = x & 1;
		} else if (c->store == WEIR_U8) {
			((uint8_t *)c->data)[i] = (uint8_t)x;
		} else if (c->store == WEIR_U16) {
			((uint16_t *)c->data)[i] = (uint16_t)x;
		} else if (c->store == WEIR_U32) {
			((uint32_t *)c->data)[i] = (uint32_t)x;
		} else if (c->store == WEIR_F64) {
			((double *)c->data)[i] = random_float(f);
		} else if (c->store == WEIR_ADDR) {
			random_ip(f, &((struct weir_addr *)c->data)[i], &c->version[i]);
		} else if (c->store == WEIR_BYTES) {
			const char *s = f->text[r >> 32 & 15];
			uint32_t len = (uint32_t)strlen(s);

			((struct weir_bytes *)c->data)[i] =
			    (struct weir_bytes){ len ? (const uint8_t *)s : NULL, len };
		} else {
			((int64_t *)c->data)[i] = c->type == WEIR_MAC ? x & 0xffffffffffff : x;
		}
	}
}

void
fixture_init(struct fixture *f, uint64_t seed)
{
	static const char *const words[16] = { "", "a", "b", "ab", "abc", "GET / HTTP/1.1", "zorro",
		"xxzorroxx", "Zorro", "example.com", "www.example.com", "\x01\x02\xff", "aab", "ba",
		"abcabc", "z" };

	memset(f, 0, sizeof(*f));
	f->random = seed;
	for (unsigned i = 0; i < 16; i++)
		snprintf(f->text[i], sizeof(f->text[i]), "%s", words[i]);
	for (unsigned s = 0; s < N_SLOTS; s++) {
		unsigned k = s % N_KINDS;

		f->symbols[s] = (struct weir_symbol){ kinds[k].names[s / N_KINDS], kinds[k].type,
			kinds[k].store, s };
		if (weir_column_init(&f->columns[s], kinds[k].type, kinds[k].store, WEIR_ROWS))
			abort();
		fill(f, s);
		f->inputs[s] = &f->columns[s];
	}
	f->scope = (struct weir_scope){ f->symbols, N_SLOTS };
}

void
fixture_fini(struct fixture *f)
{
	for (unsigned s = 0; s < N_SLOTS; s++)
		weir_column_fini(&f->columns[s]);
}

struct weir_program *
fixture_compile(const struct fixture *f, const char *text)
{
	struct weir_program *p = NULL;
	struct weir_error err;

	if (weir_program_compile(text, &f->scope, &p, &err)) {
		printf("\n%s: %s\n", text, err.text);
		CU_FAIL("does not compile");
		return NULL;
	}
	return p;
}

const struct weir_column *
fixture_run(const struct fixture *f, struct weir_program *p, uint32_t n)
{
	uint64_t sel[WEIR_MASK_WORDS];

	weir_mask_first(sel, n);
	return weir_program_run(p, f->inputs, n, sel);
}

const char *
fixture_eval(const struct fixture *f, const char *text, char *buf, size_t size)
{
	struct weir_program *p;
	struct weir_error err;
	struct weir_value v;

	if (weir_program_compile(text, &f->scope, &p, &err)) {
		snprintf(buf, size, "%s", err.text);
		return buf;
	}
	v = weir_column_get(fixture_run(f, p, 1), 0);
	weir_value_text(&v, buf, size);
	weir_program_destroy(p);
	return buf;
}

bool
fixture_same(const struct weir_value *a, const struct weir_value *b)
{
	if (a->type != b->type || a->is_null != b->is_null)
		return false;
	if (a->is_null)
		return true;
	if (a->type == WEIR_FLOAT && isfinite(a->f) && isfinite(b->f))
		return fabs(a->f - b->f) <= 1e-12 * fabs(a->f);
	return weir_value_compare(a, b) == 0;
}

void
fixture_check(const struct fixture *f, const char *text, const char *want)
{
	char buf[1024];

	if (strcmp(fixture_eval(f, text, buf, sizeof(buf)), want) != 0) {
		printf("\n%.200s\n  is   %s\n  want %s\n", text, buf, want);
		CU_FAIL("wrong value or message");
	}
}
