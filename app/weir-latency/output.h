/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_LATENCY_OUTPUT_H
#define WEIR_LATENCY_OUTPUT_H

#include "session.h"

/* What is written where, and when: files are made before anything is measured. */
struct output;

int output_open(const struct config *c, struct output **ret, struct weir_error *err);
int output_write(struct output *o, const struct session *s, struct weir_error *err);
/* What was not written is taken away again. NULL is fine. */
void output_close(struct output *o);

#endif
