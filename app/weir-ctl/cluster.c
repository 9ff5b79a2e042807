/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include <weir/base/number.h>

#include "ctl.h"

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
static const char *
duration(const json_t *o, const char *key, char *buf, unsigned size)
{
	if (!json_is_integer(json_object_get(o, key)))
		return "-";
	return weir_text_duration(json_integer_value(json_object_get(o, key)), buf, size);
}

static void
print_node(const json_t *n)
{
	const json_t *wire = json_object_get(n, "wire");
	char p50[32], p99[32], offset[32];

	printf("%-12s %-9s %6.0f  %-15s %9s %9s %9s %10.0f %10.0f %6.0f%s\n", text(n, "node"),
	    text(n, "state"), real(n, "slots"), text(n, "address"),
	    duration(n, "rtt_p50_ns", p50, sizeof(p50)),
	    duration(n, "rtt_p99_ns", p99, sizeof(p99)),
	    duration(n, "clock_offset_ns", offset, sizeof(offset)), real(wire, "data_sent"),
	    real(wire, "data_received"), real(wire, "retransmitted"),
	    json_is_true(json_object_get(n, "self")) ? "  (this one)" : "");
}

int
ctl_nodes(const struct ctl *c, struct weir_error *err)
{
	json_t *answer, *n;
	size_t i;
	int rc = ctl_ask(c, WEIR_CONTROL_NODES, &answer, err);

	if (rc)
		return rc;
	if (c->is_json) {
		ctl_print_json(answer);
	} else {
		printf("epoch %.0f%s; the coordinator %s\n", real(answer, "epoch"),
		    json_is_true(json_object_get(answer, "moving")) ? ", changing" : "",
		    text(answer, "coordinator"));
		printf("%-12s %-9s %6s  %-15s %9s %9s %9s %10s %10s %6s\n", "NODE", "STATE",
		    "SLOTS", "ADDRESS", "RTT P50", "RTT P99", "CLOCK", "SENT", "RECEIVED", "AGAIN");
		json_array_foreach(json_object_get(answer, "nodes"), i, n) print_node(n);
	}
	json_decref(answer);
	return 0;
}

int
ctl_slots(const struct ctl *c, struct weir_error *err)
{
	json_t *answer, *r;
	size_t i;
	int rc = ctl_ask(c, WEIR_CONTROL_SLOTS, &answer, err);

	if (rc)
		return rc;
	if (c->is_json)
		ctl_print_json(answer);
	else
		json_array_foreach(json_object_get(answer, "slots"), i, r)
		    printf("%4.0f-%-4.0f %s\n", real(r, "first"), real(r, "last"), text(r, "node"));
	json_decref(answer);
	return 0;
}
