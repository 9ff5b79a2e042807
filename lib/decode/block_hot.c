/* SPDX-License-Identifier: BSD-3-Clause */
#include "block.h"
#include "number.h"
#include "walk.h"

#include <weir/base/poison.h> /* last */

/*
 * The lane of common packets, 64 at a time. First the words of all packets are taken as if they
 * were IPv4 behind a plain Ethernet header; plain loops over these words then find out where that
 * was right, and write the layout. The few others follow one by one.
 */

#define IP4_OFF          ETHER_LEN
#define IP4_L4           (ETHER_LEN + IP4_LEN)
#define IP6_L4           (ETHER_LEN + IP6_LEN)
#define LAYERS_L4(layer) (WEIR_LAYER_ETH | WEIR_LAYER_PORTS | WEIR_LAYER_PAYLOAD | (layer))

static inline uint32_t
word_at(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* Bytes 0 and 1 of a word as a number. */
static inline uint32_t
first_u16(uint32_t w)
{
	return (w & 0xff) << 8 | (w >> 8 & 0xff);
}

/* Bytes 2 and 3. */
static inline uint32_t
second_u16(uint32_t w)
{
	return (w >> 8 & 0xff00) | w >> 24;
}

#if defined(__SSE2__)
static inline __m128i
words_at(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline void
put_words(uint32_t *to, __m128i words)
{
	_mm_store_si128((__m128i *)(void *)to, words);
}

/* take_words() of four rows at once: two loads of four words a packet, and rows to columns. */
static inline void
take_words4(struct decode_block *k, unsigned i, const uint8_t *const p[4])
{
	__m128i a = words_at(p[0] + 12), b = words_at(p[1] + 12);
	__m128i c = words_at(p[2] + 12), d = words_at(p[3] + 12);
	__m128i ab = _mm_unpacklo_epi32(a, b), cd = _mm_unpacklo_epi32(c, d);

	put_words(k->type + i, _mm_unpacklo_epi64(ab, cd));
	put_words(k->len + i, _mm_unpackhi_epi64(ab, cd));
	ab = _mm_unpackhi_epi32(a, b);
	cd = _mm_unpackhi_epi32(c, d);
	put_words(k->frag + i, _mm_unpacklo_epi64(ab, cd));
	a = words_at(p[0] + 26);
	b = words_at(p[1] + 26);
	c = words_at(p[2] + 26);
	d = words_at(p[3] + 26);
	ab = _mm_unpacklo_epi32(a, b);
	cd = _mm_unpacklo_epi32(c, d);
	put_words(k->src + i, _mm_unpacklo_epi64(ab, cd));
	put_words(k->dst + i, _mm_unpackhi_epi64(ab, cd));
	ab = _mm_unpackhi_epi32(a, b);
	cd = _mm_unpackhi_epi32(c, d);
	put_words(k->ports + i, _mm_unpacklo_epi64(ab, cd));
	put_words(k->l4_4 + i, _mm_unpackhi_epi64(ab, cd));
	for (unsigned r = 0; r < 4; r++)
		k->l4_12[i + r] = word_at(p[r] + IP4_L4 + 12);
}
#else
static inline void
take_words(struct decode_block *k, unsigned i, const uint8_t *p)
{
	k->type[i] = word_at(p + 12);
	k->len[i] = word_at(p + 16);
	k->frag[i] = word_at(p + 20);
	k->src[i] = word_at(p + 26);
	k->dst[i] = word_at(p + 30);
	k->ports[i] = word_at(p + IP4_L4);
	k->l4_4[i] = word_at(p + IP4_L4 + 4);
	k->l4_12[i] = word_at(p + IP4_L4 + 12);
}

static inline void
take_words4(struct decode_block *k, unsigned i, const uint8_t *const p[4])
{
	for (unsigned r = 0; r < 4; r++)
		take_words(k, i + r, p[r]);
}
#endif

/* Rows with so many bytes behind an Ethernet header that their words can be read. */
static uint64_t
readable(const struct weir_batch *b, unsigned lo, uint64_t rows)
{
	const uint32_t *restrict cap_len = b->cap_len + lo;
	const uint8_t *restrict link = b->link + lo;
	uint8_t is_readable[DECODE_BLOCK];

	for (unsigned i = 0; i < DECODE_BLOCK; i++)
		is_readable[i] =
		    (cap_len[i] >= DECODE_BLOCK_BYTES) & (link[i] == WEIR_LINK_ETHERNET);
	return weir_bools_pack64(is_readable) & rows;
}

/*
 * The lines that hold the words of four packets of the next block, into the second cache: lines
 * that wait for memory must not fill up the few places in which the first cache waits.
 */
static inline void
prefetch4(const uint8_t *const p[4])
{
	for (unsigned r = 0; r < 4; r++) {
		__builtin_prefetch(p[r], 0, 2);
		__builtin_prefetch(p[r] + DECODE_BLOCK_BYTES, 0, 2);
	}
}

static void
gather(const struct weir_batch *b, struct decode_block *k, unsigned lo)
{
	static const uint8_t nothing[DECODE_BLOCK_BYTES] = { 0 };
	uint64_t can_read = readable(b, lo, k->rows);
	const uint8_t *some[DECODE_BLOCK];
	const uint8_t *const *data = b->data + lo;
	unsigned n = b->n - lo < DECODE_BLOCK ? (b->n - lo + 3) & ~3u : DECODE_BLOCK;
	unsigned n_next = b->n - lo >= 2 * DECODE_BLOCK ? DECODE_BLOCK : 0;

	if (can_read != ~UINT64_C(0)) {
		for (unsigned i = 0; i < n; i++)
			some[i] = can_read >> i & 1 ? data[i] : nothing;
		data = some;
	}
	for (unsigned i = 0; i < n; i += 4) {
		if (i < n_next)
			prefetch4(b->data + lo + DECODE_BLOCK + i);
		take_words4(k, i, data + i);
	}
}

/* Which rows are common IPv4 indeed, and whether TCP. */
static void
classify_ip4(const struct weir_batch *b, struct decode_block *restrict k, unsigned lo)
{
	const uint32_t *restrict cap_len = b->cap_len + lo;
	const uint32_t *restrict wire_len = b->wire_len + lo;

	for (unsigned i = 0; i < DECODE_BLOCK; i++) {
		uint32_t end = IP4_OFF + first_u16(k->len[i]);
		uint32_t limit = end < wire_len[i] ? end : wire_len[i];
		uint32_t proto = k->frag[i] >> 24;
		uint32_t tcp_end = IP4_L4 + (k->l4_12[i] >> 4 & 15) * 4;
		uint32_t is_plain, is_tcp, is_udp;

		limit = limit < cap_len[i] ? limit : cap_len[i];
		is_plain = ((k->type[i] & 0xffffff) == 0x450008) & ((k->frag[i] & 0xff3f) == 0);
		is_tcp = (proto == PROTO_TCP) & (tcp_end >= IP4_L4 + TCP_LEN) & (tcp_end <= limit);
		is_udp = (proto == PROTO_UDP) & (limit >= IP4_L4 + UDP_LEN) &
			 (first_u16(k->l4_4[i]) >= UDP_LEN);
		k->is_tcp[i] = (uint8_t)(is_plain & is_tcp);
		k->is_lane[i] = (uint8_t)(is_plain & (is_tcp | is_udp));
	}
}

/* The layout as common IPv4 has it, of all rows. */
static void
layout_ip4(struct weir_batch *b, const struct decode_block *restrict k, unsigned lo)
{
	const uint32_t *restrict wire_len = b->wire_len + lo;
	uint32_t *restrict layers = b->layers + lo;
	uint32_t *restrict ip_len = b->ip_len + lo;
	uint32_t *restrict l4_end = b->l4_end + lo;
	uint8_t *restrict ip_proto = b->ip_proto + lo;
	uint16_t *restrict l3_off = b->l3_off + lo;
	uint16_t *restrict l4_off = b->l4_off + lo;

	for (unsigned i = 0; i < DECODE_BLOCK; i++) {
		uint32_t len = first_u16(k->len[i]);
		uint32_t proto = k->frag[i] >> 24;

		layers[i] = LAYERS_L4(WEIR_LAYER_IP4) |
			    (proto == PROTO_TCP ? WEIR_LAYER_TCP : WEIR_LAYER_UDP);
		ip_len[i] = len;
		l4_end[i] = IP4_OFF + len < wire_len[i] ? IP4_OFF + len : wire_len[i];
	}
	for (unsigned i = 0; i < DECODE_BLOCK; i++)
		ip_proto[i] = (uint8_t)(k->frag[i] >> 24);
	for (unsigned i = 0; i < DECODE_BLOCK; i++) {
		l3_off[i] = IP4_OFF;
		l4_off[i] = IP4_L4;
	}
	memset(b->l2_off + lo, 0, DECODE_BLOCK * sizeof(b->l2_off[0]));
	memset(b->vlan_off + lo, 0, DECODE_BLOCK * sizeof(b->vlan_off[0]));
	memset(b->mpls_off + lo, 0, DECODE_BLOCK * sizeof(b->mpls_off[0]));
	memset(b->frag_off + lo, 0, DECODE_BLOCK * sizeof(b->frag_off[0]));
}

/* Rows that say to be IPv6, with the bytes of its header and eight behind it. */
static uint64_t
find_ip6(const struct weir_batch *b, const struct decode_block *restrict k, unsigned lo)
{
	const uint32_t *restrict cap_len = b->cap_len + lo;
	uint8_t is_ip6[DECODE_BLOCK];

	for (unsigned i = 0; i < DECODE_BLOCK; i++)
		is_ip6[i] = ((k->type[i] & 0xf0ffff) == 0x60dd86) & (cap_len[i] >= IP6_L4 + 8);
	return weir_bools_pack64(is_ip6) & k->rows;
}

/* The words of their transport headers; the others are those of IPv4, moved. */
static void
gather_ip6(const struct weir_batch *b, struct decode_block *k, unsigned lo, uint64_t rows)
{
	static const uint8_t nothing[16] = { 0 };

	for (uint64_t m = rows; m; m &= m - 1) {
		unsigned i = (unsigned)__builtin_ctzll(m);
		const uint8_t *p = b->data[lo + i] + IP6_L4;
		bool is_long = b->cap_len[lo + i] >= IP6_L4 + 16;

		k->ports[i] = word_at(p);
		k->l4_4[i] = word_at(p + 4);
		k->l4_12[i] = word_at((is_long ? p : nothing) + 12);
		k->is_ip6[i] = 1;
	}
}

/* Which of them are common indeed; the words and the layout of those that are. */
static void
classify_ip6(struct weir_batch *b, struct decode_block *restrict k, unsigned lo)
{
	const uint32_t *restrict cap_len = b->cap_len + lo;
	const uint32_t *restrict wire_len = b->wire_len + lo;
	uint32_t *restrict layers = b->layers + lo;
	uint32_t *restrict ip_len = b->ip_len + lo;
	uint32_t *restrict l4_end = b->l4_end + lo;
	uint8_t *restrict ip_proto = b->ip_proto + lo;
	uint16_t *restrict l4_off = b->l4_off + lo;

	for (unsigned i = 0; i < DECODE_BLOCK; i++) {
		uint32_t payload = second_u16(k->len[i]);
		uint32_t end = IP6_L4 + payload < wire_len[i] ? IP6_L4 + payload : wire_len[i];
		uint32_t limit = end < cap_len[i] ? end : cap_len[i];
		uint32_t proto = k->frag[i] & 0xff;
		uint32_t tcp_end = IP6_L4 + (k->l4_12[i] >> 4 & 15) * 4;
		uint32_t is_tcp, is_udp, is_ip6;

		is_tcp = (proto == PROTO_TCP) & (tcp_end >= IP6_L4 + TCP_LEN) & (tcp_end <= limit);
		is_udp = (proto == PROTO_UDP) & (limit >= IP6_L4 + UDP_LEN) &
			 (first_u16(k->l4_4[i]) >= UDP_LEN);
		is_ip6 = k->is_ip6[i] & (is_tcp | is_udp);
		k->is_ip6[i] = (uint8_t)is_ip6;
		k->is_tcp[i] |= (uint8_t)(is_ip6 & is_tcp);
		layers[i] = !is_ip6 ? layers[i]
				    : LAYERS_L4(WEIR_LAYER_IP6) |
					  (is_tcp ? WEIR_LAYER_TCP : WEIR_LAYER_UDP);
		ip_len[i] = is_ip6 ? IP6_LEN + payload : ip_len[i];
		l4_end[i] = is_ip6 ? end : l4_end[i];
		k->frag[i] = is_ip6 ? proto << 24 | (k->frag[i] & 0xff00) << 8 : k->frag[i];
	}
	for (unsigned i = 0; i < DECODE_BLOCK; i++) {
		ip_proto[i] = (uint8_t)(k->frag[i] >> 24);
		l4_off[i] = k->is_ip6[i] ? IP6_L4 : IP4_L4;
	}
}

void
decode_block_take(struct weir_batch *b, struct decode_block *k, unsigned lo, unsigned i)
{
	const uint8_t *p = b->data[lo + i] + b->l3_off[lo + i];
	const uint8_t *l4 = b->data[lo + i] + b->l4_off[lo + i];
	bool is_tcp = (b->layers[lo + i] & WEIR_LAYER_TCP) != 0;

	if (b->layers[lo + i] & WEIR_LAYER_IP4) {
		k->frag[i] = word_at(p + 6);
		k->src[i] = word_at(p + 12);
		k->dst[i] = word_at(p + 16);
	} else {
		k->frag[i] = (uint32_t)p[6] << 24 | (uint32_t)p[7] << 16;
		k->is_ip6[i] = 1;
		k->ip6 |= UINT64_C(1) << i;
	}
	k->ports[i] = word_at(l4);
	k->l4_4[i] = word_at(l4 + 4);
	k->l4_12[i] = is_tcp ? word_at(l4 + 12) : 0;
	k->tcp |= (uint64_t)is_tcp << i;
	k->lane |= UINT64_C(1) << i;
}

/* Five compares a row for whatever is asked for: ports that are not stand for one that is. */
void
decode_block_leave_tunnels(struct decode_block *k, uint32_t tunnels)
{
	static const uint16_t ports[] = { PORT_VXLAN, PORT_VXLAN_OLD, PORT_GENEVE, PORT_GTPU,
		PORT_MPLS };
	uint32_t wanted[] = { 0, 0, 0, 0, 0 };
	uint8_t is_tunnel[DECODE_BLOCK];
	uint64_t left;

	for (unsigned n = 0; n < 5; n++)
		if (decode_tunnel_of_port(ports[n]) & tunnels)
			for (unsigned other = n; other < 5; other++)
				wanted[other] = ports[n];
	for (unsigned i = 0; i < DECODE_BLOCK; i++) {
		uint32_t port = second_u16(k->ports[i]);

		is_tunnel[i] =
		    (uint8_t)((port == wanted[0]) | (port == wanted[1]) | (port == wanted[2]) |
			      (port == wanted[3]) | (port == wanted[4]));
	}
	left = weir_bools_pack64(is_tunnel) & k->lane & ~k->tcp;
	k->lane &= ~left;
	k->ip6 &= ~left;
}

void
decode_block_fill(struct weir_batch *b, struct decode_block *k, unsigned lo)
{
	uint64_t ip6;

	gather(b, k, lo);
	classify_ip4(b, k, lo);
	layout_ip4(b, k, lo);
	memset(k->is_ip6, 0, sizeof(k->is_ip6));
	k->ip6 = 0;
	k->lane = weir_bools_pack64(k->is_lane) & k->rows;
	ip6 = k->lane == k->rows ? 0 : find_ip6(b, k, lo);
	if (ip6) {
		gather_ip6(b, k, lo, ip6);
		classify_ip6(b, k, lo);
		k->ip6 = weir_bools_pack64(k->is_ip6);
		k->lane |= k->ip6;
	}
	k->tcp = weir_bools_pack64(k->is_tcp) & k->rows;
}
