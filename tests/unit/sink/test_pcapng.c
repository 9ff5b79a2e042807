/* SPDX-License-Identifier: BSD-3-Clause */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <weir/base/time.h>

#include "check.h"
#include "rows.h"

/* An ARP request, which every tool decodes. */
static const uint8_t packet[42] = { 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8,
	0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2 };

static void
add(struct weir_packet_block *b, int64_t time_ns, uint32_t cap_len, uint32_t wire_len,
    uint16_t interface, uint16_t dlt)
{
	struct weir_packet_copy meta = { time_ns, cap_len, wire_len, interface, dlt, 0 };

	CU_ASSERT_EQUAL_FATAL(weir_packet_block_add(b, packet, &meta), 0);
}

/* Write the block to a new file and free it. Returns the path. */
static const char *
write_block(struct weir_packet_block *b)
{
	const char *path = rows_path("p.pcapng");
	struct weir_sink *s = NULL;

	CU_ASSERT_EQUAL_FATAL(weir_sink_open(rows_uri("pcapng", path), NULL, 0, &s, NULL), 0);
	CU_ASSERT_EQUAL(weir_sink_packets(s, b, NULL), 0);
	CU_ASSERT_EQUAL(s->counters.delivered, b->n);
	CU_ASSERT_EQUAL(s->counters.dropped_error, 0);
	CU_ASSERT_EQUAL(weir_sink_close(s, NULL), 0);
	weir_packet_block_destroy(b);
	return path;
}

static uint32_t
u32_at(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint16_t
u16_at(const char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void
test_bytes_of_each_block(void)
{
	struct weir_packet_block *b = weir_packet_block_create(1, 1);
	const char *path, *p, *file;
	char *owned;
	size_t len;

	add(b, INT64_C(0x123456789abcdef0), 41, 1500, 3, 12);
	path = write_block(b);
	owned = rows_read(path, &len);
	file = p = owned;
	CU_ASSERT_TRUE_FATAL(len > 116);
	/* Section header. */
	CU_ASSERT_EQUAL(u32_at(p), 0x0a0d0d0a);
	CU_ASSERT_EQUAL(u32_at(p + 8), 0x1a2b3c4d);
	CU_ASSERT_EQUAL(u16_at(p + 12), 1);
	CU_ASSERT_EQUAL(u32_at(p + 16), UINT32_MAX);
	CU_ASSERT_EQUAL(u32_at(p + 20), UINT32_MAX);
	CU_ASSERT_EQUAL(u32_at(p + u32_at(p + 4) - 4), u32_at(p + 4));
	p += u32_at(p + 4);
	/* Interface: link type 101 (raw IP), if_name "3", if_tsresol 9, end. */
	CU_ASSERT_EQUAL(u32_at(p), 1);
	CU_ASSERT_EQUAL(u32_at(p + 4), 40);
	CU_ASSERT_EQUAL(u16_at(p + 8), 101);
	CU_ASSERT_EQUAL(u32_at(p + 12), 0);
	CU_ASSERT_EQUAL(memcmp(p + 16,
			    "\2\0\1\0"
			    "3\0\0\0"
			    "\11\0\1\0"
			    "\11\0\0\0"
			    "\0\0\0\0",
			    20),
	    0);
	CU_ASSERT_EQUAL(u32_at(p + 36), 40);
	p += 40;
	/* Packet: interface 0, time in two words, both lengths, padding. */
	CU_ASSERT_EQUAL(u32_at(p), 6);
	CU_ASSERT_EQUAL(u32_at(p + 4), 76);
	CU_ASSERT_EQUAL(u32_at(p + 8), 0);
	CU_ASSERT_EQUAL(u32_at(p + 12), 0x12345678);
	CU_ASSERT_EQUAL(u32_at(p + 16), 0x9abcdef0);
	CU_ASSERT_EQUAL(u32_at(p + 20), 41);
	CU_ASSERT_EQUAL(u32_at(p + 24), 1500);
	CU_ASSERT_EQUAL(memcmp(p + 28, packet, 41), 0);
	CU_ASSERT_EQUAL(memcmp(p + 28 + 41, "\0\0\0", 3), 0);
	CU_ASSERT_EQUAL(u32_at(p + 72), 76);
	CU_ASSERT_EQUAL(p + 76 - file, (ptrdiff_t)len);
	free(owned);
	rows_remove(path);
}

/* Types of the file's blocks, a letter each: S I E P (simple). */
static void
check_blocks(const char *path, const char *expected)
{
	char types[64] = "";
	size_t len, at = 0;
	char *file = rows_read(path, &len);

	for (unsigned i = 0; at < len && i < sizeof(types) - 1; i++) {
		uint32_t type = u32_at(file + at), n = u32_at(file + at + 4);

		types[i] = type == 1 ? 'I' : type == 3 ? 'P' : type == 6 ? 'E' : 'S';
		CU_ASSERT_TRUE_FATAL(n >= 12 && n % 4 == 0 && n <= len - at);
		CU_ASSERT_EQUAL(u32_at(file + at + n - 4), n);
		at += n;
	}
	CU_ASSERT_EQUAL(at, len);
	CHECK_TEXT(types, expected);
	free(file);
}

static struct weir_packet_block *
several_interfaces(void)
{
	struct weir_packet_block *b = weir_packet_block_create(8, 1024);

	add(b, WINDOW_NS + 1, 42, 42, 5, 1);
	add(b, WEIR_TIME_NONE, 42, 42, 5, 1); /* simple packet */
	add(b, WEIR_TIME_NONE, 20, 42, 5, 1); /* cut short: enhanced, with a comment */
	add(b, WINDOW_NS + 2, 42, 42, 6, 1);
	add(b, WEIR_TIME_NONE, 42, 42, 6,
	    1); /* not the first interface: enhanced, with a comment */
	add(b, -1, 42, 42, 5, 1);
	add(b, WINDOW_NS + 3, 14, 9000, 5, 1);
	return b;
}

static void
test_interfaces_come_before_their_packets(void)
{
	const char *path = write_block(several_interfaces());

	check_blocks(path, "SIEPEIEEEE");
	rows_remove(path);
}

static void
test_no_packets_is_a_file_still(void)
{
	const char *path = write_block(weir_packet_block_create(1, 1));

	check_blocks(path, "S");
	rows_remove(path);
}

/* First line that a command prints with the path in it. */
static void
check_command(const char *command, const char *path, const char *expected)
{
	char line[256], text[1024] = "";
	size_t n;
	FILE *f;

	snprintf(line, sizeof(line), command, path);
	f = popen(line, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	CU_ASSERT_EQUAL(pclose(f), 0);
	CHECK_TEXT(text, expected);
}

static void
test_others_read_it(void)
{
	const char *path;

	if (system("command -v tshark >/dev/null 2>&1") != 0) {
		check_skip("tshark is not installed");
		return;
	}
	path = write_block(several_interfaces());
	check_command("tshark -n -r %s -T fields -e frame.time_epoch -e frame.len -e frame.cap_len "
		      "-e frame.interface_name -e frame.comment 2>&1 | grep -v '^Running'",
	    path,
	    "1767323045.000000001\t42\t42\t5\t\n"
	    "\t42\t42\t5\t\n"
	    "0.000000000\t42\t20\t5\tno time stamp\n"
	    "1767323045.000000002\t42\t42\t6\t\n"
	    "0.000000000\t42\t42\t6\tno time stamp\n"
	    "0.000000000\t42\t42\t5\ttime before 1970\n"
	    "1767323045.000000003\t9000\t14\t5\t\n");
	rows_remove(path);
}

static void
test_full_disk_keeps_whole_packets(void)
{
	const char *path = rows_path("p.pcapng");
	struct weir_packet_block *b = weir_packet_block_create(64, 4096);
	struct rlimit old, small = { .rlim_cur = 1030 };
	struct weir_sink *s = NULL;
	struct weir_error err = { 0 };

	for (unsigned i = 0; i < 50; i++)
		add(b, WINDOW_NS + i, 42, 42, 0, 1);
	signal(SIGXFSZ, SIG_IGN);
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &old), 0);
	CU_ASSERT_EQUAL_FATAL(weir_sink_open(rows_uri("pcapng", path), NULL, 0, &s, NULL), 0);
	small.rlim_max = old.rlim_max;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
	CU_ASSERT_TRUE(weir_sink_packets(s, b, &err) < 0);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &old), 0);
	CU_ASSERT_EQUAL(s->counters.delivered, 12);
	CU_ASSERT_EQUAL(s->counters.delivered + s->counters.dropped_error, 50);
	CU_ASSERT_EQUAL(weir_sink_packets(s, b, &err), 0);
	CU_ASSERT_EQUAL(s->counters.delivered + s->counters.dropped_error, 100);
	weir_sink_close(s, NULL);
	check_blocks(path, "SIEEEEEEEEEEEE");
	weir_packet_block_destroy(b);
	rows_remove(path);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "bytes of each block", test_bytes_of_each_block },
		{ "interfaces come first", test_interfaces_come_before_their_packets },
		{ "no packets", test_no_packets_is_a_file_still },
		{ "others read it", test_others_read_it },
		{ "full disk", test_full_disk_keeps_whole_packets },
		CU_TEST_INFO_NULL,
	};

	return check_run("sink/pcapng", tests);
}
