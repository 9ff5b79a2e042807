/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "lexer.h"

struct unit {
	const char *text;
	int64_t factor;
	bool is_time; /* factor is nanoseconds */
};

static const struct unit units[] = {
	{ "k", 1000, false },
	{ "M", 1000000, false },
	{ "G", INT64_C(1000000000), false },
	{ "T", INT64_C(1000000000000), false },
	{ "ns", 1, true },
	{ "us", 1000, true },
	{ "ms", 1000000, true },
	{ "s", WEIR_NS_PER_S, true },
	{ "m", 60 * WEIR_NS_PER_S, true },
	{ "h", 3600 * WEIR_NS_PER_S, true },
	{ "d", 86400 * WEIR_NS_PER_S, true },
};

/* A decimal number: whole and fraction / scale. */
struct decimal {
	uint64_t whole;
	uint64_t fraction;
	uint64_t scale;
	bool is_large; /* whole does not fit */
};

#define FRACTION_DIGITS 15 /* more are beyond any unit */

static bool
is_word(char ch)
{
	return isalnum((unsigned char)ch) || ch == '_';
}

/* Where the word around a number ends, for messages. */
static unsigned
word_length(const char *at)
{
	unsigned len = 0;

	while (is_word(at[len]) || (at[len] == '.' && at[len + 1] != '.'))
		len++;
	return len;
}

static bool
bad_number(struct weir_expr_context *c, struct weir_expr_token *t, const char *cure)
{
	unsigned len = word_length(t->at);
	char buf[64];

	weir_expr_fail(c, t->at, cure, "bad number '%s'", weir_expr_quote(t->at, len, buf));
	return false;
}

static bool
too_large(struct weir_expr_context *c, struct weir_expr_token *t)
{
	return bad_number(c, t, " (it does not fit 64 bits)");
}

static const char *
scan_decimal(const char *p, struct decimal *d)
{
	unsigned digits = 0;

	*d = (struct decimal){ .scale = 1 };
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(d->whole, 10u, &d->whole) ||
		    __builtin_add_overflow(d->whole, (uint64_t)(*p - '0'), &d->whole))
			d->is_large = true;
	if (*p != '.' || p[1] == '.')
		return p;
	for (p++; isdigit((unsigned char)*p); p++) {
		if (++digits > FRACTION_DIGITS)
			continue;
		d->fraction = d->fraction * 10 + (uint64_t)(*p - '0');
		d->scale *= 10;
	}
	return p;
}

/* d * factor, rounded to the nearest. False where it does not fit. */
static bool
multiply(const struct decimal *d, int64_t factor, int64_t *ret, bool *ret_is_exact)
{
	unsigned __int128 part = (unsigned __int128)d->fraction * (uint64_t)factor;
	unsigned __int128 all =
	    (unsigned __int128)d->whole * (uint64_t)factor + (part + d->scale / 2) / d->scale;

	*ret_is_exact = part % d->scale == 0;
	if (d->is_large || all > INT64_MAX)
		return false;
	*ret = (int64_t)all;
	return true;
}

static bool
apply_unit(struct weir_expr_context *c, struct weir_expr_token *t, const struct decimal *d,
    const struct unit *u)
{
	bool is_exact;

	t->value.type = u->is_time ? WEIR_DURATION : WEIR_INT;
	if (!multiply(d, u->factor, &t->value.i, &is_exact))
		return too_large(c, t);
	if (!u->is_time && !is_exact)
		return bad_number(c, t, " (no whole number)");
	if (!u->is_time) {
		struct decimal whole = { .whole = (uint64_t)t->value.i, .scale = 1 };

		t->has_ns = multiply(&whole, WEIR_NS_PER_S, &t->ns, &is_exact);
	}
	return true;
}

static bool
lex_hex(struct weir_expr_context *c, struct weir_expr_token *t)
{
	const char *p = t->at + 2;
	unsigned digits = 0;
	uint64_t x = 0;

	for (; isxdigit((unsigned char)*p); p++) {
		int ch = tolower((unsigned char)*p);

		digits += digits > 0 || ch != '0';
		x = x << 4 | (uint64_t)(ch <= '9' ? ch - '0' : ch - 'a' + 10);
	}
	if (p == t->at + 2 || is_word(*p))
		return bad_number(c, t, " (hexadecimal digits are 0 to f)");
	if (digits > 16)
		return too_large(c, t);
	t->value = (struct weir_value){ .type = WEIR_INT, .i = (int64_t)x };
	t->len = (unsigned)(p - t->at);
	c->at = p;
	return true;
}

/* 1e6, 2.5e-3: at is the e. */
static bool
has_exponent(const char *at)
{
	if (*at != 'e' && *at != 'E')
		return false;
	at += at[1] == '+' || at[1] == '-' ? 2 : 1;
	return isdigit((unsigned char)*at);
}

static bool
lex_float(struct weir_expr_context *c, struct weir_expr_token *t, const struct decimal *d)
{
	char *end;
	double f = strtod(t->at, &end);
	bool is_exact;

	/* strtod takes the dot of a range with it. */
	if (end[-1] == '.' && *end == '.')
		end--;
	if (is_word(*end) || *end == '.')
		if (!(*end == '.' && end[1] == '.'))
			return bad_number(c, t, "");
	if (f > 1.7976931348623157e308)
		return too_large(c, t);
	t->value = (struct weir_value){ .type = WEIR_FLOAT, .f = f };
	if (d)
		t->has_ns = multiply(d, WEIR_NS_PER_S, &t->ns, &is_exact);
	t->len = (unsigned)(end - t->at);
	c->at = end;
	return true;
}

static bool
lex_int(struct weir_expr_context *c, struct weir_expr_token *t, const struct decimal *d)
{
	bool is_exact;

	t->is_min = d->whole == UINT64_C(1) << 63;
	if (d->is_large || (d->whole > INT64_MAX && !t->is_min))
		return too_large(c, t);
	t->value = (struct weir_value){ .type = WEIR_INT, .i = (int64_t)d->whole };
	t->has_ns = multiply(d, WEIR_NS_PER_S, &t->ns, &is_exact);
	return true;
}

bool
weir_expr_lex_number(struct weir_expr_context *c, struct weir_expr_token *t)
{
	const char *p, *unit;
	struct decimal d;
	bool has_point;
	unsigned len = 0;

	t->kind = WEIR_TOK_CONST;
	if (t->at[0] == '0' && (t->at[1] == 'x' || t->at[1] == 'X'))
		return lex_hex(c, t);
	unit = scan_decimal(t->at, &d);
	has_point = memchr(t->at, '.', (size_t)(unit - t->at)) != NULL;
	if (has_exponent(unit))
		return lex_float(c, t, NULL);
	while (is_word(unit[len]))
		len++;
	p = unit + len;
	if (*p == '.' && p[1] != '.')
		return bad_number(c, t, "");
	t->len = (unsigned)(p - t->at);
	c->at = p;
	if (len == 0)
		return has_point ? lex_float(c, t, &d) : lex_int(c, t, &d);
	for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].text) == len && strncmp(units[i].text, unit, len) == 0)
			return apply_unit(c, t, &d, &units[i]);
	return bad_number(c, t, " (units are k M G T and ns us ms s m h d)");
}

static int
hex_digit(char ch)
{
	if (!isxdigit((unsigned char)ch))
		return -1;
	return ch <= '9' ? ch - '0' : tolower((unsigned char)ch) - 'a' + 10;
}

/* One character of a string, escapes resolved; a backslash before any other stays, as patterns want
 * it. */
static bool
unescape(struct weir_expr_context *c, const char **p, struct weir_expr_token *t, uint8_t *bytes)
{
	struct weir_bytes *s = &t->value.s;
	const char *at = *p;

	*p += 2;
	switch (at[1]) {
	case 'n':
		bytes[s->len++] = '\n';
		return true;
	case 't':
		bytes[s->len++] = '\t';
		return true;
	case '\\':
	case '"':
	case '\'':
		bytes[s->len++] = (uint8_t)at[1];
		return true;
	case 'x':
		if (hex_digit(at[2]) < 0 || hex_digit(at[3]) < 0) {
			weir_expr_fail(c, at, "", "\\x without two hexadecimal digits");
			return false;
		}
		bytes[s->len++] = (uint8_t)(hex_digit(at[2]) << 4 | hex_digit(at[3]));
		*p += 2;
		return true;
	default:
		bytes[s->len++] = '\\';
		*p = at + 1;
		return true;
	}
}

bool
weir_expr_lex_string(struct weir_expr_context *c, struct weir_expr_token *t)
{
	const char *p = t->at + 1, *end = p;
	uint8_t *bytes;

	while (*end && *end != *t->at)
		end += end[0] == '\\' && end[1] ? 2 : 1;
	if (!*end) {
		weir_expr_fail(c, t->at, "", "unterminated string");
		return false;
	}
	bytes = weir_expr_alloc(c, (size_t)(end - t->at));
	if (!bytes)
		return false;
	t->kind = WEIR_TOK_CONST;
	t->value.type = WEIR_STRING;
	t->value.s = (struct weir_bytes){ bytes, 0 };
	while (p < end) {
		if (*p != '\\')
			bytes[t->value.s.len++] = (uint8_t)*p++;
		else if (!unescape(c, &p, t, bytes))
			return false;
	}
	t->len = (unsigned)(end + 1 - t->at);
	c->at = end + 1;
	return true;
}

/*
 * Names hold no colon and numbers only one dot, so a run of hexadecimal digits, dots and colons
 * that has a colon, or digits and more than one dot, is an address.
 */
unsigned
weir_expr_address_length(const char *at)
{
	unsigned len = 0, dots = 0;
	bool has_colon = false, is_decimal = true;

	for (; isxdigit((unsigned char)at[len]) || at[len] == ':' || at[len] == '.'; len++) {
		if (at[len] == '.' && at[len + 1] == '.')
			break;
		has_colon |= at[len] == ':';
		dots += at[len] == '.';
		is_decimal &= isdigit((unsigned char)at[len]) || at[len] == '.';
	}
	if (has_colon)
		return len;
	return isdigit((unsigned char)*at) && is_decimal && dots > 1 ? len : 0;
}

static bool
parse_mac(const char *at, unsigned len, int64_t *ret)
{
	int64_t mac = 0;

	if (len != 17)
		return false;
	for (unsigned i = 0; i < 17; i++) {
		if (i % 3 == 2 ? at[i] != ':' : hex_digit(at[i]) < 0)
			return false;
		if (i % 3 != 2)
			mac = mac << 4 | hex_digit(at[i]);
	}
	*ret = mac;
	return true;
}

static void
mask_address(struct weir_value *v, unsigned prefix)
{
	if (v->version == 4) {
		v->addr.lo &= prefix == 0 ? 0 : UINT64_C(0xffffffff) << (32 - prefix) & 0xffffffff;
		return;
	}
	if (prefix < 64)
		v->addr.hi &= prefix == 0 ? 0 : ~UINT64_C(0) << (64 - prefix);
	if (prefix <= 64)
		v->addr.lo = 0;
	else
		v->addr.lo &= ~UINT64_C(0) << (128 - prefix);
}

/* The part of a network from its slash on. */
static bool
lex_prefix(struct weir_expr_context *c, unsigned len, struct weir_expr_token *t)
{
	unsigned width = t->value.version == 4 ? 32 : 128, digits = 0;
	const char *p = t->at + len + 1;
	char buf[64];

	for (; isdigit((unsigned char)*p); p++) {
		t->prefix = t->prefix < 1000 ? t->prefix * 10 + (unsigned)(*p - '0') : 1000;
		digits++;
	}
	while (is_word(*p) || (*p == '.' && p[1] != '.')) {
		digits = 0; /* a netmask or the like */
		p++;
	}
	t->len = (unsigned)(p - t->at);
	if (digits == 0 || t->prefix > width) {
		weir_expr_fail(c, t->at,
		    width == 32 ? " (the prefix of IPv4 is 0 to 32)"
				: " (the prefix of IPv6 is 0 to 128)",
		    "bad network '%s'", weir_expr_quote(t->at, t->len, buf));
		return false;
	}
	mask_address(&t->value, t->prefix);
	t->kind = WEIR_TOK_NETWORK;
	c->at = p;
	return true;
}

bool
weir_expr_lex_address(struct weir_expr_context *c, unsigned len, struct weir_expr_token *t)
{
	char text[64], buf[64];
	unsigned version, word = len;

	t->kind = WEIR_TOK_CONST;
	while (is_word(t->at[word]))
		word++;
	if (word == len && parse_mac(t->at, len, &t->value.i)) {
		t->value.type = WEIR_MAC;
		t->len = len;
		c->at += len;
		return true;
	}
	if (word == len && len < sizeof(text)) {
		memcpy(text, t->at, len);
		text[len] = 0;
		if (weir_ip_parse(text, &t->value.addr, &version) == 0) {
			t->value.type = WEIR_IP;
			t->value.version = (uint8_t)version;
			t->len = len;
			if (t->at[len] == '/' && isalnum((unsigned char)t->at[len + 1]))
				return lex_prefix(c, len, t);
			c->at += len;
			return true;
		}
	}
	weir_expr_fail(c, t->at, "", "bad address '%s'", weir_expr_quote(t->at, word, buf));
	return false;
}
