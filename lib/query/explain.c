/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/number.h>
#include <weir/query/plan.h>
#include <weir/sink/forward.h>

#include "push.h"
#include "scope.h"
#include "share.h"

static void
print_columns(const struct weir_schema *s, FILE *out)
{
	for (unsigned i = 0; i < s->n_columns; i++)
		fprintf(out, "%s%s %s%s", i ? ", " : "", s->columns[i].name,
		    weir_type_name(s->columns[i].type), s->columns[i].is_key ? " (key)" : "");
	fprintf(out, "\n");
}

/* The windows of groups of rows, where they are not those that the rows have anyway. */
static void
print_later_windows(const struct weir_chain *c, FILE *out)
{
	char text[64];

	for (unsigned i = 0; i < c->n_segments; i++)
		if (c->segments[i].path && c->segments[i].path->has_group &&
		    c->segments[i].has_window)
			fprintf(out, "  window    %s, for the group of rows\n",
			    weir_window_text(&c->segments[i].path->window, text, sizeof(text)));
}

/* What a sink sends by. */
static const char *
ports_text(const struct weir_plan *p, const char *uri, char *buf, size_t size)
{
	struct weir_sink_run run;

	weir_plan_sink_run(p, NULL, &run);
	weir_forward_describe(uri, &run, buf, size);
	free(run.sources);
	return buf;
}

static void
print_query(const struct weir_plan *p, const struct weir_plan_query *q, FILE *out)
{
	char window[64], text[160], ports[512];

	fprintf(out, "query %s\n", q->text->name);
	for (unsigned i = 0; i < q->text->n_stages; i++)
		if (q->text->stages[i].flag != WEIR_FLAG_WINDOW)
			fprintf(out, "  %-9s %s\n", weir_flag_name(q->text->stages[i].flag) + 2,
			    q->text->stages[i].text);
	for (unsigned i = 0; q->path && i < q->path->n_stages; i++)
		if (weir_stage_describe(q->path->stages[i]))
			fprintf(out, "  %-9s as %s\n", "", weir_stage_describe(q->path->stages[i]));
	if (q->text->n_stages == 0 && q->wants_rows)
		fprintf(out,
		    "  default   top talkers: key 5tuple, packets and bytes, top 20 by bytes\n");
	weir_share_explain(p, q, out);
	if (q->path && q->path->has_group) {
		fprintf(out, "  window    %s%s\n",
		    weir_window_text(&q->path->window, window, sizeof(window)),
		    q->path->has_window ? "" : " (default)");
		fprintf(out, "  table     %s\n", weir_plan_table_text(p, q, text, sizeof(text)));
	}
	if (q->strategy != WEIR_STRATEGY_ONE || (q->path && q->path->n_shares > 1))
		fprintf(out, "  spread    %s\n", q->why);
	if (q->chain) {
		print_later_windows(q->chain, out);
		fprintf(out, "  columns   ");
		print_columns(weir_chain_schema(q->chain), out);
	}
	for (unsigned i = 0; i < q->n_sinks; i++) {
		fprintf(out, "  sink      %s\n", q->sinks[i]);
		if (weir_forward_n_shares(q->sinks[i]))
			fprintf(out, "  %-9s %s\n", "ports",
			    ports_text(p, q->sinks[i], ports, sizeof(ports)));
	}
}

void
weir_plan_explain(
    const struct weir_plan *p, struct weir_source *const *sources, const char *placement, FILE *out)
{
	char text[32];
	unsigned n = 0;

	for (unsigned i = 0; i < p->command->n_sources; i++)
		fprintf(out, "source %s\n", sources[i]->description);
	weir_push_explain(p, sources, out);
	fprintf(out, "decode");
	for (unsigned f = 0; f < WEIR_N_FIELDS; f++)
		if (weir_field_set_has(&p->needed, f))
			fprintf(out, "%s%s", n++ ? ", " : " ", weir_fields[f].name);
	fprintf(out, "%s\n", n ? "" : " no fields");
	if (p->command->decap_text)
		fprintf(out, "tunnels %s: fields of what these carry\n", p->command->decap_text);
	fprintf(out, "kernels x86-64-%s%s\n", weir_simd_name(weir_simd_resolve(p->command->simd)),
	    p->command->simd == WEIR_SIMD_AUTO ? ", the best of this CPU" : "");
	for (unsigned i = 0; i < p->n_queries; i++)
		if (!p->queries[i].is_removed)
			print_query(p, &p->queries[i], out);
	fprintf(out,
	    "run %u worker%s %s, and the control thread; bursts of %d packets, lateness %s\n",
	    p->n_workers, p->n_workers > 1 ? "s" : "", placement, WEIR_ROWS,
	    weir_text_duration(p->lateness_ns, text, sizeof(text)));
}

void
weir_print_fields(FILE *out)
{
	const char *group = "";

	for (unsigned f = 0; f < WEIR_N_FIELDS; f++) {
		if (strcmp(group, weir_fields[f].group) != 0)
			fprintf(out, "%s%s\n", f ? "\n" : "", weir_fields[f].group);
		group = weir_fields[f].group;
		fprintf(out, "  %-22s %-9s %s\n", weir_fields[f].name,
		    weir_type_name(weir_fields[f].type), weir_fields[f].doc);
	}
	fprintf(out, "\nmacros of --key and --select\n");
	for (const struct weir_field_macro *m = weir_field_macros; m->name; m++)
		fprintf(out, "  %-22s %-9s %s\n", m->name, "", m->doc);
}

void
weir_print_functions(FILE *out)
{
	fprintf(out, "functions of expressions (--where, --map, --key, --select)\n");
	for (const struct weir_function_doc *d = weir_expr_functions; d->name; d++)
		fprintf(out, "  %-22s %s\n", d->synopsis, d->doc);
	fprintf(out, "\naggregates (--agg)\n");
	for (unsigned i = 0; weir_agg_functions[i]; i++)
		fprintf(out, "  %-22s %s%s\n", weir_agg_functions[i]->synopsis,
		    weir_agg_functions[i]->doc,
		    weir_agg_functions[i]->is_approximate ? " (approximate)" : " (exact)");
	fprintf(out,
	    "\nfolds (--fold 'INIT; UPDATE', in place of --agg)\n"
	    "  name=EXPR,...          the variables and columns: from the group's first packet\n"
	    "  ; name=EXPR; ...       what every packet does, the first too, in their order\n"
	    "  += -= *= /= %%= &= |= ^= as in C; a name that is new here lasts for the packet\n");
}
