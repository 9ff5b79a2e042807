/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/log.h>

#include <weir/port/interface.h>
#include <weir/port/name.h>
#include <weir/port/port.h>

#include "ethdev.h"
#include "kind.h"
#include "tap.h"

static bool
interface_match(const struct weir_source_config *c)
{
	return c->flag == WEIR_SOURCE_INTERFACE && !weir_port_is_named(c->value);
}

/* Facts, what to do with the interface, and whether that is at all possible now. */
static int
look(const struct weir_source_config *c, struct weir_interface_facts *f,
    struct weir_interface_decision *d, struct weir_error *err)
{
	int rc;

	if (!c->value[0])
		return weir_error_usage(
		    err, "-i '': name an interface, such as 'eth0' ('any' for all)");
	rc = weir_interface_facts_read(c->value, f, err);
	if (rc)
		return weir_error_wrap(err, "-i '%s'", c->value);
	rc = weir_interface_decide(f, c->take, d, err);
	if (rc)
		return rc;
	if (!(f->flags & IFF_UP))
		return weir_error_run(err, -ENETDOWN,
		    "-i '%s': the interface is down: 'sudo ip link set %s up'", c->value, c->value);
	return 0;
}

/*
 * The same of the name without what stands behind its '?', which is for DPDK's driver: *plain is c
 * by that name, in buf.
 */
static int
look_at_plain(const struct weir_source_config *c, struct weir_source_config *plain, char *buf,
    size_t size, struct weir_interface_facts *f, struct weir_interface_decision *d,
    struct weir_error *err)
{
	const char *options;
	int rc = weir_port_split(c->value, buf, size, &options, err);

	if (rc)
		return weir_error_wrap(err, "-i '%s'", c->value);
	*plain = *c;
	plain->value = buf;
	rc = look(plain, f, d, err);
	if (!rc && options[0] && !d->is_taken)
		return weir_error_usage(err,
		    "-i '%s': the interface is tapped (%s), and options behind '?' are for the "
		    "driver "
		    "of one that is taken (try --take)",
		    c->value, d->why);
	return rc;
}

static int
interface_needs_eal(const struct weir_source_config *c, bool *ret, struct weir_error *err)
{
	struct weir_source_config plain;
	struct weir_interface_facts f;
	struct weir_interface_decision d;
	char name[WEIR_PORT_NAME_BYTES], reason[256];
	int rc = look_at_plain(c, &plain, name, sizeof(name), &f, &d, err);

	if (rc)
		return rc;
	*ret = d.is_taken && !weir_interface_blocks_xdp(&f, reason, sizeof(reason));
	return 0;
}

/* Name and description of an open source; how is "taken through AF_XDP". */
static int
describe(struct weir_source *s, const struct weir_source_config *c, const char *how,
    const char *why, const char *fallback, const char *queues)
{
	s->name = strdup(c->value);
	if (asprintf(&s->description, "%s: %s (%s%s%s)%s%s", c->value, how, why,
		fallback[0] ? "; " : "", fallback, queues[0] ? "; " : "", queues) < 0)
		s->description = NULL;
	return s->name && s->description ? 0 : -ENOMEM;
}

/* What is known of a taken interface without opening it: each queue has a port of its own. */
static void
plan_queues(const struct weir_source_config *c, const struct weir_interface_facts *f,
    struct weir_source *s, char *buf, size_t size)
{
	char sizes[512];

	weir_port_plan_of(c->value, c->n_workers, 1, sizes, sizeof(sizes));
	s->n_queues = f->n_queues;
	if (f->n_queues > 1)
		snprintf(buf, size, "%u devices, each %s", f->n_queues, sizes);
	else
		snprintf(buf, size, "%s", sizes);
}

static enum weir_poll
dry_poll(struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns)
{
	(void)s;
	(void)queue;
	(void)max;
	(void)now_ns;
	b->n = 0;
	return WEIR_POLL_END;
}

static void
dry_stats(struct weir_source *s, struct weir_source_stats *ret)
{
	(void)s;
	memset(ret, 0, sizeof(*ret));
}

static void
dry_close(struct weir_source *s)
{
	free(s->name);
	free(s->description);
	free(s->offered);
	free(s);
}

static const struct weir_source_ops dry_ops = {
	.kind = "dry run",
	.poll = dry_poll,
	.stats = dry_stats,
	.close = dry_close,
};

struct weir_source *
weir_source_dry(const struct weir_source_config *c, bool needs_eal)
{
	struct weir_source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->ops = &dry_ops;
	s->is_live = true;
	s->needs_eal = needs_eal;
	s->numa_node = -1;
	s->first_interface = c->first_interface;
	s->n_interfaces = 1;
	return s;
}

/*
 * Open by one of the three ways; *fallback says why AF_XDP was not the one. typed is c with the
 * options of its name.
 */
static int
open_live(const struct weir_source_config *typed, const struct weir_source_config *c,
    const struct weir_interface_facts *f, bool is_taken, bool *is_af_xdp, char *fallback,
    size_t size, struct weir_source **ret, struct weir_error *err)
{
	struct weir_error reason;
	struct weir_ethdev *e;
	struct weir_tap *t;
	int rc;

	*is_af_xdp = is_taken && !weir_interface_blocks_xdp(f, fallback, size);
	if (c->is_dry_run) {
		rc = weir_tap_check(c->value, err);
		*ret = rc ? NULL : weir_source_dry(c, *is_af_xdp);
		if (*ret)
			(*ret)->numa_node = weir_interface_numa_node(c->value);
		return rc || *ret ? rc
				  : weir_error_run(err, -ENOMEM, "-i '%s': no memory", c->value);
	}
	if (*is_af_xdp) {
		rc = weir_ethdev_open(typed, true, &e, &reason);
		if (!rc) {
			*ret = &e->base;
			return 0;
		}
		snprintf(fallback, size, "%.400s", reason.text);
		*is_af_xdp = false;
	}
	if (strlen(typed->value) != strlen(c->value))
		weir_log(WEIR_LOG_WARNING, "%s: '%s' is for AF_XDP and has no effect", c->value,
		    typed->value + strlen(c->value));
	/* a copy of what the host itself sends is no part of what was taken */
	rc = weir_tap_open(c->value, is_taken, c->first_interface, &t, err);
	if (!rc) {
		t->base.numa_node = weir_interface_numa_node(c->value);
		*ret = &t->base;
		rc = c->guest ? weir_tap_leave_out(t, c->guest, err) : 0;
		if (rc)
			t->base.ops->close(&t->base);
	}
	return rc;
}

/* What taking an interface means for a host that uses it. */
static void
say_what_is_left(struct weir_interface_decision *d, bool is_af_xdp, const struct weir_source *s)
{
	size_t len = strlen(d->why);

	if (d->is_taken && d->is_used && is_af_xdp)
		snprintf(d->why + len, sizeof(d->why) - len, ": its host receives %s meanwhile",
		    s->has_rules ? "what no query can use" : "nothing");
}

static void
describe_queues(const struct weir_ethdev *e, unsigned n_workers, char *buf, size_t size)
{
	char queues[320], profile[512];

	weir_port_describe(e->p, n_workers, queues, sizeof(queues));
	weir_port_profile(e->p, profile, sizeof(profile));
	snprintf(buf, size, "%s%s%s; %s", queues, queues[0] ? "; " : "",
	    weir_port_describe_times(e->p), profile);
}

static int
interface_open(
    const struct weir_source_config *typed, struct weir_source **ret, struct weir_error *err)
{
	struct weir_source_config plain, *c = &plain;
	struct weir_interface_facts f;
	struct weir_interface_decision d;
	struct weir_source *s = NULL;
	char name[WEIR_PORT_NAME_BYTES], fallback[512] = "", queues[896] = "";
	bool is_af_xdp = false;
	int rc = look_at_plain(typed, c, name, sizeof(name), &f, &d, err);

	if (!rc)
		rc = open_live(
		    typed, c, &f, d.is_taken, &is_af_xdp, fallback, sizeof(fallback), &s, err);
	if (rc)
		return rc;
	if (is_af_xdp && c->is_dry_run)
		s->has_rules = c->rules && weir_port_can_push();
	if (is_af_xdp && c->is_dry_run)
		plan_queues(typed, &f, s, queues, sizeof(queues));
	else if (is_af_xdp)
		describe_queues(
		    (const struct weir_ethdev *)s, c->n_workers, queues, sizeof(queues));
	say_what_is_left(&d, is_af_xdp, s);
	rc = describe(s, c,
	    !d.is_taken ? "tapped through libpcap"
	    : is_af_xdp ? "taken through AF_XDP"
			: "taken through AF_PACKET",
	    d.why, fallback, queues);
	if (rc) {
		s->ops->close(s);
		return weir_error_run(err, rc, "-i '%s': no memory", c->value);
	}
	if (!f.has_carrier)
		weir_log(WEIR_LOG_WARNING, "%s: no carrier: is the other end connected and up?",
		    c->value);
	*ret = s;
	return 0;
}

const struct weir_source_kind weir_source_kind_interface = {
	.name = WEIR_SOURCE_INTERFACE_NAME,
	.doc = WEIR_SOURCE_INTERFACE_DOC,
	.match = interface_match,
	.needs_eal = interface_needs_eal,
	.open = interface_open,
};
