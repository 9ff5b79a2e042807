/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DECODE_LEVELS_H
#define WEIR_DECODE_LEVELS_H

#include <weir/base/simd.h>
#include <weir/decode/decode.h>

/*
 * What decode_hot.c is, built once for each level. decode_batch_twin does the same without the
 * lane, row by row through the walk: what tests compare with.
 */
weir_decode_batch_fn decode_batch_v2, decode_batch_v3, decode_batch_v4;
weir_decode_batch_fn decode_batch_twin_v2, decode_batch_twin_v3, decode_batch_twin_v4;

#ifdef WEIR_SIMD_LEVEL
#define decode_batch      WEIR_SIMD_NAME(decode_batch)
#define decode_batch_twin WEIR_SIMD_NAME(decode_batch_twin)
#endif

#endif
