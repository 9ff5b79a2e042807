/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "seal_parts.h"
#include "secret.h"
#include "vault.h"

#define MAX_PEERS 256

static int
draw_incarnation(struct weir_seal *s, struct weir_error *err)
{
	while (s->incarnation == 0)
		if (getrandom(&s->incarnation, sizeof(s->incarnation), 0) !=
			sizeof(s->incarnation) &&
		    errno != EINTR)
			return weir_error_run(err, -EIO, "no random bits: %s", strerror(errno));
	return 0;
}

/* The secret is not kept: what all keys are derived from is. */
static int
extract(struct weir_seal *s, const struct weir_seal_spec *spec, struct weir_error *err)
{
	bool is_locked; /* the secret's reader has said so */
	int rc;

	s->prk = weir_vault_alloc(SEAL_PRK_BYTES, &is_locked);
	if (!s->prk)
		return weir_error_run(err, -ENOMEM, "no memory for the key");
	rc = seal_kdf_init(&s->kdf);
	rc = rc ? rc
		: seal_kdf_extract(&s->kdf, spec->job, strlen(spec->job), spec->secret->bytes,
		      spec->secret->n_bytes, s->prk);
	return rc ? weir_error_run(err, rc, "OpenSSL's libcrypto has no HKDF with SHA-256") : 0;
}

static int
open_sealing(struct weir_seal *s, const struct weir_seal_spec *spec, struct weir_error *err)
{
	/* one more than there is room for: a key is made before another one goes */
	unsigned n_keys = SEAL_OWN_KEYS + s->max_peers * SEAL_KEYS_PER_PEER + 1;
	int rc = extract(s, spec, err);

	rc = rc ? rc : seal_device_open(&s->device, spec->device, n_keys, err);
	if (rc)
		return rc;
	if (rte_crypto_op_bulk_alloc(
		s->device.ops, RTE_CRYPTO_OP_TYPE_SYMMETRIC, s->op, SEAL_BURST) != SEAL_BURST)
		return weir_error_run(err, -ENOMEM, "no memory for crypto operations");
	s->is_sealing = true;
	return 0;
}

int
weir_seal_open(const struct weir_seal_spec *spec, struct weir_seal **ret, struct weir_error *err)
{
	struct weir_seal *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return weir_error_run(err, -ENOMEM, "no memory to seal frames");
	s->incarnation = spec->incarnation;
	s->max_peers = spec->max_peers ? spec->max_peers : MAX_PEERS;
	s->next = 1;
	s->run = 1;
	s->peer = calloc(2 * (size_t)s->max_peers, sizeof(s->peer[0]));
	rc = s->peer ? draw_incarnation(s, err)
		     : weir_error_run(err, -ENOMEM, "no memory for %u nodes", s->max_peers);
	if (!rc && spec->secret)
		rc = open_sealing(s, spec, err);
	if (rc) {
		weir_seal_close(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void
weir_seal_close(struct weir_seal *s)
{
	if (!s)
		return;
	seal_peer_free_all(s);
	for (unsigned i = 0; i < SEAL_OWN_KEYS; i++)
		seal_key_drop(s, &s->own[i]);
	seal_device_close(&s->device);
	seal_kdf_fini(&s->kdf);
	weir_vault_free(s->prk, SEAL_PRK_BYTES);
	free(s);
}

const char *
weir_seal_device(const struct weir_seal *s)
{
	return s->is_sealing ? s->device.driver : "none";
}

uint64_t
weir_seal_incarnation(const struct weir_seal *s)
{
	return s->incarnation;
}

unsigned
weir_seal_tail_bytes(const struct weir_seal *s)
{
	return s->is_sealing ? WEIR_TAG_BYTES : 0;
}

void
weir_seal_epochs(struct weir_seal *s, uint64_t newest, uint64_t oldest)
{
	s->newest = newest;
	s->oldest = oldest;
	s->has_epochs = true;
	seal_key_purge(s);
}

uint64_t
weir_seal_next(const struct weir_seal *s)
{
	return s->next;
}

const struct weir_seal_counters *
weir_seal_counters(const struct weir_seal *s)
{
	return &s->counters;
}
