/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "filter_lexer.h"

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '.' || c == ':' || c == '_' || c == '-';
}

/* Longest first. The second is how the parser calls it. */
static const char *const signs[][2] = {
	{ "&&", "and" },
	{ "||", "or" },
	{ "!=", "!=" },
	{ ">=", ">=" },
	{ "<=", "<=" },
	{ "==", "==" },
	{ "=", "==" },
	{ "<", "<" },
	{ ">", ">" },
	{ "!", "not" },
	{ "(", "(" },
	{ ")", ")" },
	{ "[", "[" },
	{ "]", "]" },
	{ "/", "/" },
	{ "&", "&" },
	{ "|", "|" },
};

static void
set(struct weir_filter_lexer *l, enum weir_filter_token token, const char *word, size_t len)
{
	l->token = len < sizeof(l->word) ? token : WEIR_FILTER_ALIEN;
	if (len >= sizeof(l->word))
		len = 0;
	memcpy(l->word, word, len);
	l->word[len] = '\0';
}

void
weir_filter_lex(struct weir_filter_lexer *l)
{
	size_t n = 0;

	l->at += strspn(l->at, " \r\n\t");
	while (is_word(l->at[n]))
		n++;
	if (n) {
		set(l, WEIR_FILTER_WORD, l->at, n);
		l->at += n;
		if (strcmp(l->word, "and") == 0 || strcmp(l->word, "or") == 0 ||
		    strcmp(l->word, "not") == 0)
			l->token = WEIR_FILTER_SIGN;
		return;
	}
	for (unsigned i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		n = strlen(signs[i][0]);
		if (strncmp(l->at, signs[i][0], n) != 0)
			continue;
		set(l, WEIR_FILTER_SIGN, signs[i][1], strlen(signs[i][1]));
		l->at += n;
		return;
	}
	set(l, *l->at ? WEIR_FILTER_ALIEN : WEIR_FILTER_END, "", 0);
}

bool
weir_filter_at(const struct weir_filter_lexer *l, const char *word)
{
	return (l->token == WEIR_FILTER_WORD || l->token == WEIR_FILTER_SIGN) &&
	       strcmp(l->word, word) == 0;
}

bool
weir_filter_take(struct weir_filter_lexer *l, const char *word)
{
	if (!weir_filter_at(l, word))
		return false;
	weir_filter_lex(l);
	return true;
}

bool
weir_filter_number(const char *word, uint32_t *ret)
{
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)*word))
		return false;
	v = strtoull(word, &end, 0);
	if (*end || v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* A part is decimal even behind a 0. */
bool
weir_filter_dotted(const char *word, uint32_t *ret_addr, unsigned *ret_bits)
{
	uint32_t addr = 0;
	unsigned bits = 0;

	for (; bits < 32; word++) {
		unsigned long part;
		char *end;

		if (!isdigit((unsigned char)*word))
			return false;
		part = strtoul(word, &end, 10);
		if (part > 255)
			return false;
		addr = addr << 8 | (uint32_t)part;
		bits += 8;
		word = end;
		if (*word != '.')
			break;
	}
	if (*word || bits < 16) /* a number alone is not dotted */
		return false;
	*ret_addr = bits == 32 ? addr : addr << (32 - bits);
	*ret_bits = bits;
	return true;
}

bool
weir_filter_address6(const char *word, struct weir_addr *ret)
{
	unsigned version;

	return strchr(word, ':') && weir_ip_parse(word, ret, &version) == 0 && version == 6;
}
