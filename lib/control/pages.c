/* SPDX-License-Identifier: BSD-3-Clause */
#include "pages.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/strbuf.h>

#define N_ANSWERS  4
#define N_REQUESTS 4

struct answer {
	uint32_t id; /* 0: free */
	char *text;
	size_t len;
};

struct request {
	char key[32]; /* "": free */
	struct weir_strbuf text;
	uint32_t age;
};

/* Telemetry's callbacks have no context: what they share is the process's. */
static struct {
	pthread_mutex_t lock;
	uint32_t count; /* of answers and requests so far */
	struct answer answers[N_ANSWERS];
	struct request requests[N_REQUESTS];
} store = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
write_page(uint32_t id, const char *text, size_t len, size_t offset, char *page, size_t size)
{
	size_t n = len - offset < WEIR_PAGE_BYTES ? len - offset : WEIR_PAGE_BYTES;

	snprintf(page, size, "%u %zu %.*s", id, len, (int)n, text + offset);
}

static void
forget_answer(struct answer *a)
{
	free(a->text);
	memset(a, 0, sizeof(*a));
}

void
weir_pages_put(char *text, char *page, size_t size)
{
	struct answer *a = &store.answers[0];
	size_t len = strlen(text);

	if (len <= WEIR_PAGE_BYTES) {
		write_page(0, text, len, 0, page, size);
		free(text);
		return;
	}
	pthread_mutex_lock(&store.lock);
	for (unsigned i = 1; i < N_ANSWERS; i++)
		if (store.answers[i].id < a->id)
			a = &store.answers[i];
	forget_answer(a);
	*a = (struct answer){ ++store.count, text, len };
	write_page(a->id, text, len, 0, page, size);
	pthread_mutex_unlock(&store.lock);
}

int
weir_pages_get(uint32_t id, size_t offset, char *page, size_t size)
{
	int rc = -ENOENT;

	pthread_mutex_lock(&store.lock);
	for (unsigned i = 0; i < N_ANSWERS && rc; i++) {
		struct answer *a = &store.answers[i];

		if (!id || a->id != id || offset >= a->len)
			continue;
		write_page(id, a->text, a->len, offset, page, size);
		if (offset + WEIR_PAGE_BYTES >= a->len)
			forget_answer(a); /* that was the last page */
		rc = 0;
	}
	pthread_mutex_unlock(&store.lock);
	return rc;
}

static struct request *
find_request(const char *key)
{
	for (unsigned i = 0; i < N_REQUESTS; i++)
		if (key[0] && strcmp(store.requests[i].key, key) == 0)
			return &store.requests[i];
	return NULL;
}

static void
forget_request(struct request *r)
{
	weir_strbuf_free(&r->text);
	memset(r, 0, sizeof(*r));
}

static struct request *
new_request(const char *key)
{
	struct request *r = &store.requests[0];

	for (unsigned i = 1; i < N_REQUESTS; i++)
		if (store.requests[i].age < r->age)
			r = &store.requests[i];
	forget_request(r);
	snprintf(r->key, sizeof(r->key), "%s", key);
	r->age = ++store.count;
	return r;
}

int
weir_pieces_add(const char *key, const char *text)
{
	struct request *r;
	int rc = 0;

	if (!key[0] || strlen(key) >= sizeof(r->key))
		return -EINVAL;
	pthread_mutex_lock(&store.lock);
	r = find_request(key);
	if (!r)
		r = new_request(key);
	if (r->text.len + strlen(text) > WEIR_REQUEST_BYTES) {
		forget_request(r);
		rc = -E2BIG;
	} else {
		weir_strbuf_puts(&r->text, text);
	}
	pthread_mutex_unlock(&store.lock);
	return rc;
}

char *
weir_pieces_take(const char *key)
{
	struct request *r;
	char *text = NULL;

	pthread_mutex_lock(&store.lock);
	r = find_request(key);
	if (r) {
		text = r->text.p;
		r->text = (struct weir_strbuf){ 0 };
		forget_request(r);
	}
	pthread_mutex_unlock(&store.lock);
	return text;
}
