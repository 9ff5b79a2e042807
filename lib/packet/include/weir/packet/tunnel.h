/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PACKET_TUNNEL_H
#define WEIR_PACKET_TUNNEL_H

#include <stdint.h>

#include <weir/base/error.h>

/* Tunnels that decode walks into where it is asked to: bits of weir_batch.decap. */
enum weir_tunnel {
	WEIR_TUNNEL_MPLS = 1 << 0,   /* labels that ride on IP or UDP */
	WEIR_TUNNEL_EOMPLS = 1 << 1, /* Ethernet below labels */
	WEIR_TUNNEL_GRE = 1 << 2,
	WEIR_TUNNEL_VXLAN = 1 << 3,
	WEIR_TUNNEL_GENEVE = 1 << 4,
	WEIR_TUNNEL_GTPU = 1 << 5,
	WEIR_TUNNEL_IPIP = 1 << 6,
	WEIR_TUNNEL_6IN4 = 1 << 7,
	/* those that a UDP port tells */
	WEIR_TUNNELS_UDP =
	    WEIR_TUNNEL_MPLS | WEIR_TUNNEL_VXLAN | WEIR_TUNNEL_GENEVE | WEIR_TUNNEL_GTPU,
	WEIR_TUNNELS_ALL = (1 << 8) - 1,
};

/* The words of --decap; bits are 0 for what is a part of every link and always walked. */
struct weir_tunnel_doc {
	const char *name;
	uint32_t bits;
};
extern const struct weir_tunnel_doc weir_tunnels[]; /* a row without name ends */

/* "vxlan,gre" to bits. Usage errors with place and nearest word. Any thread. */
int weir_tunnels_parse(const char *text, uint32_t *ret_bits, struct weir_error *err);

#endif
