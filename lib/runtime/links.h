/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_LINKS_H
#define WEIR_RUNTIME_LINKS_H

#include <stdint.h>

#include <weir/runtime/run.h>

/*
 * The links of the sources: a run goes on while one is down, and says so, for nothing arrives by it
 * meanwhile. Private to lib/runtime; control thread.
 */

struct weir_links {
	const struct weir_run_config *config;
	bool *was_up; /* [config->n_sources] */
	int64_t looked_ns;
};

/* What is down from the beginning was said when it was opened. -ENOMEM. */
int weir_links_init(struct weir_links *l, const struct weir_run_config *config);
void weir_links_look(struct weir_links *l, int64_t now_ns);
void weir_links_fini(struct weir_links *l);

#endif
