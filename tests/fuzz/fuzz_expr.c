/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/expr/fold.h>
#include <weir/expr/program.h>

/*
 * Expressions and folds: any text is compiled over columns of every type or refused with a message;
 * what compiles runs over rows with values, extremes and nulls.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	N_COLUMNS = 9,
	N_ROWS = 70,
};

static const struct weir_symbol symbols[N_COLUMNS] = {
	{ "a", WEIR_INT, WEIR_I64, 0 },
	{ "b", WEIR_INT, WEIR_U32, 1 },
	{ "c", WEIR_INT, WEIR_U8, 2 },
	{ "f", WEIR_FLOAT, WEIR_F64, 3 },
	{ "d", WEIR_DURATION, WEIR_I64, 4 },
	{ "s", WEIR_STRING, WEIR_BYTES, 5 },
	{ "ip.src", WEIR_IP, WEIR_ADDR, 6 },
	{ "tcp", WEIR_BOOL, WEIR_U8, 7 },
	{ "m", WEIR_MAC, WEIR_I64, 8 },
};

static void
fill(struct weir_column *c, unsigned row)
{
	static const char text[] = "GET /index.html HTTP/1.1\r\n";
	static const int64_t ints[] = { 0, 1, -1, 80, INT64_MAX, INT64_MIN, 1 << 20 };
	int64_t i = ints[row % 7];

	if (row % 5 == 4)
		weir_mask_set(c->null, row);
	switch (c->store) {
	case WEIR_U8:
		((uint8_t *)c->data)[row] = c->type == WEIR_BOOL ? row & 1 : (uint8_t)i;
		break;
	case WEIR_U32:
		((uint32_t *)c->data)[row] = (uint32_t)i;
		break;
	case WEIR_I64:
		((int64_t *)c->data)[row] = c->type == WEIR_MAC ? i & 0xffffffffffff : i;
		break;
	case WEIR_F64:
		((double *)c->data)[row] = row % 3 ? (double)i : 0.5;
		break;
	case WEIR_BYTES:
		((struct weir_bytes *)c->data)[row] =
		    (struct weir_bytes){ (const uint8_t *)text, row % sizeof(text) };
		break;
	case WEIR_ADDR:
		((struct weir_addr *)c->data)[row] =
		    (struct weir_addr){ row & 1 ? row : 0, row * 77 };
		c->version[row] = row & 1 ? 6 : 4;
		break;
	case WEIR_U16:
	case WEIR_N_STORES:
		abort();
	}
}

static const struct weir_column *const *
columns(void)
{
	static struct weir_column column[N_COLUMNS];
	static const struct weir_column *inputs[N_COLUMNS];

	if (inputs[0])
		return inputs;
	for (unsigned i = 0; i < N_COLUMNS; i++) {
		if (weir_column_init(&column[i], symbols[i].type, symbols[i].store, WEIR_ROWS))
			abort();
		for (unsigned row = 0; row < N_ROWS; row++)
			fill(&column[i], row);
		inputs[i] = &column[i];
	}
	return inputs;
}

static int
ignore(void *ctx, const struct weir_list_item *it, struct weir_error *err)
{
	return 0;
}

static void
parse_others(const char *text)
{
	struct weir_error err;
	struct weir_call call;

	weir_list_split(text, ',', ignore, NULL, &err);
	if (weir_call_parse(text, &call, &err) == 0)
		weir_call_fini(&call);
}

/* The rows belong to two groups. */
static void
run_fold(const struct weir_fold_program *p, const struct weir_column *const *inputs)
{
	static uint8_t states[2][8 * (WEIR_FOLD_CELLS + 1)];
	const struct weir_column *args[WEIR_FOLD_MAX_ARGS];
	uint64_t sel[WEIR_MASK_WORDS];
	uint32_t row[N_ROWS];
	uint8_t *group[N_ROWS];

	weir_mask_first(sel, N_ROWS);
	memset(states, 0, sizeof(states));
	for (unsigned a = 0; a < p->n_args; a++)
		args[a] = weir_program_run(p->args[a], inputs, N_ROWS, sel);
	for (uint32_t r = 0; r < N_ROWS; r++) {
		row[r] = r;
		group[r] = states[r % 3 == 0];
	}
	weir_fold_run(p->fold, &(struct weir_fold_rows){ N_ROWS, row, group, 0, args });
	for (unsigned v = 0; v < p->n_vars; v++) {
		struct weir_value x = weir_fold_value(p->fold, states[0], v);
		char buf[64];

		weir_value_json(&x, buf, sizeof(buf));
	}
}

static void
try_fold(const char *text, const struct weir_scope *scope, const struct weir_column *const *inputs)
{
	struct weir_fold_program *p;
	struct weir_error err = { 0 };

	if (weir_fold_compile(text, scope, &p, &err)) {
		if (!err.text[0] || strchr(err.text, '\n'))
			abort();
		return;
	}
	run_fold(p, inputs);
	weir_fold_program_destroy(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct weir_column *const *inputs = columns();
	struct weir_scope scope = { symbols, N_COLUMNS };
	uint64_t sel[WEIR_MASK_WORDS];
	struct weir_program *p;
	struct weir_error err = { 0 };
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	parse_others(text);
	try_fold(text, &scope, inputs);
	weir_mask_first(sel, N_ROWS);
	if (weir_program_compile(text, &scope, &p, &err)) {
		/* A refusal is one line that says something. */
		if (!err.text[0] || strchr(err.text, '\n'))
			abort();
	} else {
		const struct weir_column *c = weir_program_run(p, inputs, N_ROWS, sel);

		for (unsigned row = 0; row < N_ROWS; row++) {
			char buf[64];
			struct weir_value v = weir_column_get(c, row);

			weir_value_json(&v, buf, sizeof(buf));
		}
		if (weir_program_type(p) == WEIR_BOOL || weir_program_type(p) == WEIR_INT)
			weir_program_filter(p, inputs, N_ROWS, sel);
		weir_program_destroy(p);
	}
	free(text);
	return 0;
}
