/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "generator_attack.h"

#include <weir/base/poison.h> /* last */

#define put16     weir_gen_put16
#define put32     weir_gen_put32

#define CLASS_IN  1
#define SIGNATURE 128u

void
weir_gen_name(char *buf, const char *prefix, uint64_t number)
{
	static const char rest[] = ".weir.example";
	size_t len = strlen(prefix);
	char digits[16];
	unsigned n = 0;

	memcpy(buf, prefix, len);
	buf += len;
	*buf++ = '-';
	do {
		digits[n++] = "0123456789abcdef"[number & 15];
		number >>= 4;
	} while (number && n < sizeof(digits));
	while (n)
		*buf++ = digits[--n];
	memcpy(buf, rest, sizeof(rest));
}

/* Dotted to labels (RFC 1035, 3.1). */
static uint8_t *
put_name(uint8_t *p, const char *name)
{
	while (*name) {
		size_t len = strcspn(name, ".");

		*p++ = (uint8_t)len;
		memcpy(p, name, len);
		p += len;
		name += len + (name[len] == '.');
	}
	*p++ = 0;
	return p;
}

/* RFC 4034, 3.1; nobody checks the signature. */
static uint32_t
put_rrsig(uint8_t *p)
{
	put16(p, WEIR_GEN_DNS_A);
	p[2] = 8; /* RSA with SHA-256 */
	p[3] = 3;
	put32(p + 4, 300);
	put32(p + 8, 0x69800000);
	put32(p + 12, 0x69000000);
	put16(p + 16, 4711);
	p[18] = 0; /* signer: the root */
	memset(p + 19, 0xa5, SIGNATURE);
	return 19 + SIGNATURE;
}

uint32_t
weir_gen_dns_message(uint8_t *begin, const struct weir_gen_dns *m)
{
	uint8_t *p = begin;
	uint32_t len;

	put16(p, m->id);
	put16(p + 2, m->is_answer ? 0x8180 : 0x0100);
	put16(p + 4, 1);
	put16(p + 6, m->is_answer);
	put32(p + 8, 0);
	p = put_name(p + 12, m->name);
	put16(p, m->type);
	put16(p + 2, CLASS_IN);
	p += 4;
	if (!m->is_answer)
		return (uint32_t)(p - begin);
	put16(p, 0xc00c); /* the name of the question */
	put16(p + 2, m->type);
	put16(p + 4, CLASS_IN);
	put32(p + 6, 300);
	if (m->type == WEIR_GEN_DNS_RRSIG) {
		len = put_rrsig(p + 12);
	} else {
		len = m->type == WEIR_GEN_DNS_A ? 4 : 16;
		memcpy(p + 12, m->address, len);
	}
	put16(p + 10, len);
	return (uint32_t)(p + 12 + len - begin);
}

/* A ClientHello with one extension: server_name (RFC 8446, 4.1.2; RFC 6066, 3). */
uint32_t
weir_gen_tls_hello(uint8_t *begin, const char *name)
{
	static const uint8_t fixed[] = { 0, 0, 4, 0x13, 0x01, 0xc0, 0x2f, 1, 0 };
	uint32_t len = (uint32_t)strlen(name);
	uint8_t *p = begin + 9, *extensions;

	put16(p, 0x0303);
	for (unsigned i = 0; i < 32; i++)
		p[2 + i] = (uint8_t)(37 * i);
	memcpy(p + 34, fixed, sizeof(fixed)); /* session, two suites, no compression */
	extensions = p + 34 + sizeof(fixed);
	p = extensions + 2;
	put16(p, 0);
	put16(p + 2, len + 5);
	put16(p + 4, len + 3);
	p[6] = 0;
	put16(p + 7, len);
	memcpy(p + 9, name, len);
	p += 9 + len;
	put16(extensions, (uint32_t)(p - extensions - 2));
	begin[0] = 22; /* handshake */
	put16(begin + 1, 0x0301);
	put16(begin + 3, (uint32_t)(p - begin - 5));
	begin[5] = 1;
	begin[6] = 0;
	put16(begin + 7, (uint32_t)(p - begin - 9));
	return (uint32_t)(p - begin);
}
