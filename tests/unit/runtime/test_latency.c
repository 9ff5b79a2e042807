/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>
#include <weir/base/time.h>

#include "check.h"
#include "sampling.h"
#include "trail.h"

static json_int_t
integer(const json_t *o, const char *stage, const char *key)
{
	return json_integer_value(json_object_get(json_object_get(o, stage), key));
}

static void
test_json(void)
{
	struct weir_latency_set *s = weir_latency_set_create();
	json_t *o, *why;

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	for (int64_t i = 1; i <= 100; i++)
		weir_histogram_add(&s->of[WEIR_LATENCY_DECODE], i);
	o = weir_latency_set_json(s);
	CU_ASSERT_EQUAL(integer(o, "decode", "samples"), 100);
	CU_ASSERT_EQUAL(integer(o, "decode", "p50"), 50);
	CU_ASSERT_EQUAL(integer(o, "decode", "p99"), 99);
	CU_ASSERT_EQUAL(integer(o, "decode", "max"), 100);
	/* A hundred samples say nothing of one in a thousand. */
	CU_ASSERT(json_is_null(json_object_get(json_object_get(o, "decode"), "p99.9")));
	/* What was not measured is there, as null, with the reason. */
	why = json_object_get(o, "not_measured");
	CU_ASSERT(json_is_null(json_object_get(o, "receive_wait")));
	CU_ASSERT_PTR_NOT_NULL(json_string_value(json_object_get(why, "receive_wait")));
	CU_ASSERT_PTR_NULL(json_object_get(why, "decode"));
	CU_ASSERT_EQUAL(json_object_size(o), WEIR_N_LATENCY_STAGES + 1);
	json_decref(o);
	free(s);
}

static void
test_print(void)
{
	struct weir_latency_set *s = weir_latency_set_create();
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	weir_histogram_add_n(&s->of[WEIR_LATENCY_SINK], 1500000, 10);
	weir_latency_set_print(s, f);
	fclose(f);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "weir: latency receive_wait not measured: "));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(text, "weir: latency sink            1.5ms    1.5ms        -"));
	CU_ASSERT_PTR_NULL(strstr(text, "decode"));
	free(text);
	free(s);
}

static uint64_t
count(const struct weir_trail *t, enum weir_latency_stage stage)
{
	return weir_histogram_count(&t->set->of[stage]);
}

/* Packets of a window that arrived at 1000, were in its pane at 1500, and waited to 10000. */
static struct weir_origin
window(unsigned n)
{
	struct weir_origin o = { .handed_ns = 10000 };

	for (unsigned i = 0; i < n; i++)
		weir_origin_add(&o, &(struct weir_origin_packet){ 1000, 1500 });
	return o;
}

static void
test_trail(void)
{
	struct weir_trail *t = weir_trail_create();
	struct weir_origin o = window(3);

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	weir_trail_follow(t, WEIR_TRAIL_PANE, &o);
	weir_trail_ready(t);
	CU_ASSERT_EQUAL(count(t, WEIR_LATENCY_PANE_WAIT), 3);
	CU_ASSERT_EQUAL(weir_histogram_max(&t->set->of[WEIR_LATENCY_PANE_WAIT]), 8500);
	CU_ASSERT_EQUAL(count(t, WEIR_LATENCY_MERGE), 3);
	CU_ASSERT_EQUAL(count(t, WEIR_LATENCY_END_TO_END), 0); /* not written yet */
	weir_trail_ready(t);                                   /* another part of the window */
	CU_ASSERT_EQUAL(count(t, WEIR_LATENCY_MERGE), 3);
	weir_trail_written(t);
	weir_trail_written(t);
	CU_ASSERT_EQUAL(count(t, WEIR_LATENCY_SINK), 3);
	CU_ASSERT_EQUAL(count(t, WEIR_LATENCY_END_TO_END), 3);
	CU_ASSERT_EQUAL(count(t, WEIR_LATENCY_EARLY), 0);
	/* All but the wait. */
	CU_ASSERT_EQUAL(weir_histogram_max(&t->set->of[WEIR_LATENCY_END_TO_END]) -
			    weir_histogram_max(&t->set->of[WEIR_LATENCY_WORK]),
	    8500);
	/* A block of rows does not wait for event time. */
	weir_trail_follow(t, WEIR_TRAIL_BLOCK, &o);
	weir_trail_ready(t);
	weir_trail_written(t);
	CU_ASSERT_EQUAL(count(t, WEIR_LATENCY_BLOCK_WAIT), 3);
	CU_ASSERT_EQUAL(count(t, WEIR_LATENCY_PANE_WAIT), 3);
	CU_ASSERT_EQUAL(weir_histogram_max(&t->set->of[WEIR_LATENCY_WORK]),
	    weir_histogram_max(&t->set->of[WEIR_LATENCY_END_TO_END]));
	weir_trail_destroy(t);
}

static void
test_held(void)
{
	struct weir_trail *t = weir_trail_create();
	struct weir_origin o = window(2), *held = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	weir_trail_advance(t);
	weir_trail_follow(t, WEIR_TRAIL_PANE, &o);
	weir_trail_hold(t, &held);
	CU_ASSERT_PTR_NOT_NULL_FATAL(held);
	weir_trail_hold(t, &held);
	CU_ASSERT_EQUAL(held->n, 4);
	weir_trail_follow(t, WEIR_TRAIL_PANE, NULL);
	weir_trail_ready(t); /* of nobody */
	CU_ASSERT_EQUAL(count(t, WEIR_LATENCY_MERGE), 0);
	/* At the same time as before: what it waited for was the pane alone. */
	weir_trail_resume(t, &held);
	CU_ASSERT_PTR_NULL(held);
	weir_trail_ready(t);
	CU_ASSERT_EQUAL(count(t, WEIR_LATENCY_PANE_WAIT), 4);
	CU_ASSERT_EQUAL(weir_histogram_max(&t->set->of[WEIR_LATENCY_PANE_WAIT]), 8500);
	/* Later: it waited until then. */
	weir_trail_follow(t, WEIR_TRAIL_PANE, &o);
	weir_trail_hold(t, &held);
	do
		weir_trail_advance(t);
	while (t->advanced_ns == held->held_ns);
	weir_trail_resume(t, &held);
	weir_trail_ready(t);
	CU_ASSERT_EQUAL(
	    weir_histogram_max(&t->set->of[WEIR_LATENCY_PANE_WAIT]), t->advanced_ns - 1500);
	weir_trail_destroy(t);
}

static void
test_early(void)
{
	struct weir_trail *t = weir_trail_create();
	int64_t now_ns = weir_now_mono_ns();

	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	for (unsigned i = 0; i < 3 * WEIR_TRAIL_PENDING; i++)
		weir_trail_ready_early(t, now_ns - 1000000);
	weir_trail_written(t);
	CU_ASSERT_EQUAL(count(t, WEIR_LATENCY_EARLY), WEIR_TRAIL_PENDING); /* a sample of them */
	CU_ASSERT_EQUAL(count(t, WEIR_LATENCY_END_TO_END), 0);
	CU_ASSERT(weir_histogram_min(&t->set->of[WEIR_LATENCY_EARLY]) >= 1000000);
	weir_trail_destroy(t);
	/* Without --latency. */
	weir_trail_advance(NULL);
	weir_trail_follow(NULL, WEIR_TRAIL_PANE, NULL);
	weir_trail_ready(NULL);
	weir_trail_ready_early(NULL, now_ns);
	weir_trail_written(NULL);
}

/* A worker that has nothing but a batch. */
struct worker {
	struct weir_worker w;
	struct weir_workers all;
	struct weir_intake intake;
	struct weir_source source;
	struct weir_input input;
	struct weir_burst burst;
	struct weir_field_set needed;
};

static void
set_up(struct worker *x)
{
	memset(x, 0, sizeof(*x));
	x->input.source = &x->source;
	x->burst.input = &x->input;
	x->all.intake = &x->intake;
	x->w.all = &x->all;
	x->w.batch = weir_batch_create(&x->needed);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x->w.batch);
	CU_ASSERT_EQUAL_FATAL(weir_sampling_create(&x->w), 0);
}

static void
tear_down(struct worker *x)
{
	weir_sampling_destroy(x->w.sampling);
	weir_batch_destroy(x->w.batch);
}

/* Where hardly anything comes, each packet is sampled; where much does, few bursts are timed. */
static void
test_countdown(void)
{
	static struct worker x;
	uint64_t n_timed = 0, n_bursts = 0, n_samples = 0;
	int64_t start_ns;

	set_up(&x);
	x.w.batch->n = 1;
	weir_sampling_begin(&x.w, &x.burst, 1);
	CU_ASSERT(x.w.is_timed);
	CU_ASSERT_EQUAL(x.w.sampling->n, 1);
	CU_ASSERT(x.w.sampling->arrival.polled_ns > 1); /* the clock was read */
	x.w.batch->n = 256;
	start_ns = weir_now_mono_ns();
	while (n_bursts < 100000 || weir_now_mono_ns() - start_ns < 200 * x.w.sampling->period_ns) {
		weir_sampling_begin(&x.w, &x.burst, 1);
		n_bursts++;
		n_timed += x.w.is_timed;
		n_samples += x.w.sampling->n;
		for (unsigned i = 1; i < x.w.sampling->n; i++)
			CU_ASSERT_FATAL(x.w.sampling->row[i - 1] < x.w.sampling->row[i]);
		CU_ASSERT_FATAL(x.w.is_timed || x.w.sampling->arrival.polled_ns == 1);
	}
	CU_ASSERT(n_timed >= 20);
	CU_ASSERT(n_timed < n_bursts / 20);
	CU_ASSERT(n_samples >= n_timed);
	tear_down(&x);
}

/* A packet that carries the time of its arrival waited since then; one from the future did not. */
static void
test_stamps(void)
{
	static struct worker x;

	set_up(&x);
	x.source.is_live = x.source.has_clock = true;
	x.w.wall_offset_ns = 1000 * WEIR_NS_PER_S;
	x.w.batch->n = 1;
	x.w.batch->time_ns[0] = weir_now_mono_ns() + x.w.wall_offset_ns - 5000000;
	weir_sampling_begin(&x.w, &x.burst, 1);
	CU_ASSERT_EQUAL(weir_histogram_count(&x.w.sampling->set->of[WEIR_LATENCY_RECEIVE]), 1);
	CU_ASSERT(weir_histogram_max(&x.w.sampling->set->of[WEIR_LATENCY_RECEIVE]) >= 5000000);
	weir_sampling_swap(x.w.sampling);
	x.w.sampling->countdown = 1;
	x.w.batch->time_ns[0] += 1000 * WEIR_NS_PER_S;
	weir_sampling_begin(&x.w, &x.burst, 1);
	CU_ASSERT_EQUAL(weir_histogram_count(&x.w.sampling->set->of[WEIR_LATENCY_RECEIVE]), 1);
	CU_ASSERT_EQUAL(weir_histogram_max(&x.w.sampling->set->of[WEIR_LATENCY_RECEIVE]), 0);
	/* What was filled before the swap is the other's. */
	CU_ASSERT(weir_histogram_max(
		      &weir_sampling_handed(x.w.sampling)->of[WEIR_LATENCY_RECEIVE]) >= 5000000);
	tear_down(&x);
}

int
main(void)
{
	const CU_TestInfo tests[] = {
		{ "JSON has all stages, null where nothing was measured", test_json },
		{ "the table has the stages that ran", test_print },
		{ "a window's packets are followed to the flush", test_trail },
		{ "rows that are held back wait for event time", test_held },
		{ "early rows have a line of their own", test_early },
		{ "samples are so far apart that they cost little", test_countdown },
		{ "packets with a time stamp tell how long they waited", test_stamps },
		CU_TEST_INFO_NULL,
	};

	return check_run("latency", tests);
}
