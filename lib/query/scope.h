/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_QUERY_SCOPE_H
#define WEIR_QUERY_SCOPE_H

#include <weir/expr/program.h>
#include <weir/query/command.h>
#include <weir/query/flags.h>
#include <weir/stage/stage.h>

/* Helpers that the packet side and the result side share. Private to lib/query. */

/* What a packet row shows when nothing was selected: what tcpdump would. */
#define WEIR_PACKET_COLUMNS "frame.time,ip.src,srcport,ip.dst,dstport,ip.proto,frame.len"

/* Whether a stage groups rows: --agg. */
bool weir_stage_groups(const struct weir_stage_text *stage);
/* "--where 'EXPR': " in front of the error. Returns its code. */
int weir_stage_wrap(struct weir_error *err, const struct weir_stage_text *stage);
/*
 * A copy of text with blanks in front, so that places in errors count from the start of the flag's
 * value: place is the 1-based character where text begins. Free it.
 */
char *weir_text_at(const char *text, unsigned place);
/* The store of a program's result column. */
enum weir_store weir_program_store(const struct weir_program *p, const struct weir_symbol *symbols);
/* A column name that --map, --key and --agg may give: no field of another meaning is hidden. */
int weir_check_name(const char *name, const struct weir_symbol *symbols, unsigned n_symbols,
    bool is_new, struct weir_error *err);

/* Compile one item of --map to a stage that fills the scope's next slot. Usage errors. */
int weir_map_item(const struct weir_list_item *it, const struct weir_scope *scope,
    struct weir_stage **ret, struct weir_error *err);

#endif
