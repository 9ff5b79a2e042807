/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "kernel.h"

/*
 * Every level of the instruction set that this CPU has gives what v2 gives, to the last bit of a
 * float: all relations, arithmetic, logic, conversions and sets, over random columns of any length,
 * as values and as selections.
 */

static bool
same_bits(const struct weir_value *a, const struct weir_value *b)
{
	if (a->is_null || b->is_null)
		return a->is_null == b->is_null;
	if (a->type == WEIR_FLOAT)
		return memcmp(&a->f, &b->f, sizeof(a->f)) == 0 || (a->f != a->f && b->f != b->f);
	return weir_value_compare(a, b) == 0;
}

static void
compare_run(const struct fixture *f, struct weir_program *a, struct weir_program *b, uint32_t n,
    const char *text)
{
	const struct weir_column *x = fixture_run(f, a, n), *y = fixture_run(f, b, n);
	uint64_t one[WEIR_MASK_WORDS], two[WEIR_MASK_WORDS];

	for (unsigned r = 0; r < n; r++) {
		struct weir_value v = weir_column_get(x, r), w = weir_column_get(y, r);

		if (same_bits(&v, &w))
			continue;
		printf("\n    %s: row %u of %u differs", text, r, n);
		CU_FAIL("a level differs from v2");
		return;
	}
	if (weir_program_type(a) != WEIR_BOOL && weir_program_type(a) != WEIR_INT)
		return;
	weir_mask_first(one, n);
	memcpy(two, one, sizeof(two));
	weir_program_filter(a, f->inputs, n, one);
	weir_program_filter(b, f->inputs, n, two);
	CU_ASSERT(memcmp(one, two, sizeof(one)) == 0);
	/* Few rows become bits another way. */
	for (unsigned few = 1; few < 12 && few < n; few++) {
		weir_mask_first(one, few);
		weir_program_filter(b, f->inputs, few, one);
		CU_ASSERT_EQUAL(one[0], two[0] & ((UINT64_C(1) << few) - 1));
		CU_ASSERT_EQUAL(one[1] | one[2] | one[3], 0);
	}
}

static void
compare(struct fixture *f, const char *text)
{
	struct weir_scope scope = f->scope;

	for (int level = WEIR_SIMD_V2; level < WEIR_N_SIMD; level++) {
		struct weir_program *a, *b;
		struct weir_error err;

		if (!weir_simd_is_usable((enum weir_simd)level))
			continue;
		scope.simd = WEIR_SIMD_V2;
		if (weir_program_compile(text, &scope, &a, &err)) {
			printf("\n    %s: %s", text, err.text);
			CU_FAIL("does not compile");
			return;
		}
		scope.simd = (enum weir_simd)level;
		CU_ASSERT_EQUAL_FATAL(weir_program_compile(text, &scope, &b, &err), 0);
		compare_run(f, a, b, WEIR_ROWS, text);
		for (unsigned i = 0; i < 4; i++)
			compare_run(f, a, b, 1 + (uint32_t)(fixture_random(f) % WEIR_ROWS), text);
		weir_program_destroy(a);
		weir_program_destroy(b);
	}
}

static void
levels_agree_on_operators(void)
{
	static const char *const numbers[] = { "bool", "u8", "u16", "u32", "i64", "float" };
	static const char *const others[] = { "bool2", "u8b", "u16b", "u32b", "i64b", "float2" };
	static const char *const relations[] = { "==", "!=", "<", "<=", ">", ">=" };
	static const char *const operators[] = { "+", "-", "*", "/", "%", "&", "|", "^", "<<",
		">>" };
	char text[160];

	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct fixture f;

		fixture_init(&f, seed);
		for (unsigned n = 0; n < 6; n++) {
			for (unsigned i = 0; n && i < 6; i++) {
				snprintf(text, sizeof(text), "%s %s 5", numbers[n], relations[i]);
				compare(&f, text);
				snprintf(text, sizeof(text), "%s %s %s", numbers[n], relations[i],
				    others[n]);
				compare(&f, text);
			}
			for (unsigned i = 0; n && i < (n == 5 ? 4 : 10); i++) {
				snprintf(text, sizeof(text), "%s %s (i64 %s u8)", numbers[n],
				    operators[i], operators[i]);
				compare(&f, text);
			}
			snprintf(text, sizeof(text), "if(bool, %s, %s)", numbers[n], others[n]);
			compare(&f, text);
		}
		fixture_fini(&f);
	}
}

static void
levels_agree_on_expressions(void)
{
	static const char *const texts[] = { "u8 == 80 && u16 > 1000 || !bool",
		"u8 in {1, 5..9, 200..255}", "u16 not in {22,23,80..90,443,8080,1k..2k,5,7,9,11}",
		"u32 in {0, 5..100000}", "i64 in {-5, 0..9}", "float in {0.5..10.5}",
		"i64 in {1,3,5,7,9,11,13,15,17,19,21,23}", "ip in {10.0.0.0/8, ::1..::5}",
		"ip == ip2", "ip != ip2", "ip < ip2", "ip >= ip2", "ip == 10.0.0.0/8",
		"net(ip, 24, 64)", "net(ip, u8, u16)", "mac == mac2", "mac < mac2",
		"string in {\"a\", \"abc\", \"zorro\"}", "string == string2", "string < string2",
		"time - time2", "time + duration > time2", "duration * 1.5", "duration / 3",
		"duration / duration2", "duration * float", "float * float2 + float",
		"float * float2 - float / 3.0", "-float", "-i64", "~u32", "bucket(time, 1m)",
		"bucket(i64, 100)", "bucket(float, 0.25)", "seqlt(u32, u32b)", "seqmax(u32, u32b)",
		"if(u8 > 100 && u16 < 1000, net(ip, 8), ip2)",
		"if(float > 0.5, string, string2) contains \"a\"", "bool && bool2", "u8 > 300",
		"u16 == 80 || u16b == 80" };
	struct fixture f;

	fixture_init(&f, 42);
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		compare(&f, texts[i]);
	fixture_fini(&f);
}

static void
kernels_of_a_level_are_its_own(void)
{
	for (int level = WEIR_SIMD_V3; level < WEIR_N_SIMD; level++) {
		const struct weir_expr_level *l = weir_expr_level_of((enum weir_simd)level);
		const struct weir_expr_level *twin = weir_expr_level_of(WEIR_SIMD_V2);
		unsigned n = 0;

		CU_ASSERT_EQUAL_FATAL(l->n_tables, twin->n_tables);
		for (unsigned t = 0; t < l->n_tables; t++) {
			CU_ASSERT_EQUAL_FATAL(l->tables[t].n, twin->tables[t].n);
			for (unsigned i = 0; i < l->tables[t].n; i++) {
				weir_expr_kernel *k = twin->tables[t].kernels[i];

				CU_ASSERT_EQUAL(!k, !l->tables[t].kernels[i]);
				if (!k)
					continue;
				CU_ASSERT_PTR_NOT_EQUAL(weir_expr_at_level(k, l), k);
				n++;
			}
		}
		CU_ASSERT(n > 100);
		CU_ASSERT_PTR_EQUAL(
		    weir_expr_at_level(weir_expr_k_len, l), weir_expr_k_len); /* built once */
	}
}

static void
bools_pack_as_the_twin_packs(void)
{
	uint64_t state = 88172645463325252;
	uint8_t bools[64];

	for (unsigned round = 0; round < 1000; round++) {
		for (unsigned i = 0; i < 64; i++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			bools[i] = state & 1;
		}
		CU_ASSERT_EQUAL(weir_bools_pack64(bools), weir_bools_pack64_scalar(bools));
	}
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "levels agree on operators", levels_agree_on_operators },
		{ "levels agree on expressions", levels_agree_on_expressions },
		{ "kernels of a level are its own", kernels_of_a_level_are_its_own },
		{ "bools pack as the twin packs", bools_pack_as_the_twin_packs },
		CU_TEST_INFO_NULL,
	};

	return check_run("expr levels", tests);
}
