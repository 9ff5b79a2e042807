/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_TEST_ROWS_H
#define WEIR_TEST_ROWS_H

#include <weir/sink/sink.h>

/* Blocks made by hand, and files to write them to. */

#define ROWS_MAX    64                           /* of a block made here */
#define WINDOW_NS   INT64_C(1767323045000000000) /* 2026-01-02T03:04:05Z */
#define WINDOW_TEXT "2026-01-02T03:04:05.000000000Z"
#define END_TEXT    "2026-01-02T03:04:06.000000000Z"

/*
 * The schema of most tests: ip.src (address, key), name (string), packets (int), mean (float).
 */
extern const struct weir_schema rows_schema, rows_schema_unwindowed;

/* A block of the window above with n rows of nulls. The caller frees it by rows_free(). */
struct weir_block *rows_create(const struct weir_schema *schema, uint32_t n);
void rows_free(struct weir_block *b);

void rows_set_int(struct weir_block *b, unsigned column, uint32_t row, int64_t i);
void rows_set_float(struct weir_block *b, unsigned column, uint32_t row, double f);
void rows_set_ip(struct weir_block *b, unsigned column, uint32_t row, const char *text);
/* The bytes must outlive the block. */
void rows_set_bytes(
    struct weir_block *b, unsigned column, uint32_t row, const void *p, uint32_t len);
void rows_set_text(struct weir_block *b, unsigned column, uint32_t row, const char *s);

/* As of a cluster in which a host died in the window above; and of one in which none did. */
extern const struct weir_gaps rows_gaps, rows_no_gaps;

/* A block of rows_schema with two usual rows. */
struct weir_block *rows_usual(const struct weir_schema *schema);

/* A name in a new folder under /tmp; rows_remove() takes both away. */
const char *rows_path(const char *name);
/* "scheme:path" */
const char *rows_uri(const char *scheme, const char *path);
void rows_remove(const char *path);
/* The whole file, NUL-terminated; the caller frees it. */
char *rows_read(const char *path, size_t *ret_len);

#endif
