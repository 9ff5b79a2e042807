/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_SECRET_H
#define WEIR_WIRE_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include <weir/base/error.h>

/*
 * The secret that the nodes of a cluster share (--secret-file). It lies in memory that is locked,
 * stays out of core dumps and is wiped when it is freed; nothing prints it. Control thread.
 */
struct weir_secret;

#define WEIR_SECRET_MIN_BYTES 16u
#define WEIR_SECRET_MAX_BYTES 4000u

/*
 * Read a file, without one newline at its end. Usage errors where it cannot be read, is shorter
 * than WEIR_SECRET_MIN_BYTES, or may be read by others or written by its group; each names the
 * cure. The caller frees *ret.
 */
int weir_secret_read(const char *path, struct weir_secret **ret, struct weir_error *err);
/* The same of bytes, which are copied as they are. */
int weir_secret_make(
    const void *bytes, size_t n_bytes, struct weir_secret **ret, struct weir_error *err);
/*
 * Bytes that follow from the secret, the job and what they are for, and from which nobody learns
 * the secret: 16 or 32 of them. Without a secret they follow from the rest alone. -EIO.
 */
int weir_secret_derive(const struct weir_secret *secret, const char *job, const char *use,
    uint8_t *ret, size_t n, struct weir_error *err);
/* NULL is fine. */
void weir_secret_free(struct weir_secret *secret);

#endif
