/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "seal_parts.h"

bool
seal_has_head(const struct rte_mbuf *m)
{
	return m->nb_segs == 1 && m->data_len >= WEIR_FRAME_HEAD_BYTES;
}

enum weir_seal_verdict
seal_judge_epoch(const struct weir_seal *s, uint64_t epoch)
{
	if (!s->has_epochs || epoch > s->newest)
		return WEIR_SEAL_FUTURE_EPOCH;
	return epoch == s->newest || epoch == s->oldest ? WEIR_SEAL_OK : WEIR_SEAL_STALE_EPOCH;
}

struct seal_op *
seal_prepare(struct weir_seal *s, struct seal_key *key, struct rte_mbuf *m, uint64_t receiver,
    unsigned index)
{
	struct rte_crypto_op *op = s->op[s->n_ops++];
	struct seal_op *own = seal_op_of(op);
	const struct weir_frame_head *head = rte_pktmbuf_mtod(m, const struct weir_frame_head *);
	uint16_t tag_at = (uint16_t)(m->data_len - WEIR_TAG_BYTES);
	rte_be64_t to = rte_cpu_to_be_64(receiver);

	memset(own->iv, 0, 4);
	memcpy(own->iv + 4, &head->number, 8);
	memcpy(own->aad, head, WEIR_FRAME_HEAD_BYTES);
	memcpy(own->aad + WEIR_FRAME_HEAD_BYTES, &to, sizeof(to));
	own->index = index;
	own->peer = NULL;
	own->is_trial = false;

	op->status = RTE_CRYPTO_OP_STATUS_NOT_PROCESSED;
	rte_crypto_op_attach_sym_session(op, key->session);
	op->sym->m_src = m;
	op->sym->m_dst = NULL;
	op->sym->aead.data.offset = WEIR_FRAME_HEAD_BYTES;
	op->sym->aead.data.length = tag_at - WEIR_FRAME_HEAD_BYTES;
	op->sym->aead.digest.data = rte_pktmbuf_mtod_offset(m, uint8_t *, tag_at);
	op->sym->aead.digest.phys_addr = rte_pktmbuf_iova_offset(m, tag_at);
	op->sym->aead.aad.data = own->aad;
	op->sym->aead.aad.phys_addr =
	    rte_crypto_op_ctophys_offset(op, SEAL_OP_OFFSET + offsetof(struct seal_op, aad));
	return own;
}

unsigned
seal_run(struct weir_seal *s)
{
	unsigned n = s->n_ops;

	if (n)
		seal_device_run(&s->device, s->op, n);
	s->n_ops = 0;
	s->run++;
	return n;
}
