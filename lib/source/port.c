/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/port/name.h>

#include "ethdev.h"
#include "kind.h"

static bool
port_match(const struct weir_source_config *c)
{
	return c->flag == WEIR_SOURCE_INTERFACE && weir_port_is_named(c->value);
}

static int
look(const struct weir_source_config *c, struct weir_port_name *p, struct weir_error *err)
{
	int rc = weir_port_parse(c->value, p, err);

	if (rc)
		return weir_error_wrap(err, "-i '%s'", c->value);
	if (c->take != WEIR_TAKE_AUTO)
		return weir_error_usage(err,
		    "%s: '%s' is a port of DPDK; only a kernel interface (-i eth0) is tapped or "
		    "taken",
		    c->take == WEIR_TAKE_TAP ? "--tap" : "--take", c->value);
	rc = weir_port_check(p, err);
	return rc ? weir_error_wrap(err, "-i '%s'", c->value) : 0;
}

static int
port_needs_eal(const struct weir_source_config *c, bool *ret, struct weir_error *err)
{
	struct weir_port_name p;
	int rc = look(c, &p, err);

	if (!rc)
		*ret = true;
	return rc;
}

/* What is known of a port without opening it. */
static void
plan_port(const struct weir_source_config *c, const struct weir_port_name *p, struct weir_source *s,
    char *buf, size_t size)
{
	char path[128], sizes[512], offered[256];
	int node;
	FILE *f;

	weir_port_plan_of(c->value, c->n_workers, c->n_workers, sizes, sizeof(sizes));
	snprintf(buf, size, "; %s%s", sizes,
	    c->n_workers > 1 ? ", where its driver can spread (RSS)" : "");
	if (c->rules) {
		s->has_rules = weir_port_plan_rules(c->value, c->rules, offered, sizeof(offered));
		s->offered = strdup(offered);
	}
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/numa_node", p->device);
	f = p->is_pci ? fopen(path, "re") : NULL;
	if (!f)
		return;
	if (fscanf(f, "%d", &node) == 1 && node >= 0)
		s->numa_node = node;
	fclose(f);
}

/* By which driver, and how its queues are. */
static void
describe_port(const struct weir_ethdev *e, char *buf, size_t size)
{
	char driver[64], queues[192], profile[512];

	weir_port_driver(e->p, driver, sizeof(driver));
	weir_port_describe(e->p, e->n_workers, queues, sizeof(queues));
	weir_port_profile(e->p, profile, sizeof(profile));
	snprintf(buf, size, "%s%s%s%s; %s; %s", driver[0] ? " by " : "", driver,
	    queues[0] ? "; " : "", queues, weir_port_describe_times(e->p), profile);
}

static int
port_open(const struct weir_source_config *c, struct weir_source **ret, struct weir_error *err)
{
	struct weir_port_name p;
	struct weir_source *s = NULL;
	char more[768] = "";
	int rc = look(c, &p, err);

	if (!rc && c->is_dry_run) {
		s = weir_source_dry(c, true);
		if (s)
			plan_port(c, &p, s, more, sizeof(more));
	} else if (!rc) {
		struct weir_ethdev *e;

		rc = weir_ethdev_open(c, false, &e, err);
		if (rc)
			return weir_error_wrap(err, "-i '%s'", c->value);
		s = &e->base;
		describe_port(e, more, sizeof(more));
	}
	if (rc)
		return rc;
	if (s) {
		s->name = strdup(c->value);
		if (asprintf(&s->description, "%s: polled as a port of DPDK%s", p.device, more) < 0)
			s->description = NULL;
	}
	if (!s || !s->name || !s->description) {
		if (s)
			s->ops->close(s);
		return weir_error_run(err, -ENOMEM, "-i '%s': no memory", c->value);
	}
	*ret = s;
	return 0;
}

const struct weir_source_kind weir_source_kind_port = {
	.name = WEIR_SOURCE_PORT_NAME,
	.doc = WEIR_SOURCE_PORT_DOC,
	.match = port_match,
	.needs_eal = port_needs_eal,
	.open = port_open,
};
