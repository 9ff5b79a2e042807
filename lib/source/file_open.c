/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base/nearest.h>
#include <weir/base/time.h>

#include "file.h"

/* Bytes of the longest foreign mark; no capture is shorter. */
#define LONGEST_MARK    8
#define PCAP_HEAD_BYTES 24
#define NS_PER_MS       INT64_C(1000000)

/* What people give by mistake, by its first bytes, and how to make a capture of it. */
static const struct {
	const char *bytes;
	unsigned len;
	const char *what;
	const char *cure; /* %s is the file */
} foreign[] = {
	{ "\x1f\x8b", 2, "gzip", "zcat '%s' | weir -r -" },
	{ "\xfd"
	  "7zXZ",
	    5, "xz", "xzcat '%s' | weir -r -" },
	{ "BZh", 3, "bzip2", "bzcat '%s' | weir -r -" },
	{ "\x28\xb5\x2f\xfd", 4, "zstd", "zstdcat '%s' | weir -r -" },
	{ "\x04\x22\x4d\x18", 4, "lz4", "lz4cat '%s' | weir -r -" },
	{ "PK\x03\x04", 4, "zip", "unzip -p '%s' | weir -r -" },
	{ "snoop\0\0\0", 8, "snoop", "editcap -F pcap '%s' out.pcap" },
};

/* Set near to the name in the file's folder that is nearest to what was typed, or leave it empty.
 */
static void
find_near_name(const char *path, char *near, size_t size)
{
	char *folder_copy = strdup(path), *name_copy = strdup(path);
	struct weir_nearest nearest;
	const char *folder, *word;
	char *kept = NULL;
	struct dirent *e;
	DIR *d = NULL;

	if (folder_copy && name_copy) {
		folder = dirname(folder_copy);
		d = opendir(folder);
		weir_nearest_begin(&nearest, basename(name_copy));
		while (d && (e = readdir(d)) != NULL) {
			char *name = e->d_type == DT_DIR ? NULL : strdup(e->d_name);

			if (!name)
				continue;
			weir_nearest_offer(&nearest, name);
			if (nearest.best == name) {
				free(kept);
				kept = name;
			} else {
				free(name);
			}
		}
		word = kept ? weir_nearest_get(&nearest) : NULL;
		if (word && strchr(path, '/'))
			snprintf(near, size, "%s/%s", folder, word);
		else if (word)
			snprintf(near, size, "%s", word);
	}
	if (d)
		closedir(d);
	free(kept);
	free(folder_copy);
	free(name_copy);
}

static int
cannot_open(const char *path, int code, struct weir_error *err)
{
	char near[512] = "";

	switch (code) {
	case -ENOENT:
		find_near_name(path, near, sizeof(near));
		if (near[0])
			return weir_error_run(err, code, "no such file (try '%s')", near);
		return weir_error_run(err, code, "no such file");
	case -EISDIR:
		return weir_error_run(err, code, "is a directory: name a capture file in it");
	case -EACCES:
		return weir_error_run(
		    err, code, "no permission to read it (try sudo, or chmod +r '%s')", path);
	default:
		return weir_error_run(err, code, "cannot open: %s", strerror(-code));
	}
}

int
weir_file_open_input(struct weir_file *f, struct weir_error *err)
{
	const char *path = f->options.path;
	int fd = STDIN_FILENO, rc;

	if (f->options.is_stdin && isatty(fd))
		return weir_error_run(err, -EINVAL,
		    "standard input is a terminal: pipe a capture into it (try: zcat f.pcap.gz | "
		    "weir -r -)");
	if (!f->options.is_stdin)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cannot_open(path, -errno, err);
	rc = weir_input_init(&f->in, fd, !f->options.is_stdin);
	if (rc) {
		if (!f->options.is_stdin)
			close(fd);
		memset(&f->in, 0, sizeof(f->in));
		return cannot_open(path, rc, err);
	}
	f->size_bytes = f->in.size;
	return 0;
}

static int
not_a_capture(const struct weir_file *f, struct weir_error *err)
{
	const uint8_t *at = weir_input_at(&f->in);
	size_t have = weir_input_have(&f->in);
	const char *path = f->options.path;
	char hex[32], cure[400];
	int used = 0;

	if (f->in.error)
		return weir_error_run(err, -f->in.error, "cannot read: %s", strerror(f->in.error));
	if (!have)
		return weir_error_run(
		    err, -EBADMSG, "not a capture file (it is empty): pcap or pcapng needed");
	for (unsigned i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		if (have < foreign[i].len || memcmp(at, foreign[i].bytes, foreign[i].len) != 0)
			continue;
		snprintf(cure, sizeof(cure), foreign[i].cure, path);
		return weir_error_run(err, -EBADMSG,
		    "not a capture file (it is %s): pcap or pcapng needed (try: %s)",
		    foreign[i].what, cure);
	}
	for (size_t i = 0; i < have && i < 8; i++)
		used +=
		    snprintf(hex + used, sizeof(hex) - (size_t)used, "%s%02x", i ? " " : "", at[i]);
	return weir_error_run(
	    err, -EBADMSG, "not a capture file (first bytes %s): pcap or pcapng needed", hex);
}

static bool
is_magic(uint32_t got, uint32_t magic)
{
	return got == magic || got == __builtin_bswap32(magic);
}

static bool
is_pcap(uint32_t magic)
{
	return is_magic(magic, WEIR_PCAP_MAGIC_US) || is_magic(magic, WEIR_PCAP_MAGIC_NS) ||
	       is_magic(magic, WEIR_PCAP_MAGIC_MODIFIED);
}

bool
weir_file_has_head(struct weir_file *f, int wait_ms)
{
	int64_t end_ns = weir_now_mono_ns() + wait_ms * NS_PER_MS;

	for (;;) {
		struct pollfd p = { .fd = f->in.fd, .events = POLLIN };
		size_t have = weir_input_need(&f->in, PCAP_HEAD_BYTES, false);
		int64_t left_ns = end_ns - weir_now_mono_ns();
		uint32_t magic = 0;

		if (have >= PCAP_HEAD_BYTES || f->in.is_eof || f->in.is_regular)
			return true;
		if (have >= LONGEST_MARK) {
			memcpy(&magic, weir_input_at(&f->in), sizeof(magic));
			if (!is_pcap(magic))
				return true; /* pcapng's reader waits for the rest by itself */
		}
		if (left_ns <= 0)
			return false;
		if (poll(&p, 1, (int)(left_ns / NS_PER_MS) + 1) < 0)
			return false; /* a signal: whoever sent it does not want to wait */
	}
}

int
weir_file_open_reader(struct weir_file *f, struct weir_error *err)
{
	uint16_t first = f->base.first_interface;
	uint32_t magic = 0;

	if (weir_input_need(&f->in, LONGEST_MARK, true) >= sizeof(magic))
		memcpy(&magic, weir_input_at(&f->in), sizeof(magic));
	if (magic == WEIR_PCAPNG_SHB)
		return weir_pcapng_reader_open(&f->in, first, &f->reader, err);
	if (is_pcap(magic))
		return weir_pcap_reader_open(&f->in, first, &f->reader, err);
	return not_a_capture(f, err);
}
