/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_TAKE_H
#define WEIR_SOURCE_TAKE_H

#include "ethdev.h"
#include "interface.h"

/*
 * Why this process cannot take this interface through AF_XDP ("AF_XDP needs CAP_BPF ..."), in buf;
 * false where it can, as far as can be told without doing it.
 */
bool weir_take_is_impossible(const struct weir_interface_facts *f, char *buf, size_t size);

/*
 * Take an interface away from its host: one net_af_xdp port a receive queue. The source has neither
 * name nor description yet. EAL must be up. The error text is the reason alone.
 */
int weir_take_open(const struct weir_interface_facts *f, uint16_t interface,
    struct weir_ethdev **ret, struct weir_error *err);

#endif
