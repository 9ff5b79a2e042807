/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "fixture.h"

/*
 * Every operator on every pair of types and stores, row by row against a scalar oracle that
 * shares nothing with the kernels: 128-bit integers, and the rules as docs/expressions.md has them.
 */

enum op {
	ADD,
	SUB,
	MUL,
	DIV,
	MOD,
	AND,
	OR,
	XOR,
	SHL,
	SHR,
	N_ARITH,
	EQ = N_ARITH,
	NE,
	LT,
	LE,
	GT,
	GE,
	LAND,
	LOR,
	N_OPS
};

static const char *const signs[N_OPS] = { "+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>",
	"==", "!=", "<", "<=", ">", ">=", "&&", "||" };

static bool
is_number(enum weir_type t)
{
	return t == WEIR_BOOL || t == WEIR_INT || t == WEIR_FLOAT;
}

/* The type of the result, WEIR_N_TYPES for a mistake. */
static enum weir_type
type_of(enum op op, enum weir_type a, enum weir_type b)
{
	bool numbers = is_number(a) && is_number(b);
	bool has_float = a == WEIR_FLOAT || b == WEIR_FLOAT;
	bool spans = (a == WEIR_DURATION || is_number(a)) && (b == WEIR_DURATION || is_number(b));

	if (op >= LAND)
		return spans ? WEIR_BOOL : WEIR_N_TYPES;
	if (op >= EQ)
		return a == b || spans ? WEIR_BOOL : WEIR_N_TYPES;
	if (op >= AND)
		return numbers && !has_float ? WEIR_INT : WEIR_N_TYPES;
	if (numbers)
		return has_float ? WEIR_FLOAT : WEIR_INT;
	if (spans && op == MUL)
		return a == b ? WEIR_N_TYPES : WEIR_DURATION;
	if (spans && op == DIV)
		return b == WEIR_DURATION ? WEIR_FLOAT : WEIR_DURATION;
	if (spans)
		return WEIR_DURATION;
	if (a == WEIR_TIME && b == WEIR_TIME)
		return op == SUB ? WEIR_DURATION : WEIR_N_TYPES;
	if (a == WEIR_TIME && (is_number(b) || b == WEIR_DURATION))
		return op == ADD || op == SUB ? WEIR_TIME : WEIR_N_TYPES;
	if (b == WEIR_TIME && (is_number(a) || a == WEIR_DURATION))
		return op == ADD ? WEIR_TIME : WEIR_N_TYPES;
	return WEIR_N_TYPES;
}

static struct weir_value
null_of(enum weir_type type)
{
	return (struct weir_value){ .type = type, .is_null = true };
}

static struct weir_value
int_of(enum weir_type type, __int128 x)
{
	return (struct weir_value){ .type = type, .i = (int64_t)(uint64_t)x };
}

static int64_t
as_int(const struct weir_value *v)
{
	return v->type == WEIR_BOOL ? v->b : v->i;
}

static double
as_float(const struct weir_value *v)
{
	return v->type == WEIR_FLOAT ? v->f : (double)as_int(v);
}

static struct weir_value
rounded(enum weir_type type, double x)
{
	double r = round(x);

	if (!(r >= -9223372036854775808.0 && r < 9223372036854775808.0))
		return null_of(type);
	return int_of(type, (__int128)r);
}

/* Nanoseconds; null where they do not fit. */
static struct weir_value
as_span(const struct weir_value *v)
{
	__int128 ns;

	if (v->type == WEIR_DURATION || v->type == WEIR_TIME)
		return *v;
	if (v->type == WEIR_FLOAT)
		return rounded(WEIR_DURATION, v->f * 1e9);
	ns = (__int128)as_int(v) * 1000000000;
	return ns > INT64_MAX || ns < INT64_MIN ? null_of(WEIR_DURATION)
						: int_of(WEIR_DURATION, ns);
}

static struct weir_value
int_arith(enum op op, enum weir_type type, int64_t a, int64_t b)
{
	__int128 x = a, y = b;

	switch (op) {
	case ADD:
		return int_of(type, x + y);
	case SUB:
		return int_of(type, x - y);
	case MUL:
		return int_of(type, (__int128)((unsigned __int128)x * (unsigned __int128)y));
	case DIV:
		return y ? int_of(type, x / y) : null_of(type);
	case MOD:
		return y ? int_of(type, x % y) : null_of(type);
	case AND:
		return int_of(type, x & y);
	case OR:
		return int_of(type, x | y);
	case XOR:
		return int_of(type, x ^ y);
	case SHL:
		return int_of(type, b < 0 || b > 63 ? 0 : (__int128)((unsigned __int128)x << b));
	default:
		return int_of(type, b < 0 ? 0 : b > 63 ? (a < 0 ? -1 : 0) : x >> b);
	}
}

static struct weir_value
float_arith(enum op op, double a, double b)
{
	struct weir_value v = { .type = WEIR_FLOAT };

	if ((op == DIV || op == MOD) && b == 0)
		return null_of(WEIR_FLOAT);
	v.f = op == ADD   ? a + b
	      : op == SUB ? a - b
	      : op == MUL ? a * b
	      : op == DIV ? a / b
			  : fmod(a, b);
	return v;
}

static struct weir_value
span_arith(enum op op, enum weir_type type, const struct weir_value *a, const struct weir_value *b)
{
	const struct weir_value *span = a->type == WEIR_DURATION ? a : b;
	const struct weir_value *number = span == a ? b : a;
	struct weir_value x = as_span(a), y = as_span(b);

	if (op == MUL)
		return number->type == WEIR_FLOAT ? rounded(type, (double)span->i * number->f)
						  : int_arith(op, type, span->i, as_int(number));
	if (op == DIV && a->type == b->type)
		return float_arith(op, (double)a->i, (double)b->i);
	if (op == DIV && b->type == WEIR_DURATION)
		return float_arith(op, as_float(a), (double)b->i / 1e9);
	if (op == DIV && b->type == WEIR_FLOAT)
		return b->f == 0 ? null_of(type) : rounded(type, (double)a->i / b->f);
	if (op == DIV)
		return int_arith(op, type, a->i, as_int(b));
	if (x.is_null || y.is_null)
		return null_of(type);
	return int_arith(op, type, x.i, y.i);
}

static bool
relation(enum op op, int c, bool is_unordered)
{
	if (is_unordered)
		return op == NE;
	return op == EQ   ? c == 0
	       : op == NE ? c != 0
	       : op == LT ? c < 0
	       : op == LE ? c <= 0
	       : op == GT ? c > 0
			  : c >= 0;
}

static bool
compare(enum op op, const struct weir_value *a, const struct weir_value *b)
{
	struct weir_value x = *a, y = *b;

	if (a->is_null || b->is_null)
		return false;
	if (a->type == b->type && a->type != WEIR_FLOAT)
		return relation(op, weir_value_compare(a, b), false);
	if (a->type == WEIR_DURATION || b->type == WEIR_DURATION) {
		x = as_span(a);
		y = as_span(b);
		return !x.is_null && !y.is_null && relation(op, (x.i > y.i) - (x.i < y.i), false);
	}
	if (a->type == WEIR_FLOAT || b->type == WEIR_FLOAT) {
		x.f = as_float(a);
		y.f = as_float(b);
		return relation(op, (x.f > y.f) - (x.f < y.f), x.f != x.f || y.f != y.f);
	}
	return relation(op, (as_int(a) > as_int(b)) - (as_int(a) < as_int(b)), false);
}

static bool
truth(const struct weir_value *v)
{
	return !v->is_null && (v->type == WEIR_FLOAT ? v->f != 0 : as_int(v) != 0);
}

static struct weir_value
oracle(enum op op, enum weir_type type, const struct weir_value *a, const struct weir_value *b)
{
	struct weir_value v = { .type = WEIR_BOOL };

	if (op == LAND || op == LOR) {
		v.b = op == LAND ? truth(a) && truth(b) : truth(a) || truth(b);
		return v;
	}
	if (op >= EQ) {
		v.b = compare(op, a, b);
		return v;
	}
	if (a->is_null || b->is_null)
		return null_of(type);
	if (type == WEIR_INT)
		return int_arith(op, type, as_int(a), as_int(b));
	if (is_number(a->type) && is_number(b->type))
		return float_arith(op, as_float(a), as_float(b));
	return span_arith(op, type, a, b);
}

static void
check_rows(const struct fixture *f, const char *text, enum op op, enum weir_type type, unsigned sa,
    unsigned sb, const struct weir_value *k)
{
	struct weir_program *p = fixture_compile(f, text);
	const struct weir_column *r;

	if (!p)
		return;
	CU_ASSERT_EQUAL(weir_program_type(p), type);
	/* An odd number of rows, so that the ends of vectors are tried too. */
	r = fixture_run(f, p, 251);
	for (unsigned i = 0; i < 251; i++) {
		struct weir_value a = weir_column_get(&f->columns[sa], i);
		struct weir_value b = k ? *k : weir_column_get(&f->columns[sb], i);
		struct weir_value got = weir_column_get(r, i);
		struct weir_value want = oracle(op, type, &a, &b);

		if (!fixture_same(&got, &want)) {
			char t[4][80];

			weir_value_text(&a, t[0], 80);
			weir_value_text(&b, t[1], 80);
			weir_value_text(&got, t[2], 80);
			weir_value_text(&want, t[3], 80);
			printf("\n%s: %s, %s: %s, want %s\n", text, t[0], t[1], t[2], t[3]);
			CU_FAIL("differs from the oracle");
			break;
		}
	}
	weir_program_destroy(p);
}

static void
test_columns(void)
{
	struct fixture f;
	unsigned n_valid = 0;

	fixture_init(&f, 1);
	for (unsigned a = 0; a < N_KINDS; a++) {
		for (unsigned b = 0; b < N_KINDS; b++) {
			for (enum op op = ADD; op < N_OPS; op++) {
				unsigned sb = b + N_KINDS;
				enum weir_type type =
				    type_of(op, f.symbols[a].type, f.symbols[b].type);
				struct weir_program *p;
				struct weir_error err;
				char text[64];

				snprintf(text, sizeof(text), "%s %s %s", f.symbols[a].name,
				    signs[op], f.symbols[sb].name);
				if (type != WEIR_N_TYPES) {
					n_valid++;
					check_rows(&f, text, op, type, a, sb, NULL);
				} else if (!weir_program_compile(text, &f.scope, &p, &err)) {
					printf("\n%s\n", text);
					CU_FAIL("compiles");
					weir_program_destroy(p);
				} else {
					CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
					CU_ASSERT_PTR_NOT_NULL(strstr(err.text, " at "));
				}
			}
		}
	}
	CU_ASSERT(n_valid > 600);
	fixture_fini(&f);
}

/* A column beside a constant takes the narrow kernels; the result must be that of the wide ones. */
static void
test_constants(void)
{
	static const struct {
		const char *text;
		struct weir_value v;
	} constants[] = {
		{ "0", { .type = WEIR_INT, .i = 0 } },
		{ "1", { .type = WEIR_INT, .i = 1 } },
		{ "(-1)", { .type = WEIR_INT, .i = -1 } },
		{ "255", { .type = WEIR_INT, .i = 255 } },
		{ "256", { .type = WEIR_INT, .i = 256 } },
		{ "65535", { .type = WEIR_INT, .i = 65535 } },
		{ "65536", { .type = WEIR_INT, .i = 65536 } },
		{ "0xffffffff", { .type = WEIR_INT, .i = UINT32_MAX } },
		{ "0x100000000", { .type = WEIR_INT, .i = INT64_C(1) << 32 } },
		{ "9223372036854775807", { .type = WEIR_INT, .i = INT64_MAX } },
		{ "(-9223372036854775808)", { .type = WEIR_INT, .i = INT64_MIN } },
		{ "1.5", { .type = WEIR_FLOAT, .f = 1.5 } },
		{ "(-1e9)", { .type = WEIR_FLOAT, .f = -1e9 } },
		{ "1s", { .type = WEIR_DURATION, .i = 1000000000 } },
		{ "(-5ns)", { .type = WEIR_DURATION, .i = -5 } },
		{ "00:00:00:00:00:ff", { .type = WEIR_MAC, .i = 255 } },
		{ "10.0.0.1", { .type = WEIR_IP, .version = 4, .addr = { 0, 0x0a000001 } } },
		{ "'ab'", { .type = WEIR_STRING, .s = { (const uint8_t *)"ab", 2 } } },
		{ "(1 == 1)", { .type = WEIR_BOOL, .b = true } },
		{ "(1/0)", { .type = WEIR_INT, .is_null = true } },
	};
	struct fixture f;
	char text[80];

	fixture_init(&f, 2);
	for (unsigned k = 0; k < sizeof(constants) / sizeof(constants[0]); k++) {
		for (unsigned a = 0; a < N_KINDS; a++) {
			for (enum op op = ADD; op < N_OPS; op++) {
				enum weir_type type =
				    type_of(op, f.symbols[a].type, constants[k].v.type);
				__int128 s = (__int128)constants[k].v.i * 1000000000;

				if (type == WEIR_N_TYPES ||
				    (f.symbols[a].type == WEIR_TIME && a == k))
					continue;
				/* A constant that is no duration where one is needed is refused. */
				if ((f.symbols[a].type == WEIR_DURATION ||
					f.symbols[a].type == WEIR_TIME) &&
				    constants[k].v.type == WEIR_INT && op != MUL && op != DIV &&
				    op < LAND && (s > INT64_MAX || s < INT64_MIN))
					continue;
				snprintf(text, sizeof(text), "%s %s %s", f.symbols[a].name,
				    signs[op], constants[k].text);
				check_rows(&f, text, op, type, a, 0, &constants[k].v);
			}
		}
	}
	fixture_fini(&f);
}

/* A constant on the left turns the relation round. */
static void
test_mirror(void)
{
	static const char *const mirror[] = { "==", "!=", ">", ">=", "<", "<=" };
	struct fixture f;
	char text[2][64];

	fixture_init(&f, 3);
	for (unsigned a = SLOT_U8; a <= SLOT_DURATION; a++) {
		for (enum op op = EQ; op <= GE; op++) {
			struct weir_program *p[2];

			snprintf(
			    text[0], sizeof(text[0]), "%s %s 64", f.symbols[a].name, signs[op]);
			snprintf(text[1], sizeof(text[1]), "64 %s %s", mirror[op - EQ],
			    f.symbols[a].name);
			for (unsigned i = 0; i < 2; i++)
				p[i] = fixture_compile(&f, text[i]);
			if (p[0] && p[1])
				CU_ASSERT(
				    memcmp(fixture_run(&f, p[0], WEIR_ROWS)->data,
					fixture_run(&f, p[1], WEIR_ROWS)->data, WEIR_ROWS) == 0);
			weir_program_destroy(p[0]);
			weir_program_destroy(p[1]);
		}
	}
	fixture_fini(&f);
}

static void
test_unary(void)
{
	struct fixture f;

	fixture_init(&f, 4);
	for (unsigned a = 0; a < N_KINDS; a++) {
		enum weir_type t = f.symbols[a].type;
		bool is_span = is_number(t) || t == WEIR_DURATION;
		const struct {
			char sign;
			bool is_valid;
		} ops[] = { { '-', is_span }, { '~', t == WEIR_INT || t == WEIR_BOOL },
			{ '!', is_span } };

		for (unsigned o = 0; o < 3; o++) {
			struct weir_program *p;
			struct weir_error err;
			char text[32];
			int rc;

			snprintf(text, sizeof(text), "%c%s", ops[o].sign, f.symbols[a].name);
			rc = weir_program_compile(text, &f.scope, &p, &err);
			CU_ASSERT_EQUAL(rc == 0, ops[o].is_valid);
			if (rc)
				continue;
			const struct weir_column *r = fixture_run(&f, p, WEIR_ROWS);
			for (unsigned i = 0; i < WEIR_ROWS; i++) {
				struct weir_value v = weir_column_get(&f.columns[a], i), want = v;
				struct weir_value got = weir_column_get(r, i);

				if (t == WEIR_BOOL)
					want = int_of(WEIR_INT, v.b);
				if (ops[o].sign == '!')
					want = (struct weir_value){ .type = WEIR_BOOL,
						.b = !truth(&v) };
				else if (t == WEIR_FLOAT)
					want.f = -v.f;
				else if (ops[o].sign == '-')
					want.i = (int64_t)(0 - (uint64_t)want.i);
				else
					want.i = (int64_t)(UINT64_MAX - (uint64_t)want.i);
				if (ops[o].sign != '!')
					want.is_null = v.is_null;
				CU_ASSERT(fixture_same(&got, &want));
			}
			weir_program_destroy(p);
		}
	}
	fixture_fini(&f);
}

/* Filter clears what is false, zero or null, of every store, and leaves what was cleared before. */
static void
test_filter(void)
{
	struct fixture f;

	fixture_init(&f, 5);
	for (unsigned a = 0; a <= SLOT_DURATION; a++) {
		struct weir_program *p = fixture_compile(&f, f.symbols[a].name);
		uint64_t sel[WEIR_MASK_WORDS], before[WEIR_MASK_WORDS];

		for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
			before[w] = sel[w] = fixture_random(&f);
		weir_program_filter(p, f.inputs, 200, sel);
		for (unsigned i = 0; i < WEIR_ROWS; i++) {
			struct weir_value v = weir_column_get(&f.columns[a], i);

			CU_ASSERT_EQUAL(weir_mask_test(sel, i),
			    i < 200 && weir_mask_test(before, i) && truth(&v));
		}
		weir_program_destroy(p);
	}
	fixture_fini(&f);
}

/*
 * The right side of && and || is only looked at where it matters; the result must not show it, and
 * rows that are not selected may point anywhere.
 */
static void
test_lazy(void)
{
	static const char *const texts[] = {
		"u8 < 64 && string contains 'a'",
		"u8 < 64 || string contains 'a'",
		"u8 > 300 && string contains 'a'",
		"u8 >= 0 || string contains 'a'",
		"(u8 < 64 && (u16 < 99 || upper(string) == 'AB')) || lower(string) matches 'z+'",
		"len(if(u8 < 64, upper(string), lower(string2))) > 3",
	};
	struct fixture f;

	fixture_init(&f, 6);
	for (unsigned t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
		struct weir_program *p = fixture_compile(&f, texts[t]);
		uint64_t some[WEIR_MASK_WORDS];
		uint8_t all[WEIR_ROWS];
		struct weir_bytes saved[2][WEIR_ROWS];
		const struct weir_column *r;

		memcpy(all, fixture_run(&f, p, WEIR_ROWS)->data, WEIR_ROWS);
		for (unsigned c = 0; c < 2; c++)
			memcpy(
			    saved[c], f.columns[SLOT_STRING + c * N_KINDS].data, sizeof(saved[c]));
		for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
			some[w] = fixture_random(&f);
		for (unsigned i = 0; i < WEIR_ROWS; i++)
			for (unsigned c = 0; c < 2 && !weir_mask_test(some, i); c++)
				((struct weir_bytes *)f.columns[SLOT_STRING + c * N_KINDS]
					.data)[i] = (struct weir_bytes){ (const uint8_t *)16, 77 };
		r = weir_program_run(p, f.inputs, WEIR_ROWS, some);
		WEIR_FOR_EACH_BIT (i, some)
			CU_ASSERT_EQUAL(((const uint8_t *)r->data)[i], all[i]);
		for (unsigned c = 0; c < 2; c++)
			memcpy(
			    f.columns[SLOT_STRING + c * N_KINDS].data, saved[c], sizeof(saved[c]));
		/* By hand: the first and the second. */
		for (unsigned i = 0; t < 2 && i < WEIR_ROWS; i++) {
			struct weir_value u = weir_column_get(&f.columns[SLOT_U8], i);
			struct weir_value s = weir_column_get(&f.columns[SLOT_STRING], i);
			bool left = !u.is_null && u.i < 64;
			bool right = !s.is_null && s.s.len && memchr(s.s.p, 'a', s.s.len);

			CU_ASSERT_EQUAL(all[i] != 0, t == 0 ? left && right : left || right);
		}
		weir_program_destroy(p);
	}
	fixture_fini(&f);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "columns of every pair of types agree with the oracle", test_columns },
		{ "narrow columns beside constants agree with the oracle", test_constants },
		{ "a constant may stand on the left", test_mirror },
		{ "prefix operators agree with the oracle", test_unary },
		{ "filter keeps what is true", test_filter },
		{ "short cuts do not show", test_lazy },
		CU_TEST_INFO_NULL,
	};

	return check_run("expr operators", tests);
}
