/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <weir/base/hash.h>
#include <weir/base/words.h>
#include <weir/record/part.h>

/*
 *   | version | flags | print, 4 bytes | window | rows | columns |
 *
 * The print is of the schema's names and types. Of each column first which rows are null, unless
 * none or all are, and then the values of the others; of addresses their versions, and the upper
 * halves where not all are IPv4.
 */

#define VERSION 1

enum {
	OWN_WINDOWS = 1, /* each row has its own, before the columns */
	FLAGS = 1,
};

enum {
	NONE_NULL,
	ALL_NULL,
	SOME_NULL, /* a column of 0 and 1 */
};

/* Rows that go into a part. */
struct rows {
	const struct weir_block *block;
	const uint32_t *numbers; /* NULL: from `first` on */
	uint32_t first, n;
};

static uint32_t
print_of(const struct weir_schema *s)
{
	static const uint64_t secrets[] = { UINT64_C(0xa0761d6478bd642f),
		UINT64_C(0xe7037ed1a0b428db), UINT64_C(0x8ebc6af09c88c6e3),
		UINT64_C(0x589965cc75374cc3) };
	uint64_t print = s->n_columns;

	for (unsigned i = 0; i < s->n_columns; i++) {
		const struct weir_schema_column *c = &s->columns[i];
		uint64_t name =
		    weir_hash_bytes((const uint8_t *)c->name, (uint32_t)strlen(c->name), secrets);

		print = weir_fold(print ^ secrets[0], name ^ c->type ^ secrets[1]);
	}
	return (uint32_t)(print >> 32);
}

static uint32_t
row_at(const struct rows *r, uint32_t i)
{
	return r->numbers ? r->numbers[r->first + i] : r->first + i;
}

/* Which rows have a value; returns how many. */
static uint32_t
write_nulls(struct weir_out *out, const struct rows *r, const struct weir_column *c, uint32_t *with)
{
	uint64_t x[WEIR_BLOCK_PART_ROWS];
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		x[i] = (uint64_t)weir_mask_test(c->null, row_at(r, i));
		with[n] = row_at(r, i);
		n += !x[i];
	}
	weir_out_byte(out, n == r->n ? NONE_NULL : n ? SOME_NULL : ALL_NULL);
	if (n && n < r->n)
		weir_words_write(out, x, r->n);
	return n;
}

static void
write_addresses(struct weir_out *out, const struct weir_column *c, const uint32_t *rows, uint32_t n)
{
	const struct weir_addr *data = c->data;
	uint64_t x[WEIR_BLOCK_PART_ROWS];
	bool has_wide = false;

	for (uint32_t i = 0; i < n; i++) {
		x[i] = c->version[rows[i]];
		has_wide |= x[i] != 4;
	}
	weir_words_write(out, x, n);
	for (uint32_t i = 0; i < n; i++)
		x[i] = data[rows[i]].hi;
	if (has_wide)
		weir_words_write(out, x, n);
	for (uint32_t i = 0; i < n; i++)
		x[i] = data[rows[i]].lo;
	weir_words_write(out, x, n);
}

static uint64_t
number_at(const struct weir_column *c, uint32_t row)
{
	uint64_t x;

	if (c->store == WEIR_U8)
		return ((const uint8_t *)c->data)[row];
	if (c->store == WEIR_I64)
		return weir_zigzag(((const int64_t *)c->data)[row]);
	memcpy(&x, (const double *)c->data + row, sizeof(x));
	return x;
}

static void
write_column(struct weir_out *out, const struct rows *r, const struct weir_column *c)
{
	uint32_t with[WEIR_BLOCK_PART_ROWS + 1], n = write_nulls(out, r, c, with);

	if (c->store == WEIR_BYTES) {
		struct weir_bytes s[WEIR_BLOCK_PART_ROWS];

		for (uint32_t i = 0; i < n; i++)
			s[i] = ((const struct weir_bytes *)c->data)[with[i]];
		weir_strings_write(out, s, n);
	} else if (c->store == WEIR_ADDR) {
		write_addresses(out, c, with, n);
	} else {
		uint64_t x[WEIR_BLOCK_PART_ROWS];

		for (uint32_t i = 0; i < n; i++)
			x[i] = number_at(c, with[i]);
		weir_words_write(out, x, n);
	}
}

static void
write_windows(struct weir_out *out, const struct rows *r)
{
	uint64_t start[WEIR_BLOCK_PART_ROWS], length[WEIR_BLOCK_PART_ROWS];

	for (uint32_t i = 0; i < r->n; i++) {
		int64_t start_ns = r->block->row_start_ns[row_at(r, i)];
		int64_t end_ns = r->block->row_end_ns[row_at(r, i)];

		start[i] = weir_zigzag(start_ns);
		length[i] = weir_zigzag((int64_t)((uint64_t)end_ns - (uint64_t)start_ns));
	}
	weir_words_write(out, start, r->n);
	weir_words_write(out, length, r->n);
}

/* Returns the bytes that it takes, or would take. */
static size_t
write_part(const struct rows *r, uint8_t *buf, size_t max)
{
	const struct weir_block *b = r->block;
	struct weir_out out = { .p = buf, .max = max };
	uint32_t print = print_of(b->schema);

	weir_out_byte(&out, VERSION);
	weir_out_byte(&out, b->row_start_ns ? OWN_WINDOWS : 0);
	for (unsigned i = 0; i < 4; i++)
		weir_out_byte(&out, (uint8_t)(print >> 8 * i));
	weir_out_number(&out, weir_zigzag(b->window_start_ns));
	weir_out_number(&out,
	    weir_zigzag((int64_t)((uint64_t)b->window_end_ns - (uint64_t)b->window_start_ns)));
	weir_out_number(&out, r->n);
	if (b->row_start_ns)
		write_windows(&out, r);
	for (unsigned i = 0; r->n && i < b->schema->n_columns; i++)
		write_column(&out, r, &b->columns[i]);
	return out.len;
}

uint32_t
weir_block_write(const struct weir_block *b, const uint32_t *rows, uint32_t first, uint32_t n,
    uint8_t *buf, size_t max, size_t *ret_len)
{
	uint32_t most = first < n ? n - first : 0, fits = 0, fits_not;
	struct rows r = { .block = b, .numbers = rows, .first = first };

	most = most < WEIR_BLOCK_PART_ROWS ? most : WEIR_BLOCK_PART_ROWS;
	fits_not = most + 1;
	r.n = max / 8 < most ? (uint32_t)(max / 8) + (most != 0) : most;
	r.n = r.n < most ? r.n : most;
	for (unsigned tries = 0;; tries++) {
		double next;

		*ret_len = write_part(&r, buf, max);
		if (*ret_len > max)
			fits_not = r.n;
		else
			fits = r.n;
		if (!most || fits == most || fits + 1 >= fits_not ||
		    (fits == r.n && (*ret_len >= max - max / 24 || tries >= 3)))
			break;
		next = (double)r.n * ((double)max * 0.99 / (double)*ret_len);
		/* at least one: of none it is not known what is needed */
		r.n = next < fits + 1 ? fits + 1 : next >= fits_not ? fits_not - 1 : (uint32_t)next;
	}
	if (fits && fits != r.n) {
		r.n = fits;
		*ret_len = write_part(&r, buf, max);
	}
	return fits;
}

/* What is read is put into a block as it comes, which is thrown away where it is bad. */
struct reading {
	struct weir_in in;
	struct weir_block *block;
	uint32_t n;
	const uint8_t *bytes; /* of the part */
	uint32_t len;
	const uint8_t *kept; /* the block's copy of them */
};

/* Rows with a value; returns how many. */
static uint32_t
read_nulls(struct reading *r, struct weir_column *c, uint32_t *with)
{
	uint64_t x[WEIR_BLOCK_PART_ROWS] = { 0 };
	uint8_t how = weir_in_byte(&r->in);
	uint32_t n = 0;

	if (how > SOME_NULL)
		weir_in_spoil(&r->in);
	if (how == SOME_NULL && !weir_words_read(&r->in, x, r->n))
		return 0;
	for (uint32_t i = 0; i < r->n && !r->in.is_bad; i++) {
		if (x[i] > 1)
			weir_in_spoil(&r->in);
		if (how == ALL_NULL || x[i])
			weir_mask_set(c->null, i);
		else
			with[n++] = i;
	}
	return r->in.is_bad ? 0 : n;
}

static void
read_addresses(struct reading *r, struct weir_column *c, const uint32_t *with, uint32_t n)
{
	uint64_t version[WEIR_BLOCK_PART_ROWS], hi[WEIR_BLOCK_PART_ROWS] = { 0 },
						lo[WEIR_BLOCK_PART_ROWS];
	bool has_wide = false;

	if (!weir_words_read(&r->in, version, n))
		return;
	for (uint32_t i = 0; i < n; i++)
		has_wide |= version[i] != 4;
	if ((has_wide && !weir_words_read(&r->in, hi, n)) || !weir_words_read(&r->in, lo, n))
		return;
	for (uint32_t i = 0; i < n; i++) {
		if (version[i] != 6 && (version[i] != 4 || hi[i] || lo[i] > UINT32_MAX)) {
			weir_in_spoil(&r->in);
			return;
		}
		((struct weir_addr *)c->data)[with[i]] = (struct weir_addr){ hi[i], lo[i] };
		c->version[with[i]] = (uint8_t)version[i];
	}
}

/* The bytes of the part are kept once, however often a string comes. */
static int
read_strings(struct reading *r, struct weir_column *c, const uint32_t *with, uint32_t n)
{
	struct weir_bytes s[WEIR_BLOCK_PART_ROWS];

	if (!weir_strings_read(&r->in, s, n))
		return 0;
	if (!r->kept)
		r->kept = weir_block_keep(r->block, r->bytes, r->len);
	if (!r->kept)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		((struct weir_bytes *)c->data)[with[i]] =
		    (struct weir_bytes){ r->kept + (s[i].p - r->bytes), s[i].len };
	return 0;
}

static void
read_numbers(struct reading *r, struct weir_column *c, const uint32_t *with, uint32_t n)
{
	uint64_t x[WEIR_BLOCK_PART_ROWS];

	if (!weir_words_read(&r->in, x, n))
		return;
	for (uint32_t i = 0; i < n; i++) {
		if (c->store == WEIR_U8 && x[i] > 1) {
			weir_in_spoil(&r->in);
			return;
		}
		if (c->store == WEIR_U8)
			((uint8_t *)c->data)[with[i]] = (uint8_t)x[i];
		else if (c->store == WEIR_I64)
			((int64_t *)c->data)[with[i]] = weir_unzigzag(x[i]);
		else
			memcpy((double *)c->data + with[i], &x[i], sizeof(x[i]));
	}
}

static int
read_column(struct reading *r, struct weir_column *c)
{
	uint32_t with[WEIR_BLOCK_PART_ROWS], n = read_nulls(r, c, with);

	if (!n)
		return 0;
	if (c->store == WEIR_BYTES)
		return read_strings(r, c, with, n);
	if (c->store == WEIR_ADDR)
		read_addresses(r, c, with, n);
	else
		read_numbers(r, c, with, n);
	return 0;
}

static int
read_windows(struct reading *r)
{
	uint64_t start[WEIR_BLOCK_PART_ROWS], length[WEIR_BLOCK_PART_ROWS];

	if (weir_block_own_windows(r->block))
		return -ENOMEM;
	if (!weir_words_read(&r->in, start, r->n) || !weir_words_read(&r->in, length, r->n))
		return 0;
	for (uint32_t i = 0; i < r->n; i++) {
		int64_t start_ns = weir_unzigzag(start[i]);

		r->block->row_start_ns[i] = start_ns;
		r->block->row_end_ns[i] =
		    (int64_t)((uint64_t)start_ns + (uint64_t)weir_unzigzag(length[i]));
	}
	return 0;
}

static int
read_part(struct reading *r, const struct weir_schema *schema)
{
	uint32_t print = 0;
	uint64_t start, length, n;
	uint8_t flags;
	int rc = 0;

	if (weir_in_byte(&r->in) != VERSION)
		weir_in_spoil(&r->in);
	flags = weir_in_byte(&r->in);
	for (unsigned i = 0; i < 4; i++)
		print |= (uint32_t)weir_in_byte(&r->in) << 8 * i;
	start = (uint64_t)weir_unzigzag(weir_in_number(&r->in));
	length = (uint64_t)weir_unzigzag(weir_in_number(&r->in));
	n = weir_in_number(&r->in);
	if (r->in.is_bad || flags & ~FLAGS || print != print_of(schema) || n > WEIR_BLOCK_PART_ROWS)
		return -EBADMSG;
	r->n = (uint32_t)n;
	r->block = weir_block_create(schema, r->n);
	if (!r->block)
		return -ENOMEM;
	r->block->window_start_ns = (int64_t)start;
	r->block->window_end_ns = (int64_t)(start + length);
	r->block->n_rows = r->n;
	if (flags & OWN_WINDOWS)
		rc = read_windows(r);
	for (unsigned i = 0; !rc && r->n && i < schema->n_columns && !r->in.is_bad; i++)
		rc = read_column(r, &r->block->columns[i]);
	return rc ? rc : r->in.is_bad || r->in.len ? -EBADMSG : 0;
}

int
weir_block_read(const struct weir_schema *schema, const void *bytes, size_t len,
    struct weir_block **ret, struct weir_error *err)
{
	struct reading r = {
		.in = { .p = bytes, .len = len },
		.bytes = bytes,
		.len = (uint32_t)len,
	};
	int rc = len > UINT32_MAX ? -EBADMSG : read_part(&r, schema);

	if (!rc) {
		*ret = r.block;
		return 0;
	}
	weir_block_destroy(r.block);
	if (rc == -EBADMSG)
		return weir_error_run(
		    err, rc, "these %zu bytes are no part of a block with these columns", len);
	return weir_error_run(err, rc, "no memory for a part of a block");
}
