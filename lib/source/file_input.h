/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_FILE_INPUT_H
#define WEIR_SOURCE_FILE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of a capture file or pipe, buffered, with the position counted. Both readers take their
 * bytes here: a pipe that has nothing yet must not stop the worker, and every complaint names an
 * offset.
 */
struct weir_input {
	int fd;
	bool is_owned;   /* close fd at the end (not standard input) */
	bool is_regular; /* reading never waits for somebody else to write */
	bool is_eof;     /* nothing beyond end will come */
	int error;       /* errno of a failed read, with is_eof */
	uint8_t *buf;
	size_t cap;
	size_t begin; /* first byte that was not consumed */
	size_t end;
	uint64_t offset; /* of buf[begin] in the file */
	uint64_t size;   /* of the file, 0 where unknown */
	int64_t start;   /* file position at open, for rewind */
};

/* Take fd over. Returns 0 or -errno; the caller closes fd on failure. */
int weir_input_init(struct weir_input *in, int fd, bool is_owned);
void weir_input_fini(struct weir_input *in);

/*
 * Try to have n bytes at weir_input_at and return how many there are, which may be more or
 * fewer than n. Fewer: end of file, or may_wait is false and a pipe has no more yet. Moves the
 * buffer.
 */
size_t weir_input_need(struct weir_input *in, size_t n, bool may_wait);

/* Back to the start; regular files only. Returns 0 or -errno. */
int weir_input_rewind(struct weir_input *in);

static inline size_t
weir_input_have(const struct weir_input *in)
{
	return in->end - in->begin;
}

static inline const uint8_t *
weir_input_at(const struct weir_input *in)
{
	return in->buf + in->begin;
}

static inline void
weir_input_consume(struct weir_input *in, size_t n)
{
	in->begin += n;
	in->offset += n;
}

#endif
