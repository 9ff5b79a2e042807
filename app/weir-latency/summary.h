/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_LATENCY_SUMMARY_H
#define WEIR_LATENCY_SUMMARY_H

#include <jansson.h>
#include <stdio.h>

#include <weir/measure/report.h>

#include "session.h"

/* What a session has measured, as it is reported: what all instruments report, and what is known of
 * this one's sender, ports and clock. */
struct summary;

/* The session's figures stay its own and must outlive it. NULL: out of memory. */
struct summary *summary_make(const struct session *s);
void summary_free(struct summary *m);

const struct weir_report *summary_report(const struct summary *m);
void summary_print(const struct summary *m, FILE *out);
/* New reference; NULL: out of memory. */
json_t *summary_json(const struct summary *m);

#endif
