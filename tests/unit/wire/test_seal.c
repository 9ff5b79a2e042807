/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames from one node to another, over each crypto device that this host has. */
#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "random.h"
#include "seal_parts.h"
#include "seal_world.h"

/* For each device there is; the tests below are of one. */
static void
over_devices(void (*test)(const char *device))
{
	for (unsigned i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if (has_device(devices[i]))
			test(devices[i]);
}

/*
 * A frame that was computed by another implementation, python3-cryptography's AESGCM and hmac's
 * SHA-256: key = HMAC(HMAC("taps", SECRET), "weir wire v1" || A || 42 || 0 || 1), nonce 0^32 || 1,
 * additional data = the header || B.
 */
static void
known_answer(const char *device)
{
	static const char want[] =
	    "57450107000300030102030405060708000000000000002a0000000000000001"
	    "faec0880479481b937e6f826b46cd06608114478908950c12282"
	    "6d40bb4c446d1a5be004718952c77e71";
	static const char said[] = "what is said between nodes";
	struct weir_seal *a, *b;
	struct rte_mbuf *m = make_frame(EPOCH, sizeof(said) - 1);
	char got[sizeof(want)] = "";

	make_pair(device, &a, &b);
	memcpy(rte_pktmbuf_mtod_offset(m, char *, WEIR_FRAME_HEAD_BYTES), said, sizeof(said) - 1);
	CHECK_VERDICT(protect_one(a, NODE_B, m), WEIR_SEAL_OK);
	for (unsigned i = 0; i < m->data_len && 2 * i + 2 < sizeof(got); i++)
		snprintf(got + 2 * i, 3, "%02x", *rte_pktmbuf_mtod_offset(m, uint8_t *, i));
	CHECK_TEXT(got, want);
	CHECK_VERDICT(accept_one(b, m), WEIR_SEAL_OK);
	CU_ASSERT_EQUAL(m->data_len, WEIR_FRAME_HEAD_BYTES + sizeof(said) - 1);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_mtod_offset(m, char *, WEIR_FRAME_HEAD_BYTES), said,
			    sizeof(said) - 1),
	    0);
	rte_pktmbuf_free(m);
	weir_seal_close(a);
	weir_seal_close(b);
}

static void
test_known_answer(void)
{
	over_devices(known_answer);
}

#define N_BURST 200 /* more than the device gets at once */

static void
make_burst(struct rte_mbuf **m, uint64_t *to)
{
	static const unsigned sizes[] = { 0, 1, 15, 16, 17, 63, 64, 1302, 1440, 3900 };

	for (unsigned i = 0; i < N_BURST; i++) {
		m[i] = make_frame(EPOCH, sizes[i % 10]);
		to[i] = NODE_B;
	}
}

/* from and at have devices of their own. */
static void
send_burst(struct weir_seal *from, struct weir_seal *at)
{
	static const unsigned sizes[] = { 0, 1, 15, 16, 17, 63, 64, 1302, 1440, 3900 };
	enum weir_seal_verdict verdict[N_BURST];
	struct rte_mbuf *m[N_BURST];
	uint64_t to[N_BURST], first = weir_seal_next(from);

	make_burst(m, to);
	CU_ASSERT_EQUAL(weir_seal_protect(from, to, m, N_BURST, verdict), N_BURST);
	CU_ASSERT_EQUAL(weir_seal_next(from), first + N_BURST);
	for (unsigned i = 0; i < N_BURST; i++) {
		CU_ASSERT_EQUAL(
		    m[i]->data_len, WEIR_FRAME_HEAD_BYTES + sizes[i % 10] + WEIR_TAG_BYTES);
		CU_ASSERT_EQUAL(rte_be_to_cpu_64(head_of(m[i])->number), first + i);
		CU_ASSERT_EQUAL(rte_be_to_cpu_64(head_of(m[i])->incarnation), NODE_A);
		CU_ASSERT_EQUAL(head_of(m[i])->flags,
		    rte_cpu_to_be_16(WEIR_FRAME_SEALED | WEIR_FRAME_COMPRESSED));
		CU_ASSERT_EQUAL(head_of(m[i])->type, 7);
		CU_ASSERT_EQUAL(head_of(m[i])->queue, rte_cpu_to_be_16(3));
	}
	CU_ASSERT_EQUAL(weir_seal_accept(at, m, N_BURST, verdict), N_BURST);
	for (unsigned i = 0; i < N_BURST; i++) {
		CHECK_VERDICT(verdict[i], WEIR_SEAL_OK);
		CU_ASSERT_TRUE(has_payload(m[i], sizes[i % 10]));
		rte_pktmbuf_free(m[i]);
	}
}

static void
bursts(const char *device)
{
	struct weir_seal *a, *b;

	make_pair(device, &a, &b);
	for (unsigned i = 0; i < 3; i++)
		send_burst(a, b);
	CU_ASSERT_EQUAL(weir_seal_counters(a)->protect[WEIR_SEAL_OK], 3 * N_BURST);
	CU_ASSERT_EQUAL(weir_seal_counters(b)->accept[WEIR_SEAL_OK], 3 * N_BURST);
	CU_ASSERT_EQUAL(weir_seal_counters(a)->n_keys, 1);
	CU_ASSERT_EQUAL(weir_seal_counters(b)->n_keys, 1);
	weir_seal_close(a);
	weir_seal_close(b);
}

static void
test_bursts(void)
{
	over_devices(bursts);
}

static void
test_devices_agree(void)
{
	struct weir_seal *a, *b, *other;

	if (!has_device(devices[0]) || !has_device(devices[1]))
		return;
	for (unsigned i = 0; i < 2; i++) {
		make_pair(devices[i], &a, &b);
		weir_seal_close(b);
		other = make_node(SECRET, NODE_B, devices[1 - i]);
		CU_ASSERT_EQUAL(weir_seal_peer_add(other, NODE_A, NULL), 0);
		send_burst(a, other);
		weir_seal_close(a);
		weir_seal_close(other);
	}
}

/* Bytes of payloads are not there to be read, and the same ones never look the same. */
static void
hidden(const char *device)
{
	struct weir_seal *a, *b;
	struct rte_mbuf *first, *second;
	unsigned n_same = 0;

	make_pair(device, &a, &b);
	first = make_sealed(a, NODE_B, EPOCH, 1000);
	second = make_sealed(a, NODE_B, EPOCH, 1000);
	CU_ASSERT_FALSE(has_payload(first, 1000 + WEIR_TAG_BYTES));
	for (unsigned i = WEIR_FRAME_HEAD_BYTES; i < first->data_len; i++)
		n_same += *rte_pktmbuf_mtod_offset(first, uint8_t *, i) ==
			  *rte_pktmbuf_mtod_offset(second, uint8_t *, i);
	CU_ASSERT(n_same < 30); /* four of a thousand by chance */
	rte_pktmbuf_free(first);
	rte_pktmbuf_free(second);
	weir_seal_close(a);
	weir_seal_close(b);
}

static void
test_hidden(void)
{
	over_devices(hidden);
}

/* Where the numbers come to the next 2^23 frames, both ends go on with another key. */
static void
generations(const char *device)
{
	uint64_t border = UINT64_C(1) << SEAL_GENERATION_BITS;
	struct rte_mbuf *m[4];
	struct weir_seal *a, *b;

	make_pair(device, &a, &b);
	a->next = border - 100;
	send_burst(a, b);
	CU_ASSERT_EQUAL(weir_seal_next(a), border + 100);
	CU_ASSERT_EQUAL(weir_seal_counters(a)->n_keys, 2);
	CU_ASSERT_EQUAL(weir_seal_counters(b)->n_keys, 2);
	/* in disorder over the border */
	a->next = 2 * border - 2;
	for (unsigned i = 0; i < 4; i++)
		m[i] = make_sealed(a, NODE_B, EPOCH, 100);
	for (unsigned i = 0; i < 4; i++) {
		CHECK_VERDICT(accept_one(b, m[3 - i]), WEIR_SEAL_OK);
		rte_pktmbuf_free(m[3 - i]);
	}
	CU_ASSERT_EQUAL(weir_seal_counters(b)->n_keys, 3);
	/* many of them in one burst: keys that are in use stay until they were used */
	for (unsigned i = 0; i < 4; i++) {
		a->next = (4 + i) * border;
		m[i] = make_sealed(a, NODE_B, EPOCH, 100);
	}
	{
		enum weir_seal_verdict verdict[4];

		CU_ASSERT_EQUAL(weir_seal_accept(b, m, 4, verdict), 4);
	}
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_TRUE(has_payload(m[i], 100));
		rte_pktmbuf_free(m[i]);
	}
	weir_seal_close(a);
	weir_seal_close(b);
}

static void
test_generations(void)
{
	over_devices(generations);
}

static void
test_numbers_end(void)
{
	struct weir_seal *a, *b;
	struct rte_mbuf *m;

	make_pair(NULL, &a, &b);
	a->next = SEAL_LAST_NUMBER;
	m = make_sealed(a, NODE_B, EPOCH, 10);
	CHECK_VERDICT(accept_one(b, m), WEIR_SEAL_OK);
	rte_pktmbuf_free(m);
	m = make_frame(EPOCH, 10);
	CHECK_VERDICT(protect_one(a, NODE_B, m), WEIR_SEAL_EXHAUSTED);
	CU_ASSERT_TRUE(has_payload(m, 10));
	rte_pktmbuf_free(m);
	weir_seal_close(a);
	weir_seal_close(b);
}

static void
test_what_cannot_be_sealed(void)
{
	struct weir_seal *a, *b;
	struct rte_mbuf *m, *tail;
	uint64_t next;

	make_pair(NULL, &a, &b);
	next = weir_seal_next(a);
	m = make_frame(EPOCH, 10);
	rte_pktmbuf_append(m, (uint16_t)(rte_pktmbuf_tailroom(m) - WEIR_TAG_BYTES + 1));
	CHECK_VERDICT(protect_one(a, NODE_B, m), WEIR_SEAL_MALFORMED);
	rte_pktmbuf_trim(m, 1);
	CHECK_VERDICT(protect_one(a, NODE_B, m), WEIR_SEAL_OK);
	CU_ASSERT_EQUAL(rte_pktmbuf_tailroom(m), 0);
	CHECK_VERDICT(accept_one(b, m), WEIR_SEAL_OK);
	rte_pktmbuf_free(m);
	m = make_frame(EPOCH, 0);
	rte_pktmbuf_trim(m, 1);
	CHECK_VERDICT(protect_one(a, NODE_B, m), WEIR_SEAL_MALFORMED);
	rte_pktmbuf_free(m);
	m = make_frame(EPOCH, 10);
	tail = make_frame(EPOCH, 10);
	CU_ASSERT_EQUAL(rte_pktmbuf_chain(m, tail), 0);
	CHECK_VERDICT(protect_one(a, NODE_B, m), WEIR_SEAL_MALFORMED);
	CHECK_VERDICT(accept_one(b, m), WEIR_SEAL_MALFORMED);
	rte_pktmbuf_free(m);
	m = make_frame(EPOCH + 1, 10);
	CHECK_VERDICT(protect_one(a, NODE_B, m), WEIR_SEAL_FUTURE_EPOCH);
	head_of(m)->epoch = rte_cpu_to_be_64(EPOCH - 1);
	CHECK_VERDICT(protect_one(a, NODE_B, m), WEIR_SEAL_STALE_EPOCH);
	rte_pktmbuf_free(m);
	CU_ASSERT_EQUAL(weir_seal_next(a), next + 1);
	weir_seal_close(a);
	weir_seal_close(b);
}

/* A device that gives nothing back: frames are refused, and no number counts as seen. */
static void
test_device_fails(void)
{
	struct weir_seal *a, *b;
	struct rte_mbuf *m;

	make_pair(NULL, &a, &b);
	a->device.is_stuck = true;
	m = make_frame(EPOCH, 10);
	CHECK_VERDICT(protect_one(a, NODE_B, m), WEIR_SEAL_FAILED);
	CU_ASSERT_EQUAL(m->data_len, WEIR_FRAME_HEAD_BYTES + 10);
	rte_pktmbuf_free(m);
	a->device.is_stuck = false;
	m = make_sealed(a, NODE_B, EPOCH, 10);
	CU_ASSERT_EQUAL(rte_be_to_cpu_64(head_of(m)->number), 2);
	b->device.is_stuck = true;
	CHECK_VERDICT(accept_copy(b, m), WEIR_SEAL_FAILED);
	b->device.is_stuck = false;
	CHECK_VERDICT(accept_one(b, m), WEIR_SEAL_OK);
	CU_ASSERT_EQUAL(weir_seal_counters(b)->accept[WEIR_SEAL_FAILED], 1);
	rte_pktmbuf_free(m);
	weir_seal_close(a);
	weir_seal_close(b);
}

static void
test_device_names(void)
{
	struct weir_seal_spec spec = { .job = "taps" };
	struct weir_secret *secret = NULL;
	struct weir_seal *seal = NULL;
	struct weir_error err = { 0 };

	CU_ASSERT_EQUAL_FATAL(weir_secret_make(SECRET, strlen(SECRET), &secret, NULL), 0);
	spec.secret = secret;
	spec.device = "crypto_opensll";
	CU_ASSERT_EQUAL(weir_seal_open(&spec, &seal, &err), -EINVAL);
	CHECK_TEXT(err.text, "unknown crypto device 'crypto_opensll' (try 'crypto_openssl')");
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
	/* the driver would swallow arguments that it does not know */
	spec.device = "crypto_openssl,no_such=1";
	CU_ASSERT_EQUAL(weir_seal_open(&spec, &seal, &err), -EINVAL);
	CU_ASSERT_PTR_NULL(seal);
	spec.device = NULL;
	CU_ASSERT_EQUAL(weir_seal_open(&spec, &seal, &err), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(seal);
	CU_ASSERT_NOT_EQUAL(weir_seal_incarnation(seal), 0);
	CU_ASSERT_EQUAL(weir_seal_tail_bytes(seal), WEIR_TAG_BYTES);
	weir_seal_close(seal);
	weir_secret_free(secret);
}

/* Devices, pools and names are given back: more than EAL has room for. */
static void
test_open_again(void)
{
	for (unsigned i = 0; i < 200; i++) {
		struct weir_seal *a, *b;
		struct rte_mbuf *m;

		make_pair(NULL, &a, &b);
		m = make_sealed(a, NODE_B, EPOCH, 10);
		CHECK_VERDICT(accept_one(b, m), WEIR_SEAL_OK);
		rte_pktmbuf_free(m);
		weir_seal_close(a);
		weir_seal_close(b);
	}
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "known answer", test_known_answer },
		{ "bursts of all sizes", test_bursts },
		{ "devices understand each other", test_devices_agree },
		{ "payloads are hidden", test_hidden },
		{ "keys change by number", test_generations },
		{ "numbers come to an end", test_numbers_end },
		{ "what cannot be sealed", test_what_cannot_be_sealed },
		{ "a device that fails", test_device_fails },
		{ "names of devices", test_device_names },
		{ "opened and closed again", test_open_again },
		CU_TEST_INFO_NULL,
	};

	return world_run("seal", tests);
}
