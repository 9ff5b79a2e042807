/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_TEST_CANNED_H
#define WEIR_TEST_CANNED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <weir/control/control.h>

/*
 * A run that only answers: a thread polls a real socket and answers every request by a table. It
 * stands in for the runtime in unit tests.
 */
struct canned {
	struct weir_control_socket *socket;
	pthread_t thread;
	atomic_bool stop;
	atomic_bool is_stuck;  /* as a run that waits for the reader of its rows */
	atomic_uint n_handled; /* requests so far */
};

static const char canned_status[] =
    "{\"name\":\"canned\",\"pid\":1,\"uptime_s\":12.5,\"rate\":{\"pps\":1250000,\"bps\":8e9},"
    "\"delay_s\":null,\"rows_per_s\":20.5,\"sources\":[{\"name\":\"eth1\",\"description\":"
    "\"eth1: taken\",\"queues\":2,\"lost_nic\":7,\"lost_no_buffer\":0}],"
    "\"workers\":[{\"worker\":0,\"cpu\":1,\"packets\":100,\"bytes\":6400,\"pps\":625000,"
    "\"bps\":4e9,\"ns_per_packet\":41.5,\"busy\":0.75,\"pressed\":0,\"idle\":0.25}],"
    "\"queries\":[{\"name\":\"main\",\"strategy\":\"combine\",\"in\":100,\"aggregated\":97,"
    "\"dropped\":{\"late\":3,\"overflow\":0},\"rows\":20,\"rows_per_s\":20.5,\"table_keys\":250,"
    "\"table_size\":1000,\"windows_open\":1}],\"sinks\":[{\"uri\":\"json:-\",\"delivered\":20,"
    "\"dropped\":{\"error\":0}}]}";

/* Of an argument: as many rows as a window of its own needs several pages for. */
static inline json_t *
canned_result(const char *argument, struct weir_error *err)
{
	json_t *lines = json_array();
	unsigned n = 0;

	if (sscanf(argument, "main,%u", &n) != 1) {
		json_decref(lines);
		weir_error_usage(err, "no query '%s' (try 'main')", argument);
		return NULL;
	}
	for (unsigned i = 0; i < n; i++) {
		char line[96];

		snprintf(line, sizeof(line), "{\"ip.src\":\"10.0.0.%u\",\"packets\":%u}", i, i);
		json_array_append_new(lines, json_string(line));
	}
	return json_pack("{s:s, s:o}", "query", "main", "lines", lines);
}

static inline json_t *
canned_answer(
    void *ctx, enum weir_control_command command, const char *argument, struct weir_error *err)
{
	struct canned *c = ctx;

	atomic_fetch_add(&c->n_handled, 1);
	switch (command) {
	case WEIR_CONTROL_STATUS:
		return json_loads(canned_status, 0, NULL);
	case WEIR_CONTROL_STATS: /* what telemetry's own form cannot carry as it is */
		return json_loads("{\"a.b\":{\"x\":1},\"a-b\":2,\"real\":0.5,\"on\":true,"
				  "\"none\":null,\"negative\":-5,\"mixed\":[1,\"x\"],"
				  "\"counts\":[1,2],\"text\":\"caf\\u00e9 \\\"\\\\\"}",
		    0, NULL);
	case WEIR_CONTROL_RESULT:
		return canned_result(argument, err);
	case WEIR_CONTROL_EXPLAIN:
		/* every character that is special to somebody on the way */
		return json_string("a \"quoted\" \\ text,\n\twith caf\xc3\xa9 and \x01");
	case WEIR_CONTROL_ADD:
		return json_string(argument);
	case WEIR_CONTROL_REMOVE:
		return NULL; /* fails without a word */
	case WEIR_CONTROL_NODES:
	case WEIR_CONTROL_SLOTS:
	case WEIR_CONTROL_MOVE:
	case WEIR_CONTROL_DRAIN:
	case WEIR_CONTROL_STOP:
	case WEIR_N_CONTROL_COMMANDS:
		break;
	}
	return json_null();
}

static inline void *
canned_main(void *arg)
{
	struct canned *c = arg;
	struct timespec nap = { 0, 1000000 };

	while (!atomic_load(&c->stop)) {
		if (!atomic_load(&c->is_stuck))
			weir_control_poll(c->socket, canned_answer, c);
		nanosleep(&nap, NULL);
	}
	weir_control_stop(c->socket);
	return NULL;
}

static inline int
canned_start(struct canned *c, const char *name, struct weir_error *err)
{
	struct weir_control_config config = { .program = "test", .name = name };
	int rc = weir_control_start(&config, &c->socket, err);

	return rc ? rc : -pthread_create(&c->thread, NULL, canned_main, c);
}

static inline void
canned_stop(struct canned *c)
{
	atomic_store(&c->stop, true);
	pthread_join(c->thread, NULL);
}

#endif
