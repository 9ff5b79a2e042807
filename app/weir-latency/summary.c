/* SPDX-License-Identifier: BSD-3-Clause */
#include "summary.h"

#include <inttypes.h>
#include <math.h>
#include <rte_ethdev.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/number.h>
#include <weir/base/time.h>

#include "receiver.h"

#define CLOCK_READS 1000

struct summary {
	const struct session *session;
	struct weir_report report;
	char path[256];
	char clock[96];
	const char *nic; /* what became of the NIC's time stamps */
	struct weir_measurement floor;
	struct weir_measurement loads[2 * CONFIG_LOADS];
	const struct outcome *of_floor, *of_loads[2 * CONFIG_LOADS];
};

/* What the kernel reads CLOCK_MONOTONIC from; and the NIC, where it says when packets came. */
static void
describe_clock(const struct session *s, char *buf, size_t size)
{
	const struct receiver *r = s->path.receiver;
	FILE *f = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
	char source[32] = "";

	if (f && fscanf(f, "%31s", source) != 1)
		source[0] = '\0';
	if (f)
		fclose(f);
	snprintf(buf, size, "CLOCK_MONOTONIC%s%s%s%s", source[0] ? " (" : "", source,
	    source[0] ? ")" : "", r && r->n_stamped ? " to send, the NIC's to receive" : "");
}

/* One reading, which is the most by which two may be off besides the poll between them. */
static int64_t
clock_error(void)
{
	int64_t begin = weir_now_mono_ns(), end = begin;

	for (unsigned i = 0; i < CLOCK_READS; i++)
		end = weir_now_mono_ns();
	return 1 + (end - begin) / CLOCK_READS;
}

/* Without its arguments. */
static const char *
port_name(const struct weir_port *p)
{
	return p->interface[0] ? p->interface : p->device;
}

static bool
can_stamp(const struct weir_port *p)
{
	struct rte_eth_dev_info info;

	return p && p->n_rx && rte_eth_dev_info_get(p->rx[0].id, &info) == 0 &&
	       info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_TIMESTAMP;
}

static const char *
nic_stamps(const struct session *s)
{
	const struct receiver *r = s->path.receiver;

	if (r && r->n_stamped)
		return "used";
	return can_stamp(s->rx) ? "not used" : "none";
}

static void
fill(const struct session *s, const struct outcome *o, struct weir_measurement *m)
{
	*m = (struct weir_measurement){
		.label = o->name,
		.share = o->share >= 0 ? o->share : NAN,
		.offered_pps = o->pps,
		.sent_pps = o->sent.pps,
		.duration_ns = o->sent.duration_ns,
		.delay = weir_sequence_delay(o->tally.sequence),
		.ipdv = weir_sequence_ipdv(o->tally.sequence),
		.series = o->tally.series,
	};
	weir_sequence_get(o->tally.sequence,
	    o->is_floor ? o->sent.n : frame_count_back(&s->config->frame, o->sent.n), &m->counts);
}

struct summary *
summary_make(const struct session *s)
{
	struct summary *m = calloc(1, sizeof(*m));
	const struct config *c = s->config;

	if (!m)
		return NULL;
	m->session = s;
	snprintf(m->path, sizeof(m->path), "%s -> %s", port_name(s->tx),
	    c->rows ? c->rows : port_name(s->rx));
	describe_clock(s, m->clock, sizeof(m->clock));
	m->nic = nic_stamps(s);
	m->report = (struct weir_report){ .path = m->path,
		.clock = m->clock,
		.error_ns =
		    clock_error() + (s->path.receiver ? s->path.receiver->stamp_error_ns : 0),
		.frame_bytes = (uint32_t)lround(frame_mean(&c->frame)),
		.loads = m->loads,
		.found = &s->ndr.found,
		.n_found = s->ndr.found.n_trials ? 1 : 0 };
	for (unsigned i = 0; i < s->n_outcomes; i++) {
		const struct outcome *o = s->outcomes[i];

		if (!o->tally.sequence)
			continue; /* stopped before it began */
		if (i == 0 && o->is_floor) {
			fill(s, o, &m->floor);
			m->report.floor = &m->floor;
			m->of_floor = o;
		} else {
			m->of_loads[m->report.n_loads] = o;
			fill(s, o, &m->loads[m->report.n_loads++]);
		}
	}
	return m;
}

void
summary_free(struct summary *m)
{
	free(m);
}

const struct weir_report *
summary_report(const struct summary *m)
{
	return &m->report;
}

static void
print_sender(const struct outcome *o, FILE *out)
{
	const struct weir_histogram *lag = &o->sent.lag;
	char p50[32], p99[32], max[32];

	fprintf(out, "sender at %s: behind its schedule by %s (P50), %s (P99), %s (max)", o->name,
	    weir_text_duration(weir_histogram_quantile(lag, 0.5), p50, sizeof(p50)),
	    weir_text_duration(weir_histogram_quantile(lag, 0.99), p99, sizeof(p99)),
	    weir_text_duration(weir_histogram_max(lag), max, sizeof(max)));
	if (o->sent.n_unsent)
		fprintf(out, "; %" PRIu64 " were not taken by the port", o->sent.n_unsent);
	if (o->tally.n_late)
		fprintf(out, "; %" PRIu64 " of those before came after --drain: lost there",
		    o->tally.n_late);
	if (o->tally.n_other)
		fprintf(out, "; %" PRIu64 " came that are no probes", o->tally.n_other);
	fputc('\n', out);
}

void
summary_print(const struct summary *m, FILE *out)
{
	const struct session *s = m->session;

	weir_report_table(&m->report, out);
	fprintf(out, "\nfloor: %s\n", s->floor.why);
	fprintf(out, "threads: %s, of %u CPU%s\n",
	    s->n_threads == 1 ? "one, that sends and receives in turns"
			      : "one to send, one to receive",
	    s->n_cpus, s->n_cpus == 1 ? "" : "s");
	for (unsigned i = 0; i < m->report.n_loads + (m->of_floor != NULL); i++)
		print_sender(
		    m->of_floor ? i ? m->of_loads[i - 1] : m->of_floor : m->of_loads[i], out);
	if (s->ndr.is_sender_limited)
		fprintf(out,
		    "the no-drop rate is the sender's, not the device's: it fell behind first\n");
	if (strcmp(m->nic, "used") == 0)
		fprintf(out, "the NIC of '%s' said when %" PRIu64 " probes came\n", s->config->rx,
		    s->path.receiver->n_stamped);
	else if (strcmp(m->nic, "not used") == 0)
		fprintf(out,
		    "the driver of '%s' can stamp what it receives: that is not used (profile, or "
		    "a clock that cannot be read)\n",
		    s->config->rx);
	if (s->is_interrupted)
		fprintf(out, "stopped by a signal: this is not all that was asked for\n");
}

static json_t *
sender_json(const struct outcome *o)
{
	const struct weir_histogram *h = &o->sent.lag;
	json_t *j = json_object();

	json_object_set_new(j, "probes", json_integer((json_int_t)o->sent.n));
	json_object_set_new(j, "not_sent", json_integer((json_int_t)o->sent.n_unsent));
	json_object_set_new(j, "behind_p50_ns", json_integer(weir_histogram_quantile(h, 0.5)));
	json_object_set_new(j, "behind_p99_ns", json_integer(weir_histogram_quantile(h, 0.99)));
	json_object_set_new(j, "behind_max_ns", json_integer(weir_histogram_max(h)));
	return j;
}

/* What is known of a measurement besides what is reported of all. */
static void
add_own(json_t *j, const struct outcome *o)
{
	json_object_set_new(j, "warmup_probes", json_integer((json_int_t)o->n_warmup));
	json_object_set_new(j, "late_of_earlier", json_integer((json_int_t)o->tally.n_late));
	json_object_set_new(j, "no_probes", json_integer((json_int_t)o->tally.n_other));
	json_object_set_new(j, "sender", sender_json(o));
}

/* The loads alone, or the floors alone, of what the table has one below the other. */
static json_t *
measurements_json(const struct summary *m, bool is_floor)
{
	struct weir_measurement some[2 * CONFIG_LOADS];
	const struct outcome *of[2 * CONFIG_LOADS];
	struct weir_report r = m->report;
	json_t *root, *list;

	r.floor = NULL;
	r.loads = some;
	r.n_loads = 0;
	if (is_floor && m->of_floor) {
		of[0] = m->of_floor;
		some[r.n_loads++] = m->floor;
	}
	for (unsigned i = 0; i < m->report.n_loads; i++)
		if (m->of_loads[i]->is_floor == is_floor) {
			of[r.n_loads] = m->of_loads[i];
			some[r.n_loads++] = m->loads[i];
		}
	root = weir_report_json(&r);
	list = json_incref(json_object_get(root, "loads"));
	json_decref(root);
	for (unsigned i = 0; i < r.n_loads; i++)
		add_own(json_array_get(list, i), of[i]);
	return list;
}

static json_t *
ndr_json(const struct ndr *n)
{
	json_t *j = json_object();

	json_object_set_new(j, "rate_pps", json_real(n->pps));
	json_object_set_new(j, "most_pps", json_real(n->most_pps));
	json_object_set_new(j, "sender_limited", json_boolean(n->is_sender_limited));
	return j;
}

json_t *
summary_json(const struct summary *m)
{
	const struct session *s = m->session;
	const struct config *c = s->config;
	json_t *root = weir_report_json(&m->report);

	if (!root)
		return NULL;
	json_object_set_new(root, "program", json_string("weir-latency"));
	json_object_set_new(root, "version", json_string(WEIR_VERSION));
	json_object_set_new(root, "threads", json_integer(s->n_threads));
	json_object_set_new(root, "cpus", json_integer(s->n_cpus));
	json_object_set_new(root, "rows", json_boolean(c->rows != NULL));
	json_object_set_new(root, "flows", json_integer(c->frame.n_flows));
	json_object_set_new(root, "floor_path", json_string(s->floor.why));
	json_object_set_new(root, "nic_timestamps", json_string(m->nic));
	json_object_set_new(root, "nic_stamped",
	    json_integer(s->path.receiver ? (json_int_t)s->path.receiver->n_stamped : 0));
	json_object_set_new(root, "interrupted", json_boolean(s->is_interrupted));
	json_object_set_new(root, "ndr", s->ndr.found.n_trials ? ndr_json(&s->ndr) : json_null());
	/* of all trials, so that they can be compared with what a device has counted */
	json_object_set_new(root, "sent_in_all", json_integer((json_int_t)s->n_sent));
	json_object_set_new(root, "received_in_all", json_integer((json_int_t)s->n_received));
	json_object_set_new(root, "loads", measurements_json(m, false));
	json_object_set_new(root, "floors", measurements_json(m, true));
	if (m->of_floor)
		add_own(json_object_get(root, "floor"), m->of_floor);
	return root;
}
