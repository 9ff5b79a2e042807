/* SPDX-License-Identifier: BSD-3-Clause */
#include "push.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/expr/bounds.h>

/* Transport protocols by the layer that decode gives them, and those that have ports. */
#define TCP       (UINT64_C(1) << 6)
#define UDP       (UINT64_C(1) << 17)
#define DCCP      (UINT64_C(1) << 33)
#define ICMP      (UINT64_C(1) << 1)
#define ICMP6     (UINT64_C(1) << 58)
#define SCTP_HIGH (UINT64_C(1) << (132 - 128))
#define LITE_HIGH (UINT64_C(1) << (136 - 128))

struct protocols {
	uint64_t low, high; /* 0 .. 63 and 128 .. 191 */
};

static const struct protocols has_tcp = { TCP, 0 }, has_udp = { UDP, LITE_HIGH },
			      has_sctp = { 0, SCTP_HIGH }, has_icmp = { ICMP | ICMP6, 0 },
			      has_payload = { TCP | UDP, LITE_HIGH },
			      has_ports = { TCP | UDP | DCCP, SCTP_HIGH | LITE_HIGH };

static void
set_protocols(struct weir_port_rule *r, const struct protocols *p)
{
	const uint64_t words[4] = { p->low, 0, p->high, 0 };

	memcpy(r->protocols, words, sizeof(words));
}

/* Numbers 0 .. most that are in the bound, clamped. False where none is. */
static bool
clamp(const struct weir_bound_range *r, int64_t most, unsigned *ret_first, unsigned *ret_last)
{
	int64_t first = r->first < 0 ? 0 : r->first, last = r->last > most ? most : r->last;

	*ret_first = (unsigned)first;
	*ret_last = (unsigned)last;
	return first <= last;
}

static bool
holds(const struct weir_bound *b, int64_t value)
{
	for (unsigned i = 0; i < b->n; i++)
		if (value >= b->ranges[i].first && value <= b->ranges[i].last)
			return true;
	return false;
}

static void
set_ports(struct weir_port_rule *r, const struct weir_bound *b, enum weir_port_end end)
{
	unsigned first, last;

	r->has_ports[end] = true;
	for (unsigned i = 0; i < b->n; i++)
		if (clamp(&b->ranges[i], 65535, &first, &last))
			r->ports[end][r->n_ports[end]++] =
			    (struct weir_port_range){ (uint16_t)first, (uint16_t)last };
}

static void
set_numbers(struct weir_port_rule *r, const struct weir_bound *b)
{
	unsigned first, last;

	memset(r->protocols, 0, sizeof(r->protocols));
	for (unsigned i = 0; i < b->n; i++)
		for (bool is_some = clamp(&b->ranges[i], 255, &first, &last);
		     is_some && first <= last; first++)
			r->protocols[first / 64] |= UINT64_C(1) << (first % 64);
}

/* The smallest network that has both ends. */
static struct weir_port_network
network_of(const struct weir_bound_range *r)
{
	struct weir_port_network n = { r->first_addr, r->version, 0 };
	uint64_t hi = r->first_addr.hi ^ r->last_addr.hi, lo = r->first_addr.lo ^ r->last_addr.lo;
	unsigned bits = hi   ? (unsigned)__builtin_clzll(hi)
			: lo ? 64u + (unsigned)__builtin_clzll(lo)
			     : 128u;

	if (bits < 64)
		n.addr.hi &= bits ? ~UINT64_C(0) << (64 - bits) : 0;
	if (bits < 128)
		n.addr.lo &= bits > 64 ? ~UINT64_C(0) << (128 - bits) : 0;
	n.prefix = (uint8_t)(r->version == 4 ? bits - 96 : bits);
	return n;
}

static void
set_networks(struct weir_port_rule *r, const struct weir_bound *b, enum weir_port_end end)
{
	r->has_networks[end] = true;
	r->versions = 0;
	for (unsigned i = 0; i < b->n && i < WEIR_PORT_NETWORKS; i++) {
		r->networks[end][r->n_networks[end]++] = network_of(&b->ranges[i]);
		r->versions |= b->ranges[i].version == 4 ? WEIR_PORT_IP4 : WEIR_PORT_IP6;
	}
}

/* A field that is there at all says which layers the packet has. False: not even IP. */
static bool
set_layers(struct weir_port_rule *r, uint32_t layers)
{
	if (layers == WEIR_LAYER_TCP)
		set_protocols(r, &has_tcp);
	else if (layers == WEIR_LAYER_UDP)
		set_protocols(r, &has_udp);
	else if (layers == WEIR_LAYER_SCTP)
		set_protocols(r, &has_sctp);
	else if (layers == WEIR_LAYER_ICMP)
		set_protocols(r, &has_icmp);
	else if (layers && !(layers & ~(uint32_t)(WEIR_LAYER_PAYLOAD | WEIR_LAYER_TEXT)))
		set_protocols(r, &has_payload);
	else if (layers == WEIR_LAYER_IP6)
		r->versions = WEIR_PORT_IP6;
	else
		return layers && !(layers & ~(uint32_t)WEIR_LAYER_IP);
	return true;
}

/* The words for protocols are never null: they say something where they are true. */
static bool
set_word(struct weir_port_rule *r, const struct weir_bound *b)
{
	if (holds(b, 0))
		return false;
	switch (b->slot) {
	case WEIR_FIELD_IS_IP:
		r->versions = WEIR_PORT_IP4;
		return true;
	case WEIR_FIELD_IS_IPV6:
		r->versions = WEIR_PORT_IP6;
		return true;
	case WEIR_FIELD_IS_ICMP:
		return set_layers(r, WEIR_LAYER_ICMP);
	case WEIR_FIELD_IS_TCP:
	case WEIR_FIELD_IS_TLS:
		return set_layers(r, WEIR_LAYER_TCP);
	case WEIR_FIELD_IS_UDP:
		return set_layers(r, WEIR_LAYER_UDP);
	case WEIR_FIELD_IS_SCTP:
		return set_layers(r, WEIR_LAYER_SCTP);
	case WEIR_FIELD_IS_DNS:
		return set_layers(r, WEIR_LAYER_PAYLOAD);
	default:
		return false;
	}
}

/* The rule of one test; false where it says nothing of IP. */
static bool
set_test(struct weir_port_rule *r, const struct weir_bound *b)
{
	weir_port_rule_all(r);
	switch (b->slot) {
	case WEIR_FIELD_IP_VERSION:
		r->versions = (uint8_t)((holds(b, 4) ? WEIR_PORT_IP4 : 0) |
					(holds(b, 6) ? WEIR_PORT_IP6 : 0));
		return true;
	case WEIR_FIELD_IP_SRC:
	case WEIR_FIELD_IP_DST:
		set_networks(r, b, b->slot == WEIR_FIELD_IP_SRC ? WEIR_PORT_SRC : WEIR_PORT_DST);
		return true;
	case WEIR_FIELD_IP_PROTO:
		set_numbers(r, b);
		return true;
	case WEIR_FIELD_SRCPORT:
	case WEIR_FIELD_DSTPORT:
		set_ports(r, b, b->slot == WEIR_FIELD_SRCPORT ? WEIR_PORT_SRC : WEIR_PORT_DST);
		return true;
	case WEIR_FIELD_TCP_SRCPORT:
	case WEIR_FIELD_UDP_SRCPORT:
	case WEIR_FIELD_SCTP_SRCPORT:
		set_ports(r, b, WEIR_PORT_SRC);
		break;
	case WEIR_FIELD_TCP_DSTPORT:
	case WEIR_FIELD_UDP_DSTPORT:
	case WEIR_FIELD_SCTP_DSTPORT:
		set_ports(r, b, WEIR_PORT_DST);
		break;
	default:
		break;
	}
	if (b->slot >= WEIR_N_FIELDS)
		return false; /* a column of --map */
	return weir_fields[b->slot].layers ? set_layers(r, weir_fields[b->slot].layers)
					   : set_word(r, b);
}

/* What one condition wants. */
struct wanted {
	bool is_all; /* packets that are no IP, too */
	struct weir_port_rules rules;
};

/*
 * 0 is also the port of what has none, and of what is too short for it: nothing is said of that.
 * Other ports mean that there are some. False where no packet is like that.
 */
static bool
finish_rule(struct weir_port_rule *r)
{
	struct weir_port_rule ports;

	weir_port_rule_all(&ports);
	for (unsigned end = 0; end < WEIR_PORT_ENDS; end++) {
		for (unsigned i = 0; i < r->n_ports[end]; i++)
			if (r->ports[end][i].first == 0)
				r->has_ports[end] = false;
		if (r->has_ports[end])
			set_protocols(&ports, &has_ports);
		else
			r->n_ports[end] = 0;
	}
	return weir_port_rule_and(r, &ports);
}

static void
add_term(struct wanted *w, const struct weir_bounds *bounds, unsigned term)
{
	struct weir_port_rule rule, test;
	struct weir_bound b;
	bool is_ip = false;

	weir_port_rule_all(&rule);
	for (unsigned i = 0; i < weir_bounds_tests(bounds, term); i++) {
		weir_bounds_get(bounds, term, i, &b);
		if (!set_test(&test, &b))
			continue;
		is_ip = true;
		if (!weir_port_rule_and(&rule, &test))
			return; /* no packet is like that */
	}
	if (!finish_rule(&rule))
		return;
	w->is_all |= !is_ip;
	if (w->rules.n == WEIR_PORT_RULES)
		w->is_all = true;
	else
		w->rules.rules[w->rules.n++] = rule;
}

/* And another condition; where there is no room for both, the narrower says enough. */
static void
and_wanted(struct wanted *a, const struct wanted *b, struct wanted *scratch)
{
	if (b->is_all)
		return;
	if (a->is_all) {
		*a = *b;
		return;
	}
	if (a->rules.n * b->rules.n > WEIR_PORT_RULES)
		return;
	scratch->is_all = false;
	scratch->rules.wants_unusual = a->rules.wants_unusual || b->rules.wants_unusual;
	scratch->rules.n = 0;
	for (unsigned i = 0; i < a->rules.n; i++)
		for (unsigned k = 0; k < b->rules.n; k++) {
			struct weir_port_rule *to = &scratch->rules.rules[scratch->rules.n];

			*to = a->rules.rules[i];
			scratch->rules.n += weir_port_rule_and(to, &b->rules.rules[k]);
		}
	*a = *scratch;
}

/* What a query's conditions over packets leave. wants: three of them, for scratch. */
static int
want_query(const struct weir_path *path, struct wanted *wants)
{
	struct wanted *all = &wants[0], *one = &wants[1];

	all->is_all = true;
	for (unsigned i = 0; i < path->n_stages; i++) {
		const struct weir_stage *s = path->stages[i];
		const struct weir_program *program = weir_stage_program(s);
		bool is_filter = strcmp(s->ops->name, "filter") == 0;
		struct weir_bounds *bounds;

		if (!program || (!is_filter && strcmp(s->ops->name, "where") != 0))
			continue;
		bounds = weir_bounds_create(program);
		if (!bounds)
			return -ENOMEM;
		one->is_all = false;
		one->rules.n = 0;
		/* libpcap judges by itself what is not plain: see lib/stage/filter_hot.c */
		one->rules.wants_unusual = is_filter;
		for (unsigned t = 0; t < weir_bounds_terms(bounds); t++)
			add_term(one, bounds, t);
		weir_bounds_destroy(bounds);
		and_wanted(all, one, &wants[2]);
	}
	return 0;
}

static bool
add_rules(struct weir_port_rules *to, const struct weir_port_rules *more)
{
	if (to->n + more->n > WEIR_PORT_RULES)
		return false;
	memcpy(to->rules + to->n, more->rules, more->n * sizeof(more->rules[0]));
	to->n += more->n;
	to->wants_unusual |= more->wants_unusual;
	return true;
}

/* Why nothing may be left out, whatever the queries are; or NULL. */
static const char *
obstacle(const struct weir_plan *p)
{
	const struct weir_command *c = p->command;

	if (c->is_push_never)
		return "--push never";
	if (c->packets)
		return "--packets counts all that come";
	if (c->decap_text)
		return "--decap looks behind the outermost IP header";
	if (weir_field_set_has(&p->needed, WEIR_FIELD_FRAME_NUMBER))
		return "frame.number counts all that come";
	return NULL;
}

/* 0, or -ENOMEM; p->push_why says what is in the way. */
static int
want_all_queries(struct weir_plan *p, struct wanted *wants, struct weir_port_rules *rules)
{
	for (unsigned i = 0; i < p->n_queries; i++) {
		const struct weir_plan_query *q = &p->queries[i];

		if (!q->path || q->is_late || q->is_removed)
			continue;
		if (want_query(q->path, wants))
			return -ENOMEM;
		if (wants->is_all)
			snprintf(p->push_why, sizeof(p->push_why),
			    "query %s may use packets of any kind", q->text->name);
		else if (!add_rules(rules, &wants->rules))
			snprintf(p->push_why, sizeof(p->push_why), "more than %d rules",
			    WEIR_PORT_RULES);
		if (p->push_why[0])
			return 0;
	}
	return 0;
}

int
weir_push_build(struct weir_plan *p, struct weir_error *err)
{
	struct wanted *wants;
	struct weir_port_rules *rules;
	const char *why = p->is_live ? obstacle(p) : "no source is live";
	int rc;

	snprintf(p->push_why, sizeof(p->push_why), "%s", why ? why : "");
	if (why)
		return 0;
	wants = calloc(3, sizeof(*wants));
	rules = calloc(1, sizeof(*rules));
	rc = wants && rules ? want_all_queries(p, wants, rules) : -ENOMEM;
	free(wants);
	if (rc || p->push_why[0]) {
		free(rules);
		return rc ? weir_error_run(err, rc, "out of memory") : 0;
	}
	p->push = rules;
	return 0;
}

void
weir_push_end(struct weir_plan *p, const char *why)
{
	if (!p->push)
		return;
	free(p->push);
	p->push = NULL;
	snprintf(p->push_why, sizeof(p->push_why), "%s", why);
}

/* Who keeps what is not wanted: the kernel of interfaces that are taken, or NICs. */
static const char *
keeper(const struct weir_plan *p, struct weir_source *const *sources)
{
	bool has_kernel = false, has_nic = false;

	for (unsigned i = 0; i < p->command->n_sources; i++) {
		has_kernel |= sources[i]->has_rules && !sources[i]->offered;
		has_nic |= sources[i]->has_rules && sources[i]->offered;
	}
	if (has_kernel)
		return has_nic ? " (the kernel keeps the rest, or the NIC drops it)"
			       : " (the kernel keeps the rest)";
	return has_nic ? " (the NIC drops of the rest what it can)" : NULL;
}

static bool
is_interface(const struct weir_plan *p, struct weir_source *const *sources, unsigned i)
{
	return sources[i]->is_live && p->command->sources[i].flag == WEIR_SOURCE_INTERFACE;
}

void
weir_push_explain(const struct weir_plan *p, struct weir_source *const *sources, FILE *out)
{
	struct weir_strbuf text = { 0 };
	const char *who = keeper(p, sources);
	bool is_some = false;

	for (unsigned i = 0; i < p->command->n_sources; i++)
		is_some |= is_interface(p, sources, i);
	if (!is_some)
		return;
	if (!p->push) {
		fprintf(out, "push nothing: %s\n", p->push_why);
		return;
	}
	weir_port_rules_text(p->push, &text);
	fprintf(out, "push %s%s%s%s\n", who ? "" : "nothing, for no source can leave packets out: ",
	    text.len ? text.p : "no packet at all",
	    p->push->wants_unusual ? "; and what is not plain IP" : "", who ? who : "");
	weir_strbuf_free(&text);
	for (unsigned i = 0; i < p->command->n_sources; i++)
		if (is_interface(p, sources, i) && sources[i]->offered)
			fprintf(out, "push to %s: %s\n", sources[i]->name, sources[i]->offered);
}
