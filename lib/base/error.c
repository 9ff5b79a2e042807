/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <weir/base/error.h>

static void
describe(struct weir_error *err, enum weir_fail fail, int code, const char *fmt, va_list ap)
{
	err->fail = fail;
	err->code = code;
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
}

int
weir_error_run(struct weir_error *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	describe(err, WEIR_FAIL_RUN, code, fmt, ap);
	va_end(ap);
	return code;
}

int
weir_error_usage(struct weir_error *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -EINVAL;
	va_start(ap, fmt);
	describe(err, WEIR_FAIL_USAGE, -EINVAL, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int
weir_error_wrap(struct weir_error *err, const char *fmt, ...)
{
	char front[sizeof(err->text)];
	char whole[2 * sizeof(err->text) + 2];
	va_list ap;

	if (!err)
		return -EINVAL;
	va_start(ap, fmt);
	vsnprintf(front, sizeof(front), fmt, ap);
	va_end(ap);
	snprintf(whole, sizeof(whole), "%s: %s", front, err->text);
	whole[sizeof(err->text) - 1] = '\0';
	memcpy(err->text, whole, sizeof(err->text));
	return err->code;
}
