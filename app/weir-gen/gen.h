/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_GEN_GEN_H
#define WEIR_GEN_GEN_H

#include <weir/base/error.h>

/*
 * write.c: all packets of a generator ("gen:...") to a pcapng file, "-" is standard output.
 * *ret_n: how many. Errors are whole lines without the program's name.
 */
int gen_write(const char *uri, const char *path, unsigned long long *ret_n, struct weir_error *err);

#endif
