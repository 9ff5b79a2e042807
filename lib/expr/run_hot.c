/* SPDX-License-Identifier: BSD-3-Clause */
#include "code.h"

#include <weir/base/poison.h> /* last */

const struct weir_column *
weir_program_run(struct weir_program *p, const struct weir_column *const *inputs, uint32_t n,
    const uint64_t sel[WEIR_MASK_WORDS])
{
	struct weir_expr_frame f = {
		.cols = p->cols,
		.n = n,
		.n_words = (n + 63) / 64,
		.sel = p->sels,
	};

	if (p->symbol >= 0) /* just a name: the column is there */
		return inputs[p->symbol];
	for (unsigned i = 0; i < p->n_inputs; i++)
		p->cols[p->inputs[i].col] = inputs[p->inputs[i].slot];
	memcpy(p->sels[0], sel, sizeof(p->sels[0]));
	for (unsigned i = 0; i < p->n_insns; i++) {
		const struct weir_expr_insn *in = &p->insns[i];

		in->run(&f, in);
		i += f.skip;
		f.skip = 0;
	}
	return p->cols[p->result];
}

void
weir_program_filter(struct weir_program *p, const struct weir_column *const *inputs, uint32_t n,
    uint64_t sel[WEIR_MASK_WORDS])
{
	const struct weir_column *col = weir_program_run(p, inputs, n, sel);
	uint64_t mask[WEIR_MASK_WORDS];

	p->level->truth(col, n, mask);
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
		sel[w] &= w < (n + 63) / 64 ? mask[w] & ~col->null[w] : 0;
}
