/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_INTERFACE_H
#define WEIR_PORT_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/error.h>

#define WEIR_INTERFACE_NAME_BYTES 16 /* IFNAMSIZ */

enum weir_take_mode {
	WEIR_TAKE_AUTO, /* tap where the interface is in use, else take */
	WEIR_TAKE_TAP,
	WEIR_TAKE_TAKE,
};

/* What the kernel says of an interface, as far as it matters for tapping or taking it. */
struct weir_interface_facts {
	char name[WEIR_INTERFACE_NAME_BYTES];
	unsigned index; /* 0: there is no such interface */
	unsigned flags; /* IFF_* */
	unsigned type;  /* ARPHRD_* */
	unsigned mtu;
	unsigned n_queues; /* receive channels, at least 1 */
	unsigned xdp_id;   /* number of the XDP program that is attached, 0: none */
	unsigned xdp_mode; /* XDP_ATTACHED_DRV, _SKB or _HW, of it */
	bool has_carrier;
	bool is_all;                            /* libpcap's "any" */
	char master[WEIR_INTERFACE_NAME_BYTES]; /* bridge, bond or team that it is part of, or "" */
	char upper[WEIR_INTERFACE_NAME_BYTES]; /* an interface that rides on it (VLAN, macvlan ...),
						  or "" */
	unsigned n_addresses; /* without those that the kernel gives every interface */
	unsigned n_routes;    /* without those that come with such an address */
	char address[64];     /* the first: "10.0.0.1/24" */
	char route[64];       /* the first: "10.1.0.0/16" or "default" */
};

/*
 * Read the facts. -ENODEV (with the nearest name in err) where there is no such interface; errors
 * are without the name that was asked for.
 */
int weir_interface_facts_read(
    const char *name, struct weir_interface_facts *ret, struct weir_error *err);

/* Is it up, with a carrier? False where it is gone. */
bool weir_interface_is_up(const char *name);

/* The NUMA node of the device behind a kernel's interface, -1 where it has none. */
int weir_interface_numa_node(const char *name);

/* What to do with it and why: "it carries 10.0.0.1/24". */
struct weir_interface_decision {
	bool is_taken;
	bool is_used; /* by its host */
	char why[256];
};
/* Decide. Pure: looks at the facts alone. Usage error where what was asked cannot be. */
int weir_interface_decide(const struct weir_interface_facts *f, enum weir_take_mode mode,
    struct weir_interface_decision *ret, struct weir_error *err);

/*
 * Why this process cannot take this interface through AF_XDP, with the cure, in buf; false where it
 * can, as far as can be told without doing it.
 */
bool weir_interface_blocks_xdp(const struct weir_interface_facts *f, char *buf, size_t size);

/*
 * Put one message of a netlink dump into the facts; those of other interfaces are passed over. Only
 * reads h (the kernel's macros know no const). For tests too.
 */
struct nlmsghdr;
void weir_interface_facts_add(struct weir_interface_facts *f, struct nlmsghdr *h);

#endif
