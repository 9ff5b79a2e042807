/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/column.h>

/* Zeroed and cache-line aligned, so that kernels may load whole vectors. */
static void *
alloc(size_t size)
{
	void *p;

	size = (size + 63) & ~(size_t)63;
	p = aligned_alloc(64, size ? size : 64);
	if (p)
		memset(p, 0, size);
	return p;
}

int
weir_column_init(struct weir_column *c, enum weir_type type, enum weir_store store, unsigned rows)
{
	c->type = type;
	c->store = store;
	c->data = alloc((size_t)rows * weir_store_size(store));
	c->version = store == WEIR_ADDR ? alloc(rows) : NULL;
	c->null = alloc((size_t)(rows + 63) / 64 * 8);
	if (!c->data || !c->null || (store == WEIR_ADDR && !c->version)) {
		weir_column_fini(c);
		return -ENOMEM;
	}
	return 0;
}

void
weir_column_fini(struct weir_column *c)
{
	free(c->data);
	free(c->version);
	free(c->null);
	c->data = NULL;
	c->version = NULL;
	c->null = NULL;
}

struct weir_value
weir_column_get(const struct weir_column *c, unsigned row)
{
	struct weir_value v = { .type = c->type };
	int64_t i = 0;

	if (weir_mask_test(c->null, row)) {
		v.is_null = true;
		return v;
	}
	switch (c->store) {
	case WEIR_U8:
		i = ((const uint8_t *)c->data)[row];
		break;
	case WEIR_U16:
		i = ((const uint16_t *)c->data)[row];
		break;
	case WEIR_U32:
		i = ((const uint32_t *)c->data)[row];
		break;
	case WEIR_I64:
		i = ((const int64_t *)c->data)[row];
		break;
	case WEIR_F64:
		v.f = ((const double *)c->data)[row];
		return v;
	case WEIR_ADDR:
		v.addr = ((const struct weir_addr *)c->data)[row];
		v.version = c->version[row];
		return v;
	case WEIR_BYTES:
	case WEIR_N_STORES:
		v.s = ((const struct weir_bytes *)c->data)[row];
		return v;
	}
	if (c->type == WEIR_BOOL)
		v.b = i != 0;
	else
		v.i = i;
	return v;
}

enum weir_store
weir_store_of(enum weir_type type)
{
	switch (type) {
	case WEIR_BOOL:
		return WEIR_U8;
	case WEIR_FLOAT:
		return WEIR_F64;
	case WEIR_STRING:
		return WEIR_BYTES;
	case WEIR_IP:
		return WEIR_ADDR;
	case WEIR_INT:
	case WEIR_DURATION:
	case WEIR_TIME:
	case WEIR_MAC:
	case WEIR_N_TYPES:
		break;
	}
	return WEIR_I64;
}
