/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal_log.h"

#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <rte_log.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <xdp/libxdp.h>

#include <weir/base/log.h>

#define N_KEPT     8
#define KEPT_BYTES 256

/* The logs of EAL and libbpf are the process's own, and so is what is kept of them. */
static struct {
	pthread_mutex_t lock;
	FILE *stream;
	unsigned n;
	char kept[N_KEPT][KEPT_BYTES];
} complaints = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Lines that only repeat that something failed, or tell of a detour that works as well. */
static bool
is_echo(const char *line)
{
	static const char *const echoes[] = { "EAL: Driver cannot attach", "EAL: Failed to attach",
		"libbpf: elf: skipping", "libxdp: No bpffs", "libxdp: Can't use dispatcher",
		"libxdp: Falling back", "libxdp: No XDP dispatcher", "libxdp: Refcount was not",
		"libxdp: Another XSK socket was created" };

	for (unsigned i = 0; i < sizeof(echoes) / sizeof(echoes[0]); i++)
		if (strncmp(line, echoes[i], strlen(echoes[i])) == 0)
			return true;
	return false;
}

static void
keep(const char *line, size_t len)
{
	char *slot;

	if (is_echo(line))
		return;
	if (len >= KEPT_BYTES)
		len = KEPT_BYTES - 1;
	pthread_mutex_lock(&complaints.lock);
	if (complaints.n < N_KEPT) {
		slot = complaints.kept[complaints.n];
		memcpy(slot, line, len);
		slot[len] = '\0';
		/* a driver may say the same for each of its queues */
		for (unsigned i = 0; i < complaints.n; i++)
			if (strcmp(complaints.kept[i], slot) == 0)
				len = 0;
		complaints.n += len != 0;
	}
	pthread_mutex_unlock(&complaints.lock);
}

/* Pass on each line of a message. */
static void
take_lines(const char *text, size_t size, bool is_complaint)
{
	while (size) {
		const char *end = memchr(text, '\n', size);
		size_t len = end ? (size_t)(end - text) : size;
		size_t rest = end ? len + 1 : len;
		size_t shown = len;

		while (shown && isspace((unsigned char)text[shown - 1]))
			shown--;
		if (shown) {
			weir_log(WEIR_LOG_DEBUG, "%.*s", (int)shown, text);
			if (is_complaint)
				keep(text, shown);
		}
		text += rest;
		size -= rest;
	}
}

static ssize_t
write_eal(void *cookie, const char *buf, size_t size)
{
	int level = rte_log_cur_msg_loglevel();

	take_lines(buf, size, level > 0 && level <= (int)RTE_LOG_ERR);
	return (ssize_t)size;
}

static void
take_printf(bool is_complaint, const char *fmt, va_list ap)
{
	char text[1024];
	int len = vsnprintf(text, sizeof(text), fmt, ap);

	if (len > 0)
		take_lines(
		    text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1, is_complaint);
}

static int
print_bpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	take_printf(level == LIBBPF_WARN, fmt, ap);
	return 0;
}

static int
print_xdp(enum libxdp_print_level level, const char *fmt, va_list ap)
{
	take_printf(level == LIBXDP_WARN, fmt, ap);
	return 0;
}

int
weir_eal_log_start(void)
{
	cookie_io_functions_t io = { .write = write_eal };

	if (complaints.stream)
		return 0;
	complaints.stream = fopencookie(NULL, "w", io);
	if (!complaints.stream)
		return -ENOMEM;
	setvbuf(complaints.stream, NULL, _IOLBF, 0);
	libbpf_set_print(print_bpf);
	libxdp_set_print(print_xdp);
	return rte_openlog_stream(complaints.stream);
}

void
weir_eal_log_mark(void)
{
	pthread_mutex_lock(&complaints.lock);
	complaints.n = 0;
	pthread_mutex_unlock(&complaints.lock);
}

const char *
weir_eal_log_since(char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	pthread_mutex_lock(&complaints.lock);
	for (unsigned i = 0; i < complaints.n && len < size; i++)
		len += (size_t)snprintf(
		    buf + len, size - len, "%s%s", i ? "; " : "", complaints.kept[i]);
	pthread_mutex_unlock(&complaints.lock);
	return buf;
}

const char *
weir_eal_log_first(char *buf, size_t size)
{
	pthread_mutex_lock(&complaints.lock);
	snprintf(buf, size, "%s", complaints.n ? complaints.kept[0] : "");
	pthread_mutex_unlock(&complaints.lock);
	return buf;
}
