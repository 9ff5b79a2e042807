/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_STAGE_FILTER_LEXER_H
#define WEIR_STAGE_FILTER_LEXER_H

#include <stdbool.h>
#include <stdint.h>

#include "filter_tree.h"

/* Words and literals of tcpdump's language. Private to lib/stage. */

#define WEIR_FILTER_WORD_SIZE 64

enum weir_filter_token {
	WEIR_FILTER_END,
	WEIR_FILTER_WORD, /* keyword, number, address, name */
	WEIR_FILTER_SIGN, /* operator or bracket; in word, in one spelling */
	WEIR_FILTER_ALIEN /* nothing that is lowered */
};

struct weir_filter_lexer {
	const char *at; /* behind the token */
	enum weir_filter_token token;
	char word[WEIR_FILTER_WORD_SIZE];
};

/* Move to the next token. */
void weir_filter_lex(struct weir_filter_lexer *l);
/* Is the token this word or sign? */
bool weir_filter_at(const struct weir_filter_lexer *l, const char *word);
/* The same, and move past it. */
bool weir_filter_take(struct weir_filter_lexer *l, const char *word);

/* A number as libpcap reads it: decimal, 0x hexadecimal, octal behind a 0. */
bool weir_filter_number(const char *word, uint32_t *ret);
/* "10.1.2.3", or with less parts "10.1": ret_bits of 8 a part. */
bool weir_filter_dotted(const char *word, uint32_t *ret_addr, unsigned *ret_bits);
bool weir_filter_address6(const char *word, struct weir_addr *ret);

#endif
