/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <weir/base/sanitizer.h>

#include "memory.h"

/* Zeroing by giving pages back pays from here on: below, writing zeros is quicker than the faults.
 */
#define DISCARD_BYTES ((size_t)8 << 20)
#define HUGE_BYTES    ((size_t)4 << 20)

/* The race detector sees memory come by mmap and go by munmap, but not that mremap moves it: what
 * one thread had there it takes for another's. */
#define MAY_REMAP (!WEIR_HAS_TSAN)

static void *
map(size_t size)
{
	void *p = mmap(
	    NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Random access to many small pages misses the TLB on each. Where the host has no huge pages
 * nothing is lost. */
static void
prefer_huge(void *p, size_t size)
{
	if (size >= HUGE_BYTES)
		(void)madvise(p, size, MADV_HUGEPAGE);
}

void *
weir_memory_get(size_t size)
{
	void *p;

	if (size >= WEIR_MEMORY_MAPPED) {
		p = map(size);
		if (p)
			prefer_huge(p, size);
		return p;
	}
	size = (size + 63) & ~(size_t)63;
	p = aligned_alloc(64, size);
	if (p)
		memset(p, 0, size);
	return p;
}

void *
weir_memory_resize(void *p, size_t size, size_t new_size)
{
	void *q;

	if (MAY_REMAP && size >= WEIR_MEMORY_MAPPED && new_size >= WEIR_MEMORY_MAPPED) {
		q = mremap(p, size, new_size, MREMAP_MAYMOVE);
		if (q == MAP_FAILED)
			return NULL;
		prefer_huge(q, new_size);
		return q;
	}
	q = weir_memory_get(new_size);
	if (!q)
		return NULL;
	memcpy(q, p, size < new_size ? size : new_size);
	weir_memory_put(p, size);
	return q;
}

void
weir_memory_zero(void *p, size_t size)
{
	if (size < DISCARD_BYTES || madvise(p, size, MADV_DONTNEED))
		memset(p, 0, size);
}

void
weir_memory_discard(void *p, size_t size)
{
	if (size >= WEIR_MEMORY_MAPPED)
		(void)madvise(p, size, MADV_DONTNEED);
}

void
weir_memory_put(void *p, size_t size)
{
	if (!p)
		return;
	if (size >= WEIR_MEMORY_MAPPED)
		munmap(p, size);
	else
		free(p);
}
