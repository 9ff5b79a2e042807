/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/base/hash.h>

#include "port.h"

/*
 * A partition is at home at port p % n. While that has no link the partition is with that of the
 * others which has the highest weight for it (rendezvous hashing): so only the share of the port
 * that went down moves, over all others alike, and when it comes back, only that.
 */

static uint64_t
weight(unsigned partition, unsigned port)
{
	return weir_fold((partition + 1) * UINT64_C(0x9e3779b97f4a7c15),
	    (port + 1) * UINT64_C(0xe7037ed1a0b428db));
}

static unsigned
choose(unsigned partition, unsigned n, const bool *is_up)
{
	unsigned home = partition % n, best = home;
	uint64_t most = 0;

	if (is_up[home])
		return home;
	for (unsigned i = 0; i < n; i++) {
		if (!is_up[i] || weight(partition, i) < most)
			continue;
		most = weight(partition, i);
		best = i;
	}
	return best;
}

unsigned
weir_forward_n_partitions(unsigned n_shares)
{
	unsigned n = n_shares ? n_shares : 1;

	/* So many that the share of a port may be spread over the others. */
	return WEIR_FORWARD_PARTITIONS / 4 / n * n;
}

void
weir_port_share_set(struct weir_port_sink *p, const bool *is_up)
{
	unsigned n_down = 0;

	for (unsigned i = 0; i < p->n_gates; i++)
		n_down += !is_up[i];
	for (unsigned i = 0; i < WEIR_FORWARD_PARTITIONS; i++)
		atomic_store_explicit(
		    &p->share[i], (uint8_t)choose(i, p->n_gates, is_up), memory_order_relaxed);
	atomic_store_explicit(&p->n_down, n_down, memory_order_release);
}
