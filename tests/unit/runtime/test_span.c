/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "random.h"
#include "span_parts.h"

/* What nodes tell each other, as bytes, and which parts have come. */

#define N_NUMBERS 20000u
#define N_FUZZED  200000u

static void
parts_come_back(void)
{
	uint8_t p[WEIR_SPAN_PART_HEAD];
	uint16_t query;
	uint64_t epoch, number;

	for (unsigned type = 0; type < 6; type++) {
		bool is_part = type == WEIR_SPAN_PART || type == WEIR_SPAN_ROWS;

		weir_span_put_part(
		    p, (enum weir_span_frame)type, 0xabcd, UINT64_MAX - 1, UINT64_C(1) << 40);
		CU_ASSERT_EQUAL(weir_span_get_part(p, sizeof(p), &query, &epoch, &number), is_part);
		CU_ASSERT_FALSE(weir_span_get_part(p, sizeof(p) - 1, &query, &epoch, &number));
		if (!is_part)
			continue;
		CU_ASSERT_EQUAL(query, 0xabcd);
		CU_ASSERT_EQUAL(epoch, UINT64_MAX - 1);
		CU_ASSERT_EQUAL(number, UINT64_C(1) << 40);
	}
}

static void
statuses_come_back(void)
{
	const struct weir_span_status in = { 7, INT64_MIN, 12, INT64_MAX, true };
	struct weir_span_status out;
	uint8_t p[64];
	uint32_t len = weir_span_put_status(p, &in);

	CU_ASSERT(len <= sizeof(p));
	CU_ASSERT_TRUE(weir_span_get_status(p, len, &out));
	CU_ASSERT_EQUAL(out.epoch, in.epoch);
	CU_ASSERT_EQUAL(out.closed_ns, in.closed_ns);
	CU_ASSERT_EQUAL(out.n_parts, in.n_parts);
	CU_ASSERT_EQUAL(out.done_ns, in.done_ns);
	CU_ASSERT_TRUE(out.has_ended);
	for (uint32_t n = 0; n <= len + 1; n++)
		CU_ASSERT_EQUAL(weir_span_get_status(p, n, &out), n == len);
	p[1] = 2;
	CU_ASSERT_FALSE(weir_span_get_status(p, len, &out));
}

/* Of few values all come back; of more than there can be, none is later than it was. */
static void
tables_come_back(void)
{
	static int64_t in[WEIR_SPAN_SLOTS], out[WEIR_SPAN_SLOTS];
	static bool has_state[WEIR_SPAN_SLOTS];
	static struct weir_span_states states;
	static uint8_t p[8192];
	uint64_t state = 1, epoch;
	unsigned part;

	for (unsigned n_values = 1; n_values <= 4096; n_values *= 8) {
		uint64_t told = 0;

		for (unsigned i = 0; i < WEIR_SPAN_SLOTS; i++) {
			in[i] = INT64_MIN + (int64_t)(random_next(&state) % n_values) * 1000;
			out[i] = INT64_MIN;
			has_state[i] = random_next(&state) % 2;
		}
		for (unsigned k = 0; k < WEIR_SPAN_TABLE_PARTS; k++) {
			uint32_t len = weir_span_put_table(p, 99, k, in, has_state);

			CU_ASSERT(len <= 1100);
			CU_ASSERT_FALSE(weir_span_get_table(p, len - 1, &epoch, &part, out, true));
			CU_ASSERT_TRUE(weir_span_get_table(p, len, &epoch, &part, out, true));
			CU_ASSERT(epoch == 99 && part == k);
			weir_span_get_states(p, &states);
			CU_ASSERT_EQUAL(states.first, k * WEIR_SPAN_TABLE_SLOTS);
			for (unsigned i = 0; i < WEIR_SPAN_TABLE_SLOTS; i++) {
				unsigned slot = states.first + i;

				/* What is told less of than there is is claimed by nobody. */
				CU_ASSERT_EQUAL(
				    states.has[i], has_state[slot] && out[slot] == in[slot]);
				CU_ASSERT_EQUAL(states.at_ns[i], out[slot]);
			}
		}
		for (unsigned i = 0; i < WEIR_SPAN_SLOTS; i++) {
			CU_ASSERT(out[i] <= in[i]);
			told += out[i] == in[i];
		}
		if (n_values <= 64)
			CU_ASSERT_EQUAL(told, WEIR_SPAN_SLOTS);
	}
}

/* The later of two tables holds. */
static void
tables_go_forward(void)
{
	static int64_t in[WEIR_SPAN_SLOTS], out[WEIR_SPAN_SLOTS];
	static bool has_state[WEIR_SPAN_SLOTS];
	static uint8_t p[8192];
	uint64_t epoch;
	unsigned part;
	uint32_t len;

	for (unsigned i = 0; i < WEIR_SPAN_SLOTS; i++) {
		in[i] = (int64_t)(i % 2) * 10;
		out[i] = 5;
	}
	len = weir_span_put_table(p, 1, 0, in, has_state);
	CU_ASSERT_TRUE(weir_span_get_table(p, len, &epoch, &part, out, false));
	CU_ASSERT(out[0] == 5 && out[1] == 5);
	CU_ASSERT_TRUE(weir_span_get_table(p, len, &epoch, &part, out, true));
	CU_ASSERT(out[0] == 5 && out[1] == 10);
	CU_ASSERT_EQUAL(out[WEIR_SPAN_SLOTS - 1], 5); /* of another part */
}

/* None, one, and as many as there are. */
static void
holds_come_back(void)
{
	static uint8_t p[4096];
	static const unsigned numbers[] = { 0, 1, 256 };
	uint64_t epoch;
	int64_t done_ns, hold_ns;
	uint16_t query;
	unsigned n;

	for (unsigned i = 0; i < 3; i++) {
		uint32_t len = weir_span_begin_holds(p, 77 + i, -5);

		for (unsigned k = 0; k < numbers[i]; k++)
			len = weir_span_add_hold(p, len, (uint16_t)(k * 200), INT64_MIN + k);
		CU_ASSERT_TRUE(weir_span_get_holds(p, len, &epoch, &done_ns, &n));
		CU_ASSERT(epoch == 77 + i && done_ns == -5 && n == numbers[i]);
		for (unsigned k = 0; k < n; k++) {
			weir_span_get_hold(p, k, &query, &hold_ns);
			CU_ASSERT(query == (uint16_t)(k * 200) && hold_ns == INT64_MIN + k);
		}
		CU_ASSERT_FALSE(weir_span_get_holds(p, len - 1, &epoch, &done_ns, &n));
		CU_ASSERT_FALSE(weir_span_get_holds(p, len + 1, &epoch, &done_ns, &n));
	}
	p[1] = 1;
	CU_ASSERT_FALSE(weir_span_get_holds(p, 20 + 2560, &epoch, &done_ns, &n));
}

/* For how long what a query's windows of packets hold is in use: in words, and then in seconds. */
static void
history_is_as_long_as_it_takes(void)
{
	static const struct {
		const char *words;
		const char *query;
		int64_t ns;
		bool is_endless;
	} cases[] = {
#define ONE "-r|x|--query|a|--key|ip.src|--window|1s|--agg|n=count()"
#define S   INT64_C(1000000000)
		{ ONE, "a", 0, false },
		{ ONE "|--top|3:n", "a", 0, false },
		{ ONE "|--key|ip.src|--agg|m=sum(n)", "a", 0, false },
		{ ONE "|--key|ip.src|--window|10s|--agg|m=sum(n)", "a", 10 * S, false },
		{ ONE "|--key|ip.src|--window|10s/2s|--agg|m=sum(n)|--window|1m|--agg|k=count()",
		    "a", 70 * S, false },
		{ ONE "|--key|ip.src|--window|global|--agg|m=sum(n)", "a", INT64_MAX, false },
		{ ONE "|--query|b|--from|a|--key|ip.src|--window|5s|--agg|m=sum(n)", "a", 5 * S,
		    false },
		{ ONE "|--query|b|--key|ip.src|--window|1s|--agg|m=count()|--join|a@prev", "a", S,
		    false },
		{ ONE "|--query|b|--key|ip.src|--window|1s|--agg|m=count()|--join|a@prev", "b", 0,
		    false },
		{ ONE "|--query|b|--key|ip.src|--window|1s|--agg|m=count()|--join|a|"
		      "--key|ip.src|--window|3s|--agg|k=sum(m)",
		    "a", 3 * S, false },
		{ "-r|x|--query|a|--key|ip.src|--window|session:2s|--agg|n=count()", "a", 0,
		    false },
		/* And until a session is known to be over. */
		{ "-r|x|--query|a|--key|ip.src|--window|session:2s|--agg|n=count()|"
		  "--key|ip.src|--window|10s|--agg|m=sum(n)",
		    "a", 10 * S + 2 * (2 * S + 1), false },
		{ "-r|x|--query|a|--window|global|--agg|n=count()", "a", 0, true },
#undef ONE
#undef S
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct weir_command_line line;
		struct weir_command command;
		struct weir_plan *plan = NULL;
		struct weir_error e = { 0 };
		char *copy = strdup(cases[i].words), *save = NULL, *argv[48] = { copy };
		int argc = 1;
		unsigned query = 0;

		for (char *w = strtok_r(copy, "|", &save); w; w = strtok_r(NULL, "|", &save))
			argv[argc++] = w;
		CU_ASSERT_EQUAL_FATAL(weir_options_parse(weir_flags, argc, argv, &line, &e), 0);
		CU_ASSERT_EQUAL_FATAL(weir_command_build(&line, &command, &e), 0);
		if (weir_plan_build(&command, false, &plan, &e))
			printf("%s: %s\n", cases[i].words, e.text);
		CU_ASSERT_PTR_NOT_NULL_FATAL(plan);
		while (strcmp(plan->queries[query].text->name, cases[i].query))
			query++;
		CU_ASSERT_EQUAL(weir_span_history(plan, query), cases[i].ns);
		CU_ASSERT_EQUAL(weir_span_is_endless(plan, query), cases[i].is_endless);
		weir_plan_destroy(plan);
		weir_command_fini(&command);
		weir_command_line_free(&line);
		free(copy);
	}
}

/* Any bytes are taken or refused; what is taken is written again as it was. */
static void
any_bytes(void)
{
	static int64_t done_ns[WEIR_SPAN_SLOTS];
	static uint8_t p[1108], again[64];
	uint64_t state = 42, epoch, number, taken = 0;
	struct weir_span_status status;
	struct weir_span_states states;
	int64_t hold_ns;
	uint16_t query;
	unsigned part, n;

	for (unsigned i = 0; i < N_FUZZED; i++) {
		static const uint32_t lens[] = { 0, 1, 12, 20, 30, 36, 596, 604, 1108 };
		uint32_t len = lens[random_next(&state) % 9];
		uint8_t *exact = malloc(len + 1);

		CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
		for (uint32_t k = 0; k < len; k++)
			p[k] = (uint8_t)(random_next(&state) % (k < 4 ? 8 : 256));
		/* values of a table are few */
		for (uint32_t k = 20; i % 2 && k < len; k++)
			p[k] %= 2;
		memcpy(exact, p, len);
		if (weir_span_get_status(exact, len, &status)) {
			CU_ASSERT_EQUAL(weir_span_put_status(again, &status), len);
			CU_ASSERT_EQUAL(memcmp(again, exact, len), 0);
			taken++;
		}
		if (weir_span_get_part(exact, len, &query, &epoch, &number)) {
			weir_span_put_part(
			    again, (enum weir_span_frame)exact[0], query, epoch, number);
			if (exact[0] == WEIR_SPAN_PIECE) /* it says of what */
				again[1] = exact[1];
			CU_ASSERT_EQUAL(memcmp(again, exact, WEIR_SPAN_PART_HEAD), 0);
			taken++;
		}
		if (weir_span_get_holds(exact, len, &epoch, &hold_ns, &n)) {
			for (unsigned h = 0; h < n; h++)
				weir_span_get_hold(exact, h, &query, &hold_ns);
			taken++;
		}
		if (weir_span_get_table(exact, len, &epoch, &part, done_ns, true)) {
			weir_span_get_states(exact, &states);
			CU_ASSERT(part < WEIR_SPAN_TABLE_PARTS);
			taken++;
		}
		free(exact);
	}
	CU_ASSERT(taken > 1000);
}

/* Numbers in any order, many of them several times: each counts once. */
static void
each_arrives_once(void)
{
	struct weir_span_arrived a = { 0 };
	uint32_t *order = calloc(N_NUMBERS, sizeof(*order));
	uint64_t state = 3, once = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(order);
	for (uint32_t i = 0; i < N_NUMBERS; i++)
		order[i] = i;
	for (uint32_t i = N_NUMBERS - 1; i; i--) {
		uint32_t k = (uint32_t)(random_next(&state) % (i + 1)), x = order[i];

		order[i] = order[k];
		order[k] = x;
	}
	for (uint32_t i = 0; i < N_NUMBERS; i++) {
		once += weir_span_arrive(&a, order[i]);
		CU_ASSERT_FALSE(weir_span_arrive(&a, order[random_next(&state) % (i + 1)]));
	}
	CU_ASSERT_EQUAL(once, N_NUMBERS);
	CU_ASSERT_EQUAL(a.n, N_NUMBERS);
	/* What would take any memory is none. */
	CU_ASSERT_FALSE(weir_span_arrive(&a, UINT64_MAX));
	CU_ASSERT_FALSE(weir_span_arrive(&a, N_NUMBERS + (UINT64_C(1) << 22)));
	CU_ASSERT_EQUAL(a.n, N_NUMBERS);
	free(a.bits);
	free(order);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "parts come back", parts_come_back },
		{ "statuses come back", statuses_come_back },
		{ "tables come back", tables_come_back },
		{ "tables go forward", tables_go_forward },
		{ "holds come back", holds_come_back },
		{ "history is as long as it takes", history_is_as_long_as_it_takes },
		{ "any bytes", any_bytes },
		{ "each arrives once", each_arrives_once },
		CU_TEST_INFO_NULL,
	};

	return check_run("frames between nodes", tests);
}
