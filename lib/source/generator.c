/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/strbuf.h>
#include <weir/base/time.h>

#include "generator_attack.h"

/* --source gen:KIND: seeded packets. Options in generator_options.c, frames in generator_*_hot.c.
 */

#define URI_SCHEME "gen:"

/* Beyond the frame, so that rows do not fall into the same cache set where frames are a power of
 * two. */
#define ROW_SPACE_BYTES 128u
/* Packets a second of a conversation in an attack's background, at least. */
#define TALK_PPS 500u

static void
gen_close(struct weir_source *s)
{
	struct weir_generator *g = (struct weir_generator *)s;

	weir_gen_alias_free(&g->pick);
	weir_gen_alias_free(&g->clients);
	weir_gen_alias_free(&g->servers);
	free(g->tcp);
	free(g->talks);
	free(g->background.visits);
	free(g->plot.copy);
	free(g->plot.held);
	free(g->frames);
	free(g->payload);
	free(g);
}

static void
gen_stats(struct weir_source *s, struct weir_source_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
}

static const struct weir_source_ops gen_ops = {
	.kind = "generator",
	.poll = weir_gen_poll,
	.stats = gen_stats,
	.close = gen_close,
};

static int
prepare_mix(struct weir_generator *g)
{
	const struct weir_gen_options *o = &g->options;

	/* Conversations are alike; who has them is what the distribution is about. */
	g->talks = calloc(o->n_flows, sizeof(*g->talks));
	if (!g->talks || weir_gen_alias_zipf(&g->pick, o->n_flows, 0) ||
	    weir_gen_alias_zipf(&g->clients, WEIR_GEN_MIX_CLIENTS, o->zipf) ||
	    weir_gen_alias_zipf(&g->servers, WEIR_GEN_MIX_SERVERS, o->zipf))
		return -ENOMEM;
	return 0;
}

static int
prepare_attack(struct weir_generator *g)
{
	const struct weir_gen_options *o = &g->options;
	struct weir_gen_background *b = &g->background;

	/*
	 * So few that each gets a packet often: else their flows would have gaps that a query
	 * about gaps accuses.
	 */
	b->n_visits =
	    o->rate_pps / TALK_PPS < o->n_flows ? (uint32_t)(o->rate_pps / TALK_PPS) : o->n_flows;
	b->visits = calloc(b->n_visits, sizeof(*b->visits));
	g->plot.copy = malloc(g->stride);
	g->plot.held = malloc(g->stride);
	if (!b->visits || !g->plot.copy || !g->plot.held ||
	    weir_gen_alias_zipf(&g->pick, b->n_visits, o->zipf))
		return -ENOMEM;
	return 0;
}

static int
prepare_flows(struct weir_generator *g)
{
	const struct weir_gen_options *o = &g->options;

	while (g->flow_mask < o->n_flows - 1)
		g->flow_mask = g->flow_mask << 1 | 1;
	if (weir_gen_alias_zipf(&g->pick, o->n_flows, o->zipf))
		return -ENOMEM;
	if (o->kind == WEIR_GEN_KIND_UDP || o->kind == WEIR_GEN_KIND_TEXT)
		return 0;
	g->tcp = calloc(o->n_flows, sizeof(*g->tcp));
	return g->tcp ? 0 : -ENOMEM;
}

static int
prepare(struct weir_generator *g)
{
	const struct weir_gen_options *o = &g->options;
	uint32_t largest = o->size > WEIR_GEN_MIX_FRAME      ? o->size
			   : o->kind == WEIR_GEN_KIND_ATTACK ? WEIR_GEN_MAX_SIZE
							     : WEIR_GEN_MIX_FRAME;
	struct weir_gen_random bytes;

	weir_gen_random_seed(&g->random, o->seed);
	g->time_ns = WEIR_GEN_START_NS;
	g->gap_ns = (uint64_t)WEIR_NS_PER_S / o->rate_pps;
	g->gap_part = (uint64_t)WEIR_NS_PER_S % o->rate_pps;
	g->stride = (largest + ROW_SPACE_BYTES) & ~63u;
	g->frames = malloc((size_t)g->stride * WEIR_ROWS);
	g->payload = malloc(largest);
	if (!g->frames || !g->payload)
		return -ENOMEM;
	weir_gen_random_seed(&bytes, ~o->seed);
	for (uint32_t i = 0; i < largest; i++)
		g->payload[i] = (uint8_t)(weir_gen_random_next(&bytes) >> 56);
	switch (o->kind) {
	case WEIR_GEN_KIND_MIX:
		return prepare_mix(g);
	case WEIR_GEN_KIND_ATTACK:
		return prepare_attack(g);
	default:
		return prepare_flows(g);
	}
}

static char *
describe(const struct weir_gen_options *o)
{
	const char *what = o->kind == WEIR_GEN_KIND_TEXT ? "records" : "packets";
	struct weir_strbuf b = { 0 };

	weir_strbuf_printf(&b, "generator: %s%s%s, seed %" PRIu64, weir_gen_kind_name(o->kind),
	    o->attack ? ":" : "", o->attack ? o->attack->name : "", o->seed);
	if (o->count)
		weir_strbuf_printf(&b, ", %" PRIu64 " %s", o->count, what);
	else
		weir_strbuf_puts(&b, ", until stopped");
	weir_strbuf_printf(&b, ", %s %" PRIu64 " %s a second",
	    o->is_paced ? "paced at" : "time stamps of", o->rate_pps, what);
	return b.p;
}

static int
gen_open(const struct weir_source_config *c, struct weir_source **ret, struct weir_error *err)
{
	struct weir_generator *g;
	struct weir_gen_options o;
	int rc = weir_gen_options_parse(c->value + strlen(URI_SCHEME), &o, err);

	if (rc)
		return weir_error_wrap(err, "--source '%s'", c->value);
	g = calloc(1, sizeof(*g));
	if (!g)
		return weir_error_run(err, -ENOMEM, "--source '%s': out of memory", c->value);
	g->base.ops = &gen_ops;
	g->base.has_clock = true;
	g->base.numa_node = -1;
	g->base.first_interface = c->first_interface;
	g->base.n_interfaces = o.attack && o.attack->has_copies ? 2 : 1;
	g->options = o;
	if (!c->is_dry_run && prepare(g)) {
		gen_close(&g->base);
		return weir_error_run(err, -ENOMEM,
		    "--source '%s': out of memory for %u flows (try fewer)", c->value, o.n_flows);
	}
	g->base.description = describe(&o);
	*ret = &g->base;
	return 0;
}

static bool
gen_match(const struct weir_source_config *c)
{
	return c->flag == WEIR_SOURCE_URI && strncmp(c->value, URI_SCHEME, strlen(URI_SCHEME)) == 0;
}

const struct weir_source_kind weir_source_kind_generator = {
	.name = WEIR_SOURCE_GENERATOR_NAME,
	.doc = WEIR_SOURCE_GENERATOR_DOC,
	.match = gen_match,
	.open = gen_open,
};
