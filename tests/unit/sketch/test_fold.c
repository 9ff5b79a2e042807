/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <weir/sketch/fold.h>

#include "check.h"

/* What a fold's steps do is in the tests of its compiler; here is what all steps have in common. */

static const char *const names[] = {
#define WEIR_FOLD_STEP(name) #name,
#include <weir/sketch/fold_steps.def>
#undef WEIR_FOLD_STEP
};

enum {
	CELL_VAR,
	CELL_A,
	CELL_B,
	CELL_C,
};

/* What the operands of a step are: int64, doubles, or the first and then a double. */
enum kind { INTS, FLOATS, MIXED };

static enum kind
kind_of(unsigned op)
{
	if (op == WEIR_FOLD_MUL_DURATION || op == WEIR_FOLD_DIV_DURATION)
		return MIXED;
	return op != WEIR_FOLD_IF && names[op][strlen(names[op]) - 1] == 'F' ? FLOATS : INTS;
}

static const enum weir_store stores[][3] = {
	[INTS] = { WEIR_U8, WEIR_I64, WEIR_I64 },
	[FLOATS] = { WEIR_F64, WEIR_F64, WEIR_F64 },
	[MIXED] = { WEIR_U8, WEIR_F64, WEIR_F64 },
};

/* A fold of one variable: 7 at first, and then what op makes of three columns. */
static struct weir_fold *
make(enum weir_fold_op op)
{
	static const enum weir_type types[] = { WEIR_INT, WEIR_FLOAT };
	static const struct weir_fold_range ranges[] = { { { .i = 1 }, { .i = 3 } } };
	static const union weir_fold_cell seven = { .i = 7 };
	const struct weir_fold_code init = { WEIR_FOLD_MOVE, CELL_VAR, 4, 4, 4, 0, NULL };
	const struct weir_fold_code update = { op, CELL_VAR, CELL_A, CELL_B, CELL_C, 1, ranges };
	const struct weir_fold_spec spec = {
		.n_vars = 1,
		.types = &types[kind_of(op) == FLOATS],
		.n_args = 3,
		.stores = stores[kind_of(op)],
		.n_consts = 1,
		.consts = &seven,
		.n_cells = 5,
		.n_init = 1,
		.init = &init,
		.n_update = 1,
		.update = &update,
	};
	struct weir_fold *f;

	CU_ASSERT_EQUAL_FATAL(weir_fold_create(&spec, &f), 0);
	return f;
}

struct columns {
	struct weir_column c[3];
	const struct weir_column *args[3];
};

/* Row 0 has values, rows 1 to 3 have a null each. */
static void
columns_init(struct columns *k, enum kind kind)
{
	for (unsigned i = 0; i < 3; i++) {
		enum weir_store s = stores[kind][i];

		CU_ASSERT_EQUAL_FATAL(
		    weir_column_init(&k->c[i], s == WEIR_F64 ? WEIR_FLOAT : WEIR_INT, s, 64), 0);
		for (unsigned r = 0; r < 4; r++) {
			if (s == WEIR_F64)
				((double *)k->c[i].data)[r] = i + 1;
			else if (s == WEIR_I64)
				((int64_t *)k->c[i].data)[r] = i + 1;
			else
				((uint8_t *)k->c[i].data)[r] = 1;
		}
		weir_mask_set(k->c[i].null, i + 1);
		k->args[i] = &k->c[i];
	}
}

static struct weir_value
run(const struct weir_fold *f, const struct columns *k, uint32_t row)
{
	uint64_t state[2] = { 0 };
	uint8_t *group = (uint8_t *)state;

	CU_ASSERT_EQUAL_FATAL(weir_fold_state_size(f), sizeof(state));
	weir_fold_run(f, &(struct weir_fold_rows){ 1, &row, &group, 0, k->args });
	return weir_fold_value(f, state, 0);
}

static bool
begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

static void
null_goes_through_steps_but_for_conditions(void)
{
	for (unsigned op = WEIR_FOLD_MOVE; op < WEIR_FOLD_N_OPS; op++) {
		const char *name = names[op];
		bool is_condition = op >= WEIR_FOLD_EQ_I && op <= WEIR_FOLD_NOT_IN_F;
		bool is_count = begins(name, "COUNT");
		struct weir_fold *f = make((enum weir_fold_op)op);
		struct columns k;

		columns_init(&k, kind_of(op));
		CU_ASSERT_FALSE(run(f, &k, 0).is_null);
		if (is_condition)
			CU_ASSERT_EQUAL(run(f, &k, 1).i, 0);
		if (is_count)
			CU_ASSERT_EQUAL(run(f, &k, 1).i, 7);
		if (op != WEIR_FOLD_IF) {
			CU_ASSERT_EQUAL(run(f, &k, 1).is_null, !is_condition && !is_count);
			/* The third operand is none but of IF. */
			CU_ASSERT_FALSE(run(f, &k, 3).is_null);
		} else {
			/* The condition holds: who is not chosen may be null. */
			CU_ASSERT_TRUE(run(f, &k, 2).is_null);
			CU_ASSERT_FALSE(run(f, &k, 3).is_null);
		}
		for (unsigned i = 0; i < 3; i++)
			weir_column_fini(&k.c[i]);
		weir_fold_destroy(f);
	}
}

/* A row without nulls goes another way than one with them: to the same result. */
static void
both_ways_give_the_same(void)
{
	for (unsigned op = WEIR_FOLD_MOVE; op < WEIR_FOLD_N_OPS; op++) {
		struct weir_fold *f = make((enum weir_fold_op)op);
		struct columns k;
		struct weir_value plain, with;

		columns_init(&k, kind_of(op));
		with = run(f, &k, 3);
		plain = run(f, &k, 0);
		CU_ASSERT_EQUAL(plain.is_null, with.is_null);
		CU_ASSERT_EQUAL(plain.i, with.i);
		for (unsigned i = 0; i < 3; i++)
			weir_column_fini(&k.c[i]);
		weir_fold_destroy(f);
	}
}

static void
a_state_without_rows_is_taken_over(void)
{
	struct weir_fold *f = make(WEIR_FOLD_ADD_I);
	uint64_t none[2] = { 0 }, one[2] = { 0 }, two[2] = { 0 };
	struct columns k;
	uint32_t row = 0;
	uint8_t *group = (uint8_t *)one;

	columns_init(&k, INTS);
	CU_ASSERT_TRUE(weir_fold_value(f, none, 0).is_null);
	weir_fold_run(f, &(struct weir_fold_rows){ 1, &row, &group, 0, k.args });
	weir_fold_take_over(f, two, none);
	CU_ASSERT_TRUE(weir_fold_value(f, two, 0).is_null);
	weir_fold_take_over(f, two, one);
	CU_ASSERT_EQUAL(weir_fold_value(f, two, 0).i, 3);
	one[1] = 9;
	weir_fold_take_over(f, two, one);
	CU_ASSERT_EQUAL(weir_fold_value(f, two, 0).i, 3);
	weir_fold_take_over(f, two, none);
	CU_ASSERT_EQUAL(weir_fold_value(f, two, 0).i, 3);
	for (unsigned i = 0; i < 3; i++)
		weir_column_fini(&k.c[i]);
	weir_fold_destroy(f);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "null goes through steps but for conditions",
		    null_goes_through_steps_but_for_conditions },
		{ "both ways give the same", both_ways_give_the_same },
		{ "a state without rows is taken over", a_state_without_rows_is_taken_over },
		CU_TEST_INFO_NULL,
	};

	return check_run("fold", tests);
}
