/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXCHANGE_PARCEL_H
#define WEIR_EXCHANGE_PARCEL_H

#include <stdatomic.h>
#include <stdbool.h>

#include <rte_common.h>
#include <rte_ring.h>
#include <weir/exchange/exchange.h>

/* Private to lib/exchange. */

/* The sender's side of a block: the same memory as the receiver sees, writable. */
struct weir_exchange_parcel {
	struct weir_exchange_block head; /* first */
	uint32_t n_string_bytes;
	uint8_t *strings;            /* [string_bytes] */
	struct weir_column *columns; /* [n_columns] */
};

/* From one worker to another. */
struct weir_exchange_lane {
	struct rte_ring *there; /* sender to receiver: room for all blocks */
	struct rte_ring *back;  /* free ones */
	void *memory;           /* of the blocks */
};

/* A worker as sender and as receiver. Only its owner touches it, but for the watermark. */
struct weir_exchange_worker {
	_Alignas(RTE_CACHE_LINE_SIZE) _Atomic int64_t watermark_ns; /* owner: wo, all: ro */
	_Alignas(RTE_CACHE_LINE_SIZE) unsigned next; /* whose blocks are taken next */
	struct weir_exchange_parcel **open;          /* [n_workers] being filled, or NULL */
	uint16_t *n_rows;                            /* [n_workers] of the batch that is put */
	uint16_t (*rows)[WEIR_ROWS];                 /* [n_workers] and which */
};

struct weir_exchange {
	unsigned n_workers;
	unsigned n_columns;
	unsigned n_strings; /* columns of strings */
	uint32_t string_bytes;
	struct weir_exchange_worker *workers; /* [n_workers] */
	struct weir_exchange_lane *lanes;     /* [from * n_workers + to] */
};

static inline struct weir_exchange_lane *
weir_exchange_lane(struct weir_exchange *x, unsigned from, unsigned to)
{
	return &x->lanes[from * x->n_workers + to];
}

#endif
