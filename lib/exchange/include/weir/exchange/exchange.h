/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXCHANGE_EXCHANGE_H
#define WEIR_EXCHANGE_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/arrival.h>
#include <weir/base/column.h>
#include <weir/base/error.h>

/*
 * Rows of one query on their way from the worker that received them to the one that owns them, as
 * blocks of dense columns. For each ordered pair of workers so many blocks go round: the sender
 * fills a free one, ships it, and the receiver gives it back. All memory is taken when the exchange
 * is created; nothing in here waits.
 *
 * Order: what one worker sends to another arrives in the order in which it was put. Event time: a
 * worker that has published a watermark has shipped all that it had to send before.
 *
 * In an ordered exchange a receiver is handed rows by ascending frame number, whoever sent them:
 * for that each worker puts its rows by ascending number, numbers of two workers differ, and each
 * publishes below which number nothing more will come from it. What a worker owns itself goes
 * through blocks as well. A receiver holds back the rows of one sender for as long as another may
 * still send rows of lower numbers; so everyone who waits for anything has to go on taking,
 * flushing and publishing meanwhile. Then they all get on: of the rows that have not been taken
 * look at the one with the lowest number. All others publish higher numbers sooner or later, so if
 * it has been shipped, it is handed out. If not, its sender is waiting for a free block, but then
 * the blocks hold rows with numbers yet lower.
 */

struct weir_exchange;

struct weir_exchange_column {
	enum weir_type type;
	enum weir_store store;
};

struct weir_exchange_spec {
	unsigned n_workers; /* 1 or more */
	unsigned n_columns;
	const struct weir_exchange_column *columns; /* [n_columns] */
	unsigned n_blocks;                          /* of each pair; 0: WEIR_EXCHANGE_BLOCKS */
	uint32_t string_bytes; /* of the strings in one block; 0: WEIR_EXCHANGE_STRING_BYTES */
	bool is_ordered;
};

#define WEIR_EXCHANGE_BLOCKS 32
/* A whole packet of any link fits, and many of the usual ones. */
#define WEIR_EXCHANGE_STRING_BYTES (128u << 10)

/* Control. Usage errors never; -ENOMEM. */
int weir_exchange_create(
    const struct weir_exchange_spec *spec, struct weir_exchange **ret, struct weir_error *err);
/* Control, when all workers have ended: blocks that are under way go with it. */
void weir_exchange_destroy(struct weir_exchange *x);
/* Bytes that an exchange of this spec takes: all that it ever will. */
uint64_t weir_exchange_bytes(const struct weir_exchange_spec *spec);

/* Sender writes. */
struct weir_exchange_counters {
	uint64_t rows;      /* sent to other workers; where it is ordered, to itself too */
	uint64_t blocks;    /* in so many blocks */
	uint64_t refused;   /* rows that found no free block; each time that they were put */
	uint64_t too_large; /* rows whose strings no block takes: lost */
};

/* Rows that are to be sent. */
struct weir_exchange_rows {
	uint32_t n;
	/* In: rows to send; out: those that the sender owns itself: not sent, unless it is ordered.
	 */
	uint64_t *sel;
	uint64_t *left;                           /* out: rows that found no free block */
	const struct weir_column *const *columns; /* [n_columns], as in the spec */
	const int64_t *time_ns;                   /* [n] */
	int64_t first_number;                     /* number of row 0 */
	const uint16_t *worker;                   /* [n] who owns it; of rows in sel < n_workers */
	/* For those who measure how long rows take: when they came in, or NULL, and since when they
	 * are sent, monotonic, or 0. */
	const struct weir_arrival *arrival;
	int64_t put_ns;
};

/*
 * Hot, worker `from`. Copy rows to blocks and ship those that are full; nothing of the columns is
 * needed afterwards. What is in `left` has to be put again, with left for sel, before other rows
 * are, or be given up and counted; in between the caller drains what it receives itself, so that
 * two workers which send to each other do not wait for ever.
 */
void weir_exchange_put(struct weir_exchange *x, unsigned from,
    const struct weir_exchange_rows *rows, struct weir_exchange_counters *counters);
/* Hot, worker `from`. Ship blocks that are filled in part. Never fails. */
void weir_exchange_flush(
    struct weir_exchange *x, unsigned from, struct weir_exchange_counters *counters);
/*
 * Hot, worker `from`. The same, but a receiver who has not given most blocks back yet is left
 * alone: few rows a block would use up the blocks while it sleeps. Whether all has been shipped, so
 * that a watermark may be published.
 */
bool weir_exchange_flush_gently(
    struct weir_exchange *x, unsigned from, struct weir_exchange_counters *counters);
/*
 * Hot, worker `from`, when all has been shipped. Its event time has come so far: INT64_MAX when it
 * has ended. Before the first one it counts as INT64_MIN. Where it is ordered, this comes after
 * weir_exchange_publish_number.
 */
void weir_exchange_publish(struct weir_exchange *x, unsigned from, int64_t watermark_ns);
/*
 * Hot, worker `from`, ordered: it will put no more rows of frames below this number; INT64_MAX when
 * it has ended. Where a block is held back, its receiver is told the number of the first row in it.
 * The number never becomes less.
 */
void weir_exchange_publish_number(struct weir_exchange *x, unsigned from, int64_t number);
/*
 * Hot, any worker. The least that any worker has published. Who asks first and then takes until
 * there is nothing left has all rows that were sent before those watermarks, unless it is ordered.
 */
int64_t weir_exchange_low(const struct weir_exchange *x);
/*
 * Hot, worker `to`, ordered, after it has taken until there was nothing left: a watermark which all
 * workers had published and before which they sent no row that has not been taken since.
 */
int64_t weir_exchange_settled(struct weir_exchange *x, unsigned to);

/* Rows that have arrived. The receiver may use the columns until it gives the block back. */
struct weir_exchange_block {
	uint32_t n;                         /* rows, 1 .. WEIR_ROWS */
	uint32_t first, end;                /* those to use: all, but for an ordered exchange */
	unsigned from;                      /* worker */
	const struct weir_column **columns; /* [n_columns]; strings point into the block */
	int64_t *time_ns;                   /* [n] */
	int64_t *number;                    /* [n] of the frame */
	/* Of the first rows in it that had them. */
	struct weir_arrival arrival;
	int64_t put_ns;   /* or 0 */
	uint32_t put_row; /* and the first of these */
};

/*
 * Hot, worker `to`. The next block, of the senders in turn; where it is ordered, the next rows of
 * whoever has them. NULL when there are none.
 */
struct weir_exchange_block *weir_exchange_take(struct weir_exchange *x, unsigned to);
/* Hot, worker `to`. Every block that was taken, before the next is where it is ordered, else once.
 */
void weir_exchange_give_back(
    struct weir_exchange *x, unsigned to, struct weir_exchange_block *block);

#endif
