/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/number.h>
#include <weir/base/time.h>

#include "ctl.h"
#include "grid.h"

/* Numbers of a status, for people. What a status lacks is a dash. */
struct text {
	char p[48];
};

static double
number(const json_t *o, const char *key)
{
	const json_t *j = json_object_get(o, key);

	return json_is_number(j) ? json_number_value(j) : (double)NAN;
}

static const char *
string(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "-";
}

static struct text
count_text(double n)
{
	struct text t = { "-" };

	if (isfinite(n))
		weir_text_count(n, t.p, sizeof(t.p));
	return t;
}

/* Down to tenths: 0.3 rows a second are not none. */
static struct text
rate_text(double n)
{
	struct text t = count_text(n);

	if (isfinite(n) && n > 0 && n < 99.95)
		snprintf(t.p, sizeof(t.p), "%.1f", n);
	return t;
}

static struct text
duration_text(double s)
{
	struct text t = { "-" };

	if (isfinite(s) && fabs(s) < 1e9)
		weir_text_duration((int64_t)(s * (double)WEIR_NS_PER_S), t.p, sizeof(t.p));
	return t;
}

static struct text
share_text(double share)
{
	struct text t = { "-" };

	if (isfinite(share))
		snprintf(t.p, sizeof(t.p), "%.0f%%", 100 * (share < 0 ? 0 : share > 1 ? 1 : share));
	return t;
}

static struct text
scaled_text(double n, double unit, const char *format)
{
	struct text t = { "-" };

	if (isfinite(n))
		snprintf(t.p, sizeof(t.p), format, n / unit);
	return t;
}

/* "late 3, overflow 12": what is not 0 of an object of counts. */
static void
add_counts(const json_t *o, struct weir_strbuf *b)
{
	const char *key;
	json_t *value;
	bool is_first = true;

	json_object_foreach((json_t *)(uintptr_t)o, key, value)
	{
		if (json_number_value(value) == 0)
			continue;
		weir_strbuf_printf(b, "%s%s %s", is_first ? "" : ", ", key,
		    count_text(json_number_value(value)).p);
		is_first = false;
	}
	if (is_first)
		weir_strbuf_puts(b, "-");
}

static void
add_head(const json_t *s, struct weir_strbuf *b)
{
	const json_t *rate = json_object_get(s, "rate");

	weir_strbuf_printf(b, "weir %s  pid %s  up %s\n", string(s, "name"),
	    scaled_text(number(s, "pid"), 1, "%.0f").p, duration_text(number(s, "uptime_s")).p);
	weir_strbuf_printf(b, "rate %s packets/s, %sbit/s  delay %s  throughput %s rows/s\n",
	    count_text(number(rate, "pps")).p, count_text(number(rate, "bps")).p,
	    duration_text(number(s, "delay_s")).p, rate_text(number(s, "rows_per_s")).p);
}

static void
add_sources(const json_t *s, struct weir_strbuf *b)
{
	struct grid g = { .n_columns = 4 };
	json_t *source;
	size_t i;

	grid_add(&g, "SOURCE");
	grid_add(&g, "QUEUES");
	grid_add(&g, "LOST BY NIC");
	grid_add(&g, "NO BUFFER");
	json_array_foreach(json_object_get(s, "sources"), i, source)
	{
		grid_add(&g, "%s", string(source, "name"));
		grid_add(&g, "%s", count_text(number(source, "queues")).p);
		grid_add(&g, "%s", count_text(number(source, "lost_nic")).p);
		grid_add(&g, "%s", count_text(number(source, "lost_no_buffer")).p);
	}
	weir_strbuf_puts(b, "\n");
	grid_print(&g, 0, b);
}

static void
add_workers(const json_t *s, struct weir_strbuf *b)
{
	static const char *const heading[] = { "CORE", "CPU", "Mpps", "Gb/s", "NS/PACKET", "BUSY",
		"BACK-PRESSURED", "IDLE" };
	struct grid g = { .n_columns = sizeof(heading) / sizeof(heading[0]) };
	json_t *w;
	size_t i;

	for (unsigned k = 0; k < g.n_columns; k++)
		grid_add(&g, "%s", heading[k]);
	json_array_foreach(json_object_get(s, "workers"), i, w)
	{
		grid_add(&g, "%s", scaled_text(number(w, "worker"), 1, "%.0f").p);
		grid_add(&g, "%s", scaled_text(number(w, "cpu"), 1, "%.0f").p);
		grid_add(&g, "%s", scaled_text(number(w, "pps"), 1e6, "%.3f").p);
		grid_add(&g, "%s", scaled_text(number(w, "bps"), 1e9, "%.3f").p);
		grid_add(&g, "%s", scaled_text(number(w, "ns_per_packet"), 1, "%.1f").p);
		grid_add(&g, "%s", share_text(number(w, "busy")).p);
		grid_add(&g, "%s", share_text(number(w, "pressed")).p);
		grid_add(&g, "%s", share_text(number(w, "idle")).p);
	}
	weir_strbuf_puts(b, "\n");
	grid_print(&g, 0, b);
}

static void
add_fill(struct grid *g, const json_t *q)
{
	double keys = number(q, "table_keys"), size = number(q, "table_size");

	if (!isfinite(keys) || !(size > 0)) {
		grid_add(g, "-");
		grid_add(g, "-");
		return;
	}
	grid_add(g, "%s", count_text(keys).p);
	grid_add(g, "%s", share_text(keys / size).p);
}

static void
add_queries(const json_t *s, struct weir_strbuf *b)
{
	static const char *const heading[] = { "QUERY", "STRATEGY", "IN", "ROWS", "ROWS/S", "KEYS",
		"TABLE", "WINDOWS", "DROPPED" };
	static const bool left[] = { true, true, false, false, false, false, false, false, true };
	struct grid g = { .n_columns = sizeof(heading) / sizeof(heading[0]), .is_on_left = left };
	json_t *q;
	size_t i;

	for (unsigned k = 0; k < g.n_columns; k++)
		grid_add(&g, "%s", heading[k]);
	json_array_foreach(json_object_get(s, "queries"), i, q)
	{
		struct weir_strbuf dropped = { 0 };

		grid_add(&g, "%s", string(q, "name"));
		grid_add(&g, "%s", string(q, "strategy"));
		grid_add(&g, "%s", count_text(number(q, "in")).p);
		grid_add(&g, "%s", count_text(number(q, "rows")).p);
		grid_add(&g, "%s", rate_text(number(q, "rows_per_s")).p);
		add_fill(&g, q);
		grid_add(&g, "%s", count_text(number(q, "windows_open")).p);
		add_counts(json_object_get(q, "dropped"), &dropped);
		grid_add(&g, "%s", dropped.p);
		weir_strbuf_free(&dropped);
	}
	weir_strbuf_puts(b, "\n");
	grid_print(&g, 0, b);
}

static void
add_sinks(const json_t *s, struct weir_strbuf *b)
{
	static const bool left[] = { true, false, true };
	struct grid g = { .n_columns = 3, .is_on_left = left };
	json_t *sink;
	size_t i;

	grid_add(&g, "SINK");
	grid_add(&g, "DELIVERED");
	grid_add(&g, "DROPPED");
	json_array_foreach(json_object_get(s, "sinks"), i, sink)
	{
		struct weir_strbuf dropped = { 0 };

		add_counts(json_object_get(sink, "dropped"), &dropped);
		grid_add(&g, "%s", string(sink, "uri"));
		grid_add(&g, "%s", count_text(number(sink, "delivered")).p);
		grid_add(&g, "%s", dropped.p);
		weir_strbuf_free(&dropped);
	}
	weir_strbuf_puts(b, "\n");
	grid_print(&g, 0, b);
}

/* Of a run with --latency: the stages that have samples, in the order of a packet's way. */
static void
add_latency(const json_t *s, struct weir_strbuf *b)
{
	static const char *const heading[] = { "LATENCY", "P50", "P90", "P99", "P99.9", "P99.99",
		"MAX", "SAMPLES" };
	static const char *const of[] = { "p50", "p90", "p99", "p99.9", "p99.99", "max" };
	struct grid g = { .n_columns = sizeof(heading) / sizeof(heading[0]) };
	const char *name;
	json_t *stage;

	for (unsigned k = 0; k < g.n_columns; k++)
		grid_add(&g, "%s", heading[k]);
	json_object_foreach(json_object_get(s, "latency"), name, stage)
	{
		if (!json_object_get(stage, "samples"))
			continue;
		grid_add(&g, "%s", name);
		for (unsigned k = 0; k < sizeof(of) / sizeof(of[0]); k++)
			grid_add(&g, "%s",
			    duration_text(number(stage, of[k]) / (double)WEIR_NS_PER_S).p);
		grid_add(&g, "%s", count_text(number(stage, "samples")).p);
	}
	weir_strbuf_puts(b, "\n");
	grid_print(&g, 0, b);
}

void
ctl_status_text(const json_t *status, struct weir_strbuf *b)
{
	add_head(status, b);
	add_sources(status, b);
	add_workers(status, b);
	add_queries(status, b);
	add_sinks(status, b);
	if (json_object_get(status, "cluster"))
		ctl_cluster_text(json_object_get(status, "cluster"), b);
	if (json_object_get(status, "latency"))
		add_latency(status, b);
}

/* Columns that are the same in all rows: they are said above. */
static bool
is_heading(const char *key)
{
	return strcmp(key, "query") == 0 || strncmp(key, "window.", 7) == 0;
}

static void
add_value(struct grid *g, const json_t *value)
{
	char *text;

	if (json_is_string(value)) {
		grid_add(g, "%s", json_string_value(value));
		return;
	}
	text = json_is_null(value) || !value
		   ? NULL
		   : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
	grid_add(g, "%s", text ? text : "-");
	free(text);
}

void
ctl_rows_text(const json_t *result, unsigned n_rows, struct weir_strbuf *b)
{
	json_t *lines = json_object_get(result, "lines"), *line, *value;
	json_t *first = json_loads(
	    json_array_size(lines) ? json_string_value(json_array_get(lines, 0)) : "{}", 0, NULL);
	struct grid g = { 0 };
	const char *key;
	size_t i;

	json_object_foreach(first, key, value) if (!is_heading(key))
	{
		g.n_columns++;
		grid_add(&g, "%s", key);
	}
	json_array_foreach(lines, i, line)
	{
		json_t *row = i < n_rows ? json_loads(json_string_value(line), 0, NULL) : NULL;

		if (i >= n_rows)
			break;
		json_object_foreach(first, key, value) if (!is_heading(key))
		    add_value(&g, json_object_get(row, key));
		json_decref(row);
	}
	if (json_object_get(first, "window.start"))
		weir_strbuf_printf(
		    b, "  %s to %s", string(first, "window.start"), string(first, "window.end"));
	weir_strbuf_puts(b, g.n_columns ? "\n" : ": no rows yet, no window has been closed\n");
	if (g.n_columns)
		grid_print(&g, 0, b);
	json_decref(first);
}

void
ctl_top_text(const json_t *status, const json_t *result, const char *query, const char *problem,
    unsigned n_rows, struct weir_strbuf *b)
{
	ctl_status_text(status, b);
	weir_strbuf_printf(b, "\nROWS OF %s", query ? query : "-");
	if (problem)
		weir_strbuf_printf(b, ": %s\n", problem);
	else if (result)
		ctl_rows_text(result, n_rows, b);
	else
		weir_strbuf_puts(b, "\n");
}
