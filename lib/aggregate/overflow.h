/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_OVERFLOW_H
#define WEIR_AGGREGATE_OVERFLOW_H

#include "pane.h"

/*
 * What makes room in a pane that is full. Nothing here runs before it is.
 *
 * evict. A group's weight is its rows plus its base: the pane's floor at the time it came. A group
 * whose weight is not above the floor may be thrown out; where none such is met, the floor is
 * raised to the lower quarter of the weights met. So a key loses, each time it is thrown out, no
 * more rows than the floor rose since it came, and never more than the floor in all: a key with
 * more rows than the floor has a group, and a group lacks no more rows than the floor. Raising the
 * floor by one takes one from the weight above the floor of about three quarters of the groups,
 * and each row adds one to it: so the floor stays below about 4/3 of rows / table size. (Compare
 * Manku and Motwani, Approximate Frequency Counts over Data Streams, 2002; here the floor rises
 * when room is needed and not by the number of rows.)
 *
 * The hand goes over the groups in steps of a golden section of the table, so that any few dozen
 * groups that it meets are spread over all of them, old and new. Which groups go depends on the
 * order of the rows alone, not on the hash.
 *
 * sample. Only keys whose sampling hash begins with `level` zeros may stay. A key that may stay was
 * never refused before, so its group has all of its rows.
 */

#define WEIR_EVICT_AHEAD 8 /* steps of the hand by which memory is asked for before */

enum weir_room {
	WEIR_ROOM_MADE,    /* look again: there is a place, or the key may not enter any more */
	WEIR_ROOM_REFUSED, /* there is none */
};

/* Hot, overflow_hot.c. Throw a group out for one of `shape`. Rows that it had are added to
 * ret_lost. */
enum weir_room weir_pane_evict(struct weir_pane *p, enum weir_shape_id shape, uint64_t *ret_lost);

/* Cold, overflow.c. */

/* Get ready to evict. False where there is no memory. */
bool weir_pane_begin_evict(struct weir_pane *p);
/* Halve the sample until a group has gone. Rows of such groups are added to ret_lost. */
enum weir_room weir_pane_halve(struct weir_pane *p, uint64_t *ret_lost);
/* Halve the sample until it is at `level` at least. */
void weir_pane_halve_to(struct weir_pane *p, uint32_t level, uint64_t *ret_lost);
/* Throw out the smallest groups so that no more than the table's size are left. 0 or -ENOMEM. */
int weir_pane_trim(struct weir_pane *p, uint64_t *ret_lost);

#endif
