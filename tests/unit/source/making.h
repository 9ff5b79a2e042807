/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_UNIT_SOURCE_MAKING_H
#define TESTS_UNIT_SOURCE_MAKING_H

#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Capture files made byte by byte, in either byte order. */

struct making {
	uint8_t bytes[1 << 16];
	size_t len;
	bool is_swapped;
};

static inline void
put(struct making *m, const void *p, size_t len)
{
	memcpy(m->bytes + m->len, p, len);
	m->len += len;
}

static inline void
put16(struct making *m, uint16_t v)
{
	v = m->is_swapped ? __builtin_bswap16(v) : v;
	put(m, &v, sizeof(v));
}

static inline void
put32(struct making *m, uint32_t v)
{
	v = m->is_swapped ? __builtin_bswap32(v) : v;
	put(m, &v, sizeof(v));
}

static inline void
put64(struct making *m, uint64_t v)
{
	v = m->is_swapped ? __builtin_bswap64(v) : v;
	put(m, &v, sizeof(v));
}

/* len bytes that start at value first and go up. */
static inline void
put_data(struct making *m, uint8_t first, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		m->bytes[m->len++] = (uint8_t)(first + i);
}

static inline void
put_pcap_header(struct making *m, uint32_t magic, uint32_t snap_len, uint32_t linktype)
{
	put32(m, magic);
	put16(m, 2);
	put16(m, 4);
	put32(m, 0);
	put32(m, 0);
	put32(m, snap_len);
	put32(m, linktype);
}

static inline void
put_pcap_record(struct making *m, uint32_t s, uint32_t fraction, uint32_t cap_len,
    uint32_t wire_len, uint8_t first)
{
	put32(m, s);
	put32(m, fraction);
	put32(m, cap_len);
	put32(m, wire_len);
	put_data(m, first, cap_len);
}

/* Blocks: begin returns where the block is; end pads and writes both lengths. */
static inline size_t
begin_block(struct making *m, uint32_t type)
{
	size_t at = m->len;

	put32(m, type);
	put32(m, 0);
	return at;
}

static inline void
end_block(struct making *m, size_t at)
{
	uint32_t total;

	while (m->len % 4)
		m->bytes[m->len++] = 0;
	total = (uint32_t)(m->len - at) + 4;
	put32(m, total);
	memcpy(m->bytes + at + 4, m->bytes + m->len - 4, 4);
}

static inline void
put_section(struct making *m)
{
	size_t at = begin_block(m, 0x0a0d0d0a);

	put32(m, 0x1a2b3c4d);
	put16(m, 1);
	put16(m, 0);
	put64(m, UINT64_MAX);
	end_block(m, at);
}

/* tsresol below 0: no option. */
static inline void
put_interface(struct making *m, uint16_t linktype, uint32_t snap_len, int tsresol, int64_t tsoffset)
{
	size_t at = begin_block(m, 1);

	put16(m, linktype);
	put16(m, 0);
	put32(m, snap_len);
	put16(m, 2); /* if_name, to be skipped */
	put16(m, 3);
	put(m, "eth", 4);
	if (tsresol >= 0) {
		put16(m, 9);
		put16(m, 1);
		m->bytes[m->len++] = (uint8_t)tsresol;
		put(m, "\0\0", 3);
	}
	if (tsoffset) {
		put16(m, 14);
		put16(m, 8);
		put64(m, (uint64_t)tsoffset);
	}
	put32(m, 0);
	end_block(m, at);
}

static inline void
put_enhanced(struct making *m, uint32_t interface, uint64_t stamp, uint32_t cap_len,
    uint32_t wire_len, uint8_t first)
{
	size_t at = begin_block(m, 6);

	put32(m, interface);
	put32(m, (uint32_t)(stamp >> 32));
	put32(m, (uint32_t)stamp);
	put32(m, cap_len);
	put32(m, wire_len);
	put_data(m, first, cap_len);
	end_block(m, at);
}

static inline void
put_obsolete(struct making *m, uint16_t interface, uint64_t stamp, uint32_t len, uint8_t first)
{
	size_t at = begin_block(m, 2);

	put16(m, interface);
	put16(m, 7); /* drops */
	put32(m, (uint32_t)(stamp >> 32));
	put32(m, (uint32_t)stamp);
	put32(m, len);
	put32(m, len);
	put_data(m, first, len);
	end_block(m, at);
}

static inline void
put_simple(struct making *m, uint32_t wire_len, uint32_t cap_len, uint8_t first)
{
	size_t at = begin_block(m, 3);

	put32(m, wire_len);
	put_data(m, first, cap_len);
	end_block(m, at);
}

static inline void
put_unknown(struct making *m, uint32_t type)
{
	size_t at = begin_block(m, type);

	put_data(m, 1, 24);
	end_block(m, at);
}

static inline int
remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	return remove(path);
}

static inline void remove_test_folder(void);

/* A folder for the files of one test program, removed at its end. */
static inline const char *
test_folder(void)
{
	static char folder[64];

	if (!folder[0]) {
		snprintf(folder, sizeof(folder), "/tmp/weir-source-XXXXXX");
		if (!mkdtemp(folder) || atexit(remove_test_folder))
			abort();
	}
	return folder;
}

static inline void
remove_test_folder(void)
{
	nftw(test_folder(), remove_one, 4, FTW_DEPTH | FTW_PHYS);
}

/* "<folder>/<name>"; one of four buffers in turn. */
static inline const char *
test_path(const char *name)
{
	static char paths[4][256];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", test_folder(), name);
	return path;
}

static inline const char *
write_file(const char *name, const void *bytes, size_t len)
{
	const char *path = test_path(name);
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(bytes, 1, len, f) != len || fclose(f))
		abort();
	return path;
}

#endif
