/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <weir/measure/report.h>

/*
 * usage: measure_report json|table|hdr|svg [empty|few|strange]
 *
 * Write a report whose figures are known: report.py reads it.
 *
 *   floor      1000 probes, delays 1001, 1002 ... 2000 ns
 *   "50 %"     20000 probes, one in 100 lost, every 50th is 100 us late and comes behind 3 others
 *   empty      nothing came at all
 *   few        of each load 10 probes
 *   strange    names that no format takes as they are
 */

#define N_LOADS 3

struct load {
	struct weir_sequence *sequence;
	struct weir_series *series;
};

static void
check(int rc)
{
	if (rc)
		exit(3);
}

static void
begin(struct load *l)
{
	struct weir_sequence_config c = { .late_ns = 90000 };

	check(weir_sequence_create(&c, &l->sequence));
	check(weir_series_create(0, 0, &l->series));
}

static void
end(struct load *l, uint64_t sent, struct weir_measurement *m)
{
	weir_series_close(l->series, INT64_C(1) << 50);
	weir_sequence_get(l->sequence, sent, &m->counts);
	m->delay = weir_sequence_delay(l->sequence);
	m->ipdv = weir_sequence_ipdv(l->sequence);
	m->series = l->series;
}

static void
add(struct load *l, uint64_t number, int64_t sent_ns, int64_t delay_ns)
{
	weir_sequence_add(l->sequence, number, delay_ns);
	weir_series_add(l->series, sent_ns + delay_ns, delay_ns);
}

static void
fill_floor(struct load *l, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		add(l, i, (int64_t)i * 1000000, 1001 + (int64_t)i);
}

/* Probes by the time of arrival: those that are late come with the fourth after them. */
static void
fill_load(struct load *l, unsigned n, int64_t base_ns)
{
	for (unsigned i = 0; i < n; i++) {
		int64_t sent_ns = (int64_t)i * 100000, ns = base_ns + (int64_t)(i * 7919u % 4001);

		if (i % 100 != 99 && i % 50 != 0)
			add(l, i, sent_ns, ns);
		if (i % 50 == 3)
			add(l, i - 3, sent_ns - 300000, 300000 + ns + 1);
	}
}

int
main(int argc, char **argv)
{
	const char *format = argc > 1 ? argv[1] : "", *kind = argc > 2 ? argv[2] : "";
	static const char *const labels[N_LOADS] = { "10 %", "50 %", "90 %" };
	unsigned n = strcmp(kind, "empty") == 0 ? 0 : strcmp(kind, "few") == 0 ? 10 : 20000;
	struct weir_measurement floor = { .label = "floor",
		.share = NAN,
		.offered_pps = 1000,
		.sent_pps = 1000,
		.duration_ns = 1000000000 };
	struct weir_measurement loads[N_LOADS];
	struct load of_floor, of_loads[N_LOADS];
	struct weir_search_found found[2] = {
		{ .is_complete = true,
		    .has_lower = true,
		    .has_upper = true,
		    .lower_pps = 1234500,
		    .upper_pps = 1240000,
		    .conditional_pps = 1234500,
		    .n_trials = 12,
		    .spent_ns = 12000000000 },
		{ .goal = { .loss_ratio = 0.005 }, .has_upper = true, .upper_pps = 1000 },
	};
	struct weir_report r = { .path = "veth0 -> veth1",
		.clock = "TSC",
		.error_ns = 25,
		.frame_bytes = 64,
		.floor = &floor,
		.loads = loads,
		.n_loads = N_LOADS,
		.found = found,
		.n_found = 2 };

	begin(&of_floor);
	fill_floor(&of_floor, n < 1000 ? n : 1000);
	end(&of_floor, n < 1000 ? n : 1000, &floor);
	for (unsigned i = 0; i < N_LOADS; i++) {
		begin(&of_loads[i]);
		fill_load(&of_loads[i], n, 5000 << 2 * i);
		loads[i] = (struct weir_measurement){ .label = labels[i],
			.share = 0.1 + 0.4 * i,
			.offered_pps = 10000,
			.sent_pps = 9999.5,
			.duration_ns = 2000000000 };
		end(&of_loads[i], n, &loads[i]);
	}
	if (strcmp(kind, "strange") == 0) {
		r.path = "a<b>&\"c\"]]>\xff\xc3\xa9\xed\xa0\x80\x01";
		loads[0].label = "</text><script>\xf0\x9f\x98\x80\xef\xbf\xbf";
	}
	if (strcmp(format, "json") == 0)
		check(weir_report_json_write(&r, stdout, "-", NULL));
	else if (strcmp(format, "table") == 0)
		weir_report_table(&r, stdout);
	else if (strcmp(format, "hdr") == 0)
		weir_report_hdr(loads[1].delay, stdout);
	else if (strcmp(format, "svg") == 0)
		weir_report_svg(&r, stdout);
	else
		return 2;
	for (unsigned i = 0; i <= N_LOADS; i++) {
		struct load *l = i ? &of_loads[i - 1] : &of_floor;

		weir_sequence_destroy(l->sequence);
		weir_series_destroy(l->series);
	}
	return 0;
}
