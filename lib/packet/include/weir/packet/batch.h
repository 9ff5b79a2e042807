/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PACKET_BATCH_H
#define WEIR_PACKET_BATCH_H

#include <stdint.h>

#include <weir/base/column.h>
#include <weir/packet/field.h>

/*
 * The currency of the hot side: one burst of packets as structure of arrays. A source
 * fills the views, decode fills the layout and the columns that the running queries need, stages
 * and aggregates read. Owned by one worker; nothing in it is shared.
 */

/* Link types that decode knows; a source maps its own (LINKTYPE_*, DLT_*) to these. */
enum weir_link {
	WEIR_LINK_UNKNOWN, /* received, counted as decode.link_type */
	WEIR_LINK_ETHERNET,
	WEIR_LINK_RAW_IP, /* version from the first nibble */
	WEIR_LINK_SLL,    /* Linux cooked v1 */
	WEIR_LINK_SLL2,   /* Linux cooked v2 */
	WEIR_LINK_NULL,   /* BSD loopback, family in the byte order of the capturing host */
	WEIR_LINK_LOOP,   /* OpenBSD loopback, family in network order */
	WEIR_LINK_PPP,    /* with or without address and control bytes */
	WEIR_LINK_CHDLC,  /* Cisco HDLC */
	WEIR_LINK_NFLOG,
	WEIR_LINK_TEXT, /* no packet: a record of a text source, without headers */
	WEIR_N_LINKS,
};

/* Most bytes of a name that decode puts together: a DNS name, with its dots. */
#define WEIR_NAME_BYTES 256

struct weir_batch {
	uint32_t n;           /* packets in the burst, at most WEIR_ROWS */
	int32_t queue_depth;  /* packets that waited when the burst was taken, or -1 */
	int64_t first_number; /* frame.number of row 0; row r has first_number + r */
	uint32_t decap; /* enum weir_tunnel: what decode walks into; set before the first burst */

	/* Views, filled by the source. Valid until the source's release. */
	_Alignas(
	    64) const uint8_t *data[WEIR_ROWS]; /* first captured byte; all arrays lie aligned */
	uint32_t cap_len[WEIR_ROWS];            /* bytes at data */
	uint32_t wire_len[WEIR_ROWS];           /* bytes on the wire */
	int64_t time_ns[WEIR_ROWS];             /* since the epoch, or WEIR_TIME_NONE */
	uint16_t interface[WEIR_ROWS];          /* over all sources */
	uint8_t link[WEIR_ROWS];                /* enum weir_link */
	uint16_t dlt[WEIR_ROWS]; /* libpcap's DLT_ of the row, for --filter and pcapng */
	void *owner[WEIR_ROWS];  /* struct rte_mbuf of a port's packet, else NULL */

	/*
	 * Layout, filled by decode: what the packet has and where. Behind a tunnel of decap these
	 * are of the packet that it carries.
	 */
	uint32_t layers[WEIR_ROWS];   /* enum weir_layer bits */
	uint16_t l2_off[WEIR_ROWS];   /* Ethernet header, where WEIR_LAYER_ETH */
	uint16_t vlan_off[WEIR_ROWS]; /* outermost tag control information */
	uint16_t mpls_off[WEIR_ROWS]; /* outermost MPLS entry */
	uint16_t l3_off[WEIR_ROWS];   /* outermost IP header, or ARP header */
	uint16_t frag_off[WEIR_ROWS]; /* IPv6 fragment header, or 0 */
	uint16_t l4_off[WEIR_ROWS];   /* transport header, where one of its layers is set */
	uint8_t ip_proto[WEIR_ROWS];  /* as field ip.proto */
	uint32_t ip_len[WEIR_ROWS];   /* as field ip.len */
	uint32_t
	    l4_end[WEIR_ROWS]; /* first byte past the IP packet by its length, not past wire_len */

	/*
	 * Columns of the needed fields; data is NULL for the others. Where a field is what one of
	 * the arrays above holds, data is that array.
	 */
	struct weir_column col[WEIR_N_FIELDS];
	struct weir_field_set needed;

	/*
	 * [WEIR_ROWS * WEIR_NAME_BYTES] names that do not stand in the packet as they are: strings
	 * of columns point here until the batch is decoded anew. NULL unless a needed field has
	 * such.
	 */
	uint8_t *names;
	uint8_t *kept; /* [kept_size] packets that weir_batch_keep copied */
	uint64_t kept_size;
};

/* A batch with columns for the needed fields; cache-line aligned. NULL when out of memory. */
struct weir_batch *weir_batch_create(const struct weir_field_set *needed);
void weir_batch_destroy(struct weir_batch *b);
/*
 * Copy the bytes of all packets into the batch's own memory, so that the source may use its anew.
 * 0, or -ENOMEM and nothing has changed.
 */
int weir_batch_keep(struct weir_batch *b);

#endif
