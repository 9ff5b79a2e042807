/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_IDLE_H
#define WEIR_RUNTIME_IDLE_H

#include <stdbool.h>

#include <weir/query/command.h>

#include "worker.h"

/* What a worker does while nothing comes. Private to lib/runtime. */

/*
 * Worker, after a round that brought nothing; n counts those rounds since something came, from 1.
 * Returns soon after packets have come, and after a tenth of a second in any case.
 */
void weir_idle(enum weir_idle how, struct weir_worker *w, unsigned n);
/* Whether weir_idle() may sleep for the same n, rather than look again at once. */
bool weir_idle_sleeps(enum weir_idle how, const struct weir_worker *w, unsigned n);
/* Worker: packets have come. */
void weir_idle_end(struct weir_worker *w);
/* Sleep a moment, longer the longer nothing has come: n counts the naps since something did. */
void weir_nap(unsigned n);

#endif
