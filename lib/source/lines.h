/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_LINES_H
#define WEIR_SOURCE_LINES_H

#include "kind.h"

/* Between the lines*.c of --source lines:. */

/* Bytes of a record that are kept; frame.len tells its whole length. */
#define WEIR_LINES_RECORD_BYTES 8192u

/* A record of a source without headers: bytes that stay, its length before it was cut. */
static inline void
weir_lines_add(struct weir_batch *b, uint16_t interface, const uint8_t *p, uint32_t cap_len,
    uint32_t wire_len, int64_t time_ns)
{
	uint32_t i = b->n++;

	b->data[i] = p;
	b->cap_len[i] = cap_len < WEIR_LINES_RECORD_BYTES ? cap_len : WEIR_LINES_RECORD_BYTES;
	b->wire_len[i] = wire_len;
	b->time_ns[i] = time_ns;
	b->interface[i] = interface;
	b->link[i] = WEIR_LINK_TEXT;
	b->dlt[i] = WEIR_DLT_TEXT;
	b->owner[i] = NULL;
}

/* What a line is without its end: a carriage return before the line feed belongs to that. */
static inline uint32_t
weir_lines_trim(const uint8_t *p, uint32_t len)
{
	return len && p[len - 1] == '\r' ? len - 1 : len;
}

/* lines_udp.c, lines_file.c: what is "ADDR:PORT", or a path. The error text is the reason alone. */
int weir_lines_udp_open(const char *where, const struct weir_source_config *c,
    struct weir_source **ret, struct weir_error *err);
int weir_lines_file_open(const char *path, const struct weir_source_config *c,
    struct weir_source **ret, struct weir_error *err);

#endif
