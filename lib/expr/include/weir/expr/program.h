/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXPR_PROGRAM_H
#define WEIR_EXPR_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/column.h>
#include <weir/base/error.h>
#include <weir/base/simd.h>

/*
 * Expressions over columns (contract A4): text is parsed, typed and compiled once to a program,
 * which then runs over whole columns, on packets and on results alike.
 */

/* A name that an expression may use. */
struct weir_symbol {
	const char *name;
	enum weir_type type;
	enum weir_store store;
	unsigned slot; /* index into the inputs of weir_program_run */
};

struct weir_scope {
	const struct weir_symbol *symbols;
	unsigned n_symbols;
	enum weir_simd simd; /* level of the program's kernels; it must be usable */
};

struct weir_program;

/*
 * Compile text. Errors are usage errors whose text names the place (1-based character) and the
 * nearest valid word: "unknown field 'tcp.dstprt' at 1 (try 'tcp.dstport')"; the caller wraps them
 * with flag and value. The scope is not kept.
 */
int weir_program_compile(const char *text, const struct weir_scope *scope,
    struct weir_program **ret, struct weir_error *err);
void weir_program_destroy(struct weir_program *p);

enum weir_type weir_program_type(const struct weir_program *p);
/* Slots that the program reads, each once. Returns their count; slots may be NULL. */
unsigned weir_program_slots(const struct weir_program *p, unsigned *slots, unsigned max);
/* The slot where the expression is just a name, else -1. */
int weir_program_is_symbol(const struct weir_program *p);

/*
 * Hot, owning lcore. Evaluate over rows 0..n-1; inputs[slot] are the columns. Only rows in sel need
 * be right. The result column belongs to the program (or is an input itself) and holds until its
 * next run. Division by zero, null operands and conversions that fail give null; comparisons with
 * null are false.
 */
const struct weir_column *weir_program_run(struct weir_program *p,
    const struct weir_column *const *inputs, uint32_t n, const uint64_t sel[WEIR_MASK_WORDS]);
/*
 * Hot, owning lcore. Clear the bits of sel for which the program is not true: false, zero or null.
 * Type must be WEIR_BOOL, WEIR_INT (true where not 0).
 */
void weir_program_filter(struct weir_program *p, const struct weir_column *const *inputs,
    uint32_t n, uint64_t sel[WEIR_MASK_WORDS]);

/*
 * Split "a,name=EXPR,f(x,y)" at its top-level separators, aware of quotes and brackets. Calls item
 * for each part: name is NULL where there is no "name=" in front ("==" does not count); place is
 * the 1-based character of expr in the text. item returns 0 or a negative errno that ends the walk.
 * Empty parts are usage errors.
 */
struct weir_list_item {
	const char *name; /* NUL-terminated, trimmed, or NULL */
	const char *expr; /* NUL-terminated, trimmed */
	unsigned place;
};
int weir_list_split(const char *text, char separator,
    int (*item)(void *ctx, const struct weir_list_item *it, struct weir_error *err), void *ctx,
    struct weir_error *err);

/* Functions for --functions and docs: name, synopsis, description; a row without name ends. */
struct weir_function_doc {
	const char *name;
	const char *synopsis; /* "net(ip, n)" */
	const char *doc;
};
extern const struct weir_function_doc weir_expr_functions[];

/*
 * The key of anon(): 16 bytes for AES-128, 16 that make the padding (Crypto-PAn's layout). Control
 * thread, before the first program with anon() is compiled; without it the key is random for each
 * process.
 */
void weir_expr_set_anon_key(const uint8_t key[32]);
/* A program with anon() was compiled without a key: its addresses are those of this process alone.
 */
bool weir_expr_anon_is_random(void);

/*
 * Literals for other parsers. "f(x, y)": split a call into its name and arguments' text:
 * "count(tcp.flags.syn)". 0, or a usage error with the place.
 */
struct weir_call {
	char name[64];
	char *args[8];      /* owned, trimmed */
	unsigned places[8]; /* 1-based character of each argument in the text */
	unsigned n_args;
};
int weir_call_parse(const char *text, struct weir_call *ret, struct weir_error *err);
void weir_call_fini(struct weir_call *c);

#endif
