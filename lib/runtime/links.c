/* SPDX-License-Identifier: BSD-3-Clause */
#include "links.h"

#include <errno.h>
#include <stdlib.h>

#include <weir/base/log.h>
#include <weir/base/time.h>
#include <weir/source/source.h>

#define LOOK_NS (WEIR_NS_PER_S / 5)

static bool
is_up(const struct weir_source *s)
{
	return !s->ops->is_up || s->ops->is_up(s);
}

int
weir_links_init(struct weir_links *l, const struct weir_run_config *config)
{
	l->was_up = calloc(config->n_sources + 1, sizeof(*l->was_up));
	if (!l->was_up)
		return -ENOMEM;
	l->config = config;
	for (unsigned i = 0; i < config->n_sources; i++)
		l->was_up[i] = is_up(config->sources[i]);
	return 0;
}

void
weir_links_look(struct weir_links *l, int64_t now_ns)
{
	if (!l->config || now_ns - l->looked_ns < LOOK_NS)
		return;
	l->looked_ns = now_ns;
	for (unsigned i = 0; i < l->config->n_sources; i++) {
		const struct weir_source *s = l->config->sources[i];
		bool was_up = l->was_up[i];

		l->was_up[i] = is_up(s);
		if (was_up && !l->was_up[i])
			weir_log(WEIR_LOG_WARNING,
			    "%s: its link is down: nothing arrives until it is up again", s->name);
		else if (!was_up && l->was_up[i])
			weir_log(WEIR_LOG_NOTICE, "%s: its link is up", s->name);
	}
}

void
weir_links_fini(struct weir_links *l)
{
	free(l->was_up);
}
