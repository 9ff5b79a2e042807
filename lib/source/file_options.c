/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <weir/base/nearest.h>
#include <weir/base/number.h>

#include "file.h"

#define MAX_RATE_PPS UINT64_C(1000000000)

static int
parse_rate(const char *value, struct weir_file_options *o, struct weir_error *err)
{
	size_t len = strlen(value);
	char number[32];
	uint64_t rate;
	int rc;

	if (len > 3 && strcmp(value + len - 3, "pps") == 0)
		len -= 3;
	snprintf(number, sizeof(number), "%.*s", (int)len, value);
	rc = weir_parse_size(number, &rate, err);
	if (rc)
		return rc;
	if (rate < 1 || rate > MAX_RATE_PPS)
		return weir_error_usage(
		    err, "'%s' is out of range: a rate is from 1pps to 1Gpps", value);
	o->speed = WEIR_FILE_SPEED_RATE;
	o->rate_pps = rate;
	return 0;
}

/* A number with pps, k, M or G behind it is a rate, a plain one a factor. */
static int
parse_speed(const char *value, struct weir_file_options *o, struct weir_error *err)
{
	static const char hint[] =
	    "'%s' is no speed (try 'max', a factor of the recorded timing such as '0.5', "
	    "or a rate such as '500pps', '100k', '1M')";
	size_t len = strlen(value);
	double factor;

	if (strcmp(value, "max") == 0) {
		o->speed = WEIR_FILE_SPEED_MAX;
		return 0;
	}
	if (value[0] < '0' || value[0] > '9')
		return weir_error_usage(err, hint, value);
	if (strchr("kKMGs", value[len - 1]))
		return parse_rate(value, o, err) ? weir_error_usage(err, hint, value) : 0;
	if (weir_parse_double(value, &factor, NULL))
		return weir_error_usage(err, hint, value);
	if (!(factor >= 1e-6 && factor <= 1e6))
		return weir_error_usage(
		    err, "'%s' is out of range: a factor is from 0.000001 to 1000000", value);
	o->speed = WEIR_FILE_SPEED_FACTOR;
	o->factor = factor;
	return 0;
}

static int
parse_option(void *ctx, const char *key, const char *value, struct weir_error *err)
{
	static const char *const names[] = { "speed", "loop", "preload" };
	struct weir_file_options *o = ctx;
	struct weir_nearest nearest;
	const char *word;
	int rc;

	weir_nearest_begin(&nearest, key);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		weir_nearest_offer(&nearest, names[i]);
		if (strcmp(key, names[i]) == 0 && (!value || !*value))
			return weir_error_usage(err, "%s: needs a value (%s=...)", key, key);
	}
	if (strcmp(key, "speed") == 0) {
		rc = parse_speed(value, o, err);
	} else if (strcmp(key, "loop") == 0) {
		rc = weir_parse_u64(value, &o->n_loops, err);
	} else if (strcmp(key, "preload") == 0) {
		rc = 0;
		if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
			rc = weir_error_usage(err, "'%s' is neither 0 nor 1", value);
		o->is_preload = value[0] == '1';
	} else {
		word = weir_nearest_get(&nearest);
		return weir_error_usage(err, "unknown option '%s' (try %s%s%s)", key,
		    word ? "'" : "speed, loop or preload", word ? word : "", word ? "'" : "");
	}
	return rc ? weir_error_wrap(err, "%s", key) : 0;
}

int
weir_file_options_parse(const char *value, struct weir_file_options *ret, struct weir_error *err)
{
	struct weir_file_options o = { .n_loops = 1 };
	const char *mark = strrchr(value, '?');
	struct stat st;
	int rc = 0;

	/* A '?' is a legal character of a file name: what exists as a whole is meant as a whole. */
	if (mark && stat(value, &st) == 0)
		mark = NULL;
	if (mark)
		rc = weir_source_options(value, parse_option, &o, err);
	if (rc)
		return rc;
	if (mark == value)
		return weir_error_usage(err, "a file name is missing before '?'");
	o.path = mark ? strndup(value, (size_t)(mark - value)) : strdup(value);
	if (!o.path)
		return weir_error_run(err, -ENOMEM, "out of memory");
	o.is_stdin = strcmp(o.path, "-") == 0;
	if (o.is_stdin && o.n_loops != 1 && !o.is_preload) {
		free(o.path);
		return weir_error_usage(
		    err, "loop: standard input can be read only once (add preload=1)");
	}
	*ret = o;
	return 0;
}
