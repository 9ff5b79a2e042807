/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include <weir/base/number.h>
#include <weir/base/time.h>

#include "route.h"

static uint64_t
order_of(int64_t x)
{
	return (uint64_t)x ^ UINT64_C(1) << 63;
}

static int
parse_int(const char *text, int64_t *ret, struct weir_error *err)
{
	bool is_negative = text[0] == '-';
	uint64_t n;
	int rc = weir_parse_size(text + is_negative, &n, err);

	if (rc)
		return rc;
	if (n > INT64_MAX)
		return weir_error_usage(err, "bound '%s' is too large", text);
	*ret = is_negative ? -(int64_t)n : (int64_t)n;
	return 0;
}

static bool
is_number(const char *text)
{
	return text[0] && !text[strspn(text, "0123456789.")];
}

/* "1.5s", or a number of seconds, as in expressions. */
static int
parse_duration(const char *text, int64_t *ret, struct weir_error *err)
{
	bool is_negative = text[0] == '-';
	const char *p = text + is_negative;
	size_t len = strlen(p);
	char with_unit[64];
	int64_t ns;
	int rc;

	if (is_number(p) && len + 2 <= sizeof(with_unit)) {
		memcpy(with_unit, p, len);
		memcpy(with_unit + len, "s", 2);
		p = with_unit;
	}
	rc = weir_parse_duration(p, &ns, err);
	if (rc)
		return rc;
	*ret = is_negative ? -ns : ns;
	return 0;
}

/* "2026-01-02T03:04:05.5Z", or seconds since the epoch. */
static int
parse_time(const char *text, int64_t *ret, struct weir_error *err)
{
	struct tm tm = { 0 };
	int64_t ns = 0, scale = WEIR_NS_PER_S / 10;
	const char *p;

	if (is_number(text))
		return parse_duration(text, ret, err);
	p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!p)
		return weir_error_usage(err, "'%s' is no time (try '2026-01-02T03:04:05Z')", text);
	if (*p == '.')
		for (p++; isdigit((unsigned char)*p); p++, scale /= 10)
			ns += (*p - '0') * scale;
	if (strcmp(p, "Z") != 0)
		return weir_error_usage(
		    err, "'%s' is no time in UTC (try '2026-01-02T03:04:05Z')", text);
	if (__builtin_mul_overflow((int64_t)timegm(&tm), WEIR_NS_PER_S, ret) ||
	    __builtin_add_overflow(*ret, ns, ret))
		return weir_error_usage(err, "time '%s' is beyond what 64 bits hold", text);
	return 0;
}

static int
parse_ip(const char *text, struct weir_route_bound *ret, struct weir_error *err)
{
	struct weir_addr addr;
	unsigned version;

	if (weir_ip_parse(text, &addr, &version))
		return weir_error_usage(err, "'%s' is no address (try '10.0.0.0')", text);
	*ret = (struct weir_route_bound){ version, addr.hi, addr.lo };
	return 0;
}

int
weir_route_bound_parse(const char *text, const struct weir_field *field,
    struct weir_route_bound *ret, struct weir_error *err)
{
	int64_t x = 0;
	int rc;

	switch (field->type) {
	case WEIR_INT:
		rc = parse_int(text, &x, err);
		break;
	case WEIR_DURATION:
		rc = parse_duration(text, &x, err);
		break;
	case WEIR_TIME:
		rc = parse_time(text, &x, err);
		break;
	case WEIR_IP:
		return parse_ip(text, ret, err);
	default:
		return weir_error_usage(err,
		    "field '%s' is %s: ranges are of numbers, times and addresses "
		    "(try 'range:dstport:1024')",
		    field->name, weir_type_name(field->type));
	}
	if (!rc)
		*ret = (struct weir_route_bound){ 0, 0, order_of(x) };
	return rc;
}
