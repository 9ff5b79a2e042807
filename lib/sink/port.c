/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_ether.h>
#include <weir/base/log.h>
#include <weir/base/time.h>
#include <weir/port/interface.h>
#include <weir/port/profile.h>

#include "kind.h"
#include "port.h"

#define SCHEME      "port"
#define LINK_WAIT_S 5         /* of a run that can wait for its links */
#define LINGER_NS   100000000 /* before ports are closed */

const char *const weir_forward_reason_names[WEIR_N_FORWARD_REASONS] = {
#define X(id, name, doc) [WEIR_FORWARD_##id] = name,
	WEIR_FORWARD_REASONS(X)
#undef X
};

/* What follows "port:", or NULL where that is another kind. */
static const char *
target_of(const char *uri)
{
	size_t len = strlen(SCHEME);

	return strncmp(uri, SCHEME ":", len + 1) == 0 ? uri + len + 1 : NULL;
}

static int
check_target(const char *target, struct weir_error *err)
{
	struct weir_port_uri u;
	int rc = weir_port_uri_parse(target, &u, err);

	if (!rc)
		weir_port_uri_fini(&u);
	return rc;
}

/* The source that is this port, or NULL. */
static const struct weir_sink_source *
source_of(const struct weir_sink_run *run, const char *name)
{
	for (unsigned i = 0; run && i < run->n_sources; i++)
		if (run->sources[i].is_interface &&
		    weir_port_uri_is_same(run->sources[i].name, name))
			return &run->sources[i];
	return NULL;
}

/* to=other: both ports are sources, and nothing else is. */
static int
check_pair(const struct weir_port_uri *u, const struct weir_sink_run *run, struct weir_error *err)
{
	for (unsigned i = 0; i < u->n_ports; i++)
		if (!source_of(run, u->ports[i]))
			return weir_error_usage(err,
			    "to=other: '%s' is no source of this run (try -i '%s')", u->ports[i],
			    u->ports[i]);
	for (unsigned i = 0; i < run->n_sources; i++) {
		const char *name = run->sources[i].name;

		if (!run->sources[i].is_interface || (!weir_port_uri_is_same(name, u->ports[0]) &&
							 !weir_port_uri_is_same(name, u->ports[1])))
			return weir_error_usage(err,
			    "to=other: source '%s' is neither of the two ports: which one is the "
			    "other?",
			    name);
	}
	return 0;
}

/* A source is opened before the sink, with what its own name says. */
static int
check_options(
    const struct weir_port_uri *u, const struct weir_sink_run *run, struct weir_error *err)
{
	for (unsigned i = 0; u->options[0] && i < u->n_ports; i++) {
		const struct weir_sink_source *source = source_of(run, u->ports[i]);
		size_t len;

		if (source)
			return weir_error_usage(err,
			    "port '%s' is a source too, whose name has the options of its driver "
			    "(try -i '%s%s%s')",
			    u->ports[i], source->name,
			    weir_profile_options(source->name, &len)[0] ? "&" : "?", u->options);
	}
	return 0;
}

int
weir_forward_check(const char *uri, const struct weir_sink_run *run, struct weir_error *err)
{
	struct weir_port_uri u;
	int rc = weir_port_uri_parse(target_of(uri), &u, err);

	if (rc)
		return rc;
	rc = check_options(&u, run, err);
	if (!rc && u.to_other)
		rc = check_pair(&u, run, err);
	weir_port_uri_fini(&u);
	return rc;
}

/* Can it be a port? One that is a source is looked at for itself. */
static int
look_at(const struct weir_port_uri *u, unsigned port, const struct weir_sink_run *run,
    struct weir_error *err)
{
	char *name = weir_port_uri_open_name(u, port);
	int rc;

	if (!name)
		return weir_error_run(err, -ENOMEM, "out of memory");
	rc = source_of(run, u->ports[port]) ? 0 : weir_port_look(name, err);
	free(name);
	return rc ? weir_error_wrap(err, "port '%s'", u->ports[port]) : 0;
}

int
weir_forward_look(const char *uri, const struct weir_sink_run *run, struct weir_error *err)
{
	struct weir_port_uri u;
	int rc = weir_port_uri_parse(target_of(uri), &u, err);

	if (rc)
		return rc;
	for (unsigned i = 0; !rc && i < u.n_ports; i++)
		rc = look_at(&u, i, run, err);
	weir_port_uri_fini(&u);
	return rc;
}

unsigned
weir_forward_n_shares(const char *uri)
{
	const char *target = target_of(uri);
	struct weir_port_uri u;
	unsigned n;

	if (!target || weir_port_uri_parse(target, &u, NULL))
		return 0;
	n = u.to_other ? 1 : u.n_ports;
	weir_port_uri_fini(&u);
	return n;
}

unsigned
weir_forward_n_ports(const char *uri)
{
	const char *target = target_of(uri);
	struct weir_port_uri u;

	if (!target || weir_port_uri_parse(target, &u, NULL))
		return 0;
	weir_port_uri_fini(&u);
	return u.n_ports;
}

bool
weir_forward_names(const char *uri, const char *source)
{
	const char *target = target_of(uri);
	struct weir_port_uri u;
	bool is_named = false;

	if (!target || weir_port_uri_parse(target, &u, NULL))
		return false;
	for (unsigned i = 0; i < u.n_ports; i++)
		is_named |= weir_port_uri_is_same(u.ports[i], source);
	weir_port_uri_fini(&u);
	return is_named;
}

void
weir_forward_describe(const char *uri, const struct weir_sink_run *run, char *buf, size_t size)
{
	struct weir_port_uri u;
	size_t len = 0;

	buf[0] = '\0';
	if (weir_port_uri_parse(target_of(uri), &u, NULL))
		return;
	for (unsigned i = 0; i < u.n_ports && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s%s", i ? ", " : "", u.ports[i],
		    source_of(run, u.ports[i]) ? " (a source too)" : "");
	if (len < size && run->n_workers > 1)
		snprintf(buf + len, size - len,
		    "; a transmit queue for each of %u workers where the driver has so many",
		    run->n_workers);
	else if (len < size)
		snprintf(
		    buf + len, size - len, "; 1 transmit queue%s", u.n_ports > 1 ? " each" : "");
	weir_port_uri_fini(&u);
}

static void
close_lanes(struct weir_port_gate *x)
{
	for (unsigned i = 0; i < x->n_lanes; i++) {
		for (unsigned w = 0; w < x->lanes[i].n_rings; w++)
			free(x->lanes[i].rings[w]);
		free(x->lanes[i].rings);
	}
	free(x->lanes);
}

static struct rte_ring *
create_ring(void)
{
	ssize_t bytes =
	    rte_ring_get_memsize_elem(sizeof(struct weir_port_parcel), WEIR_FORWARD_WAITING);
	struct rte_ring *r = bytes < 0 ? NULL
				       : aligned_alloc(RTE_CACHE_LINE_SIZE,
					     RTE_ALIGN_CEIL((size_t)bytes, RTE_CACHE_LINE_SIZE));

	if (r && rte_ring_init(r, "lane", WEIR_FORWARD_WAITING, RING_F_SP_ENQ | RING_F_SC_DEQ)) {
		free(r);
		return NULL;
	}
	return r;
}

static int
open_lane(struct weir_port_lane *lane, struct weir_port_queue queue, unsigned n_workers)
{
	memset(lane, 0, sizeof(*lane));
	lane->queue = queue;
	lane->rings = calloc(n_workers, sizeof(struct rte_ring *));
	if (!lane->rings)
		return -ENOMEM;
	while (lane->n_rings < n_workers) {
		lane->rings[lane->n_rings] = create_ring();
		if (!lane->rings[lane->n_rings])
			return -ENOMEM;
		lane->n_rings++;
	}
	return 0;
}

/* Where workers have to share the transmit queues. */
static int
open_lanes(struct weir_port_gate *x, unsigned n_workers)
{
	unsigned n = x->port->n_tx < n_workers ? x->port->n_tx : n_workers;
	int rc = 0;

	if (weir_port_has_own_queues(x->port, n_workers))
		return 0;
	x->lanes = aligned_alloc(_Alignof(struct weir_port_lane), n * sizeof(*x->lanes));
	if (!x->lanes)
		return -ENOMEM;
	while (!rc && x->n_lanes < n) {
		rc = open_lane(&x->lanes[x->n_lanes], x->port->tx[x->n_lanes], n_workers);
		x->n_lanes++;
	}
	return rc;
}

static void
close_gate(struct weir_sink_run *run, struct weir_port_gate *x)
{
	struct weir_port_gate **at = &run->gates;

	if (--x->n_users)
		return;
	while (*at && *at != x)
		at = &(*at)->next;
	if (*at)
		*at = x->next;
	weir_port_close(x->port);
	weir_port_give_up_pool(x->pool);
	close_lanes(x);
	free(x->name);
	free(x);
}

/* A driver may take more than the kernel's interface behind it then sends. */
static uint32_t
mtu_of(const struct weir_port *port)
{
	struct weir_interface_facts f;

	if (!port->interface[0] || weir_interface_facts_read(port->interface, &f, NULL))
		return port->mtu;
	return f.mtu < port->mtu ? f.mtu : port->mtu;
}

static int
set_up_gate(struct weir_port_gate *x, const struct weir_sink_run *run, struct weir_error *err)
{
	char driver[64], profile[512] = "";
	size_t len;

	if (weir_profile_options(x->name, &len)[0])
		weir_port_profile(x->port, profile, sizeof(profile));
	x->is_up = weir_port_is_up(x->port);
	x->max_bytes = mtu_of(x->port) + RTE_ETHER_HDR_LEN;
	x->is_multi = x->port->has_multi_segs;
	if (open_lanes(x, run->n_workers))
		return weir_error_run(err, -ENOMEM, "out of memory");
	weir_log(WEIR_LOG_NOTICE, "%s: packets leave by %s, %u transmit queue%s%s%s%s",
	    weir_port_gate_name(x), weir_port_driver(x->port, driver, sizeof(driver)),
	    x->port->n_tx, x->port->n_tx == 1 ? "" : "s", x->n_lanes ? ", which workers share" : "",
	    profile[0] ? "; " : "", profile);
	return 0;
}

/* A device's name without "vdev:" stands for one that a source or a sink has opened. */
static bool
is_missing(const char *name)
{
	return strncmp(name, "net_", 4) == 0 && !weir_port_find(name);
}

/* One that another sink has opened, by the name that it was opened by. */
static int
share_gate(struct weir_port_gate *x, const struct weir_port_uri *u, unsigned port,
    struct weir_port_gate **ret, struct weir_error *err)
{
	size_t len;

	if (u->options[0] && strcmp(weir_profile_options(x->name, &len), u->options) != 0)
		return weir_error_usage(
		    err, "port '%s': another sink has opened it as '%s'", u->ports[port], x->name);
	x->n_users++;
	*ret = x;
	return 0;
}

/* A gate that is not open yet. A source that is the same port knows its arguments. */
static struct weir_port_gate *
create_gate(const struct weir_sink_run *run, const struct weir_port_uri *u, unsigned port)
{
	const struct weir_sink_source *source = source_of(run, u->ports[port]);
	struct weir_port_gate *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->n_users = 1;
	x->name = source ? strdup(source->name) : weir_port_uri_open_name(u, port);
	if (x->name)
		return x;
	free(x);
	return NULL;
}

/* A port that is named, opened where it is not yet. */
static int
open_gate(struct weir_sink_run *run, const struct weir_port_uri *u, unsigned port,
    struct weir_port_gate **ret, struct weir_error *err)
{
	const char *name = u->ports[port];
	struct weir_port_config c = {
		.n_senders = run->n_workers ? run->n_workers : 1,
		.is_send_only = true,
	};
	struct weir_port_gate *x;
	int rc;

	for (x = run->gates; x; x = x->next)
		if (weir_port_uri_is_same(x->name, name))
			return share_gate(x, u, port, ret, err);
	x = create_gate(run, u, port);
	if (!x)
		return weir_error_run(err, -ENOMEM, "out of memory");
	c.name = x->name;
	rc = is_missing(name) ? weir_error_usage(err,
				    "there is no such device (try 'vdev:%s' to make one)", name)
			      : weir_port_open(&c, &x->port, err);
	if (rc) {
		free(x->name);
		free(x);
		return weir_error_wrap(err, "port '%s'", name);
	}
	x->next = run->gates;
	run->gates = x;
	rc = set_up_gate(x, run, err);
	if (rc) {
		close_gate(run, x);
		return rc;
	}
	*ret = x;
	return 0;
}

/* Buffers for packets that have to be copied: two bursts a worker, beside what the driver keeps. */
static int
open_pool(const struct weir_port_sink *p, struct weir_port_gate *x, struct weir_error *err)
{
	if (x->pool || (!p->run->has_views && x->is_multi && !weir_port_rewrites(&p->uri.rewrite)))
		return 0;
	x->pool = weir_port_make_pool(
	    x->port, (p->run->n_workers + 1) * 2 * WEIR_ROWS, x->port->data_bytes, err);
	return x->pool ? 0 : err ? err->code : -ENOMEM;
}

static void
look_at_links(struct weir_port_sink *p)
{
	bool is_up[WEIR_FORWARD_PORTS], is_news = false;

	for (unsigned i = 0; i < p->n_gates; i++) {
		struct weir_port_gate *x = p->gates[i];

		is_up[i] = weir_port_is_up(x->port);
		is_news |= is_up[i] != p->was_up[i];
		if (is_up[i] != atomic_load_explicit(&x->is_up, memory_order_relaxed))
			weir_log(WEIR_LOG_NOTICE, "port %s: its link is %s", weir_port_gate_name(x),
			    is_up[i] ? "up" : "down");
		atomic_store_explicit(&x->is_up, is_up[i], memory_order_relaxed);
		p->was_up[i] = is_up[i];
	}
	if (is_news)
		weir_port_share_set(p, is_up);
}

static void
port_poll(struct weir_sink *s)
{
	look_at_links(s->state);
}

/* Files can wait until all links are there; what comes from live sources cannot. */
static void
wait_for_links(struct weir_port_sink *p)
{
	struct timespec nap = { 0, 10000000 };
	int64_t until_ns = weir_now_mono_ns() + LINK_WAIT_S * WEIR_NS_PER_S;
	unsigned n_down = 1;

	while (n_down && p->can_wait && weir_now_mono_ns() < until_ns) {
		n_down = 0;
		for (unsigned i = 0; i < p->n_gates; i++)
			n_down += !weir_port_is_up(p->gates[i]->port);
		if (n_down)
			nanosleep(&nap, NULL);
	}
}

static void
begin_links(struct weir_port_sink *p)
{
	bool is_up[WEIR_FORWARD_PORTS];

	wait_for_links(p);
	for (unsigned i = 0; i < p->n_gates; i++) {
		struct weir_port_gate *x = p->gates[i];

		is_up[i] = p->was_up[i] = weir_port_is_up(x->port);
		atomic_store_explicit(&x->is_up, is_up[i], memory_order_relaxed);
		if (!is_up[i])
			weir_log(
			    WEIR_LOG_WARNING, "port %s: it has no link", weir_port_gate_name(x));
	}
	weir_port_share_set(p, is_up);
}

static void
destroy(struct weir_port_sink *p)
{
	for (unsigned i = 0; i < p->n_senders; i++) {
		free(p->senders[i]->staged);
		free(p->senders[i]);
	}
	free(p->senders);
	while (p->n_gates)
		close_gate(p->run, p->gates[--p->n_gates]);
	weir_port_uri_fini(&p->uri);
	free(p);
}

static int
port_open(struct weir_sink *s, const char *target, struct weir_error *err)
{
	struct weir_port_sink *p;
	int rc = 0;

	if (!s->run)
		return weir_error_usage(err, "ports are for packets of a run");
	p = calloc(1, sizeof(*p));
	if (!p)
		return weir_error_run(err, -ENOMEM, "out of memory");
	p->run = s->run;
	p->can_wait = s->run->can_wait;
	p->draining = &s->draining;
	rc = weir_port_uri_parse(target, &p->uri, err);
	if (rc) {
		free(p);
		return rc;
	}
	if (p->uri.to_other)
		rc = check_pair(&p->uri, s->run, err);
	if (!rc && p->uri.to_other)
		p->interface = source_of(s->run, p->uri.ports[0])->interface;
	while (!rc && p->n_gates < p->uri.n_ports) {
		rc = open_gate(s->run, &p->uri, p->n_gates, &p->gates[p->n_gates], err);
		if (rc)
			break;
		rc = open_pool(p, p->gates[p->n_gates++], err);
	}
	if (rc) {
		destroy(p);
		return rc;
	}
	begin_links(p);
	s->state = p;
	return 0;
}

/*
 * What drivers have taken may be in their rings still, and is lost when these go: once in a run
 * they get time to send it.
 */
static void
linger(struct weir_sink_run *run, uint64_t sent)
{
	struct timespec nap = { 0, LINGER_NS };

	if (sent && !run->has_lingered)
		nanosleep(&nap, NULL);
	run->has_lingered |= sent > 0;
}

/* Drivers may take a packet and then not send it. */
static void
report_errors(const struct weir_port_sink *p)
{
	struct weir_port_stats stats;

	for (unsigned i = 0; i < p->n_gates; i++) {
		weir_port_stats(p->gates[i]->port, &stats);
		if (stats.send_errors && p->gates[i]->n_users == 1)
			weir_log(WEIR_LOG_WARNING,
			    "port %s: its driver tells of %llu packets that it took and could not "
			    "send",
			    weir_port_gate_name(p->gates[i]),
			    (unsigned long long)stats.send_errors);
	}
}

static int
port_close(struct weir_sink *s, struct weir_error *err)
{
	struct weir_port_sink *p = s->state;
	struct weir_forward_stats f;

	(void)err;
	weir_forward_stats(s, &f);
	linger(p->run, f.sent);
	report_errors(p);
	destroy(p);
	return 0;
}

const struct weir_sink_ops weir_sink_port = {
	.scheme = SCHEME,
	.synopsis = "port:NAME[,NAME...]",
	.doc = "forwards the packets that the query keeps by ports, as -i names them",
	.takes_packets = true,
	.forwards = true,
	.is_streaming = true,
	.check = check_target,
	.open = port_open,
	.poll = port_poll,
	.close = port_close,
};
