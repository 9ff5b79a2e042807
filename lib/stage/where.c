/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "program_stage.h"

static const struct weir_stage_ops where_ops = {
	.name = "where",
	.run = weir_stage_where_run,
	.destroy = weir_program_stage_destroy,
};

int
weir_stage_where_create(const char *text, const struct weir_scope *scope, struct weir_stage **ret,
    struct weir_error *err)
{
	struct weir_stage *s;
	enum weir_type type;
	int rc = weir_program_stage_create(&where_ops, text, scope, 0, &s, err);

	if (rc)
		return rc;
	type = weir_program_type(weir_stage_program(s));
	if (type != WEIR_BOOL && type != WEIR_INT) {
		weir_stage_destroy(s);
		return weir_error_usage(err,
		    "is %s, but a condition is needed at 1 (compare it with something)",
		    weir_type_name(type));
	}
	*ret = s;
	return 0;
}

void
weir_stage_destroy(struct weir_stage *s)
{
	if (s)
		s->ops->destroy(s);
}
