/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/expr/fold.h>

#include "check.h"
#include "fixture.h"

/*
 * Folds: random ones agree with an interpreter that works every statement out by a program of its
 * own, row by row; what is wrong is refused with the place.
 */

#define N_GROUPS 3
#define MAX_VARS 16

/* The variables of random folds: names, types, and whether they are of the state. */
static const struct {
	const char *name;
	enum weir_type type;
	bool is_state;
} variables[] = {
	{ "n", WEIR_INT, true },
	{ "last", WEIR_INT, true },
	{ "avg", WEIR_FLOAT, true },
	{ "gap", WEIR_DURATION, true },
	{ "seen", WEIR_BOOL, true },
	{ "k", WEIR_INT, false },
	{ "x", WEIR_FLOAT, false },
	{ "d", WEIR_DURATION, false },
};
#define N_VARS  ((unsigned)(sizeof(variables) / sizeof(variables[0])))
#define N_STATE 5u

struct text {
	char p[16384];
	size_t len;
};

static void
say(struct text *t, const char *what)
{
	size_t len = strlen(what);

	CU_ASSERT_FATAL(t->len + len < sizeof(t->p));
	memcpy(t->p + t->len, what, len + 1);
	t->len += len;
}

static unsigned
pick(struct fixture *f, unsigned n)
{
	return (unsigned)(fixture_random(f) >> 33) % n;
}

/* What may be read: variables below n_known. */
static void
say_leaf(struct fixture *f, struct text *t, enum weir_type type, unsigned n_known)
{
	static const char *const leaves[WEIR_N_TYPES][6] = {
		[WEIR_BOOL] = { "bool", "bool2", "(u8 > 3)", "bool", "bool2", "(u16 != u16b)" },
		[WEIR_INT] = { "u8", "u16", "u32", "i64", "3", "-7" },
		[WEIR_FLOAT] = { "float", "float2", "0.5", "2.0", "(u8 * 0.1)", "1e9" },
		[WEIR_DURATION] = { "duration", "duration2", "3s", "20ms", "(-1s)", "duration" },
	};
	unsigned v = pick(f, N_VARS);

	if (pick(f, 2) && v < n_known && variables[v].type == type)
		say(t, variables[v].name);
	else
		say(t, leaves[type][pick(f, 6)]);
}

static void say_expr(
    struct fixture *f, struct text *t, enum weir_type type, unsigned n_known, unsigned depth);

/* "(a OP b)" and the like: letters stand for operands, i int, f float, d duration, b bool. */
static void
say_form(struct fixture *f, struct text *t, const char *form, unsigned n_known, unsigned depth)
{
	for (; *form; form++) {
		const char one[2] = { *form, 0 };

		if (*form == 'I')
			say_expr(f, t, WEIR_INT, n_known, depth - 1);
		else if (*form == 'F')
			say_expr(f, t, WEIR_FLOAT, n_known, depth - 1);
		else if (*form == 'D')
			say_expr(f, t, WEIR_DURATION, n_known, depth - 1);
		else if (*form == 'B')
			say_expr(f, t, WEIR_BOOL, n_known, depth - 1);
		else
			say(t, one);
	}
}

static void
say_expr(struct fixture *f, struct text *t, enum weir_type type, unsigned n_known, unsigned depth)
{
	static const char *const ints[] = { "(I + I)", "(I - I)", "(I * I)", "(I / I)", "(I % I)",
		"(I & I)", "(I | I)", "(I ^ I)", "(I << I)", "(I >> I)", "(-(I))", "(~(I))",
		"if(B, I, I)", "seqmax(I, I)", "bucket(I, I)", "(I + B)", "(B + B)", NULL };
	static const char *const floats[] = { "(F + F)", "(F - F)", "(F * F)", "(F / F)", "(F % F)",
		"(F + I)", "(I * F)", "(-(F))", "if(B, F, F)", "bucket(F, F)", "(D / D)", "(I / D)",
		"(F + B)", NULL };
	static const char *const durations[] = { "(D + D)", "(D - D)", "(D % D)", "(D * I)",
		"(D * F)", "(D / F)", "(D / I)", "(-(D))", "if(B, D, D)", "bucket(D, D)", "(D + F)",
		"(D - I)", NULL };
	static const char *const bools[] = { "(I == I)", "(I != I)", "(I < I)", "(I <= F)",
		"(F > I)", "(F >= F)", "(F == F)", "(D < D)", "(D != D)", "(D > F)", "(B && B)",
		"(B || I)", "(!(B))", "(F && B)", "seqlt(I, I)", "(I in {1, 5..90, 1000})",
		"(I not in {-7, 0, 255})", "(F in {0.5..2, 7})", "(D in {1s..5s})", "(B == B)",
		"(I == 300)", "(F < 0.5)", "(u8 in {1,3,5,7,9,11,13,15,17,19} && B)",
		"(I in {1,3,5,7,9,11,13,15,17,19})", "if(B, B, B)", NULL };
	static const char *const *const forms[WEIR_N_TYPES] = { [WEIR_BOOL] = bools,
		[WEIR_INT] = ints,
		[WEIR_FLOAT] = floats,
		[WEIR_DURATION] = durations };
	unsigned n = 0;

	while (forms[type][n])
		n++;
	if (depth == 0 || pick(f, 5) == 0)
		say_leaf(f, t, type, n_known);
	else
		say_form(f, t, forms[type][pick(f, n)], n_known, depth);
}

/* A statement "name = value", kept for the interpreter. */
struct statement {
	unsigned var;
	char *value;
};

static struct statement
make_statement(struct fixture *f, struct text *fold, unsigned var, unsigned n_known)
{
	static const char *const ints[] = { "+", "-", "*", "/", "%", "&", "|", "^" };
	struct text *t = calloc(1, sizeof(*t));
	struct statement s = { .var = var };
	bool is_known = var < n_known, is_count = is_known && var == 0 && pick(f, 2);
	const char *op =
	    is_known && variables[var].type == WEIR_INT && pick(f, 2) ? ints[pick(f, 8)] : NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	if (is_count)
		op = "+";
	say_expr(f, t, is_count ? WEIR_BOOL : variables[var].type, n_known, is_count ? 1 : 3);
	say(fold, variables[var].name);
	say(fold, op ? op : "");
	say(fold, "=");
	say(fold, t->p);
	s.value = calloc(1, t->len + 64);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s.value);
	if (op)
		sprintf(s.value, "%s %s (%s)", variables[var].name, op, t->p);
	else
		memcpy(s.value, t->p, t->len);
	free(t);
	return s;
}

struct interpreter {
	struct fixture *f;
	struct weir_symbol symbols[N_SLOTS + MAX_VARS];
	const struct weir_column *inputs[N_SLOTS + MAX_VARS];
	struct weir_column columns[MAX_VARS]; /* what the variables hold in the row */
	struct weir_scope scope;
};

static void
interpreter_init(struct interpreter *in, struct fixture *f)
{
	memset(in, 0, sizeof(*in));
	in->f = f;
	memcpy(in->symbols, f->symbols, sizeof(f->symbols));
	memcpy(in->inputs, f->inputs, sizeof(f->inputs));
	for (unsigned v = 0; v < N_VARS; v++) {
		enum weir_type type = variables[v].type;

		in->symbols[N_SLOTS + v] = (struct weir_symbol){ variables[v].name, type,
			weir_store_of(type), N_SLOTS + v };
		CU_ASSERT_EQUAL_FATAL(
		    weir_column_init(&in->columns[v], type, weir_store_of(type), WEIR_ROWS), 0);
		in->inputs[N_SLOTS + v] = &in->columns[v];
	}
	in->scope = (struct weir_scope){ in->symbols, N_SLOTS + N_VARS, f->scope.simd };
}

static void
put(struct weir_column *c, unsigned row, const struct weir_value *v)
{
	weir_mask_clear(c->null, row);
	if (v->is_null)
		weir_mask_set(c->null, row);
	else if (c->store == WEIR_U8)
		((uint8_t *)c->data)[row] = v->b;
	else if (c->store == WEIR_F64)
		((double *)c->data)[row] = v->f;
	else
		((int64_t *)c->data)[row] = v->i;
}

/* Work one statement out for a row of a group whose variables have these values. */
static void
interpret(struct interpreter *in, const struct statement *s, struct weir_program *p, unsigned row,
    struct weir_value *values)
{
	uint64_t sel[WEIR_MASK_WORDS] = { 0 };
	struct weir_value v;

	weir_mask_set(sel, row);
	for (unsigned i = 0; i < N_VARS; i++)
		put(&in->columns[i], row, &values[i]);
	v = weir_column_get(weir_program_run(p, in->inputs, WEIR_ROWS, sel), row);
	/* A bool that an int is given is one. */
	if (v.type == WEIR_BOOL && variables[s->var].type == WEIR_INT)
		v.i = v.is_null ? 0 : v.b;
	v.type = variables[s->var].type;
	values[s->var] = v;
}

struct case_of {
	struct text fold;
	unsigned n_init, n_all;
	struct statement statements[32];
	struct weir_program *programs[32];
};

/* "n=...,last=...; k=...; n+=..." */
static void
make_case(struct fixture *f, struct case_of *c)
{
	unsigned n_known = 0;

	for (unsigned v = 0; v < N_VARS; v++) {
		say(&c->fold, v == 0 ? "" : v < N_STATE ? ", " : "; ");
		c->statements[c->n_all++] = make_statement(f, &c->fold, v, n_known);
		n_known++;
	}
	c->n_init = N_STATE;
	for (unsigned i = 0; i < 4; i++) {
		say(&c->fold, pick(f, 2) ? ";" : " , ");
		c->statements[c->n_all++] = make_statement(f, &c->fold, pick(f, N_VARS), n_known);
	}
}

static void
run_fold(const struct fixture *f, const struct weir_fold_program *p, const uint8_t *group,
    uint8_t *states)
{
	const struct weir_column *args[WEIR_FOLD_MAX_ARGS];
	uint64_t sel[WEIR_MASK_WORDS];
	uint32_t row[WEIR_ROWS];
	uint8_t *at[WEIR_ROWS];

	weir_mask_first(sel, WEIR_ROWS);
	for (unsigned a = 0; a < p->n_args; a++)
		args[a] = weir_program_run(p->args[a], f->inputs, WEIR_ROWS, sel);
	for (uint32_t r = 0; r < WEIR_ROWS; r++) {
		row[r] = r;
		at[r] = states + group[r] * (8 + weir_fold_state_size(p->fold));
	}
	/* In two parts, as if they were two batches. */
	weir_fold_run(p->fold, &(struct weir_fold_rows){ 100, row, at, 8, args });
	weir_fold_run(p->fold, &(struct weir_fold_rows){ 156, row + 100, at + 100, 8, args });
}

static void
compare(struct interpreter *in, const struct case_of *c, const struct weir_fold_program *p)
{
	struct weir_value values[N_GROUPS][MAX_VARS];
	uint8_t states[N_GROUPS * (16 + 8 * MAX_VARS)] = { 0 }, group[WEIR_ROWS];
	bool is_started[N_GROUPS] = { 0 }, is_same = true;

	memset(values, 0, sizeof(values));
	for (unsigned r = 0; r < WEIR_ROWS; r++) {
		unsigned g = group[r] = (uint8_t)pick(in->f, N_GROUPS);

		for (unsigned v = 0; v < N_VARS; v++)
			if (!variables[v].is_state || !is_started[g])
				values[g][v].is_null = true;
		for (unsigned i = is_started[g] ? c->n_init : 0; i < c->n_all; i++)
			interpret(in, &c->statements[i], c->programs[i], r, values[g]);
		is_started[g] = true;
	}
	run_fold(in->f, p, group, states);
	for (unsigned g = 0; g < N_GROUPS; g++)
		for (unsigned v = 0; v < p->n_vars; v++) {
			struct weir_value got = weir_fold_value(
			    p->fold, states + g * (8 + weir_fold_state_size(p->fold)) + 8, v);

			is_same &= fixture_same(&got, &values[g][v]);
		}
	if (!is_same)
		fprintf(stderr, "\n%s\n", c->fold.p);
	CU_ASSERT_TRUE(is_same);
}

static bool
compile_statements(struct interpreter *in, struct case_of *c)
{
	bool is_done = true;

	for (unsigned i = 0; i < c->n_all; i++) {
		struct weir_error err;

		if (weir_program_compile(c->statements[i].value, &in->scope, &c->programs[i], &err))
			is_done = false;
	}
	return is_done;
}

static void
random_folds_agree_with_an_interpreter(void)
{
	struct case_of *c = malloc(sizeof(*c));
	unsigned n_run = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	for (unsigned round = 0; round < 1000; round++) {
		struct fixture f;
		struct interpreter in;
		struct weir_fold_program *p = NULL;
		struct weir_error err = { 0 };
		bool is_valid;
		int rc;

		memset(c, 0, sizeof(*c));
		fixture_init(&f, round + 1);
		interpreter_init(&in, &f);
		make_case(&f, c);
		is_valid = compile_statements(&in, c);
		rc = weir_fold_compile(c->fold.p, &f.scope, &p, &err);
		/* A fold may also be too large. */
		if (rc && is_valid && !strstr(err.text, "more than"))
			CHECK_TEXT(c->fold.p, err.text);
		CU_ASSERT(rc == 0 ? is_valid : err.fail == WEIR_FAIL_USAGE);
		if (!rc) {
			CU_ASSERT_EQUAL(p->n_vars, N_STATE);
			compare(&in, c, p);
			n_run++;
		}
		weir_fold_program_destroy(p);
		for (unsigned i = 0; i < c->n_all; i++) {
			weir_program_destroy(c->programs[i]);
			free(c->statements[i].value);
		}
		for (unsigned v = 0; v < N_VARS; v++)
			weir_column_fini(&in.columns[v]);
		fixture_fini(&f);
	}
	CU_ASSERT(n_run > 300);
	free(c);
}

/* The values of the state after the first rows of a column u8 that counts from 1 on, and a u16 that
 * is null in the second row, else 10. */
static void
check_rows(const char *text, uint32_t n, const char *want)
{
	struct fixture f;
	struct weir_fold_program *p;
	struct weir_error err;
	uint8_t state[8 * MAX_VARS] = { 0 };
	const struct weir_column *args[WEIR_FOLD_MAX_ARGS];
	uint64_t sel[WEIR_MASK_WORDS];
	uint32_t row[WEIR_ROWS];
	uint8_t *at[WEIR_ROWS];
	struct text got = { .len = 0 };

	fixture_init(&f, 1);
	for (unsigned r = 0; r < WEIR_ROWS; r++) {
		((uint8_t *)f.columns[SLOT_U8].data)[r] = (uint8_t)(r + 1);
		((uint16_t *)f.columns[SLOT_U16].data)[r] = 10;
		row[r] = r;
		at[r] = state;
	}
	memset(f.columns[SLOT_U8].null, 0, WEIR_ROWS / 8);
	memset(f.columns[SLOT_U16].null, 0, WEIR_ROWS / 8);
	weir_mask_set(f.columns[SLOT_U16].null, 1);
	if (weir_fold_compile(text, &f.scope, &p, &err)) {
		CHECK_TEXT(err.text, want);
		fixture_fini(&f);
		return;
	}
	weir_mask_first(sel, WEIR_ROWS);
	for (unsigned a = 0; a < p->n_args; a++)
		args[a] = weir_program_run(p->args[a], f.inputs, WEIR_ROWS, sel);
	weir_fold_run(p->fold, &(struct weir_fold_rows){ n, row, at, 0, args });
	for (unsigned v = 0; v < p->n_vars; v++) {
		struct weir_value x = weir_fold_value(p->fold, state, v);
		char buf[64];

		CU_ASSERT_EQUAL(x.type, p->vars[v].type);
		weir_value_text(&x, buf, sizeof(buf));
		say(&got, v ? " " : "");
		say(&got, buf);
	}
	CHECK_TEXT(got.p, want);
	weir_fold_program_destroy(p);
	fixture_fini(&f);
}

static void
rows_are_taken_one_after_the_other(void)
{
	/* No rows: nothing has a value. */
	check_rows("n=5; n+=1", 0, "-");
	/* The first row is taken by the init and the update. */
	check_rows("n=5; n+=1", 1, "6");
	check_rows("n=u8; n+=u8", 1, "2");
	check_rows("n=u8; n+=u8", 4, "11");
	check_rows("n=0,before=u8; n+=u8!=before; before=u8", 5, "4 5");
	check_rows("n=0,before=u8; before=u8; n+=u8!=before", 5, "0 5");
	check_rows("n=0,m=n+7; n+=1,m-=n", 3, "3 1");
	check_rows("n=1; t=n*2; n=t+1;", 3, "15");
	check_rows("n=1; n*=3; n-=1; n%=10; n|=8; n&=13; n^=1", 2, "13");
	check_rows("n=100; n/=3", 2, "11");
}

static void
null_stays_where_it_came_in(void)
{
	check_rows("n=0; n+=u16", 1, "10");
	check_rows("n=0; n+=u16", 2, "-");
	check_rows("n=0; n+=u16", 5, "-");
	check_rows("n=0; n=u16", 3, "10");
	check_rows("n=0,p=u16; n+=p!=u16; p=u16", 3, "0 10");
	check_rows("n=0; n+=u16==10", 3, "2");
	check_rows("n=0; n+=seqlt(u8,u16)", 3, "2");
	check_rows("n=1; n/=u8-3", 3, "-");
	check_rows("n=1,m=1/0; n+=1; m=if(m==0,1,n)", 3, "4 4");
}

static void
types_meet(void)
{
	check_rows("n=0; n=n+0.5", 3, "1.5");
	check_rows("n=0,m=0; m=n; n=0.5", 3, "0.5 0.5");
	check_rows("b=bool==bool; b=u8>2", 3, "true");
	check_rows("b=u8>9; b+=1", 3, "3");
	check_rows("d=0; d+=1s", 3, "3.000000000");
	check_rows("n=0; t=u8; t=t/2.0; n=t", 3, "1.5");
	check_rows("m=mac,n=0; n+=mac==m", 0, "- -");
	check_rows("n=0; n=ip", 1, "'n' is of the type int, and this of address at 8");
	check_rows("t=time; t=1", 1, "'t' is of the type time, and this of int at 11");
	check_rows("a=ip; a=ip", 1,
	    "variable 'a' cannot hold the type address at 1 (keep hash(...) of it)");
	check_rows("n=0; s=string", 1,
	    "variable 's' cannot hold the type string at 6 (keep hash(...) or len(...) of it)");
}

static void
mistakes_name_their_place(void)
{
	check_rows("", 1, "empty part at 1");
	check_rows("n=0", 1,
	    "nothing to do for each row: no ';' and what follows it at 4 (want 'NAME=EXPR; "
	    "NAME=EXPR')");
	check_rows("n=0;", 1,
	    "nothing to do for each row: no ';' and what follows it at 5 (want 'NAME=EXPR; "
	    "NAME=EXPR')");
	check_rows("n=0;;n=1", 1, "empty part at 5");
	check_rows("n+=1;n=1", 1, "'+=' before the first ';' at 2 (want '=': it has no value yet)");
	check_rows("n=0;n==1", 1, "no value for 'n' at 6 (want = += -= *= /= %= &= |= or ^=)");
	check_rows("n=0;n<<=1", 1, "no value for 'n' at 6 (want = += -= *= /= %= &= |= or ^=)");
	check_rows("n", 1, "no value for 'n' at 2 (want NAME=EXPR)");
	check_rows("n=;n=1", 1, "empty expression at 3");
	check_rows("7=0;n=1", 1, "unexpected '7' at 1 (want NAME=EXPR)");
	check_rows("count=0;cuont+=1", 1, "unknown variable 'cuont' at 9 (try 'count')");
	check_rows("count=0;count=cuont+1", 1, "unknown field 'cuont' at 15 (try 'count')");
	check_rows("n=0;t=later;later=1", 1, "unknown field 'later' at 7");
	check_rows("u8=0;u8=1", 1, "'u8' is a field at 1 (give the variable another name)");
	check_rows("n=0;in=1", 1, "'in' is an operator at 5 (give it another name)");
	check_rows("n=0,n=1;n=2", 1, "a second 'n' at 5");
	check_rows("n=0;n=(1", 1, "missing bracket for '(' at 7");
	check_rows("n=0;n=1 2", 1, "unexpected '2' at 9 (want an operator)");
	check_rows("n=0;n=hash(n)", 1,
	    "this cannot be worked out of a variable at 7 (of what stands in packets it can be "
	    "worked out)");
	check_rows("n=0;n=if(n>2,ip,ip2)==ip", 1,
	    "this cannot be worked out of a variable at 21 (of what stands in packets it can be "
	    "worked out)");
	check_rows(
	    "n=0;n=10.0.0.0/8", 1, "network alone at 7 (networks stand behind in, == or !=)");
}

/* Of "a=0,b=0 ... ; a=a+u8*1 ...": more than there is room for. */
static void
too_much_is_refused(void)
{
	struct text many = { .len = 0 }, columns = { .len = 0 };
	char part[64];

	for (unsigned i = 0; i < WEIR_FOLD_CELLS + 1; i++) {
		snprintf(part, sizeof(part), "%cv%u=0", i ? ',' : ' ', i);
		say(&many, part);
	}
	say(&many, ";v0=1");
	check_rows(many.p, 1, "more than 60 variables at 352");
	say(&columns, "n=0; n=n");
	for (unsigned i = 0; i < WEIR_FOLD_MAX_ARGS + 1; i++) {
		snprintf(part, sizeof(part), "^(u8*%u)", i + 2);
		say(&columns, part);
	}
	check_rows(columns.p, 1, "more than 16 different values of a packet in one fold at 133");
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "random folds agree with an interpreter",
		    random_folds_agree_with_an_interpreter },
		{ "rows are taken one after the other", rows_are_taken_one_after_the_other },
		{ "null stays where it came in", null_stays_where_it_came_in },
		{ "types meet", types_meet },
		{ "mistakes name their place", mistakes_name_their_place },
		{ "too much is refused", too_much_is_refused },
		CU_TEST_INFO_NULL,
	};

	return check_run("fold", tests);
}
