/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_byteorder.h>
#include <string.h>

#include "seal_parts.h"

static const char label[12] = { 'w', 'e', 'i', 'r', ' ', 'w', 'i', 'r', 'e', ' ', 'v', '1' };

void
seal_key_info(
    uint64_t incarnation, uint64_t epoch, uint64_t generation, uint8_t info[SEAL_INFO_BYTES])
{
	rte_be64_t part[3] = { rte_cpu_to_be_64(incarnation), rte_cpu_to_be_64(epoch),
		rte_cpu_to_be_64(generation) };

	static_assert(sizeof(label) + sizeof(part) == SEAL_INFO_BYTES, "nothing is cut off");
	memcpy(info, label, sizeof(label));
	memcpy(info + sizeof(label), part, sizeof(part));
}

void
seal_key_drop(struct weir_seal *s, struct seal_key *key)
{
	if (key->session)
		seal_device_session_free(&s->device, key->session);
	memset(key, 0, sizeof(*key));
}

static bool
is_key(const struct seal_key *key, uint64_t epoch, uint64_t generation)
{
	return key->session && key->epoch == epoch && key->generation == generation;
}

/* Put another key here. */
static enum seal_key_result
derive(struct weir_seal *s, struct seal_key *key, bool is_sender, uint64_t incarnation,
    uint64_t epoch, uint64_t generation)
{
	uint8_t info[SEAL_INFO_BYTES], bytes[SEAL_KEY_BYTES];

	if (key->session && key->run == s->run)
		return SEAL_KEY_BUSY;
	seal_key_drop(s, key);
	seal_key_info(incarnation, epoch, generation, info);
	if (seal_kdf_expand(&s->kdf, s->prk, info, sizeof(info), bytes, sizeof(bytes)) == 0)
		key->session = seal_device_session(&s->device, is_sender, bytes);
	explicit_bzero(bytes, sizeof(bytes));
	if (!key->session)
		return SEAL_KEY_NONE;
	key->epoch = epoch;
	key->generation = generation;
	s->counters.n_keys++;
	return SEAL_KEY_READY;
}

static enum seal_key_result
use(struct weir_seal *s, struct seal_key *key, struct seal_key **ret)
{
	key->run = s->run;
	*ret = key;
	return SEAL_KEY_READY;
}

enum seal_key_result
seal_key_own(struct weir_seal *s, uint64_t epoch, uint64_t number, struct seal_key **ret)
{
	uint64_t generation = number >> SEAL_GENERATION_BITS;
	struct seal_key *key = &s->own[epoch == s->newest ? 0 : 1];
	enum seal_key_result result;

	/* the newest epoch becomes the oldest of two: what is there may be of another place */
	for (unsigned i = 0; i < SEAL_OWN_KEYS; i++)
		if (is_key(&s->own[i], epoch, generation))
			return use(s, &s->own[i], ret);
	result = derive(s, key, true, s->incarnation, epoch, generation);
	return result == SEAL_KEY_READY ? use(s, key, ret) : result;
}

enum seal_key_result
seal_key_peer(struct weir_seal *s, struct seal_peer *peer, uint64_t epoch, uint64_t number,
    struct seal_key **ret)
{
	uint64_t generation = number >> SEAL_GENERATION_BITS;
	enum seal_key_result result;

	for (unsigned i = 0; i < SEAL_PROVEN_KEYS; i++)
		if (is_key(&peer->proven[i], epoch, generation))
			return use(s, &peer->proven[i], ret);
	if (is_key(&peer->trial, epoch, generation))
		return use(s, &peer->trial, ret);
	result = derive(s, &peer->trial, false, peer->incarnation, epoch, generation);
	return result == SEAL_KEY_READY ? use(s, &peer->trial, ret) : result;
}

/* The one that is needed least: none at all, the older epoch, the older generation. */
static bool
is_older(const struct seal_key *a, const struct seal_key *b)
{
	if (!a->session || !b->session)
		return !a->session && b->session;
	return a->epoch != b->epoch ? a->epoch < b->epoch : a->generation < b->generation;
}

void
seal_key_promote(struct weir_seal *s, struct seal_peer *peer)
{
	struct seal_key *to = &peer->proven[0];

	if (!peer->trial.session)
		return;
	for (unsigned i = 1; i < SEAL_PROVEN_KEYS; i++)
		if (is_older(&peer->proven[i], to))
			to = &peer->proven[i];
	seal_key_drop(s, to);
	*to = peer->trial;
	memset(&peer->trial, 0, sizeof(peer->trial));
}

static void
purge(struct weir_seal *s, struct seal_key *key, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (key[i].session && key[i].epoch != s->newest && key[i].epoch != s->oldest)
			seal_key_drop(s, &key[i]);
}

void
seal_key_purge(struct weir_seal *s)
{
	purge(s, s->own, SEAL_OWN_KEYS);
	for (unsigned i = 0; i < s->n_peers; i++) {
		purge(s, s->peer[i]->proven, SEAL_PROVEN_KEYS);
		purge(s, &s->peer[i]->trial, 1);
	}
}
