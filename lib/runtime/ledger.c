/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <weir/base/file.h>
#include <weir/base/number.h>
#include <weir/runtime/ledger.h>

#include "span.h"

static const struct {
	const char *name;
	const char *doc;
} reasons[WEIR_N_DROP_REASONS] = {
#define X(id, name, doc) [WEIR_DROP_##id] = { name, doc },
	WEIR_DROP_REASONS(X)
#undef X
};

const char *
weir_drop_reason_name(enum weir_drop_reason reason)
{
	return reasons[reason].name;
}

uint64_t
weir_ledger_dropped(const struct weir_ledger_query *q)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < WEIR_N_DROP_REASONS; i++)
		n += q->dropped[i];
	return n;
}

/* Packets that did not leave by a port. */
static uint64_t
unsent(const struct weir_ledger_sink *s)
{
	uint64_t n = 0;

	for (unsigned r = 0; r < WEIR_N_FORWARD_REASONS; r++)
		n += s->unsent[r];
	return n;
}

bool
weir_ledger_is_balanced(const struct weir_ledger *l)
{
	for (unsigned i = 0; i < l->n_queries; i++) {
		const struct weir_ledger_query *q = &l->queries[i];

		if (q->in != q->offered ||
		    q->in != q->aggregated + weir_ledger_dropped(q) + q->under_way)
			return false;
	}
	for (unsigned i = 0; i < l->n_sinks; i++) {
		const struct weir_ledger_sink *s = &l->sinks[i];

		if (s->offered !=
		    s->delivered + s->queued + s->dropped_error + s->dropped_queue_full + unsent(s))
			return false;
	}
	return true;
}

static const char *const passed_names[WEIR_PORT_N_PASSED] = {
	[WEIR_PORT_PASSED_UNUSED] = "unused",
	[WEIR_PORT_PASSED_NOT_IP] = "not_ip",
	[WEIR_PORT_PASSED_NO_SOCKET] = "no_socket",
	[WEIR_PORT_PASSED_NIC] = "nic",
};

static void
print_nic(const struct weir_ledger *l, FILE *out)
{
	uint64_t n = l->passed[WEIR_PORT_PASSED_NIC];

	if (n)
		fprintf(out,
		    "weir: the NIC dropped %s%" PRIu64 " packets that no query could use\n",
		    l->has_unknown ? "at least " : "", n);
	else if (l->has_unknown)
		fprintf(out, "weir: the NIC dropped packets that no query could use; its driver "
			     "does not tell how many\n");
}

/* What no query can use was not received, and is none of the packets that were. */
static void
print_passed(const struct weir_ledger *l, FILE *out)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < WEIR_PORT_N_PASSED; i++)
		all += i != WEIR_PORT_PASSED_NIC ? l->passed[i] : 0;
	print_nic(l, out);
	if (!all)
		return;
	fprintf(out, "weir: left %" PRIu64 " packets to the kernel:", all);
	for (unsigned i = 0, n = 0; i < WEIR_PORT_N_PASSED; i++)
		if (l->passed[i] && i != WEIR_PORT_PASSED_NIC)
			fprintf(
			    out, "%s %s %" PRIu64, n++ ? "," : "", passed_names[i], l->passed[i]);
	fprintf(out, "\n");
}

static void
print_decode(const struct weir_ledger *l, FILE *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WEIR_N_DECODE_REASONS; i++) {
		if (!l->decode.reason[i])
			continue;
		fprintf(out, "%s%s %" PRIu64,
		    n++ ? ", " : "weir: not decoded: ", weir_decode_reasons[i].name,
		    l->decode.reason[i]);
	}
	if (n)
		fprintf(out, "\n");
}

static void
print_query(const struct weir_ledger_query *q, FILE *out)
{
	fprintf(
	    out, "weir: query %s: in %" PRIu64 " = kept %" PRIu64, q->name, q->in, q->aggregated);
	for (unsigned i = 0; i < WEIR_N_DROP_REASONS; i++)
		if (q->dropped[i])
			fprintf(out, " + %s %" PRIu64, reasons[i].name, q->dropped[i]);
	fprintf(out, "; rows %" PRIu64, q->rows);
	if (q->overflow == WEIR_OVERFLOW_SAMPLE && q->sampling < 1)
		fprintf(out, ", a sample of 1 key in %.0f", 1 / q->sampling);
	if (q->left_out)
		fprintf(out, ", %" PRIu64 " values of growing aggregates left out", q->left_out);
	if (q->crowded)
		fprintf(out, ", %" PRIu64 " times no room in a sliding window", q->crowded);
	if (q->undercount)
		fprintf(out, ", each lacks at most %" PRIu64 " packets", q->undercount);
	fprintf(out, "\n");
}

/* Why packets did not leave, and by which ports the others did. */
static void
print_forward(const struct weir_ledger_sink *s, FILE *out)
{
	for (unsigned r = 0; r < WEIR_N_FORWARD_REASONS; r++)
		if (s->unsent[r])
			fprintf(out, ", dropped %s %" PRIu64, weir_forward_reason_names[r],
			    s->unsent[r]);
	if (s->moved)
		fprintf(out, ", moved %" PRIu64, s->moved);
	for (unsigned i = 0; s->n_ports > 1 && i < s->n_ports; i++)
		fprintf(out, "%s%s %" PRIu64, i ? ", " : " (", s->ports[i], s->sent_by[i]);
	if (s->n_ports > 1)
		fprintf(out, ")");
}

void
weir_ledger_print(const struct weir_ledger *l, FILE *out)
{
	char packets[32], bytes[32], rate[32];
	double s = l->elapsed_s > 0 ? l->elapsed_s : 0;

	fprintf(out, "weir: received %" PRIu64 " packets (%s), %" PRIu64 " bytes (%s) in %.3f s",
	    l->packets, weir_text_count((double)l->packets, packets, 32), l->bytes,
	    weir_text_count((double)l->bytes, bytes, 32), s);
	if (s > 0)
		fprintf(out, ", %spps", weir_text_count((double)l->packets / s, rate, 32));
	fprintf(out, "; lost %" PRIu64 " by nic, %" PRIu64 " for want of buffers\n", l->lost_nic,
	    l->lost_no_buffer);
	if (l->has_guest)
		fprintf(out, "weir: left %" PRIu64 " packets more to the wire\n", l->guest);
	print_passed(l, out);
	print_decode(l, out);
	for (unsigned i = 0; i < l->n_queries; i++)
		print_query(&l->queries[i], out);
	for (unsigned i = 0; i < l->n_sinks; i++) {
		const struct weir_ledger_sink *k = &l->sinks[i];

		fprintf(out, "weir: sink %s: delivered %" PRIu64, k->uri, k->delivered);
		if (k->dropped_error)
			fprintf(out, ", dropped by write errors %" PRIu64, k->dropped_error);
		if (k->dropped_queue_full)
			fprintf(out, ", dropped by a full queue %" PRIu64, k->dropped_queue_full);
		if (k->forwards)
			print_forward(k, out);
		fprintf(out, "\n");
	}
	if (l->cluster)
		weir_span_print(l->cluster, out);
	if (l->latency)
		weir_latency_set_print(l->latency, out);
	if (!weir_ledger_is_balanced(l))
		fprintf(out, "weir: error: the ledger does not balance; please report this\n");
}

static json_t *
number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *
table_json(const struct weir_ledger_query *q)
{
	json_t *o = json_object();

	json_object_set_new(o, "size", number(q->table_size));
	json_object_set_new(o, "overflow", json_string(weir_overflow_name(q->overflow)));
	json_object_set_new(o, "keys", number(q->table_keys));
	json_object_set_new(o, "bytes", number(q->table_bytes));
	return o;
}

static json_t *
query_json(const struct weir_ledger_query *q)
{
	json_t *dropped = json_object(), *o = json_object();

	for (unsigned i = 0; i < WEIR_N_DROP_REASONS; i++)
		json_object_set_new(dropped, reasons[i].name, number(q->dropped[i]));
	json_object_set_new(o, "in", number(q->in));
	json_object_set_new(o, "aggregated", number(q->aggregated));
	json_object_set_new(o, "dropped", dropped);
	json_object_set_new(o, "rows", number(q->rows));
	if (q->crowded)
		json_object_set_new(o, "crowded", number(q->crowded));
	if (q->table_size)
		json_object_set_new(o, "table", table_json(q));
	else if (q->sampling >= 1 && !q->undercount && !q->left_out)
		return o; /* rows of other queries, of which nothing was left out */
	if (q->left_out)
		json_object_set_new(o, "left_out", number(q->left_out));
	if (q->overflow == WEIR_OVERFLOW_SAMPLE)
		json_object_set_new(o, "sampling", json_real(q->sampling));
	if (q->overflow == WEIR_OVERFLOW_EVICT)
		json_object_set_new(o, "undercount", number(q->undercount));
	return o;
}

static json_t *
sink_json(const struct weir_ledger_sink *s)
{
	json_t *dropped = json_object(), *ports = json_object(), *o = json_object();

	json_object_set_new(dropped, "error", number(s->dropped_error));
	json_object_set_new(dropped, "queue_full", number(s->dropped_queue_full));
	json_object_set_new(o, "delivered", number(s->delivered));
	if (s->queued)
		json_object_set_new(o, "queued", number(s->queued));
	json_object_set_new(o, "dropped", dropped);
	if (!s->forwards) {
		json_decref(ports);
		return o;
	}
	for (unsigned r = 0; r < WEIR_N_FORWARD_REASONS; r++)
		json_object_set_new(dropped, weir_forward_reason_names[r], number(s->unsent[r]));
	for (unsigned i = 0; i < s->n_ports; i++)
		json_object_set_new(ports, s->ports[i], number(s->sent_by[i]));
	json_object_set_new(o, "moved", number(s->moved));
	json_object_set_new(o, "ports", ports);
	return o;
}

static json_t *
pair(const char *a, uint64_t na, const char *b, uint64_t nb)
{
	json_t *o = json_object();

	json_object_set_new(o, a, number(na));
	json_object_set_new(o, b, number(nb));
	return o;
}

json_t *
weir_ledger_json(const struct weir_ledger *l)
{
	json_t *root = json_object(), *decode = json_object(), *queries = json_object(),
	       *sinks = json_object(), *passed = json_object();

	json_object_set_new(root, "elapsed_s", json_real(l->elapsed_s));
	json_object_set_new(root, "received", pair("packets", l->packets, "bytes", l->bytes));
	if (l->has_guest)
		json_object_set_new(json_object_get(root, "received"), "wire", number(l->guest));
	json_object_set_new(root, "lost", pair("nic", l->lost_nic, "no_buffer", l->lost_no_buffer));
	for (unsigned i = 0; i < WEIR_PORT_N_PASSED; i++)
		json_object_set_new(passed, passed_names[i],
		    i == WEIR_PORT_PASSED_NIC && l->has_unknown ? json_null()
								: number(l->passed[i]));
	json_object_set_new(root, "passed", passed);
	for (unsigned i = 0; i < WEIR_N_DECODE_REASONS; i++)
		json_object_set_new(
		    decode, weir_decode_reasons[i].name, number(l->decode.reason[i]));
	json_object_set_new(root, "decode", decode);
	for (unsigned i = 0; i < l->n_queries; i++)
		json_object_set_new(queries, l->queries[i].name, query_json(&l->queries[i]));
	json_object_set_new(root, "queries", queries);
	for (unsigned i = 0; i < l->n_sinks; i++)
		json_object_set_new(sinks, l->sinks[i].uri, sink_json(&l->sinks[i]));
	json_object_set_new(root, "sinks", sinks);
	if (l->cluster)
		json_object_set(root, "cluster", l->cluster);
	if (l->latency)
		json_object_set_new(root, "latency", weir_latency_set_json(l->latency));
	json_object_set_new(root, "balanced", json_boolean(weir_ledger_is_balanced(l)));
	return root;
}

int
weir_ledger_open(const char *path, FILE **ret, struct weir_error *err)
{
	bool is_regular;
	FILE *out;
	int fd, rc;

	if (!path[0])
		return weir_error_usage(err, "--stats '': the name of a file is needed, or -");
	if (strcmp(path, "-") == 0) {
		*ret = stdout;
		return 0;
	}
	rc = weir_file_create(path, &fd, &is_regular, err);
	if (rc)
		return weir_error_wrap(err, "--stats");
	out = fdopen(fd, "w");
	if (!out) {
		close(fd);
		return weir_error_run(err, -ENOMEM, "out of memory");
	}
	*ret = out;
	return 0;
}

int
weir_ledger_write(const struct weir_ledger *l, const char *path, FILE *out, struct weir_error *err)
{
	json_t *root = weir_ledger_json(l);
	int is_bad = json_dumpf(root, out, JSON_COMPACT | JSON_REAL_PRECISION(9)) ||
		     fputc('\n', out) == EOF || fflush(out);

	json_decref(root);
	if (out != stdout && fclose(out))
		is_bad = 1;
	if (!is_bad)
		return 0;
	weir_file_write_error(err, errno, path);
	return weir_error_wrap(err, "--stats");
}

void
weir_ledger_fini(struct weir_ledger *l)
{
	for (unsigned i = 0; i < l->n_sinks; i++) {
		for (unsigned k = 0; k < l->sinks[i].n_ports; k++)
			free(l->sinks[i].ports[k]);
		free(l->sinks[i].uri);
	}
	for (unsigned i = 0; i < l->n_queries; i++)
		free(l->queries[i].name);
	free(l->queries);
	free(l->sinks);
	free(l->latency);
	json_decref(l->cluster);
}
