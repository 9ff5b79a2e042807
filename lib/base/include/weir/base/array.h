/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_ARRAY_H
#define WEIR_BASE_ARRAY_H

#include <stddef.h>

/*
 * Grow *(T **)array by one zeroed element of size bytes, count it in *n and return it. For control
 * code that runs before anything has begun: aborts when out of memory.
 */
void *weir_array_add(void *array, unsigned *n, size_t size);

#endif
