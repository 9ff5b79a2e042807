/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PACKET_FIELD_H
#define WEIR_PACKET_FIELD_H

#include <stdint.h>

#include <weir/base/column.h>

/* Layers that a packet has: bits of weir_batch.layers. */
enum weir_layer {
	WEIR_LAYER_ETH = 1 << 0,
	WEIR_LAYER_VLAN = 1 << 1,
	WEIR_LAYER_MPLS = 1 << 2,
	WEIR_LAYER_ARP = 1 << 3,
	WEIR_LAYER_IP4 = 1 << 4, /* the outermost IP header that counts, here and below */
	WEIR_LAYER_IP6 = 1 << 5,
	WEIR_LAYER_IP = WEIR_LAYER_IP4 | WEIR_LAYER_IP6,
	WEIR_LAYER_FRAG = 1 << 6,  /* a fragment, first ones included */
	WEIR_LAYER_PORTS = 1 << 7, /* ports could be read */
	WEIR_LAYER_TCP = 1 << 8,
	WEIR_LAYER_UDP = 1 << 9, /* UDP-Lite too */
	WEIR_LAYER_SCTP = 1 << 10,
	WEIR_LAYER_DCCP = 1 << 11,
	WEIR_LAYER_ICMP = 1 << 12, /* ICMP and ICMPv6 */
	WEIR_LAYER_PAYLOAD =
	    1 << 13, /* the whole TCP or UDP header is there, so the payload is known */
	WEIR_LAYER_TEXT = 1 << 14, /* a record of a text source: no other layer */
};

enum weir_field_id {
#define WEIR_FIELD(id, name, type, store, group, layers, doc) WEIR_FIELD_##id,
#include <weir/packet/fields.def>
#undef WEIR_FIELD
	WEIR_N_FIELDS,
};

struct weir_field {
	const char *name;
	enum weir_type type;
	enum weir_store store;
	const char *group;
	uint32_t layers;
	const char *doc;
};

/* The table, indexed by enum weir_field_id. */
extern const struct weir_field weir_fields[WEIR_N_FIELDS];

/* The field of that name, or -ENOENT. */
int weir_field_find(const char *name);

/* Macros of --key and --select: names that stand for several columns; NULL past the last. */
struct weir_field_macro {
	const char *name;
	const char *doc;
	const char *columns[6]; /* column definitions: "ip.src", or "name=EXPR"; NULL ends */
};
extern const struct weir_field_macro weir_field_macros[]; /* a row without name ends */

#define WEIR_FIELD_WORDS ((WEIR_N_FIELDS + 63) / 64)
/* A set of fields. */
struct weir_field_set {
	uint64_t word[WEIR_FIELD_WORDS];
};

static inline void
weir_field_set_add(struct weir_field_set *s, unsigned field)
{
	s->word[field / 64] |= UINT64_C(1) << (field % 64);
}

static inline int
weir_field_set_has(const struct weir_field_set *s, unsigned field)
{
	return (int)(s->word[field / 64] >> (field % 64) & 1);
}

#endif
