/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include <weir/expr/program.h>

#include "anon.h"

/* One key for the whole process: an address must map to the same one in all programs. */
static struct {
	pthread_mutex_t lock;
	uint8_t bytes[32];
	bool is_set, is_random;
} the_key = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
weir_expr_set_anon_key(const uint8_t key[32])
{
	pthread_mutex_lock(&the_key.lock);
	memcpy(the_key.bytes, key, sizeof(the_key.bytes));
	the_key.is_set = true;
	pthread_mutex_unlock(&the_key.lock);
}

static bool
get_key(uint8_t ret_key[32])
{
	pthread_mutex_lock(&the_key.lock);
	if (!the_key.is_set && RAND_bytes(the_key.bytes, sizeof(the_key.bytes)) == 1)
		the_key.is_set = the_key.is_random = true;
	bool is_set = the_key.is_set;
	memcpy(ret_key, the_key.bytes, sizeof(the_key.bytes));
	pthread_mutex_unlock(&the_key.lock);
	return is_set;
}

bool
weir_expr_anon_is_random(void)
{
	bool is_random;

	pthread_mutex_lock(&the_key.lock);
	is_random = the_key.is_random;
	pthread_mutex_unlock(&the_key.lock);
	return is_random;
}

struct weir_expr_anon *
weir_expr_anon_create(void)
{
	struct weir_expr_anon *anon = calloc(1, sizeof(*anon));
	uint8_t key[32];
	int len;

	if (!anon)
		return NULL;
	anon->cipher = EVP_CIPHER_CTX_new();
	/* The second half of the key, enciphered, pads what is not yet known of the address. */
	if (!anon->cipher || !get_key(key) ||
	    EVP_EncryptInit_ex(anon->cipher, EVP_aes_128_ecb(), NULL, key, NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(anon->cipher, 0) != 1 ||
	    EVP_EncryptUpdate(anon->cipher, anon->pad, &len, key + 16, 16) != 1 || len != 16) {
		weir_expr_anon_destroy(anon);
		return NULL;
	}
	return anon;
}

void
weir_expr_anon_destroy(void *p)
{
	struct weir_expr_anon *anon = p;

	EVP_CIPHER_CTX_free(anon->cipher);
	free(anon);
}
