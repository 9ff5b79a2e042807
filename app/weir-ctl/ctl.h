/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CTL_CTL_H
#define WEIR_CTL_CTL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include <weir/base/error.h>
#include <weir/base/strbuf.h>
#include <weir/control/client.h>

/* What was typed. */
struct ctl {
	const char *name;     /* of the run, or NULL: the only one */
	const char *argument; /* of the command, "" where there is none */
	bool is_json;
	bool is_no_wait;
	bool is_once;
	bool is_cluster; /* stats of all its nodes */
	int64_t every_ns;
	uint64_t n_rows; /* of a window, 0: all */
};

/* The commands. 0, or a failure described in err. */
int ctl_list(const struct ctl *c, struct weir_error *err);
int ctl_status(const struct ctl *c, struct weir_error *err);
int ctl_stats(const struct ctl *c, struct weir_error *err);
int ctl_result(const struct ctl *c, struct weir_error *err);
int ctl_explain(const struct ctl *c, struct weir_error *err);
int ctl_add(const struct ctl *c, struct weir_error *err);
int ctl_remove(const struct ctl *c, struct weir_error *err);
int ctl_nodes(const struct ctl *c, struct weir_error *err);
int ctl_slots(const struct ctl *c, struct weir_error *err);
int ctl_move(const struct ctl *c, struct weir_error *err);
int ctl_drain(const struct ctl *c, struct weir_error *err);
int ctl_stop(const struct ctl *c, struct weir_error *err);
int ctl_top(const struct ctl *c, struct weir_error *err);

/* Connect to the run that is meant: the one named, or the only one of this user. */
int ctl_connect(const struct ctl *c, struct weir_client **ret, struct weir_error *err);
/* Connect, ask once, hang up. */
int ctl_ask(
    const struct ctl *c, enum weir_control_command command, json_t **ret, struct weir_error *err);

/* A document as --stats has it, for people and programs. */
void ctl_print_json(const json_t *j);

/* A status (docs/weir-ctl.md has its form) as lines for people. */
void ctl_status_text(const json_t *status, struct weir_strbuf *b);
/* A status's or ledger's cluster: the peers, and what goes between them and this one. */
void ctl_cluster_text(const json_t *cluster, struct weir_strbuf *b);
/* Rows ({"lines": [...]}) as a table of at most n_rows, after the window that a heading may name.
 */
void ctl_rows_text(const json_t *result, unsigned n_rows, struct weir_strbuf *b);
/* The whole view of top: a status, the rows of one query and what went wrong fetching them. */
void ctl_top_text(const json_t *status, const json_t *result, const char *query,
    const char *problem, unsigned n_rows, struct weir_strbuf *b);

#endif
