/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include <weir/wire/wire.h>

/* "toeplitz KEY TABLE", both in hexadecimal digits, an entry of the table two of them. */

static const char name[] = "toeplitz ";

static char *
put_hex(char *to, const uint8_t *from, unsigned n)
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < n; i++) {
		*to++ = digits[from[i] >> 4];
		*to++ = digits[from[i] & 15];
	}
	return to;
}

const char *
weir_wire_rss_text(const struct weir_wire_rss *rss, char *buf, size_t size)
{
	char *at = buf;

	buf[0] = '\0';
	if (!rss->key_len || sizeof(name) + 2u * (rss->key_len + rss->n_table) + 1 > size)
		return buf;
	memcpy(at, name, sizeof(name) - 1);
	at = put_hex(at + sizeof(name) - 1, rss->key, rss->key_len);
	*at++ = ' ';
	*put_hex(at, rss->table, rss->n_table) = '\0';
	return buf;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Pairs of digits up to something else; -1 where there are more than fit, or half a pair. */
static int
get_hex(const char **from, uint8_t *to, unsigned most)
{
	unsigned n = 0;

	for (; digit((*from)[0]) >= 0; *from += 2) {
		if (n == most || digit((*from)[1]) < 0)
			return -1;
		to[n++] = (uint8_t)(digit((*from)[0]) << 4 | digit((*from)[1]));
	}
	return (int)n;
}

bool
weir_wire_rss_parse(const char *text, struct weir_wire_rss *rss)
{
	struct weir_wire_rss got = { .n_queues = rss->n_queues };
	int n_key, n_table;

	rss->key_len = rss->n_table = 0;
	if (strncmp(text, name, sizeof(name) - 1) != 0)
		return false;
	text += sizeof(name) - 1;
	n_key = get_hex(&text, got.key, WEIR_WIRE_RSS_KEY_BYTES);
	if (n_key < 1 || *text++ != ' ')
		return false;
	n_table = get_hex(&text, got.table, WEIR_WIRE_RSS_TABLE);
	if (n_table < 1 || *text || n_table & (n_table - 1))
		return false;
	got.key_len = (uint16_t)n_key;
	got.n_table = (uint16_t)n_table;
	*rss = got;
	return true;
}
