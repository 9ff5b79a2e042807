/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CLUSTER_ETCD_HTTP_H
#define WEIR_CLUSTER_ETCD_HTTP_H

#include <curl/curl.h>
#include <jansson.h>

#include <weir/base/strbuf.h>
#include <weir/cluster/cluster.h>

/* A line of a stream: one JSON value. */
typedef void (*weir_etcd_line_fn)(void *arg, const json_t *value);

/*
 * Requests to etcd's JSON gateway, and one stream of answers, all in one thread: while a request
 * waits, the stream goes on. One endpoint is used for as long as it answers, then the next one.
 */
struct weir_etcd_http {
	CURLM *multi;
	char **endpoints;
	unsigned n_endpoints, current;
	char *user, *password, *ca, *cert, *key;
	char *token;
	CURL *stream;
	struct curl_slist *stream_headers;
	char *stream_body;
	struct weir_strbuf stream_text;
	weir_etcd_line_fn on_line;
	void *arg;
};

/* Texts are copied; the password is read from its file. Usage errors. */
int weir_etcd_http_open(
    struct weir_etcd_http *h, const struct weir_cluster_uri *u, struct weir_error *err);
void weir_etcd_http_close(struct weir_etcd_http *h);

/*
 * POST body (taken) to path, as "/v3/kv/range", and wait for the answer (at most some seconds). The
 * caller owns *ret. Errors: -EAGAIN, no endpoint answers or has a leader; -EACCES, no right;
 * -EREMOTEIO, etcd refuses it otherwise.
 */
int weir_etcd_request(
    struct weir_etcd_http *h, const char *path, json_t *body, json_t **ret, struct weir_error *err);

/* POST body (taken) and call on_line for each value that comes, until the stream ends. */
int weir_etcd_stream_begin(
    struct weir_etcd_http *h, const char *path, json_t *body, weir_etcd_line_fn on_line, void *arg);
void weir_etcd_stream_end(struct weir_etcd_http *h);
/* NULL stream: it has ended. Waits until something has come, somebody called wake(), or the time is
 * over. */
void weir_etcd_run(struct weir_etcd_http *h, int64_t timeout_ns);

#endif
