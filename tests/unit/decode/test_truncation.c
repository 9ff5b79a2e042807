/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "packets.h"

/* Packets cut at every length, from memory of just that size: a sanitizer sees each byte too far.
 */

static void
check_cut(const struct packet *p, uint32_t cap_len, uint32_t wire_len)
{
	struct weir_batch *b = decode_one(p, cap_len, wire_len);
	struct weir_value payload = weir_column_get(&b->col[WEIR_FIELD_PAYLOAD], 0);

	CU_ASSERT(b->l3_off[0] <= cap_len);
	CU_ASSERT(b->l4_off[0] <= cap_len);
	CU_ASSERT(b->l4_end[0] <= wire_len);
	if (!payload.is_null) {
		CU_ASSERT(payload.s.p + payload.s.len <= b->data[0] + cap_len);
		CU_ASSERT(weir_column_get(&b->col[WEIR_FIELD_PAYLOAD_LEN], 0).i >= payload.s.len);
	}
	free_one(b);
}

static void
every_cut_stays_within_the_capture(void)
{
	struct packet p;

	for (unsigned i = 0; packet_sample(i, &p); i++) {
		for (uint32_t cap = 0; cap <= p.len; cap++) {
			check_cut(&p, cap, p.len);
			check_cut(&p, cap, cap);
			check_cut(&p, p.len, cap);
			check_cut(&p, cap, 100000);
		}
	}
}

static void
every_link_type_survives_any_packet(void)
{
	struct packet p;

	for (unsigned i = 0; packet_sample(i, &p); i++) {
		for (unsigned link = 0; link <= WEIR_N_LINKS; link++) {
			p.link = (enum weir_link)link;
			for (uint32_t cap = 0; cap <= p.len; cap++)
				check_cut(&p, cap, p.len);
		}
	}
}

/* With one byte less than the whole there is one field less, and never one more. */
static void
fields_only_vanish_with_fewer_bytes(void)
{
	struct packet p;

	for (unsigned i = 0; packet_sample(i, &p); i++) {
		struct weir_batch *longer = decode_one(&p, p.len, p.len);

		for (uint32_t cap = p.len; cap-- > 0;) {
			struct weir_batch *b = decode_one(&p, cap, p.len);

			for (unsigned f = 0; f < WEIR_N_FIELDS; f++) {
				if (!weir_mask_test(longer->col[f].null, 0))
					continue;
				if (weir_mask_test(b->col[f].null, 0))
					continue;
				printf("\n    %s: %s appears at %u bytes", p.name,
				    weir_fields[f].name, cap);
				CU_FAIL("a field appears");
			}
			free_one(longer);
			longer = b;
		}
		CU_ASSERT(weir_mask_test(longer->col[WEIR_FIELD_IP_SRC].null, 0));
		free_one(longer);
	}
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "every cut stays within the capture", every_cut_stays_within_the_capture },
		{ "every link type survives any packet", every_link_type_survives_any_packet },
		{ "fields only vanish with fewer bytes", fields_only_vanish_with_fewer_bytes },
		CU_TEST_INFO_NULL,
	};

	return check_run("decode truncation", tests);
}
