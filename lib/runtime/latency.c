/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdlib.h>

#include <weir/base/number.h>
#include <weir/runtime/latency.h>

static const struct {
	const char *name;
	const char *none;
} stages[WEIR_N_LATENCY_STAGES] = {
#define X(id, name, doc, none) [WEIR_LATENCY_##id] = { name, none },
	WEIR_LATENCY_STAGES(X)
#undef X
};

static const struct {
	const char *name, *heading;
	double q;
} percentiles[] = {
	{ "p50", "P50", 0.5 },
	{ "p90", "P90", 0.9 },
	{ "p99", "P99", 0.99 },
	{ "p99.9", "P99.9", 0.999 },
	{ "p99.99", "P99.99", 0.9999 },
};

#define N_PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

struct weir_latency_set *
weir_latency_set_create(void)
{
	return calloc(1, sizeof(struct weir_latency_set));
}

void
weir_latency_set_reset(struct weir_latency_set *s)
{
	for (unsigned i = 0; i < WEIR_N_LATENCY_STAGES; i++)
		if (weir_histogram_count(&s->of[i]))
			weir_histogram_reset(&s->of[i]);
}

void
weir_latency_set_merge(struct weir_latency_set *to, const struct weir_latency_set *from)
{
	for (unsigned i = 0; i < WEIR_N_LATENCY_STAGES; i++)
		if (weir_histogram_count(&from->of[i]))
			weir_histogram_merge(&to->of[i], &from->of[i]);
}

static json_t *
stage_json(const struct weir_histogram *h)
{
	json_t *o = json_object();

	json_object_set_new(o, "samples", json_integer((json_int_t)weir_histogram_count(h)));
	for (unsigned i = 0; i < N_PERCENTILES; i++)
		json_object_set_new(o, percentiles[i].name,
		    weir_histogram_has_quantile(h, percentiles[i].q)
			? json_integer(weir_histogram_quantile(h, percentiles[i].q))
			: json_null());
	json_object_set_new(o, "max", json_integer(weir_histogram_max(h)));
	json_object_set_new(o, "mean", json_integer((json_int_t)weir_histogram_mean(h)));
	return o;
}

json_t *
weir_latency_set_json(const struct weir_latency_set *s)
{
	json_t *o = json_object(), *why = json_object();

	for (unsigned i = 0; i < WEIR_N_LATENCY_STAGES; i++) {
		bool has = weir_histogram_count(&s->of[i]) > 0;

		json_object_set_new(o, stages[i].name, has ? stage_json(&s->of[i]) : json_null());
		if (!has)
			json_object_set_new(why, stages[i].name, json_string(stages[i].none));
	}
	json_object_set_new(o, "not_measured", why);
	return o;
}

static void
print_stage(const char *name, const struct weir_histogram *h, FILE *out)
{
	char text[32];

	fprintf(out, "weir: latency %-12s", name);
	for (unsigned i = 0; i < N_PERCENTILES; i++) {
		double q = percentiles[i].q;

		fprintf(out, " %8s",
		    weir_histogram_has_quantile(h, q)
			? weir_text_duration(weir_histogram_quantile(h, q), text, sizeof(text))
			: "-");
	}
	fprintf(out, " %8s", weir_text_duration(weir_histogram_max(h), text, sizeof(text)));
	fprintf(
	    out, " %9s\n", weir_text_count((double)weir_histogram_count(h), text, sizeof(text)));
}

void
weir_latency_set_print(const struct weir_latency_set *s, FILE *out)
{
	fprintf(out, "weir: latency %-12s", "of");
	for (unsigned i = 0; i < N_PERCENTILES; i++)
		fprintf(out, " %8s", percentiles[i].heading);
	fprintf(out, " %8s %9s\n", "max", "samples");
	for (unsigned i = 0; i < WEIR_N_LATENCY_STAGES; i++)
		if (weir_histogram_count(&s->of[i]))
			print_stage(stages[i].name, &s->of[i], out);
		else if (i == WEIR_LATENCY_RECEIVE)
			fprintf(out, "weir: latency %-12s not measured: %s\n", stages[i].name,
			    stages[i].none);
}
