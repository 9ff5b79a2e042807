/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXPR_PATTERN_H
#define WEIR_EXPR_PATTERN_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Most steps that a match may take before it counts as none, so that no packet can stall a core. */
#define WEIR_EXPR_MATCH_LIMIT 100000

/* The right side of matches. Patterns see bytes, not UTF-8. */
struct weir_expr_pattern {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
};

#endif
