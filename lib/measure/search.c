/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>
#include <weir/measure/search.h>

#define HALVINGS   2    /* stages of shorter trials and wider intervals before a goal's own */
#define MAX_TRIALS 2000 /* a device whose loss has nothing to do with the load */
#define ROUNDING   1e-9

struct bounds {
	double lower_pps, upper_pps; /* 0: none */
};

struct weir_search {
	double min_pps, max_pps;
	int64_t budget_ns;
	struct weir_search_goal *goals;
	unsigned n_goals;
	struct weir_search_result *trials;
	unsigned n_trials;
	int64_t spent_ns;

	unsigned goal, stage; /* what is looked for now */
	struct bounds hint;   /* what the stage before has found */
	double step;          /* of the way to the bound that is missing, as a share of the load */
	double rate_pps;      /* of the load that is tried; 0: the next one is to be chosen */
	bool is_asked;        /* it waits for its result */
	bool is_exhausted;
};

struct weir_search_goal
weir_search_rfc2544(int64_t trial_ns, double width)
{
	return (struct weir_search_goal){
		.width = width,
		.initial_ns = trial_ns,
		.final_ns = trial_ns,
		.sum_ns = trial_ns,
	};
}

static int
check_goal(const struct weir_search_goal *g, struct weir_error *err)
{
	if (!(g->loss_ratio >= 0 && g->loss_ratio < 1))
		return weir_error_usage(
		    err, "a loss ratio of %g: at least 0 and less than 1", g->loss_ratio);
	if (!(g->exceed_ratio >= 0 && g->exceed_ratio < 1))
		return weir_error_usage(
		    err, "an exceed ratio of %g: at least 0 and less than 1", g->exceed_ratio);
	if (!(g->width > 0 && g->width < 1))
		return weir_error_usage(
		    err, "a precision of %g: more than 0 and less than 1", g->width);
	if (g->initial_ns <= 0 || g->final_ns < g->initial_ns || g->sum_ns < g->final_ns)
		return weir_error_usage(err,
		    "trials of %g s, then %g s, in all %g s: "
		    "each is more than 0 and no less than the one before",
		    (double)g->initial_ns / 1e9, (double)g->final_ns / 1e9,
		    (double)g->sum_ns / 1e9);
	return 0;
}

int
weir_search_create(
    const struct weir_search_config *c, struct weir_search **ret, struct weir_error *err)
{
	struct weir_search *s;

	if (!(c->min_pps > 0 && c->max_pps >= c->min_pps && c->max_pps < INFINITY))
		return weir_error_usage(err,
		    "rates from %g to %g packets/s: the least is more "
		    "than 0 and no more than the largest",
		    c->min_pps, c->max_pps);
	if (!c->n_goals)
		return weir_error_usage(err, "nothing to search for");
	for (unsigned i = 0; i < c->n_goals; i++) {
		int rc = check_goal(&c->goals[i], err);

		if (rc)
			return rc;
	}
	s = calloc(1, sizeof(*s));
	if (s)
		s->goals = calloc(c->n_goals, sizeof(*s->goals));
	if (!s || !s->goals) {
		free(s);
		return weir_error_run(err, -ENOMEM, "out of memory");
	}
	memcpy(s->goals, c->goals, c->n_goals * sizeof(*s->goals));
	s->n_goals = c->n_goals;
	s->min_pps = c->min_pps;
	s->max_pps = c->max_pps;
	s->budget_ns = c->budget_ns > 0 ? c->budget_ns : INT64_MAX;
	*ret = s;
	return 0;
}

void
weir_search_destroy(struct weir_search *s)
{
	if (!s)
		return;
	free(s->trials);
	free(s->goals);
	free(s);
}

static unsigned
last_stage(const struct weir_search_goal *g)
{
	return g->final_ns > g->initial_ns ? HALVINGS : 0;
}

/* Stages before the last have trials from the initial length on, each by the same factor longer,
 * decide by a single one, and are content with twice the width of the next. */
static struct weir_search_goal
target_of(const struct weir_search_goal *g, unsigned stage)
{
	unsigned last = last_stage(g);
	struct weir_search_goal t = *g;

	if (stage >= last)
		return t;
	t.final_ns =
	    (int64_t)((double)g->initial_ns * pow((double)g->final_ns / (double)g->initial_ns,
						  (double)stage / (double)last));
	t.sum_ns = t.final_ns;
	t.width = fmin(g->width * (double)(1u << (last - stage)), 0.5);
	t.width = fmax(t.width, g->width);
	return t;
}

static enum weir_search_class
class_of(const struct weir_search *s, const struct weir_search_goal *t, double rate_pps)
{
	return weir_search_classify(t, s->trials, s->n_trials, rate_pps);
}

/* Trials of one load mostly follow each other. */
static bool
is_repeated(const struct weir_search *s, unsigned i)
{
	return i > 0 && s->trials[i].rate_pps == s->trials[i - 1].rate_pps;
}

/* The least upper bound, and the largest lower bound below it. */
static struct bounds
bounds_of(const struct weir_search *s, const struct weir_search_goal *t)
{
	struct bounds b = { 0, 0 };

	for (unsigned i = 0; i < s->n_trials; i++) {
		double rate = s->trials[i].rate_pps;

		if (!is_repeated(s, i) && (b.upper_pps == 0 || rate < b.upper_pps) &&
		    class_of(s, t, rate) == WEIR_SEARCH_UPPER)
			b.upper_pps = rate;
	}
	for (unsigned i = 0; i < s->n_trials; i++) {
		double rate = s->trials[i].rate_pps;

		if (!is_repeated(s, i) && rate > b.lower_pps &&
		    (b.upper_pps == 0 || rate < b.upper_pps) &&
		    class_of(s, t, rate) == WEIR_SEARCH_LOWER)
			b.lower_pps = rate;
	}
	return b;
}

static bool
is_found(const struct weir_search *s, const struct weir_search_goal *t, const struct bounds *b)
{
	if (b->lower_pps > 0 && b->upper_pps > 0)
		return (b->upper_pps - b->lower_pps) <= b->upper_pps * t->width * (1 + ROUNDING);
	return b->upper_pps > 0 ? b->upper_pps <= s->min_pps : b->lower_pps >= s->max_pps;
}

/* What came through at a load, at the best of its trials. */
static double
received_at(const struct weir_search *s, double rate_pps)
{
	double least = 1;

	for (unsigned i = 0; i < s->n_trials; i++)
		if (s->trials[i].rate_pps == rate_pps)
			least = fmin(least, s->trials[i].loss_ratio);
	return rate_pps * (1 - least);
}

/* Steps to a bound that is missing double each time. */
static double
take_step(struct weir_search *s)
{
	double step = s->step;

	s->step = fmin(2 * s->step, 0.5);
	return step;
}

static double
lower_load(struct weir_search *s, const struct weir_search_goal *t, double upper_pps)
{
	double rate, received;

	if (s->hint.lower_pps > 0 && s->hint.lower_pps < upper_pps)
		return s->hint.lower_pps;
	/* A device that drops what is too much lets through what it can: look right below that. */
	received = received_at(s, upper_pps) * (1 - t->width / 2);
	rate = upper_pps * (1 - take_step(s));
	if (received > s->min_pps && received < rate) {
		rate = received;
		s->step = t->width;
	}
	return fmax(rate, s->min_pps);
}

static double
choose_load(struct weir_search *s, const struct weir_search_goal *t, const struct bounds *b)
{
	double above;

	if (b->lower_pps == 0 && b->upper_pps == 0)
		return s->hint.lower_pps > 0 ? s->hint.lower_pps : s->max_pps;
	if (b->lower_pps == 0)
		return lower_load(s, t, b->upper_pps);
	if (b->upper_pps == 0 && s->hint.upper_pps > b->lower_pps)
		return s->hint.upper_pps;
	/* Often the limit is right above: steps that double get there sooner than halving does, and
	 * are no more than the half soon where it is not. */
	above = b->lower_pps / (1 - take_step(s));
	if (b->upper_pps > 0)
		return fmin(above, sqrt(b->lower_pps * b->upper_pps));
	return fmin(above, s->max_pps);
}

static void
begin_stage(struct weir_search *s, const struct bounds *hint)
{
	s->hint = *hint;
	s->step = 0;
}

/* The next load to try, through all stages that need none. 0: the search is over. */
static double
next_load(struct weir_search *s, struct weir_search_goal *t)
{
	while (s->goal < s->n_goals) {
		const struct weir_search_goal *g = &s->goals[s->goal];
		struct bounds b;

		*t = target_of(g, s->stage);
		if (s->rate_pps > 0 && class_of(s, t, s->rate_pps) == WEIR_SEARCH_UNDECIDED)
			return s->rate_pps;
		b = bounds_of(s, t);
		if (s->step == 0)
			s->step = t->width;
		if (!is_found(s, t, &b))
			return choose_load(s, t, &b);
		s->rate_pps = 0;
		begin_stage(s, &b);
		if (s->stage++ < last_stage(g))
			continue;
		s->stage = 0;
		s->goal++;
	}
	return 0;
}

bool
weir_search_next(struct weir_search *s, struct weir_search_trial *ret)
{
	struct weir_search_goal t;
	double rate;

	if (s->is_exhausted)
		return false;
	if (s->is_asked) {
		t = target_of(&s->goals[s->goal], s->stage);
		*ret = (struct weir_search_trial){ s->rate_pps, t.final_ns };
		return true;
	}
	rate = next_load(s, &t);
	if (rate <= 0)
		return false;
	if (s->n_trials >= MAX_TRIALS || t.final_ns > s->budget_ns - s->spent_ns) {
		s->is_exhausted = true;
		return false;
	}
	s->rate_pps = rate;
	s->is_asked = true;
	*ret = (struct weir_search_trial){ rate, t.final_ns };
	return true;
}

void
weir_search_add(struct weir_search *s, uint64_t sent, uint64_t lost)
{
	struct weir_search_result *x;
	int64_t duration_ns;

	if (!s->is_asked)
		return;
	duration_ns = target_of(&s->goals[s->goal], s->stage).final_ns;
	x = weir_array_add(&s->trials, &s->n_trials, sizeof(*x));
	x->rate_pps = s->rate_pps;
	x->duration_ns = duration_ns;
	/* Nothing sent is nothing known to get through. */
	x->loss_ratio = sent ? (double)(lost < sent ? lost : sent) / (double)sent : 1;
	s->spent_ns += duration_ns;
	s->is_asked = false;
}

void
weir_search_get(const struct weir_search *s, unsigned i, struct weir_search_found *ret)
{
	const struct weir_search_goal *g = &s->goals[i];
	struct weir_search_goal t = target_of(g, last_stage(g));
	struct bounds b = bounds_of(s, &t);

	*ret = (struct weir_search_found){
		.goal = *g,
		.is_complete = is_found(s, &t, &b),
		.has_lower = b.lower_pps > 0,
		.has_upper = b.upper_pps > 0,
		.lower_pps = b.lower_pps,
		.upper_pps = b.upper_pps,
		.n_trials = s->n_trials,
		.spent_ns = s->spent_ns,
	};
	if (ret->has_lower)
		ret->conditional_pps =
		    weir_search_conditional(&t, s->trials, s->n_trials, b.lower_pps);
}
