/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXPR_ANON_H
#define WEIR_EXPR_ANON_H

#include <openssl/evp.h>

#include <weir/base/value.h>

/*
 * Prefix-preserving anonymisation of addresses, Crypto-PAn (Xu, Fan, Ammar, Moon:
 * "Prefix-preserving IP address anonymization", ICNP 2002), with AES-128; IPv6 in the same way over
 * 128 bits. Traffic repeats its addresses, so results are kept in a small direct-mapped cache.
 */

#define WEIR_EXPR_ANON_CACHE 4096

struct weir_expr_anon_entry {
	struct weir_addr from;
	struct weir_addr to;
};

struct weir_expr_anon {
	EVP_CIPHER_CTX *cipher;
	uint8_t pad[16];
	uint8_t has[WEIR_EXPR_ANON_CACHE]; /* version of the entry, 0: none */
	struct weir_expr_anon_entry cache[WEIR_EXPR_ANON_CACHE];
	uint8_t in[128 * 16];
	uint8_t out[128 * 16];
};

/* Control thread. NULL where the cipher cannot be had. */
struct weir_expr_anon *weir_expr_anon_create(void);
void weir_expr_anon_destroy(void *anon);

#endif
