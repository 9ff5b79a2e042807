/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_FILE_READER_H
#define WEIR_SOURCE_FILE_READER_H

#include <stdint.h>

#include <weir/base/error.h>
#include <weir/packet/batch.h>

#include "file_input.h"

/* A capture format: bytes of an input to views of a batch. Used by file.c alone. */

enum weir_read {
	WEIR_READ_OK,      /* b->n packets; 0 where a pipe has nothing yet */
	WEIR_READ_END,     /* b->n is 0; the file is done */
	WEIR_READ_DAMAGED, /* b->n is 0; damage_offset and why say where and how */
};

struct weir_reader;

struct weir_reader_ops {
	/* At most max packets; their views hold until the next call. Packets before damage come
	 * first. */
	enum weir_read (*fill)(struct weir_reader *r, struct weir_batch *b, uint32_t max);
	void (*close)(struct weir_reader *r);
};

struct weir_reader {
	const struct weir_reader_ops *ops;
	struct weir_input *in;
	uint16_t first_interface;
	uint32_t n_interfaces;
	uint64_t damage_offset;
	char why[256]; /* empty: not damaged */
};

/* Open at the file's first byte. Errors leave out the file's name; the caller puts it in front. */
int weir_pcap_reader_open(struct weir_input *in, uint16_t first_interface, struct weir_reader **ret,
    struct weir_error *err);
int weir_pcapng_reader_open(struct weir_input *in, uint16_t first_interface,
    struct weir_reader **ret, struct weir_error *err);

/* Note damage at offset; the first one stays. */
void weir_reader_damage(struct weir_reader *r, uint64_t offset, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What fill returns when nothing more can be read: OK while there are packets to hand on. */
enum weir_read weir_reader_result(
    const struct weir_reader *r, const struct weir_batch *b, bool is_end);

/* Magic numbers as the first four bytes read in the file's order. */
#define WEIR_PCAP_MAGIC_US       0xa1b2c3d4u
#define WEIR_PCAP_MAGIC_NS       0xa1b23c4du
#define WEIR_PCAP_MAGIC_MODIFIED 0xa1b2cd34u /* Kuznetzov's patch: 24-byte record headers */
#define WEIR_PCAPNG_SHB          0x0a0d0d0au

#endif
