/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SINK_SINK_H
#define WEIR_SINK_SINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <weir/base/error.h>
#include <weir/record/block.h>

/*
 * Where rows or packets go (contract A7). Control thread only. One file a kind, one line in
 * sink.c's list. A sink takes blocks (rows) or packet blocks (copies of kept packets), never both.
 */

/* Copies of packets, as the worker hands them over for a packet sink. */
struct weir_packet_copy {
	int64_t time_ns; /* or WEIR_TIME_NONE */
	uint32_t cap_len;
	uint32_t wire_len;
	uint16_t interface;
	uint16_t dlt;    /* libpcap's DLT_ */
	uint32_t offset; /* of its bytes in weir_packet_block.bytes */
};

struct weir_packet_block {
	uint32_t n;
	uint32_t cap;
	struct weir_packet_copy *packets; /* [n] */
	uint8_t *bytes;
	uint64_t n_bytes;
	uint64_t cap_bytes;
};

struct weir_packet_block *weir_packet_block_create(uint32_t cap, uint64_t cap_bytes);
void weir_packet_block_destroy(struct weir_packet_block *b);
/* Append a copy; the block grows. meta->offset is ignored. 0, or -ENOMEM. */
int weir_packet_block_add(
    struct weir_packet_block *b, const uint8_t *data, const struct weir_packet_copy *meta);

struct weir_sink_counters {
	uint64_t delivered;     /* rows or packets */
	uint64_t dropped_error; /* the file or peer refused them: disk full, broken pipe */
};

/* A source of the run that a sink is part of. */
struct weir_sink_source {
	const char *name;   /* as typed */
	bool is_interface;  /* by -i: it may be the same as a port that packets leave by */
	uint16_t interface; /* frame.interface of its packets */
};

/* What a sink is told of the run. Control. */
struct weir_sink_run {
	unsigned n_workers;
	bool can_wait;  /* no source is live */
	bool has_views; /* packets of some source are in no buffers of DPDK */
	unsigned n_sources;
	struct weir_sink_source *sources; /* [n_sources] */
	struct weir_port_gate *gates;     /* ports that sinks have open; theirs */
	bool has_lingered;                /* drivers had time to send what they had; theirs */
};

struct weir_sink;

struct weir_sink_ops {
	const char *scheme;   /* "json" */
	const char *synopsis; /* "json[:FILE]" */
	const char *doc;
	bool takes_packets;
	bool forwards;     /* on the workers: see weir/sink/forward.h; it has no packets() */
	bool is_file;      /* target is a path; two sinks of different kinds may not share one */
	bool is_streaming; /* wants rows at once rather than a whole window */
	/* Is the target as it should be? Opens nothing; NULL: it is a file's name. */
	int (*check)(const char *target, struct weir_error *err);
	/* target is what follows "scheme:", or NULL. Opens files; "-" or NULL is standard output.
	 */
	int (*open)(struct weir_sink *s, const char *target, struct weir_error *err);
	int (*rows)(struct weir_sink *s, const struct weir_block *b, struct weir_error *err);
	int (*packets)(
	    struct weir_sink *s, const struct weir_packet_block *b, struct weir_error *err);
	int (*flush)(struct weir_sink *s, struct weir_error *err);
	/* Look around: called every now and then while the run goes on. NULL: nothing to see. */
	void (*poll)(struct weir_sink *s);
	/* Frees state in any case. */
	int (*close)(struct weir_sink *s, struct weir_error *err);
};

struct weir_sink {
	const struct weir_sink_ops *ops;
	struct weir_sink_run *run; /* that it is part of, or NULL */
	char *uri;                 /* as typed */
	struct weir_sink_counters counters;
	bool is_broken; /* a write failed; later rows are dropped and counted */
	/* Set by the owner after open, or NULL: true once the run only delivers what is left. A
	 * reader that takes nothing is then given up after a second, and one that takes little soon
	 * after; before, it is waited for. */
	const atomic_bool *draining;
	/* Set by the owner after open, or NULL: called again and again while a reader is waited
	 * for, so that the owner can look around. It opens, writes and closes no sink. */
	void (*while_waiting)(void *ctx);
	void *waiting_ctx;
	bool is_live; /* set by the owner before the first row: a table on a terminal is redrawn */
	void *state;
};

/* All kinds; NULL ends. */
extern const struct weir_sink_ops *const weir_sink_kinds[];

/*
 * Check a URI without opening it: 0 and the kind, or a usage error with the nearest scheme. Errors
 * of this header name the file but not the option: the caller puts "--sink 'URI'" in front.
 */
int weir_sink_parse(const char *uri, const struct weir_sink_ops **ret_ops, const char **ret_target,
    struct weir_error *err);
/*
 * Open; queries that name the same URI share one sink (standard output above all): pass the list of
 * those open already and get one of them back where it is the same.
 */
int weir_sink_open(const char *uri, struct weir_sink **open, unsigned n_open,
    struct weir_sink **ret, struct weir_error *err);
/* The same, for a run, which outlives the sink. */
int weir_sink_open_in(struct weir_sink_run *run, const char *uri, struct weir_sink **open,
    unsigned n_open, struct weir_sink **ret, struct weir_error *err);
/*
 * Deliver and count every row or packet: delivered, or dropped where the write fails. The first
 * failure of a sink is described in err and returned; later ones are counted only and return 0. A
 * closed pipe (EPIPE) is described too.
 */
int weir_sink_rows(struct weir_sink *s, const struct weir_block *b, struct weir_error *err);
int weir_sink_packets(
    struct weir_sink *s, const struct weir_packet_block *b, struct weir_error *err);
int weir_sink_flush(struct weir_sink *s, struct weir_error *err);
/* Flush, close and free. Returns an error that comes up now; earlier ones were returned then. */
int weir_sink_close(struct weir_sink *s, struct weir_error *err);

#endif
