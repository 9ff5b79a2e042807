/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_byteorder.h>
#include <rte_ethdev.h>
#include <rte_thash.h>
#include <weir/port/eal.h>
#include <weir/port/port.h>

#include "check.h"
#include "spread.h"

/* How a NIC hashes, as its driver tells, told to others, and used by them. net_null tells it all.
 */

static struct net_addr
addr(unsigned version, uint8_t last)
{
	struct net_addr a = { { version == 4 ? 192 : 0x20, version == 4 ? 0 : 1, 2 } };

	a.b[version == 4 ? 3 : 15] = last;
	return a;
}

static uint32_t
word(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* What the device would hash, by the key that DPDK reads from it. */
static uint32_t
hash_of(uint16_t device, unsigned version, const struct net_addr *from, const struct net_addr *to,
    uint16_t from_port, uint16_t to_port)
{
	uint8_t key[64];
	struct rte_eth_rss_conf conf = { .rss_key = key, .rss_key_len = 40 };
	unsigned n = version == 4 ? 1 : 4;
	uint32_t tuple[9];

	CU_ASSERT_EQUAL_FATAL(rte_eth_dev_rss_hash_conf_get(device, &conf), 0);
	for (unsigned i = 0; i < n; i++) {
		tuple[i] = word(from->b + 4 * i);
		tuple[n + i] = word(to->b + 4 * i);
	}
	tuple[2 * n] = (uint32_t)from_port << 16 | to_port;
	return rte_softrss(tuple, 2 * n + 1, key);
}

static void
test_announce(void)
{
	struct weir_port_config c = {
		.name = "vdev:net_null0,size=64", .n_workers = 4, .n_senders = 1
	};
	struct weir_port *p = NULL;
	struct weir_error err = { 0 };

	if (weir_port_open(&c, &p, &err)) {
		fprintf(stderr, "%s\n", err.text);
		CU_FAIL_FATAL("net_null cannot be opened");
	}
	CU_ASSERT_EQUAL(p->n_rx, 4);
	for (unsigned version = 4; version <= 6; version += 2) {
		struct net_addr from = addr(version, 1), to = addr(version, 2);
		struct weir_wire_rss told, heard = { .n_queues = 4 };
		uint16_t ports[WEIR_SPREAD_QUEUES];
		char text[WEIR_WIRE_RSS_TEXT_BYTES];
		bool is_found = false;

		weir_spread_announce(p->rx[0].id, version, p->n_rx, &told);
		CU_ASSERT_EQUAL(told.n_queues, 4);
		CU_ASSERT_EQUAL(told.key_len, 40);
		CU_ASSERT_TRUE(
		    weir_wire_rss_parse(weir_wire_rss_text(&told, text, sizeof(text)), &heard));
		CU_ASSERT_EQUAL(heard.n_table, told.n_table);
		CU_ASSERT_EQUAL(memcmp(heard.key, told.key, told.key_len), 0);
		CU_ASSERT_EQUAL(memcmp(heard.table, told.table, told.n_table), 0);
		CU_ASSERT_EQUAL(
		    weir_spread_ports(&heard, version, &from, &to, 5748, ports, &is_found), 4);
		CU_ASSERT_TRUE(is_found);
		for (unsigned q = 0; q < 4; q++) {
			uint32_t hash = hash_of(p->rx[0].id, version, &from, &to, ports[q], 5748);

			CU_ASSERT_EQUAL(told.table[hash % told.n_table], q);
		}
	}
	weir_port_close(p);
}

static void
test_text(void)
{
	static const char *const bad[] = { "", "mac=02:00:00:00:00:01", "toeplitz", "toeplitz ",
		"toeplitz 6d5a", "toeplitz 6d5a ", "toeplitz  00", "toeplitz 6d5 00",
		"toeplitz 6d5a 000", "toeplitz 6d5a 000102", "toeplitz 6d5a 00 ",
		"toeplitz 6D5a 00", "toeplitz 6d5a zz", "Toeplitz 6d5a 00" };
	struct weir_wire_rss rss = { .n_queues = 3, .key_len = 7, .n_table = 9 };
	char text[WEIR_WIRE_RSS_TEXT_BYTES + 64];

	for (unsigned i = 0; i < RTE_DIM(bad); i++) {
		CU_ASSERT_FALSE(weir_wire_rss_parse(bad[i], &rss));
		CU_ASSERT_EQUAL(rss.n_queues, 3);
		CU_ASSERT_EQUAL(rss.key_len, 0);
		CU_ASSERT_EQUAL(rss.n_table, 0);
	}
	CU_ASSERT_TRUE(weir_wire_rss_parse("toeplitz 6d5a 00010102", &rss));
	CU_ASSERT_EQUAL(rss.key_len, 2);
	CU_ASSERT_EQUAL(rss.key[1], 0x5a);
	CU_ASSERT_EQUAL(rss.n_table, 4);
	CU_ASSERT_EQUAL(rss.table[3], 2);
	CHECK_TEXT(weir_wire_rss_text(&rss, text, sizeof(text)), "toeplitz 6d5a 00010102");
	/* no room, no key; as long as can be, and longer */
	CHECK_TEXT(weir_wire_rss_text(&rss, text, 22), "");
	CHECK_TEXT(weir_wire_rss_text(&rss, text, 23), "toeplitz 6d5a 00010102");
	rss.key_len = 0;
	CHECK_TEXT(weir_wire_rss_text(&rss, text, sizeof(text)), "");
	rss.key_len = WEIR_WIRE_RSS_KEY_BYTES;
	rss.n_table = WEIR_WIRE_RSS_TABLE;
	CU_ASSERT_TRUE(
	    weir_wire_rss_parse(weir_wire_rss_text(&rss, text, WEIR_WIRE_RSS_TEXT_BYTES), &rss));
	CU_ASSERT_EQUAL(rss.n_table, WEIR_WIRE_RSS_TABLE);
	strcat(text, "00");
	CU_ASSERT_FALSE(weir_wire_rss_parse(text, &rss));
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "a driver tells, and source ports are found", test_announce },
		{ "as text", test_text },
		CU_TEST_INFO_NULL,
	};
	char *args[] = { (char[]){ "--no-huge" }, (char[]){ "-m" }, (char[]){ "512" } };
	struct weir_error err = { 0 };
	int status;

	if (weir_eal_start("weir", args, 3, &err) != 0) {
		fprintf(stderr, "announce: skipped: %s\n", err.text);
		return CHECK_SKIPPED;
	}
	status = check_run("announce", tests);
	weir_eal_stop();
	return status;
}
