/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_SEAL_KDF_H
#define WEIR_WIRE_SEAL_KDF_H

#include <stddef.h>
#include <stdint.h>

/* HKDF with SHA-256 (RFC 5869) by OpenSSL's libcrypto. All return 0 or -EIO. */

#define SEAL_PRK_BYTES 32u

struct evp_kdf_ctx_st;

struct seal_kdf {
	struct evp_kdf_ctx_st *ctx;
};

int seal_kdf_init(struct seal_kdf *k);
void seal_kdf_fini(struct seal_kdf *k);
int seal_kdf_extract(struct seal_kdf *k, const void *salt, size_t n_salt, const void *secret,
    size_t n_secret, uint8_t prk[SEAL_PRK_BYTES]);
int seal_kdf_expand(struct seal_kdf *k, const uint8_t prk[SEAL_PRK_BYTES], const void *info,
    size_t n_info, uint8_t *out, size_t n_out);

#endif
