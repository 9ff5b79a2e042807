/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_ACCOUNT_H
#define WEIR_RUNTIME_ACCOUNT_H

#include <weir/runtime/ledger.h>

#include "delivery.h"
#include "flow.h"
#include "worker.h"

/*
 * The ledger of a run from what workers, sources and sinks have counted. is_live: from the workers'
 * last answers, while they run; else after they have ended, and before the sinks are closed.
 * Control thread. Private to lib/runtime.
 */
void weir_account(const struct weir_workers *all, const struct weir_flow *f,
    const struct weir_delivery *d, bool is_live, int64_t end_ns, struct weir_ledger *ret);
/* The counts of a worker that the account goes by. */
const struct weir_worker_counts *weir_counts_of(const struct weir_worker *w, bool is_live);

#endif
