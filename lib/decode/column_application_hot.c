/* SPDX-License-Identifier: BSD-3-Clause */
#include "application.h"
#include "payload.h"

#include <weir/base/poison.h> /* last */

/*
 * Fields of what rides on TCP and UDP. Few packets have them, so each column looks for its message
 * by itself and nothing is kept between columns.
 */

enum {
	PORT_DNS = 53,
	PORT_MDNS = 5353,
	PORT_LLMNR = 5355,
};

static inline struct weir_bytes
payload_of(const struct weir_batch *b, unsigned r)
{
	struct weir_bytes payload = { 0 };

	if (has_layer(b, r, WEIR_LAYER_PAYLOAD)) {
		payload.p = b->data[r] + payload_off(b, r);
		payload.len = payload_captured(b, r);
	}
	return payload;
}

static inline struct weir_bytes
data_of(const struct weir_batch *b, unsigned r)
{
	if (has_layer(b, r, WEIR_LAYER_TEXT))
		return (struct weir_bytes){ .p = b->data[r], .len = b->cap_len[r] };
	return payload_of(b, r);
}

/* An empty record is a record, an empty payload is no data. */
void
DECODE_COLUMN(DATA)(struct weir_batch *b, unsigned lo, uint64_t rows)
{
	struct weir_column *c = &b->col[WEIR_FIELD_DATA];
	struct weir_bytes *out = c->data;
	uint64_t null = c->null[lo / 64] & ~rows;

	for (uint64_t rest = rows; rest; rest &= rest - 1) {
		unsigned r = lo + (unsigned)__builtin_ctzll(rest);

		out[r] = data_of(b, r);
		if (!out[r].len && !has_layer(b, r, WEIR_LAYER_TEXT))
			null |= UINT64_C(1) << (r - lo);
	}
	c->null[lo / 64] = null;
}

static inline bool
is_dns_port(const struct weir_batch *b, unsigned r, uint16_t port)
{
	return port == PORT_DNS || port == PORT_MDNS ||
	       (port == PORT_LLMNR && !has_layer(b, r, WEIR_LAYER_TCP));
}

/* The message that a payload holds. Over TCP its length stands before it, and it must be whole. */
static struct weir_bytes
dns_message(struct weir_bytes payload, bool is_tcp)
{
	struct weir_bytes none = { 0 };

	if (is_tcp) {
		if (payload.len < 2 || payload.len - 2 < load_u16(payload.p))
			return none;
		payload.len = load_u16(payload.p);
		payload.p += 2;
	}
	return payload.len >= DNS_HEADER_LEN ? payload : none;
}

/* No bytes where the row has no DNS message. */
static inline struct weir_bytes
dns_of(const struct weir_batch *b, unsigned r)
{
	struct weir_bytes none = { 0 };
	const uint8_t *ports;

	if (!has_layer(b, r, WEIR_LAYER_PAYLOAD))
		return none;
	ports = b->data[r] + b->l4_off[r];
	if (!is_dns_port(b, r, load_u16(ports)) && !is_dns_port(b, r, load_u16(ports + 2)))
		return none;
	return dns_message(payload_of(b, r), has_layer(b, r, WEIR_LAYER_TCP));
}

/* Wireshark's mdns and llmnr have the fields, but are protocols of their own. */
static inline bool
is_dns(const struct weir_batch *b, unsigned r)
{
	const uint8_t *ports;

	if (!dns_of(b, r).len)
		return false;
	ports = b->data[r] + b->l4_off[r];
	return has_layer(b, r, WEIR_LAYER_TCP) || load_u16(ports) == PORT_DNS ||
	       load_u16(ports + 2) == PORT_DNS;
}

/* An update has prerequisites where others have answers. */
static inline bool
has_answer_count(struct weir_bytes m)
{
	return m.len && (m.p[2] >> 3 & 15) != 5;
}

/* A column of ctype from the DNS message m: get fills *ret, or returns false for a null. */
#define COLUMN_DNS(id, ctype, get)                                                                 \
	void DECODE_COLUMN(id)(struct weir_batch * b, unsigned lo, uint64_t rows)                  \
	{                                                                                          \
		ctype *out = b->col[WEIR_FIELD_##id].data;                                         \
		uint64_t null = b->col[WEIR_FIELD_##id].null[lo / 64] & ~rows;                     \
                                                                                                   \
		for (uint64_t rest = rows; rest; rest &= rest - 1) {                               \
			unsigned r = lo + (unsigned)__builtin_ctzll(rest);                         \
			struct weir_bytes m = dns_of(b, r);                                        \
			ctype *ret = &out[r];                                                      \
                                                                                                   \
			*ret = 0;                                                                  \
			null |= (uint64_t) !(m.len && (get)) << (r - lo);                          \
		}                                                                                  \
		b->col[WEIR_FIELD_##id].null[lo / 64] = null;                                      \
	}

/* clang-format off */
COLUMN(DNS_RESPONSE, uint8_t, dns_of(b, r).len, dns_of(b, r).p[2] >> 7)
COLUMN(DNS_ANSWERS, uint16_t, has_answer_count(dns_of(b, r)), load_u16(dns_of(b, r).p + 6))
COLUMN_DNS(DNS_QRY_TYPE, uint16_t, decode_dns_type(m, ret))
COLUMN_DNS(DNS_RESP_TYPE, uint16_t, decode_dns_record_type(m, ret))
/* clang-format on */

void
DECODE_COLUMN(DNS_QRY_NAME)(struct weir_batch *b, unsigned lo, uint64_t rows)
{
	struct weir_column *c = &b->col[WEIR_FIELD_DNS_QRY_NAME];
	struct weir_bytes *out = c->data;
	uint64_t null = c->null[lo / 64] & ~rows;

	for (uint64_t rest = rows; rest; rest &= rest - 1) {
		unsigned r = lo + (unsigned)__builtin_ctzll(rest);
		struct weir_bytes m = dns_of(b, r);
		uint8_t *text = b->names + (size_t)r * WEIR_NAME_BYTES;
		uint32_t len = 0;
		bool is_there = m.len && decode_dns_name(m, text, &len);

		out[r] = (struct weir_bytes){ 0 };
		if (is_there) {
			out[r].p = text;
			out[r].len = len;
		}
		null |= (uint64_t)!is_there << (r - lo);
	}
	c->null[lo / 64] = null;
}

void
DECODE_COLUMN(DNS_A)(struct weir_batch *b, unsigned lo, uint64_t rows)
{
	struct weir_column *c = &b->col[WEIR_FIELD_DNS_A];
	struct weir_addr *out = c->data;
	uint64_t null = c->null[lo / 64] & ~rows;

	for (uint64_t rest = rows; rest; rest &= rest - 1) {
		unsigned r = lo + (unsigned)__builtin_ctzll(rest);
		struct weir_bytes m = dns_of(b, r);
		uint32_t addr = 0;
		bool is_there = m.len && decode_dns_a(m, &addr);

		out[r] = (struct weir_addr){ .lo = addr };
		c->version[r] = 4;
		null |= (uint64_t)!is_there << (r - lo);
	}
	c->null[lo / 64] = null;
}

void
DECODE_COLUMN(TLS_SNI)(struct weir_batch *b, unsigned lo, uint64_t rows)
{
	struct weir_column *c = &b->col[WEIR_FIELD_TLS_SNI];
	struct weir_bytes *out = c->data;
	uint64_t null = c->null[lo / 64] & ~rows;

	for (uint64_t rest = rows; rest; rest &= rest - 1) {
		unsigned r = lo + (unsigned)__builtin_ctzll(rest);

		out[r] = (struct weir_bytes){ 0 };
		if (!has_layer(b, r, WEIR_LAYER_TCP) || !decode_tls_sni(payload_of(b, r), &out[r]))
			null |= UINT64_C(1) << (r - lo);
	}
	c->null[lo / 64] = null;
}

/* clang-format off */
COLUMN(IS_DNS, uint8_t, true, is_dns(b, r))
COLUMN(IS_TLS, uint8_t, true,
    has_layer(b, r, WEIR_LAYER_TCP) && decode_tls_is_record(payload_of(b, r)))
/* clang-format on */
