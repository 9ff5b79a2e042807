/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/packet/link.h>

#include "check.h"

/* Numbers of https://www.tcpdump.org/linktypes.html. */

static void
known_numbers_have_their_link_type(void)
{
	static const struct {
		int dlt;
		enum weir_link link;
	} known[] = {
		{ 0, WEIR_LINK_NULL },
		{ 1, WEIR_LINK_ETHERNET },
		{ 9, WEIR_LINK_PPP },
		{ 12, WEIR_LINK_RAW_IP },
		{ 14, WEIR_LINK_RAW_IP },
		{ 50, WEIR_LINK_PPP },
		{ 51, WEIR_LINK_PPP },
		{ 101, WEIR_LINK_RAW_IP },
		{ 104, WEIR_LINK_CHDLC },
		{ 108, WEIR_LINK_LOOP },
		{ 113, WEIR_LINK_SLL },
		{ 228, WEIR_LINK_RAW_IP },
		{ 229, WEIR_LINK_RAW_IP },
		{ 239, WEIR_LINK_NFLOG },
		{ 276, WEIR_LINK_SLL2 },
	};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		CU_ASSERT_EQUAL(weir_link_of_dlt(known[i].dlt), known[i].link);
}

static void
other_numbers_are_unknown(void)
{
	static const int other[] = { -1, 6, 105, 107, 127, 192, 65536 };

	for (unsigned i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		CU_ASSERT_EQUAL(weir_link_of_dlt(other[i]), WEIR_LINK_UNKNOWN);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "known numbers have their link type", known_numbers_have_their_link_type },
		{ "other numbers are unknown", other_numbers_are_unknown },
		CU_TEST_INFO_NULL,
	};

	return check_run("decode link of dlt", tests);
}
