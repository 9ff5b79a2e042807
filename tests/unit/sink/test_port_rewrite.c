/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_mbuf.h>

#include "check.h"
#include "port_rewrite.h"

/* A packet in memory of its own, without a pool. */
struct packet {
	struct rte_mbuf m;
	uint8_t bytes[RTE_PKTMBUF_HEADROOM + 64];
};

static struct rte_mbuf *
make(struct packet *p, const char *hex, unsigned headroom)
{
	struct rte_mbuf *m = &p->m;

	memset(p, 0, sizeof(*p));
	m->buf_addr = p->bytes;
	m->buf_len = sizeof(p->bytes);
	m->data_off = (uint16_t)headroom;
	m->nb_segs = 1;
	rte_mbuf_refcnt_set(m, 1);
	for (; hex[0] && hex[1]; hex += 2) {
		unsigned byte;

		sscanf(hex, "%2x", &byte);
		p->bytes[headroom + m->data_len++] = (uint8_t)byte;
	}
	m->pkt_len = m->data_len;
	return m;
}

static void
check(const struct weir_port_rewrite *r, const char *before, const char *after)
{
	struct packet p;
	struct rte_mbuf *m = make(&p, before, 4);
	char got[256] = "";

	CU_ASSERT_TRUE(weir_port_rewrite(r, m));
	CU_ASSERT_EQUAL(m->pkt_len, m->data_len);
	for (unsigned i = 0; i < m->data_len; i++)
		snprintf(got + 2 * i, 3, "%02x", rte_pktmbuf_mtod(m, uint8_t *)[i]);
	CHECK_TEXT(got, after);
}

#define D    "0a0000000001"
#define S    "0b0000000002"
#define TAG  "81000064"
#define IPV4 "0800"
#define REST "4500001400000000"

static void
test_addresses(void)
{
	const struct weir_port_rewrite swap = { .swaps = true };
	const struct weir_port_rewrite src = { .has_src = true, .src = { 2, 0, 0, 0, 0, 9 } };
	const struct weir_port_rewrite both = {
		.swaps = true, .has_dst = true, .dst = { 2, 0, 0, 0, 0, 8 }
	};

	check(&swap, D S IPV4 REST, S D IPV4 REST);
	check(&swap, D S IPV4, S D IPV4);
	check(&src, D S IPV4 REST, D "020000000009" IPV4 REST);
	/* set after they are swapped */
	check(&both, D S IPV4 REST, "020000000008" D IPV4 REST);
}

static void
test_tags(void)
{
	const struct weir_port_rewrite pop = { .pops = true };
	const struct weir_port_rewrite push = { .pushes = true, .tci = 5 << 13 | 100 };
	const struct weir_port_rewrite exchange = { .pops = true, .pushes = true, .tci = 7 };

	check(&pop, D S TAG IPV4 REST, D S IPV4 REST);
	check(&pop, D S "88a80005" TAG IPV4 REST, D S TAG IPV4 REST);
	check(&pop, D S "91000005" IPV4, D S IPV4);
	check(&pop, D S IPV4 REST, D S IPV4 REST);
	/* a tag that the packet does not hold whole stays */
	check(&pop, D S "8100006408", D S "8100006408");
	check(&pop, D S "8100", D S "8100");
	check(&push, D S IPV4 REST, D S "8100a064" IPV4 REST);
	check(&push, D S IPV4, D S "8100a064" IPV4);
	check(&push, D S TAG IPV4, D S "8100a064" TAG IPV4);
	check(&exchange, D S TAG IPV4 REST, D S "81000007" IPV4 REST);
	check(&exchange, D S IPV4 REST, D S "81000007" IPV4 REST);
}

static void
test_no_room(void)
{
	const struct weir_port_rewrite push = { .pushes = true, .tci = 1 };
	struct packet p;
	struct rte_mbuf *m = make(&p, D S IPV4 REST, 3);

	CU_ASSERT_FALSE(weir_port_rewrite(&push, m));
	CU_ASSERT_EQUAL(m->data_off, 3);
	CU_ASSERT_EQUAL(m->data_len, 22);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "addresses", test_addresses },
		{ "tags", test_tags },
		{ "no room for a tag", test_no_room },
		CU_TEST_INFO_NULL,
	};

	return check_run("headers rewritten", tests);
}
