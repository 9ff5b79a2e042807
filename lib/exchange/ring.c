/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <rte_common.h>
#include <rte_ring.h>
#include <weir/exchange/ring.h>

struct rte_ring *
weir_ring_create(const char *name, uint32_t elem_size, uint32_t n)
{
	uint32_t slots = rte_align32pow2(n + 1); /* one stays free */
	ssize_t size = rte_ring_get_memsize_elem(elem_size, slots);
	struct rte_ring *r;

	if (size < 0)
		return NULL;
	r = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_ROUNDUP((size_t)size));
	if (r && rte_ring_init(r, name, slots, RING_F_SP_ENQ | RING_F_SC_DEQ)) {
		free(r);
		return NULL;
	}
	return r;
}

uint32_t
weir_ring_used(const struct rte_ring *r)
{
	return __atomic_load_n(&r->prod.tail, __ATOMIC_ACQUIRE) - r->cons.head;
}

uint32_t
weir_ring_room(const struct rte_ring *r)
{
	/* rte_ring_free_count reads both ends without order. */
	return r->capacity + __atomic_load_n(&r->cons.tail, __ATOMIC_ACQUIRE) - r->prod.head;
}
