/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>

#include <weir/base/number.h>
#include <weir/base/time.h>
#include <weir/measure/search.h>

#include "session.h"

/* The interval that is left in the end; and so much less than the schedule is the sender's fault.
 */
#define WIDTH     0.01
#define BEHIND    0.02
#define SPEED_NS  (WEIR_NS_PER_S / 10)
#define LEAST     10000. /* of the most that is tried */
#define TRIALS_NS 100    /* lengths of a trial that all may take */

/* What the line takes, or where nobody knows its speed, more than any sender does. */
static double
line_pps(const struct session *s)
{
	uint64_t bps = weir_port_speed_bps(s->tx);

	if (!bps)
		bps = UINT64_C(100000000000);
	return (double)bps / 8 / (frame_mean(&s->config->frame) + WEIR_LINE_EXTRA_BYTES);
}

/* The most to try: of the line, and of what this sender does when it does its utmost. */
static int
find_most(struct session *s, double *ret, struct weir_error *err)
{
	struct trial_sent *sent = &s->scratch;
	struct tally t = { 0 };
	double line = line_pps(s);
	int rc = 0;

	*ret = s->ndr.pps;
	if (*ret > 0)
		return 0;
	rc = session_trial(s, false, line, SPEED_NS, &t, sent, err);
	tally_fini(&t);
	*ret = fmin(line, 1.25 * sent->pps);
	return rc;
}

/* Probes that were not sent in time, as a share: all of them where none was. */
static double
share_behind(double wanted_pps, const struct trial_sent *sent)
{
	double behind = sent->n > 1 ? 1 - sent->pps / wanted_pps : 1;

	return behind > BEHIND ? behind : 0;
}

static int
try_rate(struct session *s, struct weir_search *search, const struct weir_search_trial *next,
    struct weir_error *err)
{
	struct trial_sent *sent = &s->scratch;
	struct weir_sequence_counts counts;
	struct tally t = { 0 };
	uint64_t n, behind, lost;
	char rate[32];
	int rc = session_trial(s, false, next->rate_pps, next->duration_ns, &t, sent, err);

	if (!rc && !s->is_interrupted) {
		weir_sequence_get(t.sequence, sent->n, &counts);
		n = sent->n + sent->n_unsent;
		behind = (uint64_t)(share_behind(next->rate_pps, sent) * (double)n);
		behind = behind > sent->n_unsent ? behind : sent->n_unsent;
		lost = counts.lost + behind < n ? counts.lost + behind : n;
		if (lost && (next->rate_pps < s->ndr.limit_pps || !s->ndr.limit_pps)) {
			s->ndr.limit_pps = next->rate_pps;
			s->ndr.is_sender_limited = behind && !counts.lost;
		}
		session_say(s, "trial at %s/s: lost %llu of %llu",
		    weir_text_count(next->rate_pps, rate, sizeof(rate)), (unsigned long long)lost,
		    (unsigned long long)n);
		weir_search_add(search, n, lost);
	}
	tally_fini(&t);
	return rc;
}

static int
search_all(struct session *s, struct weir_search *search, struct weir_error *err)
{
	struct weir_search_trial next;
	int rc = 0;

	while (!rc && !s->is_interrupted && weir_search_next(search, &next))
		rc = try_rate(s, search, &next, err);
	return rc;
}

int
session_find_ndr(struct session *s, struct weir_error *err)
{
	const struct config *c = s->config;
	struct weir_search_goal goal = weir_search_rfc2544(c->trial_ns, WIDTH);
	struct weir_search_config config = {
		.n_goals = 1, .goals = &goal, .budget_ns = TRIALS_NS * c->trial_ns
	};
	struct weir_search *search = NULL;
	int rc = find_most(s, &config.max_pps, err);

	if (rc || s->is_interrupted)
		return rc;
	if (c->loss_goal > 0) {
		/* a share of loss is a matter of luck: two trials, of which one may be bad */
		goal.loss_ratio = c->loss_goal;
		goal.exceed_ratio = 0.5;
		goal.sum_ns = 2 * goal.final_ns;
	}
	config.min_pps = fmax(1, config.max_pps / LEAST);
	rc = weir_search_create(&config, &search, err);
	if (!rc)
		rc = search_all(s, search, err);
	if (search)
		weir_search_get(search, 0, &s->ndr.found);
	weir_search_destroy(search);
	s->ndr.pps = s->ndr.found.lower_pps;
	s->ndr.most_pps = config.max_pps;
	if (!rc && !s->is_interrupted && !s->ndr.found.has_lower)
		return weir_error_run(err, -1,
		    "--ndr: even at %g packets a second more is lost than --loss-goal allows",
		    config.min_pps);
	return rc;
}
