/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <weir/record/append.h>

/* The integer in a row of a column of any width. */
static int64_t
widen(const struct weir_column *c, unsigned row)
{
	switch (c->store) {
	case WEIR_U8:
		return ((const uint8_t *)c->data)[row];
	case WEIR_U16:
		return ((const uint16_t *)c->data)[row];
	case WEIR_U32:
		return ((const uint32_t *)c->data)[row];
	default:
		return ((const int64_t *)c->data)[row];
	}
}

static int
copy_element(struct weir_block *b, struct weir_column *to, uint32_t at,
    const struct weir_column *from, unsigned row)
{
	const struct weir_bytes *s;
	const uint8_t *kept;

	switch (to->store) {
	case WEIR_F64:
		((double *)to->data)[at] = ((const double *)from->data)[row];
		return 0;
	case WEIR_ADDR:
		((struct weir_addr *)to->data)[at] = ((const struct weir_addr *)from->data)[row];
		to->version[at] = from->version[row];
		return 0;
	case WEIR_BYTES:
		s = &((const struct weir_bytes *)from->data)[row];
		kept = weir_block_keep(b, s->p, s->len);
		if (!kept)
			return -ENOMEM;
		((struct weir_bytes *)to->data)[at] = (struct weir_bytes){ kept, s->len };
		return 0;
	case WEIR_U8:
		((uint8_t *)to->data)[at] = (uint8_t)widen(from, row);
		return 0;
	default:
		((int64_t *)to->data)[at] = widen(from, row);
		return 0;
	}
}

static int
append_values(struct weir_block *b, const struct weir_column *const *columns,
    const uint64_t mask[WEIR_MASK_WORDS])
{
	unsigned n = weir_mask_count(mask);
	int rc = weir_block_reserve(b, n);

	if (rc)
		return rc;
	for (unsigned c = 0; c < b->schema->n_columns; c++) {
		struct weir_column *to = &b->columns[c];
		const struct weir_column *from = columns[c];
		uint32_t at = b->n_rows;

		WEIR_FOR_EACH_BIT (row, mask) {
			if (weir_mask_test(from->null, row)) {
				weir_mask_set(to->null, at);
			} else {
				weir_mask_clear(to->null, at);
				rc = copy_element(b, to, at, from, row);
				if (rc)
					return rc;
			}
			at++;
		}
	}
	return 0;
}

int
weir_block_append_columns(struct weir_block *b, const struct weir_column *const *columns,
    const uint64_t mask[WEIR_MASK_WORDS])
{
	unsigned n = weir_mask_count(mask);
	int rc = append_values(b, columns, mask);

	if (rc)
		return rc;
	for (unsigned i = 0; b->row_start_ns && i < n; i++) {
		b->row_start_ns[b->n_rows + i] = b->window_start_ns;
		b->row_end_ns[b->n_rows + i] = b->window_end_ns;
	}
	b->n_rows += n;
	return 0;
}

int
weir_block_append_rows(struct weir_block *b, const struct weir_block *from, uint32_t first_row,
    const struct weir_column *const *columns, const uint64_t mask[WEIR_MASK_WORDS])
{
	uint32_t at = b->n_rows;
	int rc = from->row_start_ns ? weir_block_own_windows(b) : 0;

	if (!rc)
		rc = append_values(b, columns, mask);
	if (rc)
		return rc;
	WEIR_FOR_EACH_BIT (row, mask) {
		if (b->row_start_ns)
			weir_block_window(
			    from, first_row + row, &b->row_start_ns[at], &b->row_end_ns[at]);
		at++;
	}
	b->n_rows = at;
	return 0;
}
