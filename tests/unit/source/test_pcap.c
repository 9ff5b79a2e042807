/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"
#include "making.h"
#include "reading.h"

#define MAGIC_US       0xa1b2c3d4u
#define MAGIC_NS       0xa1b23c4du
#define MAGIC_MODIFIED 0xa1b2cd34u

/* Everything of a small file in one burst; its views stay until the source is closed. */
static struct weir_batch *
burst_of(const char *path, struct weir_source **ret)
{
	struct weir_batch *b = batch_for_views();
	struct weir_error err;

	CU_ASSERT_EQUAL_FATAL(open_as(WEIR_SOURCE_FILE, path, ret, &err), 0);
	CU_ASSERT_EQUAL_FATAL((*ret)->ops->poll(*ret, 0, b, WEIR_ROWS, 0), WEIR_POLL_OK);
	return b;
}

static void
check_round_trip(uint32_t magic, bool is_swapped)
{
	bool is_nano = magic == MAGIC_NS;
	struct making m = { .is_swapped = is_swapped };
	struct weir_source *s;
	struct weir_batch *b;

	put_pcap_header(&m, magic, 65535, 113);
	put_pcap_record(&m, 1700000000, 123456, 60, 60, 1);
	put_pcap_record(&m, 1700000001, 999999, 40, 1500, 100);
	b = burst_of(write_file("roundtrip.pcap", m.bytes, m.len), &s);
	CU_ASSERT_EQUAL_FATAL(b->n, 2);
	CU_ASSERT_EQUAL(b->time_ns[0], 1700000000 * WEIR_NS_PER_S + (is_nano ? 123456 : 123456000));
	CU_ASSERT_EQUAL(b->time_ns[1], 1700000001 * WEIR_NS_PER_S + (is_nano ? 999999 : 999999000));
	CU_ASSERT_EQUAL(b->cap_len[0], 60);
	CU_ASSERT_EQUAL(b->wire_len[0], 60);
	CU_ASSERT_EQUAL(b->cap_len[1], 40);
	CU_ASSERT_EQUAL(b->wire_len[1], 1500);
	CU_ASSERT_EQUAL(b->data[0][0], 1);
	CU_ASSERT_EQUAL(b->data[0][59], 60);
	CU_ASSERT_EQUAL(b->data[1][0], 100);
	CU_ASSERT_EQUAL(b->data[1][39], 139);
	CU_ASSERT_EQUAL(b->link[0], WEIR_LINK_SLL);
	CU_ASSERT_EQUAL(b->dlt[0], 113);
	CU_ASSERT_PTR_NULL(b->owner[0]);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, 0), WEIR_POLL_END);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, 0), WEIR_POLL_END);
	weir_batch_destroy(b);
	weir_source_close(s);
}

static void
test_magics(void)
{
	check_round_trip(MAGIC_US, false);
	check_round_trip(MAGIC_US, true);
	check_round_trip(MAGIC_NS, false);
	check_round_trip(MAGIC_NS, true);
}

/* Kuznetzov's patched libpcap has eight more bytes in each record header. */
static void
test_modified(void)
{
	for (int order = 0; order < 2; order++) {
		struct making m = { .is_swapped = order };
		struct seen r;

		put_pcap_header(&m, MAGIC_MODIFIED, 65535, 1);
		for (uint8_t i = 0; i < 3; i++) {
			put32(&m, 1000 + i);
			put32(&m, 5);
			put32(&m, 60);
			put32(&m, 61);
			put32(&m, 2); /* interface index, protocol, packet type */
			put32(&m, 0);
			put_data(&m, i, 60);
		}
		CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_FILE,
				    write_file("modified.pcap", m.bytes, m.len), 2, &r),
		    0);
		CU_ASSERT_EQUAL(r.packets, 3);
		CU_ASSERT_EQUAL(r.wire_bytes, 3 * 61);
		CU_ASSERT_EQUAL(r.last_ns, 1002 * WEIR_NS_PER_S + 5000);
		CU_ASSERT_EQUAL(r.end, WEIR_POLL_END);
	}
}

static void
test_times(void)
{
	struct making m = { 0 };
	struct weir_source *s;
	struct weir_batch *b;

	put_pcap_header(&m, MAGIC_US, 65535, 1);
	put_pcap_record(&m, 0x80000000u, 0, 4, 4, 0); /* 2038, where signed seconds end */
	put_pcap_record(&m, 0xffffffffu, 7, 4, 4, 0); /* 2106, where unsigned ones end */
	put_pcap_record(&m, 10, 1000000, 4, 4, 0);    /* a whole second of microseconds */
	put_pcap_record(&m, 10, 2147483647, 4, 4, 0);
	put_pcap_record(&m, 10, 0x80000001u, 4, 4, 0); /* negative: none */
	b = burst_of(write_file("times.pcap", m.bytes, m.len), &s);
	CU_ASSERT_EQUAL_FATAL(b->n, 5);
	CU_ASSERT_EQUAL(b->time_ns[0], INT64_C(2147483648) * WEIR_NS_PER_S);
	CU_ASSERT_EQUAL(b->time_ns[1], INT64_C(4294967295) * WEIR_NS_PER_S + 7000);
	CU_ASSERT_EQUAL(b->time_ns[2], 11 * WEIR_NS_PER_S);
	CU_ASSERT_EQUAL(b->time_ns[3], INT64_C(2157483647000));
	CU_ASSERT_EQUAL(b->time_ns[4], 10 * WEIR_NS_PER_S);
	weir_batch_destroy(b);
	weir_source_close(s);
}

/* A writer that does not keep to its own snap length: nothing of its packets is lost. */
static void
test_longer_than_snap_len(void)
{
	struct making m = { 0 };
	struct weir_source *s;
	struct weir_batch *b;

	put_pcap_header(&m, MAGIC_US, 64, 1);
	put_pcap_record(&m, 1, 0, 200, 200, 0);
	b = burst_of(write_file("snap.pcap", m.bytes, m.len), &s);
	CU_ASSERT_EQUAL_FATAL(b->n, 1);
	CU_ASSERT_EQUAL(b->cap_len[0], 200);
	CU_ASSERT_EQUAL(b->data[0][199], 199);
	weir_batch_destroy(b);
	weir_source_close(s);
}

/* Link types as files have them, with the type that decode knows them by. */
static void
test_link_types(void)
{
	static const struct {
		uint32_t linktype;
		enum weir_link link;
	} types[] = {
		{ 0, WEIR_LINK_NULL },
		{ 1, WEIR_LINK_ETHERNET },
		{ 9, WEIR_LINK_PPP },
		{ 50, WEIR_LINK_PPP },
		{ 51, WEIR_LINK_PPP },
		{ 101, WEIR_LINK_RAW_IP },
		{ 104, WEIR_LINK_CHDLC },
		{ 105, WEIR_LINK_UNKNOWN }, /* IEEE 802.11 */
		{ 107, WEIR_LINK_UNKNOWN }, /* frame relay */
		{ 108, WEIR_LINK_LOOP },
		{ 113, WEIR_LINK_SLL },
		{ 228, WEIR_LINK_RAW_IP },
		{ 229, WEIR_LINK_RAW_IP },
		{ 239, WEIR_LINK_NFLOG },
		{ 276, WEIR_LINK_SLL2 },
	};

	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct making m = { 0 };
		struct weir_source *s;
		struct weir_batch *b;

		put_pcap_header(&m, MAGIC_US, 65535, types[i].linktype);
		put_pcap_record(&m, 1, 0, 60, 60, 0);
		b = burst_of(write_file("link.pcap", m.bytes, m.len), &s);
		CU_ASSERT_EQUAL_FATAL(b->n, 1);
		CU_ASSERT_EQUAL(b->link[0], types[i].link);
		weir_batch_destroy(b);
		weir_source_close(s);
	}
}

static void
test_only_header(void)
{
	struct making m = { 0 };
	struct seen r;

	put_pcap_header(&m, MAGIC_US, 65535, 1);
	CU_ASSERT_EQUAL(
	    read_source(WEIR_SOURCE_FILE, write_file("none.pcap", m.bytes, m.len), 8, &r), 0);
	CU_ASSERT_EQUAL(r.packets, 0);
	CU_ASSERT_EQUAL(r.end, WEIR_POLL_END);
}

/* Cut at every byte: the whole packets come, then an error with the offset of the one that is cut.
 */
static void
test_truncation(void)
{
	static const size_t ends[] = { 24, 24 + 36, 24 + 36 + 46, 24 + 36 + 46 + 56 };
	struct making m = { 0 };
	char offset[32];
	struct seen r;

	put_pcap_header(&m, MAGIC_US, 65535, 1);
	for (uint32_t i = 0; i < 3; i++)
		put_pcap_record(&m, i, 0, 20 + 10 * i, 20 + 10 * i, 0);
	CU_ASSERT_EQUAL_FATAL(m.len, ends[3]);
	for (size_t len = 0; len <= m.len; len++) {
		const char *path = write_file("cut.pcap", m.bytes, len);
		unsigned whole = 0;

		if (len < ends[0]) {
			CU_ASSERT(read_source(WEIR_SOURCE_FILE, path, 8, &r) < 0);
			CU_ASSERT_EQUAL(r.error.fail, WEIR_FAIL_RUN);
			continue;
		}
		while (whole < 3 && len >= ends[whole + 1])
			whole++;
		CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_FILE, path, 8, &r), 0);
		CU_ASSERT_EQUAL(r.packets, whole);
		if (len == ends[whole]) {
			CU_ASSERT_EQUAL(r.end, WEIR_POLL_END);
			continue;
		}
		snprintf(offset, sizeof(offset), "damaged at byte %zu:", ends[whole]);
		CU_ASSERT_EQUAL(r.end, WEIR_POLL_ERROR);
		CU_ASSERT_PTR_NOT_NULL(strstr(r.error.text, offset));
		CU_ASSERT_PTR_NOT_NULL(strstr(r.error.text, "cut.pcap"));
	}
}

static void
test_impossible_length(void)
{
	struct making m = { 0 };
	struct seen r;

	put_pcap_header(&m, MAGIC_US, 65535, 1);
	put_pcap_record(&m, 1, 0, 60, 60, 0);
	put32(&m, 2);
	put32(&m, 0);
	put32(&m, 0xfffffff0u);
	put32(&m, 60);
	put_data(&m, 0, 200);
	CU_ASSERT_EQUAL(
	    read_source(WEIR_SOURCE_FILE, write_file("long.pcap", m.bytes, m.len), 8, &r), 0);
	CU_ASSERT_EQUAL(r.packets, 1);
	CU_ASSERT_EQUAL(r.end, WEIR_POLL_ERROR);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.text, "damaged at byte 100:"));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.error.text, "1 packet before it was read"));
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "micro and nano in both byte orders", test_magics },
		{ "modified record headers", test_modified },
		{ "unsigned seconds, carried fractions", test_times },
		{ "packets longer than the snap length", test_longer_than_snap_len },
		{ "link types", test_link_types },
		{ "a header alone is an empty capture", test_only_header },
		{ "cut at every byte", test_truncation },
		{ "impossible packet length", test_impossible_length },
		CU_TEST_INFO_NULL,
	};

	return check_run("source: classic pcap", tests);
}
