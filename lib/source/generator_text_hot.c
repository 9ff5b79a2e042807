/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "generator.h"

#include <weir/base/poison.h> /* last */

/* Kind text: records of lower-case words, as many different ones as there are flows. */

#define MAX_WORD      16u

#define N_SYLLABLES   3
#define SYLLABLE_BITS 6

/* Words of different numbers differ, for the syllables are a number that is another for each. */
static uint32_t
put_word(const struct weir_generator *g, uint8_t *p, uint32_t number)
{
	static const char consonants[] = "bdfghjklmnprstvz", vowels[] = "aeio";
	uint64_t h = weir_gen_hash(g->options.seed + number);
	uint32_t m = number * 0x9e3779b1u + (uint32_t)weir_gen_hash(g->options.seed);
	uint32_t len = 0;

	for (unsigned i = 0; i < N_SYLLABLES; i++, m >>= SYLLABLE_BITS) {
		p[len++] = (uint8_t)consonants[m & 15];
		p[len++] = (uint8_t)vowels[m >> 4 & 3];
	}
	if (h & 1)
		p[len++] = (uint8_t) "nrsl"[h >> 1 & 3];
	return len;
}

uint32_t
weir_gen_text_record(struct weir_generator *g, uint8_t *p)
{
	uint32_t size, len = 0, n;
	uint8_t word[MAX_WORD];

	if (g->options.is_word)
		return put_word(g, p, weir_gen_alias_pick(&g->pick, &g->random));
	size = weir_gen_size(g);
	while (len < size) {
		if (len)
			p[len++] = ' ';
		n = put_word(g, word, weir_gen_alias_pick(&g->pick, &g->random));
		if (n > size - len)
			n = size - len;
		memcpy(p + len, word, n);
		len += n;
	}
	return size;
}
