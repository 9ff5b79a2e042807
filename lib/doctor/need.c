/* SPDX-License-Identifier: BSD-3-Clause */
/* What a command line takes of the host, from what a port would be asked for: as --explain says. */
#include <string.h>

#include <rte_common.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <weir/port/name.h>
#include <weir/port/port.h>

#include "check.h"

#define PAGE_BYTES (UINT64_C(2) << 20)
/* EAL's heap: devices, their queues, the control socket. */
#define EAL_BYTES (UINT64_C(4) << 20)
/* Buffers of AF_XDP: one to a page where packets are longer than usual. */
#define USUAL_MTU        1770u
#define PAGE_DATA_BYTES  3700u
#define USUAL_DATA_BYTES 2048u

/* One device: its packet buffers, the ring that they wait in, and the caches of the lcores. */
static uint64_t
device_bytes(unsigned n_buffers, uint32_t data_bytes)
{
	uint32_t element = (uint32_t)sizeof(struct rte_mbuf) + RTE_PKTMBUF_HEADROOM + data_bytes;
	uint64_t object = rte_mempool_calc_obj_size(element, 0, NULL);
	uint64_t bytes = n_buffers * object + rte_align32pow2(n_buffers + 1) * sizeof(void *) +
			 RTE_MAX_LCORE * sizeof(struct rte_mempool_cache);

	return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static void
add_device(struct weir_doctor_need *n, unsigned n_workers, unsigned n_queues, bool is_af_xdp,
    uint32_t data_bytes, int node)
{
	unsigned n_descriptors, n_buffers = 0;
	uint64_t bytes;
	char plan[160];

	/* the plan is a phrase, and the one place that tells it */
	weir_port_plan(n_workers, n_queues, is_af_xdp, plan, sizeof(plan));
	if (sscanf(plan, "%*u receive queue%*[s ]of %u descriptors, %u packet buffers",
		&n_descriptors, &n_buffers) != 2)
		return;
	bytes = device_bytes(n_buffers, data_bytes);
	n->n_buffers += n_buffers;
	n->port_bytes += bytes;
	if (node >= 0)
		n->node_bytes[node] += bytes;
	else
		n->anywhere_bytes += bytes;
}

static void
add_vdev(const struct weir_doctor *d, const char *name, struct weir_doctor_need *n)
{
	struct weir_port_name port;
	uint32_t data_bytes;

	if (weir_port_parse(name, &port, NULL) != 0)
		return;
	data_bytes = weir_port_data_bytes(&port);
	n->n_ports++;
	add_device(n, weir_doctor_workers(d), weir_doctor_workers(d), false,
	    data_bytes ? data_bytes : USUAL_DATA_BYTES, -1);
}

static void
add_interface(
    const struct weir_doctor *d, const struct weir_doctor_source *s, struct weir_doctor_need *n)
{
	int node = weir_doctor_node_of_interface(d, s->name);
	struct weir_interface_facts f;

	/* a tapped one is read through libpcap */
	if (!weir_doctor_is_taken(d, s) || d->probe->facts(d->config->root, s->name, &f, NULL) != 0)
		return;
	n->n_ports++;
	for (unsigned q = 0; q < f.n_queues; q++)
		add_device(n, weir_doctor_workers(d), 1, true,
		    f.mtu > USUAL_MTU ? PAGE_DATA_BYTES : USUAL_DATA_BYTES, node);
}

/* Was this one named before? A port is opened once. */
static bool
is_again(const struct weir_doctor *d, const struct weir_doctor_source *s)
{
	for (const struct weir_doctor_source *o = d->config->sources; o < s; o++)
		if (o->scope == s->scope && strcmp(o->name, s->name) == 0)
			return true;
	return false;
}

static void
read_eal_args(const struct weir_doctor *d, struct weir_doctor_need *n)
{
	static const char *const own[] = { "--huge-dir", "--file-prefix", "--proc-type",
		"--legacy-mem", "--huge-unlink", "--single-file-segments" };

	for (unsigned i = 0; i < d->config->n_eal_args; i++) {
		const char *arg = d->config->eal_args[i];

		n->has_no_huge |= strcmp(arg, "--no-huge") == 0;
		for (unsigned j = 0; j < sizeof(own) / sizeof(own[0]); j++)
			n->has_own_pages |= strncmp(arg, own[j], strlen(own[j])) == 0;
	}
}

void
weir_doctor_need(const struct weir_doctor *d, struct weir_doctor_need *ret)
{
	struct weir_doctor_need n = { .table_bytes = d->config->table_bytes };
	const struct weir_doctor_source *s = NULL;
	char device[64];

	while ((s = weir_doctor_next(d, WEIR_DOCTOR_LIVE, s))) {
		if (is_again(d, s))
			continue;
		if (s->scope == WEIR_DOCTOR_INTERFACE)
			add_interface(d, s, &n);
		else if (s->scope == WEIR_DOCTOR_VDEV)
			add_vdev(d, s->name, &n);
		else if (weir_doctor_nic(d, s->name, device, sizeof(device))) {
			n.n_ports++;
			n.is_huge_needed = true;
			add_device(&n, weir_doctor_workers(d), weir_doctor_workers(d), false,
			    USUAL_DATA_BYTES, weir_doctor_node_of_nic(d, device));
		}
	}
	if (n.n_ports) {
		n.port_bytes += EAL_BYTES;
		n.anywhere_bytes += EAL_BYTES;
	}
	read_eal_args(d, &n);
	n.is_huge_needed &= !n.has_no_huge;
	*ret = n;
}
