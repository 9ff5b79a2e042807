/* SPDX-License-Identifier: BSD-3-Clause */
#include "seal_kdf.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

int
seal_kdf_init(struct seal_kdf *k)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);

	k->ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	EVP_KDF_free(kdf);
	return k->ctx ? 0 : -EIO;
}

void
seal_kdf_fini(struct seal_kdf *k)
{
	EVP_KDF_CTX_free(k->ctx);
	k->ctx = NULL;
}

/* OpenSSL reads through these pointers, though they are not const. */
static OSSL_PARAM
octets(const char *name, const void *p, size_t n)
{
	union {
		const void *in;
		void *out;
	} u = { .in = p };

	return OSSL_PARAM_construct_octet_string(name, u.out, n);
}

/* extra may be of no length. The key in the context is wiped afterwards. */
static int
derive(struct seal_kdf *k, int mode, OSSL_PARAM key, OSSL_PARAM extra, uint8_t *out, size_t n_out)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[5];
	unsigned n = 0;
	int ok;

	params[n++] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	params[n++] = key;
	if (extra.data_size)
		params[n++] = extra;
	params[n] = OSSL_PARAM_construct_end();
	ok = EVP_KDF_derive(k->ctx, out, n_out, params) > 0;
	EVP_KDF_CTX_reset(k->ctx);
	return ok ? 0 : -EIO;
}

int
seal_kdf_extract(struct seal_kdf *k, const void *salt, size_t n_salt, const void *secret,
    size_t n_secret, uint8_t prk[SEAL_PRK_BYTES])
{
	return derive(k, EVP_KDF_HKDF_MODE_EXTRACT_ONLY,
	    octets(OSSL_KDF_PARAM_KEY, secret, n_secret), octets(OSSL_KDF_PARAM_SALT, salt, n_salt),
	    prk, SEAL_PRK_BYTES);
}

int
seal_kdf_expand(struct seal_kdf *k, const uint8_t prk[SEAL_PRK_BYTES], const void *info,
    size_t n_info, uint8_t *out, size_t n_out)
{
	return derive(k, EVP_KDF_HKDF_MODE_EXPAND_ONLY,
	    octets(OSSL_KDF_PARAM_KEY, prk, SEAL_PRK_BYTES),
	    octets(OSSL_KDF_PARAM_INFO, info, n_info), out, n_out);
}
