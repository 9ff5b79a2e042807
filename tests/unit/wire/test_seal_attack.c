/* SPDX-License-Identifier: BSD-3-Clause */
/* What must be refused, by its name, and what such frames must not change. */
#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "random.h"
#include "seal_parts.h"
#include "seal_world.h"

static void
flip(struct rte_mbuf *m, unsigned bit)
{
	*rte_pktmbuf_mtod_offset(m, uint8_t *, bit / 8) ^= (uint8_t)(1u << (bit % 8));
}

/* What a flipped bit of the header must be refused as. */
static enum weir_seal_verdict
verdict_of_bit(unsigned bit, const struct rte_mbuf *m)
{
	struct weir_frame_head head = *rte_pktmbuf_mtod(m, struct weir_frame_head *);
	unsigned byte = bit / 8;

	((uint8_t *)&head)[byte < sizeof(head) ? byte : 0] ^= (uint8_t)(1u << (bit % 8));
	if (byte < 3)
		return WEIR_SEAL_MALFORMED;
	if (byte == 5 && bit % 8 == 0)
		return WEIR_SEAL_UNSEALED;
	if (byte >= 8 && byte < 16)
		return WEIR_SEAL_UNKNOWN_SENDER;
	if (byte >= 16 && byte < 24)
		return rte_be_to_cpu_64(head.epoch) < EPOCH ? WEIR_SEAL_STALE_EPOCH
							    : WEIR_SEAL_FUTURE_EPOCH;
	if (byte >= 24 && byte < 32 && rte_be_to_cpu_64(head.number) > SEAL_LAST_NUMBER)
		return WEIR_SEAL_MALFORMED;
	if (byte >= 24 && byte < 32 && head.number == 0)
		return WEIR_SEAL_REPLAYED;
	return WEIR_SEAL_FORGED;
}

static void
flipped_bits(const char *device)
{
	struct weir_seal *a, *b;
	struct rte_mbuf *m;

	make_pair(device, &a, &b);
	m = make_sealed(a, NODE_B, EPOCH, 33);
	for (unsigned bit = 0; bit < 8u * m->data_len; bit++) {
		struct rte_mbuf *copy = copy_frame(m);

		flip(copy, bit);
		CHECK_VERDICT(accept_one(b, copy), verdict_of_bit(bit, m));
		rte_pktmbuf_free(copy);
	}
	/* nothing of that has used the number up, nor moved the window */
	CHECK_VERDICT(accept_one(b, m), WEIR_SEAL_OK);
	CU_ASSERT_TRUE(has_payload(m, 33));
	rte_pktmbuf_free(m);
	weir_seal_close(a);
	weir_seal_close(b);
}

static void
test_flipped_bits(void)
{
	for (unsigned i = 0; i < 2; i++)
		if (has_device(devices[i]))
			flipped_bits(devices[i]);
}

static void
test_cut(void)
{
	struct weir_seal *a, *b;
	struct rte_mbuf *m;

	make_pair(NULL, &a, &b);
	m = make_sealed(a, NODE_B, EPOCH, 20);
	for (unsigned n = 0; n < m->data_len; n++) {
		struct rte_mbuf *copy = copy_frame(m);

		rte_pktmbuf_trim(copy, (uint16_t)(copy->data_len - n));
		CHECK_VERDICT(accept_one(b, copy), n < WEIR_FRAME_HEAD_BYTES + WEIR_TAG_BYTES
						       ? WEIR_SEAL_MALFORMED
						       : WEIR_SEAL_FORGED);
		rte_pktmbuf_free(copy);
	}
	/* longer, as where Ethernet's padding was left on */
	{
		struct rte_mbuf *copy = copy_frame(m);

		memset(rte_pktmbuf_append(copy, 4), 0, 4);
		CHECK_VERDICT(accept_one(b, copy), WEIR_SEAL_FORGED);
		rte_pktmbuf_free(copy);
	}
	CHECK_VERDICT(accept_one(b, m), WEIR_SEAL_OK);
	rte_pktmbuf_free(m);
	weir_seal_close(a);
	weir_seal_close(b);
}

#define N_KEPT 500

/* In any order each frame is taken once, however often it comes. */
static void
test_replays(void)
{
	struct weir_seal *a, *b;
	struct rte_mbuf *m[N_KEPT];
	uint64_t seed = 5;

	make_pair(NULL, &a, &b);
	for (unsigned i = 0; i < N_KEPT; i++)
		m[i] = make_sealed(a, NODE_B, EPOCH, 40);
	for (unsigned i = N_KEPT - 1; i; i--) {
		unsigned k = (unsigned)(random_next(&seed) % (i + 1));
		struct rte_mbuf *t = m[i];

		m[i] = m[k];
		m[k] = t;
	}
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < N_KEPT; i++)
			CHECK_VERDICT(
			    accept_copy(b, m[i]), round ? WEIR_SEAL_REPLAYED : WEIR_SEAL_OK);
	CU_ASSERT_EQUAL(weir_seal_counters(b)->accept[WEIR_SEAL_OK], N_KEPT);
	CU_ASSERT_EQUAL(weir_seal_counters(b)->accept[WEIR_SEAL_REPLAYED], 2 * N_KEPT);
	for (unsigned i = 0; i < N_KEPT; i++)
		rte_pktmbuf_free(m[i]);
	weir_seal_close(a);
	weir_seal_close(b);
}

static void
test_beyond_the_window(void)
{
	struct weir_seal *a, *b;
	struct rte_mbuf *old, *edge, *last;

	make_pair(NULL, &a, &b);
	old = make_sealed(a, NODE_B, EPOCH, 40);
	edge = make_sealed(a, NODE_B, EPOCH, 40);
	a->next = 1 + SEAL_WINDOW_NUMBERS;
	last = make_sealed(a, NODE_B, EPOCH, 40);
	CHECK_VERDICT(accept_one(b, last), WEIR_SEAL_OK);
	CHECK_VERDICT(accept_one(b, old), WEIR_SEAL_REPLAYED);
	CHECK_VERDICT(accept_one(b, edge), WEIR_SEAL_OK);
	rte_pktmbuf_free(old);
	rte_pktmbuf_free(edge);
	rte_pktmbuf_free(last);
	weir_seal_close(a);
	weir_seal_close(b);
}

/* Several of the same frame among others, in one burst. */
static void
test_twice_in_a_burst(void)
{
	enum weir_seal_verdict verdict[5];
	struct weir_seal *a, *b;
	struct rte_mbuf *m[5];

	make_pair(NULL, &a, &b);
	m[0] = make_sealed(a, NODE_B, EPOCH, 40);
	m[1] = copy_frame(m[0]);
	flip(m[1], 8 * 40);
	m[2] = copy_frame(m[0]);
	m[3] = make_sealed(a, NODE_B, EPOCH, 40);
	m[4] = copy_frame(m[3]);
	CU_ASSERT_EQUAL(weir_seal_accept(b, m, 5, verdict), 2);
	CHECK_VERDICT(verdict[0], WEIR_SEAL_OK);
	CHECK_VERDICT(verdict[1], WEIR_SEAL_FORGED);
	CHECK_VERDICT(verdict[2], WEIR_SEAL_REPLAYED);
	CHECK_VERDICT(verdict[3], WEIR_SEAL_OK);
	CHECK_VERDICT(verdict[4], WEIR_SEAL_REPLAYED);
	for (unsigned i = 0; i < 5; i++)
		rte_pktmbuf_free(m[i]);
	weir_seal_close(a);
	weir_seal_close(b);
}

static void
test_epochs(void)
{
	struct weir_seal *a, *b;
	struct rte_mbuf *m[4];

	make_pair(NULL, &a, &b);
	m[0] = make_sealed(a, NODE_B, EPOCH, 40);
	weir_seal_epochs(a, EPOCH + 8, EPOCH);
	m[1] = make_sealed(a, NODE_B, EPOCH, 40);
	m[2] = make_sealed(a, NODE_B, EPOCH + 8, 40);
	m[3] = make_sealed(a, NODE_B, EPOCH + 8, 40);
	/* the receiver has not heard of the new map yet: the frame stays as it is */
	CHECK_VERDICT(accept_one(b, m[2]), WEIR_SEAL_FUTURE_EPOCH);
	weir_seal_epochs(b, EPOCH + 8, EPOCH);
	CHECK_VERDICT(accept_one(b, m[2]), WEIR_SEAL_OK);
	CU_ASSERT_TRUE(has_payload(m[2], 40));
	CHECK_VERDICT(accept_one(b, m[0]), WEIR_SEAL_OK);
	/* a number below the newest that no map has is none either */
	head_of(m[3])->epoch = rte_cpu_to_be_64(EPOCH + 1);
	CHECK_VERDICT(accept_one(b, m[3]), WEIR_SEAL_STALE_EPOCH);
	head_of(m[3])->epoch = rte_cpu_to_be_64(EPOCH + 8);
	weir_seal_epochs(b, EPOCH + 9, EPOCH + 8);
	CHECK_VERDICT(accept_one(b, m[1]), WEIR_SEAL_STALE_EPOCH);
	CHECK_VERDICT(accept_one(b, m[3]), WEIR_SEAL_OK);
	for (unsigned i = 0; i < 4; i++)
		rte_pktmbuf_free(m[i]);
	weir_seal_close(a);
	weir_seal_close(b);
}

/* A frame says another epoch, which is accepted: it is of another key. */
static void
test_changed_epoch(void)
{
	struct weir_seal *a, *b;
	struct rte_mbuf *m;

	make_pair(NULL, &a, &b);
	m = make_sealed(a, NODE_B, EPOCH, 40);
	weir_seal_epochs(b, EPOCH + 1, EPOCH);
	head_of(m)->epoch = rte_cpu_to_be_64(EPOCH + 1);
	CHECK_VERDICT(accept_one(b, m), WEIR_SEAL_FORGED);
	rte_pktmbuf_free(m);
	weir_seal_close(a);
	weir_seal_close(b);
}

static void
test_other_secrets(void)
{
	struct weir_seal *a, *b, *liar = make_node("another secret, too", NODE_A, NULL);
	struct rte_mbuf *m;

	make_pair(NULL, &a, &b);
	m = make_sealed(liar, NODE_B, EPOCH, 40);
	CHECK_VERDICT(accept_one(b, m), WEIR_SEAL_FORGED);
	rte_pktmbuf_free(m);
	weir_seal_close(liar);
	weir_seal_close(a);
	weir_seal_close(b);
}

/* Of the same secret, but of another job. */
static void
test_other_job(void)
{
	struct weir_seal_spec spec = { .job = "other taps", .incarnation = NODE_A };
	struct weir_secret *secret = NULL;
	struct weir_seal *a, *b, *other = NULL;
	struct rte_mbuf *m;

	make_pair(NULL, &a, &b);
	CU_ASSERT_EQUAL_FATAL(weir_secret_make(SECRET, strlen(SECRET), &secret, NULL), 0);
	spec.secret = secret;
	CU_ASSERT_EQUAL_FATAL(weir_seal_open(&spec, &other, NULL), 0);
	weir_seal_epochs(other, EPOCH, EPOCH);
	m = make_sealed(other, NODE_B, EPOCH, 40);
	CHECK_VERDICT(accept_one(b, m), WEIR_SEAL_FORGED);
	rte_pktmbuf_free(m);
	weir_secret_free(secret);
	weir_seal_close(other);
	weir_seal_close(a);
	weir_seal_close(b);
}

/* To another node, back to its sender, and to the same node after it has started anew. */
static void
test_other_receivers(void)
{
	struct weir_seal *a, *b, *c = make_node(SECRET, NODE_C, NULL);
	struct rte_mbuf *m;

	make_pair(NULL, &a, &b);
	CU_ASSERT_EQUAL(weir_seal_peer_add(c, NODE_A, NULL), 0);
	m = make_sealed(a, NODE_B, EPOCH, 40);
	CHECK_VERDICT(accept_copy(c, m), WEIR_SEAL_FORGED);
	CHECK_VERDICT(accept_copy(a, m), WEIR_SEAL_UNKNOWN_SENDER);
	CU_ASSERT_EQUAL(weir_seal_peer_add(a, NODE_A, NULL), -EINVAL);
	CHECK_VERDICT(accept_copy(b, m), WEIR_SEAL_OK);
	weir_seal_close(b);
	b = make_node(SECRET, NODE_B + 1, NULL);
	CU_ASSERT_EQUAL(weir_seal_peer_add(b, NODE_A, NULL), 0);
	CHECK_VERDICT(accept_copy(b, m), WEIR_SEAL_FORGED);
	rte_pktmbuf_free(m);
	/* greetings are for whoever gets them, once each */
	m = make_sealed(a, 0, EPOCH, 40);
	CHECK_VERDICT(accept_copy(b, m), WEIR_SEAL_OK);
	CHECK_VERDICT(accept_copy(b, m), WEIR_SEAL_REPLAYED);
	CHECK_VERDICT(accept_copy(c, m), WEIR_SEAL_OK);
	rte_pktmbuf_free(m);
	weir_seal_close(a);
	weir_seal_close(b);
	weir_seal_close(c);
}

/* A sender that has started anew has other keys; what it sent before is not taken any more. */
static void
test_restart(void)
{
	struct weir_seal *a, *b, *again = make_node(SECRET, NODE_A + 1, NULL);
	struct rte_mbuf *before, *kept, *after;

	make_pair(NULL, &a, &b);
	before = make_sealed(a, NODE_B, EPOCH, 40);
	kept = make_sealed(a, NODE_B, EPOCH, 40);
	after = make_sealed(again, NODE_B, EPOCH, 40);
	CU_ASSERT_EQUAL(head_of(before)->number, head_of(after)->number);
	CU_ASSERT_NOT_EQUAL(memcmp(rte_pktmbuf_mtod_offset(before, void *, WEIR_FRAME_HEAD_BYTES),
				rte_pktmbuf_mtod_offset(after, void *, WEIR_FRAME_HEAD_BYTES), 40),
	    0);
	CHECK_VERDICT(accept_one(b, before), WEIR_SEAL_OK);
	CHECK_VERDICT(accept_one(b, after), WEIR_SEAL_UNKNOWN_SENDER);
	weir_seal_peer_remove(b, NODE_A);
	CU_ASSERT_EQUAL(weir_seal_peer_add(b, NODE_A + 1, NULL), 0);
	CHECK_VERDICT(accept_one(b, after), WEIR_SEAL_OK);
	CHECK_VERDICT(accept_one(b, kept), WEIR_SEAL_UNKNOWN_SENDER);
	/* the old one's frames as if they were the new one's */
	head_of(kept)->incarnation = rte_cpu_to_be_64(NODE_A + 1);
	CHECK_VERDICT(accept_one(b, kept), WEIR_SEAL_FORGED);
	rte_pktmbuf_free(before);
	rte_pktmbuf_free(kept);
	rte_pktmbuf_free(after);
	weir_seal_close(a);
	weir_seal_close(b);
	weir_seal_close(again);
}

static void
test_peers(void)
{
	struct weir_seal *a, *b;
	struct rte_mbuf *m;
	struct weir_error err = { 0 };

	make_pair(NULL, &a, &b);
	m = make_sealed(a, NODE_B, EPOCH, 40);
	CHECK_VERDICT(accept_copy(b, m), WEIR_SEAL_OK);
	CU_ASSERT_EQUAL(weir_seal_peer_add(b, 0, &err), -EINVAL);
	CU_ASSERT_EQUAL(weir_seal_peer_add(b, NODE_B, &err), -EINVAL);
	/* gone and back, twice over: what it sent is still known */
	for (unsigned i = 0; i < 2; i++) {
		weir_seal_peer_remove(b, NODE_A);
		CHECK_VERDICT(accept_copy(b, m), WEIR_SEAL_UNKNOWN_SENDER);
		CU_ASSERT_EQUAL(weir_seal_peer_add(b, NODE_A, NULL), 0);
		CHECK_VERDICT(accept_copy(b, m), WEIR_SEAL_REPLAYED);
	}
	/* room for four that are there, whoever was before */
	for (uint64_t i = 1; i <= 3; i++)
		CU_ASSERT_EQUAL(weir_seal_peer_add(b, i, NULL), 0);
	CU_ASSERT_EQUAL(weir_seal_peer_add(b, 4, &err), -ENOSPC);
	CHECK_TEXT(err.text, "there are 4 other nodes already");
	for (uint64_t i = 1; i < 50; i++) {
		weir_seal_peer_remove(b, i);
		CU_ASSERT_EQUAL(weir_seal_peer_add(b, i + 3, NULL), 0);
	}
	rte_pktmbuf_free(m);
	m = make_sealed(a, NODE_B, EPOCH, 40);
	CHECK_VERDICT(accept_one(b, m), WEIR_SEAL_OK);
	rte_pktmbuf_free(m);
	weir_seal_close(a);
	weir_seal_close(b);
}

/* Forged headers of all generations between real frames: keys that work are not derived again. */
static void
test_keys_stay(void)
{
	struct weir_seal *a, *b;
	struct rte_mbuf *m[SEAL_BURST];
	enum weir_seal_verdict verdict[SEAL_BURST];
	uint64_t n_forged = 0;

	make_pair(NULL, &a, &b);
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < SEAL_BURST; i++) {
			m[i] = make_sealed(a, NODE_B, EPOCH, 40);
			if (i % 3 == 2) {
				head_of(m[i])->number = rte_cpu_to_be_64(
				    (uint64_t)(1000 * (round + 1) + i) << SEAL_GENERATION_BITS);
				n_forged++;
			}
		}
		weir_seal_accept(b, m, SEAL_BURST, verdict);
		for (unsigned i = 0; i < SEAL_BURST; i++) {
			CHECK_VERDICT(verdict[i], i % 3 == 2 ? WEIR_SEAL_FORGED : WEIR_SEAL_OK);
			rte_pktmbuf_free(m[i]);
		}
	}
	CU_ASSERT_EQUAL(weir_seal_counters(b)->n_keys, 1 + n_forged);
	weir_seal_close(a);
	weir_seal_close(b);
}

/* A node that is no peer makes us derive nothing. */
static void
test_no_work_for_strangers(void)
{
	struct weir_seal *a, *b, *c = make_node(SECRET, NODE_C, NULL);
	struct rte_mbuf *m;

	make_pair(NULL, &a, &b);
	m = make_sealed(c, NODE_B, EPOCH, 40);
	CHECK_VERDICT(accept_one(b, m), WEIR_SEAL_UNKNOWN_SENDER);
	CU_ASSERT_EQUAL(weir_seal_counters(b)->n_keys, 0);
	CU_ASSERT_EQUAL(weir_seal_counters(b)->accept[WEIR_SEAL_UNKNOWN_SENDER], 1);
	CU_ASSERT_EQUAL(weir_seal_peer_add(b, NODE_C, NULL), 0);
	CHECK_VERDICT(accept_one(b, m), WEIR_SEAL_OK);
	CU_ASSERT_TRUE(has_payload(m, 40));
	rte_pktmbuf_free(m);
	weir_seal_close(a);
	weir_seal_close(b);
	weir_seal_close(c);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "any bit that is flipped", test_flipped_bits },
		{ "cut short and padded", test_cut },
		{ "replayed and reordered", test_replays },
		{ "older than the window", test_beyond_the_window },
		{ "twice in a burst", test_twice_in_a_burst },
		{ "epochs", test_epochs },
		{ "an epoch that is changed", test_changed_epoch },
		{ "of another secret", test_other_secrets },
		{ "of another job", test_other_job },
		{ "for another receiver", test_other_receivers },
		{ "a sender that starts anew", test_restart },
		{ "peers come and go", test_peers },
		{ "keys that work stay", test_keys_stay },
		{ "no work for strangers", test_no_work_for_strangers },
		CU_TEST_INFO_NULL,
	};

	return world_run("attack", tests);
}
