/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_XDP_PROGRAM_H
#define WEIR_PORT_XDP_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/port/port.h>
#include <weir/port/rules.h>

/*
 * weir's XDP program on an interface. It is there as long as this process is: the kernel detaches
 * it with the last descriptor of its link. Sockets of AF_XDP that are opened while it is there get
 * their packets from it. Control thread. Private to lib/port.
 */
struct weir_xdp_program;

/* Was it built? */
bool weir_xdp_program_is_there(void);
/*
 * Attach, in the driver where that can do it, else behind it. It passes everything on until it is
 * told what to take. 0, or -errno with the reason in why.
 */
int weir_xdp_program_attach(
    unsigned interface, struct weir_xdp_program **ret, char *why, size_t size);
/* Take what the rules want, or everything (NULL). Packets of the moment of a change are taken. */
int weir_xdp_program_take(struct weir_xdp_program *p, const struct weir_port_rules *rules);
/* Pass everything on again. */
void weir_xdp_program_stop(struct weir_xdp_program *p);
bool weir_xdp_program_is_native(const struct weir_xdp_program *p);
/* What was passed on since it was told to take something. */
void weir_xdp_program_passed(const struct weir_xdp_program *p, uint64_t ret[WEIR_PORT_N_PASSED]);
/* Detach. NULL is fine. */
void weir_xdp_program_destroy(struct weir_xdp_program *p);

/* For tests: what it says of a packet, without any interface. 1: taken; 0; or -errno. */
int weir_xdp_program_load(struct weir_xdp_program **ret, char *why, size_t size);
int weir_xdp_program_test(struct weir_xdp_program *p, const uint8_t *data, uint32_t len);

#endif
