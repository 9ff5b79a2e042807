/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_LAYOUT_H
#define WEIR_AGGREGATE_LAYOUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/aggregate/aggregate.h>

/*
 * How a group's row lies in memory, the same for all panes of an aggregator:
 *
 *   | state of each aggregate | words of the key, compared and hashed | pointers of its strings |
 *
 * Where groups have windows of their own, that stands before the states.
 *
 * Everything is a multiple of 8 bytes. The key's columns are packed widest first, so that only its
 * last word is padded (with zeros), and none lies across two words. A string takes one word, its
 * length below and half of its hash above, and a pointer: to the column's bytes while a key is
 * looked up, to the pane's copy in a row.
 *
 * A key with addresses has two shapes, each with a table of its own: where all of its addresses are
 * IPv4 they take 4 bytes each, else 16 and one for the version. A key has one of the two, so that
 * equal keys always meet.
 */

enum weir_shape_id {
	WEIR_SHAPE_WIDE,
	WEIR_SHAPE_NARROW, /* all addresses are IPv4 */
	WEIR_N_SHAPES,
};

/* Where a key column lies in a shape: bits of one word, or two words and a version. */
struct weir_key_place {
	uint32_t word;
	uint32_t shift;
	uint32_t version_word; /* wide addresses */
	uint32_t version_shift;
	uint32_t pointer; /* WEIR_STRING: which of the pointers */
};

struct weir_shape {
	uint32_t words;                /* of the key that are compared and hashed */
	uint32_t stride;               /* bytes of a row */
	struct weir_key_place *places; /* [n_keys] */
};

/* A function, or a fold in its place: then the function is NULL. */
struct weir_agg_slot {
	const struct weir_agg_function *function;
	const struct weir_fold *fold;
	uint32_t offset; /* of the state in the row */
	uint32_t size;   /* of the state */
	unsigned n_args;
	enum weir_type arg_types[WEIR_AGG_MAX_ARGS]; /* of the function */
	unsigned n_results;                          /* columns of the result */
};

#define WEIR_NO_COUNT UINT32_MAX

/* A group's own window, the first thing in its row: session and count. */
struct weir_group_window {
	int64_t first_ns; /* least and largest time of its rows */
	int64_t last_ns;
	uint64_t n;       /* rows; 0 where it has not begun */
	uint64_t segment; /* the last that had one of them, see aggregator.h; 0 in a new row */
};

struct weir_agg_kernels;

struct weir_layout {
	const struct weir_agg_kernels *level; /* level.h */
	unsigned n_shapes;                    /* 1: wide alone */
	uint32_t key_offset;                  /* of the key's words in a row */
	uint32_t n_strings;                   /* key columns with a pointer */
	uint32_t max_words;                   /* of a shape */
	struct weir_shape shapes[WEIR_N_SHAPES];
	uint64_t *secrets; /* [max_words + 4], from the seed */
	struct weir_group_key *keys;
	unsigned n_keys;
	struct weir_agg_slot *slots;
	unsigned n_slots; /* the aggregates, and a count that nobody asked for */
	unsigned n_aggs;
	uint32_t count_offset; /* of a state that counts the group's rows, or WEIR_NO_COUNT */
	uint32_t watch_offset; /* of a struct weir_group_watched, or WEIR_NO_COUNT */
	unsigned counting;     /* slot that takes its rows in together with the one that counts */
	unsigned counted;      /* which is this; both n_slots where there is no such pair */
	struct weir_window window;
	bool is_per_group; /* each group has a window of its own */
	enum weir_overflow overflow;
	uint32_t max_rows;         /* groups in a pane */
	uint64_t max_string_bytes; /* of key strings in one pane */
	uint64_t max_state_bytes;  /* of states that grow, in one pane */
	uint64_t state_seed;       /* of the hashes in them */
	bool has_drop;             /* some state grows, and must be dropped */
	atomic_uint users;         /* panes and the aggregator: the last one frees it */
};

struct weir_layout *weir_layout_create(const struct weir_group_spec *spec);
struct weir_layout *weir_layout_hold(struct weir_layout *l);
void weir_layout_release(struct weir_layout *l);

static inline const uint64_t *
weir_row_key(const struct weir_layout *l, const uint8_t *row)
{
	return (const uint64_t *)(const void *)(row + l->key_offset);
}

/* Pointers of a row's strings: they lie behind the words. */
static inline const uint8_t **
weir_row_strings(const struct weir_layout *l, const struct weir_shape *s, uint8_t *row)
{
	return (const uint8_t **)(void *)(row + l->key_offset + s->words * 8);
}

/* Its states give back what they have of the pane's memory: the row goes. */
static inline void
weir_row_drop(const struct weir_layout *l, uint8_t *row, struct weir_sketch_memory *memory)
{
	for (unsigned i = 0; l->has_drop && i < l->n_slots; i++)
		if (l->slots[i].function && l->slots[i].function->drop)
			l->slots[i].function->drop(
			    row + l->slots[i].offset, l->slots[i].arg_types, memory);
}

/* Where groups have windows of their own. */
static inline struct weir_group_window *
weir_row_window(uint8_t *row)
{
	return (struct weir_group_window *)(void *)row;
}

/* Of a group that somebody watches. */
struct weir_group_watched {
	uint32_t round;   /* in which it took a row last */
	uint32_t is_done; /* nobody watches it any more */
};

static inline struct weir_group_watched *
weir_row_watched(const struct weir_layout *l, uint8_t *row)
{
	return (struct weir_group_watched *)(void *)(row + l->watch_offset);
}

/* The packets that a group stands for; the layout must have a count. */
static inline uint64_t
weir_row_count(const struct weir_layout *l, const uint8_t *row)
{
	return *(const uint64_t *)(const void *)(row + l->count_offset);
}

#endif
