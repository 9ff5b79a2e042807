/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "seal_kdf.h"
#include "secret.h"

int
weir_secret_derive(const struct weir_secret *secret, const char *job, const char *use, uint8_t *ret,
    size_t n, struct weir_error *err)
{
	uint8_t prk[SEAL_PRK_BYTES];
	struct seal_kdf k;
	int rc = seal_kdf_init(&k);

	if (!rc)
		rc = seal_kdf_extract(&k, job, strlen(job),
		    secret ? (const void *)secret->bytes : "", secret ? secret->n_bytes : 0, prk);
	if (!rc)
		rc = seal_kdf_expand(&k, prk, use, strlen(use), ret, n);
	seal_kdf_fini(&k);
	explicit_bzero(prk, sizeof(prk));
	return rc ? weir_error_run(err, rc, "OpenSSL's libcrypto has no HKDF with SHA-256") : 0;
}
