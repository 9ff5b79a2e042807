/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>

#include <weir/record/slot.h>

#include "check.h"

/* Of the authors' reference: the key is 0, 1, 2 ... 15, and so are the bytes. */
static const struct {
	size_t len;
	uint64_t hash;
} vectors[] = {
	{ 0, UINT64_C(0x726fdb47dd0e0e31) },
	{ 1, UINT64_C(0x74f839c593dc67fd) },
	{ 7, UINT64_C(0xab0200f58b01d137) },
	{ 8, UINT64_C(0x93f5f5799a932462) },
	{ 15, UINT64_C(0xa129ca6149be45e5) },
	{ 63, UINT64_C(0x958a324ceb064572) },
};

static struct weir_slot_key
counting_key(void)
{
	struct weir_slot_key key;

	for (unsigned i = 0; i < sizeof(key.bytes); i++)
		key.bytes[i] = (uint8_t)i;
	return key;
}

static void
hash_is_siphash(void)
{
	struct weir_slot_key key = counting_key();
	uint8_t bytes[64];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	for (unsigned i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		CU_ASSERT_EQUAL(weir_siphash(&key, bytes, vectors[i].len), vectors[i].hash);
}

static uint16_t
slot_of(const struct weir_value *v, unsigned n)
{
	struct weir_slot_key key = counting_key();
	struct weir_slot_hash h;

	weir_slot_begin(&h, &key);
	for (unsigned i = 0; i < n; i++)
		weir_slot_add(&h, &v[i]);
	return weir_slot_end(&h);
}

/* A value as words, by SipHash of their bytes. */
static void
values_are_hashed_as_words(void)
{
	struct weir_slot_key key = counting_key();
	const struct weir_value v[] = { { .type = WEIR_INT, .i = 80 },
		{ .type = WEIR_STRING, .s = { (const uint8_t *)"eleven byte", 11 } },
		{ .type = WEIR_INT, .is_null = true } };
	const uint64_t words[] = { 1, 80, 5 | 11 << 8, UINT64_C(0x62206e6576656c65),
		UINT64_C(0x657479), 0 };

	CU_ASSERT_EQUAL(slot_of(v, 3), weir_siphash(&key, words, sizeof(words)) % WEIR_SLOTS);
}

static void
equal_values_have_one_slot(void)
{
	const struct weir_value same[][2] = {
		{ { .type = WEIR_FLOAT, .f = 0.0 }, { .type = WEIR_FLOAT, .f = -0.0 } },
		{ { .type = WEIR_FLOAT, .f = NAN }, { .type = WEIR_FLOAT, .f = -NAN } },
		{ { .type = WEIR_INT, .i = 1 }, { .type = WEIR_BOOL, .b = true } },
		{ { .type = WEIR_INT, .i = 5 }, { .type = WEIR_DURATION, .i = 5 } },
		{ { .type = WEIR_INT, .is_null = true }, { .type = WEIR_IP, .is_null = true } },
	};
	const struct weir_value different[][2] = {
		{ { .type = WEIR_INT, .i = 1 }, { .type = WEIR_INT, .i = 2 } },
		{ { .type = WEIR_IP, .version = 4, .addr.lo = 1 },
		    { .type = WEIR_IP, .version = 6, .addr.lo = 1 } },
		{ { .type = WEIR_STRING, .s = { (const uint8_t *)"a", 1 } },
		    { .type = WEIR_STRING, .s = { (const uint8_t *)"a\0", 2 } } },
		{ { .type = WEIR_INT, .i = 0 }, { .type = WEIR_INT, .is_null = true } },
	};

	for (unsigned i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		CU_ASSERT_EQUAL(slot_of(&same[i][0], 1), slot_of(&same[i][1], 1));
	for (unsigned i = 0; i < sizeof(different) / sizeof(different[0]); i++)
		CU_ASSERT_NOT_EQUAL(slot_of(&different[i][0], 1), slot_of(&different[i][1], 1));
}

static void
slots_are_even(void)
{
	static unsigned n[WEIR_SLOTS];
	unsigned most = 0, least = UINT32_MAX;

	for (int64_t i = 0; i < 64 * WEIR_SLOTS; i++)
		n[slot_of(&(struct weir_value){ .type = WEIR_INT, .i = i }, 1)]++;
	for (unsigned i = 0; i < WEIR_SLOTS; i++) {
		most = n[i] > most ? n[i] : most;
		least = n[i] < least ? n[i] : least;
	}
	CU_ASSERT(least > 20 && most < 120);
}

static void
names_have_slots(void)
{
	struct weir_slot_key key = counting_key(), other = key;
	const struct weir_value v = { .type = WEIR_STRING, .s = { (const uint8_t *)"talkers", 7 } };
	unsigned n_same = 0;

	CU_ASSERT_EQUAL(weir_slot_of_name(&key, "talkers"), slot_of(&v, 1));
	for (unsigned i = 0; i < 16; i++) {
		other.bytes[i]++;
		n_same +=
		    weir_slot_of_name(&key, "talkers") == weir_slot_of_name(&other, "talkers");
	}
	CU_ASSERT(n_same < 3);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "hash is SipHash-2-4", hash_is_siphash },
		{ "values are hashed as words", values_are_hashed_as_words },
		{ "equal values have one slot", equal_values_have_one_slot },
		{ "slots are even", slots_are_even },
		{ "names have slots", names_have_slots },
		CU_TEST_INFO_NULL,
	};

	return check_run("slots", tests);
}
