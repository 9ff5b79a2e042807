/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fixture.h"

static void
test_values(void)
{
	static const char *const pairs[][2] = {
		{ "upper('Zorro 1\xc3\xa9')", "ZORRO 1\xc3\xa9" },
		{ "lower('ZORRO[]@`{')", "zorro[]@`{" },
		{ "upper('')", "" },
		{ "upper(lower('AbC'))", "ABC" },
		{ "len('abc')", "3" },
		{ "net(10.1.2.3, 0)", "0.0.0.0" },
		{ "net(10.1.2.3, 24)", "10.1.2.0" },
		{ "net(10.1.2.3, 32)", "10.1.2.3" },
		{ "net(2001:db8:1:2:3::5, 48)", "2001:db8:1::" },
		{ "net(2001:db8:1:2:3::5, 64)", "2001:db8:1:2::" },
		{ "net(2001:db8:1:2:3::5, 80)", "2001:db8:1:2:3::" },
		{ "net(2001:db8::5, 128)", "2001:db8::5" },
		{ "net(2001:db8::5, 24, 32)", "2001:db8::" },
		{ "net(10.1.2.3, 16, 64)", "10.1.0.0" },
		{ "net(10.1.2.3, 1/0)", "-" },
		{ "bucket(7, 5)", "5" },
		{ "bucket(-1, 5)", "-5" },
		{ "bucket(-5, 5)", "-5" },
		{ "bucket(7.5, 2)", "6.0" },
		{ "bucket(-0.5, 1)", "-1.0" },
		{ "bucket(1999ms, 1s)", "1.000000000" },
		{ "bucket(1999ms, 0.5)", "1.500000000" },
		{ "bucket(1 == 1, 1)", "1" },
		{ "if(1, 2, 3)", "2" },
		{ "if(0, 2, 3.5)", "3.5" },
		{ "if(1, 2, 3.5)", "2.0" },
		{ "if(1/0, 2, 3)", "3" },
		{ "if(1, 2s, 0)", "2.000000000" },
		{ "if(0, 2s, 0.25)", "0.250000000" },
		{ "if(1 < 2, 'a', 'b')", "a" },
		{ "if(1 > 2, 10.0.0.1, ::1)", "::1" },
		{ "if(1, 1/0, 5)", "-" },
		{ "if(0, 1/0, 5)", "5" },
		{ "seqlt(1, 2)", "true" },
		{ "seqlt(2, 1)", "false" },
		{ "seqlt(5, 5)", "false" },
		{ "seqlt(0xffffffff, 0)", "true" },
		{ "seqlt(0, 0x7fffffff)", "true" },
		{ "seqlt(0, 0x80000000)", "false" },
		{ "seqlt(0x80000000, 0)", "false" },
		{ "seqlt(0x80000001, 0)", "true" },
		{ "seqlt(1/0, 5)", "false" },
		{ "seqmax(0xfffffff0, 5)", "5" },
		{ "seqmax(5, 0xfffffff0)", "5" },
		{ "seqmax(7, 7)", "7" },
		{ "seqmax(1/0, 7)", "-" },
		{ "hash(5) == hash(5)", "true" },
		{ "hash(5) != hash(6)", "true" },
		{ "hash(0.0) == hash(-0.0)", "true" },
		{ "hash('a') != hash('b')", "true" },
		{ "hash(10.0.0.1) != hash(::a00:1)", "true" },
		{ "hash(1/0)", "-" },
		/* Stable: these may never change. */
		{ "hash('weir')", "685424309925146904" },
		{ "hash(5)", "1009907658782320524" },
		{ "'zorro' contains ''", "true" },
		{ "'' contains ''", "true" },
		{ "'' contains 'a'", "false" },
		{ "'xzorro' contains 'zorro'", "true" },
		{ "'a\\x00b' contains '\\x00b'", "true" },
		{ "'zorro' matches '^z.*o$'", "true" },
		{ "'Zorro' matches 'zorro'", "false" },
		{ "'Zorro' matches '(?i)zorro'", "true" },
		{ "'a1b' matches '\\d'", "true" },
		{ "'a1b' matches '\\\\d'", "true" },
		{ "'' matches '^$'", "true" },
		{ "'\\xff\\xfe' matches '^\\xff.$'", "true" },
		{ "'foobar' matches '(o)(o)(b)'", "true" },
	};
	struct fixture f;

	fixture_init(&f, 31);
	for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		fixture_check(&f, pairs[i][0], pairs[i][1]);
	fixture_fini(&f);
}

/* Published with the Crypto-PAn implementation (its sample trace and key). */
static void
test_anon(void)
{
	static const uint8_t key[32] = { 21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73,
		144, 125, 16, 216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34,
		2 };
	static const char *const pairs[][2] = {
		{ "anon(128.11.68.132)", "135.242.180.132" },
		{ "anon(129.118.74.4)", "134.136.186.123" },
		{ "anon(130.132.252.244)", "133.68.164.234" },
		{ "anon(141.223.7.43)", "141.167.8.160" },
	};
	struct weir_program *random[2], *p;
	const struct weir_column *r;
	struct weir_addr kept[WEIR_ROWS];
	struct fixture f;

	fixture_init(&f, 32);
	/* Without a key all programs still share one. */
	for (unsigned i = 0; i < 2; i++)
		random[i] = fixture_compile(&f, "anon(ip)");
	memcpy(kept, fixture_run(&f, random[0], WEIR_ROWS)->data, sizeof(kept));
	r = fixture_run(&f, random[1], WEIR_ROWS);
	for (unsigned i = 0; i < WEIR_ROWS; i++)
		if (!weir_mask_test(r->null, i))
			CU_ASSERT(memcmp(&kept[i], &((struct weir_addr *)r->data)[i], 16) == 0);
	for (unsigned i = 0; i < 2; i++)
		weir_program_destroy(random[i]);

	weir_expr_set_anon_key(key);
	for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		fixture_check(&f, pairs[i][0], pairs[i][1]);
	p = fixture_compile(&f, "anon(ip)");
	r = fixture_run(&f, p, WEIR_ROWS);
	/* Two addresses have as many first bits in common as before, both in IPv4 and IPv6. */
	for (unsigned i = 0; i < WEIR_ROWS; i++) {
		for (unsigned j = 0; j < i; j++) {
			struct weir_value a = weir_column_get(f.inputs[SLOT_IP], i);
			struct weir_value b = weir_column_get(f.inputs[SLOT_IP], j);
			struct weir_value x = weir_column_get(r, i), y = weir_column_get(r, j);
			uint64_t d[2], e[2];

			CU_ASSERT_EQUAL(a.is_null, x.is_null);
			if (a.is_null || b.is_null || a.version != b.version)
				continue;
			CU_ASSERT_EQUAL(x.version, a.version);
			d[0] = a.addr.hi ^ b.addr.hi;
			d[1] = a.addr.lo ^ b.addr.lo;
			e[0] = x.addr.hi ^ y.addr.hi;
			e[1] = x.addr.lo ^ y.addr.lo;
			CU_ASSERT_EQUAL(
			    d[0] ? __builtin_clzll(d[0]) : 64, e[0] ? __builtin_clzll(e[0]) : 64);
			if (!d[0])
				CU_ASSERT_EQUAL(d[1] ? __builtin_clzll(d[1]) : 64,
				    e[1] ? __builtin_clzll(e[1]) : 64);
		}
	}
	weir_program_destroy(p);
	fixture_fini(&f);
}

/* Functions over columns with nulls, against sums by hand. */
static void
test_columns(void)
{
	struct fixture f;
	struct weir_program *p;
	const struct weir_column *r;

	fixture_init(&f, 33);
	p = fixture_compile(&f, "if(u16 < 100, ip, ip2)");
	r = fixture_run(&f, p, WEIR_ROWS);
	for (unsigned i = 0; i < WEIR_ROWS; i++) {
		struct weir_value c = weir_column_get(f.inputs[SLOT_U16], i);
		struct weir_value a = weir_column_get(f.inputs[SLOT_IP], i);
		struct weir_value b = weir_column_get(f.inputs[SLOT_IP + N_KINDS], i);
		struct weir_value got = weir_column_get(r, i);

		CU_ASSERT(fixture_same(&got, !c.is_null && c.i < 100 ? &a : &b));
	}
	weir_program_destroy(p);

	p = fixture_compile(&f, "upper(string)");
	r = fixture_run(&f, p, WEIR_ROWS);
	for (unsigned i = 0; i < WEIR_ROWS; i++) {
		struct weir_value a = weir_column_get(f.inputs[SLOT_STRING], i);
		struct weir_value got = weir_column_get(r, i);

		CU_ASSERT_EQUAL(got.is_null, a.is_null);
		if (a.is_null)
			continue;
		CU_ASSERT_EQUAL_FATAL(got.s.len, a.s.len);
		for (unsigned c = 0; c < a.s.len; c++) {
			int ch = a.s.p[c];

			CU_ASSERT_EQUAL(got.s.p[c], ch >= 'a' && ch <= 'z' ? ch - 32 : ch);
		}
	}
	weir_program_destroy(p);

	p = fixture_compile(&f, "net(ip, u8, 64)");
	r = fixture_run(&f, p, WEIR_ROWS);
	for (unsigned i = 0; i < WEIR_ROWS; i++) {
		struct weir_value a = weir_column_get(f.inputs[SLOT_IP], i);
		struct weir_value n = weir_column_get(f.inputs[SLOT_U8], i);
		struct weir_value got = weir_column_get(r, i);

		if (a.is_null) {
			CU_ASSERT(got.is_null);
		} else if (a.version == 6) {
			CU_ASSERT(!got.is_null && got.addr.hi == a.addr.hi && got.addr.lo == 0);
		} else {
			CU_ASSERT_EQUAL(got.is_null, n.is_null || n.i > 128);
			if (!got.is_null)
				CU_ASSERT_EQUAL(got.addr.lo,
				    n.i == 0    ? 0
				    : n.i >= 32 ? a.addr.lo
						: a.addr.lo >> (32 - n.i) << (32 - n.i));
		}
	}
	weir_program_destroy(p);

	p = fixture_compile(&f, "bucket(i64, u16)");
	r = fixture_run(&f, p, WEIR_ROWS);
	for (unsigned i = 0; i < WEIR_ROWS; i++) {
		struct weir_value a = weir_column_get(f.inputs[SLOT_I64], i);
		struct weir_value w = weir_column_get(f.inputs[SLOT_U16], i);
		struct weir_value got = weir_column_get(r, i);
		__int128 low;

		CU_ASSERT_EQUAL(got.is_null, a.is_null || w.is_null || w.i == 0);
		if (got.is_null)
			continue;
		low = (__int128)a.i / w.i * w.i;
		low -= low > a.i ? w.i : 0;
		CU_ASSERT_EQUAL(got.i, (int64_t)(uint64_t)low);
	}
	weir_program_destroy(p);

	/* The hash does not show in which store a number came. */
	p = fixture_compile(&f, "hash(u8) == hash(u8 + 0) && hash(u8) >= 0 || !(u8 >= 0)");
	r = fixture_run(&f, p, WEIR_ROWS);
	for (unsigned i = 0; i < WEIR_ROWS; i++)
		CU_ASSERT(((const uint8_t *)r->data)[i]);
	weir_program_destroy(p);
	fixture_fini(&f);
}

/* Results of upper longer than the memory set aside at first. */
static void
test_long_text(void)
{
	static char text[70000];
	struct fixture f;
	struct weir_program *p;
	const struct weir_column *r;

	fixture_init(&f, 34);
	memset(text, 'q', sizeof(text));
	for (unsigned i = 0; i < WEIR_ROWS; i++) {
		weir_mask_clear(f.columns[SLOT_STRING].null, i);
		((struct weir_bytes *)f.columns[SLOT_STRING].data)[i] =
		    (struct weir_bytes){ (const uint8_t *)text, 60000 + i };
	}
	p = fixture_compile(&f, "upper(string)");
	for (unsigned n = 1; n <= WEIR_ROWS; n *= 4) {
		r = fixture_run(&f, p, n);
		for (unsigned i = 0; i < n; i++) {
			struct weir_bytes s = ((const struct weir_bytes *)r->data)[i];

			CU_ASSERT_EQUAL(s.len, 60000 + i);
			CU_ASSERT(s.p[0] == 'Q' && s.p[s.len - 1] == 'Q');
		}
	}
	weir_program_destroy(p);
	fixture_fini(&f);
}

/* A pattern that would take ages on hostile bytes gives up, as no match. */
static void
test_match_limit(void)
{
	static char text[5000];
	struct fixture f;
	struct weir_program *p;

	fixture_init(&f, 35);
	memset(text, 'a', sizeof(text));
	weir_mask_clear(f.columns[SLOT_STRING].null, 0);
	((struct weir_bytes *)f.columns[SLOT_STRING].data)[0] =
	    (struct weir_bytes){ (const uint8_t *)text, sizeof(text) };
	p = fixture_compile(&f, "string matches '(a+)+$|(a*)*b'");
	fixture_run(&f, p, 1);
	weir_program_destroy(p);
	p = fixture_compile(&f, "string matches '(a|aa)+c'");
	CU_ASSERT_EQUAL(((const uint8_t *)fixture_run(&f, p, 1)->data)[0], 0);
	weir_program_destroy(p);
	fixture_fini(&f);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "values of functions and string operators", test_values },
		{ "anon is Crypto-PAn", test_anon },
		{ "functions over columns", test_columns },
		{ "long results of upper", test_long_text },
		{ "patterns give up", test_match_limit },
		CU_TEST_INFO_NULL,
	};

	return check_run("expr functions", tests);
}
