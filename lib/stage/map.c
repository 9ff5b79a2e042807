/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "program_stage.h"

static const struct weir_stage_ops map_ops = {
	.name = "map",
	.run = weir_stage_map_run,
	.destroy = weir_program_stage_destroy,
};

int
weir_program_stage_create(const struct weir_stage_ops *ops, const char *text,
    const struct weir_scope *scope, unsigned slot, struct weir_stage **ret, struct weir_error *err)
{
	struct weir_program_stage *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return weir_error_run(err, -ENOMEM, "out of memory");
	p->head.ops = ops;
	p->slot = slot;
	rc = weir_program_compile(text, scope, &p->program, err);
	if (rc) {
		free(p);
		return rc;
	}
	*ret = &p->head;
	return 0;
}

void
weir_program_stage_destroy(struct weir_stage *s)
{
	struct weir_program_stage *p = (struct weir_program_stage *)s;

	weir_program_destroy(p->program);
	free(p);
}

int
weir_stage_map_create(const char *text, const struct weir_scope *scope, unsigned slot,
    struct weir_stage **ret, struct weir_error *err)
{
	return weir_program_stage_create(&map_ops, text, scope, slot, ret, err);
}

const struct weir_program *
weir_stage_program(const struct weir_stage *s)
{
	if (s->ops->destroy != weir_program_stage_destroy)
		return weir_stage_filter_program(s);
	return ((const struct weir_program_stage *)s)->program;
}
