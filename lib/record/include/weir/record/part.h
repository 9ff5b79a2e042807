/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RECORD_PART_H
#define WEIR_RECORD_PART_H

#include <weir/base/error.h>
#include <weir/record/block.h>

/* Rows of a block as bytes, column by column, that stand alone: for another host. */

#define WEIR_BLOCK_PART_ROWS 2048 /* most in one part */

/*
 * Write rows to buf: rows[first], rows[first + 1] ... or, where rows is NULL, rows first, first + 1
 * ... up to n. Returns how many went into max bytes, and sets *ret_len to what they take. 0: not
 * even one does, and *ret_len is what it needs. No rows are a part, too: their window.
 */
uint32_t weir_block_write(const struct weir_block *b, const uint32_t *rows, uint32_t first,
    uint32_t n, uint8_t *buf, size_t max, size_t *ret_len);
/*
 * Make a block of a part; the caller destroys it. The schema is as that of the writer was: names
 * and types of its columns. The bytes may be anything: 0, -EBADMSG where they are no such part, or
 * -ENOMEM.
 */
int weir_block_read(const struct weir_schema *schema, const void *bytes, size_t len,
    struct weir_block **ret, struct weir_error *err);

#endif
