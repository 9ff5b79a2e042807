/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "seal_parts.h"

static enum weir_seal_verdict
judge(const struct weir_seal *s, const struct rte_mbuf *m)
{
	const struct weir_frame_head *head = rte_pktmbuf_mtod(m, const struct weir_frame_head *);

	if (!seal_has_head(m) || rte_pktmbuf_tailroom(m) < weir_seal_tail_bytes(s))
		return WEIR_SEAL_MALFORMED;
	if (s->next > SEAL_LAST_NUMBER)
		return WEIR_SEAL_EXHAUSTED;
	return seal_judge_epoch(s, rte_be_to_cpu_64(head->epoch));
}

static void
write_head(struct weir_seal *s, struct weir_frame_head *head, uint64_t to)
{
	uint16_t own = WEIR_FRAME_SEALED | WEIR_FRAME_ANYONE;
	uint16_t flags = rte_be_to_cpu_16(head->flags) & (uint16_t)~own;

	if (s->is_sealing)
		flags |= WEIR_FRAME_SEALED;
	if (!to)
		flags |= WEIR_FRAME_ANYONE;
	head->magic = rte_cpu_to_be_16(WEIR_FRAME_MAGIC);
	head->version = WEIR_FRAME_VERSION;
	head->flags = rte_cpu_to_be_16(flags);
	head->incarnation = rte_cpu_to_be_64(s->incarnation);
	head->number = rte_cpu_to_be_64(s->next++);
}

/* What the device has made of the frames that were prepared. */
static void
finish(struct weir_seal *s, struct rte_mbuf **m, enum weir_seal_verdict *ret)
{
	unsigned n = seal_run(s);

	for (unsigned i = 0; i < n; i++) {
		unsigned at = seal_op_of(s->op[i])->index;

		if (s->op[i]->status == RTE_CRYPTO_OP_STATUS_SUCCESS)
			continue;
		ret[at] = WEIR_SEAL_FAILED;
		rte_pktmbuf_trim(m[at], WEIR_TAG_BYTES);
	}
}

/* Frame i, which was judged OK; its number is used up even where the device fails. */
static void
seal(struct weir_seal *s, uint64_t to, struct rte_mbuf **m, unsigned i, enum weir_seal_verdict *ret)
{
	struct weir_frame_head *head = rte_pktmbuf_mtod(m[i], struct weir_frame_head *);
	uint64_t epoch = rte_be_to_cpu_64(head->epoch), number = s->next;
	enum seal_key_result result;
	struct seal_key *key;

	write_head(s, head, to);
	if (!s->is_sealing)
		return;
	result = seal_key_own(s, epoch, number, &key);
	if (result == SEAL_KEY_BUSY) {
		finish(s, m, ret);
		result = seal_key_own(s, epoch, number, &key);
	}
	if (result != SEAL_KEY_READY) {
		ret[i] = WEIR_SEAL_FAILED;
		return;
	}
	rte_pktmbuf_append(m[i], WEIR_TAG_BYTES);
	seal_prepare(s, key, m[i], to, i);
	if (s->n_ops == SEAL_BURST)
		finish(s, m, ret);
}

unsigned
weir_seal_protect(struct weir_seal *s, const uint64_t *to, struct rte_mbuf **m, unsigned n,
    enum weir_seal_verdict *ret)
{
	unsigned n_ok = 0;

	for (unsigned i = 0; i < n; i++) {
		ret[i] = judge(s, m[i]);
		if (ret[i] == WEIR_SEAL_OK)
			seal(s, to[i], m, i, ret);
	}
	finish(s, m, ret);
	for (unsigned i = 0; i < n; i++) {
		s->counters.protect[ret[i]]++;
		n_ok += ret[i] == WEIR_SEAL_OK;
	}
	return n_ok;
}
