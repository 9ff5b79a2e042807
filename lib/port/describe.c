/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "port_parts.h"

const char *
weir_port_driver(const struct weir_port *p, char *buf, size_t size)
{
	const struct weir_open_port *own = (const struct weir_open_port *)p;
	struct rte_eth_dev_info info = { .driver_name = NULL };

	rte_eth_dev_info_get(own->devices[0].id, &info);
	snprintf(buf, size, "%s", info.driver_name ? info.driver_name : "");
	return buf;
}

static void
describe_fields(const struct weir_field_set *set, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned f = 0; f < WEIR_N_FIELDS && len < size; f++)
		if (weir_field_set_has(set, f))
			len += (size_t)snprintf(
			    buf + len, size - len, "%s%s", len ? ", " : "", weir_fields[f].name);
}

static void
describe_queues(const struct weir_port *p, unsigned n_workers, char *buf, size_t size)
{
	static const char *const unverified[] = {
		[WEIR_DEVICE_RSS_NO_KEY] = "RSS by the driver's own rules: its key cannot be read",
		[WEIR_DEVICE_RSS_NO_TABLE] = "RSS by the driver's own rules: its table cannot be "
					     "read",
		[WEIR_DEVICE_RSS_BAD_TABLE] = "RSS by a table of the driver's own",
	};
	const struct weir_open_port *own = (const struct weir_open_port *)p;
	enum weir_device_rss rss = own->devices[0].rss;
	char fields[128];

	buf[0] = '\0';
	if (p->n_rx == 1 && n_workers > 1)
		snprintf(buf, size, "1 receive queue%s: workers take turns",
		    rss == WEIR_DEVICE_RSS_REFUSED ? ", for the driver refused RSS" : ", no RSS");
	if (p->n_rx == 1)
		return;
	describe_fields(&p->spread, fields, sizeof(fields));
	if (rss == WEIR_DEVICE_RSS_VERIFIED)
		snprintf(buf, size, "%u receive queues, RSS by %s%s", p->n_rx, fields,
		    p->is_symmetric ? " (symmetric)" : "");
	else if (rss == WEIR_DEVICE_RSS_NONE || rss == WEIR_DEVICE_RSS_REFUSED)
		snprintf(buf, size, "%u receive queues", p->n_rx);
	else
		snprintf(buf, size, "%u receive queues, %s", p->n_rx, unverified[rss]);
}

const char *
weir_port_describe(const struct weir_port *p, unsigned n_workers, char *buf, size_t size)
{
	const struct weir_open_port *own = (const struct weir_open_port *)p;
	size_t len;

	describe_queues(p, n_workers, buf, size);
	len = strlen(buf);
	if (own->has_socket_program && len + 2 < size) {
		len += (size_t)snprintf(buf + len, size - len, "%s", len ? "; " : "");
		weir_kernel_describe(own, buf + len, size - len);
	}
	return buf;
}

const char *
weir_port_describe_times(const struct weir_port *p)
{
	static const char *const words[] = {
		[WEIR_PORT_TIMES_BURST] = "one reading of the clock a burst",
		[WEIR_PORT_TIMES_CLOCK] = "times by the NIC",
		[WEIR_PORT_TIMES_UNIX] = "times by the driver",
	};

	return words[p->stamp.times];
}

const char *
weir_port_plan(unsigned n_workers, unsigned n_queues, bool is_af_xdp, char *buf, size_t size)
{
	struct weir_profile profile;

	if (!is_af_xdp || weir_profile_for_way(WEIR_WAY_XDP_SOCKET, &profile, NULL))
		weir_profile_init(&profile);
	weir_device_plan(&profile, n_workers, n_queues, buf, size);
	return buf;
}

/* The profile that a name's port is going to have, as far as its name tells. */
static void
profile_of_name(const char *name, struct weir_profile *ret)
{
	struct weir_port_name n;
	size_t len;
	const char *options = weir_profile_options(name, &len);
	int rc;

	if (!weir_port_is_named(name))
		rc = weir_profile_for_way(WEIR_WAY_XDP_SOCKET, ret, NULL);
	else if (weir_port_parse(name, &n, NULL) == 0)
		rc = weir_profile_for_device(n.is_pci ? "pci" : "vdev", n.device, ret, NULL);
	else
		rc = -1;
	if (rc)
		weir_profile_init(ret);
	weir_profile_override(ret, options, NULL);
}

/* Whether a clock can be read, an open port knows alone. */
static const char *
planned_times(const struct weir_profile *p)
{
	if (!p->timestamps || p->receive_timestamps == WEIR_CLOCK_NONE)
		return "one reading of the clock a burst";
	return p->receive_timestamps == WEIR_CLOCK_US
		   ? "times by the driver"
		   : "times by the NIC, where its clock can be read";
}

const char *
weir_port_plan_of(const char *name, unsigned n_workers, unsigned n_queues, char *buf, size_t size)
{
	struct weir_profile profile;
	size_t len;

	profile_of_name(name, &profile);
	weir_device_plan(&profile, n_workers, n_queues, buf, size);
	len = strlen(buf);
	snprintf(buf + len, size - len, "; %s; ", planned_times(&profile));
	len = strlen(buf);
	weir_profile_describe(&profile, true, buf + len, size - len);
	return buf;
}

bool
weir_port_plan_rules(const char *name, const struct weir_port_rules *rules, char *buf, size_t size)
{
	struct weir_profile profile;

	profile_of_name(name, &profile);
	return weir_nic_plan(&profile, rules, buf, size);
}

const char *
weir_port_profile(const struct weir_port *p, char *buf, size_t size)
{
	const struct weir_open_port *own = (const struct weir_open_port *)p;

	return weir_profile_describe(&own->devices[0].profile, false, buf, size);
}
