/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include <weir/base/number.h>
#include <weir/base/time.h>

#include "ctl.h"
#include "grid.h"

/* The cluster that a run is in, as tables. */

static double
real(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "-";
}

/* A time in ns as people write it, "-" where there is none. */
static void
add_duration(struct grid *g, const json_t *o, const char *key)
{
	const json_t *j = json_object_get(o, key);
	char buf[32];

	if (json_is_integer(j))
		grid_add(g, "%s", weir_text_duration(json_integer_value(j), buf, sizeof(buf)));
	else
		grid_add(g, "-");
}

static void
add_count(struct grid *g, const json_t *o, const char *key)
{
	char buf[32];

	if (json_object_get(o, key))
		grid_add(g, "%s", weir_text_count(real(o, key), buf, sizeof(buf)));
	else
		grid_add(g, "-");
}

/* How far a node's windows are behind the clock; of files that means nothing. */
static void
add_age(struct grid *g, const json_t *o, const char *key)
{
	const json_t *j = json_object_get(o, key);
	int64_t age_ns = weir_now_wall_ns() - json_integer_value(j);
	char buf[32];

	if (!json_is_integer(j) || age_ns < 0 || age_ns > 24 * 3600 * WEIR_NS_PER_S)
		grid_add(g, "-");
	else
		grid_add(g, "%s", weir_text_duration(age_ns, buf, sizeof(buf)));
}

/* The sum of an object's counts. */
static double
sum_of(const json_t *o)
{
	const char *key;
	json_t *value;
	double sum = 0;

	json_object_foreach((json_t *)(uintptr_t)o, key, value) sum += json_number_value(value);
	return sum;
}

static void
add_node(struct grid *g, const json_t *n, const char *name)
{
	const json_t *wire = json_object_get(n, "wire");
	bool is_self = json_is_true(json_object_get(n, "self"));
	char buf[32];

	grid_add(g, "%s%s", name, is_self ? " *" : "");
	grid_add(g, "%s", text(n, "state"));
	grid_add(g, "%s", text(n, "address"));
	grid_add(g, "%.0f", real(n, "slots"));
	add_age(g, n, "delivered_ns");
	add_duration(g, n, "rtt_p50_ns");
	add_duration(g, n, "rtt_p90_ns");
	add_duration(g, n, "rtt_p99_ns");
	add_duration(g, n, "clock_offset_ns");
	add_count(g, wire, "data_sent");
	add_count(g, wire, "data_received");
	add_count(g, wire, "retransmitted");
	grid_add(g, "%s",
	    wire ? weir_text_count(sum_of(json_object_get(wire, "refused")), buf, sizeof(buf))
		 : "-");
}

static void
begin_nodes(struct grid *g)
{
	static const char *const heading[] = { "NODE", "STATE", "ADDRESS", "SLOTS", "BEHIND",
		"RTT P50", "P90", "P99", "CLOCK", "SENT", "RECEIVED", "AGAIN", "REFUSED" };
	static const bool left[sizeof(heading) / sizeof(heading[0])] = { true, true, true };

	*g = (struct grid){ .n_columns = sizeof(heading) / sizeof(heading[0]), .is_on_left = left };
	for (unsigned k = 0; k < g->n_columns; k++)
		grid_add(g, "%s", heading[k]);
}

static void
exchange_text(const json_t *x, struct weir_strbuf *b)
{
	weir_strbuf_printf(b,
	    "groups kept %.0f, sent %.0f; frames sent %.0f, taken %.0f; rows sent %.0f, taken "
	    "%.0f; shed %.0f; %.0f bytes of panes kept\n",
	    real(x, "groups_kept"), real(x, "groups_sent"), real(x, "parts_sent"),
	    real(x, "parts_taken"), real(x, "rows_sent"), real(x, "rows_taken"),
	    real(x, "groups_shed"), real(x, "kept_bytes"));
}

void
ctl_cluster_text(const json_t *cluster, struct weir_strbuf *b)
{
	const char *name;
	json_t *n;
	struct grid g;

	weir_strbuf_printf(b, "\nCLUSTER node %s, %s, epoch %.0f; ", text(cluster, "node"),
	    text(cluster, "state"), real(cluster, "epoch"));
	exchange_text(json_object_get(cluster, "exchange"), b);
	begin_nodes(&g);
	json_object_foreach(json_object_get(cluster, "peers"), name, n) add_node(&g, n, name);
	grid_print(&g, 0, b);
}

static void
nodes_text(const json_t *answer, struct weir_strbuf *b)
{
	struct grid g;
	json_t *n;
	size_t i;

	weir_strbuf_printf(b, "epoch %.0f%s; the coordinator %s\n", real(answer, "epoch"),
	    json_is_true(json_object_get(answer, "moving")) ? ", going over to another map" : "",
	    text(answer, "coordinator"));
	exchange_text(json_object_get(answer, "exchange"), b);
	begin_nodes(&g);
	json_array_foreach(json_object_get(answer, "nodes"), i, n) add_node(&g, n, text(n, "node"));
	grid_print(&g, 0, b);
}

int
ctl_nodes(const struct ctl *c, struct weir_error *err)
{
	struct weir_strbuf b = { 0 };
	json_t *answer;
	int rc = ctl_ask(c, WEIR_CONTROL_NODES, &answer, err);

	if (rc)
		return rc;
	if (c->is_json) {
		ctl_print_json(answer);
	} else {
		nodes_text(answer, &b);
		fputs(b.p, stdout);
		weir_strbuf_free(&b);
	}
	json_decref(answer);
	return 0;
}

/* How many each node has; the ranges themselves, of which there are many, are for programs. */
static void
slots_text(const json_t *answer, struct weir_strbuf *b)
{
	static const bool left[] = { true, false, false, false };
	struct grid g = { .n_columns = 4, .is_on_left = left };
	json_t *slots = json_object(), *ranges = json_object(), *r;
	const char *name;
	double all = 0;
	size_t i;

	json_array_foreach(json_object_get(answer, "slots"), i, r)
	{
		double n = real(r, "last") - real(r, "first") + 1;

		name = text(r, "node");
		all += n;
		json_object_set_new(slots, name, json_real(real(slots, name) + n));
		json_object_set_new(ranges, name, json_real(real(ranges, name) + 1));
	}
	grid_add(&g, "NODE");
	grid_add(&g, "SLOTS");
	grid_add(&g, "SHARE");
	grid_add(&g, "RANGES");
	json_object_foreach(slots, name, r)
	{
		grid_add(&g, "%s", name);
		grid_add(&g, "%.0f", json_number_value(r));
		grid_add(&g, "%.1f%%", 100 * json_number_value(r) / all);
		grid_add(&g, "%.0f", real(ranges, name));
	}
	weir_strbuf_printf(b, "epoch %.0f; which slots: --json\n", real(answer, "epoch"));
	grid_print(&g, 0, b);
	json_decref(slots);
	json_decref(ranges);
}

int
ctl_slots(const struct ctl *c, struct weir_error *err)
{
	struct weir_strbuf b = { 0 };
	json_t *answer;
	int rc = ctl_ask(c, WEIR_CONTROL_SLOTS, &answer, err);

	if (rc)
		return rc;
	if (c->is_json) {
		ctl_print_json(answer);
	} else {
		slots_text(answer, &b);
		fputs(b.p, stdout);
		weir_strbuf_free(&b);
	}
	json_decref(answer);
	return 0;
}
