/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_SEAL_PARTS_H
#define WEIR_WIRE_SEAL_PARTS_H

#include <rte_crypto.h>
#include <rte_cryptodev.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/wire/seal.h>

#include "seal_kdf.h"
#include "seal_window.h"

#define SEAL_BURST     64u
#define SEAL_KEY_BYTES 32u
#define SEAL_IV_BYTES  12u
/* The header, and the incarnation of the receiver, which is not sent. */
#define SEAL_AAD_BYTES (WEIR_FRAME_HEAD_BYTES + 8)

/*
 * Frames that go under one key: RFC 9001, 6.6 and appendix B.1. With 2^23 packets of up to 2^16
 * bytes an attacker's chance to tell AES-GCM from an ideal cipher stays below 2^-57. Numbers tell
 * the key, so that nothing is agreed upon when it changes.
 */
#define SEAL_GENERATION_BITS 23
/*
 * Numbers of an incarnation. Not a limit of the cipher, whose keys change: nine years of a million
 * frames a second, and far from where 64 bits would come round and repeat nonces.
 */
#define SEAL_LAST_NUMBER ((UINT64_C(1) << 48) - 1)

#define SEAL_OWN_KEYS    2 /* one an epoch */
/* Two epochs, and what is reordered where the generation changes. */
#define SEAL_PROVEN_KEYS   3
#define SEAL_KEYS_PER_PEER (SEAL_PROVEN_KEYS + 1)

struct seal_key {
	void *session; /* NULL: no key here */
	uint64_t epoch;
	uint64_t generation;
	uint64_t run; /* of the device that it was last used in */
};

/*
 * A key that was derived for a frame is on trial until a tag fits, so that forged headers never
 * push out keys that work.
 */
struct seal_peer {
	uint64_t incarnation;
	uint64_t gone_at; /* when it was removed, by seal.n_removed; 0: it is there */
	struct seal_key proven[SEAL_PROVEN_KEYS];
	struct seal_key trial;
	struct seal_window window;
};

/* Behind each crypto operation. */
struct seal_op {
	uint8_t iv[16];
	uint8_t aad[48];
	struct seal_peer *peer; /* accept */
	unsigned index;         /* of the frame */
	bool is_trial;
};

#define SEAL_OP_OFFSET (sizeof(struct rte_crypto_op) + sizeof(struct rte_crypto_sym_op))

struct seal_device {
	uint8_t id;
	bool is_open;
	bool is_stuck; /* it kept operations: it is asked nothing any more */
	char name[RTE_CRYPTODEV_NAME_MAX_LEN];
	const char *driver;
	struct rte_mempool *sessions;
	struct rte_mempool *ops;
};

struct weir_seal {
	bool is_sealing;
	bool has_epochs;
	uint64_t incarnation;
	uint64_t newest;
	uint64_t oldest;
	uint64_t next;
	uint64_t run; /* ops that are prepared belong to it; from 1 */
	unsigned n_ops;
	struct rte_crypto_op *op[SEAL_BURST];
	struct seal_key own[SEAL_OWN_KEYS];
	struct seal_peer **peer; /* by incarnation */
	unsigned n_peers;        /* with those that are gone */
	unsigned max_peers;
	uint64_t n_removed;
	struct weir_seal_counters counters;
	struct seal_device device;
	struct seal_kdf kdf;
	uint8_t *prk; /* in a vault */
};

/* seal_device.c */
int seal_device_open(
    struct seal_device *d, const char *asked, unsigned n_keys, struct weir_error *err);
void seal_device_close(struct seal_device *d);
/* NULL where there is no room. */
void *seal_device_session(struct seal_device *d, bool is_sender, const uint8_t *key);
void seal_device_session_free(struct seal_device *d, void *session);
/* All of ops are done when it returns; their status says how. Their order may be another. */
void seal_device_run(struct seal_device *d, struct rte_crypto_op **ops, unsigned n);

/* seal_key.c */
enum seal_key_result {
	SEAL_KEY_READY,
	SEAL_KEY_BUSY, /* run what is prepared first: its place is in use */
	SEAL_KEY_NONE,
};

/* key's own info for HKDF. Returns its length. */
#define SEAL_INFO_BYTES 36u
void seal_key_info(
    uint64_t incarnation, uint64_t epoch, uint64_t generation, uint8_t info[SEAL_INFO_BYTES]);
enum seal_key_result seal_key_own(
    struct weir_seal *s, uint64_t epoch, uint64_t number, struct seal_key **ret);
enum seal_key_result seal_key_peer(struct weir_seal *s, struct seal_peer *peer, uint64_t epoch,
    uint64_t number, struct seal_key **ret);
/* A tag of the key on trial fitted. */
void seal_key_promote(struct weir_seal *s, struct seal_peer *peer);
void seal_key_drop(struct weir_seal *s, struct seal_key *key);
/* Drop all of other epochs than the two. */
void seal_key_purge(struct weir_seal *s);

/* seal_peer.c; NULL where it is unknown, or gone. */
struct seal_peer *seal_peer_find(const struct weir_seal *s, uint64_t incarnation);
void seal_peer_free_all(struct weir_seal *s);

/* seal_frame.c: what both ways share. */
bool seal_has_head(const struct rte_mbuf *m);
enum weir_seal_verdict seal_judge_epoch(const struct weir_seal *s, uint64_t epoch);
/* Prepare the operation on a frame whose tag has its place; the caller fills in peer and is_trial.
 */
struct seal_op *seal_prepare(struct weir_seal *s, struct seal_key *key, struct rte_mbuf *m,
    uint64_t receiver, unsigned index);
/* Run what is prepared. Returns how many are in s->op; none are prepared afterwards. */
unsigned seal_run(struct weir_seal *s);

static inline struct seal_op *
seal_op_of(struct rte_crypto_op *op)
{
	return rte_crypto_op_ctod_offset(op, struct seal_op *, SEAL_OP_OFFSET);
}

#endif
