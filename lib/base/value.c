/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weir/base/time.h>
#include <weir/base/value.h>

const char *
weir_type_name(enum weir_type type)
{
	static const char *const names[WEIR_N_TYPES] = {
		[WEIR_BOOL] = "bool",
		[WEIR_INT] = "int",
		[WEIR_FLOAT] = "float",
		[WEIR_DURATION] = "duration",
		[WEIR_TIME] = "time",
		[WEIR_STRING] = "string",
		[WEIR_IP] = "address",
		[WEIR_MAC] = "mac",
	};

	return type < WEIR_N_TYPES ? names[type] : "?";
}

static int
compare_i64(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int
compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

int
weir_value_compare(const struct weir_value *a, const struct weir_value *b)
{
	uint32_t len;
	int c;

	if (a->is_null || b->is_null)
		return (int)b->is_null - (int)a->is_null;
	switch (a->type) {
	case WEIR_BOOL:
		return (int)a->b - (int)b->b;
	case WEIR_FLOAT:
		if (isnan(a->f) || isnan(b->f))
			return (int)isnan(a->f) - (int)isnan(b->f);
		return (a->f > b->f) - (a->f < b->f);
	case WEIR_IP:
		if (a->version != b->version)
			return (int)a->version - (int)b->version;
		c = compare_u64(a->addr.hi, b->addr.hi);
		return c ? c : compare_u64(a->addr.lo, b->addr.lo);
	case WEIR_STRING:
		len = a->s.len < b->s.len ? a->s.len : b->s.len;
		c = len ? memcmp(a->s.p, b->s.p, len) : 0;
		return c ? c : compare_i64(a->s.len, b->s.len);
	case WEIR_INT:
	case WEIR_DURATION:
	case WEIR_TIME:
	case WEIR_MAC:
	case WEIR_N_TYPES:
		break;
	}
	return compare_i64(a->i, b->i);
}

void
weir_time_text(int64_t time_ns, char *buf, size_t size)
{
	int64_t s = time_ns / WEIR_NS_PER_S, ns = time_ns % WEIR_NS_PER_S;
	struct tm tm;
	time_t t;

	if (ns < 0) {
		ns += WEIR_NS_PER_S;
		s--;
	}
	t = (time_t)s;
	if (!gmtime_r(&t, &tm)) {
		snprintf(buf, size, "?");
		return;
	}
	snprintf(buf, size, "%04d-%02d-%02dT%02d:%02d:%02d.%09" PRId64 "Z", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ns);
}

void
weir_ip_text(const struct weir_addr *addr, unsigned version, char *buf, size_t size)
{
	uint64_t be[2] = { htobe64(addr->hi), htobe64(addr->lo) };
	uint32_t be4 = htobe32((uint32_t)addr->lo);

	if (version == 4)
		inet_ntop(AF_INET, &be4, buf, (socklen_t)size);
	else
		inet_ntop(AF_INET6, be, buf, (socklen_t)size);
}

int
weir_ip_parse(const char *text, struct weir_addr *ret_addr, unsigned *ret_version)
{
	uint64_t be[2];
	uint32_t be4;

	if (inet_pton(AF_INET, text, &be4) == 1) {
		*ret_addr = (struct weir_addr){ 0, be32toh(be4) };
		*ret_version = 4;
		return 0;
	}
	if (inet_pton(AF_INET6, text, be) == 1) {
		*ret_addr = (struct weir_addr){ be64toh(be[0]), be64toh(be[1]) };
		*ret_version = 6;
		return 0;
	}
	return -EINVAL;
}

/* Length of the printable UTF-8 character at p (RFC 3629), or 0: control characters and bad bytes.
 */
static unsigned
utf8_printable(const uint8_t *p, uint32_t left)
{
	uint32_t c;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	if (p[0] >= 0xc2 && p[0] <= 0xdf && left >= 2 && (p[1] & 0xc0) == 0x80)
		return p[0] == 0xc2 && p[1] < 0xa0 ? 0 : 2; /* C1 controls */
	if ((p[0] & 0xf0) == 0xe0 && left >= 3 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80) {
		c = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
		return c >= 0x800 && !(c >= 0xd800 && c <= 0xdfff) ? 3 : 0;
	}
	if ((p[0] & 0xf8) == 0xf0 && left >= 4 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80 &&
	    (p[3] & 0xc0) == 0x80) {
		c = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
		    (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
		return c >= 0x10000 && c <= 0x10ffff ? 4 : 0;
	}
	return 0;
}

/* JSON escapes tab, line feed and carriage return, so there they are text too. */
static bool
is_text(const struct weir_bytes *s, bool with_lines)
{
	uint32_t i = 0;

	while (i < s->len) {
		unsigned n = utf8_printable(s->p + i, s->len - i);

		if (!n && with_lines && (s->p[i] == '\t' || s->p[i] == '\n' || s->p[i] == '\r'))
			n = 1;
		if (!n)
			return false;
		i += n;
	}
	return true;
}

/* A bounded writer that goes on counting past its end. */
struct out {
	char *buf;
	size_t size;
	size_t len;
};

static void
put(struct out *o, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++, o->len++)
		if (o->len + 1 < o->size)
			o->buf[o->len] = p[i];
}

static void
put_text(struct out *o, const char *s)
{
	put(o, s, strlen(s));
}

static size_t
finish(struct out *o)
{
	if (o->size)
		o->buf[o->len < o->size ? o->len : o->size - 1] = '\0';
	return o->len;
}

static void
put_hex(struct out *o, const struct weir_bytes *s)
{
	static const char digits[] = "0123456789abcdef";

	put_text(o, "hex:");
	for (uint32_t i = 0; i < s->len; i++) {
		char c[2] = { digits[s->p[i] >> 4], digits[s->p[i] & 15] };

		put(o, c, 2);
	}
}

static void
put_json_string(struct out *o, const struct weir_bytes *s)
{
	put(o, "\"", 1);
	if (!is_text(s, true)) {
		put_hex(o, s);
		put(o, "\"", 1);
		return;
	}
	for (uint32_t i = 0; i < s->len; i++) {
		char c = (char)s->p[i];

		if (c == '"' || c == '\\') {
			put(o, "\\", 1);
			put(o, &c, 1);
		} else if (c == '\n') {
			put_text(o, "\\n");
		} else if (c == '\r') {
			put_text(o, "\\r");
		} else if (c == '\t') {
			put_text(o, "\\t");
		} else {
			put(o, &c, 1);
		}
	}
	put(o, "\"", 1);
}

/* n digits d with the point after the first, times ten to the exponent. */
static void
put_digits(struct out *o, const char *d, size_t n, int exponent)
{
	char text[16];
	size_t whole;

	if (exponent >= 16 || exponent < -5) {
		put(o, d, 1);
		put(o, ".", n > 1);
		put(o, d + 1, n - 1);
		snprintf(text, sizeof(text), "e%+03d", exponent);
		put_text(o, text);
		return;
	}
	if (exponent < 0) {
		put(o, "0.0000", (size_t)(1 - exponent));
		put(o, d, n);
		return;
	}
	whole = (size_t)exponent + 1;
	put(o, d, n < whole ? n : whole);
	if (n < whole)
		put(o, "0000000000000000", whole - n);
	/* A float stays recognisable as one. */
	put_text(o, n > whole ? "." : ".0");
	if (n > whole)
		put(o, d + whole, n - whole);
}

/*
 * The fewest digits that read back the same, as plain decimals where that is no longer than people
 * write them (1e-5 to 1e16). Fifteen digits always survive the way to a double and back, so
 * if they read back the same then, without their zeros at the end, they are the fewest
 * (subnormal numbers hold less, so those try all).
 */
static void
put_float(struct out *o, double f)
{
	char text[40], *digits, *exponent_at;
	int exponent;
	size_t n;

	if (!isfinite(f)) {
		put_text(o, isnan(f) ? "nan" : f < 0 ? "-inf" : "inf");
		return;
	}
	/* Whole numbers, which are many and quick to write. */
	if (fabs(f) < 1e15 && f == trunc(f)) {
		snprintf(text, sizeof(text), "%.1f", f);
		put_text(o, text);
		return;
	}
	for (int precision = fpclassify(f) == FP_SUBNORMAL ? 0 : 14; precision <= 16; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, f);
		if (strtod(text, NULL) == f)
			break;
	}
	if (text[0] == '-')
		put(o, "-", 1);
	digits = text + (text[0] == '-');
	exponent_at = strchr(digits, 'e');
	exponent = (int)strtol(exponent_at + 1, NULL, 10);
	/* "1.2300e+02" to the digits "123". */
	if (digits[1] == '.') {
		digits[1] = digits[0];
		digits++;
	}
	for (n = (size_t)(exponent_at - digits); n > 1 && digits[n - 1] == '0'; n--)
		;
	put_digits(o, digits, n, exponent);
}

static void
put_duration(struct out *o, int64_t ns)
{
	uint64_t u = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	char text[40];

	snprintf(text, sizeof(text), "%s%" PRIu64 ".%09" PRIu64, ns < 0 ? "-" : "",
	    u / (uint64_t)WEIR_NS_PER_S, u % (uint64_t)WEIR_NS_PER_S);
	put_text(o, text);
}

/* What text and JSON have in common: everything but strings, null and quotes. */
static void
put_plain(struct out *o, const struct weir_value *v)
{
	char text[64];

	switch (v->type) {
	case WEIR_BOOL:
		put_text(o, v->b ? "true" : "false");
		return;
	case WEIR_INT:
		snprintf(text, sizeof(text), "%" PRId64, v->i);
		break;
	case WEIR_FLOAT:
		put_float(o, v->f);
		return;
	case WEIR_DURATION:
		put_duration(o, v->i);
		return;
	case WEIR_TIME:
		weir_time_text(v->i, text, sizeof(text));
		break;
	case WEIR_IP:
		weir_ip_text(&v->addr, v->version, text, sizeof(text));
		break;
	case WEIR_MAC:
		snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x",
		    (unsigned)(v->i >> 40 & 255), (unsigned)(v->i >> 32 & 255),
		    (unsigned)(v->i >> 24 & 255), (unsigned)(v->i >> 16 & 255),
		    (unsigned)(v->i >> 8 & 255), (unsigned)(v->i & 255));
		break;
	case WEIR_STRING:
	case WEIR_N_TYPES:
		return;
	}
	put_text(o, text);
}

size_t
weir_value_text(const struct weir_value *v, char *buf, size_t size)
{
	struct out o = { buf, size, 0 };

	if (v->is_null)
		put_text(&o, "-");
	else if (v->type == WEIR_STRING && is_text(&v->s, false))
		put(&o, (const char *)v->s.p, v->s.len);
	else if (v->type == WEIR_STRING)
		put_hex(&o, &v->s);
	else
		put_plain(&o, v);
	return finish(&o);
}

size_t
weir_value_json(const struct weir_value *v, char *buf, size_t size)
{
	struct out o = { buf, size, 0 };
	bool is_quoted = v->type == WEIR_TIME || v->type == WEIR_IP || v->type == WEIR_MAC;

	if (v->is_null || (v->type == WEIR_FLOAT && !isfinite(v->f))) {
		put_text(&o, "null");
	} else if (v->type == WEIR_STRING) {
		put_json_string(&o, &v->s);
	} else {
		if (is_quoted)
			put(&o, "\"", 1);
		put_plain(&o, v);
		if (is_quoted)
			put(&o, "\"", 1);
	}
	return finish(&o);
}
