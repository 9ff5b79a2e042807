/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXPR_LEXER_H
#define WEIR_EXPR_LEXER_H

#include "node.h"

enum weir_expr_token_kind {
	WEIR_TOK_END,
	WEIR_TOK_NAME,    /* field or function */
	WEIR_TOK_CONST,   /* number, duration, string, address, MAC */
	WEIR_TOK_NETWORK, /* address and prefix */
	WEIR_TOK_OPEN,    /* ( */
	WEIR_TOK_CLOSE,
	WEIR_TOK_SET_OPEN, /* { */
	WEIR_TOK_SET_CLOSE,
	WEIR_TOK_COMMA,
	WEIR_TOK_RANGE, /* .. */
	WEIR_TOK_BANG,
	WEIR_TOK_NOT, /* the word */
	WEIR_TOK_INVERT,
	/* Binary operators. */
	WEIR_TOK_OR,
	WEIR_TOK_AND,
	WEIR_TOK_EQ,
	WEIR_TOK_NE,
	WEIR_TOK_LT,
	WEIR_TOK_LE,
	WEIR_TOK_GT,
	WEIR_TOK_GE,
	WEIR_TOK_IN,
	WEIR_TOK_CONTAINS,
	WEIR_TOK_MATCHES,
	WEIR_TOK_BIT_OR,
	WEIR_TOK_BIT_XOR,
	WEIR_TOK_BIT_AND,
	WEIR_TOK_SHL,
	WEIR_TOK_SHR,
	WEIR_TOK_PLUS,
	WEIR_TOK_MINUS,
	WEIR_TOK_MUL,
	WEIR_TOK_DIV,
	WEIR_TOK_MOD,
	WEIR_TOK_KINDS,
};

struct weir_expr_token {
	enum weir_expr_token_kind kind;
	const char *at;
	unsigned len;
	struct weir_value value; /* CONST; NETWORK: the address, masked */
	unsigned prefix;         /* NETWORK */
	bool has_ns;             /* a number without unit */
	int64_t ns;
	bool is_min; /* 9223372036854775808: only fit to be negated */
};

/* The token at c->at, which moves past it. False after a mistake has been described. */
bool weir_expr_lex(struct weir_expr_context *c, struct weir_expr_token *ret);
/* A token as it is quoted in messages: at most 40 bytes, printable. */
const char *weir_expr_quote(const char *at, unsigned len, char buf[64]);
/* Operators that are words, for suggestions; NULL past the last. */
const char *weir_expr_operator_word(unsigned i);

/* literal.c: each reads one literal at c->at, whose kind the lexer has seen. */
bool weir_expr_lex_number(struct weir_expr_context *c, struct weir_expr_token *t);
bool weir_expr_lex_string(struct weir_expr_context *c, struct weir_expr_token *t);
/* Length of the run that is an address or MAC with colons, or a dotted IPv4 one; 0: none begins
 * here. */
unsigned weir_expr_address_length(const char *at);
bool weir_expr_lex_address(struct weir_expr_context *c, unsigned len, struct weir_expr_token *t);

#endif
