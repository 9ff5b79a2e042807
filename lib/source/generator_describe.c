/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <weir/base/time.h>
#include <weir/source/describe.h>

#include "generator_attack.h"

/* What a generator gives, for people and for tests. */

#define URI_SCHEME "gen:"

static const struct {
	const char *name;
	const char *doc;
} kinds[] = {
	{ "udp", "UDP flows" },
	{ "tcp", "one direction of TCP connections" },
	{ "imix", "TCP and UDP flows, frames of 64, 594 and 1518 bytes" },
	{ "mix", "conversations of an office: TCP, DNS, calls, pings, ARP" },
	{ "text", "words and lines, not packets" },
	{ "attack:NAME", "a culprit in the midst of background; NAME is one of:" },
};

void
weir_generator_list(FILE *out)
{
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		fprintf(out, "gen:%-14s %s\n", kinds[i].name, kinds[i].doc);
	for (const struct weir_gen_attack *a = weir_gen_attacks; a->name; a++)
		fprintf(out, "  %-16s %s\n", a->name, a->doc);
}

static int
parse(const char *uri, struct weir_gen_options *ret, struct weir_error *err)
{
	int rc;

	if (strncmp(uri, URI_SCHEME, strlen(URI_SCHEME)) != 0)
		return weir_error_usage(err, "'%s': no generator (try 'gen:%s')", uri, uri);
	rc = weir_gen_options_parse(uri + strlen(URI_SCHEME), ret, err);
	return rc ? weir_error_wrap(err, "'%s'", uri) : 0;
}

static const char *
window_name(enum weir_gen_window w, const struct weir_gen_attack *a)
{
	switch (w) {
	case WEIR_GEN_WINDOW_ANY:
	case WEIR_GEN_WINDOW_GLOBAL:
		return "global";
	case WEIR_GEN_WINDOW_1S:
		return "1s";
	case WEIR_GEN_WINDOW_10S:
		return "10s";
	case WEIR_GEN_WINDOW_SLIDING:
		return "10s/1s";
	case WEIR_GEN_WINDOW_SESSION:
		return "session:15s,max:60s";
	case WEIR_GEN_WINDOW_BURST:
		return a->window_ns == 1000000 ? "1ms" : "128us";
	}
	return "";
}

static const char *
rank_name(enum weir_gen_rank r)
{
	switch (r) {
	case WEIR_GEN_RANK_ONLY:
		return "only";
	case WEIR_GEN_RANK_FIRST:
		return "first";
	case WEIR_GEN_RANK_LARGEST:
		return "largest";
	case WEIR_GEN_RANK_ONE:
		return "one";
	}
	return "";
}

static void
print_string(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

static void
print_address(FILE *out, uint32_t a)
{
	fprintf(out, "%u.%u.%u.%u", a >> 24, a >> 16 & 0xff, a >> 8 & 0xff, a & 0xff);
}

static void
print_key(FILE *out, const struct weir_gen_options *o, const struct weir_gen_key *k, bool is_json)
{
	char name[WEIR_GEN_NAME_BYTES];

	if (is_json && k->kind != WEIR_GEN_KEY_NUMBER)
		fputc('"', out);
	switch (k->kind) {
	case WEIR_GEN_KEY_VICTIM:
		print_address(out, weir_gen_victim(o->seed));
		break;
	case WEIR_GEN_KEY_ATTACKER:
		print_address(out, weir_gen_attacker(o->seed));
		break;
	case WEIR_GEN_KEY_ADDRESS:
		print_address(out, k->number);
		break;
	case WEIR_GEN_KEY_NUMBER:
		fprintf(out, "%u", k->number);
		break;
	case WEIR_GEN_KEY_NAME:
		weir_gen_name(name, k->text, o->seed);
		fputs(name, out);
		break;
	}
	if (is_json && k->kind != WEIR_GEN_KEY_NUMBER)
		fputc('"', out);
}

static void
print_keys(FILE *out, const struct weir_gen_options *o, const char *separator, bool is_json)
{
	const struct weir_gen_key *k = o->attack->keys;

	for (unsigned i = 0; i < WEIR_GEN_MAX_KEYS && k[i].column; i++) {
		fprintf(out, is_json ? "%s\"%s\":" : "%s%s ", i ? separator : "", k[i].column);
		print_key(out, o, &k[i], is_json);
	}
}

static void
print_number(FILE *out, double v)
{
	if (v >= 0 && v < 9e15 && v == (double)(uint64_t)v)
		fprintf(out, "%" PRIu64, (uint64_t)v);
	else
		fprintf(out, "%.17g", v);
}

static void
print_time(FILE *out, const char *name, int64_t t_ns)
{
	time_t s = (time_t)(t_ns / WEIR_NS_PER_S);
	struct tm tm;
	char text[32];

	gmtime_r(&s, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(out, "\"%s\":\"%s.%09dZ\",", name, text, (int)(t_ns % WEIR_NS_PER_S));
}

struct printer {
	FILE *out;
	const struct weir_gen_options *o;
	uint64_t n;
};

static void
print_row(void *ctx, const struct weir_gen_expected *row)
{
	struct printer *p = ctx;
	const struct weir_gen_attack *a = p->o->attack;
	bool has_key = a->keys[0].column != NULL;

	fputs(p->n++ ? ",{" : "{", p->out);
	if (row->has_times) {
		print_time(p->out, "window.start", row->start_ns);
		print_time(p->out, "window.end", row->end_ns);
	}
	print_keys(p->out, p->o, ",", true);
	for (unsigned i = 0; i < WEIR_GEN_MAX_VALUES && a->values[i].column; i++) {
		fprintf(p->out, "%s\"%s\":", i || has_key ? "," : "", a->values[i].column);
		print_number(p->out, row->values[i]);
	}
	fputc('}', p->out);
}

static void
print_rows(FILE *out, const struct weir_gen_options *o, enum weir_gen_window w, bool is_first)
{
	struct printer p = { .out = out, .o = o };

	fprintf(out, "%s\"%s\":[", is_first ? "" : ",", window_name(w, o->attack));
	weir_gen_expect(o, w, print_row, &p);
	fputc(']', out);
}

static void
print_tolerances(FILE *out, const struct weir_gen_attack *a)
{
	const char *before = ",\"within\":{";

	for (unsigned i = 0; i < WEIR_GEN_MAX_VALUES && a->values[i].column; i++) {
		if (!a->values[i].within)
			continue;
		fprintf(out, "%s\"%s\":%g", before, a->values[i].column, a->values[i].within);
		before = ",";
	}
	if (before[1] == '\0')
		fputc('}', out);
}

static void
print_attack_json(FILE *out, const struct weir_gen_options *o)
{
	const struct weir_gen_attack *a = o->attack;

	fprintf(out, ",\"attack\":\"%s\",\"planted\":", a->name);
	print_string(out, a->doc);
	fputs(",\"culprit\":{", out);
	print_keys(out, o, ",", true);
	fputs("},\"query\":", out);
	print_string(out, a->query);
	fprintf(out, ",\"rank\":\"%s\"", rank_name(a->rank));
	print_tolerances(out, a);
	if (!o->count) /* rows without end */
		return;
	fputs(",\"expect\":{", out);
	print_rows(out, o, a->window, true);
	if (a->window == WEIR_GEN_WINDOW_ANY)
		print_rows(out, o, WEIR_GEN_WINDOW_1S, false);
	fputc('}', out);
}

int
weir_generator_describe_json(const char *uri, FILE *out, struct weir_error *err)
{
	struct weir_gen_options o;
	int rc = parse(uri, &o, err);

	if (rc)
		return rc;
	fputs("{\"uri\":", out);
	print_string(out, uri);
	fprintf(out,
	    ",\"kind\":\"%s\",\"seed\":%" PRIu64 ",\"rate\":%" PRIu64 ",\"count\":%" PRIu64,
	    weir_gen_kind_name(o.kind), o.seed, o.rate_pps, o.count);
	if (o.attack)
		print_attack_json(out, &o);
	fputs("}\n", out);
	return 0;
}

int
weir_generator_describe(const char *uri, FILE *out, struct weir_error *err)
{
	const struct weir_gen_attack *a;
	struct weir_gen_options o;
	int rc = parse(uri, &o, err);

	if (rc)
		return rc;
	a = o.attack;
	fprintf(out, "%s\n  kind     %s\n  seed     %" PRIu64 "\n", uri, weir_gen_kind_name(o.kind),
	    o.seed);
	if (o.count)
		fprintf(
		    out, "  count    %" PRIu64 " at %" PRIu64 " a second\n", o.count, o.rate_pps);
	else
		fprintf(out, "  count    until stopped, %" PRIu64 " a second\n", o.rate_pps);
	if (!a)
		return 0;
	fprintf(out, "  planted  %s\n", a->doc);
	if (a->keys[0].column) {
		fputs("  culprit  ", out);
		print_keys(out, &o, ", ", false);
		fputc('\n', out);
	}
	fprintf(out, "  find it  weir --source '%s' %s\n", uri, a->query);
	return 0;
}
