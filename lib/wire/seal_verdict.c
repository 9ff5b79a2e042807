/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/wire/seal.h>

const char *
weir_seal_verdict_name(enum weir_seal_verdict verdict)
{
	static const char *const names[] = {
		[WEIR_SEAL_OK] = "ok",
		[WEIR_SEAL_FORGED] = "forged",
		[WEIR_SEAL_REPLAYED] = "replayed",
		[WEIR_SEAL_STALE_EPOCH] = "stale_epoch",
		[WEIR_SEAL_FUTURE_EPOCH] = "future_epoch",
		[WEIR_SEAL_UNKNOWN_SENDER] = "unknown_sender",
		[WEIR_SEAL_MALFORMED] = "malformed",
		[WEIR_SEAL_UNSEALED] = "unsealed",
		[WEIR_SEAL_SEALED] = "sealed",
		[WEIR_SEAL_EXHAUSTED] = "exhausted",
		[WEIR_SEAL_FAILED] = "failed",
	};

	static_assert(sizeof(names) / sizeof(names[0]) == WEIR_N_SEAL_VERDICTS, "all are named");
	return names[verdict];
}
