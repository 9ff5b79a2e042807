/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base/log.h>
#include <weir/port/eal.h>
#include <weir/port/interface.h>
#include <weir/port/profile.h>

#include "eal_log.h"
#include "port_parts.h"

/*
 * EAL has its devices once in a process, and so have these. Packets of one port may be in the rings
 * of another, so that their pools go when no port is left. Control thread.
 */
static struct {
	struct weir_open_port *first;
	struct rte_mempool **pools; /* [n_pools] of ports that are closed */
	unsigned n_pools;
} ports;

/* A name without its arguments and options: "net_null0", "0000:03:00.0", "eth0". */
static void
plain_name(const char *name, char *buf, size_t size)
{
	struct weir_port_name n;
	size_t len;

	weir_profile_options(name, &len);
	if (weir_port_is_named(name) && weir_port_parse(name, &n, NULL) == 0)
		snprintf(buf, size, "%s", n.device);
	else
		snprintf(buf, size, "%.*s", (int)len, name);
}

int
weir_port_split(
    const char *name, char *plain, size_t size, const char **ret_options, struct weir_error *err)
{
	struct weir_profile any;
	size_t len;
	const char *options = weir_profile_options(name, &len);
	int rc;

	weir_profile_init(&any);
	rc = weir_profile_override(&any, options, err);
	if (rc)
		return rc;
	if (len >= size)
		return weir_error_usage(err, "the name is too long");
	snprintf(plain, size, "%.*s", (int)len, name);
	*ret_options = options;
	return 0;
}

bool
weir_port_is_same(const char *a, const char *b)
{
	char plain_a[64], plain_b[64];

	plain_name(a, plain_a, sizeof(plain_a));
	plain_name(b, plain_b, sizeof(plain_b));
	return strcmp(plain_a, plain_b) == 0;
}

struct weir_port *
weir_port_find(const char *name)
{
	char wanted[64];

	plain_name(name, wanted, sizeof(wanted));
	for (struct weir_open_port *p = ports.first; p; p = p->next)
		if (strcmp(wanted, p->base.interface[0] ? p->base.interface : p->base.device) == 0)
			return &p->base;
	return NULL;
}

/* DPDK's own names without "vdev:" mean a device that something else of the run has opened. */
static bool
is_bare(const char *name)
{
	return strncmp(name, "net_", 4) == 0;
}

int
weir_port_look(const char *name, struct weir_error *err)
{
	char plain[WEIR_PORT_NAME_BYTES];
	struct weir_interface_facts f;
	struct weir_port_name n;
	const char *options;
	int rc = weir_port_split(name, plain, sizeof(plain), &options, err);

	if (rc)
		return rc;
	if (!plain[0])
		return weir_error_usage(err, "name an interface, such as 'eth0'");
	if (!weir_port_is_named(plain))
		return is_bare(plain) ? 0 : weir_kernel_look(plain, &f, err);
	rc = weir_port_parse(name, &n, err);
	return rc ? rc : weir_port_check(&n, err);
}

/* Why a device could not be opened, with the nearest driver's name where that may be it. */
static int
explain(const struct weir_port_name *n, int code, struct weir_error *err)
{
	char said[256], devices[512];
	char *near = n->is_pci ? NULL : weir_eal_nearest_driver(n->device);
	bool is_known = near && strncmp(n->device, near, strlen(near)) == 0;

	weir_eal_log_first(said, sizeof(said));
	if (near && !is_known)
		weir_error_run(
		    err, code, "DPDK has no driver for '%s' (try 'vdev:%s0')", n->device, near);
	else if (!near && !n->is_pci)
		weir_error_run(err, code, "DPDK has no driver for '%s' (the usual ones: %s)",
		    n->device, weir_profile_list_devices(devices, sizeof(devices)));
	else if (said[0])
		weir_error_run(err, code, "the device cannot be opened: %s", said);
	free(near);
	return code;
}

/* Drop in the NIC what nobody wants, where its driver's profile says that it can be relied on. */
static void
offer_rules(struct weir_open_port *p, const struct weir_port_rules *rules)
{
	const struct weir_profile *profile = &p->devices[0].profile;
	struct weir_strbuf text = { 0 };
	char plan[WEIR_PORT_PLAN_BYTES];

	if (!weir_nic_plan(profile, rules, plan, sizeof(plan))) {
		p->base.offered = strdup(plan);
		return;
	}
	p->nic = weir_nic_rules_install(p->devices[0].id, rules, profile->flow_match);
	if (!p->nic)
		return;
	p->base.has_rules = weir_nic_rules_taken(p->nic) > 0;
	weir_nic_rules_text(p->nic, &text);
	weir_log(WEIR_LOG_NOTICE, "%s: rules for the NIC: %s", p->base.device, text.p);
	p->base.offered = text.p;
}

/* What its driver needs is most often why a device could not be opened. */
static int
add_needs(const struct weir_device_spec *spec, int code, struct weir_error *err)
{
	struct weir_profile profile;
	char said[sizeof(err->text)];

	if (!err || code == -EEXIST || code == -ENOMEM || err->fail == WEIR_FAIL_USAGE ||
	    weir_profile_for_device(spec->bus, spec->name, &profile, NULL) || !profile.needs[0])
		return code;
	snprintf(said, sizeof(said), "%s", err->text);
	return weir_error_run(err, code, "%s (it needs %s)", said, profile.needs);
}

static int
open_named(struct weir_open_port *p, const struct weir_port_config *c, struct weir_error *err)
{
	struct weir_port_name n;
	struct weir_device_spec spec = { .numa_node = -1, .use = c, .options = p->options };
	int rc = weir_port_parse(c->name, &n, err);

	if (!rc)
		rc = weir_port_check(&n, err);
	if (rc)
		return rc;
	spec.bus = n.is_pci ? "pci" : "vdev";
	spec.name = n.device;
	spec.args = n.args;
	spec.data_bytes = weir_port_data_bytes(&n);
	if (!spec.data_bytes)
		return weir_error_usage(err, "a packet has no more than 65407 bytes here");
	weir_eal_log_mark();
	rc = weir_port_add_device(p, &spec, err);
	if (rc && !p->n_devices && rc != -EEXIST)
		explain(&n, rc, err);
	if (rc)
		return add_needs(&spec, rc, err);
	if (c->rules)
		offer_rules(p, c->rules);
	return 0;
}

static void
add_queues(struct weir_open_port *p, const struct weir_device *d, const struct weir_port_config *c)
{
	struct weir_port *b = &p->base;

	for (uint16_t i = 0; i < d->n_rxq && b->n_rx < WEIR_PORT_QUEUES; i++) {
		int fd = d->has_interrupts ? rte_eth_dev_rx_intr_ctl_q_get_fd(d->id, i) : -1;

		/* a driver that never set it has 0 there */
		b->rx_fd[b->n_rx] = fd > STDERR_FILENO ? fd : -1;
		b->rx[b->n_rx++] = (struct weir_port_queue){ d->id, i };
	}
	for (uint16_t i = 0; c->n_senders && i < d->n_txq && b->n_tx < WEIR_PORT_QUEUES; i++)
		b->tx[b->n_tx++] = (struct weir_port_queue){ d->id, i };
}

int
weir_port_add_device(
    struct weir_open_port *p, const struct weir_device_spec *spec, struct weir_error *err)
{
	struct weir_device *d = &p->devices[p->n_devices];
	bool is_there = false;
	int rc;

	if (p->n_devices == WEIR_PORT_DEVICES)
		return weir_error_run(
		    err, -ENOSPC, "more than %u devices in one port", WEIR_PORT_DEVICES);
	rc = weir_device_open(spec, d, &is_there, err);
	if (!is_there)
		return rc; /* gone again, somebody else's, or never there */
	p->n_devices++;
	if (rc)
		return rc; /* close removes it */
	if (p->n_devices == 1) {
		snprintf(p->base.device, sizeof(p->base.device), "%s", spec->name);
		p->base.pool = d->pool;
		p->base.data_bytes = spec->data_bytes;
		p->base.mtu = d->mtu;
		p->base.burst = (uint16_t)d->profile.burst;
		p->base.stamp = d->stamp;
		p->base.has_multi_segs = d->has_multi_segs;
		if (!spec->is_interface_queue)
			p->base.numa_node = rte_eth_dev_socket_id(d->id);
		if (d->rss == WEIR_DEVICE_RSS_VERIFIED) {
			p->base.spread = weir_device_rss_fields(d->rss_hf);
			p->base.is_symmetric = d->is_symmetric;
		}
	}
	add_queues(p, d, spec->use);
	return 0;
}

/* A pool that cannot be remembered is not freed before the process ends. */
static void
put_away(struct rte_mempool *pool)
{
	struct rte_mempool **pools =
	    realloc(ports.pools, (ports.n_pools + 1) * sizeof(*ports.pools));

	if (!pools)
		return;
	ports.pools = pools;
	ports.pools[ports.n_pools++] = pool;
}

static void
free_pools(void)
{
	for (unsigned i = 0; i < ports.n_pools; i++)
		rte_mempool_free(ports.pools[i]);
	free(ports.pools);
	ports.pools = NULL;
	ports.n_pools = 0;
}

void
weir_port_give_up_pool(struct rte_mempool *pool)
{
	if (!pool)
		return;
	put_away(pool);
	if (!ports.first)
		free_pools();
}

static void
destroy(struct weir_open_port *p)
{
	if (p->program)
		weir_xdp_program_stop(p->program);
	weir_nic_rules_destroy(p->nic);
	weir_port_guest_destroy(p->base.guest); /* its packets go back to the devices' pools */
	for (unsigned i = 0; i < p->n_devices; i++)
		weir_device_remove(p->devices[i].id);
	weir_xdp_program_destroy(p->program);
	for (unsigned i = 0; i < WEIR_PORT_DEVICES; i++)
		if (p->devices[i].pool)
			put_away(p->devices[i].pool);
	if (!ports.first)
		free_pools();
	if (p->promiscuous_fd >= 0)
		close(p->promiscuous_fd);
	free(p->rules);
	free(p->base.name);
	free(p->base.offered);
	free(p->options);
	free(p);
}

static int
share(struct weir_port *found, const struct weir_port_config *c, struct weir_port **ret,
    struct weir_error *err)
{
	struct weir_open_port *p = (struct weir_open_port *)found;
	bool has_more = weir_port_is_named(c->name) && strchr(c->name, ',');
	size_t len;

	has_more |= weir_profile_options(c->name, &len)[0] != '\0';
	if (has_more && strcmp(c->name, p->base.name) != 0)
		return weir_error_usage(err, "it is open as '%s' already", p->base.name);
	if (c->n_senders && !p->base.n_tx)
		return weir_error_run(err, -ENOTSUP, "nothing can be sent out of it");
	p->n_users++;
	*ret = found;
	return 0;
}

/*
 * What a guest needs is not left to the kernel or dropped by the NIC: rules are widened for it.
 * Where there is no room for that, everything is needed.
 */
static int
admit_guest(struct weir_open_port *p, struct weir_port_config *c, struct weir_error *err)
{
	if (!c->guest || !c->rules)
		return 0;
	p->rules = malloc(sizeof(*p->rules));
	if (!p->rules)
		return weir_error_run(err, -ENOMEM, "no memory");
	*p->rules = *c->rules;
	c->rules = weir_port_guest_rules(c->guest, p->rules) ? p->rules : NULL;
	return 0;
}

static int
make_guest(
    struct weir_open_port *p, const struct weir_port_guest_spec *spec, struct weir_error *err)
{
	struct rte_ether_addr mac;
	int rc = rte_eth_macaddr_get(p->devices[0].id, &mac);

	if (rc)
		return weir_error_run(err, rc, "it does not tell its link address");
	p->base.guest = weir_port_guest_create(spec, mac.addr_bytes, true);
	return p->base.guest ? 0 : weir_error_run(err, -ENOMEM, "no memory");
}

static int
open_new(const struct weir_port_config *c, struct weir_port **ret, struct weir_error *err)
{
	char plain[WEIR_PORT_NAME_BYTES];
	struct weir_port_config config = *c;
	struct weir_open_port *p;
	const char *options;
	int rc;

	if (!weir_eal_is_started())
		return weir_error_run(err, -ENXIO, "EAL is not started");
	rc = weir_port_split(c->name, plain, sizeof(plain), &options, err);
	if (rc)
		return rc;
	if (!weir_port_is_named(plain))
		config.name = plain;
	p = calloc(1, sizeof(*p));
	if (p) {
		p->base.name = strdup(c->name);
		p->options = strdup(options);
	}
	if (!p || !p->base.name || !p->options) {
		if (p)
			free(p->base.name);
		free(p);
		return weir_error_run(err, -ENOMEM, "no memory");
	}
	p->n_users = 1;
	p->promiscuous_fd = -1;
	p->base.numa_node = -1;
	rc = admit_guest(p, &config, err);
	if (!rc)
		rc = weir_port_is_named(plain) ? open_named(p, &config, err)
					       : weir_kernel_open(p, &config, err);
	if (!rc && c->guest)
		rc = make_guest(p, c->guest, err);
	if (!rc && c->n_senders && !p->base.n_tx)
		rc = weir_error_run(err, -ENOTSUP, "nothing can be sent out of it");
	if (rc) {
		destroy(p);
		return rc;
	}
	p->next = ports.first;
	ports.first = p;
	*ret = &p->base;
	return 0;
}

int
weir_port_open(const struct weir_port_config *c, struct weir_port **ret, struct weir_error *err)
{
	struct weir_port *found = weir_port_find(c->name);
	struct weir_port_config config = *c;

	if (found)
		return share(found, c, ret, err);
	config.n_workers = c->n_workers ? c->n_workers : 1;
	return open_new(&config, ret, err);
}

void
weir_port_close(struct weir_port *port)
{
	struct weir_open_port *p = (struct weir_open_port *)port;

	if (!p || --p->n_users)
		return;
	for (struct weir_open_port **at = &ports.first; *at; at = &(*at)->next) {
		if (*at != p)
			continue;
		*at = p->next;
		break;
	}
	destroy(p);
}

bool
weir_port_is_up(const struct weir_port *p)
{
	const struct weir_open_port *own = (const struct weir_open_port *)p;
	struct rte_eth_link link;

	if (p->interface[0])
		return weir_interface_is_up(p->interface);
	return rte_eth_link_get_nowait(own->devices[0].id, &link) == 0 &&
	       link.link_status == RTE_ETH_LINK_UP;
}

static uint64_t
kernel_speed_mbps(const char *interface)
{
	char path[64];
	long long mbps = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/net/%s/speed", interface);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%lld", &mbps) != 1 || mbps < 0)
		mbps = 0;
	fclose(f);
	return (uint64_t)mbps;
}

uint64_t
weir_port_speed_bps(const struct weir_port *p)
{
	const struct weir_open_port *own = (const struct weir_open_port *)p;
	struct rte_eth_link link;

	if (p->interface[0])
		return kernel_speed_mbps(p->interface) * 1000000;
	if (rte_eth_link_get_nowait(own->devices[0].id, &link) != 0 ||
	    link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN)
		return 0;
	return link.link_speed * UINT64_C(1000000);
}

void
weir_port_stats(const struct weir_port *p, struct weir_port_stats *ret)
{
	const struct weir_open_port *own = (const struct weir_open_port *)p;

	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < own->n_devices; i++)
		weir_device_stats(&own->devices[i], ret);
	if (p->interface[0])
		ret->lost_nic += weir_kernel_nic_lost(p->interface) - own->nic_lost_base;
	if (own->has_socket_program)
		ret->lost_nic += weir_kernel_ring_lost(p);
	if (own->program)
		weir_xdp_program_passed(own->program, ret->passed);
	if (own->nic) {
		bool is_known;

		ret->passed[WEIR_PORT_PASSED_NIC] = weir_nic_rules_count(own->nic, &is_known);
		ret->has_unknown = !is_known;
	}
}

bool
weir_port_can_push(void)
{
	return weir_xdp_program_is_there();
}

int
weir_port_take_all(struct weir_port *p)
{
	struct weir_open_port *own = (struct weir_open_port *)p;
	int rc = own->program && p->has_rules ? weir_xdp_program_take(own->program, NULL) : 0;

	if (!rc && own->nic)
		rc = weir_nic_rules_remove(own->nic);
	if (!rc)
		p->has_rules = false;
	return rc;
}

bool
weir_port_has_own_queues(const struct weir_port *p, unsigned n_senders)
{
	return p->n_tx >= n_senders;
}

struct rte_mempool *
weir_port_make_pool(
    const struct weir_port *p, unsigned n, uint32_t data_bytes, struct weir_error *err)
{
	const struct weir_open_port *own = (const struct weir_open_port *)p;
	unsigned held = RTE_MAX((unsigned)own->devices[0].n_tx, WEIR_PORT_TX_DESCRIPTORS);
	unsigned all = n + p->n_tx * held;
	char name[RTE_MEMPOOL_NAMESIZE];
	struct rte_mempool *pool = NULL;
	int rc = -EEXIST;

	for (unsigned i = 0; rc == -EEXIST; i++) {
		snprintf(name, sizeof(name), "weir_send%u_%u", p->tx[0].id, i);
		rc = weir_device_pool(name, all, all >= 2048 ? RTE_MEMPOOL_CACHE_MAX_SIZE / 2 : 0,
		    data_bytes, false, p->numa_node, &pool);
	}
	if (rc && p->numa_node >= 0)
		rc = weir_device_pool(name, all, 0, data_bytes, false, SOCKET_ID_ANY, &pool);
	if (rc)
		weir_error_run(err, rc,
		    "no memory for %u packet buffers of %u bytes (more hugepages: 'sudo sysctl "
		    "vm.nr_hugepages=512', or more plain memory: '-- --no-huge -m 4096')",
		    all, data_bytes);
	return rc ? NULL : pool;
}
