/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <linux/if_xdp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "port_parts.h"

/* What is in front of the AF_XDP sockets of a kernel interface, and the sockets themselves. */

#ifndef SOL_XDP
#define SOL_XDP 283
#endif

int
weir_kernel_attach(struct weir_open_port *p, unsigned interface, struct weir_error *err)
{
	int rc =
	    weir_xdp_program_attach(interface, &p->program, p->no_program, sizeof(p->no_program));

	p->has_socket_program = true;
	if (rc)
		p->program = NULL;
	/* somebody was faster: libxdp would take it for its own, and DPDK's driver take it off */
	return rc == -EBUSY || rc == -EEXIST ? weir_error_run(err, rc, "%s", p->no_program) : 0;
}

int
weir_kernel_take(struct weir_open_port *p, const struct weir_port_config *c, struct weir_error *err)
{
	int rc;

	if (!p->program)
		return 0;
	rc = weir_xdp_program_take(p->program, c->rules);
	if (rc)
		return weir_error_run(
		    err, rc, "the XDP program cannot be told what to take: %s", strerror(-rc));
	p->base.has_rules = c->rules != NULL;
	return 0;
}

uint64_t
weir_kernel_ring_lost(const struct weir_port *p)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < p->n_rx; i++) {
		struct xdp_statistics s = { 0 };
		socklen_t len = sizeof(s);

		if (p->rx_fd[i] >= 0 &&
		    getsockopt(p->rx_fd[i], SOL_XDP, XDP_STATISTICS, &s, &len) == 0)
			n += s.rx_ring_full;
	}
	return n;
}

static bool
is_zero_copy(const struct weir_port *p)
{
	struct xdp_options o = { 0 };
	socklen_t len = sizeof(o);

	return p->n_rx && p->rx_fd[0] >= 0 &&
	       getsockopt(p->rx_fd[0], SOL_XDP, XDP_OPTIONS, &o, &len) == 0 &&
	       o.flags & XDP_OPTIONS_ZEROCOPY;
}

void
weir_kernel_describe(const struct weir_open_port *p, char *buf, size_t size)
{
	const char *how = is_zero_copy(&p->base) ? "zero-copy" : "packets are copied";

	if (!p->program)
		snprintf(buf, size, "libxdp's XDP program, %s (%s)", how, p->no_program);
	else
		snprintf(buf, size, "weir's XDP program %s, %s",
		    weir_xdp_program_is_native(p->program) ? "in the driver"
							   : "behind the driver (generic)",
		    how);
}
