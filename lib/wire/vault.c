/* SPDX-License-Identifier: BSD-3-Clause */
#include "vault.h"

#include <string.h>
#include <sys/mman.h>

void *
weir_vault_alloc(size_t n_bytes, bool *ret_is_locked)
{
	void *p = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (madvise(p, n_bytes, MADV_DONTDUMP) != 0) {
		munmap(p, n_bytes);
		return NULL;
	}
	*ret_is_locked = mlock(p, n_bytes) == 0;
	return p;
}

void
weir_vault_free(void *p, size_t n_bytes)
{
	if (!p)
		return;
	explicit_bzero(p, n_bytes);
	munmap(p, n_bytes);
}
