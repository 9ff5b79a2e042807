/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_EAL_LOG_H
#define WEIR_PORT_EAL_LOG_H

#include <stddef.h>

/*
 * What EAL, its drivers, libbpf and libxdp have to say goes to weir's log at debug level; their
 * latest complaints are kept, so that a failure can be told with its cause. Control thread.
 */
int weir_eal_log_start(void);
/* Forget the complaints so far: before a call whose failure is to be explained. */
void weir_eal_log_mark(void);
/* The complaints since the mark as one line: "a; b"; "" where there are none. Returns buf. */
const char *weir_eal_log_since(char *buf, size_t size);
/* The first of them alone: what comes after it is most often its consequence. Returns buf. */
const char *weir_eal_log_first(char *buf, size_t size);

#endif
