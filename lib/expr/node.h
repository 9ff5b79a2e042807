/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXPR_NODE_H
#define WEIR_EXPR_NODE_H

#include <weir/expr/program.h>

#include "kernel.h"

/*
 * What the parts of the compiler share. The parser builds typed nodes bottom up: every constructor
 * checks its operands, puts in the conversions that they need, picks the kernel and folds
 * constants. It returns NULL after it has described the mistake in the context; callers pass that
 * on.
 */

#define WEIR_EXPR_MAX_TEXT  65536 /* bytes of an expression */
#define WEIR_EXPR_MAX_NEST  200   /* brackets and prefix operators within each other */
#define WEIR_EXPR_MAX_DEPTH 2000  /* operations on top of each other */
#define WEIR_EXPR_MAX_ARGS  3

/* Symbols from this slot on are variables of a fold. */
#define WEIR_EXPR_VARIABLES (1u << 24)

/* Memory that is freed together. */
struct weir_expr_block;
struct weir_expr_heap {
	struct weir_expr_block *blocks;
};

/* Zeroed; NULL when there is none. */
void *weir_expr_heap_alloc(struct weir_expr_heap *h, size_t size);
/* Have fini(p) called when the heap is freed. 0 or -ENOMEM, then fini has been called. */
int weir_expr_heap_own(struct weir_expr_heap *h, void *p, void (*fini)(void *));
void weir_expr_heap_free(struct weir_expr_heap *h);

struct weir_expr_context {
	const char *text;
	const struct weir_scope *scope;
	struct weir_expr_heap *heap; /* nodes, constants and what kernels need */
	struct weir_error error;
	int code;       /* 0, or what compiling returns */
	const char *at; /* where the lexer goes on */
	unsigned nest;
};

enum weir_expr_kind {
	WEIR_EXPR_CONST,
	WEIR_EXPR_SYMBOL,
	WEIR_EXPR_OP,
	WEIR_EXPR_NETWORK, /* a CIDR literal: no value, only an operand */
};

/* Operations whose later operands need not be looked at in every row. */
enum weir_expr_lazy { WEIR_EXPR_EAGER, WEIR_EXPR_LAZY_AND, WEIR_EXPR_LAZY_OR, WEIR_EXPR_LAZY_IF };

/* Forms that may not follow each other without brackets. */
enum weir_expr_form { WEIR_EXPR_PLAIN, WEIR_EXPR_RELATION, WEIR_EXPR_EQUALITY, WEIR_EXPR_BANG };

struct weir_expr_node {
	enum weir_expr_kind kind;
	enum weir_type type;
	enum weir_store store; /* of the column that it yields */
	enum weir_expr_form form;
	const char *at; /* in the text: first character, of an operation its operator */
	unsigned depth;
	unsigned slot;           /* SYMBOL */
	struct weir_value value; /* CONST; NETWORK: address, masked */
	unsigned prefix;         /* NETWORK */
	bool has_ns;             /* CONST: a number literal, which as seconds is ... */
	int64_t ns;              /* ... exactly so many nanoseconds */

	/* OP */
	bool is_costly; /* worth skipping rows for */
	bool is_never_null;
	bool reads_variable; /* SYMBOL, OP: of a fold */
	enum weir_expr_lazy lazy;
	weir_expr_kernel *run;
	struct weir_expr_node *arg[WEIR_EXPR_MAX_ARGS];
	unsigned n_args;
	struct weir_value k;
	void *aux;
};

/* Describe a mistake; at is in the text. Returns NULL. fmt ends where " at N" is to stand; cure
 * follows it, or "". */
void *weir_expr_fail(struct weir_expr_context *c, const char *at, const char *cure, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));
void *weir_expr_fail_memory(struct weir_expr_context *c);
/* 1-based character. */
unsigned weir_expr_place(const char *text, const char *at);
void *weir_expr_alloc(struct weir_expr_context *c, size_t size);

/* node.c. op copies what proto says of an operation, adds what follows from that, and folds. */
struct weir_expr_node *weir_expr_const(
    struct weir_expr_context *c, const char *at, struct weir_value v);
struct weir_expr_node *weir_expr_symbol(
    struct weir_expr_context *c, const char *at, const struct weir_symbol *s);
struct weir_expr_node *weir_expr_op(struct weir_expr_context *c, struct weir_expr_node proto);
/* "address", "network", ... */
const char *weir_expr_kind_name(const struct weir_expr_node *n);

/* convert.c */
bool weir_expr_is_number(enum weir_type t); /* bool, int, float */
struct weir_expr_node *weir_expr_as_int(struct weir_expr_context *c, struct weir_expr_node *n);
struct weir_expr_node *weir_expr_as_float(struct weir_expr_context *c, struct weir_expr_node *n);
/* A number is seconds. */
struct weir_expr_node *weir_expr_as_duration(struct weir_expr_context *c, struct weir_expr_node *n);
/* A string constant is RFC 3339. */
struct weir_expr_node *weir_expr_as_time(struct weir_expr_context *c, struct weir_expr_node *n);
/* To a condition: a bool that is never null. */
struct weir_expr_node *weir_expr_as_condition(
    struct weir_expr_context *c, struct weir_expr_node *n);
/* Convert to type, which weir_expr_common found; the store becomes that of the type. */
struct weir_expr_node *weir_expr_as(
    struct weir_expr_context *c, struct weir_expr_node *n, enum weir_type type);
/* The type in which both can meet, or WEIR_N_TYPES. */
enum weir_type weir_expr_common(const struct weir_expr_node *a, const struct weir_expr_node *b);

/* check.c: operators; at is the operator. */
struct weir_expr_node *weir_expr_compare(struct weir_expr_context *c, enum weir_expr_cmp cmp,
    const char *at, struct weir_expr_node *a, struct weir_expr_node *b);
struct weir_expr_node *weir_expr_contains(struct weir_expr_context *c, const char *at,
    struct weir_expr_node *a, struct weir_expr_node *b);
struct weir_expr_node *weir_expr_matches(struct weir_expr_context *c, const char *at,
    struct weir_expr_node *a, struct weir_expr_node *b);
struct weir_expr_node *weir_expr_logic(struct weir_expr_context *c, bool is_and, const char *at,
    struct weir_expr_node *a, struct weir_expr_node *b);
struct weir_expr_node *weir_expr_not(
    struct weir_expr_context *c, const char *at, struct weir_expr_node *a);

/* arith.c */
struct weir_expr_node *weir_expr_arith(struct weir_expr_context *c, enum weir_expr_arith op,
    const char *at, struct weir_expr_node *a, struct weir_expr_node *b);
struct weir_expr_node *weir_expr_negate(
    struct weir_expr_context *c, const char *at, struct weir_expr_node *a);
struct weir_expr_node *weir_expr_invert(
    struct weir_expr_context *c, const char *at, struct weir_expr_node *a);

/* set.c. A member is a constant, a network, or a range of two constants. */
struct weir_expr_member {
	struct weir_expr_node *first;
	struct weir_expr_node *last; /* NULL: no range */
	struct weir_expr_member *next;
};
struct weir_expr_node *weir_expr_in(struct weir_expr_context *c, const char *at, bool negate,
    struct weir_expr_node *a, struct weir_expr_member *members);
struct weir_expr_node *weir_expr_in_network(struct weir_expr_context *c, const char *at,
    bool negate, struct weir_expr_node *a, const struct weir_expr_node *network);

/* function.c */
struct weir_expr_call {
	const char *name;
	const char *at;
	struct weir_expr_node *args[WEIR_EXPR_MAX_ARGS];
	unsigned n_args;
};
/* The function of that name, or -1. */
int weir_expr_function_find(const char *name);
/* Most arguments that it takes. */
unsigned weir_expr_function_max(int function);
struct weir_expr_node *weir_expr_call_check(
    struct weir_expr_context *c, int function, const struct weir_expr_call *call);

/* parse.c: the whole text. */
struct weir_expr_node *weir_expr_parse(struct weir_expr_context *c);
/* From at, which lies in the text, to its end. */
struct weir_expr_node *weir_expr_parse_from(struct weir_expr_context *c, const char *at);

/* split.c: from at to the first character of stops outside of quotes and brackets, or to the end.
 * NULL after a mistake in quotes or brackets was described. */
const char *weir_expr_scan(
    const char *text, const char *at, const char *stops, struct weir_error *err);

/* generate.c. The program refers to the heap of the nodes, which must outlive it. */
int weir_expr_generate(
    const struct weir_expr_node *n, enum weir_simd level, struct weir_program **ret);

#endif
