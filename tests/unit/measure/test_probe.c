/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <weir/measure/probe.h>

#include "check.h"
#include "random.h"

static const struct weir_probe probe = { 0xa1b2c3d4, UINT64_C(0x0102030405060708),
	INT64_C(0x1112131415161718) };

static void
it_is_the_last_bytes_in_network_order(void)
{
	static const uint8_t want[] = { 'W', 'E', 'I', 'R', 0xa1, 0xb2, 0xc3, 0xd4, 1, 2, 3, 4, 5,
		6, 7, 8, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18 };
	uint8_t frame[66];

	memset(frame, 0xee, sizeof(frame));
	CU_ASSERT_TRUE(weir_probe_put(frame, sizeof(frame), &probe));
	CU_ASSERT_EQUAL(memcmp(frame + 42, want, sizeof(want)), 0);
	for (unsigned i = 0; i < 42; i++)
		CU_ASSERT_EQUAL(frame[i], 0xee);
}

/* Behind it and before it is no memory of ours: the sanitizer would tell. */
static void
nothing_outside_the_frame_is_touched(void)
{
	for (uint32_t len = 0; len < 80; len++) {
		struct weir_probe got = { 0 };
		uint8_t *frame = malloc(len ? len : 1);
		bool has_room = len >= WEIR_PROBE_BYTES;

		CU_ASSERT_PTR_NOT_NULL_FATAL(frame);
		memset(frame, 0, len);
		CU_ASSERT_EQUAL(weir_probe_put(frame, len, &probe), has_room);
		CU_ASSERT_EQUAL(weir_probe_get(frame, len, probe.stream, &got), has_room);
		CU_ASSERT_EQUAL(got.number, has_room ? probe.number : 0);
		CU_ASSERT_EQUAL(got.sent_ns, has_room ? probe.sent_ns : 0);
		CU_ASSERT_EQUAL(got.stream, has_room ? probe.stream : 0);
		free(frame);
	}
}

static void
what_changes_the_head_leaves_it(void)
{
	uint8_t frame[100] = { 0 }, tagged[104];
	struct weir_probe got;

	CU_ASSERT_TRUE(weir_probe_put(frame, sizeof(frame), &probe));
	memcpy(tagged, frame, 12);
	memcpy(tagged + 12, "\x81\x00\x00\x05", 4);
	memcpy(tagged + 16, frame + 12, sizeof(frame) - 12);
	CU_ASSERT_TRUE(weir_probe_get(tagged, sizeof(tagged), probe.stream, &got));
	CU_ASSERT_EQUAL(got.number, probe.number);
	CU_ASSERT_TRUE(weir_probe_get(frame + 4, sizeof(frame) - 4, probe.stream, &got));
	CU_ASSERT_EQUAL(got.number, probe.number);
}

static void
others_are_none(void)
{
	struct weir_probe got = { 7, 7, 7 };
	uint8_t frame[66] = { 0 };
	uint64_t rng = 1;

	CU_ASSERT_FALSE(weir_probe_get(frame, sizeof(frame), 0, &got));
	weir_probe_put(frame, sizeof(frame), &probe);
	CU_ASSERT_FALSE(weir_probe_get(frame, sizeof(frame), probe.stream ^ 1, &got));
	CU_ASSERT_FALSE(weir_probe_get(frame, sizeof(frame) - 1, probe.stream, &got));
	for (unsigned bit = 0; bit < 64; bit++) {
		frame[42 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		CU_ASSERT_FALSE(weir_probe_get(frame, sizeof(frame), probe.stream, &got));
		frame[42 + bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (unsigned i = 0; i < 1000; i++) {
		for (unsigned k = 0; k < sizeof(frame); k++)
			frame[k] = (uint8_t)random_next(&rng);
		CU_ASSERT_FALSE(weir_probe_get(frame, sizeof(frame), probe.stream, &got));
	}
	CU_ASSERT_EQUAL(got.number, 7);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "it is the last bytes in network order", it_is_the_last_bytes_in_network_order },
		{ "nothing outside the frame is touched", nothing_outside_the_frame_is_touched },
		{ "what changes the head leaves it", what_changes_the_head_leaves_it },
		{ "others are none", others_are_none },
		CU_TEST_INFO_NULL,
	};

	return check_run("probe", tests);
}
