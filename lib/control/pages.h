/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CONTROL_PAGES_H
#define WEIR_CONTROL_PAGES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Long texts in pieces, as a request to telemetry has 1023 bytes and an answer 8 KiB of text. Both
 * stores are bounded: the oldest text is forgotten. Any thread.
 */

/* The most bytes of an answer in one page: with each of them escaped it still fits. */
#define WEIR_PAGE_BYTES 7900
/* The longest answer. */
#define WEIR_ANSWER_BYTES (16u << 20)
/* The longest request, and the longest piece that a client should send. */
#define WEIR_REQUEST_BYTES (64u << 10)
#define WEIR_PIECE_BYTES   900

/* Take an answer (malloc'ed, given away) and write its first page: "ID TOTAL TEXT". */
void weir_pages_put(char *text, char *page, size_t size);
/* Write the page that begins at offset. -ENOENT where there is no such answer (any more). */
int weir_pages_get(uint32_t id, size_t offset, char *page, size_t size);

/* Append to the request of this key. -E2BIG where it gets too long. */
int weir_pieces_add(const char *key, const char *text);
/* The request of this key, the caller's to free; NULL where there is none. */
char *weir_pieces_take(const char *key);

#endif
