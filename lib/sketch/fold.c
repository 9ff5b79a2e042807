/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fold_step.h"

static uint32_t
count_ranges(const struct weir_fold_code *code, unsigned n)
{
	uint32_t n_ranges = 0;

	for (unsigned i = 0; i < n; i++)
		n_ranges += code[i].n_ranges;
	return n_ranges;
}

/* Where the next instruction and the next interval go. */
struct place {
	struct weir_fold_insn *insn;
	struct weir_fold_range *range;
};

static const struct weir_fold_insn *
translate(struct place *at, const struct weir_fold_code *code, unsigned n, bool is_plain)
{
	const struct weir_fold_insn *first = at->insn;

	for (unsigned i = 0; i < n; i++) {
		const struct weir_fold_steps *s = &weir_fold_steps[code[i].op];

		*at->insn++ = (struct weir_fold_insn){
			.run = is_plain ? s->plain : s->with_nulls,
			.d = code[i].d,
			.a = code[i].a,
			.b = code[i].b,
			.c = code[i].c,
			.n_ranges = code[i].n_ranges,
			.ranges = at->range,
		};
		if (code[i].n_ranges)
			memcpy(
			    at->range, code[i].ranges, code[i].n_ranges * sizeof(*code[i].ranges));
		at->range += code[i].n_ranges;
	}
	at->insn++->run = weir_fold_steps[WEIR_FOLD_END].with_nulls;
	return first;
}

/* Whether a row without nulls cannot make one. */
static bool
is_total(const struct weir_fold_spec *spec)
{
	for (unsigned i = 0; i < spec->n_update; i++)
		if (!weir_fold_steps[spec->update[i].op].plain)
			return false;
	return spec->null_consts == 0;
}

int
weir_fold_create(const struct weir_fold_spec *spec, struct weir_fold **ret)
{
	struct weir_fold *f = calloc(1, sizeof(*f));
	struct place at;

	if (!f)
		return -ENOMEM;
	f->n_vars = spec->n_vars;
	f->n_args = spec->n_args;
	for (unsigned i = 0; i < spec->n_args; i++)
		for (unsigned s = spec->stores[i]; s <= WEIR_F64; s++)
			f->ends[s]++;
	f->n_consts = spec->n_consts;
	f->first_const = spec->n_vars + spec->n_args;
	f->null_consts = spec->null_consts << f->first_const;
	f->types = calloc(spec->n_vars + 1, sizeof(*f->types));
	f->consts = calloc(spec->n_consts + 1, sizeof(*f->consts));
	f->insns = calloc(spec->n_init + 2 * spec->n_update + 3, sizeof(*f->insns));
	f->ranges = calloc(count_ranges(spec->init, spec->n_init) +
			       2 * count_ranges(spec->update, spec->n_update) + 1,
	    sizeof(*f->ranges));
	if (!f->types || !f->consts || !f->insns || !f->ranges) {
		weir_fold_destroy(f);
		return -ENOMEM;
	}
	if (spec->n_vars)
		memcpy(f->types, spec->types, spec->n_vars * sizeof(*f->types));
	if (spec->n_consts)
		memcpy(f->consts, spec->consts, spec->n_consts * sizeof(*f->consts));
	at = (struct place){ f->insns, f->ranges };
	f->init = translate(&at, spec->init, spec->n_init, false);
	f->update = translate(&at, spec->update, spec->n_update, false);
	if (is_total(spec))
		f->plain = translate(&at, spec->update, spec->n_update, true);
	*ret = f;
	return 0;
}

void
weir_fold_destroy(struct weir_fold *f)
{
	if (!f)
		return;
	free(f->types);
	free(f->consts);
	free(f->insns);
	free(f->ranges);
	free(f);
}

unsigned
weir_fold_n_vars(const struct weir_fold *f)
{
	return f->n_vars;
}

enum weir_type
weir_fold_type(const struct weir_fold *f, unsigned var)
{
	return f->types[var];
}

uint32_t
weir_fold_state_size(const struct weir_fold *f)
{
	return (
	    uint32_t)(sizeof(struct weir_fold_state) + f->n_vars * sizeof(union weir_fold_cell));
}

struct weir_value
weir_fold_value(const struct weir_fold *f, const void *state, unsigned var)
{
	const struct weir_fold_state *s = state;
	struct weir_value v = { .type = f->types[var] };

	v.is_null = !(s->word & WEIR_FOLD_STARTED) || (s->word >> var & 1);
	if (v.is_null)
		return v;
	if (v.type == WEIR_FLOAT)
		v.f = s->vars[var].f;
	else if (v.type == WEIR_BOOL)
		v.b = s->vars[var].i != 0;
	else
		v.i = s->vars[var].i;
	return v;
}

bool
weir_fold_is_sound(const struct weir_fold *f, const void *state)
{
	const struct weir_fold_state *s = state;

	for (unsigned v = 0; v < f->n_vars; v++)
		if (f->types[v] == WEIR_BOOL && s->vars[v].i >> 1)
			return false;
	return (s->word & ~WEIR_FOLD_STARTED) >> f->n_vars == 0;
}

void
weir_fold_take_over(const struct weir_fold *f, void *dst, const void *src)
{
	const struct weir_fold_state *d = dst;

	if (!(d->word & WEIR_FOLD_STARTED))
		memcpy(dst, src, weir_fold_state_size(f));
}
