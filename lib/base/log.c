/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include <weir/base/log.h>

static const char *const names[WEIR_LOG_LEVELS] = { "error", "warning", "notice", "info", "debug" };
static _Atomic int current = WEIR_LOG_NOTICE;
static const char *_Atomic program = "weir";

const char *
weir_log_level_name(unsigned level)
{
	return level < WEIR_LOG_LEVELS ? names[level] : NULL;
}

void
weir_log_set_level(enum weir_log_level level)
{
	atomic_store_explicit(&current, (int)level, memory_order_relaxed);
}

void
weir_log_set_program(const char *name)
{
	atomic_store_explicit(&program, name, memory_order_relaxed);
}

void
weir_log(enum weir_log_level level, const char *fmt, ...)
{
	char text[1200];
	va_list ap;

	if ((int)level > atomic_load_explicit(&current, memory_order_relaxed))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s: %s: %s\n", atomic_load_explicit(&program, memory_order_relaxed),
	    names[level], text);
}
