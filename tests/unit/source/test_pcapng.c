/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"
#include "making.h"
#include "reading.h"

#define STAMP_S INT64_C(1700000000)

/* The first burst of a made file; m must not change before the source is closed. */
static struct weir_batch *
burst_of(const struct making *m, struct weir_source **ret)
{
	struct weir_batch *b = batch_for_views();
	struct weir_error err;
	const char *path = write_file("made.pcapng", m->bytes, m->len);

	CU_ASSERT_EQUAL_FATAL(open_as(WEIR_SOURCE_FILE, path, ret, &err), 0);
	CU_ASSERT_EQUAL_FATAL((*ret)->ops->poll(*ret, 0, b, WEIR_ROWS, 0), WEIR_POLL_OK);
	return b;
}

static void
end(struct weir_batch *b, struct weir_source *s)
{
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, 0), WEIR_POLL_END);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, 0), WEIR_POLL_END);
	weir_batch_destroy(b);
	weir_source_close(s);
}

static void
check_blocks(bool is_swapped)
{
	struct making m = { .is_swapped = is_swapped };
	struct weir_source *s;
	struct weir_batch *b;

	put_section(&m);
	put_unknown(&m, 0x0bad);
	put_interface(&m, 1, 0, -1, 0);   /* microseconds by default */
	put_interface(&m, 101, 30, 9, 0); /* raw IP, nanoseconds */
	put_enhanced(&m, 0, (uint64_t)STAMP_S * 1000000 + 5, 61, 1500, 10);
	put_unknown(&m, 5); /* statistics */
	put_enhanced(&m, 1, (uint64_t)STAMP_S * 1000000000 + 7, 28, 28, 20);
	put_obsolete(&m, 1, (uint64_t)STAMP_S * 1000000000 + 8, 24, 30);
	put_simple(&m, 50, 50, 40);
	put_unknown(&m, 0x40000bad); /* custom, may not be copied */
	b = burst_of(&m, &s);
	CU_ASSERT_EQUAL_FATAL(b->n, 4);
	CU_ASSERT_EQUAL(b->time_ns[0], STAMP_S * WEIR_NS_PER_S + 5000);
	CU_ASSERT_EQUAL(b->time_ns[1], STAMP_S * WEIR_NS_PER_S + 7);
	CU_ASSERT_EQUAL(b->time_ns[2], STAMP_S * WEIR_NS_PER_S + 8);
	CU_ASSERT_EQUAL(b->time_ns[3], WEIR_TIME_NONE);
	CU_ASSERT_EQUAL(b->cap_len[0], 61);
	CU_ASSERT_EQUAL(b->wire_len[0], 1500);
	CU_ASSERT_EQUAL(b->data[0][60], 70);
	CU_ASSERT_EQUAL(b->cap_len[1], 28);
	CU_ASSERT_EQUAL(b->cap_len[2], 24);
	CU_ASSERT_EQUAL(b->data[2][0], 30);
	CU_ASSERT_EQUAL(b->cap_len[3], 50);
	CU_ASSERT_EQUAL(b->data[3][49], 89);
	CU_ASSERT_EQUAL(b->interface[0], 0);
	CU_ASSERT_EQUAL(b->interface[1], 1);
	CU_ASSERT_EQUAL(b->interface[3], 0);
	CU_ASSERT_EQUAL(b->link[0], WEIR_LINK_ETHERNET);
	CU_ASSERT_EQUAL(b->link[1], WEIR_LINK_RAW_IP);
	CU_ASSERT_EQUAL(b->dlt[1], 12); /* DLT_RAW, which is what libpcap's filters take */
	CU_ASSERT_EQUAL(s->n_interfaces, 2);
	end(b, s);
}

static void
test_blocks(void)
{
	check_blocks(false);
	check_blocks(true);
}

/* A simple packet block holds what the snap length lets through. */
static void
test_simple_snap_len(void)
{
	struct making m = { 0 };
	struct weir_source *s;
	struct weir_batch *b;

	put_section(&m);
	put_interface(&m, 1, 30, -1, 0);
	put_simple(&m, 1500, 30, 1);
	put_simple(&m, 20, 20, 2);
	b = burst_of(&m, &s);
	CU_ASSERT_EQUAL_FATAL(b->n, 2);
	CU_ASSERT_EQUAL(b->cap_len[0], 30);
	CU_ASSERT_EQUAL(b->wire_len[0], 1500);
	CU_ASSERT_EQUAL(b->cap_len[1], 20);
	end(b, s);
}

static int64_t
time_of(int tsresol, int64_t tsoffset, uint64_t stamp)
{
	struct making m = { 0 };
	struct weir_source *s;
	struct weir_batch *b;
	int64_t t;

	put_section(&m);
	put_interface(&m, 1, 0, tsresol, tsoffset);
	put_enhanced(&m, 0, stamp, 4, 4, 0);
	b = burst_of(&m, &s);
	CU_ASSERT_EQUAL_FATAL(b->n, 1);
	t = b->time_ns[0];
	end(b, s);
	return t;
}

static void
test_resolutions(void)
{
	CU_ASSERT_EQUAL(time_of(0, 0, 12), 12 * WEIR_NS_PER_S);
	CU_ASSERT_EQUAL(time_of(3, 0, 12345), INT64_C(12345000000));
	CU_ASSERT_EQUAL(time_of(12, 0, 12345678), 12345);
	CU_ASSERT_EQUAL(time_of(127, 0, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(time_of(0x80 | 10, 0, 1536), INT64_C(1500000000));
	CU_ASSERT_EQUAL(time_of(0x80 | 63, 0, UINT64_C(3) << 62), INT64_C(1500000000));
	CU_ASSERT_EQUAL(time_of(0xff, 0, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(time_of(6, 1000, 5), INT64_C(1000000005000));
	CU_ASSERT_EQUAL(time_of(6, -1000, 5), INT64_C(-999999995000));
	/* Seconds above 2^32 are fine, nanoseconds above 2^63 are no time. */
	CU_ASSERT_EQUAL(time_of(6, 0, UINT64_C(4294967296000000)), INT64_C(4294967296000000000));
	CU_ASSERT_EQUAL(time_of(6, 0, UINT64_MAX), WEIR_TIME_NONE);
	CU_ASSERT_EQUAL(time_of(0, 0, UINT64_MAX), WEIR_TIME_NONE);
	CU_ASSERT_EQUAL(time_of(6, INT64_MIN, 5), WEIR_TIME_NONE);
}

/* Each section has its own byte order and interfaces; their numbers go on. */
static void
test_sections(void)
{
	struct making m = { 0 };
	struct weir_source_config c = { .flag = WEIR_SOURCE_FILE, .first_interface = 5 };
	struct weir_batch *b = batch_for_views();
	struct weir_source *s;
	struct weir_error err;

	put_section(&m);
	put_interface(&m, 1, 0, -1, 0);
	put_interface(&m, 113, 0, -1, 0);
	put_enhanced(&m, 1, 1000000, 40, 40, 1);
	m.is_swapped = true;
	put_section(&m);
	put_interface(&m, 276, 0, -1, 0);
	put_enhanced(&m, 0, 2000000, 44, 44, 2);
	c.value = write_file("sections.pcapng", m.bytes, m.len);
	CU_ASSERT_EQUAL_FATAL(weir_source_open(&c, &s, &err), 0);
	/* The next source's numbers begin behind those that stand before the first packet. */
	CU_ASSERT_EQUAL(s->n_interfaces, 2);
	CU_ASSERT_EQUAL_FATAL(s->ops->poll(s, 0, b, WEIR_ROWS, 0), WEIR_POLL_OK);
	CU_ASSERT_EQUAL_FATAL(b->n, 2);
	CU_ASSERT_EQUAL(b->interface[0], 6);
	CU_ASSERT_EQUAL(b->link[0], WEIR_LINK_SLL);
	CU_ASSERT_EQUAL(b->interface[1], 7);
	CU_ASSERT_EQUAL(b->link[1], WEIR_LINK_SLL2);
	CU_ASSERT_EQUAL(b->time_ns[1], 2 * WEIR_NS_PER_S);
	CU_ASSERT_EQUAL(s->n_interfaces, 3);
	end(b, s);
}

static void
check_damage(struct making *m, const char *why, unsigned packets, size_t offset)
{
	char text[64];
	struct seen r;

	snprintf(text, sizeof(text), "damaged at byte %zu: ", offset);
	CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_FILE,
			    write_file("damaged.pcapng", m->bytes, m->len), WEIR_ROWS, &r),
	    0);
	CU_ASSERT_EQUAL(r.packets, packets);
	CU_ASSERT_EQUAL(r.end, WEIR_POLL_ERROR);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.text, text));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.text, why));
	if (!strstr(r.error.text, text) || !strstr(r.error.text, why))
		printf("\n  '%s' lacks '%s' or '%s'\n", r.error.text, text, why);
}

static void
begin(struct making *m)
{
	memset(m, 0, sizeof(*m));
	put_section(m);
	put_interface(m, 1, 0, -1, 0);
	put_enhanced(m, 0, 1, 20, 20, 0);
}

static void
test_damage(void)
{
	static struct making m;
	uint32_t v;
	size_t at, block;

	begin(&m);
	at = m.len;
	put_enhanced(&m, 3, 1, 20, 20, 0);
	check_damage(&m, "interface 3", 1, at);

	begin(&m);
	at = m.len;
	put_enhanced(&m, 0, 1, 20, 20, 0);
	v = 1000000;
	memcpy(m.bytes + at + 20, &v, 4);
	check_damage(&m, "room for 20", 1, at);

	begin(&m);
	at = m.len;
	put_enhanced(&m, 0, 1, 20, 20, 0);
	m.bytes[m.len - 4] ^= 0x10;
	check_damage(&m, "at the block's end", 1, at);

	begin(&m);
	at = m.len;
	put32(&m, 6);
	put32(&m, 65u << 20);
	put_data(&m, 0, 64);
	check_damage(&m, "more than", 1, at);

	begin(&m);
	at = m.len;
	put32(&m, 6);
	put32(&m, 8);
	put_data(&m, 0, 64);
	check_damage(&m, "impossible block length 8", 1, at);

	begin(&m);
	at = m.len;
	block = begin_block(&m, 6);
	put32(&m, 0);
	end_block(&m, block);
	check_damage(&m, "too short", 1, at);

	begin(&m);
	at = m.len;
	put_section(&m);
	m.bytes[at + 8] = 0;
	check_damage(&m, "byte-order magic", 1, at);

	begin(&m);
	at = m.len;
	put_section(&m);
	m.bytes[at + 12] = 9;
	check_damage(&m, "version 9", 1, at);

	begin(&m);
	at = m.len;
	put_section(&m); /* which describes no interface */
	put_simple(&m, 20, 20, 0);
	check_damage(&m, "interface 0", 1, at + 28);
}

static void
test_truncation(void)
{
	struct making m = { 0 };
	size_t packet_ends[3];
	struct seen r;

	put_section(&m);
	put_interface(&m, 1, 0, 9, 0);
	for (unsigned i = 0; i < 3; i++) {
		put_enhanced(&m, 0, i, 20 + 4 * i, 60, 0);
		packet_ends[i] = m.len;
	}
	for (size_t len = 1; len <= m.len; len++) {
		const char *path = write_file("cut.pcapng", m.bytes, len);
		unsigned whole = 0;

		while (whole < 3 && len >= packet_ends[whole])
			whole++;
		if (read_source(WEIR_SOURCE_FILE, path, WEIR_ROWS, &r)) {
			CU_ASSERT(len < 4); /* not even a magic number */
			continue;
		}
		CU_ASSERT_EQUAL(r.packets, whole);
		/* After whole blocks the file just ends there. */
		if (r.end == WEIR_POLL_ERROR)
			CU_ASSERT_PTR_NOT_NULL(strstr(r.error.text, "cut short"));
	}
	CU_ASSERT_EQUAL(r.end, WEIR_POLL_END);
}

/* Larger than the reader's buffer, so that bursts end where the buffer does. */
static void
test_large(void)
{
	struct making m = { 0 };
	const char *path = test_path("large.pcapng");
	FILE *f = fopen(path, "wb");
	struct seen r;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	put_section(&m);
	put_interface(&m, 1, 0, 9, 0);
	fwrite(m.bytes, 1, m.len, f);
	for (unsigned i = 0; i < 1000; i++) {
		m.len = 0;
		put_enhanced(&m, 0, i, 1 + i * 13 % 9000, 9000, (uint8_t)i);
		fwrite(m.bytes, 1, m.len, f);
	}
	fclose(f);
	CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_FILE, path, WEIR_ROWS, &r), 0);
	CU_ASSERT_EQUAL(r.packets, 1000);
	CU_ASSERT_EQUAL(r.end, WEIR_POLL_END);
	CU_ASSERT_EQUAL(r.wire_bytes, 9000 * 1000);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "all packet blocks in both byte orders", test_blocks },
		{ "simple packets and the snap length", test_simple_snap_len },
		{ "time resolutions and offsets", test_resolutions },
		{ "sections", test_sections },
		{ "damage is named with its offset", test_damage },
		{ "cut at every byte", test_truncation },
		{ "larger than the buffer", test_large },
		CU_TEST_INFO_NULL,
	};

	return check_run("source: pcapng", tests);
}
