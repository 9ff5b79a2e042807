/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_LATENCY_PORTS_H
#define WEIR_LATENCY_PORTS_H

#include "session.h"

/* Open ports and receivers of the session, its floor among them. */
int ports_open(struct session *s, struct weir_error *err);
/* Until all their links are up, or --wait is over. */
int ports_wait(struct session *s, struct weir_error *err);
void ports_close(struct session *s);

#endif
