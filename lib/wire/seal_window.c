/* SPDX-License-Identifier: BSD-3-Clause */
#include "seal_window.h"

#include <string.h>

bool
seal_window_has(const struct seal_window *w, uint64_t number)
{
	if (number == 0)
		return true;
	if (number > w->highest)
		return false;
	if (w->highest - number >= SEAL_WINDOW_NUMBERS)
		return true;
	return w->bit[number / 64 % SEAL_WINDOW_WORDS] >> (number % 64) & 1;
}

bool
seal_window_add(struct seal_window *w, uint64_t number)
{
	if (seal_window_has(w, number))
		return false;
	if (number > w->highest) {
		uint64_t from = w->highest / 64, n = number / 64 - from;

		if (n >= SEAL_WINDOW_WORDS)
			memset(w->bit, 0, sizeof(w->bit));
		else
			for (uint64_t i = 1; i <= n; i++)
				w->bit[(from + i) % SEAL_WINDOW_WORDS] = 0;
		w->highest = number;
	}
	w->bit[number / 64 % SEAL_WINDOW_WORDS] |= UINT64_C(1) << (number % 64);
	return true;
}
