/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/number.h>
#include <weir/cluster/coordinator.h>
#include <weir/runtime/hosts.h>
#include <weir/sink/forward.h>

#include "span_parts.h"

/* What a cluster's options say, checked and told before anything is joined. */

/* The source whose port the wire shares, or NULL. */
static const struct weir_source_config *
shared_source(const struct weir_command *c, const struct weir_wire_spec *spec)
{
	for (unsigned i = 0; i < c->n_sources; i++)
		if (c->sources[i].flag == WEIR_SOURCE_INTERFACE &&
		    weir_port_is_same(c->sources[i].value, spec->port))
			return &c->sources[i];
	return NULL;
}

/* A port that a sink sends by is not the wire's; nor are the queues of one that is a source. */
static int
check_port(const struct weir_plan *plan, const struct weir_wire_spec *spec, struct weir_error *err)
{
	if (spec->n_queues > 1 && shared_source(plan->command, spec))
		return weir_error_usage(err,
		    "queues=%u: '%s' is a source as well (-i), whose receive queues are the "
		    "workers' (leave queues= out; --cores says how many there are)",
		    spec->n_queues, spec->port);
	for (unsigned q = 0; q < plan->n_queries; q++)
		for (unsigned i = 0; i < plan->queries[q].n_sinks; i++)
			if (weir_forward_names(plan->queries[q].sinks[i], spec->port))
				return weir_error_usage(err,
				    "packets leave by '%s' (--sink '%s'): the wire needs a port of "
				    "its own",
				    spec->port, plan->queries[q].sinks[i]);
	return 0;
}

/* A file of nodes is read as joining reads it. */
static int
check_file(const struct weir_cluster_uri *uri, const struct weir_command *c, struct weir_error *err)
{
	const struct weir_cluster_config config = { .uri = uri, .name = c->node };
	struct weir_coordinator *co = NULL;
	int rc;

	if (strcmp(uri->scheme, weir_coordinator_static.scheme) != 0)
		return 0;
	rc = weir_coordinator_static.open(&config, &co, err);
	if (!rc)
		co->ops->close(co);
	return rc;
}

static int
check_node(const char *name, struct weir_error *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-.";
	size_t n = strlen(name);

	if (n && n < WEIR_WIRE_NAME_BYTES && strspn(name, letters) == n)
		return 0;
	return weir_error_usage(err,
	    "--node '%s': a name has up to %u letters, digits, '_', '-' and '.' (try --node a)",
	    name, WEIR_WIRE_NAME_BYTES - 1);
}

static int
check_secret(const char *path, struct weir_error *err)
{
	struct weir_secret *secret = NULL;
	int rc = path ? weir_secret_read(path, &secret, err) : 0;

	weir_secret_free(secret);
	return rc ? weir_error_wrap(err, "--secret-file '%s'", path) : 0;
}

int
weir_hosts_check(const struct weir_plan *plan, struct weir_error *err)
{
	const struct weir_command *c = plan->command;
	struct weir_cluster_uri uri;
	struct weir_wire_spec spec;
	int rc;

	if (!c->cluster)
		return 0;
	rc = weir_cluster_uri_parse(c->cluster, &uri, err);
	if (rc)
		return weir_error_wrap(err, "--cluster '%s'", c->cluster);
	rc = check_node(c->node, err);
	rc = rc ? rc : check_file(&uri, c, err);
	weir_cluster_uri_free(&uri);
	if (rc)
		return rc;
	rc = weir_wire_parse(c->wire, &spec, err);
	rc = rc ? rc : check_port(plan, &spec, err);
	if (rc)
		return weir_error_wrap(err, "--wire '%s'", c->wire);
	rc = check_secret(c->secret_file, err);
	return rc ? rc : weir_span_check(plan, err);
}

/* Why all rows of a query have to be in one place. */
static const char *
reason_of(const struct weir_plan_query *q)
{
	const struct weir_chain *c = q->chain;

	if (q->is_input)
		return "another query takes its rows";
	if (q->n_sharing || q->is_shared)
		return "it has the same groups as another query";
	if (!q->path)
		return "its rows come from other queries";
	if (!q->path->n_keys)
		return "it has no --key: all packets are one group";
	if (c && c->n_segments > 1)
		return "rows are grouped once more";
	if (c && c->segments[0].n_joins)
		return "--join looks at rows of other keys";
	return "what follows the groups looks at rows of all keys";
}

static void
explain_query(const struct weir_plan *plan, unsigned query, FILE *out)
{
	const struct weir_plan_query *q = &plan->queries[query];

	fprintf(out, "hosts %s: ", q->text->name);
	switch (weir_span_kind_of(plan, query)) {
	case WEIR_SPAN_LOCAL:
		fprintf(out, "each host delivers the rows of its own packets: they need no other");
		break;
	case WEIR_SPAN_SLOT:
		fprintf(
		    out, "each group by the node that owns its key's slot, of %u", WEIR_SPAN_SLOTS);
		break;
	case WEIR_SPAN_HEAD:
		fprintf(out, "all groups by one node, as %s", reason_of(q));
		break;
	}
	if (weir_span_ships(plan, query))
		fprintf(out, "; the needed columns of packets are sent as rows, as %s",
		    q->path->hands_over ? "they are joined one by one" : "their order matters");
	else if (q->path && q->path->has_group && !q->is_shared)
		fprintf(out, "; what is sent are groups of closed windows, partly aggregated");
	fprintf(out, "\n");
}

bool
weir_hosts_guest(const struct weir_plan *plan, const struct weir_source_config *source,
    struct weir_port_guest_spec *ret)
{
	const struct weir_command *c = plan->command;
	struct weir_wire_spec spec;
	struct weir_error e;

	if (!c->cluster || source->flag != WEIR_SOURCE_INTERFACE ||
	    weir_wire_parse(c->wire, &spec, &e) || !weir_port_is_same(source->value, spec.port))
		return false;
	weir_wire_guest(&spec, ret);
	return true;
}

static void
explain_wire(const struct weir_command *c, FILE *out)
{
	struct weir_wire_spec spec;
	struct weir_error e;
	char ip[64], gw[64];

	if (weir_wire_parse(c->wire, &spec, &e))
		return; /* weir_hosts_check has told */
	weir_ip_text(&spec.ip.addr, spec.ip.version, ip, sizeof(ip));
	fprintf(
	    out, "wire %s: %s/%u, UDP port %u, ", spec.port, ip, spec.prefix_len, spec.udp_port);
	if (shared_source(c, &spec))
		fprintf(out, "by the port of -i, whose packets to it no query sees");
	else
		fprintf(out, "%u receive queue%s", spec.n_queues, spec.n_queues > 1 ? "s" : "");
	if (spec.gw.version) {
		weir_ip_text(&spec.gw.addr, spec.gw.version, gw, sizeof(gw));
		fprintf(out, ", gateway %s", gw);
	}
	if (spec.mtu)
		fprintf(out, ", packets of up to %u bytes", spec.mtu);
	if (c->secret_file)
		fprintf(out, "; sealed with AES-256-GCM, by the secret in %s\n", c->secret_file);
	else
		fprintf(out, "; in clear, as --insecure-wire wants it\n");
}

void
weir_hosts_explain(const struct weir_plan *plan, FILE *out)
{
	const struct weir_command *c = plan->command;

	if (!c->cluster)
		return;
	fprintf(out, "cluster %s, node %s\n", c->cluster, c->node);
	explain_wire(c, out);
	for (unsigned i = 0; i < plan->n_queries; i++)
		if (!plan->queries[i].is_removed)
			explain_query(plan, i, out);
}
