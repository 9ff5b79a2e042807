/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/digit.h>
#include <weir/base/hash.h>
#include <weir/record/block.h>

/*
 * Rows are ordered as a dictionary is: by one 64-bit digit after another. A digit is a piece of a
 * column coded so that unsigned order is the wanted order (weir/base/digit.h). Runs that are equal
 * in one digit are ordered by the next. With a limit only the front of each run is kept, so that
 * the top 20 of a million rows costs a few linear passes. Equal rows keep their order: the order is
 * total and never depends on the algorithm.
 */

struct entry {
	uint64_t digit;
	uint32_t row;
};

/* Which piece of a column a digit is. */
enum piece {
	PIECE_NULL,   /* null or not; of an address also its version */
	PIECE_VALUE,  /* the whole of a number; the high half of an address */
	PIECE_LOW,    /* the low half of an address */
	PIECE_BYTES,  /* eight bytes of a string */
	PIECE_LENGTH, /* what tells "a" from "a\0" */
};

struct order {
	const struct weir_column *columns;
	const unsigned *sequence; /* column numbers, most significant first */
	unsigned n_sequence;
	bool is_top; /* the first of the sequence is descending */
	struct entry *scratch;
};

/* Where a run stands: the digit to order it by. */
struct place {
	unsigned at; /* in the sequence */
	enum piece piece;
	uint32_t offset; /* PIECE_BYTES: of its first byte */
};

/* The digit of one row that is not null, ascending. */
static uint64_t
value_digit(const struct weir_column *c, const struct place *p, uint32_t row)
{
	switch (c->store) {
	case WEIR_U8:
		return ((const uint8_t *)c->data)[row];
	case WEIR_U16:
		return ((const uint16_t *)c->data)[row];
	case WEIR_U32:
		return ((const uint32_t *)c->data)[row];
	case WEIR_I64:
		return weir_digit_int(((const int64_t *)c->data)[row]);
	case WEIR_F64:
		return weir_digit_float(weir_float_bits(((const double *)c->data)[row]));
	case WEIR_ADDR: {
		const struct weir_addr *a = (const struct weir_addr *)c->data + row;

		return p->piece == PIECE_LOW ? a->lo : a->hi;
	}
	case WEIR_BYTES: {
		const struct weir_bytes *s = (const struct weir_bytes *)c->data + row;

		return p->piece == PIECE_LENGTH ? s->len
						: weir_digit_bytes(s->p, s->len, p->offset);
	}
	case WEIR_N_STORES:
		break;
	}
	return 0;
}

/* Give the entries their digits at a place. Returns the bits in which they differ. */
static uint64_t
fill_digits(const struct order *o, const struct place *p, struct entry *e, uint32_t n)
{
	const struct weir_column *c = &o->columns[o->sequence[p->at]];
	uint64_t flip = o->is_top && p->at == 0 ? UINT64_MAX : 0;
	uint64_t differ = 0;

	for (uint32_t i = 0; i < n; i++) {
		bool is_null = weir_mask_test(c->null, e[i].row);

		if (p->piece != PIECE_NULL)
			e[i].digit = is_null ? 0 : value_digit(c, p, e[i].row) ^ flip;
		else if (flip) /* descending has nulls last, too */
			e[i].digit = is_null ? 256 : c->version ? 255 - c->version[e[i].row] : 0;
		else
			e[i].digit = is_null ? 0 : c->version ? c->version[e[i].row] : 1;
		differ |= e[i].digit ^ e[0].digit;
	}
	return differ;
}

/* Step to the next digit. False past the last. */
static bool
next_place(const struct order *o, struct place *p, const struct entry *e, uint32_t n)
{
	const struct weir_column *c = &o->columns[o->sequence[p->at]];

	switch (p->piece) {
	case PIECE_NULL:
		/* A run has nulls only or none: of nulls there is no more to say. */
		if (!weir_mask_test(c->null, e[0].row)) {
			p->piece = c->store == WEIR_BYTES ? PIECE_BYTES : PIECE_VALUE;
			p->offset = 0;
			return true;
		}
		break;
	case PIECE_VALUE:
		if (c->store == WEIR_ADDR) {
			p->piece = PIECE_LOW;
			return true;
		}
		break;
	case PIECE_BYTES:
		p->offset += 8;
		p->piece = PIECE_LENGTH;
		for (uint32_t i = 0; i < n; i++)
			if (((const struct weir_bytes *)c->data)[e[i].row].len > p->offset)
				p->piece = PIECE_BYTES;
		return true;
	case PIECE_LOW:
	case PIECE_LENGTH:
		break;
	}
	*p = (struct place){ .at = p->at + 1, .piece = PIECE_NULL };
	return p->at < o->n_sequence;
}

/* Keep the entries whose digit is among the `need` smallest (all of the last one's equals). Returns
 * how many. */
static uint32_t
select_front(struct entry *e, uint32_t n, uint32_t need, uint64_t differ)
{
	unsigned top_bit = 63 - (unsigned)__builtin_clzll(differ);
	int shift = (int)(top_bit / 8 * 8);
	uint64_t known = ~UINT64_C(0) << 8 << shift; /* bits that are decided */
	uint64_t bound = e[0].digit & known;
	uint32_t kept = 0, rank = need - 1;

	for (; shift >= 0; shift -= 8) {
		uint32_t count[256] = { 0 };
		unsigned byte = 0;

		for (uint32_t i = 0; i < n; i++)
			if ((e[i].digit & known) == bound)
				count[e[i].digit >> shift & 0xff]++;
		while (rank >= count[byte])
			rank -= count[byte++];
		bound |= (uint64_t)byte << shift;
		known |= UINT64_C(0xff) << shift;
	}
	for (uint32_t i = 0; i < n; i++)
		if (e[i].digit <= bound)
			e[kept++] = e[i];
	return kept;
}

static void
insertion_sort(struct entry *e, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		struct entry x = e[i];
		uint32_t j = i;

		for (; j > 0 && e[j - 1].digit > x.digit; j--)
			e[j] = e[j - 1];
		e[j] = x;
	}
}

/* Stable radix sort over the bytes that differ. */
static void
radix_sort(struct entry *e, struct entry *scratch, uint32_t n, uint64_t differ)
{
	struct entry *from = e, *to = scratch;

	for (unsigned shift = 0; shift < 64; shift += 8) {
		uint32_t at[256] = { 0 };
		uint32_t sum = 0;
		struct entry *swap;

		if (!(differ >> shift & 0xff))
			continue;
		for (uint32_t i = 0; i < n; i++)
			at[from[i].digit >> shift & 0xff]++;
		for (unsigned b = 0; b < 256; b++) {
			uint32_t count = at[b];

			at[b] = sum;
			sum += count;
		}
		for (uint32_t i = 0; i < n; i++)
			to[at[from[i].digit >> shift & 0xff]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
	if (from != e)
		memcpy(e, from, n * sizeof(*e));
}

/* Order the first `need` of the entries from a place on. */
static void
sort_run(const struct order *o, struct place p, struct entry *e, uint32_t n, uint32_t need)
{
	uint64_t differ;

	for (;;) {
		differ = fill_digits(o, &p, e, n);
		if (differ)
			break;
		if (!next_place(o, &p, e, n))
			return;
	}
	if (need < n / 2)
		n = select_front(e, n, need, differ);
	if (n <= 32)
		insertion_sort(e, n);
	else
		radix_sort(e, o->scratch, n, differ);
	for (uint32_t i = 0, end; i < n && i < need; i = end) {
		struct place next = p;

		for (end = i + 1; end < n && e[end].digit == e[i].digit; end++)
			;
		if (end - i > 1 && next_place(o, &next, e + i, end - i))
			sort_run(o, next, e + i, end - i, need - i < end - i ? need - i : end - i);
	}
}

/* New column with the rows that the entries name. */
static int
gather_column(const struct weir_column *from, const struct entry *e, uint32_t n, uint32_t cap,
    struct weir_column *to)
{
	int ret = weir_column_init(to, from->type, from->store, cap);

	if (ret)
		return ret;
	for (uint32_t i = 0; i < n; i++)
		if (weir_mask_test(from->null, e[i].row))
			weir_mask_set(to->null, i);
	for (uint32_t i = 0; from->version && i < n; i++)
		to->version[i] = from->version[e[i].row];
	switch (weir_store_size(from->store)) {
	case 1:
		for (uint32_t i = 0; i < n; i++)
			((uint8_t *)to->data)[i] = ((const uint8_t *)from->data)[e[i].row];
		break;
	case 8:
		for (uint32_t i = 0; i < n; i++)
			((uint64_t *)to->data)[i] = ((const uint64_t *)from->data)[e[i].row];
		break;
	default: {
		size_t size = weir_store_size(from->store);

		for (uint32_t i = 0; i < n; i++)
			memcpy((uint8_t *)to->data + i * size,
			    (const uint8_t *)from->data + e[i].row * size, size);
	}
	}
	return 0;
}

static int
gather_times(int64_t **times, const struct entry *e, uint32_t n, uint32_t cap)
{
	int64_t *to = calloc(cap, sizeof(*to));

	if (!to)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		to[i] = (*times)[e[i].row];
	*times = to;
	return 0;
}

/* The rows' own windows, in the order of the entries, in place of those of b. */
static int
gather_windows(struct weir_block *b, const struct entry *e, uint32_t n, uint32_t cap)
{
	int64_t *start = b->row_start_ns, *end = b->row_end_ns;

	if (!start)
		return 0;
	if (gather_times(&start, e, n, cap))
		return -ENOMEM;
	if (gather_times(&end, e, n, cap)) {
		free(start);
		return -ENOMEM;
	}
	free(b->row_start_ns);
	free(b->row_end_ns);
	b->row_start_ns = start;
	b->row_end_ns = end;
	return 0;
}

/* Put the block's rows in the order of the entries; the others go. */
static int
gather(struct weir_block *b, const struct entry *e, uint32_t n)
{
	unsigned n_columns = b->schema->n_columns, done = 0;
	uint32_t cap = n ? (n + WEIR_ROWS - 1) / WEIR_ROWS * WEIR_ROWS : WEIR_ROWS;
	struct weir_column *columns = calloc(n_columns + 1, sizeof(*columns));

	if (!columns)
		return -ENOMEM;
	for (; done < n_columns; done++)
		if (gather_column(&b->columns[done], e, n, cap, &columns[done]))
			break;
	bool is_whole = done == n_columns && gather_windows(b, e, n, cap) == 0;

	for (unsigned i = 0; i < done; i++)
		weir_column_fini(is_whole ? &b->columns[i] : &columns[i]);
	free(is_whole ? b->columns : columns);
	if (!is_whole)
		return -ENOMEM;
	b->columns = columns;
	b->n_rows = n;
	b->cap_rows = cap;
	return 0;
}

/* Column numbers, most significant first: top, keys, others. */
static unsigned
sequence_of(const struct weir_schema *s, int top, unsigned *sequence)
{
	unsigned n = 0;

	if (top >= 0)
		sequence[n++] = (unsigned)top;
	for (int key = 1; key >= 0; key--)
		for (unsigned i = 0; i < s->n_columns; i++)
			if ((int)i != top && s->columns[i].is_key == (key == 1))
				sequence[n++] = i;
	return n;
}

/* Sort by the sequence: numbers of `columns`, n_sequence of them. */
static int
sort(struct weir_block *b, const struct weir_column *columns, const unsigned *sequence,
    unsigned n_sequence, bool is_top, uint32_t need)
{
	uint32_t n = b->n_rows;
	struct entry *entries = calloc((size_t)n + 1, sizeof(*entries));
	struct entry *scratch = calloc((size_t)n + 1, sizeof(*scratch));
	int ret = -ENOMEM;

	if (!entries || !scratch)
		goto out;
	for (uint32_t i = 0; i < n; i++)
		entries[i].row = i;
	struct order o = {
		.columns = columns,
		.sequence = sequence,
		.n_sequence = n_sequence,
		.is_top = is_top,
		.scratch = scratch,
	};
	if (n > 1 && n_sequence)
		sort_run(&o, (struct place){ .at = 0, .piece = PIECE_NULL }, entries, n, need);
	ret = gather(b, entries, need);
out:
	free(scratch);
	free(entries);
	return ret;
}

int
weir_block_sort(struct weir_block *b, int top, uint32_t limit)
{
	uint32_t n = b->n_rows;
	unsigned *sequence = calloc(b->schema->n_columns + 1, sizeof(*sequence));
	int ret;

	if (!sequence)
		return -ENOMEM;
	ret = sort(b, b->columns, sequence, sequence_of(b->schema, top, sequence), top >= 0,
	    limit && limit < n ? limit : n);
	free(sequence);
	return ret;
}

int
weir_block_sort_by_end(struct weir_block *b)
{
	unsigned n_columns = b->schema->n_columns;
	unsigned *sequence = calloc(n_columns + 2, sizeof(*sequence));
	struct weir_column *columns = calloc(n_columns + 2, sizeof(*columns));
	uint64_t *no_null = calloc(b->cap_rows / 64, sizeof(*no_null));
	int ret = -ENOMEM;

	if (!b->row_start_ns) { /* all have the block's */
		ret = weir_block_sort(b, -1, 0);
		goto out;
	}
	if (!sequence || !columns || !no_null)
		goto out;
	/* The windows' ends and starts as two more columns, whose numbers lead the sequence. */
	memcpy(columns, b->columns, n_columns * sizeof(*columns));
	for (unsigned i = 0; i < 2; i++)
		columns[n_columns + i] = (struct weir_column){
			.type = WEIR_TIME,
			.store = WEIR_I64,
			.data = i ? b->row_start_ns : b->row_end_ns,
			.null = no_null,
		};
	sequence[0] = n_columns;
	sequence[1] = n_columns + 1;
	ret = sort(
	    b, columns, sequence, sequence_of(b->schema, -1, sequence + 2) + 2, false, b->n_rows);
out:
	free(no_null);
	free(columns);
	free(sequence);
	return ret;
}
