/* SPDX-License-Identifier: BSD-3-Clause */
/* Without a secret: the same calls, nothing is sealed, and the two kinds of nodes tell each other
 * apart. */
#include "check.h"
#include "seal_world.h"

static void
test_in_clear(void)
{
	struct weir_seal *a = make_node(NULL, NODE_A, NULL), *b = make_node(NULL, NODE_B, NULL);
	struct rte_mbuf *m;

	CHECK_TEXT(weir_seal_device(a), "none");
	CU_ASSERT_EQUAL(weir_seal_tail_bytes(a), 0);
	m = make_sealed(a, NODE_B, EPOCH, 100);
	CU_ASSERT_TRUE(has_payload(m, 100));
	CU_ASSERT_EQUAL(head_of(m)->flags, rte_cpu_to_be_16(WEIR_FRAME_COMPRESSED));
	CHECK_VERDICT(accept_copy(b, m), WEIR_SEAL_UNKNOWN_SENDER);
	CU_ASSERT_EQUAL(weir_seal_peer_add(b, NODE_A, NULL), 0);
	CHECK_VERDICT(accept_copy(b, m), WEIR_SEAL_OK);
	CHECK_VERDICT(accept_copy(b, m), WEIR_SEAL_REPLAYED);
	weir_seal_epochs(b, EPOCH + 2, EPOCH + 1);
	CHECK_VERDICT(accept_copy(b, m), WEIR_SEAL_STALE_EPOCH);
	weir_seal_epochs(b, EPOCH - 1, EPOCH - 2);
	CHECK_VERDICT(accept_copy(b, m), WEIR_SEAL_FUTURE_EPOCH);
	rte_pktmbuf_free(m);
	weir_seal_close(a);
	weir_seal_close(b);
}

static void
test_mixed(void)
{
	struct weir_seal *clear = make_node(NULL, NODE_A, NULL);
	struct weir_seal *sealing = make_node(SECRET, NODE_B, NULL);
	struct rte_mbuf *m;

	CU_ASSERT_EQUAL(weir_seal_peer_add(clear, NODE_B, NULL), 0);
	CU_ASSERT_EQUAL(weir_seal_peer_add(sealing, NODE_A, NULL), 0);
	m = make_sealed(clear, NODE_B, EPOCH, 100);
	CHECK_VERDICT(accept_one(sealing, m), WEIR_SEAL_UNSEALED);
	rte_pktmbuf_free(m);
	m = make_sealed(sealing, NODE_A, EPOCH, 100);
	CHECK_VERDICT(accept_one(clear, m), WEIR_SEAL_SEALED);
	rte_pktmbuf_free(m);
	CU_ASSERT_EQUAL(weir_seal_counters(sealing)->accept[WEIR_SEAL_UNSEALED], 1);
	CU_ASSERT_EQUAL(weir_seal_counters(clear)->accept[WEIR_SEAL_SEALED], 1);
	weir_seal_close(clear);
	weir_seal_close(sealing);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "in clear", test_in_clear },
		{ "sealed and in clear do not mix", test_mixed },
		CU_TEST_INFO_NULL,
	};

	return world_run("clear", tests);
}
