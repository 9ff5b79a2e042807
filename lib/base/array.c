/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>

void *
weir_array_add(void *array, unsigned *n, size_t size)
{
	char *p;

	memcpy(&p, array, sizeof(p));
	p = realloc(p, (*n + 1) * size);
	if (!p)
		abort();
	memcpy(array, &p, sizeof(p));
	p += *n * size;
	memset(p, 0, size);
	++*n;
	return p;
}
