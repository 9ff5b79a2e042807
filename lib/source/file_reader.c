/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>

#include "file_reader.h"

void
weir_reader_damage(struct weir_reader *r, uint64_t offset, const char *fmt, ...)
{
	va_list ap;

	if (r->why[0])
		return;
	r->damage_offset = offset;
	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
}

enum weir_read
weir_reader_result(const struct weir_reader *r, const struct weir_batch *b, bool is_end)
{
	if (b->n)
		return WEIR_READ_OK;
	if (r->why[0])
		return WEIR_READ_DAMAGED;
	return is_end ? WEIR_READ_END : WEIR_READ_OK;
}
