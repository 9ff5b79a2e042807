/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_FILE_H
#define WEIR_BASE_FILE_H

#include <stdbool.h>

#include <weir/base/error.h>

/*
 * Create a file for writing, or empty it where it exists; but never one that this process has open
 * already, as a capture that is being read or another output. Devices and pipes are opened as they
 * are. A run-time error names cause, place and cure. The caller closes *ret_fd.
 */
int weir_file_create(const char *path, int *ret_fd, bool *ret_is_regular, struct weir_error *err);
/* Describe a write that failed with errno code. Returns -code. */
int weir_file_write_error(struct weir_error *err, int code, const char *name);

/* Flush standard output: a page that could not be printed is a failure. 0 or a negative errno. */
int weir_file_finish_stdout(struct weir_error *err);

#endif
