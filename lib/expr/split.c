/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/expr/program.h>

#include "node.h"

/* Lists and calls are cut apart before their expressions are compiled: only quotes and brackets
 * count. */

#define MAX_BRACKETS 256

const char *
weir_expr_scan(const char *text, const char *at, const char *stops, struct weir_error *err)
{
	const char *open[MAX_BRACKETS];
	unsigned n_open = 0;

	for (; *at; at++) {
		if (n_open == 0 && strchr(stops, *at))
			return at;
		if (*at == '"' || *at == '\'') {
			const char *quote = at;

			for (at++; *at && *at != *quote; at++)
				if (*at == '\\' && at[1])
					at++;
			if (!*at) {
				weir_error_usage(
				    err, "unterminated string at %u", weir_expr_place(text, quote));
				return NULL;
			}
		} else if (*at == '(' || *at == '[' || *at == '{') {
			if (n_open == MAX_BRACKETS) {
				weir_error_usage(err,
				    "more than %d brackets within each other at %u", MAX_BRACKETS,
				    weir_expr_place(text, at));
				return NULL;
			}
			open[n_open++] = at;
		} else if (*at == ')' || *at == ']' || *at == '}') {
			char want = n_open ? *open[n_open - 1] : 0;

			if (*at != (want == '(' ? ')' : want == '[' ? ']' : want ? '}' : 0)) {
				weir_error_usage(
				    err, "unexpected '%c' at %u", *at, weir_expr_place(text, at));
				return NULL;
			}
			n_open--;
		}
	}
	if (n_open) {
		weir_error_usage(err, "missing bracket for '%c' at %u", *open[n_open - 1],
		    weir_expr_place(text, open[n_open - 1]));
		return NULL;
	}
	return at;
}

static bool
is_space(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

static void
trim(const char **begin, const char **end)
{
	while (*begin < *end && is_space(**begin))
		(*begin)++;
	while (*end > *begin && is_space((*end)[-1]))
		(*end)--;
}

/* Length of "name =" at the start of a part, its = included, and of the name itself; or 0. */
static size_t
name_length(const char *begin, const char *end, size_t *ret_name)
{
	const char *p = begin, *eq;

	while (p < end && (isalnum((unsigned char)*p) || strchr("_.-", *p)))
		p++;
	eq = p;
	while (eq < end && is_space(*eq))
		eq++;
	if (p == begin || eq == end || *eq != '=' || (eq + 1 < end && eq[1] == '='))
		return 0;
	*ret_name = (size_t)(p - begin);
	return (size_t)(eq + 1 - begin);
}

static int
give_part(const char *text, const char *begin, const char *end,
    int (*item)(void *ctx, const struct weir_list_item *it, struct weir_error *err), void *ctx,
    struct weir_error *err)
{
	const char *whole = begin;
	char *name = NULL, *expr;
	size_t n_name = 0, skip;
	int rc;

	trim(&begin, &end);
	if (begin == end)
		return weir_error_usage(err, "empty part at %u", weir_expr_place(text, whole));
	skip = name_length(begin, end, &n_name);
	if (skip) {
		name = strndup(begin, n_name);
		if (!name)
			return weir_error_run(err, -ENOMEM, "out of memory for a list");
		begin += skip;
		trim(&begin, &end);
	}
	if (begin == end) {
		rc = weir_error_usage(
		    err, "nothing behind '%s=' at %u", name, weir_expr_place(text, begin));
		free(name);
		return rc;
	}
	expr = strndup(begin, (size_t)(end - begin));
	if (expr) {
		struct weir_list_item it = { name, expr, weir_expr_place(text, begin) };

		rc = item(ctx, &it, err);
	} else {
		rc = weir_error_run(err, -ENOMEM, "out of memory for a list");
	}
	free(name);
	free(expr);
	return rc;
}

int
weir_list_split(const char *text, char separator,
    int (*item)(void *ctx, const struct weir_list_item *it, struct weir_error *err), void *ctx,
    struct weir_error *err)
{
	const char stops[2] = { separator, 0 };
	const char *at = text;
	int rc;

	for (;;) {
		const char *end = weir_expr_scan(text, at, stops, err);

		if (!end)
			return -EINVAL;
		rc = give_part(text, at, end, item, ctx, err);
		if (rc < 0)
			return rc;
		if (!*end)
			return 0;
		at = end + 1;
	}
}

/* The arguments between the brackets; begin is behind the opening one. Returns the closing one. */
static const char *
split_args(const char *text, const char *begin, struct weir_call *call, struct weir_error *err)
{
	for (;;) {
		const char *stop = weir_expr_scan(text, begin, ",)", err), *end = stop,
			   *from = begin;

		if (!stop)
			return NULL;
		if (!*stop) {
			weir_error_usage(err, "missing ')' at %u", weir_expr_place(text, stop));
			return NULL;
		}
		trim(&from, &end);
		if (from == end && *stop == ')' && call->n_args == 0)
			return stop;
		if (from == end) {
			weir_error_usage(err, "empty argument at %u", weir_expr_place(text, begin));
			return NULL;
		}
		if (call->n_args == sizeof(call->args) / sizeof(call->args[0])) {
			weir_error_usage(err, "too many arguments for '%s' at %u", call->name,
			    weir_expr_place(text, from));
			return NULL;
		}
		call->places[call->n_args] = weir_expr_place(text, from);
		call->args[call->n_args] = strndup(from, (size_t)(end - from));
		if (!call->args[call->n_args]) {
			weir_error_run(err, -ENOMEM, "out of memory for a call");
			return NULL;
		}
		call->n_args++;
		if (*stop == ')')
			return stop;
		begin = stop + 1;
	}
}

int
weir_call_parse(const char *text, struct weir_call *ret, struct weir_error *err)
{
	struct weir_call call = { 0 };
	const char *at = text, *begin;

	while (is_space(*at))
		at++;
	begin = at;
	while (isalnum((unsigned char)*at) || *at == '_')
		at++;
	if (at == begin || (size_t)(at - begin) >= sizeof(call.name))
		return weir_error_usage(
		    err, "no function name at %u", weir_expr_place(text, begin));
	memcpy(call.name, begin, (size_t)(at - begin));
	while (is_space(*at))
		at++;
	if (*at != '(')
		return weir_error_usage(
		    err, "missing '(' behind '%s' at %u", call.name, weir_expr_place(text, at));
	at = split_args(text, at + 1, &call, err);
	if (!at) {
		weir_call_fini(&call);
		return -EINVAL;
	}
	for (at++; is_space(*at);)
		at++;
	if (*at) {
		weir_call_fini(&call);
		return weir_error_usage(
		    err, "unexpected text behind ')' at %u", weir_expr_place(text, at));
	}
	*ret = call;
	return 0;
}

void
weir_call_fini(struct weir_call *c)
{
	for (unsigned i = 0; i < c->n_args; i++)
		free(c->args[i]);
	c->n_args = 0;
}
