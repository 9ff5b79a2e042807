/* SPDX-License-Identifier: BSD-3-Clause */
#include "seal_world.h"

#include <stdlib.h>

#include <weir/port/eal.h>

#include "check.h"

const char *const devices[2] = { "crypto_aesni_gcm", "crypto_openssl" };

static struct rte_mempool *pool;

struct weir_seal *
make_node(const char *secret, uint64_t incarnation, const char *device)
{
	struct weir_seal_spec spec = {
		.job = "taps", .incarnation = incarnation, .device = device, .max_peers = 4
	};
	struct weir_secret *s = NULL;
	struct weir_seal *seal = NULL;
	struct weir_error err = { 0 };

	if (secret)
		CU_ASSERT_EQUAL_FATAL(weir_secret_make(secret, strlen(secret), &s, NULL), 0);
	spec.secret = s;
	if (weir_seal_open(&spec, &seal, &err))
		fprintf(stderr, "%s\n", err.text);
	weir_secret_free(s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(seal);
	weir_seal_epochs(seal, EPOCH, EPOCH);
	return seal;
}

void
make_pair(const char *device, struct weir_seal **ret_a, struct weir_seal **ret_b)
{
	*ret_a = make_node(SECRET, NODE_A, device);
	*ret_b = make_node(SECRET, NODE_B, device);
	CU_ASSERT_EQUAL(weir_seal_peer_add(*ret_a, NODE_B, NULL), 0);
	CU_ASSERT_EQUAL(weir_seal_peer_add(*ret_b, NODE_A, NULL), 0);
}

bool
has_device(const char *device)
{
	struct weir_secret *secret = NULL;
	struct weir_seal_spec spec = { .job = "taps", .device = device, .max_peers = 1 };
	struct weir_seal *seal = NULL;
	struct weir_error err = { 0 };

	CU_ASSERT_EQUAL_FATAL(weir_secret_make(SECRET, strlen(SECRET), &secret, NULL), 0);
	spec.secret = secret;
	if (weir_seal_open(&spec, &seal, &err))
		check_skip(err.text);
	else
		CHECK_TEXT(weir_seal_device(seal), device);
	weir_seal_close(seal);
	weir_secret_free(secret);
	return seal != NULL;
}

struct weir_frame_head *
head_of(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, struct weir_frame_head *);
}

struct rte_mbuf *
make_frame(uint64_t epoch, unsigned n_payload)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct weir_frame_head *head;
	uint8_t *payload;

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	/* as behind Ethernet, IP and UDP, at an odd address */
	m->data_off = (uint16_t)(RTE_PKTMBUF_HEADROOM + 43);
	head = (struct weir_frame_head *)rte_pktmbuf_append(
	    m, (uint16_t)(WEIR_FRAME_HEAD_BYTES + n_payload));
	memset(head, 0xee, sizeof(*head));
	head->type = 7;
	head->flags = rte_cpu_to_be_16(WEIR_FRAME_COMPRESSED);
	head->queue = rte_cpu_to_be_16(3);
	head->epoch = rte_cpu_to_be_64(epoch);
	payload = (uint8_t *)(head + 1);
	for (unsigned i = 0; i < n_payload; i++)
		payload[i] = (uint8_t)(i * 7 + n_payload);
	return m;
}

bool
has_payload(const struct rte_mbuf *m, unsigned n_payload)
{
	const uint8_t *payload = rte_pktmbuf_mtod_offset(m, const uint8_t *, WEIR_FRAME_HEAD_BYTES);

	if (m->data_len != WEIR_FRAME_HEAD_BYTES + n_payload || m->pkt_len != m->data_len)
		return false;
	for (unsigned i = 0; i < n_payload; i++)
		if (payload[i] != (uint8_t)(i * 7 + n_payload))
			return false;
	return true;
}

struct rte_mbuf *
copy_frame(const struct rte_mbuf *m)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);

	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	return copy;
}

enum weir_seal_verdict
protect_one(struct weir_seal *from, uint64_t to, struct rte_mbuf *m)
{
	enum weir_seal_verdict verdict = WEIR_N_SEAL_VERDICTS;
	unsigned n = weir_seal_protect(from, &to, &m, 1, &verdict);

	CU_ASSERT_EQUAL(n, verdict == WEIR_SEAL_OK);
	return verdict;
}

enum weir_seal_verdict
accept_one(struct weir_seal *at, struct rte_mbuf *m)
{
	enum weir_seal_verdict verdict = WEIR_N_SEAL_VERDICTS;
	unsigned n = weir_seal_accept(at, &m, 1, &verdict);

	CU_ASSERT_EQUAL(n, verdict == WEIR_SEAL_OK);
	return verdict;
}

enum weir_seal_verdict
accept_copy(struct weir_seal *at, const struct rte_mbuf *m)
{
	struct rte_mbuf *copy = copy_frame(m);
	enum weir_seal_verdict verdict = accept_one(at, copy);

	rte_pktmbuf_free(copy);
	return verdict;
}

struct rte_mbuf *
make_sealed(struct weir_seal *from, uint64_t to, uint64_t epoch, unsigned n_payload)
{
	struct rte_mbuf *m = make_frame(epoch, n_payload);

	CHECK_VERDICT(protect_one(from, to, m), WEIR_SEAL_OK);
	return m;
}

int
world_run(const char *suite, const struct CU_TestInfo *tests)
{
	char *args[] = { (char[]){ "--no-huge" }, (char[]){ "-m" }, (char[]){ "256" } };
	struct weir_error err = { 0 };
	int status;

	if (weir_eal_start("weir", args, 3, &err) != 0) {
		fprintf(stderr, "%s: skipped: %s\n", suite, err.text);
		return CHECK_SKIPPED;
	}
	pool = rte_pktmbuf_pool_create("frames", 1023, 0, 0, 8192, SOCKET_ID_ANY);
	status = pool ? check_run(suite, tests) : 1;
	if (pool && rte_mempool_avail_count(pool) != 1023) {
		fprintf(stderr, "%s: %u frames have leaked\n", suite,
		    1023 - rte_mempool_avail_count(pool));
		status = 1;
	}
	rte_mempool_free(pool);
	weir_eal_stop();
	return status;
}
