/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_SEAL_H
#define WEIR_WIRE_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/wire/frame.h>
#include <weir/wire/secret.h>

/*
 * Sealing of frames: AES-256-GCM with keys derived from the cluster's secret for each incarnation
 * of a sender, each epoch, and each 2^23 of its frames; replays are refused. EAL must run where
 * there is a secret. One thread uses a seal at a time; nothing is shared between seals. Decision
 * 0015 has the reasons.
 *
 * Frames are mbufs of one segment whose data begins with struct weir_frame_head: the sender puts
 * the headers of Ethernet, IP and UDP in front afterwards, the receiver takes them off before, and
 * whatever Ethernet has padded behind.
 */
struct rte_mbuf;
struct weir_seal;

enum weir_seal_verdict {
	WEIR_SEAL_OK,
	WEIR_SEAL_FORGED,       /* the tag is wrong: changed, of another secret, for another node */
	WEIR_SEAL_REPLAYED,     /* its number was there before, or is too old to tell */
	WEIR_SEAL_STALE_EPOCH,  /* neither the newest epoch nor the oldest; below the newest */
	WEIR_SEAL_FUTURE_EPOCH, /* above the newest */
	WEIR_SEAL_UNKNOWN_SENDER, /* of no peer that was added */
	WEIR_SEAL_MALFORMED, /* too short, several segments, no room, not our magic or version */
	WEIR_SEAL_UNSEALED,  /* in clear, where there is a secret */
	WEIR_SEAL_SEALED,    /* sealed, where there is no secret */
	WEIR_SEAL_EXHAUSTED, /* no packet number is left (protect) */
	WEIR_SEAL_FAILED,    /* the crypto device has no room for a key, or gave an error */
	WEIR_N_SEAL_VERDICTS,
};

/* "ok", "forged", "stale_epoch". */
const char *weir_seal_verdict_name(enum weir_seal_verdict verdict);

struct weir_seal_spec {
	const struct weir_secret *secret; /* NULL: frames go in clear; needed during open alone */
	const char *job;                  /* salt of all keys; nodes of other jobs have others */
	/*
	 * Of this node, never used before; 0: random bits are drawn. Two seals with the same one
	 * would use the same nonces: a node with several has an incarnation for each.
	 */
	uint64_t incarnation;
	/*
	 * A software driver of DPDK, "crypto_openssl". NULL: the first that this host has of
	 * crypto_aesni_gcm and crypto_openssl.
	 */
	const char *device;
	unsigned max_peers; /* 0: 256 */
};

/* Usage errors about spec->device. The caller closes *ret. */
int weir_seal_open(
    const struct weir_seal_spec *spec, struct weir_seal **ret, struct weir_error *err);
/* Keys are wiped. NULL is fine. */
void weir_seal_close(struct weir_seal *s);

/* "crypto_aesni_gcm"; "none" where frames go in clear. */
const char *weir_seal_device(const struct weir_seal *s);
uint64_t weir_seal_incarnation(const struct weir_seal *s);
/* Bytes behind the payload that a frame needs: WEIR_TAG_BYTES, or 0 where frames go in clear. */
unsigned weir_seal_tail_bytes(const struct weir_seal *s);

/*
 * Epochs that frames may have, both ways: these two and no others (oldest may be the same as
 * newest). Keys of other epochs are wiped. Before the first call every epoch is in the future.
 */
void weir_seal_epochs(struct weir_seal *s, uint64_t newest, uint64_t oldest);

/*
 * Introduce the incarnation of a sender. Adding one again changes nothing: what it has sent stays
 * known. -EINVAL for 0 and for our own incarnation (nobody else has it); -ENOSPC where max_peers
 * are there.
 */
int weir_seal_peer_add(struct weir_seal *s, uint64_t incarnation, struct weir_error *err);
/*
 * Its frames are of an unknown sender from now on. The numbers that it has sent are kept as long as
 * there is room, so that adding it again opens no door to replays; a node whose numbers are gone
 * must come with a new incarnation, or in a new epoch. Unknown ones are ignored.
 */
void weir_seal_peer_remove(struct weir_seal *s, uint64_t incarnation);

/* The packet number that the next frame gets. */
uint64_t weir_seal_next(const struct weir_seal *s);

/*
 * Make n frames ready to be sent. Of each header the caller has written type, queue, epoch and the
 * flags that are its own (WEIR_FRAME_COMPRESSED); the rest is written here. The payload is
 * encrypted in place, where it is (nobody else may hold the buffer), and the tag appended. to[i] is
 * the incarnation of the receiver: no other opens the frame, so none can be replayed to another
 * node, nor to the same one after it has started anew. 0 is for greetings to a node whose
 * incarnation is not known yet: any node of the job opens the frame, and each may be made to do so
 * again after a start.
 *
 * ret[i]: WEIR_SEAL_OK, or why the frame must not be sent (EPOCH, MALFORMED, EXHAUSTED, FAILED).
 * Returns how many are OK. Each call takes new numbers: what is sent again is sealed again, of the
 * plain payload.
 */
unsigned weir_seal_protect(struct weir_seal *s, const uint64_t *to, struct rte_mbuf **m, unsigned n,
    enum weir_seal_verdict *ret);

/*
 * Judge n frames that came from the network; ret[i] is the verdict on m[i]. Those that are OK are
 * decrypted in place and their tags are cut off; the header stays as it came. The payload of others
 * is undefined. Returns how many are OK. A sender that is unknown may be added, and its frame
 * judged again: only FORGED, REPLAYED and FAILED may change frames that they refuse.
 */
unsigned weir_seal_accept(
    struct weir_seal *s, struct rte_mbuf **m, unsigned n, enum weir_seal_verdict *ret);

struct weir_seal_counters {
	uint64_t protect[WEIR_N_SEAL_VERDICTS]; /* frames, by verdict */
	uint64_t accept[WEIR_N_SEAL_VERDICTS];
	uint64_t n_keys; /* that were derived */
};

/* Of s; they grow as the calls above return. */
const struct weir_seal_counters *weir_seal_counters(const struct weir_seal *s);

#endif
