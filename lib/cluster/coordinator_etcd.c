/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>
#include <weir/cluster/coordinator.h>

#include "base64.h"
#include "etcd_http.h"

/*
 * etcd 3.4 by its JSON gateway (etcd.io/docs/v3.4/dev-guide/api_grpc_gateway): keys and values are
 * base64, numbers of 64 bits are texts, and what is 0 or false is left out.
 */

struct etcd {
	struct weir_coordinator co;
	struct weir_etcd_http http;
	char *prefix;     /* "weir/JOB/" */
	char *prefix_end; /* the first key behind them */
	char *own_key;    /* the one with the lease, without prefix */
	int64_t lease;    /* 0: none */
	int64_t ttl_ns;   /* as etcd granted it */
	bool is_followed; /* the stream brings all changes of keys */
};

static struct etcd *
etcd_of(struct weir_coordinator *co)
{
	return (struct etcd *)co; /* its first member */
}

static uint64_t
number_of(const json_t *j, const char *key)
{
	const json_t *n = json_object_get(j, key);

	if (json_is_integer(n))
		return (uint64_t)json_integer_value(n);
	return json_is_string(n) ? strtoull(json_string_value(n), NULL, 10) : 0;
}

static json_t *
number(uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	return json_string(text);
}

static json_t *
base64(const char *text)
{
	char *encoded = weir_base64_encode(text, strlen(text));
	json_t *j = json_string(encoded);

	free(encoded);
	return j;
}

static json_t *
base64_key(const struct etcd *t, const char *key)
{
	struct weir_strbuf full = { .p = NULL };
	json_t *j;

	weir_strbuf_printf(&full, "%s%s", t->prefix, key);
	j = base64(full.p);
	weir_strbuf_free(&full);
	return j;
}

/* A text of base64; NULL where it is none, or has a NUL in it. */
static char *
decode(const json_t *j)
{
	size_t n;
	char *text = json_is_string(j) ? weir_base64_decode(json_string_value(j), &n) : NULL;

	if (text && strlen(text) != n) {
		free(text);
		return NULL;
	}
	return text;
}

static void
set_key(struct etcd *t, const json_t *kv, bool is_deleted)
{
	char *key = decode(json_object_get(kv, "key"));
	char *value = is_deleted ? NULL : decode(json_object_get(kv, "value"));
	size_t n = strlen(t->prefix);

	if (key && !strncmp(key, t->prefix, n))
		weir_keys_set(&t->co.keys, key + n,
		    value        ? value
		    : is_deleted ? NULL
				 : "",
		    number_of(kv, "mod_revision"));
	free(key);
	free(value);
}

static void
set_revision(struct etcd *t, const json_t *answer)
{
	uint64_t revision = number_of(json_object_get(answer, "header"), "revision");

	if (revision > t->co.keys.revision)
		t->co.keys.revision = revision;
}

static void
take_events(void *arg, const json_t *line)
{
	struct etcd *t = arg;
	const json_t *result = json_object_get(line, "result"), *event;
	size_t i;

	/* Refused, or revisions are compacted that were to be told: read all again. */
	if (!result || json_is_true(json_object_get(result, "canceled"))) {
		t->is_followed = false;
		return;
	}
	json_array_foreach(json_object_get(result, "events"), i, event)
	{
		const char *type = json_string_value(json_object_get(event, "type"));

		set_key(t, json_object_get(event, "kv"), type && !strcmp(type, "DELETE"));
		t->co.is_changed = true;
	}
	set_revision(t, result);
}

static int
follow(struct etcd *t)
{
	json_t *body = json_pack("{s:{s:o,s:o,s:o}}", "create_request", "key", base64(t->prefix),
	    "range_end", base64(t->prefix_end), "start_revision", number(t->co.keys.revision + 1));

	return weir_etcd_stream_begin(&t->http, "/v3/watch", body, take_events, t);
}

static int
etcd_read(struct weir_coordinator *co, struct weir_error *err)
{
	struct etcd *t = etcd_of(co);
	json_t *body, *answer, *kv;
	size_t i;
	int rc;

	if (!t->http.stream)
		t->is_followed = false;
	if (t->is_followed && !co->is_stale)
		return 0;
	body = json_pack("{s:o,s:o}", "key", base64(t->prefix), "range_end", base64(t->prefix_end));
	rc = weir_etcd_request(&t->http, "/v3/kv/range", body, &answer, err);
	if (rc)
		return rc;
	weir_keys_clear(&co->keys);
	json_array_foreach(json_object_get(answer, "kvs"), i, kv) set_key(t, kv, false);
	set_revision(t, answer);
	json_decref(answer);
	co->is_stale = false;
	co->is_changed = true;
	t->is_followed = follow(t) == 0;
	return 0;
}

/* One comparison, one change. *ret_is_done: the comparison held. */
static int
transact(struct etcd *t, json_t *compare, json_t *change, bool *ret_is_done, uint64_t *ret_revision,
    struct weir_error *err)
{
	json_t *answer;
	int rc = weir_etcd_request(&t->http, "/v3/kv/txn",
	    json_pack("{s:[o],s:[o]}", "compare", compare, "success", change), &answer, err);

	if (rc)
		return rc;
	*ret_is_done = json_is_true(json_object_get(answer, "succeeded"));
	*ret_revision = number_of(json_object_get(answer, "header"), "revision");
	json_decref(answer);
	return 0;
}

static json_t *
is_revision(const struct etcd *t, const char *key, uint64_t revision)
{
	return json_pack("{s:o,s:s,s:s,s:o}", "key", base64_key(t, key), "target", "MOD", "result",
	    "EQUAL", "mod_revision", number(revision));
}

static json_t *
put(const struct etcd *t, const char *key, const char *value, int64_t lease)
{
	return json_pack("{s:{s:o,s:o,s:o}}", "request_put", "key", base64_key(t, key), "value",
	    base64(value), "lease", number((uint64_t)lease));
}

static int
etcd_swap(struct weir_coordinator *co, const char *key, uint64_t revision, const char *value,
    uint64_t *ret_revision, struct weir_error *err)
{
	struct etcd *t = etcd_of(co);
	json_t *change =
	    value ? put(t, key, value, 0)
		  : json_pack("{s:{s:o}}", "request_delete_range", "key", base64_key(t, key));
	bool is_done;
	int rc = transact(t, is_revision(t, key, revision), change, &is_done, ret_revision, err);

	if (rc)
		return rc;
	if (!is_done)
		return weir_error_run(err, -ESTALE, "%s has been changed by another node", key);
	weir_keys_set(&co->keys, key, value, *ret_revision);
	co->is_changed = true;
	return 0;
}

static int
revoke(struct etcd *t, struct weir_error *err)
{
	json_t *answer;
	int rc;

	if (!t->lease)
		return 0;
	rc = weir_etcd_request(&t->http, "/v3/lease/revoke",
	    json_pack("{s:o}", "ID", number((uint64_t)t->lease)), &answer, err);
	if (rc == 0)
		json_decref(answer);
	if (rc != -EAGAIN)
		t->lease = 0; /* gone, now or before */
	return rc == -EAGAIN ? rc : 0;
}

static int
grant(struct etcd *t, int64_t ttl_ns, int64_t *ret_until_ns, struct weir_error *err)
{
	int64_t now_ns = weir_now_mono_ns();
	json_t *answer;
	int rc = weir_etcd_request(&t->http, "/v3/lease/grant",
	    json_pack(
		"{s:o}", "TTL", number((uint64_t)((ttl_ns + WEIR_NS_PER_S - 1) / WEIR_NS_PER_S))),
	    &answer, err);

	if (rc)
		return rc;
	t->lease = (int64_t)number_of(answer, "ID");
	t->ttl_ns = (int64_t)number_of(answer, "TTL") * WEIR_NS_PER_S;
	*ret_until_ns = now_ns + t->ttl_ns;
	json_decref(answer);
	return t->lease ? 0 : weir_error_run(err, -EREMOTEIO, "etcd grants no lease");
}

static int
etcd_join(struct weir_coordinator *co, const char *key, const char *value, int64_t ttl_ns,
    int64_t *ret_until_ns, struct weir_error *err)
{
	struct etcd *t = etcd_of(co);
	int64_t until_ns;
	uint64_t revision;
	bool is_done;
	int rc = revoke(t, err); /* of a try whose answer did not come */

	if (!rc)
		rc = grant(t, ttl_ns, &until_ns, err);
	if (!rc)
		rc = transact(t, is_revision(t, key, 0), put(t, key, value, t->lease), &is_done,
		    &revision, err);
	if (rc)
		return rc;
	if (!is_done) {
		revoke(t, NULL);
		return weir_error_run(err, -EEXIST, "%s is there already", key);
	}
	free(t->own_key);
	t->own_key = strdup(key);
	*ret_until_ns = until_ns;
	weir_keys_set(&co->keys, key, value, revision);
	co->is_changed = true;
	return 0;
}

static int
etcd_publish(struct weir_coordinator *co, const char *value, struct weir_error *err)
{
	struct etcd *t = etcd_of(co);
	json_t *compare;
	uint64_t revision;
	bool is_done = false;
	int rc;

	if (!t->lease)
		return weir_error_run(err, -ESTALE, "there is no lease");
	compare = json_pack("{s:o,s:s,s:s,s:o}", "key", base64_key(t, t->own_key), "target",
	    "LEASE", "result", "EQUAL", "lease", number((uint64_t)t->lease));
	rc = transact(t, compare, put(t, t->own_key, value, t->lease), &is_done, &revision, err);
	if (rc)
		return rc == -EREMOTEIO ? -ESTALE : rc; /* the lease is not found */
	if (!is_done)
		return weir_error_run(err, -ESTALE, "the key is another's, or gone");
	weir_keys_set(&co->keys, t->own_key, value, revision);
	co->is_changed = true;
	return 0;
}

static int
etcd_renew(struct weir_coordinator *co, int64_t *ret_until_ns, struct weir_error *err)
{
	struct etcd *t = etcd_of(co);
	int64_t now_ns = weir_now_mono_ns();
	json_t *answer;
	uint64_t ttl;
	int rc;

	if (!t->lease)
		return weir_error_run(err, -ESTALE, "there is no lease");
	rc = weir_etcd_request(&t->http, "/v3/lease/keepalive",
	    json_pack("{s:o}", "ID", number((uint64_t)t->lease)), &answer, err);
	if (rc)
		return rc;
	ttl = number_of(json_object_get(answer, "result"), "TTL");
	json_decref(answer);
	if (ttl == 0) {
		t->lease = 0;
		return weir_error_run(err, -ESTALE, "the lease has lapsed");
	}
	*ret_until_ns = now_ns + (int64_t)ttl * WEIR_NS_PER_S;
	return 0;
}

static int
etcd_leave(struct weir_coordinator *co, struct weir_error *err)
{
	return revoke(etcd_of(co), err);
}

static void
etcd_watch(struct weir_coordinator *co, int64_t timeout_ns)
{
	weir_etcd_run(&etcd_of(co)->http, timeout_ns);
}

static void
etcd_wake(struct weir_coordinator *co)
{
	curl_multi_wakeup(etcd_of(co)->http.multi);
}

static void
etcd_close(struct weir_coordinator *co)
{
	struct etcd *t = etcd_of(co);

	weir_etcd_http_close(&t->http);
	weir_keys_clear(&co->keys);
	free(t->prefix);
	free(t->prefix_end);
	free(t->own_key);
	free(t);
}

static int
etcd_open(
    const struct weir_cluster_config *config, struct weir_coordinator **ret, struct weir_error *err)
{
	struct etcd *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		abort();
	t->co.ops = &weir_coordinator_etcd;
	rc = weir_etcd_http_open(&t->http, config->uri, err);
	/* '0' is the character behind '/'. */
	if (asprintf(&t->prefix, "weir/%s/", config->uri->job) < 0 ||
	    asprintf(&t->prefix_end, "weir/%s0", config->uri->job) < 0)
		abort();
	if (rc)
		etcd_close(&t->co);
	else
		*ret = &t->co;
	return rc;
}

const struct weir_coordinator_ops weir_coordinator_etcd = {
	.scheme = "etcd",
	.open = etcd_open,
	.read = etcd_read,
	.join = etcd_join,
	.publish = etcd_publish,
	.renew = etcd_renew,
	.swap = etcd_swap,
	.leave = etcd_leave,
	.watch = etcd_watch,
	.wake = etcd_wake,
	.close = etcd_close,
};
