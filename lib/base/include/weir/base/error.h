/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_ERROR_H
#define WEIR_BASE_ERROR_H

/*
 * Error trail. Control code returns 0 or a negative errno and describes what
 * happened in a struct weir_error that its caller owns; callers put context in
 * front on the way up. Only app/ prints it, as one line.
 */

enum weir_fail {
	WEIR_FAIL_RUN = 1,   /* failed at run time: exit status 1 */
	WEIR_FAIL_USAGE = 2, /* the command line is wrong: exit status 2 */
};

struct weir_error {
	enum weir_fail fail; /* also the exit status */
	int code;            /* negative errno, as returned */
	char text[1024];     /* one line, without newline; cause first, then place, then cure */
};

/* Describe a run-time failure. Returns code (a negative errno). err may be NULL. */
int weir_error_run(struct weir_error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Describe a mistake on the command line. Returns -EINVAL. err may be NULL. */
int weir_error_usage(struct weir_error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Put "context: " in front of the text. Returns err->code. */
int weir_error_wrap(struct weir_error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
