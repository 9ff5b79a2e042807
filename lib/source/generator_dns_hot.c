/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "generator.h"

#include <weir/base/poison.h> /* last */

#define put16     weir_gen_put16
#define put32     weir_gen_put32

#define TYPE_A    1
#define TYPE_AAAA 28
#define CLASS_IN  1

static const char *const hosts[] = { "www", "mail", "api", "cdn", "img", "login", "static", "ns1" };
static const char *const words[] = { "river", "meadow", "harbour", "lantern", "orchard", "granite",
	"willow", "heron", "copper", "saddle", "thistle", "beacon", "marble", "otter", "quarry",
	"weir" };
static const char *const tops[] = { "example", "test", "example", "invalid" }; /* RFC 2606 */

static uint8_t *
put_label(uint8_t *p, const char *text)
{
	size_t len = strlen(text);

	*p = (uint8_t)len;
	memcpy(p + 1, text, len);
	return p + 1 + len;
}

uint32_t
weir_gen_dns_build(uint8_t *begin, uint64_t n, uint16_t id, bool is_answer)
{
	uint16_t type = (n >> 16 & 3) == 3 ? TYPE_AAAA : TYPE_A;
	bool is_missing = (n >> 20 & 15) == 0; /* NXDOMAIN */
	uint32_t n_answers = is_answer && !is_missing ? 1 + (uint32_t)(n >> 24 & 1) : 0;
	uint8_t *p = begin;

	put16(p, id);
	put16(p + 2, is_answer ? 0x8180 | (is_missing ? 3 : 0) : 0x0100);
	put16(p + 4, 1);
	put16(p + 6, n_answers);
	put32(p + 8, 0);
	p = put_label(p + 12, hosts[n & 7]);
	p = put_label(p, words[n >> 3 & 15]);
	p = put_label(p, words[n >> 7 & 15]);
	p = put_label(p, tops[n >> 11 & 3]);
	*p++ = 0;
	put16(p, type);
	put16(p + 2, CLASS_IN);
	p += 4;
	for (uint32_t i = 0; i < n_answers; i++) {
		uint16_t len = type == TYPE_A ? 4 : 16;

		put16(p, 0xc00c); /* the name of the question */
		put16(p + 2, type);
		put16(p + 4, CLASS_IN);
		put32(p + 6, 300);
		put16(p + 10, len);
		memset(p + 12, 0, len);
		put32(
		    p + 12, type == TYPE_A ? 0xc6120001 + (uint32_t)(n & 0x1fff) + i : 0x20010db8);
		if (type == TYPE_AAAA)
			put32(p + 24, 0x0100 + (uint32_t)(n & 0x1fff) + i);
		p += 12 + len;
	}
	return (uint32_t)(p - begin);
}
