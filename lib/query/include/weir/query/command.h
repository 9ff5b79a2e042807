/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_QUERY_COMMAND_H
#define WEIR_QUERY_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/aggregate/aggregate.h>
#include <weir/base/error.h>
#include <weir/base/log.h>
#include <weir/base/option.h>
#include <weir/base/privilege.h>
#include <weir/base/simd.h>
#include <weir/query/flags.h>
#include <weir/source/source.h>

/* What was typed, checked as far as a flag alone can be: the logical plan. */

/* One stage as typed. */
struct weir_stage_text {
	enum weir_flag flag; /* FILTER, WHERE, MAP, SELECT, KEY, SPLIT, WINDOW, AGG, FOLD, TOP */
	const char *text;
};

struct weir_query_text {
	const char *name;
	struct weir_stage_text *stages; /* in order */
	unsigned n_stages;
	const char **sinks; /* URIs */
	unsigned n_sinks;
};

/* In one run, those that are added and removed while it goes on among them. */
#define WEIR_QUERIES_MOST 256
/* DPDK knows so many threads, and the main one is among them. */
#define WEIR_WORKERS_MOST 64

/* What a worker does when nothing comes. */
enum weir_idle {
	WEIR_IDLE_ADAPTIVE,  /* poll on for a moment, then sleep longer and longer */
	WEIR_IDLE_SPIN,      /* poll on */
	WEIR_IDLE_INTERRUPT, /* wait until the source wakes it, where it can */
};

struct weir_command {
	struct weir_source_config *sources;
	unsigned n_sources;
	struct weir_query_text *queries; /* at least one */
	unsigned n_queries;
	bool has_default_window;
	struct weir_window default_window;
	int64_t lateness_ns;    /* -1: 0 for live sources, 60 s for files */
	const char *decap_text; /* of --decap, or NULL */
	uint32_t decap;         /* enum weir_tunnel */
	const char *late_sink;  /* URI of --late sink:, or NULL */
	uint64_t table_size;    /* most keys in one window; 0: from memory */
	enum weir_overflow overflow;
	bool has_seed;
	uint64_t seed;
	enum weir_simd simd;  /* AUTO: the best that the CPU has */
	const char *anon_key; /* file, or NULL */
	int64_t for_ns;       /* 0: no bound */
	uint64_t packets;     /* 0: no bound */
	const char *stats;    /* file, "-", or NULL */
	bool has_latency;
	const char *name; /* of the run, or NULL */
	bool is_control_never;
	bool has_user; /* to become once everything is open */
	struct weir_privilege user;
	/* One of several hosts: --cluster, --node, --wire go together. */
	const char *cluster;     /* URL, or NULL */
	const char *node;        /* its name */
	const char *wire;        /* as typed */
	const char *secret_file; /* or NULL: */
	bool is_insecure_wire;
	bool is_progress_never;
	bool is_push_never;
	bool has_cores; /* --cores was given */
	unsigned n_workers;
	unsigned n_cpus; /* of --cores LIST, one a worker; 0: as many CPUs as workers are chosen */
	unsigned *cpus;  /* [n_cpus] */
	enum weir_idle idle;
	bool is_explain;
	bool is_dry_run;
	bool is_quiet;
	enum weir_log_level log_level;
	char **eal_args; /* what follows "--" */
	unsigned n_eal_args;
};

/*
 * Values of a parsed command line to a command; texts stay in argv. Flags that ask for a page
 * (help, fields ...) are not handled here. Usage errors.
 */
int weir_command_build(
    const struct weir_command_line *line, struct weir_command *ret, struct weir_error *err);
/*
 * Queries alone, for a run that is going on: the line begins with --query and has nothing but
 * queries. Usage errors.
 */
int weir_command_build_queries(
    const struct weir_command_line *line, struct weir_command *ret, struct weir_error *err);
void weir_command_fini(struct weir_command *c);

#endif
