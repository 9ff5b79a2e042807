/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_SEAL_WINDOW_H
#define WEIR_WIRE_SEAL_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Numbers that one sender has used, as RFC 6479 keeps them: a ring of words over the highest
 * number and those below it. Words are cleared as the highest one moves into them, so no bit is
 * ever shifted. Zeroed is empty. Numbers begin with 1.
 */
#define SEAL_WINDOW_WORDS 256u
/* The word that is being filled holds less than 64 numbers, so this many below the highest count.
 */
#define SEAL_WINDOW_NUMBERS ((SEAL_WINDOW_WORDS - 1) * 64)

struct seal_window {
	uint64_t highest;
	uint64_t bit[SEAL_WINDOW_WORDS];
};

/* True where number was there before, or is too old to tell. */
bool seal_window_has(const struct seal_window *w, uint64_t number);
/* Take number in; false where it was there. Only what has proven genuine may come here. */
bool seal_window_add(struct seal_window *w, uint64_t number);

#endif
