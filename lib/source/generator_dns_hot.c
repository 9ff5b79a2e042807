/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "generator.h"

#include <weir/base/poison.h> /* last */

#define put16     weir_gen_put16
#define put32     weir_gen_put32

#define TYPE_A    1
#define TYPE_AAAA 28
#define CLASS_IN  1

/* A label as it is in a message: length, then text. */
struct label {
	uint8_t len;
	char text[11];
};

#define LABEL(text)                                                                                \
	{                                                                                          \
		sizeof(text) - 1, text                                                             \
	}

static const struct label hosts[] = {
	LABEL("www"),
	LABEL("mail"),
	LABEL("api"),
	LABEL("cdn"),
	LABEL("img"),
	LABEL("login"),
	LABEL("static"),
	LABEL("ns1"),
};

static const struct label words[] = {
	LABEL("river"),
	LABEL("meadow"),
	LABEL("harbour"),
	LABEL("lantern"),
	LABEL("orchard"),
	LABEL("granite"),
	LABEL("willow"),
	LABEL("heron"),
	LABEL("copper"),
	LABEL("saddle"),
	LABEL("thistle"),
	LABEL("beacon"),
	LABEL("marble"),
	LABEL("otter"),
	LABEL("quarry"),
	LABEL("weir"),
};

/* Names that nobody owns (RFC 2606). */
static const struct label tops[] = {
	LABEL("example"),
	LABEL("test"),
	LABEL("example"),
	LABEL("invalid"),
};

static uint8_t *
put_label(uint8_t *p, const struct label *label)
{
	memcpy(p, label, 1 + label->len);
	return p + 1 + label->len;
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
	p = put_label(p + 12, &hosts[n & 7]);
	p = put_label(p, &words[n >> 3 & 15]);
	p = put_label(p, &words[n >> 7 & 15]);
	p = put_label(p, &tops[n >> 11 & 3]);
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
