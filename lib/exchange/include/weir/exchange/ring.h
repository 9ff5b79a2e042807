/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXCHANGE_RING_H
#define WEIR_EXCHANGE_RING_H

#include <stdint.h>

struct rte_ring;

/*
 * A ring for one producer and one consumer, of `n` elements (any number) of elem_size bytes (a
 * multiple of 4), in plain memory: no EAL is needed. Freed by free(). NULL when out of memory. Its
 * users are built with RTE_USE_C11_MEM_MODEL.
 */
struct rte_ring *weir_ring_create(const char *name, uint32_t elem_size, uint32_t n);
/* Its consumer: how many elements there are now. */
uint32_t weir_ring_used(const struct rte_ring *r);
/* Its producer: how many more elements there is room for now. */
uint32_t weir_ring_room(const struct rte_ring *r);

#endif
