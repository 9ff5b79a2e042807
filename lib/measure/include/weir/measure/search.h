/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_MEASURE_SEARCH_H
#define WEIR_MEASURE_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/error.h>

/*
 * The search of the largest rate at which a device loses nothing, or no more than a share: as in
 * RFC 9971 (multiple loss ratio search), of which the throughput of RFC 2544 is the goal that
 * weir_search_rfc2544 makes. It says which trial comes next; who calls it runs the trial. No clock,
 * no packets, no chance: the same results lead to the same trials.
 *
 * A load is a lower bound of a goal where its trials were good for so long that no more trials up
 * to the goal's duration sum could change that, an upper bound where they were bad for so long.
 * Trials shorter than the goal's count as RFC 9971 has it: bad time, less what good time outweighs.
 * All goals share all trials. Before the goal's own trials, shorter ones narrow the interval.
 *
 * Control thread.
 */

struct weir_search_goal {
	double loss_ratio;   /* a trial that loses a larger share is bad; 0 to less than 1 */
	double exceed_ratio; /* share of time that may be bad, 0 to less than 1; RFC 9971: 0.5 */
	double width;        /* (upper - lower) / upper at the end; more than 0, less than 1 */
	int64_t initial_ns;  /* length of the first trials */
	int64_t final_ns;    /* of those that decide; at least initial_ns */
	int64_t sum_ns;      /* of such trials at a load that decides; at least final_ns */
};

struct weir_search_config {
	double min_pps; /* more than 0: below it nothing is tried */
	double max_pps; /* line rate, or what the sender can */
	unsigned n_goals;
	const struct weir_search_goal *goals; /* [n_goals], copied; the one of least loss first */
	int64_t budget_ns;                    /* of all trials together; 0: no bound */
};

struct weir_search_trial {
	double rate_pps;
	int64_t duration_ns;
};

struct weir_search_result {
	double rate_pps;
	int64_t duration_ns;
	double loss_ratio;
};

enum weir_search_class {
	WEIR_SEARCH_UNDECIDED,
	WEIR_SEARCH_LOWER,
	WEIR_SEARCH_UPPER,
};

/* Of a goal: the interval that the limit is in.
 *   no upper bound, is_complete: max_pps is within the goal
 *   no lower bound, is_complete: even min_pps is not */
struct weir_search_found {
	struct weir_search_goal goal;
	bool is_complete; /* false: trials were too many or too long */
	bool has_lower;
	bool has_upper;
	double lower_pps; /* the answer: the largest lower bound below all upper ones; or 0 */
	double upper_pps; /* or 0 */
	/* RFC 9971's conditional throughput: what was received at lower_pps, leaving the worst
	 * trials out as far as exceed_ratio goes; without loss lower_pps itself. */
	double conditional_pps;
	unsigned n_trials; /* of the whole search */
	int64_t spent_ns;
};

struct weir_search;

/* No loss in one trial of that length; the interval's width as above. */
struct weir_search_goal weir_search_rfc2544(int64_t trial_ns, double width);

/* Describes values that make no search (usage). 0, -EINVAL or -ENOMEM. */
int weir_search_create(
    const struct weir_search_config *c, struct weir_search **ret, struct weir_error *err);
void weir_search_destroy(struct weir_search *s);
/* The next trial. False: the search is over. Asked again before the result: the same trial. */
bool weir_search_next(struct weir_search *s, struct weir_search_trial *ret);
/* Result of the trial that weir_search_next said last. What could not be sent in time counts as
 * sent and as lost: a sender that is too slow is no proof of a device that is fast enough. */
void weir_search_add(struct weir_search *s, uint64_t sent, uint64_t lost);
/* At any time, for goal number i. */
void weir_search_get(const struct weir_search *s, unsigned i, struct weir_search_found *ret);

/* Any thread. What the results of trials, of which those at rate_pps count, say of that load
 * (RFC 9971, Load Classification). Of g are used the ratios, final_ns and sum_ns. */
enum weir_search_class weir_search_classify(const struct weir_search_goal *g,
    const struct weir_search_result *results, unsigned n, double rate_pps);
/* Any thread. RFC 9971's conditional throughput of such a load, in packets/s; 0 where its trials of
 * full length are too few. */
double weir_search_conditional(const struct weir_search_goal *g,
    const struct weir_search_result *results, unsigned n, double rate_pps);

#endif
