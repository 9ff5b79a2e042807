/* SPDX-License-Identifier: BSD-3-Clause */
#include "column_loop.h"
#include "number.h"

#include <weir/base/poison.h> /* last */

/* Fields of the outermost IP header. Most stand elsewhere in IPv4 than in IPv6. */

static inline bool
is_ip6(const struct weir_batch *b, unsigned r)
{
	return has_layer(b, r, WEIR_LAYER_IP6);
}

/* A row with an IP header whose first 20 or 40 bytes are captured. */
static inline bool
has_ip(const struct weir_batch *b, unsigned r)
{
	uint32_t need = is_ip6(b, r) ? IP6_LEN : IP4_LEN;

	return has_layer(b, r, WEIR_LAYER_IP) && b->l3_off[r] + need <= b->cap_len[r];
}

static inline const uint8_t *
ip_at(const struct weir_batch *b, unsigned r, unsigned off)
{
	return b->data[r] + b->l3_off[r] + off;
}

static inline bool
has_frag_header(const struct weir_batch *b, unsigned r)
{
	return b->frag_off[r] && b->frag_off[r] + UINT32_C(8) <= b->cap_len[r];
}

/* Octet 1 of IPv4, and the eight bits behind the version in IPv6: DSCP and ECN. */
static inline uint8_t
traffic_class(const struct weir_batch *b, unsigned r)
{
	return is_ip6(b, r) ? (uint8_t)(load_u16(ip_at(b, r, 0)) >> 4) : *ip_at(b, r, 1);
}

static inline uint32_t
identification(const struct weir_batch *b, unsigned r)
{
	return is_ip6(b, r) ? load_u32(b->data[r] + b->frag_off[r] + 4) : load_u16(ip_at(b, r, 4));
}

/* In the header's units of 8 bytes, as Wireshark 4.0 has it. */
static inline uint32_t
fragment_offset(const struct weir_batch *b, unsigned r)
{
	if (!is_ip6(b, r))
		return load_u16(ip_at(b, r, 6)) & UINT32_C(0x1fff);
	return has_frag_header(b, r) ? load_u16(b->data[r] + b->frag_off[r] + 2) >> 3 : 0;
}

static inline uint8_t
more_fragments(const struct weir_batch *b, unsigned r)
{
	if (!is_ip6(b, r))
		return *ip_at(b, r, 6) >> 5 & 1;
	return has_frag_header(b, r) ? b->data[r][b->frag_off[r] + 3] & 1 : 0;
}

/* clang-format off */
COLUMN(IP_VERSION,     uint8_t,  has_ip(b, r), is_ip6(b, r) ? 6 : 4)
COLUMN_VIEW(IP_PROTO,  has_ip(b, r))
COLUMN_VIEW(IP_LEN,    has_ip(b, r))
COLUMN(IP_TTL,         uint8_t,  has_ip(b, r), *ip_at(b, r, is_ip6(b, r) ? 7 : 8))
COLUMN(IP_DSCP,        uint8_t,  has_ip(b, r), traffic_class(b, r) >> 2)
COLUMN(IP_ECN,         uint8_t,  has_ip(b, r), traffic_class(b, r) & 3)
COLUMN(IP_ID,          uint32_t, has_ip(b, r) && (!is_ip6(b, r) || has_frag_header(b, r)),
    identification(b, r))
COLUMN(IP_FRAG_OFFSET, uint32_t, has_ip(b, r), fragment_offset(b, r))
COLUMN(IP_MF,          uint8_t,  has_ip(b, r), more_fragments(b, r))
COLUMN(IPV6_FLOW,      uint32_t, has_ip(b, r) && is_ip6(b, r), load_u32(ip_at(b, r, 0)) & 0xfffff)
/* clang-format on */

static inline struct weir_addr
address(const struct weir_batch *b, unsigned r, unsigned off4, unsigned off6)
{
	const uint8_t *p;

	if (!is_ip6(b, r))
		return (struct weir_addr){ .lo = load_u32(ip_at(b, r, off4)) };
	p = ip_at(b, r, off6);
	return (struct weir_addr){ .hi = load_u64(p), .lo = load_u64(p + 8) };
}

static inline void
addresses(struct weir_batch *b, enum weir_field_id field, unsigned off4, unsigned off6, unsigned lo,
    uint64_t rows)
{
	struct weir_addr *out = b->col[field].data;
	uint8_t *version = b->col[field].version;
	uint64_t null = b->col[field].null[lo / 64] & ~rows;

	for (uint64_t m = rows; m; m &= m - 1) {
		unsigned r = lo + (unsigned)__builtin_ctzll(m);
		bool is_there = has_ip(b, r);

		out[r] = is_there ? address(b, r, off4, off6) : (struct weir_addr){ 0 };
		version[r] = is_there ? (is_ip6(b, r) ? 6 : 4) : 0;
		null |= (uint64_t)!is_there << (r - lo);
	}
	b->col[field].null[lo / 64] = null;
}

void
DECODE_COLUMN(IP_SRC)(struct weir_batch *b, unsigned lo, uint64_t rows)
{
	addresses(b, WEIR_FIELD_IP_SRC, 12, 8, lo, rows);
}

void
DECODE_COLUMN(IP_DST)(struct weir_batch *b, unsigned lo, uint64_t rows)
{
	addresses(b, WEIR_FIELD_IP_DST, 16, 24, lo, rows);
}
