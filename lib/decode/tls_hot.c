/* SPDX-License-Identifier: BSD-3-Clause */
#include "application.h"
#include "load.h"

#include <weir/base/poison.h> /* last */

/* The first TLS record of a segment (RFC 8446), and the server name of a ClientHello in it. */

enum {
	TYPE_FIRST = 20, /* change cipher spec, alert, handshake, application data, heartbeat */
	TYPE_HANDSHAKE = 22,
	TYPE_LAST = 24,
	RECORD_MAX = (1 << 14) + 2048,
	CLIENT_HELLO = 1,
	HELLO_FIXED_LEN = 4 + 2 + 32, /* type and length, version, random */
	EXTENSION_LEN = 4,            /* type, length */
	EXTENSION_SERVER_NAME = 0,
	SERVER_NAME_LEN = 5, /* length of the list, type, length of the name */
	HOST_NAME = 0,
};

/* The bytes that are left to read. */
struct cursor {
	const uint8_t *p;
	uint32_t len;
};

static bool
skip(struct cursor *c, uint32_t n)
{
	if (c->len < n)
		return false;
	c->p += n;
	c->len -= n;
	return true;
}

/* A vector with its length before it, in one byte or two. */
static bool
skip_vector8(struct cursor *c)
{
	return c->len >= 1 && skip(c, UINT32_C(1) + c->p[0]);
}

static bool
skip_vector16(struct cursor *c)
{
	return c->len >= 2 && skip(c, UINT32_C(2) + load_u16(c->p));
}

static void
narrow(struct cursor *c, uint32_t n)
{
	if (c->len > n)
		c->len = n;
}

bool
decode_tls_is_record(struct weir_bytes payload)
{
	const uint8_t *p = payload.p;
	uint16_t len;

	if (payload.len < TLS_RECORD_LEN)
		return false;
	len = load_u16(p + 3);
	return p[0] >= TYPE_FIRST && p[0] <= TYPE_LAST && p[1] == 3 && p[2] <= 4 && len > 0 &&
	       len <= RECORD_MAX;
}

/* The first host name of a server name extension. */
static bool
host_name(struct cursor c, struct weir_bytes *ret_name)
{
	uint32_t len;

	if (c.len < SERVER_NAME_LEN || c.p[2] != HOST_NAME)
		return false;
	len = load_u16(c.p + 3);
	if (len == 0 || len > c.len - SERVER_NAME_LEN)
		return false;
	ret_name->p = c.p + SERVER_NAME_LEN;
	ret_name->len = len;
	return true;
}

/* Of one handshake record's content. */
static bool
client_hello(struct cursor c, struct weir_bytes *ret_name)
{
	if (c.len < HELLO_FIXED_LEN || c.p[0] != CLIENT_HELLO)
		return false;
	narrow(&c, 4 + ((uint32_t)c.p[1] << 16 | load_u16(c.p + 2)));
	/* session, cipher suites, compression methods; then the extensions and their length */
	if (!skip(&c, HELLO_FIXED_LEN) || !skip_vector8(&c) || !skip_vector16(&c) ||
	    !skip_vector8(&c) || c.len < 2)
		return false;
	narrow(&c, UINT32_C(2) + load_u16(c.p));
	skip(&c, 2);
	while (c.len >= EXTENSION_LEN) {
		uint16_t type = load_u16(c.p), len = load_u16(c.p + 2);

		skip(&c, EXTENSION_LEN);
		if (type == EXTENSION_SERVER_NAME) {
			narrow(&c, len);
			return host_name(c, ret_name);
		}
		if (!skip(&c, len))
			return false;
	}
	return false;
}

/* A second hello stands behind a change of the cipher spec. */
bool
decode_tls_sni(struct weir_bytes payload, struct weir_bytes *ret_name)
{
	struct weir_bytes rest = payload;

	for (unsigned i = 0; i < TLS_RECORDS && decode_tls_is_record(rest); i++) {
		struct cursor c = { rest.p + TLS_RECORD_LEN, rest.len - TLS_RECORD_LEN };
		uint32_t len = load_u16(rest.p + 3);

		if (rest.p[0] == TYPE_HANDSHAKE) {
			narrow(&c, len);
			return client_hello(c, ret_name);
		}
		if (!skip(&c, len))
			return false;
		rest = (struct weir_bytes){ .p = c.p, .len = c.len };
	}
	return false;
}
