/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/time.h>

#include "part.h"

/* What goes into one part. */
struct filling {
	struct weir_pane_writer *w;
	uint32_t n;      /* groups, from the one in hand on */
	bool is_divided; /* of the one group there are some pieces only */
	unsigned stage;  /* as the writer has it */
	uint64_t piece;  /* first one */
	uint64_t n_pieces;
};

/* Rows of one shape. */
struct section {
	const struct weir_layout *layout;
	const struct weir_shape *shape;
	uint32_t n;
	uint8_t *rows[WEIR_PART_GROUPS];
};

static uint64_t
word_at(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return x;
}

static void
write_key_words(const struct section *s, struct weir_out *out, uint32_t word, uint32_t shift,
    uint64_t mask, bool is_signed)
{
	uint64_t x[WEIR_PART_GROUPS];

	for (uint32_t i = 0; i < s->n; i++) {
		x[i] = weir_row_key(s->layout, s->rows[i])[word] >> shift & mask;
		if (is_signed)
			x[i] = weir_zigzag((int64_t)x[i]);
	}
	weir_words_write(out, x, s->n);
}

static void
write_key_strings(const struct section *s, struct weir_out *out, const struct weir_key_place *place)
{
	struct weir_bytes x[WEIR_PART_GROUPS];

	for (uint32_t i = 0; i < s->n; i++)
		x[i] = (struct weir_bytes){
			weir_row_strings(s->layout, s->shape, s->rows[i])[place->pointer],
			(uint32_t)weir_row_key(s->layout, s->rows[i])[place->word],
		};
	weir_strings_write(out, x, s->n);
}

static void
write_key(const struct section *s, struct weir_out *out, unsigned key)
{
	const struct weir_layout *l = s->layout;
	const struct weir_key_place *place = &s->shape->places[key];
	enum weir_store store = l->keys[key].store;

	if (store == WEIR_BYTES) {
		write_key_strings(s, out, place);
	} else if (store != WEIR_ADDR) {
		write_key_words(s, out, place->word, place->shift, weir_part_mask(store),
		    weir_part_is_signed(store));
	} else if (s->shape == &l->shapes[WEIR_SHAPE_NARROW]) {
		write_key_words(s, out, place->word, place->shift, UINT32_MAX, false);
	} else {
		write_key_words(s, out, place->version_word, place->version_shift, 0xff, false);
		write_key_words(s, out, place->word, 0, UINT64_MAX, false);
		write_key_words(s, out, place->word + 1, 0, UINT64_MAX, false);
	}
}

static void
write_windows(const struct section *s, struct weir_out *out)
{
	uint64_t start[WEIR_PART_GROUPS], length[WEIR_PART_GROUPS], n[WEIR_PART_GROUPS];

	for (uint32_t i = 0; i < s->n; i++) {
		const struct weir_group_window *w = weir_row_window(s->rows[i]);

		start[i] = weir_zigzag(w->first_ns);
		length[i] = (uint64_t)w->last_ns - (uint64_t)w->first_ns;
		n[i] = w->n;
	}
	weir_words_write(out, start, s->n);
	weir_words_write(out, length, s->n);
	weir_words_write(out, n, s->n);
}

/* States whose words are all there is of them. */
static void
write_words(const struct section *s, struct weir_out *out, const struct weir_agg_slot *slot,
    bool is_left_out)
{
	uint64_t x[WEIR_PART_GROUPS];

	for (uint32_t at = 0; at < slot->size; at += sizeof(*x)) {
		for (uint32_t i = 0; i < s->n; i++)
			x[i] = is_left_out ? 0 : word_at(s->rows[i] + slot->offset + at);
		weir_words_write(out, x, s->n);
	}
}

static bool
grows(const struct weir_agg_slot *slot)
{
	return slot->function && slot->function->write;
}

static void
write_states(
    const struct section *s, struct weir_out *out, const struct filling *f, unsigned number)
{
	const struct weir_agg_slot *slot = &s->layout->slots[number];

	for (uint32_t i = 0; i < s->n; i++) {
		const uint8_t *state = s->rows[i] + slot->offset;
		uint64_t first = 0, n = 0;

		if (!f->is_divided)
			n = slot->function->pieces(state, slot->arg_types);
		else if (f->stage == number + 1) {
			first = f->piece;
			n = f->n_pieces;
		}
		slot->function->write(state, slot->arg_types, first, n, out);
	}
}

static void
write_section(const struct section *s, struct weir_out *out, const struct filling *f)
{
	const struct weir_layout *l = s->layout;

	if (!s->n)
		return;
	for (unsigned k = 0; k < l->n_keys; k++)
		write_key(s, out, k);
	if (l->is_per_group)
		write_windows(s, out);
	for (unsigned i = 0; i < l->n_slots; i++)
		if (grows(&l->slots[i]))
			write_states(s, out, f, i);
		else
			write_words(s, out, &l->slots[i], f->is_divided && f->stage > 0);
}

static void
write_head(const struct filling *f, struct weir_out *out)
{
	const struct weir_pane_writer *w = f->w;
	const struct weir_pane *p = w->pane;
	struct weir_part_head h = {
		.print = weir_part_print(p->layout),
		.start_ns = weir_pane_start(p),
		.end_ns = weir_pane_end(p),
		.first_ns = p->first_ns,
		.last_ns = p->last_ns,
		.level = p->level,
		.undercount = weir_pane_undercount(p),
		.lost = p->lost,
		.n_short = weir_pane_short(p),
	};

	if (p->layout->is_per_group)
		h.flags |= WEIR_PART_LIST;
	if (p->first_ns != WEIR_TIME_NONE && p->last_ns >= p->first_ns)
		h.flags |= WEIR_PART_TIMES;
	if (!w->is_begun)
		h.flags |= WEIR_PART_TOTALS | (w->tells_lost ? WEIR_PART_LOST : 0);
	weir_part_write_head(out, &h);
}

/* Returns the bytes that it takes, or would take. */
static size_t
write_part(const struct filling *f, uint8_t *buf, size_t max)
{
	const struct weir_pane *p = f->w->pane;
	struct weir_out out = { .p = buf, .max = max };
	struct section sections[WEIR_N_SHAPES];

	for (unsigned s = 0; s < WEIR_N_SHAPES; s++) {
		sections[s].layout = p->layout;
		sections[s].shape = &p->layout->shapes[s];
		sections[s].n = 0;
	}
	for (uint32_t i = 0; i < f->n; i++) {
		uint32_t group = f->w->groups[f->w->at + i];
		uint32_t row = p->order ? p->order[group] : group;
		const struct weir_table *t = weir_pane_table_of(p, &row);
		struct section *s = &sections[t - p->tables];

		s->rows[s->n++] = t->rows + (size_t)row * t->shape->stride;
	}
	write_head(f, &out);
	for (unsigned s = 0; s < p->layout->n_shapes; s++)
		weir_out_number(&out, sections[s].n);
	for (unsigned s = 0; s < p->layout->n_shapes; s++)
		write_section(&sections[s], &out, f);
	return out.len;
}

/* How many to try next, when so many take so many bytes: between two that are known, of which one
 * fits and the other does not. */
static uint64_t
next_try(uint64_t n, size_t len, size_t max, uint64_t fits, uint64_t fits_not)
{
	uint64_t next = (uint64_t)((double)n * ((double)max * 0.99 / (double)len));

	next = next <= fits ? fits + 1 : next;
	return next >= fits_not ? fits_not - 1 : next;
}

/* As many whole groups as fit, or nearly. */
static size_t
write_groups(struct weir_pane_writer *w, uint8_t *buf, size_t max)
{
	uint32_t left = w->n - w->at, most = left < WEIR_PART_GROUPS ? left : WEIR_PART_GROUPS;
	uint64_t guess = w->guess ? w->guess : max / 16 + 1, fits = 0,
		 fits_not = (uint64_t)most + 1;
	struct filling f = { .w = w };
	size_t len = 0, fits_len = 0;

	for (unsigned tries = 0; fits + 1 < fits_not || !most; tries++) {
		f.n = (uint32_t)(guess < most ? guess : most);
		len = write_part(&f, buf, max);
		if (len > max) {
			fits_not = f.n;
			if (!most)
				return len;
		} else {
			fits = f.n;
			fits_len = len;
			if (f.n == most || len >= max - max / 24 || tries >= 3)
				break;
		}
		guess = next_try(f.n, len, max, fits, fits_not);
	}
	if (most && !fits)
		return len; /* of one group */
	if (f.n != fits) {
		f.n = (uint32_t)fits;
		fits_len = write_part(&f, buf, max);
	}
	w->at += f.n;
	/* As many bytes, less a little: what does not fit is written for nothing. */
	if (fits_len > max / 2)
		w->guess = (uint32_t)((double)f.n * ((double)max * 0.98 / (double)fits_len));
	w->is_begun = true;
	return fits_len;
}

/* The pieces of the stage in hand: of the words, one. */
static uint64_t
pieces_of_stage(const struct weir_pane_writer *w)
{
	const struct weir_pane *p = w->pane;
	uint32_t group = w->groups[w->at], row = p->order ? p->order[group] : group;
	const struct weir_table *t = weir_pane_table_of(p, &row);
	const struct weir_agg_slot *slot;

	if (!w->stage)
		return 1;
	slot = &p->layout->slots[w->stage - 1];
	if (!grows(slot))
		return 0;
	return slot->function->pieces(
	    t->rows + (size_t)row * t->shape->stride + slot->offset, slot->arg_types);
}

/* Go on to a stage that has something left. */
static void
next_stage(struct weir_pane_writer *w)
{
	do {
		w->piece = 0;
		w->stage++;
	} while (w->stage <= w->pane->layout->n_slots && !pieces_of_stage(w));
	if (w->stage > w->pane->layout->n_slots) {
		w->is_divided = false;
		w->at++;
	}
}

static size_t
write_pieces(struct weir_pane_writer *w, uint8_t *buf, size_t max)
{
	uint64_t left = pieces_of_stage(w) - w->piece, most = (uint64_t)max * 8 + 1;
	struct filling f = {
		.w = w,
		.n = 1,
		.is_divided = true,
		.stage = w->stage,
		.piece = w->piece,
		.n_pieces = left < most ? left : most,
	};
	size_t len;

	for (;;) {
		len = write_part(&f, buf, max);
		if (len <= max)
			break;
		if (f.n_pieces == 1)
			return len;
		f.n_pieces = next_try(f.n_pieces, len, max, 0, f.n_pieces);
	}
	w->is_begun = true;
	w->piece += f.n_pieces;
	if (f.n_pieces == left)
		next_stage(w);
	return len;
}

static bool
may_divide(const struct weir_pane *p)
{
	bool is_growing = false;

	for (unsigned i = 0; i < p->layout->n_slots; i++)
		is_growing |= grows(&p->layout->slots[i]);
	return is_growing && !p->layout->is_per_group;
}

size_t
weir_pane_write(struct weir_pane_writer *w, uint8_t *buf, size_t max)
{
	size_t len;

	if (w->is_begun && w->at == w->n)
		return 0;
	if (!w->is_divided) {
		len = write_groups(w, buf, max);
		if (len <= max || w->at == w->n || !may_divide(w->pane))
			return len;
		w->is_divided = true;
		w->stage = 0;
		w->piece = 0;
	}
	return write_pieces(w, buf, max);
}
