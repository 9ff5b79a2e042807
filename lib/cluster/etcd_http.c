/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "etcd_http.h"

#define CONNECT_MS 1000L
#define REQUEST_MS 2000L
/* Values are some 100 kB; what is beyond is none of weir's. */
#define ANSWER_MAX (64u << 20)
/* gRPC's codes (google.golang.org/grpc/codes), as the gateway passes them on. */
enum grpc_code {
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_UNAVAILABLE = 14,
	GRPC_UNAUTHENTICATED = 16,
};

static char *
copy_of(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		abort();
	return copy;
}

static int
read_password(const char *path, char **ret, struct weir_error *err)
{
	char line[256];
	FILE *f = fopen(path, "re");

	if (!f)
		return weir_error_usage(
		    err, "--cluster: password-file=%s: %s", path, strerror(errno));
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	if (!line[0])
		return weir_error_usage(
		    err, "--cluster: password-file=%s: its first line is empty", path);
	*ret = copy_of(line);
	explicit_bzero(line, sizeof(line));
	return 0;
}

static int
check_readable(const char *key, const char *path, struct weir_error *err)
{
	FILE *f = path ? fopen(path, "re") : NULL;

	if (path && !f)
		return weir_error_usage(err, "--cluster: %s=%s: %s", key, path, strerror(errno));
	if (f)
		fclose(f);
	return 0;
}

int
weir_etcd_http_open(
    struct weir_etcd_http *h, const struct weir_cluster_uri *u, struct weir_error *err)
{
	int rc = check_readable("ca", u->ca, err);

	if (!rc)
		rc = check_readable("cert", u->cert, err);
	if (!rc)
		rc = check_readable("key", u->key, err);
	if (!rc && u->password_file)
		rc = read_password(u->password_file, &h->password, err);
	if (rc)
		return rc;
	h->endpoints = calloc(u->n_endpoints, sizeof(*h->endpoints));
	if (!h->endpoints)
		abort();
	for (unsigned i = 0; i < u->n_endpoints; i++)
		h->endpoints[i] = copy_of(u->endpoints[i]);
	h->n_endpoints = u->n_endpoints;
	h->user = copy_of(u->user);
	h->ca = copy_of(u->ca);
	h->cert = copy_of(u->cert);
	h->key = copy_of(u->key);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	h->multi = curl_multi_init();
	return h->multi ? 0 : weir_error_run(err, -ENOMEM, "libcurl cannot be started");
}

void
weir_etcd_http_close(struct weir_etcd_http *h)
{
	weir_etcd_stream_end(h);
	if (h->multi) {
		curl_multi_cleanup(h->multi);
		curl_global_cleanup();
	}
	for (unsigned i = 0; i < h->n_endpoints; i++)
		free(h->endpoints[i]);
	free(h->endpoints);
	free(h->user);
	if (h->password)
		explicit_bzero(h->password, strlen(h->password));
	free(h->password);
	free(h->ca);
	free(h->cert);
	free(h->key);
	free(h->token);
	weir_strbuf_free(&h->stream_text);
}

static size_t
take_answer(char *p, size_t size, size_t n, void *arg)
{
	struct weir_strbuf *b = arg;

	if (b->len + n > ANSWER_MAX)
		return 0;
	weir_strbuf_add(b, p, n);
	return n;
}

static CURL *
make_request(const struct weir_etcd_http *h, const char *path, const char *body,
    struct curl_slist **ret_headers)
{
	CURL *e = curl_easy_init();
	struct weir_strbuf url = { .p = NULL };

	if (!e)
		abort();
	weir_strbuf_printf(&url, "%s%s", h->endpoints[h->current], path);
	curl_easy_setopt(e, CURLOPT_URL, url.p);
	weir_strbuf_free(&url);
	*ret_headers = curl_slist_append(NULL, "Content-Type: application/json");
	*ret_headers =
	    curl_slist_append(*ret_headers, "Expect:"); /* no waiting before large bodies */
	if (h->token) {
		struct weir_strbuf line = { .p = NULL };

		weir_strbuf_printf(&line, "Authorization: %s", h->token);
		*ret_headers = curl_slist_append(*ret_headers, line.p);
		weir_strbuf_free(&line);
	}
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, *ret_headers);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROXY, ""); /* whatever the environment says */
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	if (h->ca)
		curl_easy_setopt(e, CURLOPT_CAINFO, h->ca);
	if (h->cert) {
		curl_easy_setopt(e, CURLOPT_SSLCERT, h->cert);
		curl_easy_setopt(e, CURLOPT_SSLKEY, h->key);
	}
	return e;
}

void
weir_etcd_stream_end(struct weir_etcd_http *h)
{
	if (!h->stream)
		return;
	curl_multi_remove_handle(h->multi, h->stream);
	curl_easy_cleanup(h->stream);
	curl_slist_free_all(h->stream_headers);
	free(h->stream_body);
	h->stream = NULL;
	h->stream_headers = NULL;
	h->stream_body = NULL;
	h->stream_text.len = 0;
}

/* Let libcurl work. True: the request e (or NULL) is done, with *ret_result. */
static bool
advance(struct weir_etcd_http *h, CURL *e, CURLcode *ret_result)
{
	bool is_done = false, has_ended = false;
	int n_running, n_left;
	CURLMsg *m;

	curl_multi_perform(h->multi, &n_running);
	while ((m = curl_multi_info_read(h->multi, &n_left))) {
		if (m->msg != CURLMSG_DONE)
			continue;
		if (m->easy_handle == h->stream) {
			has_ended = true;
		} else if (m->easy_handle == e) {
			*ret_result = m->data.result;
			is_done = true;
		}
	}
	if (has_ended)
		weir_etcd_stream_end(h);
	return is_done;
}

/* One try at the current endpoint. */
static CURLcode
post(struct weir_etcd_http *h, const char *path, const char *body, struct weir_strbuf *answer,
    char *why)
{
	struct curl_slist *headers;
	CURL *e = make_request(h, path, body, &headers);
	CURLcode result = CURLE_OK;

	why[0] = '\0';
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, REQUEST_MS);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, answer);
	curl_multi_add_handle(h->multi, e);
	while (!advance(h, e, &result))
		curl_multi_poll(h->multi, NULL, 0, 100, NULL);
	curl_multi_remove_handle(h->multi, e);
	if (result && !why[0])
		snprintf(why, CURL_ERROR_SIZE, "%s", curl_easy_strerror(result));
	curl_easy_cleanup(e);
	curl_slist_free_all(headers);
	return result;
}

/* What the gateway says where it refuses: {"error":TEXT,"code":N}, in streams
 * {"error":{"grpc_code":N,…}}. */
static const char *
error_of(const json_t *answer, json_int_t *ret_code)
{
	const json_t *error = json_object_get(answer, "error");
	const char *text;

	if (!error)
		return NULL;
	if (json_is_object(error)) {
		*ret_code = json_integer_value(json_object_get(error, "grpc_code"));
		text = json_string_value(json_object_get(error, "message"));
	} else {
		*ret_code = json_integer_value(json_object_get(answer, "code"));
		text = json_string_value(error);
	}
	return text ? text : "no reason given";
}

/* One try, understood. -EKEYEXPIRED: the token is not known any more. */
static int
ask(struct weir_etcd_http *h, const char *path, const char *body, json_t **ret,
    struct weir_error *err)
{
	struct weir_strbuf text = { .p = NULL };
	char why[CURL_ERROR_SIZE];
	const char *endpoint = h->endpoints[h->current], *error;
	json_t *answer = NULL;
	json_int_t code = 0;
	int rc = 0;

	if (post(h, path, body, &text, why))
		rc = weir_error_run(err, -EAGAIN, "etcd at %s: %s", endpoint, why);
	else if (!(answer = text.p ? json_loadb(text.p, text.len, 0, NULL) : NULL))
		rc = weir_error_run(
		    err, -EAGAIN, "%s does not answer as etcd's JSON gateway does", endpoint);
	weir_strbuf_free(&text);
	if (rc)
		return rc;
	error = error_of(answer, &code);
	if (error && code == GRPC_UNAUTHENTICATED)
		rc = weir_error_run(err, -EKEYEXPIRED, "etcd at %s: %s", endpoint, error);
	else if (error && (code == GRPC_UNAVAILABLE || code == GRPC_DEADLINE_EXCEEDED))
		rc = weir_error_run(err, -EAGAIN, "etcd at %s: %s", endpoint, error);
	else if (error && strstr(error, "user name is empty"))
		rc = weir_error_run(err, -EACCES,
		    "etcd at %s wants to know the user: add user=NAME&password-file=FILE to "
		    "--cluster",
		    endpoint);
	else if (error)
		rc = weir_error_run(err, code == GRPC_PERMISSION_DENIED ? -EACCES : -EREMOTEIO,
		    "etcd at %s: %s", endpoint, error);
	if (rc)
		json_decref(answer);
	else
		*ret = answer;
	return rc;
}

/* Get a token for the user. Where etcd asks nobody who he is, none is needed. */
static int
authenticate(struct weir_etcd_http *h, struct weir_error *err)
{
	json_t *body = json_pack("{s:s,s:s}", "name", h->user, "password", h->password);
	json_t *answer;
	char *text = json_dumps(body, JSON_COMPACT);
	const char *token;
	int rc;

	free(h->token);
	h->token = NULL;
	rc = ask(h, "/v3/auth/authenticate", text, &answer, err);
	json_decref(body);
	free(text);
	if (rc == -EREMOTEIO && err && strstr(err->text, "not enabled"))
		return 0;
	if (rc)
		return rc == -EAGAIN ? rc : -EACCES;
	token = json_string_value(json_object_get(answer, "token"));
	h->token = copy_of(token);
	json_decref(answer);
	return token ? 0 : weir_error_run(err, -EREMOTEIO, "etcd gave no token");
}

int
weir_etcd_request(
    struct weir_etcd_http *h, const char *path, json_t *body, json_t **ret, struct weir_error *err)
{
	char *text = json_dumps(body, JSON_COMPACT);
	struct weir_error own = { 0 };
	bool is_asked = false;
	int rc = -EAGAIN;

	json_decref(body);
	for (unsigned i = 0; i < h->n_endpoints;) {
		rc = h->user && !h->token ? authenticate(h, &own) : 0;
		if (!rc)
			rc = ask(h, path, text, ret, &own);
		if (rc == -EKEYEXPIRED && h->user && !is_asked) {
			/* Tokens do not outlive etcd's start. */
			is_asked = true;
			free(h->token);
			h->token = NULL;
			continue;
		}
		if (rc != -EAGAIN)
			break;
		weir_etcd_stream_end(h);
		h->current = (h->current + 1) % h->n_endpoints;
		i++;
	}
	free(text);
	if (rc == -EKEYEXPIRED)
		rc = -EACCES;
	if (rc && err) {
		*err = own;
		err->code = rc;
	}
	return rc;
}

static size_t
take_stream(char *p, size_t size, size_t n, void *arg)
{
	struct weir_etcd_http *h = arg;
	struct weir_strbuf *b = &h->stream_text;
	size_t begin = 0;

	if (b->len + n > ANSWER_MAX)
		return 0;
	weir_strbuf_add(b, p, n);
	for (char *end; (end = memchr(b->p + begin, '\n', b->len - begin));) {
		size_t len = (size_t)(end - b->p) - begin;
		json_t *value = json_loadb(b->p + begin, len, 0, NULL);

		begin += len + 1;
		if (!value && len)
			return 0; /* no JSON: the stream ends with an error */
		if (value)
			h->on_line(h->arg, value);
		json_decref(value);
	}
	memmove(b->p, b->p + begin, b->len - begin);
	b->len -= begin;
	return n;
}

int
weir_etcd_stream_begin(
    struct weir_etcd_http *h, const char *path, json_t *body, weir_etcd_line_fn on_line, void *arg)
{
	weir_etcd_stream_end(h);
	h->on_line = on_line;
	h->arg = arg;
	h->stream_body = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	h->stream = make_request(h, path, h->stream_body, &h->stream_headers);
	curl_easy_setopt(h->stream, CURLOPT_WRITEFUNCTION, take_stream);
	curl_easy_setopt(h->stream, CURLOPT_WRITEDATA, h);
	return curl_multi_add_handle(h->multi, h->stream) ? -ENOMEM : 0;
}

void
weir_etcd_run(struct weir_etcd_http *h, int64_t timeout_ns)
{
	CURLcode unused;

	advance(h, NULL, &unused);
	curl_multi_poll(h->multi, NULL, 0, (int)((timeout_ns + 999999) / 1000000), NULL);
	advance(h, NULL, &unused);
}
