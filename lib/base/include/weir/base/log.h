/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_LOG_H
#define WEIR_BASE_LOG_H

/* Log lines go to standard error as "weir: level: text"; control code only, any thread. */

enum weir_log_level {
	WEIR_LOG_ERROR,
	WEIR_LOG_WARNING,
	WEIR_LOG_NOTICE, /* default: what a user should know, such as tap or take */
	WEIR_LOG_INFO,
	WEIR_LOG_DEBUG,
	WEIR_LOG_LEVELS,
};

/* The names of the levels, for --log; NULL past the last. */
const char *weir_log_level_name(unsigned level);
/* Whose lines they are, instead of weir's; name must stay. */
void weir_log_set_program(const char *name);
void weir_log_set_level(enum weir_log_level level);
void weir_log(enum weir_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
