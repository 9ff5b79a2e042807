/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "fixture.h"

/* in, and networks: against plain comparisons and against sums done by hand. */

/* Two expressions that must be true in the same rows. */
static void
check_equal(const struct fixture *f, const char *a, const char *b)
{
	struct weir_program *p = fixture_compile(f, a), *q = fixture_compile(f, b);

	if (p && q) {
		const uint8_t *x = fixture_run(f, p, 253)->data, *y = fixture_run(f, q, 253)->data;

		if (memcmp(x, y, 253) != 0) {
			printf("\n%s\n%s\n", a, b);
			CU_FAIL("differ");
		}
	}
	weir_program_destroy(p);
	weir_program_destroy(q);
}

/* Sets of 1 to 40 members take all kernels: in turn, bitmap, binary search. */
static void
test_sizes(void)
{
	static const unsigned slots[] = { SLOT_U8, SLOT_U16, SLOT_U32, SLOT_I64, SLOT_FLOAT,
		SLOT_DURATION };
	char set[4096], terms[8192], neither[8192];
	struct fixture f;

	fixture_init(&f, 11);
	for (unsigned s = 0; s < sizeof(slots) / sizeof(slots[0]); s++) {
		for (unsigned size = 1; size <= 40; size += 3) {
			const char *name = f.symbols[slots[s]].name;
			size_t a = 0, b = 0, c = 0;

			a += (size_t)snprintf(set, sizeof(set), "%s in {", name);
			for (unsigned m = 0; m < size; m++) {
				const struct weir_column *col = &f.columns[slots[s]];
				struct weir_value v =
				    weir_column_get(col, fixture_random(&f) % 253);
				long long k = (long long)(fixture_random(&f) % 300) - 20;
				bool is_range = fixture_random(&f) % 4 == 0;

				if (v.type == WEIR_INT && !v.is_null && fixture_random(&f) % 2 &&
				    v.i > -1000000 && v.i < INT64_C(1) << 40)
					k = v.i;
				a += (size_t)snprintf(
				    set + a, sizeof(set) - a, "%s%lld%s", m ? ", " : "", k, "");
				if (is_range)
					a += (size_t)snprintf(
					    set + a, sizeof(set) - a, "..%lld", k + 7);
				b += (size_t)snprintf(terms + b, sizeof(terms) - b,
				    "%s(%s >= %lld && %s <= %lld)", m ? " || " : "", name, k, name,
				    is_range ? k + 7 : k);
				c += (size_t)snprintf(neither + c, sizeof(neither) - c,
				    "%s(%s < %lld || %s > %lld)", m ? " && " : "", name, k, name,
				    is_range ? k + 7 : k);
			}
			snprintf(set + a, sizeof(set) - a, "}");
			check_equal(&f, set, terms);
			a = strlen(name);
			memmove(set + a + 4, set + a, strlen(set + a) + 1);
			memcpy(set + a, " not", 4);
			check_equal(&f, set, neither);
		}
	}
	fixture_fini(&f);
}

static void
test_networks(void)
{
	static const struct {
		const char *text;
		struct weir_addr addr;
		unsigned version, prefix;
	} nets[] = {
		{ "10.0.0.0/8", { 0, 0x0a000000 }, 4, 8 },
		{ "10.0.0.99/31", { 0, 0x0a000062 }, 4, 31 },
		{ "10.0.0.1/32", { 0, 0x0a000001 }, 4, 32 },
		{ "0.0.0.0/0", { 0, 0 }, 4, 0 },
		{ "128.0.0.0/1", { 0, 0x80000000 }, 4, 1 },
		{ "::/0", { 0, 0 }, 6, 0 },
		{ "2001:db8::/32", { UINT64_C(0x20010db800000000), 0 }, 6, 32 },
		{ "2001:db8::/64", { UINT64_C(0x20010db800000000), 0 }, 6, 64 },
		{ "2001:db8::a00:0/127", { UINT64_C(0x20010db800000000), 0x0a000000 }, 6, 127 },
		{ "2001:db8:0:1::/65", { UINT64_C(0x20010db800000001), 0 }, 6, 65 },
		{ "2001:db8::a00:1/128", { UINT64_C(0x20010db800000000), 0x0a000001 }, 6, 128 },
	};
	struct fixture f;

	fixture_init(&f, 12);
	for (unsigned t = 0; t < sizeof(nets) / sizeof(nets[0]); t++) {
		/* In this order: alone, as one of a set, negated in three ways. */
		static const char *const forms[] = { "ip in %s", "ip == %s", "ip in {%s, 1.2.3.4}",
			"ip not in %s", "ip != %s", "ip not in {1.2.3.4, %s}" };
		unsigned width = nets[t].version == 4 ? 32 : 128;

		for (unsigned form = 0; form < 6; form++) {
			struct weir_program *p;
			const uint8_t *r;
			char text[80];

			snprintf(text, sizeof(text), forms[form], nets[t].text);
			p = fixture_compile(&f, text);
			if (!p)
				continue;
			r = fixture_run(&f, p, WEIR_ROWS)->data;
			for (unsigned i = 0; i < WEIR_ROWS; i++) {
				struct weir_value v = weir_column_get(&f.columns[SLOT_IP], i);
				bool is_in = v.version == nets[t].version;

				for (unsigned bit = 0; bit < nets[t].prefix; bit++) {
					unsigned at = width - 1 - bit;
					uint64_t x = at < 64 ? v.addr.lo : v.addr.hi;
					uint64_t y = at < 64 ? nets[t].addr.lo : nets[t].addr.hi;

					is_in &= ((x ^ y) >> (at % 64) & 1) == 0;
				}
				CU_ASSERT_EQUAL(r[i] != 0, !v.is_null && is_in == (form < 3));
			}
			weir_program_destroy(p);
		}
	}
	fixture_fini(&f);
}

static void
test_others(void)
{
	struct fixture f;

	fixture_init(&f, 13);
	check_equal(&f, "ip in {10.0.0.1..10.0.0.2, 10.0.0.2..10.0.0.3}",
	    "ip >= 10.0.0.1 && ip <= 10.0.0.3");
	check_equal(&f, "ip in {2001:db8::..2001:db8::ffff:ffff, 10.0.0.0/30, 10.0.0.1}",
	    "ip in 2001:db8::/96 || ip in 10.0.0.0/30");
	check_equal(&f, "ip in 10.0.0.1", "ip == 10.0.0.1");
	check_equal(&f, "string in {'ab', \"zorro\", '', 'z', 'abc'}",
	    "string == 'ab' || string == 'zorro' || string == '' || string == 'z' || string == "
	    "'abc'");
	check_equal(&f, "string not in {'ab', 'zorro'}", "string != 'ab' && string != 'zorro'");
	check_equal(&f, "mac in {00:00:00:00:00:ff, 00:00:00:00:00:01..00:00:00:00:00:40}",
	    "mac == 00:00:00:00:00:ff || (mac >= 00:00:00:00:00:01 && mac <= 00:00:00:00:00:40)");
	check_equal(&f, "duration in {1s, 2..3.5, -5ns..5ns}",
	    "duration == 1s || (duration >= 2s && duration <= 3500ms) || "
	    "(duration >= -5ns && duration <= 5ns)");
	check_equal(&f, "time in {\"1970-01-01T00:00:00Z\"..\"2000-01-01T00:00:00Z\"}",
	    "time >= \"1970-01-01T00:00:00Z\" && time <= \"2000-01-01T00:00:00+00:00\"");
	check_equal(&f, "bool in {1}", "bool == 1");
	check_equal(&f, "u8 in {0.5..1.5}", "u8 == 1");
	check_equal(&f, "u8 in {-5, 300}", "u8 < 0");
	check_equal(&f, "u8 not in {-5, 300}", "u8 >= 0");
	check_equal(&f, "u8 in {1/0, 2*32, 1|64}", "u8 == 64 || u8 == 65");
	check_equal(&f, "i64 in {-9223372036854775808..9223372036854775807, 0}", "i64 == i64");
	check_equal(&f, "i64 in {9223372036854775806..9223372036854775807, 9223372036854775807}",
	    "i64 >= 9223372036854775806");
	/* Null is in no set, and out of none. */
	check_equal(&f, "!(ip in 10.0.0.0/8)", "ip not in 10.0.0.0/8 || !(ip == ip)");
	fixture_check(&f, "22 in {22, 23}", "true");
	fixture_check(&f, "10.1.2.3 in 10.0.0.0/8", "true");
	fixture_check(&f, "'x' in {'y'}", "false");
	fixture_check(&f, "1/0 in {0}", "false");
	fixture_check(&f, "1/0 not in {0}", "false");
	fixture_fini(&f);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "sets of all sizes agree with comparisons", test_sizes },
		{ "networks agree with a sum by bits", test_networks },
		{ "addresses, strings, durations, times, edges", test_others },
		CU_TEST_INFO_NULL,
	};

	return check_run("expr sets", tests);
}
