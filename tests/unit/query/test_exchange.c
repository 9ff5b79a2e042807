/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>
#include <weir/query/plan.h>

#include "check.h"
#include "random.h"

/*
 * A query whose rows go to the workers that own them gives the rows that one worker alone does.
 * Workers take batches in turn and drain what they receive now and then, all on one thread.
 */

#define MAX_WORKERS 5
#define BATCHES     60
#define STEP_NS     100
#define JITTER_NS   5000

struct worker {
	struct weir_path *path;
	struct weir_aggregator *aggregator;
	struct weir_path_exchange e;
	struct weir_group_counters counters;
	int64_t high_ns;
};

struct run {
	char *words;
	char *argv[32];
	struct weir_command_line line;
	struct weir_command command;
	struct weir_plan *plan;
	struct weir_group_spec spec;
	unsigned n_workers;
	struct worker workers[MAX_WORKERS];
	struct weir_exchange *x;
	struct weir_pane *panes[4096];
	unsigned n_panes;
};

static void
run_init(struct run *r, const char *words, unsigned n_workers)
{
	struct weir_error err = { 0 };
	char *save = NULL;
	int argc = 1;

	memset(r, 0, sizeof(*r));
	r->words = strdup(words);
	r->argv[0] = r->words;
	for (char *w = strtok_r(r->words, "|", &save); w; w = strtok_r(NULL, "|", &save))
		r->argv[argc++] = w;
	CU_ASSERT_EQUAL_FATAL(weir_options_parse(weir_flags, argc, r->argv, &r->line, &err), 0);
	CU_ASSERT_EQUAL_FATAL(weir_command_build(&r->line, &r->command, &err), 0);
	weir_plan_build(&r->command, false, &r->plan, &err);
	CHECK_TEXT(err.text, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->plan);
	weir_plan_group_spec(r->plan, &r->plan->queries[0], &r->spec);
	r->n_workers = n_workers;
	for (unsigned i = 0; i < n_workers; i++) {
		struct worker *w = &r->workers[i];

		CU_ASSERT_EQUAL_FATAL(weir_path_build(&r->command.queries[0], true,
					  &r->plan->default_window, WEIR_SIMD_AUTO, &w->path, &err),
		    0);
		w->aggregator = weir_aggregator_create(&r->spec, &err);
		w->high_ns = INT64_MIN;
		weir_route_start(w->path->route, n_workers, 7);
	}
	struct weir_exchange_spec spec = { n_workers, r->workers[0].path->n_moved,
		r->workers[0].path->moved, 2, 5000 };

	CU_ASSERT_EQUAL_FATAL(weir_exchange_create(&spec, &r->x, &err), 0);
	for (unsigned i = 0; i < n_workers; i++) {
		r->workers[i].e.exchange = r->x;
		r->workers[i].e.worker = i;
		r->workers[i].e.spec = &r->spec;
	}
}

static void
run_fini(struct run *r)
{
	for (unsigned i = 0; i < r->n_panes; i++)
		weir_pane_destroy(r->panes[i]);
	for (unsigned i = 0; i < r->n_workers; i++) {
		weir_aggregator_destroy(r->workers[i].aggregator);
		weir_path_destroy(r->workers[i].path);
	}
	weir_exchange_destroy(r->x);
	weir_plan_destroy(r->plan);
	weir_command_fini(&r->command);
	weir_command_line_free(&r->line);
	free(r->words);
}

static const uint8_t text[] = "GET /index.html HTTP/1.1\r\nHost: example.org\r\n";

static void
put_number(struct weir_column *c, unsigned row, uint64_t x)
{
	if (!c->data)
		return;
	if (c->store == WEIR_U8)
		((uint8_t *)c->data)[row] = (uint8_t)x;
	else if (c->store == WEIR_U16)
		((uint16_t *)c->data)[row] = (uint16_t)x;
	else if (c->store == WEIR_U32)
		((uint32_t *)c->data)[row] = (uint32_t)x;
	else if (c->store == WEIR_I64)
		((int64_t *)c->data)[row] = (int64_t)x;
}

static void
put_address(struct weir_column *c, unsigned row, uint64_t x, bool is_ipv6)
{
	if (!c->data)
		return;
	((struct weir_addr *)c->data)[row] = (struct weir_addr){ is_ipv6 ? ~x : 0, x };
	c->version[row] = is_ipv6 ? 6 : 4;
}

/* Batch number i: the same whoever asks. */
static void
fill(struct weir_batch *b, unsigned i)
{
	uint64_t rng = i;

	b->n = (uint32_t)(random_next(&rng) % WEIR_ROWS) + 1;
	b->first_number = (int64_t)i * WEIR_ROWS + 1;
	for (unsigned r = 0; r < b->n; r++) {
		uint64_t flow = random_next(&rng) % 300;
		bool is_ip = random_next(&rng) % 20 != 0;

		b->time_ns[r] = ((int64_t)i * WEIR_ROWS + r) * STEP_NS -
				(int64_t)(random_next(&rng) % JITTER_NS);
		if (random_next(&rng) % 70 == 0)
			b->time_ns[r] = WEIR_TIME_NONE;
		put_address(&b->col[WEIR_FIELD_IP_SRC], r, flow % 40, flow % 3 == 0);
		put_address(&b->col[WEIR_FIELD_IP_DST], r, flow % 7, flow % 3 == 0);
		put_number(&b->col[WEIR_FIELD_IP_PROTO], r, flow % 2 ? 6 : 17);
		put_number(&b->col[WEIR_FIELD_SRCPORT], r, flow * 211);
		put_number(&b->col[WEIR_FIELD_DSTPORT], r, flow % 5);
		put_number(&b->col[WEIR_FIELD_FRAME_LEN], r, random_next(&rng) % 1500);
		if (b->col[WEIR_FIELD_PAYLOAD].data)
			((struct weir_bytes *)b->col[WEIR_FIELD_PAYLOAD].data)[r] =
			    (struct weir_bytes){ text + flow % 9, (uint32_t)(flow % 30) };
		for (unsigned f = WEIR_FIELD_IP_VERSION; f <= WEIR_FIELD_DSTPORT; f++) {
			if (!b->col[f].data)
				continue;
			weir_mask_clear(b->col[f].null, r);
			if (!is_ip)
				weir_mask_set(b->col[f].null, r);
		}
	}
}

static void
note_times(struct worker *w, const struct weir_batch *b)
{
	for (unsigned r = 0; r < b->n; r++)
		w->high_ns = b->time_ns[r] > w->high_ns ? b->time_ns[r] : w->high_ns;
}

static void
close_panes(struct run *r, struct worker *w, int64_t watermark_ns)
{
	while (r->n_panes < 4096 &&
	       (r->panes[r->n_panes] = weir_aggregator_close(w->aggregator, watermark_ns)))
		r->n_panes++;
}

static void
drain(struct run *r, unsigned i)
{
	int64_t low = weir_exchange_low(r->x);
	struct worker *w = &r->workers[i];
	struct weir_exchange_block *b;

	while ((b = weir_exchange_take(r->x, i))) {
		weir_path_gather(w->path, b, w->aggregator, &w->counters);
		weir_exchange_give_back(r->x, i, b);
	}
	close_panes(r, w, low);
}

/* One batch by one worker, until nothing is left. */
static void
work(struct run *r, unsigned i, struct weir_batch *b)
{
	struct worker *w = &r->workers[i];
	struct weir_rows rows;

	weir_path_bind(w->path, b);
	weir_path_run(w->path, b, NULL, &rows);
	weir_path_scatter(w->path, &w->e, &rows, w->high_ns, w->aggregator, &w->counters);
	note_times(w, b);
	while (weir_mask_count(w->e.left)) {
		for (unsigned k = 0; k < r->n_workers; k++)
			drain(r, k);
		weir_path_scatter_again(w->path, &w->e, &rows);
	}
}

static void
run_exchanged(struct run *r)
{
	struct weir_batch *b = weir_batch_create(&r->plan->needed);
	uint64_t rng = 1;

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (unsigned i = 0; i < BATCHES; i++) {
		unsigned who = i % r->n_workers;
		struct worker *w = &r->workers[who];

		fill(b, i);
		work(r, who, b);
		if (random_next(&rng) % 2) {
			weir_exchange_flush(r->x, who, &w->e.counters);
			weir_exchange_publish(r->x, who, w->high_ns);
		}
		if (random_next(&rng) % 2)
			drain(r, (unsigned)(random_next(&rng) % r->n_workers));
	}
	for (unsigned i = 0; i < r->n_workers; i++) {
		weir_exchange_flush(r->x, i, &r->workers[i].e.counters);
		weir_exchange_publish(r->x, i, INT64_MAX);
	}
	for (unsigned i = 0; i < r->n_workers; i++)
		drain(r, i);
	weir_batch_destroy(b);
}

/* Without an exchange: each worker aggregates its own batches. */
static void
run_combined(struct run *r)
{
	struct weir_batch *b = weir_batch_create(&r->plan->needed);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (unsigned i = 0; i < BATCHES; i++) {
		struct worker *w = &r->workers[i % r->n_workers];
		struct weir_rows rows;

		fill(b, i);
		weir_path_bind(w->path, b);
		weir_path_run(w->path, b, NULL, &rows);
		weir_path_group(w->path, &rows, w->high_ns, w->aggregator, &w->counters);
		note_times(w, b);
	}
	for (unsigned i = 0; i < r->n_workers; i++)
		close_panes(r, &r->workers[i], INT64_MAX);
	weir_batch_destroy(b);
}

static void
print_block(const struct weir_block *b, FILE *out)
{
	for (uint32_t row = 0; row < b->n_rows; row++) {
		fprintf(out, "%lld", (long long)b->window_start_ns);
		for (unsigned c = 0; c < b->schema->n_columns; c++) {
			struct weir_value v = weir_column_get(&b->columns[c], row);
			char buf[512];

			weir_value_text(&v, buf, sizeof(buf));
			fprintf(out, " %s", buf);
		}
		fprintf(out, "\n");
	}
}

/* All windows, panes of one merged, oldest first, rows in order: as text, to be freed. */
static char *
rows_text(struct run *r)
{
	char *all = NULL;
	size_t size;
	FILE *out = open_memstream(&all, &size);

	for (unsigned left = r->n_panes; left;) {
		struct weir_pane *p = NULL;
		struct weir_block *b = weir_block_create(&r->workers[0].path->schema, 0);

		for (unsigned i = 0; i < r->n_panes; i++)
			if (r->panes[i] &&
			    (!p || weir_pane_start(r->panes[i]) < weir_pane_start(p)))
				p = r->panes[i];
		for (unsigned i = 0; i < r->n_panes; i++) {
			struct weir_pane *q = r->panes[i];

			if (!q || weir_pane_start(q) != weir_pane_start(p))
				continue;
			if (q != p) {
				CU_ASSERT_EQUAL(weir_pane_merge(p, q), 0);
				weir_pane_destroy(q);
			}
			r->panes[i] = NULL;
			left--;
		}
		CU_ASSERT_EQUAL(weir_pane_rows(p, 0, UINT32_MAX, b), 0);
		CU_ASSERT_EQUAL(weir_block_sort(b, -1, 0), 0);
		print_block(b, out);
		weir_block_destroy(b);
		weir_pane_destroy(p);
	}
	r->n_panes = 0;
	fclose(out);
	return all;
}

static struct weir_group_counters
counted(const struct run *r)
{
	struct weir_group_counters sum = { 0 };

	for (unsigned i = 0; i < r->n_workers; i++) {
		const struct weir_group_counters *c = &r->workers[i].counters;

		sum.aggregated += c->aggregated;
		sum.null_key += c->null_key;
		sum.late += c->late;
		sum.no_time += c->no_time;
		sum.overflow += c->overflow;
	}
	return sum;
}

static void
check(const char *split, const char *query)
{
	char words[512];
	struct run alone, r;
	struct weir_group_counters want, got;
	char *want_text, *text_;

	snprintf(words, sizeof(words), "-r|x|--table-size|1k|--lateness|1ms|--split|%s|%s", split,
	    query);
	run_init(&alone, words, 1);
	run_combined(&alone);
	want = counted(&alone);
	want_text = rows_text(&alone);
	CU_ASSERT(want.aggregated > 1000 && strlen(want_text) > 100);
	for (unsigned n = 1; n <= MAX_WORKERS; n++) {
		uint64_t n_moved = 0;

		run_init(&r, words, n);
		run_exchanged(&r);
		got = counted(&r);
		CU_ASSERT_EQUAL(memcmp(&got, &want, sizeof(got)), 0);
		for (unsigned i = 0; i < n; i++) {
			n_moved += r.workers[i].e.counters.rows;
			CU_ASSERT_EQUAL(r.workers[i].e.counters.too_large, 0);
		}
		CU_ASSERT(n == 1 ? n_moved == 0 : n_moved > want.aggregated / 4);
		text_ = rows_text(&r);
		if (strcmp(text_, want_text) != 0)
			fprintf(stderr, "%u workers: rows differ of %s\n", n, words);
		CU_ASSERT_STRING_EQUAL(text_, want_text);
		free(text_);
		run_fini(&r);
	}
	free(want_text);
	run_fini(&alone);
}

/* Rows and counts of n workers, with the exchange and without. */
static void
check_late(const char *split, unsigned n)
{
	struct weir_group_counters want, got;
	char words[256], *want_text, *text_;
	struct run r;

	snprintf(words, sizeof(words),
	    "-r|x|--table-size|1k|--lateness|0s|--window|2us|--key|ip.dst|--split|%s|"
	    "--agg|n=count(),sum(frame.len)",
	    split);
	run_init(&r, words, n);
	run_combined(&r);
	want = counted(&r);
	want_text = rows_text(&r);
	run_fini(&r);
	run_init(&r, words, n);
	run_exchanged(&r);
	got = counted(&r);
	text_ = rows_text(&r);
	run_fini(&r);
	CU_ASSERT(want.late > 100 && want.no_time > 10 && want.null_key > 10);
	CU_ASSERT_EQUAL(memcmp(&got, &want, sizeof(got)), 0);
	CU_ASSERT_STRING_EQUAL(text_, want_text);
	free(text_);
	free(want_text);
}

static void
who_received_a_row_says_whether_it_is_late(void)
{
	for (unsigned n = 1; n <= MAX_WORKERS; n++) {
		check_late("key", n);
		check_late("rr", n);
	}
}

static const char *const splits[] = { "key", "hash", "hash:64", "rr", "rr:7",
	"range:frame.len:300,600,900,1200", "range:ip.src:0.0.0.9,0.0.0.20,::" };

static void
check_all(const char *query)
{
	for (unsigned i = 0; i < sizeof(splits) / sizeof(splits[0]); i++)
		check(splits[i], query);
}

static void
sums_are_those_of_one_worker(void)
{
	check_all("--key|5tuple|--agg|n=count(),b=sum(frame.len),mean(frame.len),max(frame.len)");
	check_all("--key|ip.dst|--window|100us|--agg|n=count(),sum(frame.len),max(srcport)");
}

static void
order_is_that_of_one_worker(void)
{
	check_all("--key|ip.dst|--agg|f=first(frame.len),l=last(frame.len),last(ip.src)");
	check_all("--key|dstport|--window|1ms|--agg|first(srcport),last(srcport)");
}

static void
strings_and_computed_columns_travel(void)
{
	check_all("--map|u=upper(payload),d=frame.len*2|--where|frame.len > 100|"
		  "--key|u,net=net(ip.src,28)|--agg|n=count(),sum(d),first(payload),last(u)");
}

static void
a_column_travels_once(void)
{
	struct run r;

	run_init(&r,
	    "-r|x|--split|key|--key|ip.src,x=ip.src|--agg|"
	    "n=count(),sum(frame.len),max(frame.len),last(ip.src),sum(frame.len+1)",
	    2);
	CU_ASSERT_EQUAL(r.workers[0].path->n_moved, 3);
	run_fini(&r);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "sums are those of one worker", sums_are_those_of_one_worker },
		{ "order is that of one worker", order_is_that_of_one_worker },
		{ "strings and computed columns travel", strings_and_computed_columns_travel },
		{ "who received a row says whether it is late",
		    who_received_a_row_says_whether_it_is_late },
		{ "a column travels once", a_column_travels_once },
		CU_TEST_INFO_NULL,
	};

	return check_run("query: exchange", tests);
}
