/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "packets.h"

/* The fast lane and the walk agree on whatever the fast lane takes. */

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static bool
same_layout(const struct layout *a, const struct layout *b)
{
	return a->layers == b->layers && a->ip_len == b->ip_len && a->l4_end == b->l4_end &&
	       a->l2_off == b->l2_off && a->vlan_off == b->vlan_off && a->mpls_off == b->mpls_off &&
	       a->l3_off == b->l3_off && a->frag_off == b->frag_off && a->l4_off == b->l4_off &&
	       a->ip_proto == b->ip_proto;
}

/* Whether the fast lane took the packet. */
static bool
compare(const struct packet *p, uint32_t cap_len, uint32_t wire_len)
{
	uint8_t *copy = malloc(cap_len ? cap_len : 1);
	struct packet_view v = { copy, cap_len, wire_len, p->link, p->decap };
	struct layout fast, walk;
	bool is_taken;

	if (!copy)
		abort();
	memcpy(copy, p->b, cap_len);
	is_taken = decode_layout_fast(&v, &fast);
	if (is_taken) {
		if (decode_layout_walk(&v, &walk) != DECODE_OK || !same_layout(&fast, &walk)) {
			printf("\n    %s, captured %u of %u", p->name, cap_len, wire_len);
			CU_FAIL("the lanes differ");
		}
	}
	free(copy);
	return is_taken;
}

static void
common_packets_take_the_fast_lane(void)
{
	struct packet p;

	for (unsigned i = 0; packet_sample(i, &p); i++) {
		bool is_common = i < 4 || i > 12;

		CU_ASSERT_EQUAL(compare(&p, p.len, p.len), is_common);
	}
}

static void
mutate(struct packet *p, uint64_t *state)
{
	static const uint8_t telling[] = { 0, 1, 4, 5, 6, 7, 8, 17, 20, 28, 0x44, 0x45, 0x46, 0x50,
		0x60, 0x81, 0x86, 0xdd, 0xff };
	unsigned n = (unsigned)(next_random(state) % 4);

	while (n--) {
		uint64_t r = next_random(state);
		unsigned at = (unsigned)(r % p->len);

		p->b[at] =
		    r & 0x100000000 ? telling[(r >> 40) % sizeof(telling)] : (uint8_t)(r >> 48);
	}
}

static void
lanes_agree_on_mutated_packets(void)
{
	uint64_t state = 0x9e3779b97f4a7c15;
	unsigned n_taken = 0, n_left = 0;

	for (unsigned round = 0; round < 20000; round++) {
		struct packet p;

		for (unsigned i = 0; packet_sample(i, &p); i++) {
			uint64_t r = next_random(&state);
			uint32_t cap = r & 7 ? p.len : (uint32_t)(r >> 8) % (p.len + 1);
			uint32_t wire = (r >> 3) & 7 ? p.len : (uint32_t)(r >> 32) % 2000;

			mutate(&p, &state);
			if (compare(&p, cap, wire))
				n_taken++;
			else
				n_left++;
		}
	}
	printf("\n    %u in the fast lane, %u not", n_taken, n_left);
	CU_ASSERT(n_taken > 50000);
	CU_ASSERT(n_left > 50000);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "common packets take the fast lane", common_packets_take_the_fast_lane },
		{ "lanes agree on mutated packets", lanes_agree_on_mutated_packets },
		CU_TEST_INFO_NULL,
	};

	return check_run("decode lanes", tests);
}
