/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_TAKE_H

#define WEIR_SOURCE_TAKE_H

#include <weir/source/interface.h>

#include "ethdev.h"

/*
 * Take an interface away from its host: one net_af_xdp port a receive queue. The source has neither
 * name nor description yet. EAL must be up. The error text is the reason alone.
 */
int weir_take_open(const struct weir_interface_facts *f, const struct weir_source_config *c,
    struct weir_ethdev **ret, struct weir_error *err);

#endif
