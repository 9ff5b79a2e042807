/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/decode/decode.h>

const struct weir_decode_reason_doc weir_decode_reasons[WEIR_N_DECODE_REASONS] = {
#define X(id, name, doc) [WEIR_DECODE_##id] = { name, doc },
	WEIR_DECODE_REASONS(X)
#undef X
};
