/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_MEMORY_H
#define WEIR_AGGREGATE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Memory of tables. Small pieces come from the heap; from WEIR_MEMORY_MAPPED bytes on they are
 * mapped, which is zero until touched, takes pages only as they are touched, and grows without a
 * copy.
 */
#define WEIR_MEMORY_MAPPED ((size_t)256 << 10)

/* Zeroed, aligned to a cache line. NULL when out of memory. */
void *weir_memory_get(size_t size);
/* Resize; what is gained is not zeroed. NULL when out of memory, and p stays. */
void *weir_memory_resize(void *p, size_t size, size_t new_size);
/* Make all of it zero again. */
void weir_memory_zero(void *p, size_t size);
/* Give pages back where they were mapped: it is zero then. */
void weir_memory_discard(void *p, size_t size);
void weir_memory_put(void *p, size_t size);

#endif
