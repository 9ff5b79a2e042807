/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "nic_rules.h"

/* Rules of a device: offered, verified, counted, taken back. */

#define LISTED 8 /* rules in a text */

/* How it is known that a rule is there. */
enum seen {
	SEEN_COUNTER, /* it was read back */
	SEEN_DUMP,    /* the driver lists it */
	SEEN_NOT,     /* the driver said that it took it */
	N_SEEN,
};

struct entry {
	struct rte_flow *flow;
	enum seen seen;
	uint64_t hits;
};

struct weir_nic_rules {
	uint16_t id;
	unsigned n, n_refused, n_seen[N_SEEN];
	bool has_none;    /* the driver has no rte_flow */
	bool is_complete; /* all of the complement was offered */
	struct entry entries[WEIR_NIC_RULES];
	uint64_t removed_hits;
	bool had_uncounted;
	char reason[160]; /* of the first refusal */
	struct weir_strbuf taken, refused;
};

static const struct rte_flow_attr ingress = { .ingress = 1 };

static const struct rte_flow_action count_and_drop[] = {
	{ .type = RTE_FLOW_ACTION_TYPE_COUNT },
	{ .type = RTE_FLOW_ACTION_TYPE_DROP },
	{ .type = RTE_FLOW_ACTION_TYPE_END },
};

/* False where the driver does not tell. */
static bool
read_counter(uint16_t id, struct entry *e)
{
	struct rte_flow_query_count c = { 0 };
	struct rte_flow_error error = { 0 };

	if (rte_flow_query(id, e->flow, &count_and_drop[0], &c, &error) != 0 || !c.hits_set)
		return false;
	e->hits = c.hits;
	return true;
}

static bool
is_dumped(uint16_t id, struct rte_flow *flow)
{
	struct rte_flow_error error = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int rc;

	if (!f)
		return false;
	rc = rte_flow_dev_dump(id, flow, f, &error);
	fclose(f);
	free(text);
	return rc == 0 && len > 0;
}

/* Validate, create, and look whether it is there. 0, or -errno with the reason. */
static int
create(struct weir_nic_rules *n, const struct weir_nic_pattern *p,
    const struct rte_flow_action *actions, struct rte_flow_error *error)
{
	struct entry e = { .seen = SEEN_NOT };
	int rc = rte_flow_validate(n->id, &ingress, p->items, actions, error);

	if (rc)
		return rc;
	e.flow = rte_flow_create(n->id, &ingress, p->items, actions, error);
	if (!e.flow)
		return rte_errno ? -rte_errno : -EINVAL;
	if (actions == count_and_drop && read_counter(n->id, &e)) {
		e.seen = SEEN_COUNTER;
	} else if (actions == count_and_drop) {
		/* it said that it counts, and does not: who knows what it dropped */
		rte_flow_destroy(n->id, e.flow, error);
		error->message = "its counter cannot be read back";
		return -EIO;
	} else if (is_dumped(n->id, e.flow)) {
		e.seen = SEEN_DUMP;
	}
	n->n_seen[e.seen]++;
	n->entries[n->n++] = e;
	return 0;
}

static void
note(struct weir_strbuf *to, unsigned n, const struct weir_nic_rule *r)
{
	if (n > LISTED)
		return;
	weir_strbuf_puts(to, n > 1 ? ", " : "");
	weir_nic_rule_text(r, to);
}

/* Counted rather than not; by the IP header's protocol rather than by an item of its own. */
static bool
offer(void *arg, const struct weir_nic_rule *r)
{
	struct weir_nic_rules *n = arg;
	struct weir_nic_pattern p;
	char reason[sizeof(n->reason)] = "";

	for (unsigned way = 0; way < 4 && !n->has_none; way++) {
		const struct rte_flow_action *actions = count_and_drop + (way < 2 ? 0 : 1);
		struct rte_flow_error error = { 0 };
		int rc;

		if (!weir_nic_pattern_make(r, way % 2, &p))
			continue;
		rc = create(n, &p, actions, &error);
		if (!rc) {
			note(&n->taken, n->n, r);
			return true;
		}
		n->has_none = rc == -ENOSYS && !n->n && !n->n_refused;
		snprintf(reason, sizeof(reason), "%s",
		    error.message ? error.message : rte_strerror(-rc));
	}
	if (!n->n_refused++)
		memcpy(n->reason, reason, sizeof(reason));
	note(&n->refused, n->n_refused, r);
	return false;
}

struct weir_nic_rules *
weir_nic_rules_install(uint16_t id, const struct weir_port_rules *r, uint64_t match)
{
	struct weir_nic_rules *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->id = id;
	n->is_complete = weir_nic_each(r, match, WEIR_NIC_RULES, offer, n);
	n->had_uncounted = n->n != n->n_seen[SEEN_COUNTER];
	return n;
}

unsigned
weir_nic_rules_taken(const struct weir_nic_rules *n)
{
	return n->n;
}

uint64_t
weir_nic_rules_count(struct weir_nic_rules *n, bool *ret_is_known)
{
	uint64_t all = n->removed_hits;

	*ret_is_known = !n->had_uncounted;
	for (unsigned i = 0; i < n->n; i++) {
		struct entry *e = &n->entries[i];

		if (e->seen == SEEN_COUNTER && !read_counter(n->id, e))
			*ret_is_known = false;
		all += e->hits;
	}
	return all;
}

int
weir_nic_rules_remove(struct weir_nic_rules *n)
{
	bool is_known;
	int rc = 0;

	weir_nic_rules_count(n, &is_known);
	n->had_uncounted |= !is_known;
	while (n->n && !rc) {
		struct rte_flow_error error = { 0 };

		rc = rte_flow_destroy(n->id, n->entries[n->n - 1].flow, &error);
		if (!rc)
			n->removed_hits += n->entries[--n->n].hits;
	}
	return rc;
}

void
weir_nic_rules_destroy(struct weir_nic_rules *n)
{
	if (!n)
		return;
	weir_nic_rules_remove(n);
	weir_strbuf_free(&n->taken);
	weir_strbuf_free(&n->refused);
	free(n);
}

static void
list_text(const struct weir_strbuf *list, unsigned n, struct weir_strbuf *out)
{
	weir_strbuf_puts(out, list->p);
	if (n > LISTED)
		weir_strbuf_printf(out, " and %u more", n - LISTED);
}

void
weir_nic_rules_text(const struct weir_nic_rules *n, struct weir_strbuf *out)
{
	static const char *const how[N_SEEN] = {
		[SEEN_COUNTER] = "with a counter that was read back",
		[SEEN_DUMP] = "listed by the driver, which does not count",
		[SEEN_NOT] = "on the driver's word, which does not count",
	};
	const char *comma = "";

	if (n->has_none) {
		weir_strbuf_puts(out, "nothing, for the driver has no rte_flow");
		return;
	}
	if (n->n) {
		weir_strbuf_puts(out, "drop ");
		list_text(&n->taken, n->n, out);
		weir_strbuf_puts(out, " (");
	} else {
		weir_strbuf_puts(
		    out, n->n_refused ? "nothing" : "nothing, for no rule can be made of it");
	}
	for (unsigned i = 0; i < N_SEEN; i++) {
		if (!n->n_seen[i] || !n->n)
			continue;
		weir_strbuf_printf(out, "%s%u %s", comma, n->n_seen[i], how[i]);
		comma = ", ";
	}
	weir_strbuf_puts(out, n->n ? ")" : "");
	if (n->n_refused) {
		weir_strbuf_puts(out, "; refused ");
		list_text(&n->refused, n->n_refused, out);
		weir_strbuf_printf(out, " (%s)", n->reason);
	}
	if (n->n_refused || !n->is_complete)
		weir_strbuf_puts(out, "; the queries do the rest");
}

static bool
add_one(void *arg, const struct weir_nic_rule *r)
{
	unsigned *n = arg;

	(void)r;
	++*n;
	return true;
}

/* Why this NIC is offered nothing; or NULL. */
static const char *
obstacle(const struct weir_profile *p, const struct weir_port_rules *r)
{
	if (!p->flow && p->origin[WEIR_PROFILE_flow] == WEIR_PROFILE_COMMAND_LINE)
		return "flow=no as asked";
	if (!p->flow)
		return "no profile says flow=yes of its driver";
	return weir_nic_obstacle(r, p->flow_match);
}

bool
weir_nic_plan(const struct weir_profile *p, const struct weir_port_rules *r, char *buf, size_t size)
{
	const char *why = obstacle(p, r);
	unsigned n = 0;

	if (!why) {
		weir_nic_each(r, p->flow_match, WEIR_NIC_RULES, add_one, &n);
		why = "no rule can be made of it";
	}
	if (n)
		snprintf(buf, size,
		    "%u rules that drop what no query can use, for its driver to take or to refuse",
		    n);
	else
		snprintf(buf, size, "nothing, for %s", why);
	return n > 0;
}
