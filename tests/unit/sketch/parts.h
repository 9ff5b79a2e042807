/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_TEST_SKETCH_PARTS_H
#define WEIR_TEST_SKETCH_PARTS_H

#include <stdint.h>

/* States that are filled apart and merged, and memory of which each has enough. */
#define PARTS_MAX 8
#define PLENTY    (UINT64_C(1) << 30)

#endif
