/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base/number.h>
#include <weir/query/plan.h>

#include "build.h"

#define TABLE_SIZE_LEAST (UINT64_C(1) << 16)
#define TABLE_SIZE_MOST  (UINT64_C(1) << 28)
#define WINDOWS_MOST     64 /* open at once, that are thought to be full */

/* The machine's, or what a control group leaves of it. */
static uint64_t
memory_bytes(void)
{
	uint64_t bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	FILE *f = fopen("/sys/fs/cgroup/memory.max", "r");
	unsigned long long max;

	if (f && fscanf(f, "%llu", &max) == 1 && max < bytes)
		bytes = max;
	if (f)
		fclose(f);
	return bytes;
}

/*
 * The windows that may be open at once. Of a sliding one, to the panes that wait for late rows come
 * those that wait for their windows to end. The others hold all groups in one table.
 */
static uint64_t
windows_at_once(const struct weir_window *w, int64_t lateness_ns)
{
	int64_t pane_ns = weir_window_pane_ns(w);

	if (!pane_ns)
		return 1;
	return (uint64_t)(lateness_ns / pane_ns) + 2 +
	       (w->kind == WEIR_WINDOW_SLIDING ? (uint64_t)(w->size_ns / pane_ns) : 0);
}

/* A quarter of the memory for the windows of all queries that may be open at once. */
static uint64_t
default_table_size(const struct weir_plan *p, const struct weir_window *window, uint64_t key_bytes)
{
	uint64_t n_windows = windows_at_once(window, p->lateness_ns), n;

	n = memory_bytes() / 4 / p->command->n_queries / p->n_workers /
	    (n_windows < WINDOWS_MOST ? n_windows : WINDOWS_MOST) / key_bytes;
	if (n < TABLE_SIZE_LEAST)
		n = TABLE_SIZE_LEAST;
	return n > TABLE_SIZE_MOST ? TABLE_SIZE_MOST : n;
}

/* Most keys that a table of this spec takes. */
static uint64_t
size_of_table(const struct weir_plan *p, struct weir_group_spec *spec, uint64_t *ret_key_bytes)
{
	spec->table_size = 1;
	*ret_key_bytes = weir_group_key_bytes(spec);
	if (!*ret_key_bytes)
		abort();
	return p->command->table_size ? p->command->table_size
				      : default_table_size(p, &spec->window, *ret_key_bytes);
}

void
weir_plan_group_spec(
    const struct weir_plan *p, const struct weir_plan_query *q, struct weir_group_spec *ret)
{
	weir_path_group_spec(q->path, ret);
	ret->lateness_ns = p->lateness_ns;
	ret->table_size = q->table_size;
	ret->overflow = p->overflow;
	ret->seed = p->seed;
}

void
weir_plan_size_table(struct weir_plan *p, struct weir_plan_query *q)
{
	struct weir_group_spec spec;
	uint64_t key_bytes;

	weir_plan_group_spec(p, q, &spec);
	q->table_size = size_of_table(p, &spec, &key_bytes);
	q->table_bytes = q->table_size * key_bytes;
}

void
weir_plan_segment_spec(const struct weir_plan *p, const struct weir_plan_query *q, unsigned segment,
    struct weir_group_spec *ret)
{
	const struct weir_segment *s = &q->chain->segments[segment];
	uint64_t key_bytes;

	weir_path_group_spec(s->path, ret);
	if (!s->has_window)
		ret->window = (struct weir_window){ .kind = WEIR_WINDOW_GLOBAL };
	ret->lateness_ns = 0; /* rows come in the order of their windows */
	ret->overflow = p->overflow;
	ret->seed = p->seed;
	ret->table_size = size_of_table(p, ret, &key_bytes);
}

void
weir_plan_held_spec(
    const struct weir_plan *p, const struct weir_plan_query *q, struct weir_group_spec *ret)
{
	*ret = (struct weir_group_spec){
		.window = q->chain->held,
		.lateness_ns = p->lateness_ns,
	};
}

const char *
weir_plan_table_text(
    const struct weir_plan *p, const struct weir_plan_query *q, char *buf, unsigned size)
{
	static const char *const full[] = {
		[WEIR_OVERFLOW_DROP] = "new keys are dropped",
		[WEIR_OVERFLOW_EVICT] = "small groups make room",
		[WEIR_OVERFLOW_SAMPLE] = "a sample of the keys is kept",
	};
	char bytes[32];

	snprintf(buf, size, "at most %llu keys a window%s, up to %sB; when it is full %s",
	    (unsigned long long)q->table_size, p->command->table_size ? "" : " (by memory)",
	    weir_text_count((double)q->table_bytes, bytes, sizeof(bytes)), full[p->overflow]);
	return buf;
}
