/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "seal_parts.h"

/* Where incarnation is, or would be. */
static unsigned
place_of(const struct weir_seal *s, uint64_t incarnation)
{
	unsigned low = 0, high = s->n_peers;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (s->peer[middle]->incarnation < incarnation)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct seal_peer *
find(const struct weir_seal *s, uint64_t incarnation)
{
	unsigned at = place_of(s, incarnation);

	return at < s->n_peers && s->peer[at]->incarnation == incarnation ? s->peer[at] : NULL;
}

struct seal_peer *
seal_peer_find(const struct weir_seal *s, uint64_t incarnation)
{
	struct seal_peer *peer = find(s, incarnation);

	return peer && !peer->gone_at ? peer : NULL;
}

static void
drop_keys(struct weir_seal *s, struct seal_peer *peer)
{
	for (unsigned i = 0; i < SEAL_PROVEN_KEYS; i++)
		seal_key_drop(s, &peer->proven[i]);
	seal_key_drop(s, &peer->trial);
}

static unsigned
n_present(const struct weir_seal *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_peers; i++)
		n += s->peer[i]->gone_at == 0;
	return n;
}

/* The table has room for as many that are gone as for those that are there. */
static void
forget_longest_gone(struct weir_seal *s)
{
	unsigned at = s->n_peers;

	for (unsigned i = 0; i < s->n_peers; i++)
		if (s->peer[i]->gone_at &&
		    (at == s->n_peers || s->peer[i]->gone_at < s->peer[at]->gone_at))
			at = i;
	if (at == s->n_peers)
		return;
	free(s->peer[at]);
	s->n_peers--;
	memmove(&s->peer[at], &s->peer[at + 1], (s->n_peers - at) * sizeof(s->peer[0]));
}

static int
insert(struct weir_seal *s, uint64_t incarnation, struct weir_error *err)
{
	struct seal_peer *peer = calloc(1, sizeof(*peer));
	unsigned at;

	if (!peer)
		return weir_error_run(err, -ENOMEM, "no memory for another node");
	peer->incarnation = incarnation;
	if (s->n_peers == 2 * s->max_peers)
		forget_longest_gone(s);
	at = place_of(s, incarnation);
	memmove(&s->peer[at + 1], &s->peer[at], (s->n_peers - at) * sizeof(s->peer[0]));
	s->peer[at] = peer;
	s->n_peers++;
	return 0;
}

int
weir_seal_peer_add(struct weir_seal *s, uint64_t incarnation, struct weir_error *err)
{
	struct seal_peer *peer = find(s, incarnation);

	if (incarnation == 0 || incarnation == s->incarnation)
		return weir_error_run(err, -EINVAL, "no other node has the incarnation %016llx",
		    (unsigned long long)incarnation);
	if (peer && !peer->gone_at)
		return 0;
	if (n_present(s) >= s->max_peers)
		return weir_error_run(
		    err, -ENOSPC, "there are %u other nodes already", s->max_peers);
	if (!peer)
		return insert(s, incarnation, err);
	peer->gone_at = 0;
	return 0;
}

void
weir_seal_peer_remove(struct weir_seal *s, uint64_t incarnation)
{
	struct seal_peer *peer = seal_peer_find(s, incarnation);

	if (!peer)
		return;
	drop_keys(s, peer);
	peer->gone_at = ++s->n_removed;
}

void
seal_peer_free_all(struct weir_seal *s)
{
	for (unsigned i = 0; i < s->n_peers; i++) {
		drop_keys(s, s->peer[i]);
		free(s->peer[i]);
	}
	free(s->peer);
	s->peer = NULL;
	s->n_peers = 0;
}
