/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "seal_parts.h"

/* A frame's header as numbers. */
struct claim {
	struct seal_peer *peer;
	uint64_t epoch;
	uint64_t number;
	uint64_t receiver;
};

/* Everything that can be told without the key; the cheap ways out come first. */
static enum weir_seal_verdict
judge(const struct weir_seal *s, const struct rte_mbuf *m, struct claim *ret)
{
	const struct weir_frame_head *head = rte_pktmbuf_mtod(m, const struct weir_frame_head *);
	enum weir_seal_verdict verdict;
	uint16_t flags;

	if (!seal_has_head(m) || head->magic != rte_cpu_to_be_16(WEIR_FRAME_MAGIC) ||
	    head->version != WEIR_FRAME_VERSION)
		return WEIR_SEAL_MALFORMED;
	flags = rte_be_to_cpu_16(head->flags);
	if (!(flags & WEIR_FRAME_SEALED) != !s->is_sealing)
		return s->is_sealing ? WEIR_SEAL_UNSEALED : WEIR_SEAL_SEALED;
	if (m->data_len < WEIR_FRAME_HEAD_BYTES + weir_seal_tail_bytes(s))
		return WEIR_SEAL_MALFORMED;
	ret->peer = seal_peer_find(s, rte_be_to_cpu_64(head->incarnation));
	if (!ret->peer)
		return WEIR_SEAL_UNKNOWN_SENDER;
	ret->epoch = rte_be_to_cpu_64(head->epoch);
	verdict = seal_judge_epoch(s, ret->epoch);
	if (verdict)
		return verdict;
	ret->number = rte_be_to_cpu_64(head->number);
	ret->receiver = flags & WEIR_FRAME_ANYONE ? 0 : s->incarnation;
	if (ret->number > SEAL_LAST_NUMBER)
		return WEIR_SEAL_MALFORMED; /* or one forgery in clear would end its sender */
	return seal_window_has(&ret->peer->window, ret->number) ? WEIR_SEAL_REPLAYED : WEIR_SEAL_OK;
}

/* The tag of a frame fitted: only now may it change what is known of its sender. */
static enum weir_seal_verdict
admit(struct weir_seal *s, const struct seal_op *own, struct rte_mbuf *m)
{
	const struct weir_frame_head *head = rte_pktmbuf_mtod(m, const struct weir_frame_head *);

	rte_pktmbuf_trim(m, WEIR_TAG_BYTES);
	if (own->is_trial)
		seal_key_promote(s, own->peer);
	/* the same number may have come twice in a run */
	return seal_window_add(&own->peer->window, rte_be_to_cpu_64(head->number))
		   ? WEIR_SEAL_OK
		   : WEIR_SEAL_REPLAYED;
}

static void
finish(struct weir_seal *s, struct rte_mbuf **m, enum weir_seal_verdict *ret)
{
	unsigned n = seal_run(s);

	for (unsigned i = 0; i < n; i++) {
		const struct seal_op *own = seal_op_of(s->op[i]);

		switch (s->op[i]->status) {
		case RTE_CRYPTO_OP_STATUS_SUCCESS:
			ret[own->index] = admit(s, own, m[own->index]);
			break;
		case RTE_CRYPTO_OP_STATUS_AUTH_FAILED:
			ret[own->index] = WEIR_SEAL_FORGED;
			break;
		default:
			ret[own->index] = WEIR_SEAL_FAILED;
		}
	}
}

static void
prove(struct weir_seal *s, const struct claim *c, struct rte_mbuf **m, unsigned i,
    enum weir_seal_verdict *ret)
{
	struct seal_key *key;
	struct seal_op *own;
	enum seal_key_result result = seal_key_peer(s, c->peer, c->epoch, c->number, &key);

	if (result == SEAL_KEY_BUSY) {
		finish(s, m, ret);
		result = seal_key_peer(s, c->peer, c->epoch, c->number, &key);
	}
	if (result != SEAL_KEY_READY) {
		ret[i] = WEIR_SEAL_FAILED;
		return;
	}
	own = seal_prepare(s, key, m[i], c->receiver, i);
	own->peer = c->peer;
	own->is_trial = key == &c->peer->trial;
	if (s->n_ops == SEAL_BURST)
		finish(s, m, ret);
}

unsigned
weir_seal_accept(struct weir_seal *s, struct rte_mbuf **m, unsigned n, enum weir_seal_verdict *ret)
{
	unsigned n_ok = 0;

	for (unsigned i = 0; i < n; i++) {
		struct claim claim;

		ret[i] = judge(s, m[i], &claim);
		if (ret[i] != WEIR_SEAL_OK)
			continue;
		if (s->is_sealing)
			prove(s, &claim, m, i, ret);
		else
			seal_window_add(&claim.peer->window, claim.number);
	}
	finish(s, m, ret);
	for (unsigned i = 0; i < n; i++) {
		s->counters.accept[ret[i]]++;
		n_ok += ret[i] == WEIR_SEAL_OK;
	}
	return n_ok;
}
