/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_FILE_H
#define WEIR_SOURCE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "file_reader.h"
#include "kind.h"

/* Between the file*.c of -r. */

enum weir_file_speed {
	WEIR_FILE_SPEED_MAX,
	WEIR_FILE_SPEED_FACTOR, /* of the recorded timing */
	WEIR_FILE_SPEED_RATE,   /* packets a second */
};

struct weir_file_options {
	char *path;
	bool is_stdin;
	enum weir_file_speed speed;
	double factor;
	uint64_t rate_pps;
	uint64_t n_loops; /* 0: for ever */
	bool is_preload;
};

/* Paces packets by the worker's clock. */
struct weir_file_pace {
	bool has_start;
	bool has_time;
	int64_t start_ns; /* now_ns of the first packet */
	int64_t time_ns;  /* time stamp of the first packet that has one */
	uint64_t n_sent;
};

struct weir_file {
	struct weir_source base;
	struct weir_file_options options;
	struct weir_input in;
	struct weir_reader *reader; /* NULL too while a pipe has not said what it is */
	struct weir_arena *arena;   /* preload: everything; reader and in are gone */
	struct weir_arena_cursor cursor;
	struct weir_error damage; /* found while loading */
	bool is_damaged;
	bool is_ended;

	/* Passes of loop=. */
	uint64_t n_passes;  /* that are done */
	int64_t shift_ns;   /* added to the times of this pass */
	uint64_t n_in_pass; /* packets */
	uint64_t n_timed;   /* of them with a time */
	int64_t min_ns;     /* of the recorded times of this pass */
	int64_t max_ns;
	uint64_t n_read; /* packets over all passes */

	struct weir_file_pace pace;
	struct weir_batch *pending; /* read, but not due yet */
	uint32_t pending_at;

	uint64_t size_bytes; /* of the file, 0 where unknown */
	uint64_t done_bytes; /* worker: wo, control: ro */
	int64_t load_ns;
};

/* file_options.c: value of -r. The caller frees ret->path on success. */
int weir_file_options_parse(
    const char *value, struct weir_file_options *ret, struct weir_error *err);

/* file_open.c: open the file and tell its format; names cause, place and cure. */
int weir_file_open_input(struct weir_file *f, struct weir_error *err);
int weir_file_open_reader(struct weir_file *f, struct weir_error *err);
/* Has as much arrived as telling the format takes? Waits so long for it; a regular file never has
 * to. */
bool weir_file_has_head(struct weir_file *f, int wait_ms);

/* file_poll.c */
enum weir_poll weir_file_poll(
    struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns);

/* Tell in the source's head how many interfaces the file has so far. */
void weir_file_note_interfaces(struct weir_file *f);

/* "'f.pcap': damaged at byte 12: why; 3 packets before it were read". */
void weir_file_describe_damage(
    const struct weir_file *f, uint64_t n_packets, struct weir_error *err);

#endif
