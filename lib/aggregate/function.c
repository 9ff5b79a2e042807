/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/aggregate/aggregate.h>

#include "fn/fn.h"

#define WEIR_AGG_FUNCTION(name) extern const struct weir_agg_function weir_agg_##name;
#include "functions.def"
#undef WEIR_AGG_FUNCTION

const struct weir_agg_function *const weir_agg_functions[] = {
#define WEIR_AGG_FUNCTION(name) &weir_agg_##name,
#include "functions.def"
#undef WEIR_AGG_FUNCTION
	NULL,
};

const struct weir_agg_function *
weir_agg_function_find(const char *name)
{
	for (unsigned i = 0; weir_agg_functions[i]; i++)
		if (strcmp(weir_agg_functions[i]->name, name) == 0)
			return weir_agg_functions[i];
	return NULL;
}

unsigned
weir_agg_n_results(const struct weir_agg_call *call)
{
	return call->fold ? weir_fold_n_vars(call->fold) : 1;
}

bool
weir_agg_needs_order(const struct weir_agg_call *call)
{
	return call->fold || call->function->needs_order;
}

int
weir_agg_check_count(const struct weir_agg_function *f, unsigned n_args, struct weir_error *err)
{
	if (n_args >= f->min_args && n_args <= f->max_args)
		return 0;
	if (f->min_args == f->max_args)
		return weir_error_usage(err, "%s takes %u argument%s, not %u", f->synopsis,
		    f->min_args, f->min_args == 1 ? "" : "s", n_args);
	return weir_error_usage(err, "%s takes %u to %u arguments, not %u", f->synopsis,
	    f->min_args, f->max_args, n_args);
}

int
weir_agg_refuse(const struct weir_agg_function *f, const char *wanted, enum weir_type type,
    struct weir_error *err)
{
	const char *name = weir_type_name(type);

	return weir_error_usage(err, "%s(x): x must be %s, not %s %s", f->name, wanted,
	    strchr("aeiou", name[0]) ? "an" : "a", name);
}

int
weir_agg_check_number(const struct weir_agg_function *f, const enum weir_type *args,
    unsigned n_args, struct weir_error *err)
{
	if (weir_agg_check_count(f, n_args, err))
		return -EINVAL;
	switch (args[0]) {
	case WEIR_BOOL:
	case WEIR_INT:
	case WEIR_FLOAT:
	case WEIR_DURATION:
		return 0;
	default:
		return weir_agg_refuse(f, "a number", args[0], err);
	}
}

int
weir_agg_check_any(const struct weir_agg_function *f, const enum weir_type *args, unsigned n_args,
    enum weir_type *ret_type, struct weir_error *err)
{
	if (weir_agg_check_count(f, n_args, err))
		return -EINVAL;
	*ret_type = args[0];
	return 0;
}
