/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_ACCOUNT_H
#define WEIR_RUNTIME_ACCOUNT_H

#include <weir/runtime/ledger.h>

#include "delivery.h"
#include "worker.h"

/*
 * The ledger of a run from what workers, sources and sinks have counted, after the workers have
 * ended and before the sinks are closed. Control thread. Private to lib/runtime.
 */
void weir_account(const struct weir_workers *all, const struct weir_delivery *d, int64_t end_ns,
    struct weir_ledger *ret);

#endif
