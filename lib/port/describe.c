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
weir_port_plan(unsigned n_workers, unsigned n_queues, bool is_af_xdp, char *buf, size_t size)
{
	weir_device_plan(n_workers, n_queues, is_af_xdp, buf, size);
	return buf;
}
