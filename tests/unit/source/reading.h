/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_UNIT_SOURCE_READING_H
#define TESTS_UNIT_SOURCE_READING_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>
#include <weir/port/eal.h>
#include <weir/source/source.h>

#include "check.h"

/* Reading a source to its end, as the tests of this folder need it. */

struct seen {
	uint64_t packets;
	uint64_t wire_bytes;
	uint64_t cap_bytes;
	uint64_t no_time;
	uint64_t times; /* packets with a time */
	int64_t first_ns;
	int64_t last_ns;
	int64_t min_ns;
	int64_t max_ns;
	uint64_t sum; /* of all captured bytes and views: equal where two runs are equal */
	enum weir_poll end;
	struct weir_error error;
};

static inline struct weir_batch *
batch_for_views(void)
{
	static const struct weir_field_set none;

	return weir_batch_create(&none);
}

static inline void
sum_add(uint64_t *sum, uint64_t v)
{
	*sum = (*sum ^ v) * UINT64_C(0x100000001b3);
}

static inline void
see(struct seen *r, const struct weir_batch *b, uint32_t i)
{
	int64_t t = b->time_ns[i];

	r->packets++;
	r->wire_bytes += b->wire_len[i];
	r->cap_bytes += b->cap_len[i];
	for (uint32_t k = 0; k < b->cap_len[i]; k++)
		sum_add(&r->sum, b->data[i][k]);
	sum_add(&r->sum, (uint64_t)t);
	sum_add(&r->sum, b->wire_len[i]);
	sum_add(&r->sum, (uint64_t)b->interface[i] << 32 | (uint64_t)b->dlt[i] << 8 | b->link[i]);
	if (t == WEIR_TIME_NONE) {
		r->no_time++;
		return;
	}
	if (!r->times || t < r->min_ns)
		r->min_ns = t;
	if (!r->times || t > r->max_ns)
		r->max_ns = t;
	if (!r->times)
		r->first_ns = t;
	r->last_ns = t;
	r->times++;
}

/* Poll to the end, at most max packets a burst and limit in all (0: no limit). */
static inline void
read_all(struct weir_source *s, uint32_t max, uint64_t limit, struct seen *r)
{
	struct weir_batch *b = batch_for_views();

	memset(r, 0, sizeof(*r));
	while (!limit || r->packets < limit) {
		r->end = s->ops->poll(s, 0, b, max, 0);
		if (r->end != WEIR_POLL_OK)
			break;
		for (uint32_t i = 0; i < b->n; i++)
			see(r, b, i);
		if (s->ops->release)
			s->ops->release(s, b);
	}
	r->error = s->error;
	weir_batch_destroy(b);
}

static inline int
open_as(
    enum weir_source_flag flag, const char *value, struct weir_source **ret, struct weir_error *err)
{
	struct weir_source_config c = { .flag = flag, .value = value };

	memset(err, 0, sizeof(*err));
	return weir_source_open(&c, ret, err);
}

/* Open what must open: else the test ends here. */
static inline struct weir_source *
must_open(const struct weir_source_config *c)
{
	struct weir_source *s = NULL;
	struct weir_error err = { 0 };
	int rc = weir_source_open(c, &s, &err);

	if (rc)
		fprintf(stderr, "%s\n", err.text);
	CU_ASSERT_EQUAL_FATAL(rc, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	return s;
}

/* Open, read to the end, close. Returns what open returned, with its error in r->error. */
static inline int
read_source(enum weir_source_flag flag, const char *value, uint32_t max, struct seen *r)
{
	struct weir_source *s = NULL;
	struct weir_error err;
	int rc = open_as(flag, value, &s, &err);

	memset(r, 0, sizeof(*r));
	if (rc) {
		r->error = err;
		return rc;
	}
	read_all(s, max, 0, r);
	weir_source_close(s);
	return 0;
}

/* As check_run, with EAL and so much memory. Where EAL does not start, all are skipped. */
static inline int
run_with_eal(const char *suite, const CU_TestInfo *tests, unsigned mebibytes)
{
	char memory[16];
	char *args[] = { (char[]){ "--no-huge" }, (char[]){ "-m" }, memory };
	struct weir_error err = { 0 };
	int status;

	snprintf(memory, sizeof(memory), "%u", mebibytes);
	if (weir_eal_start("weir", args, 3, &err) != 0) {
		fprintf(stderr, "%s: skipped: %s\n", suite, err.text);
		return CHECK_SKIPPED;
	}
	status = check_run(suite, tests);
	weir_eal_stop();
	return status;
}

#endif
