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
	/*
	 * Columns of addresses, as long as all of them are IPv4, travel as 4 bytes instead of 17:
	 * the receiver widens them, and the memory of the wide ones stays in its cache.
	 */
	struct weir_exchange_ipv4 {
		bool is_used;
		uint32_t *addr; /* [WEIR_ROWS], NULL for other columns */
	} * ipv4;               /* [n_columns] */
};

/* From one worker to another. */
struct weir_exchange_lane {
	/* Ordered: no row below it will be shipped any more. Sender: wo, receiver: ro. */
	_Alignas(RTE_CACHE_LINE_SIZE) _Atomic int64_t number;
	struct rte_ring *there; /* sender to receiver: room for all blocks */
	struct rte_ring *back;  /* free ones */
	void *memory;           /* of the blocks */
	/* Ordered, the receiver's: */
	_Alignas(
	    RTE_CACHE_LINE_SIZE) struct weir_exchange_parcel *head; /* taken in part, or NULL */
	int64_t least; /* number of the next row, or no next one will be below it */
};

/* A worker as sender and as receiver. Only its owner touches it, but for the watermark. */
struct weir_exchange_worker {
	_Alignas(RTE_CACHE_LINE_SIZE) _Atomic int64_t watermark_ns; /* owner: wo, all: ro */
	_Alignas(RTE_CACHE_LINE_SIZE) unsigned next; /* whose blocks are taken next */
	int64_t taken_number;               /* ordered: of what is below all has been taken */
	int64_t mark_number;                /* once all below this has been taken, */
	int64_t mark_ns;                    /* time has come so far */
	int64_t settled_ns;                 /* and now it has come so far */
	struct weir_exchange_parcel **open; /* [n_workers] being filled, or NULL */
	uint16_t *n_rows;                   /* [n_workers] of the batch that is put */
	uint16_t (*rows)[WEIR_ROWS];        /* [n_workers] and which */
};

struct weir_exchange {
	unsigned n_workers;
	unsigned n_columns;
	unsigned n_blocks;  /* of each pair */
	unsigned n_strings; /* columns of strings */
	bool is_ordered;
	uint32_t string_bytes;
	struct weir_exchange_worker *workers; /* [n_workers] */
	struct weir_exchange_lane *lanes;     /* [from * n_workers + to] */
};

static inline struct weir_exchange_lane *
weir_exchange_lane(struct weir_exchange *x, unsigned from, unsigned to)
{
	return &x->lanes[from * x->n_workers + to];
}

static inline void
weir_exchange_widen(struct weir_exchange_parcel *b, unsigned column)
{
	const uint32_t *restrict from = b->ipv4[column].addr;
	struct weir_addr *restrict to = b->columns[column].data;
	uint8_t *restrict version = b->columns[column].version;

	for (uint32_t i = 0; i < b->head.n; i++) {
		to[i].hi = 0;
		to[i].lo = from[i];
	}
	for (uint32_t i = 0; i < b->head.n; i++)
		version[i] = 4;
	b->ipv4[column].is_used = false;
}

#endif
