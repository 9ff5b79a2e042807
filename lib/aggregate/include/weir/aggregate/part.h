/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_PART_H
#define WEIR_AGGREGATE_PART_H

#include <weir/aggregate/aggregate.h>
#include <weir/record/slot.h>

/*
 * Parts of panes: some groups of a pane as bytes that another host merges. A part stands alone, is
 * as long as is asked for, and may come in any order among the others; but each is merged once.
 * Groups are numbered as weir_pane_rows counts them: parts of a pane that was put in order are
 * smaller, for the keys of each are near to one another.
 *
 * The hosts run the same query: function by function, type by type. Where the policy is to sample,
 * their seeds must be one, too, so that all leave out the same keys.
 */

#define WEIR_PART_GROUPS 2048 /* most in one */

/* Control. The slot of each group's key: ret[weir_pane_n_groups]. */
void weir_pane_slots(const struct weir_pane *p, const struct weir_slot_key *key, uint16_t *ret);

/* The parts of some groups, one after the other. */
struct weir_pane_writer {
	const struct weir_pane *pane;
	const uint32_t *groups; /* [n] */
	uint32_t n;
	bool tells_lost; /* with what the pane lost and where it was short: to one host, at most */

	/* Private; zero at first. */
	uint32_t at;     /* groups that are done */
	uint32_t guess;  /* groups that the last part took */
	bool is_begun;   /* the first part is written: it has what is told once */
	bool is_divided; /* the group in hand goes into several parts */
	unsigned stage;  /* of these: 0 its words, then the states that grow */
	uint64_t piece;  /* of that state */
};

/*
 * Control. Write the next part to buf. Returns its bytes; 0 where all has been written. A pane
 * without groups is one part, for what is known of its window. Where a group has more than fits
 * into max bytes it is divided, as often as it takes: states merge. Where that cannot be, for one
 * value alone is too long, or a list's group: more than max is returned, so many bytes are needed,
 * and nothing was written.
 */
size_t weir_pane_write(struct weir_pane_writer *w, uint8_t *buf, size_t max);

/* Which window a part is of: for a list all that there is. */
struct weir_part_window {
	int64_t start_ns;
	int64_t end_ns;
};

/* Control. 0, or -EBADMSG where the bytes are no part. */
int weir_part_window(
    const void *bytes, size_t len, struct weir_part_window *ret, struct weir_error *err);
/*
 * Control. Merge a part into a pane, which is as that of the writer was; where nobody has said
 * which window dst is, it is the part's. The bytes may be anything: -EBADMSG, and dst has not
 * changed, where they are no part of a pane of this query. -ENOMEM, as weir_pane_merge, where dst
 * has what of it found memory. 0 else. Before rows are taken from it dst is settled.
 *
 * A list takes the part's groups, and has no bound: its owner hands it over when it is large.
 */
int weir_pane_read(struct weir_pane *dst, const void *bytes, size_t len, struct weir_error *err);
/* Control. Hold a pane that parts were merged into to the table's size, as weir_pane_merge does
 * each time. 0 or -ENOMEM. */
int weir_pane_settle(struct weir_pane *p);

/*
 * Control. Merge n groups of src alone, and, once for each src, all that it knows of its window,
 * which dst's becomes where nobody has said that. As weir_pane_merge, but that dst is to be
 * settled. Groups of a list are copied.
 */
int weir_pane_merge_some(
    struct weir_pane *dst, const struct weir_pane *src, const uint32_t *groups, uint32_t n);
/*
 * Owning thread, of an aggregator whose groups have windows of their own. The least start of those
 * that are open; false where there is none.
 */
bool weir_aggregator_open_since(const struct weir_aggregator *a, int64_t *ret_ns);
/*
 * The same; forget the groups of these slots, when a close has returned all that there was:
 * is_gone[WEIR_SLOTS]. Rows of them may come from any time on; no row is late. 0 or -ENOMEM.
 */
int weir_aggregator_forget_slots(
    struct weir_aggregator *a, const struct weir_slot_key *key, const bool *is_gone);
/* Control. An empty pane as those of the aggregator are, while another thread has it. The caller
 * destroys it. NULL when out of memory. */
struct weir_pane *weir_aggregator_new_pane(const struct weir_aggregator *a);

#endif
