/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_VAULT_H
#define WEIR_WIRE_VAULT_H

#include <stdbool.h>
#include <stddef.h>

/* Memory for secrets: pages of their own that are zero, left out of core dumps, and locked where
 * the limits allow. NULL without memory; the caller frees it with the same size, which wipes it. */
void *weir_vault_alloc(size_t n_bytes, bool *ret_is_locked);
void weir_vault_free(void *p, size_t n_bytes);

#endif
