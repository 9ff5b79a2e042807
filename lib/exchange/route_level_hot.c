/* SPDX-License-Identifier: BSD-3-Clause */
#include "route.h"

#include <weir/base/poison.h> /* last */

void
weir_route_run(struct weir_route *r, const struct weir_column *const *fields,
    const struct weir_column *const *keys, unsigned n_keys, uint32_t n,
    const uint64_t sel[WEIR_MASK_WORDS], uint16_t ret_worker[WEIR_ROWS])
{
	r->run(r, fields, keys, n_keys, n, sel, ret_worker);
}
