/* SPDX-License-Identifier: BSD-3-Clause */
#include "application.h"
#include "load.h"

#include <weir/base/poison.h> /* last */

/* DNS messages (RFC 1035), which mDNS and LLMNR share. All offsets are from the header on. */

enum {
	QUESTION_LEN = 4, /* type and class, behind the name */
	RECORD_LEN = 10,  /* type, class, time to live, data length */
	POINTER = 0xc0,   /* the two upper bits of a length */
	TYPE_A = 1,
	CLASS_IN = 1,
	CLASS_MASK = 0x7fff, /* mDNS has a flag in the highest bit */
};

/* Past the name at off, or 0: no name ends at the header. */
static uint32_t
skip_name(struct weir_bytes m, uint32_t off)
{
	while (off < m.len) {
		uint8_t n = m.p[off];

		if ((n & POINTER) == POINTER)
			return off + 2 <= m.len ? off + 2 : 0;
		if (n & POINTER)
			return 0;
		off += n + UINT32_C(1);
		if (n == 0)
			return off;
	}
	return 0;
}

/* Past the first n questions, or 0. */
static uint32_t
skip_questions(struct weir_bytes m, unsigned n)
{
	uint32_t off = DNS_HEADER_LEN;

	while (n--) {
		off = skip_name(m, off);
		if (!off || m.len - off < QUESTION_LEN)
			return 0;
		off += QUESTION_LEN;
	}
	return off;
}

/* Where the type of the first question stands, or 0. */
static uint32_t
first_question(struct weir_bytes m)
{
	uint32_t off = load_u16(m.p + 4) ? skip_questions(m, 1) : 0;

	return off ? off - QUESTION_LEN : 0;
}

/* Where the type of the record at off stands, with the fixed part behind it; or 0. */
static uint32_t
record_at(struct weir_bytes m, uint32_t off)
{
	off = skip_name(m, off);
	return off && m.len - off >= RECORD_LEN ? off : 0;
}

static unsigned
count_records(struct weir_bytes m)
{
	return (unsigned)load_u16(m.p + 6) + load_u16(m.p + 8) + load_u16(m.p + 10);
}

/*
 * Pointers may lead anywhere in the message, as Wireshark has it: a loop ends by the number of
 * pointers or, where it passes labels, by the bytes of the name.
 */
bool
decode_dns_name(struct weir_bytes m, uint8_t text[WEIR_NAME_BYTES], uint32_t *ret_len)
{
	static const char root[] = "<Root>";
	uint32_t off = DNS_HEADER_LEN, len = 0;
	unsigned n_pointers = 0;

	if (!first_question(m))
		return false;
	for (;;) {
		uint8_t n;

		if (off >= m.len)
			return false;
		n = m.p[off];
		if ((n & POINTER) == POINTER) {
			if (m.len - off < 2 || ++n_pointers > DNS_NAME_POINTERS)
				return false;
			off = load_u16(m.p + off) & 0x3fff;
			continue;
		}
		if (n & POINTER)
			return false;
		if (n == 0)
			break;
		/* len counts a length byte for each label so far, and the end has one too */
		if (m.len - off <= n || len + n + 2 > DNS_NAME_BYTES)
			return false;
		memcpy(text + len, m.p + off + 1, n);
		len += n;
		text[len++] = '.';
		off += n + UINT32_C(1);
	}
	if (len == 0) {
		memcpy(text, root, sizeof(root) - 1);
		len = sizeof(root);
	}
	*ret_len = len - 1; /* without the last dot */
	return true;
}

bool
decode_dns_type(struct weir_bytes m, uint16_t *ret_type)
{
	uint8_t text[WEIR_NAME_BYTES];
	uint32_t len;

	/* what only looks like a message mostly has no name that can be */
	if (!decode_dns_name(m, text, &len))
		return false;
	*ret_type = load_u16(m.p + first_question(m));
	return true;
}

bool
decode_dns_record_type(struct weir_bytes m, uint16_t *ret_type)
{
	uint32_t off = count_records(m) ? skip_questions(m, load_u16(m.p + 4)) : 0;

	if (off)
		off = record_at(m, off);
	if (!off)
		return false;
	*ret_type = load_u16(m.p + off);
	return true;
}

bool
decode_dns_a(struct weir_bytes m, uint32_t *ret_addr)
{
	unsigned n = count_records(m);
	uint32_t off = n ? skip_questions(m, load_u16(m.p + 4)) : 0;

	if (!off)
		return false;
	while (n--) {
		uint32_t data_len;

		off = record_at(m, off);
		if (!off)
			return false;
		data_len = load_u16(m.p + off + 8);
		if (m.len - off - RECORD_LEN < data_len)
			return false;
		if (load_u16(m.p + off) == TYPE_A &&
		    (load_u16(m.p + off + 2) & CLASS_MASK) == CLASS_IN && data_len == 4) {
			*ret_addr = load_u32(m.p + off + RECORD_LEN);
			return true;
		}
		off += RECORD_LEN + data_len;
	}
	return false;
}
