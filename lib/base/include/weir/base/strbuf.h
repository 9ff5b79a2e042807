/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_STRBUF_H
#define WEIR_BASE_STRBUF_H

#include <stddef.h>

/* A growing text, always NUL-terminated once something was added; zero-initialise to begin. Aborts
 * when out of memory. */
struct weir_strbuf {
	char *p;
	size_t len;
	size_t cap;
};

void weir_strbuf_reserve(struct weir_strbuf *b, size_t extra);
void weir_strbuf_add(struct weir_strbuf *b, const void *p, size_t len);
void weir_strbuf_puts(struct weir_strbuf *b, const char *s);
void weir_strbuf_printf(struct weir_strbuf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void weir_strbuf_free(struct weir_strbuf *b);

#endif
