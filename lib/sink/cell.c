/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/base/value.h>

#include "cell.h"

static const char pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536"
    "37383940414243444546474849505152535455565758596061626364656667686970717273"
    "7475767778798081828384858687888990919293949596979899";

/* Decimal digits, two at a time: integers are most of what a row holds. */
static char *
put_u64(char *p, uint64_t n)
{
	char digits[20];
	unsigned at = sizeof(digits);

	while (n >= 100) {
		at -= 2;
		memcpy(digits + at, pairs + n % 100 * 2, 2);
		n /= 100;
	}
	if (n >= 10) {
		at -= 2;
		memcpy(digits + at, pairs + n * 2, 2);
	} else {
		digits[--at] = (char)('0' + n);
	}
	return weir_cell_copy(p, digits + at, sizeof(digits) - at);
}

static char *
put_i64(char *p, int64_t i)
{
	if (i < 0)
		*p++ = '-';
	return put_u64(p, i < 0 ? 0 - (uint64_t)i : (uint64_t)i);
}

static char *
put_ip4(char *p, uint32_t addr)
{
	p = put_u64(p, addr >> 24);
	*p++ = '.';
	p = put_u64(p, addr >> 16 & 255);
	*p++ = '.';
	p = put_u64(p, addr >> 8 & 255);
	*p++ = '.';
	return put_u64(p, addr & 255);
}

/* The kinds that are rare or slow anyway, in the words of base. */
static char *
put_other(char *p, const struct weir_column *c, uint32_t row)
{
	struct weir_value v = weir_column_get(c, row);

	return p + weir_value_text(&v, p, WEIR_CELL_MAX);
}

char *
weir_cell_put(char *p, const struct weir_column *c, uint32_t row)
{
	if (c->type == WEIR_IP && c->version[row] == 4)
		return put_ip4(p, (uint32_t)((const struct weir_addr *)c->data)[row].lo);
	if (c->type != WEIR_INT)
		return put_other(p, c, row);
	switch (c->store) {
	case WEIR_U8:
		return put_u64(p, ((const uint8_t *)c->data)[row]);
	case WEIR_U16:
		return put_u64(p, ((const uint16_t *)c->data)[row]);
	case WEIR_U32:
		return put_u64(p, ((const uint32_t *)c->data)[row]);
	case WEIR_I64:
	case WEIR_F64:
	case WEIR_ADDR:
	case WEIR_BYTES:
	case WEIR_N_STORES:
		break;
	}
	return put_i64(p, ((const int64_t *)c->data)[row]);
}
