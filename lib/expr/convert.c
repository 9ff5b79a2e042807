/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <weir/base/time.h>

#include "node.h"

/* Conversions between the types of operands. */

bool
weir_expr_is_number(enum weir_type t)
{
	return t == WEIR_BOOL || t == WEIR_INT || t == WEIR_FLOAT;
}

/* Any store of integers to I64; bools have a narrow one. */
static struct weir_expr_node *
widen(struct weir_expr_context *c, struct weir_expr_node *n, enum weir_type type)
{
	if (n->store == WEIR_I64)
		return n;
	return weir_expr_op(
	    c, (struct weir_expr_node){
		   .type = type, .at = n->at, .run = weir_expr_to_i64[n->store], .arg = { n } });
}

struct weir_expr_node *
weir_expr_as_int(struct weir_expr_context *c, struct weir_expr_node *n)
{
	return widen(c, n, WEIR_INT);
}

struct weir_expr_node *
weir_expr_as_float(struct weir_expr_context *c, struct weir_expr_node *n)
{
	if (n->type == WEIR_FLOAT)
		return n;
	return weir_expr_op(c,
	    (struct weir_expr_node){
		.type = WEIR_FLOAT, .at = n->at, .run = weir_expr_to_f64[n->store], .arg = { n } });
}

struct weir_expr_node *
weir_expr_as_duration(struct weir_expr_context *c, struct weir_expr_node *n)
{
	struct weir_value v = { .type = WEIR_DURATION, .i = n->ns };
	const char *at = n->at;
	bool is_null = n->kind == WEIR_EXPR_CONST && n->value.is_null;

	if (n->type == WEIR_DURATION)
		return widen(c, n, WEIR_DURATION);
	if (n->has_ns)
		return weir_expr_const(c, n->at, v);
	if (n->type != WEIR_FLOAT)
		n = weir_expr_as_int(c, n);
	if (!n)
		return NULL;
	n = weir_expr_op(
	    c, (struct weir_expr_node){ .type = WEIR_DURATION,
		   .at = n->at,
		   .run = n->type == WEIR_FLOAT ? weir_expr_k_seconds_f64 : weir_expr_k_seconds_i64,
		   .arg = { n } });
	if (n && n->kind == WEIR_EXPR_CONST && n->value.is_null && !is_null)
		return weir_expr_fail(
		    c, at, " (it is seconds there)", "number too large for a duration");
	return n;
}

/* Up to two-digit numbers of a time; -1 where there are none. */
static int
two_digits(const char *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	return (p[0] - '0') * 10 + p[1] - '0';
}

/* Z or +hh:mm. Returns where it ends, or NULL. */
static const char *
parse_zone(const char *p, int64_t *ret_s)
{
	int sign = *p == '-' ? -1 : 1, h, m;

	*ret_s = 0;
	if (*p == 'Z' || *p == 'z')
		return p + 1;
	if ((*p != '+' && *p != '-') || (h = two_digits(p + 1)) < 0 || h > 23 || p[3] != ':' ||
	    (m = two_digits(p + 4)) < 0 || m > 59)
		return NULL;
	*ret_s = sign * (h * 3600 + m * 60);
	return p + 6;
}

/* RFC 3339: 2026-01-02T03:04:05.123456789Z. text is NUL-terminated. */
static bool
parse_time(const char *text, int64_t *ret_ns)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	int64_t ns = 0, unit = WEIR_NS_PER_S / 10, zone, seconds;
	const char *p = text;
	struct tm tm = { 0 };

	for (unsigned i = 0; form[i]; i++, p++) {
		if (form[i] == 'd' ? *p < '0' || *p > '9'
				   : *p != form[i] && !(form[i] == 'T' && (*p == 't' || *p == ' ')))
			return false;
	}
	tm.tm_year = two_digits(text) * 100 + two_digits(text + 2) - 1900;
	tm.tm_mon = two_digits(text + 5) - 1;
	tm.tm_mday = two_digits(text + 8);
	tm.tm_hour = two_digits(text + 11);
	tm.tm_min = two_digits(text + 14);
	tm.tm_sec = two_digits(text + 17);
	if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	struct tm day = { .tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday };
	timegm(&day);
	if (tm.tm_mday < 1 || day.tm_mday != tm.tm_mday)
		return false;
	if (*p == '.') {
		if (*++p < '0' || *p > '9')
			return false;
		for (; *p >= '0' && *p <= '9'; p++, unit /= 10)
			ns += (*p - '0') * unit;
	}
	p = parse_zone(p, &zone);
	seconds = (int64_t)timegm(&tm);
	return p && *p == 0 && !__builtin_mul_overflow(seconds - zone, WEIR_NS_PER_S, ret_ns) &&
	       !__builtin_add_overflow(*ret_ns, ns, ret_ns);
}

struct weir_expr_node *
weir_expr_as_time(struct weir_expr_context *c, struct weir_expr_node *n)
{
	struct weir_value v = { .type = WEIR_TIME };
	char text[64] = "";

	if (n->type == WEIR_TIME)
		return widen(c, n, WEIR_TIME);
	if (n->value.s.len < sizeof(text) && n->value.s.len > 0)
		memcpy(text, n->value.s.p, n->value.s.len);
	if (strlen(text) != n->value.s.len || !parse_time(text, &v.i))
		return weir_expr_fail(c, n->at, " (want \"2026-01-02T03:04:05Z\")", "bad time");
	return weir_expr_const(c, n->at, v);
}

struct weir_expr_node *
weir_expr_as_condition(struct weir_expr_context *c, struct weir_expr_node *n)
{
	if (n->type == WEIR_BOOL && n->is_never_null)
		return n;
	if (n->kind == WEIR_EXPR_NETWORK ||
	    !(weir_expr_is_number(n->type) || n->type == WEIR_DURATION))
		return weir_expr_fail(c, n->at, " (compare it with something)",
		    "cannot use %s as a condition", weir_expr_kind_name(n));
	return weir_expr_op(c, (struct weir_expr_node){ .type = WEIR_BOOL,
				   .at = n->at,
				   .is_never_null = true,
				   .run = weir_expr_cmp_const[n->store][WEIR_EXPR_NE],
				   .k = { .type = n->type },
				   .arg = { n } });
}

struct weir_expr_node *
weir_expr_as(struct weir_expr_context *c, struct weir_expr_node *n, enum weir_type type)
{
	switch (type) {
	case WEIR_INT:
	case WEIR_MAC:
		return widen(c, n, type);
	case WEIR_FLOAT:
		return weir_expr_as_float(c, n);
	case WEIR_DURATION:
		return weir_expr_as_duration(c, n);
	case WEIR_TIME:
		return weir_expr_as_time(c, n);
	case WEIR_BOOL:
	case WEIR_STRING:
	case WEIR_IP:
	case WEIR_N_TYPES:
		break;
	}
	return n;
}

static bool
can_be_time(const struct weir_expr_node *n)
{
	return n->type == WEIR_TIME ||
	       (n->type == WEIR_STRING && n->kind == WEIR_EXPR_CONST && !n->value.is_null);
}

enum weir_type
weir_expr_common(const struct weir_expr_node *a, const struct weir_expr_node *b)
{
	if (a->kind == WEIR_EXPR_NETWORK || b->kind == WEIR_EXPR_NETWORK)
		return WEIR_N_TYPES;
	if (a->type == b->type)
		return a->type;
	if (weir_expr_is_number(a->type) && weir_expr_is_number(b->type))
		return a->type == WEIR_FLOAT || b->type == WEIR_FLOAT ? WEIR_FLOAT : WEIR_INT;
	if ((a->type == WEIR_DURATION && weir_expr_is_number(b->type)) ||
	    (b->type == WEIR_DURATION && weir_expr_is_number(a->type)))
		return WEIR_DURATION;
	if ((a->type == WEIR_TIME || b->type == WEIR_TIME) && can_be_time(a) && can_be_time(b))
		return WEIR_TIME;
	return WEIR_N_TYPES;
}
