/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXCHANGE_ROUTE_H
#define WEIR_EXCHANGE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/column.h>
#include <weir/base/error.h>
#include <weir/base/simd.h>
#include <weir/packet/field.h>

/*
 * --split: which worker owns a row. A row belongs to a partition, and partition p to worker
 * p % n_workers.
 */

enum weir_route_kind {
	WEIR_ROUTE_AUTO,        /* weir picks: rows stay where they were received */
	WEIR_ROUTE_HASH,        /* by the 5-tuple, both directions of a flow alike */
	WEIR_ROUTE_RANGE,       /* by bounds of a field */
	WEIR_ROUTE_ROUND_ROBIN, /* row by row */
	WEIR_ROUTE_KEY,         /* by the columns of --key */
};

#define WEIR_ROUTE_PARTITIONS 4096 /* most */

struct weir_route;

/*
 * Control. Parse "auto", "hash[:N]", "range:FIELD:b1,b2,...", "rr[:N]", "key". Usage errors,
 * without flag and value in front. simd: level of the kernels; it must be usable.
 */
int weir_route_parse(
    const char *text, enum weir_simd simd, struct weir_route **ret, struct weir_error *err);
void weir_route_destroy(struct weir_route *r);
enum weir_route_kind weir_route_kind(const struct weir_route *r);
/* Fields that rows are routed by; adds them. Those of --key are not among them. */
void weir_route_fields(const struct weir_route *r, struct weir_field_set *set);
/*
 * Whether all rows of a key are of one partition. fields: those that are keys as they are;
 * has_flow: the keys tell flows apart, or both directions of one.
 */
bool weir_route_keeps_keys(
    const struct weir_route *r, const struct weir_field_set *fields, bool has_flow);
/* For --explain: "ring: rows go to the worker that owns the key's hash"; buf of 160 bytes. */
const char *weir_route_text(const struct weir_route *r, char *buf, unsigned size);
/* The same where ports share packets: "their flow's hash, both directions alike"; buf of 128. */
const char *weir_route_share_text(const struct weir_route *r, char *buf, unsigned size);
/*
 * Control, before the first run. All workers of a run use the same seed (of the keyed hash) and
 * n_workers (1 .. 4096). Not for auto.
 */
void weir_route_start(struct weir_route *r, unsigned n_workers, uint64_t seed);
/* Partitions that rows fall into. After start. */
unsigned weir_route_n_partitions(const struct weir_route *r);

/*
 * Hot, owning lcore. Who owns each row: ret_worker[row] for the n rows; of rows outside sel it is
 * any worker. fields: columns by field, keys: those of --key.
 */
void weir_route_run(struct weir_route *r, const struct weir_column *const *fields,
    const struct weir_column *const *keys, unsigned n_keys, uint32_t n,
    const uint64_t sel[WEIR_MASK_WORDS], uint16_t ret_worker[WEIR_ROWS]);

#endif
