/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_EXPR_FIXTURE_H
#define TESTS_EXPR_FIXTURE_H

#include <CUnit/CUnit.h>

#include <weir/expr/program.h>

/* Columns of random values, many of them edges of their types, an eighth null. Two of each kind. */
enum fixture_slot {
	SLOT_BOOL,
	SLOT_U8,
	SLOT_U16,
	SLOT_U32,
	SLOT_I64,
	SLOT_FLOAT,
	SLOT_DURATION,
	SLOT_TIME,
	SLOT_STRING,
	SLOT_IP,
	SLOT_MAC,
	N_KINDS,
	N_SLOTS = 2 * N_KINDS, /* slot + N_KINDS: the second of its kind */
};

struct fixture {
	struct weir_column columns[N_SLOTS];
	const struct weir_column *inputs[N_SLOTS];
	struct weir_symbol symbols[N_SLOTS]; /* bool u8 ... mac, bool2 u82 ... */
	struct weir_scope scope;
	char text[16][40]; /* what strings point to */
	uint64_t random;
};

void fixture_init(struct fixture *f, uint64_t seed);
void fixture_fini(struct fixture *f);
uint64_t fixture_random(struct fixture *f); /* xorshift64* */

/* Compile or fail the test with the message; NULL then. */
struct weir_program *fixture_compile(const struct fixture *f, const char *text);
/* Run over n rows, all selected. */
const struct weir_column *fixture_run(const struct fixture *f, struct weir_program *p, uint32_t n);
/* The text of the value of row 0, or the error, in buf. */
const char *fixture_eval(const struct fixture *f, const char *text, char *buf, size_t size);
/* The same value, null or not. Floats to 1e-12 of their size. */
bool fixture_same(const struct weir_value *a, const struct weir_value *b);
/* Evaluates to that text, or fails to compile with that error. */
void fixture_check(const struct fixture *f, const char *text, const char *want);

#endif
