/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/strbuf.h>

void
weir_strbuf_reserve(struct weir_strbuf *b, size_t extra)
{
	size_t need = b->len + extra + 1;
	size_t cap = b->cap ? b->cap : 128;
	char *p;

	if (need <= b->cap)
		return;
	while (cap < need)
		cap *= 2;
	p = realloc(b->p, cap);
	if (!p)
		abort();
	b->p = p;
	b->cap = cap;
}

void
weir_strbuf_add(struct weir_strbuf *b, const void *p, size_t len)
{
	weir_strbuf_reserve(b, len);
	if (len)
		memcpy(b->p + b->len, p, len);
	b->len += len;
	b->p[b->len] = '\0';
}

void
weir_strbuf_puts(struct weir_strbuf *b, const char *s)
{
	weir_strbuf_add(b, s, strlen(s));
}

void
weir_strbuf_printf(struct weir_strbuf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	weir_strbuf_reserve(b, (size_t)n);
	va_start(ap, fmt);
	vsnprintf(b->p + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void
weir_strbuf_free(struct weir_strbuf *b)
{
	free(b->p);
	memset(b, 0, sizeof(*b));
}
