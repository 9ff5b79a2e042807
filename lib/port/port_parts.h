/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_PORT_PARTS_H
#define WEIR_PORT_PORT_PARTS_H

#include <weir/port/interface.h>
#include <weir/port/name.h>
#include <weir/port/port.h>

#include "device.h"
#include "nic_rules.h"
#include "xdp_program.h"

/* An open port with what is behind it. Private to lib/port. */

#define WEIR_PORT_DEVICES 16

struct weir_open_port {
	struct weir_port base;
	unsigned n_users;
	unsigned n_devices;
	struct weir_device devices[WEIR_PORT_DEVICES];
	int promiscuous_fd;               /* keeps the kernel's interface promiscuous, or -1 */
	uint64_t nic_lost_base;           /* what the kernel's NIC had lost when it was opened */
	struct weir_xdp_program *program; /* in front of AF_XDP's sockets, or NULL: libxdp's is */
	bool has_socket_program;          /* either of both */
	char no_program[128];             /* why it is libxdp's */
	struct weir_nic_rules *nic;       /* in the device, or NULL */
	struct weir_port_rules *rules;    /* with the guest's, while it is opened */
	char *options;                    /* what its name said behind the '?', or "" */
	struct weir_open_port *next;
};

/* Open one more device; its queues become the port's next ones. */
int weir_port_add_device(
    struct weir_open_port *p, const struct weir_device_spec *spec, struct weir_error *err);

/* kernel.c: a kernel interface that can be sent out of or received from. */
int weir_kernel_look(const char *name, struct weir_interface_facts *f, struct weir_error *err);
int weir_kernel_open(
    struct weir_open_port *p, const struct weir_port_config *c, struct weir_error *err);
/* What the NIC itself lost before XDP saw it; the device tells the socket's drops only. */
uint64_t weir_kernel_nic_lost(const char *interface);
/* Have weir's XDP program on the interface, or note why not, and fail where another is there; and
 * what it takes once all queues are there. */
int weir_kernel_attach(struct weir_open_port *p, unsigned interface, struct weir_error *err);
int weir_kernel_take(
    struct weir_open_port *p, const struct weir_port_config *c, struct weir_error *err);
/* Have an AF_PACKET socket take what may be a guest's, and nothing else. 0, or -1 and errno. */
int weir_kernel_filter(int fd, const struct weir_port_guest_spec *guest);
/* Packets that found the ring of their AF_XDP socket full: net_af_xdp does not count these. */
uint64_t weir_kernel_ring_lost(const struct weir_port *p);
/* "weir's XDP program in the driver, zero-copy": how packets get from an interface to a port. */
void weir_kernel_describe(const struct weir_open_port *p, char *buf, size_t size);
/* xdp.c: room that AF_XDP needs in a buffer of this interface; 0 where a page is too small. */
uint32_t weir_xdp_data_bytes(const struct weir_interface_facts *f);

#endif
