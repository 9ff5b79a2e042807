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

#define NOT_ZERO(ctype)                                                                            \
	do {                                                                                       \
		const ctype *restrict a = col->data;                                               \
                                                                                                   \
		for (uint32_t i = 0; i < n; i++)                                                   \
			is_true[i] = a[i] != 0;                                                    \
	} while (0)

void
weir_program_filter(struct weir_program *p, const struct weir_column *const *inputs, uint32_t n,
    uint64_t sel[WEIR_MASK_WORDS])
{
	const struct weir_column *col = weir_program_run(p, inputs, n, sel);
	uint8_t is_true[WEIR_ROWS] = { 0 };
	uint64_t mask[WEIR_MASK_WORDS];

	switch (col->store) {
	case WEIR_U8:
		NOT_ZERO(uint8_t);
		break;
	case WEIR_U16:
		NOT_ZERO(uint16_t);
		break;
	case WEIR_U32:
		NOT_ZERO(uint32_t);
		break;
	case WEIR_I64:
		NOT_ZERO(int64_t);
		break;
	case WEIR_F64:
		NOT_ZERO(double);
		break;
	case WEIR_ADDR:
	case WEIR_BYTES:
	case WEIR_N_STORES:
		break; /* no condition: nothing passes */
	}
	weir_expr_pack(is_true, n, mask);
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
		sel[w] &= w < (n + 63) / 64 ? mask[w] & ~col->null[w] : 0;
}
