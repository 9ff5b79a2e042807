/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What it costs a row to be aggregated by another worker: all rows of a query on the 5-tuple are
 * scattered by one worker and gathered by another, against the same rows aggregated where they are.
 * Once with both on one thread, so that instructions alone count, and once on two, where cache
 * lines travel too; then what finding the owner costs. The median of batches, in ns a row: so that
 * a busy machine is no matter as long as batches are not interrupted.
 *
 * usage: exchange_cost [FLOWS]
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>
#include <weir/query/plan.h>

#define BATCHES 256
#define LAPS    8 /* over the batches, in a round */
#define ROUNDS  15
#define ROWS    (BATCHES * WEIR_ROWS)
#define PUBLISH 16 /* batches between what a worker publishes */

struct fixture {
	struct weir_command_line line;
	struct weir_command command;
	struct weir_plan *plan;
	struct weir_path *path[2]; /* of the sender and of the receiver */
	struct weir_group_spec spec;
	struct weir_batch *batches[BATCHES];
};

static void
must(int rc, const struct weir_error *err)
{
	if (!rc)
		return;
	fprintf(stderr, "exchange_cost: %s\n", err->text);
	exit(1);
}

static void
build(struct fixture *f, const char *split)
{
	char *argv[] = { (char[]){ "x" }, (char[]){ "-r" }, (char[]){ "x.pcap" },
		(char[]){ "--key" }, (char[]){ "5tuple" }, (char[]){ "--agg" },
		(char[]){ "packets=count(),bytes=sum(frame.len)" }, (char[]){ "--split" },
		strdup(split), (char[]){ "--table-size" }, (char[]){ "10M" } };
	struct weir_error err;

	must(weir_options_parse(weir_flags, 11, argv, &f->line, &err), &err);
	must(weir_command_build(&f->line, &f->command, &err), &err);
	must(weir_plan_build(&f->command, false, &f->plan, &err), &err);
	f->path[0] = f->plan->queries[0].path;
	must(weir_path_build(&f->command.queries[0], true, &f->plan->default_window, WEIR_SIMD_AUTO,
		 &f->path[1], &err),
	    &err);
	weir_plan_group_spec(f->plan, &f->plan->queries[0], &f->spec);
	for (unsigned i = 0; i < 2; i++)
		weir_route_start(f->path[i]->route, 2, 1);
}

static void
fill(struct fixture *f, unsigned flows)
{
	uint64_t x = 1;

	for (unsigned i = 0; i < BATCHES; i++) {
		struct weir_batch *b = weir_batch_create(&f->plan->needed);

		if (!b)
			abort();
		b->n = WEIR_ROWS;
		b->first_number = (int64_t)i * WEIR_ROWS + 1;
		for (unsigned r = 0; r < WEIR_ROWS; r++) {
			struct weir_column *c = b->col;
			uint64_t flow;

			x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
			flow = (x >> 33) % flows;
			b->time_ns[r] = (int64_t)(i * WEIR_ROWS + r) * 100;
			((struct weir_addr *)c[WEIR_FIELD_IP_SRC].data)[r].lo = 0x0a000000 + flow;
			((struct weir_addr *)c[WEIR_FIELD_IP_DST].data)[r].lo =
			    0xc0a80000 + flow % 251;
			c[WEIR_FIELD_IP_SRC].version[r] = c[WEIR_FIELD_IP_DST].version[r] = 4;
			((uint8_t *)c[WEIR_FIELD_IP_PROTO].data)[r] = flow % 2 ? 6 : 17;
			((uint16_t *)c[WEIR_FIELD_SRCPORT].data)[r] = (uint16_t)(flow * 7);
			((uint16_t *)c[WEIR_FIELD_DSTPORT].data)[r] = 443;
			((uint32_t *)c[WEIR_FIELD_FRAME_LEN].data)[r] = 64 + flow % 1000;
		}
		f->batches[i] = b;
	}
}

static struct weir_aggregator *
create_aggregator(const struct fixture *f)
{
	struct weir_error err;
	struct weir_aggregator *a = weir_aggregator_create(&f->spec, &err);

	must(!a, &err);
	return a;
}

static struct weir_exchange *
create_exchange(const struct fixture *f, bool is_ordered)
{
	struct weir_exchange_spec spec = {
		.is_ordered = is_ordered,
		.n_workers = 2,
		.n_columns = f->path[0]->n_moved,
		.columns = f->path[0]->moved,
	};
	struct weir_exchange *x = NULL;
	struct weir_error err;

	must(weir_exchange_create(&spec, &x, &err), &err);
	return x;
}

static void
run_stages(struct fixture *f, unsigned i, struct weir_rows *rows)
{
	weir_path_bind(f->path[0], f->batches[i]);
	weir_path_run(f->path[0], f->batches[i], NULL, rows);
}

/* What each batch took. */
struct samples {
	unsigned n;
	double ns[ROUNDS * LAPS * BATCHES]; /* a row */
};

static struct samples *
create_samples(void)
{
	struct samples *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	return s;
}

static void
add_sample(struct samples *s, int64_t begin_ns, uint32_t n)
{
	if (n && s->n < ROUNDS * LAPS * BATCHES)
		s->ns[s->n++] = (double)(weir_now_mono_ns() - begin_ns) / n;
}

static int
order(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* And frees them. */
static double
median(struct samples *s)
{
	double ns = 0;

	qsort(s->ns, s->n, sizeof(s->ns[0]), order);
	if (s->n)
		ns = s->ns[s->n / 2];
	free(s);
	return ns;
}

static double
direct(struct fixture *f)
{
	struct weir_aggregator *a = create_aggregator(f);
	struct weir_group_counters counters = { 0 };
	struct samples *samples = create_samples();

	for (unsigned i = 0; i < ROUNDS * LAPS * BATCHES; i++) {
		int64_t begin = weir_now_mono_ns();
		struct weir_rows rows;

		run_stages(f, i % BATCHES, &rows);
		weir_path_group(f->path[0], &rows, 0, a, &counters);
		add_sample(samples, begin, WEIR_ROWS);
	}
	weir_aggregator_destroy(a);
	return median(samples);
}

/* Ordered: batches of two senders in turn, who publish now and then; so it is measured so long. */
static double
one_thread(struct fixture *f, bool is_ordered)
{
	struct weir_aggregator *own = create_aggregator(f), *a = create_aggregator(f);
	struct weir_path_exchange e = { .exchange = create_exchange(f, is_ordered),
		.spec = &f->spec };
	struct weir_group_counters counters = { 0 };
	struct samples *samples = create_samples();
	int64_t begin = 0;

	f->path[0]->is_ordered = is_ordered;
	for (unsigned i = 0; i < ROUNDS * LAPS * BATCHES; i++) {
		struct weir_exchange_block *b;
		struct weir_rows rows;

		begin = i % PUBLISH ? begin : weir_now_mono_ns();
		run_stages(f, i % BATCHES, &rows);
		f->batches[i % BATCHES]->first_number = (int64_t)i * WEIR_ROWS + 1;
		e.worker = is_ordered ? i % 2 : 0;
		weir_path_scatter(f->path[0], &e, &rows, 0, own, &counters);
		if (is_ordered && i % PUBLISH == PUBLISH - 1)
			for (unsigned w = 0; w < 2; w++)
				weir_exchange_publish_number(
				    e.exchange, w, (int64_t)(i + 1) * WEIR_ROWS + 1);
		while ((b = weir_exchange_take(e.exchange, 1))) {
			weir_path_gather(f->path[1], b, a, &counters);
			weir_exchange_give_back(e.exchange, 1, b);
		}
		if (i % PUBLISH == PUBLISH - 1)
			add_sample(samples, begin, PUBLISH * WEIR_ROWS);
	}
	if (e.counters.rows != (uint64_t)ROUNDS * LAPS * ROWS || e.counters.refused)
		abort();
	f->path[0]->is_ordered = false;
	weir_exchange_destroy(e.exchange);
	weir_aggregator_destroy(own);
	weir_aggregator_destroy(a);
	return median(samples);
}

/* Either side counts the time that it spends on rows; waiting for the other one is left out. */
struct side {
	struct fixture *f;
	struct weir_exchange *x;
	struct samples *samples;
	pthread_t thread;
};

static void
pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *
send_all(void *arg)
{
	struct side *s = arg;
	struct weir_aggregator *own = create_aggregator(s->f);
	struct weir_path_exchange e = { .exchange = s->x, .spec = &s->f->spec };
	struct weir_group_counters counters = { 0 };

	pin(0);
	for (unsigned i = 0; i < ROUNDS * LAPS * BATCHES; i++) {
		int64_t begin = weir_now_mono_ns();
		struct weir_rows rows;

		run_stages(s->f, i % BATCHES, &rows);
		weir_path_scatter(s->f->path[0], &e, &rows, 0, own, &counters);
		if (!weir_mask_count(e.left))
			add_sample(s->samples, begin, WEIR_ROWS);
		while (weir_mask_count(e.left))
			weir_path_scatter_again(s->f->path[0], &e, &rows);
	}
	weir_exchange_flush(s->x, 0, &e.counters);
	weir_exchange_publish(s->x, 0, INT64_MAX);
	weir_aggregator_destroy(own);
	return NULL;
}

static void *
receive_all(void *arg)
{
	struct side *s = arg;
	struct weir_aggregator *a = create_aggregator(s->f);
	struct weir_group_counters counters = { 0 };
	int64_t low = 0;

	pin(1);
	while (low != INT64_MAX) {
		struct weir_exchange_block *b;
		int64_t begin;

		low = weir_exchange_low(s->x);
		while (begin = weir_now_mono_ns(), (b = weir_exchange_take(s->x, 1))) {
			uint32_t n = b->n;

			weir_path_gather(s->f->path[1], b, a, &counters);
			weir_exchange_give_back(s->x, 1, b);
			add_sample(s->samples, begin, n);
		}
	}
	weir_aggregator_destroy(a);
	return NULL;
}

static void
two_threads(struct fixture *f, double *ret_send, double *ret_receive)
{
	struct side sender = { f, create_exchange(f, false), create_samples(), 0 };
	struct side receiver = { f, sender.x, create_samples(), 0 };

	weir_exchange_publish(sender.x, 1, INT64_MAX); /* sends nothing */
	if (pthread_create(&receiver.thread, NULL, receive_all, &receiver) ||
	    pthread_create(&sender.thread, NULL, send_all, &sender))
		abort();
	pthread_join(sender.thread, NULL);
	pthread_join(receiver.thread, NULL);
	weir_exchange_destroy(sender.x);
	*ret_send = median(sender.samples);
	*ret_receive = median(receiver.samples);
}

static double
routing(const char *split, unsigned flows)
{
	struct fixture f = { 0 };
	uint16_t worker[WEIR_ROWS];
	struct samples *samples = create_samples();

	build(&f, split);
	fill(&f, flows);
	for (unsigned i = 0; i < ROUNDS * LAPS * BATCHES; i++) {
		const struct weir_column *c = f.batches[i % BATCHES]->col;
		const struct weir_column *fields[WEIR_N_FIELDS];
		const struct weir_column *keys[] = { &c[WEIR_FIELD_IP_SRC], &c[WEIR_FIELD_IP_DST],
			&c[WEIR_FIELD_IP_PROTO], &c[WEIR_FIELD_SRCPORT], &c[WEIR_FIELD_DSTPORT] };
		uint64_t sel[WEIR_MASK_WORDS];
		int64_t begin;

		for (unsigned k = 0; k < WEIR_N_FIELDS; k++)
			fields[k] = &c[k];
		weir_mask_first(sel, WEIR_ROWS);
		begin = weir_now_mono_ns();
		weir_route_run(f.path[0]->route, fields, keys, 5, WEIR_ROWS, sel, worker);
		add_sample(samples, begin, WEIR_ROWS);
	}
	return median(samples);
}

int
main(int argc, char **argv)
{
	static const char *const splits[] = { "key", "hash", "rr", "range:dstport:1024,49152",
		"range:ip.src:10.0.0.0,11.0.0.0" };
	unsigned flows = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
	struct fixture f = { 0 };
	double here, there, in_order, send, receive;

	build(&f, "range:frame.len:0"); /* all rows belong to worker 1 */
	fill(&f, flows ? flows : 1);
	here = direct(&f);
	there = one_thread(&f, false);
	in_order = one_thread(&f, true);
	two_threads(&f, &send, &receive);
	printf("aggregated where they are      %6.1f ns a row\n", here);
	printf("by exchange, on one thread     %6.1f, %.1f more\n", there, there - here);
	printf("in order, on one thread        %6.1f, %.1f more\n", in_order, in_order - here);
	printf("by exchange, on two threads    %6.1f + %.1f, %.1f more\n", send, receive,
	    send + receive - here);
	for (unsigned i = 0; i < sizeof(splits) / sizeof(splits[0]); i++)
		printf("owner by %-30s %4.1f\n", splits[i], routing(splits[i], flows));
	return 0;
}
