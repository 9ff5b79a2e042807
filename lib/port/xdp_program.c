/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_program.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "weir_xdp.h"
#include "weir_xdp.skel.h"

_Static_assert(WEIR_XDP_RULES == WEIR_PORT_RULES, "a bit for each rule");

struct weir_xdp_program {
	struct weir_xdp *skeleton;
	int link; /* -1: not attached */
	bool is_native;
	unsigned n_cpus;
	__u64 *of_cpus; /* [n_cpus] scratch */
};

bool
weir_xdp_program_is_there(void)
{
	return true;
}

int
weir_xdp_program_load(struct weir_xdp_program **ret, char *why, size_t size)
{
	struct weir_xdp_program *p = calloc(1, sizeof(*p));
	int n_cpus = libbpf_num_possible_cpus();
	int rc;

	if (p && n_cpus > 0)
		p->of_cpus = calloc((size_t)n_cpus, sizeof(*p->of_cpus));
	if (!p || !p->of_cpus) {
		free(p);
		snprintf(why, size, "no memory");
		return -ENOMEM;
	}
	p->link = -1;
	p->n_cpus = (unsigned)n_cpus;
	errno = 0;
	p->skeleton = weir_xdp__open_and_load();
	if (p->skeleton) {
		*ret = p;
		return 0;
	}
	rc = errno ? -errno : -EINVAL;
	snprintf(why, size, "the kernel does not load weir's: %s", strerror(-rc));
	free(p->of_cpus);
	free(p);
	return rc;
}

int
weir_xdp_program_attach(unsigned interface, struct weir_xdp_program **ret, char *why, size_t size)
{
	static const __u32 modes[] = { XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE };
	struct weir_xdp_program *p;
	int rc = weir_xdp_program_load(&p, why, size);

	if (rc)
		return rc;
	for (unsigned i = 0; p->link < 0 && i < 2; i++) {
		LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = modes[i]);

		p->is_native = modes[i] == XDP_FLAGS_DRV_MODE;
		p->link = bpf_link_create(bpf_program__fd(p->skeleton->progs.xsk_def_prog),
		    (int)interface, BPF_XDP, &opts);
		rc = p->link < 0 ? -errno : 0;
		if (rc == -EBUSY || rc == -EEXIST)
			break; /* another one is there, which the other mode would not see */
	}
	if (rc) {
		snprintf(why, size, "weir's cannot be attached: %s",
		    rc == -EBUSY || rc == -EEXIST ? "the interface has an XDP program already"
						  : strerror(-rc));
		weir_xdp_program_destroy(p);
		return rc;
	}
	*ret = p;
	return 0;
}

static int
configure(struct weir_xdp_program *p, struct weir_xdp_config c)
{
	__u32 zero = 0;

	return bpf_map__update_elem(
	    p->skeleton->maps.config, &zero, sizeof(zero), &c, sizeof(c), BPF_ANY);
}

static int
fill_protocols(struct weir_xdp_program *p, const struct weir_port_rules *r)
{
	int rc = 0;

	for (__u32 at = 0; !rc && at < WEIR_XDP_PROTOCOLS; at++) {
		uint8_t version = at < WEIR_XDP_IP6 ? WEIR_PORT_IP4 : WEIR_PORT_IP6;
		__u64 mask = 0;

		for (unsigned i = 0; i < r->n; i++)
			if (r->rules[i].versions & version &&
			    weir_port_rule_has_protocol(&r->rules[i], at % WEIR_XDP_IP6))
				mask |= UINT64_C(1) << i;
		rc = bpf_map__update_elem(
		    p->skeleton->maps.protocols, &at, sizeof(at), &mask, sizeof(mask), BPF_ANY);
	}
	return rc;
}

static void
add_ports(struct weir_xdp_port *ports, const struct weir_port_rule *r, unsigned rule, unsigned end)
{
	const struct weir_port_range all = { 0, 65535 };
	unsigned n = r->has_ports[end] ? r->n_ports[end] : 1;

	for (unsigned i = 0; i < n; i++) {
		const struct weir_port_range *range = r->has_ports[end] ? &r->ports[end][i] : &all;

		for (unsigned x = range->first; x <= range->last; x++) {
			__u64 *mask = end == WEIR_PORT_SRC ? &ports[x].src : &ports[x].dst;

			*mask |= UINT64_C(1) << rule;
		}
	}
}

static int
fill_ports(struct weir_xdp_program *p, const struct weir_port_rules *r)
{
	struct weir_xdp_port *ports = calloc(WEIR_XDP_PORTS, sizeof(*ports));
	__u32 *keys = calloc(WEIR_XDP_PORTS, sizeof(*keys));
	__u32 n = WEIR_XDP_PORTS;
	int rc = -ENOMEM;

	if (!ports || !keys)
		goto out;
	for (unsigned i = 0; i < r->n; i++)
		for (unsigned end = 0; end < WEIR_PORT_ENDS; end++)
			add_ports(ports, &r->rules[i], i, end);
	for (__u32 i = 0; i < WEIR_XDP_PORTS; i++)
		keys[i] = i;
	rc = bpf_map_update_batch(bpf_map__fd(p->skeleton->maps.ports), keys, ports, &n, NULL);
out:
	free(ports);
	free(keys);
	return rc;
}

static void
put_address(__u8 *to, const struct weir_port_network *n)
{
	unsigned bytes = n->version == 4 ? 4 : 16;

	for (unsigned i = 0; i < bytes; i++) {
		unsigned bit = 8 * (bytes - 1 - i);

		to[i] = (__u8)(bit < 64 ? n->addr.lo >> bit : n->addr.hi >> (bit - 64));
	}
}

/* Does the network lie in one of the rule's? */
static bool
has_network(const struct weir_port_rule *r, unsigned end, const struct weir_port_network *n)
{
	struct weir_port_rules one = { .n = 1 };
	struct weir_port_packet p = { .version = n->version };

	if (!r->has_networks[end])
		return true;
	weir_port_rule_all(&one.rules[0]);
	p.addr[end] = n->addr;
	one.rules[0].has_networks[end] = true;
	one.rules[0].n_networks[end] = 1;
	for (unsigned i = 0; i < r->n_networks[end]; i++) {
		one.rules[0].networks[end][0] = r->networks[end][i];
		if (r->networks[end][i].prefix <= n->prefix && weir_port_rules_want(&one, &p))
			return true;
	}
	return false;
}

static int
put_prefix(struct weir_xdp_program *p, const struct weir_port_rules *r, unsigned end,
    const struct weir_port_network *n)
{
	struct weir_xdp_prefix key = { .bits = WEIR_XDP_PREFIX_BITS + n->prefix,
		.version = n->version,
		.is_dst = end == WEIR_PORT_DST };
	__u64 mask = 0;

	put_address(key.address, n);
	for (unsigned i = 0; i < r->n; i++)
		if (has_network(&r->rules[i], end, n))
			mask |= UINT64_C(1) << i;
	return bpf_map__update_elem(
	    p->skeleton->maps.prefixes, &key, sizeof(key), &mask, sizeof(mask), BPF_ANY);
}

/* Prefixes of rules that were there before: none may be found any more. */
static void
clear_prefixes(struct weir_xdp_program *p)
{
	struct weir_xdp_prefix key;
	int fd = bpf_map__fd(p->skeleton->maps.prefixes);

	while (bpf_map_get_next_key(fd, NULL, &key) == 0 && bpf_map_delete_elem(fd, &key) == 0)
		;
}

static int
fill_prefixes(struct weir_xdp_program *p, const struct weir_port_rules *r)
{
	static const struct weir_port_network every[] = { { .version = 4 }, { .version = 6 } };
	int rc = 0;

	clear_prefixes(p);
	for (unsigned end = 0; end < WEIR_PORT_ENDS; end++) {
		for (unsigned v = 0; !rc && v < 2; v++)
			rc = put_prefix(p, r, end, &every[v]);
		for (unsigned i = 0; i < r->n; i++)
			for (unsigned k = 0; !rc && k < r->rules[i].n_networks[end]; k++)
				rc = put_prefix(p, r, end, &r->rules[i].networks[end][k]);
	}
	return rc;
}

int
weir_xdp_program_take(struct weir_xdp_program *p, const struct weir_port_rules *rules)
{
	struct weir_xdp_config c = { .mode = WEIR_XDP_RULES_ONLY };
	int rc = 0;

	if (!rules)
		return configure(p, (struct weir_xdp_config){ .mode = WEIR_XDP_ALL });
	c.wants_unusual = rules->wants_unusual;
	c.has_arp = rules->has_arp;
	memcpy(&c.arp, rules->arp, sizeof(c.arp));
	for (unsigned i = 0; i < rules->n; i++)
		for (unsigned end = 0; end < WEIR_PORT_ENDS; end++) {
			c.has_ports |= rules->rules[i].has_ports[end];
			c.has_addresses |= rules->rules[i].has_networks[end];
		}
	rc = fill_protocols(p, rules);
	if (!rc && c.has_ports)
		rc = fill_ports(p, rules);
	if (!rc && c.has_addresses)
		rc = fill_prefixes(p, rules);
	return rc ? rc : configure(p, c);
}

void
weir_xdp_program_stop(struct weir_xdp_program *p)
{
	configure(p, (struct weir_xdp_config){ .mode = WEIR_XDP_OFF });
}

bool
weir_xdp_program_is_native(const struct weir_xdp_program *p)
{
	return p->is_native;
}

/* Of all CPUs together. */
static uint64_t
read_count(const struct weir_xdp_program *p, __u32 which)
{
	uint64_t n = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(p->skeleton->maps.counts), &which, p->of_cpus) != 0)
		return 0;
	for (unsigned i = 0; i < p->n_cpus; i++)
		n += p->of_cpus[i];
	return n;
}

void
weir_xdp_program_passed(const struct weir_xdp_program *p, uint64_t ret[WEIR_PORT_N_PASSED])
{
	ret[WEIR_PORT_PASSED_UNUSED] = read_count(p, WEIR_XDP_PASSED_RULES);
	ret[WEIR_PORT_PASSED_NOT_IP] = read_count(p, WEIR_XDP_PASSED_NOT_IP);
	ret[WEIR_PORT_PASSED_NO_SOCKET] = read_count(p, WEIR_XDP_PASSED_NO_SOCKET);
}

void
weir_xdp_program_destroy(struct weir_xdp_program *p)
{
	if (!p)
		return;
	if (p->link >= 0)
		close(p->link);
	weir_xdp__destroy(p->skeleton);
	free(p->of_cpus);
	free(p);
}

int
weir_xdp_program_test(struct weir_xdp_program *p, const uint8_t *data, uint32_t len)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = data, .data_size_in = len);
	/* there is no socket: what would be taken is counted so */
	uint64_t before = read_count(p, WEIR_XDP_PASSED_NO_SOCKET);
	int rc = bpf_prog_test_run_opts(bpf_program__fd(p->skeleton->progs.xsk_def_prog), &opts);

	return rc ? rc : (int)(read_count(p, WEIR_XDP_PASSED_NO_SOCKET) - before);
}
