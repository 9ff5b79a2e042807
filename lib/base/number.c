/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/number.h>

int
weir_parse_u64(const char *text, uint64_t *ret, struct weir_error *err)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end)
		return weir_error_usage(err, "'%s' is not a whole number", text);
	if (errno == ERANGE)
		return weir_error_usage(err, "'%s' does not fit in 64 bits", text);
	*ret = n;
	return 0;
}

int
weir_parse_size(const char *text, uint64_t *ret, struct weir_error *err)
{
	static const struct {
		char letter;
		uint64_t factor;
	} suffixes[] = {
		{ 'k', 1000ull },
		{ 'K', 1000ull },
		{ 'M', 1000000ull },
		{ 'G', 1000000000ull },
		{ 'T', 1000000000000ull },
	};
	size_t len = strlen(text);
	uint64_t factor = 1, n;
	double fraction;
	char number[64];
	char *end;

	for (unsigned i = 0; len && i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (text[len - 1] == suffixes[i].letter)
			factor = suffixes[i].factor;
	if (factor == 1)
		return weir_parse_u64(text, ret, err);
	if (len >= sizeof(number) || !isdigit((unsigned char)text[0]))
		return weir_error_usage(err, "'%s' is not a size (try 10k, 1M)", text);
	memcpy(number, text, len - 1);
	number[len - 1] = '\0';
	if (strspn(number, "0123456789.") != len - 1 || number[len - 2] == '.')
		return weir_error_usage(err, "'%s' is not a size (try 10k, 1M)", text);
	if (strchr(number, '.')) {
		fraction = strtod(number, &end) * (double)factor;
		if (*end)
			return weir_error_usage(err, "'%s' is not a size (try 10k, 1M)", text);
		if (!(fraction < 1.8e19))
			return weir_error_usage(err, "'%s' does not fit in 64 bits", text);
		*ret = (uint64_t)(fraction + 0.5);
		return 0;
	}
	errno = 0;
	n = strtoull(number, &end, 10);
	if (*end)
		return weir_error_usage(err, "'%s' is not a size (try 10k, 1M)", text);
	if (errno == ERANGE || n > UINT64_MAX / factor)
		return weir_error_usage(err, "'%s' does not fit in 64 bits", text);
	*ret = n * factor;
	return 0;
}

int
weir_parse_double(const char *text, double *ret, struct weir_error *err)
{
	char *end;
	double d = strtod(text, &end);

	if (end == text || *end || !isfinite(d) || isspace((unsigned char)text[0]))
		return weir_error_usage(err, "'%s' is not a number", text);
	*ret = d;
	return 0;
}

static const struct unit {
	const char *name;
	int64_t ns;
} units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", 60 * INT64_C(1000000000) },
	{ "h", 3600 * INT64_C(1000000000) },
	{ "d", 86400 * INT64_C(1000000000) },
};

/* Digits after the point as nanoseconds of a unit: exact as long as the unit allows. */
static int
add_fraction(const char **p, int64_t *fraction, int64_t *scale)
{
	*fraction = 0;
	*scale = 1;
	if (**p != '.')
		return 0;
	++*p;
	if (!isdigit((unsigned char)**p))
		return -EINVAL;
	for (; isdigit((unsigned char)**p); ++*p) {
		if (*scale >= INT64_C(1000000000))
			continue;
		*fraction = *fraction * 10 + (**p - '0');
		*scale *= 10;
	}
	return 0;
}

int
weir_parse_duration(const char *text, int64_t *ret_ns, struct weir_error *err)
{
	const struct unit *unit = NULL;
	const char *p = text;
	int64_t whole = 0, fraction, scale;
	__int128 ns;

	if (!isdigit((unsigned char)*p))
		return weir_error_usage(err, "'%s' is not a duration (try '1s', '200ms')", text);
	for (; isdigit((unsigned char)*p); p++) {
		if (whole > INT64_MAX / 100)
			return weir_error_usage(err, "duration '%s' is too long", text);
		whole = whole * 10 + (*p - '0');
	}
	if (add_fraction(&p, &fraction, &scale))
		return weir_error_usage(err, "'%s' is not a duration (try '1s', '200ms')", text);
	if (!*p)
		return weir_error_usage(
		    err, "'%s' lacks a unit (try '%ss', '%sms')", text, text, text);
	for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(p, units[i].name) == 0)
			unit = &units[i];
	if (!unit)
		return weir_error_usage(
		    err, "unknown unit '%s' in '%s' (try ns, us, ms, s, m, h or d)", p, text);
	ns = (__int128)whole * unit->ns + (__int128)fraction * unit->ns / scale;
	if (ns > INT64_MAX)
		return weir_error_usage(err, "duration '%s' is too long", text);
	*ret_ns = (int64_t)ns;
	return 0;
}

const char *
weir_text_count(double n, char *buf, unsigned size)
{
	static const char suffix[] = " kMGTPE";
	unsigned i = 0;

	while (n >= 999.5 && i + 2 < sizeof(suffix)) {
		n /= 1000;
		i++;
	}
	if (i == 0)
		snprintf(buf, size, "%.0f", n);
	else
		snprintf(buf, size, "%.*f%c", n < 9.995 ? 2 : n < 99.95 ? 1 : 0, n, suffix[i]);
	return buf;
}

const char *
weir_text_duration(int64_t ns, char *buf, unsigned size)
{
	int64_t seconds = ns / INT64_C(1000000000) + (ns % INT64_C(1000000000) >= 500000000);
	double d = (double)ns;

	/* The limits are where three digits round up to the next unit. */
	if (ns < 1000)
		snprintf(buf, size, "%lldns", (long long)ns);
	else if (ns < 999500)
		snprintf(buf, size, "%.3gus", d / 1e3);
	else if (ns < 999500000)
		snprintf(buf, size, "%.3gms", d / 1e6);
	else if (ns < INT64_C(59995000000))
		snprintf(buf, size, "%.2fs", d / 1e9);
	else
		snprintf(buf, size, "%lldm%02llds", (long long)(seconds / 60),
		    (long long)(seconds % 60));
	return buf;
}
