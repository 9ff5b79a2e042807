/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/transmit/rate.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <weir/base/nearest.h>

#define MICRO       UINT64_C(1000000)
#define MAX_PPS     UINT64_C(1000000000)
#define MAX_BPS     UINT64_C(4000000000000)
#define MAX_FACTOR  UINT64_C(1000000)
#define MAX_PERCENT UINT64_C(100)

/*
 * A decimal number with a suffix of powers of 1000, in millionths; *end is what follows. False: it
 * is none, too large, or finer than a millionth.
 */
static bool
parse_micro(const char *text, const char **end, uint64_t *ret)
{
	static const char suffixes[] = "kMGT";
	unsigned __int128 n = 0, scale = 1;
	const char *p = text, *suffix;
	bool has_digit = false, has_dot = false;

	for (; (*p >= '0' && *p <= '9') || (*p == '.' && !has_dot); p++) {
		if (*p == '.') {
			has_dot = true;
			continue;
		}
		has_digit = true;
		n = n * 10 + (unsigned)(*p - '0');
		scale *= has_dot ? 10 : 1;
		if (n > UINT64_MAX || scale > UINT64_C(1000000000000000000))
			return false;
	}
	n *= MICRO;
	suffix = *p ? strchr(suffixes, *p == 'K' ? 'k' : *p) : NULL;
	if (suffix)
		for (long i = 0; i <= suffix - suffixes; i++)
			n *= 1000;
	if (!has_digit || n % scale || n / scale > UINT64_MAX)
		return false;
	*end = suffix ? p + 1 : p;
	*ret = (uint64_t)(n / scale);
	return true;
}

static int
out_of_range(const char *text, const char *what, struct weir_error *err)
{
	return weir_error_usage(err, "'%s' is out of range: %s", text, what);
}

static int
no_rate(const char *text, const char *unit, struct weir_error *err)
{
	static const char *const words[] = { "max", "recorded", "pps", "bps", "line" };
	struct weir_nearest nearest;
	const char *word = unit && *unit ? unit : text;

	weir_nearest_begin(&nearest, word);
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		weir_nearest_offer(&nearest, words[i]);
	if (weir_nearest_get(&nearest))
		return weir_error_usage(err, "'%s' is no rate (try %s'%s')", text,
		    unit && *unit ? "the unit " : "", weir_nearest_get(&nearest));
	return weir_error_usage(err, "'%s' is no rate (try %s)", text, WEIR_RATE_FORMS);
}

static int
parse_recorded(const char *text, struct weir_rate *ret, struct weir_error *err)
{
	const char *factor = text + strlen("recorded"), *end = "";
	uint64_t micro = MICRO;

	if (*factor == ':' && (!parse_micro(factor + 1, &end, &micro) || *end))
		return weir_error_usage(
		    err, "'%s': '%s' is no factor (try 'recorded:2')", text, factor + 1);
	if (*factor && *factor != ':')
		return no_rate(text, NULL, err);
	if (!micro || micro > MAX_FACTOR * MICRO)
		return out_of_range(text, "a factor is from 0.000001 to 1000000", err);
	*ret = (struct weir_rate){ WEIR_RATE_RECORDED, micro };
	return 0;
}

int
weir_rate_parse(const char *text, struct weir_rate *ret, struct weir_error *err)
{
	static const struct {
		const char *unit;
		enum weir_rate_kind kind;
		uint64_t most;
		const char *range;
	} units[] = {
		{ "", WEIR_RATE_PACKETS, MAX_PPS, "from 0.000001 to 1G packets a second" },
		{ "pps", WEIR_RATE_PACKETS, MAX_PPS, "from 0.000001 to 1G packets a second" },
		{ "bps", WEIR_RATE_BITS, MAX_BPS, "from 0.000001 to 4T bits a second" },
		{ "line", WEIR_RATE_LINE, MAX_BPS, "from 0.000001 to 4T bits a second" },
		{ "%", WEIR_RATE_SHARE, MAX_PERCENT, "from 0.0001 to 100 % of the line" },
	};
	const char *unit;
	uint64_t micro;

	if (strcmp(text, "max") == 0) {
		*ret = (struct weir_rate){ WEIR_RATE_MAX, 0 };
		return 0;
	}
	if (strncmp(text, "recorded", strlen("recorded")) == 0)
		return parse_recorded(text, ret, err);
	if (!parse_micro(text, &unit, &micro))
		return no_rate(text, NULL, err);
	for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].unit) != 0)
			continue;
		if (!micro || micro > units[i].most * MICRO)
			return out_of_range(text, units[i].range, err);
		if (units[i].kind == WEIR_RATE_SHARE && micro % 100)
			return out_of_range(text, "no finer than 0.0001 %", err);
		*ret = (struct weir_rate){ units[i].kind,
			units[i].kind == WEIR_RATE_SHARE ? micro / 100 : micro };
		return 0;
	}
	return no_rate(text, unit, err);
}

int
weir_line_parse(const char *text, uint64_t *ret_bps, struct weir_error *err)
{
	const char *end;
	uint64_t micro;

	if (!parse_micro(text, &end, &micro) || (*end && strcmp(end, "bps") != 0))
		return weir_error_usage(err, "'%s' is no speed of a line (try '10G')", text);
	if (micro < MICRO || micro % MICRO || micro / MICRO > MAX_BPS)
		return out_of_range(text, "from 1 to 4T bits a second", err);
	*ret_bps = micro / MICRO;
	return 0;
}

int
weir_rate_of_line(struct weir_rate *r, uint64_t line_bps, struct weir_error *err)
{
	if (r->kind != WEIR_RATE_SHARE)
		return 0;
	if (!line_bps)
		return weir_error_run(err, -ENOTSUP,
		    "the driver does not tell how fast the line is (say it: --line-rate 10G)");
	*r = (struct weir_rate){ WEIR_RATE_LINE, r->micro * line_bps };
	return 0;
}

const char *
weir_rate_text(const struct weir_rate *r, char *buf, size_t size)
{
	static const char *const units[] = {
		[WEIR_RATE_PACKETS] = "packets/s",
		[WEIR_RATE_BITS] = "bit/s of frames",
		[WEIR_RATE_LINE] = "bit/s of line",
		[WEIR_RATE_SHARE] = "of the line",
		[WEIR_RATE_RECORDED] = "times the recorded speed",
	};
	char part[8] = "";

	if (r->kind == WEIR_RATE_MAX) {
		snprintf(buf, size, "as fast as it goes");
		return buf;
	}
	if (r->kind == WEIR_RATE_RECORDED && r->micro == MICRO) {
		snprintf(buf, size, "the recorded timing");
		return buf;
	}
	if (r->micro % MICRO) {
		snprintf(part, sizeof(part), ".%06u", (unsigned)(r->micro % MICRO));
		for (unsigned n = 6; part[n] == '0'; n--)
			part[n] = '\0';
	}
	snprintf(buf, size, "%" PRIu64 "%s %s", r->micro / MICRO, part, units[r->kind]);
	return buf;
}
