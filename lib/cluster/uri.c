/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>
#include <weir/base/nearest.h>
#include <weir/base/number.h>
#include <weir/base/time.h>
#include <weir/cluster/cluster.h>

#include "word.h"

#define MAX_WAITED_NODES 1024

enum uri_key { NODES, TTL, LEAD, USER, PASSWORD_FILE, CA, CERT, KEY, TLS };

static const char *const uri_keys[] = { [NODES] = "nodes",
	[TTL] = "ttl",
	[LEAD] = "lead",
	[USER] = "user",
	[PASSWORD_FILE] = "password-file",
	[CA] = "ca",
	[CERT] = "cert",
	[KEY] = "key",
	[TLS] = "tls" };
#define N_KEYS (sizeof(uri_keys) / sizeof(*uri_keys))

bool
weir_cluster_is_word(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || n > WEIR_CLUSTER_WORD_MAX || text[0] == '.')
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("_.-", *text))
			return false;
	return true;
}

static int
parse_duration(const char *key, const char *value, int64_t min_ns, int64_t max_ns, int64_t *ret,
    struct weir_error *err)
{
	char low[32], high[32];
	int rc = weir_parse_duration(value, ret, err);

	if (rc)
		return weir_error_wrap(err, "--cluster: %s", key);
	if (*ret >= min_ns && *ret <= max_ns)
		return 0;
	return weir_error_usage(err, "--cluster: %s=%s is not between %s and %s", key, value,
	    weir_text_duration(min_ns, low, sizeof(low)),
	    weir_text_duration(max_ns, high, sizeof(high)));
}

static int
parse_nodes(const char *value, unsigned *ret, struct weir_error *err)
{
	uint64_t n;
	int rc = weir_parse_u64(value, &n, err);

	if (rc)
		return weir_error_wrap(err, "--cluster: nodes");
	if (n < 1 || n > MAX_WAITED_NODES)
		return weir_error_usage(
		    err, "--cluster: nodes=%s is not between 1 and %u", value, MAX_WAITED_NODES);
	*ret = (unsigned)n;
	return 0;
}

static int
set_text(const char *key, const char *value, char **ret, struct weir_error *err)
{
	if (!*value)
		return weir_error_usage(err, "--cluster: %s= has no value", key);
	*ret = strdup(value);
	return *ret ? 0 : weir_error_run(err, -ENOMEM, "out of memory");
}

static int
set(struct weir_cluster_uri *u, enum uri_key k, const char *value, bool *is_tls,
    struct weir_error *err)
{
	char **texts[] = { [USER] = &u->user,
		[PASSWORD_FILE] = &u->password_file,
		[CA] = &u->ca,
		[CERT] = &u->cert,
		[KEY] = &u->key };

	switch (k) {
	case NODES:
		return parse_nodes(value, &u->n_nodes, err);
	case TTL:
		return parse_duration(
		    "ttl", value, WEIR_NS_PER_S, 3600 * WEIR_NS_PER_S, &u->ttl_ns, err);
	case LEAD:
		return parse_duration(
		    "lead", value, WEIR_NS_PER_S / 100, 3600 * WEIR_NS_PER_S, &u->lead_ns, err);
	case TLS:
		if (strcmp(value, "0") && strcmp(value, "1"))
			return weir_error_usage(err, "--cluster: tls=%s is neither 0 nor 1", value);
		*is_tls |= *value == '1';
		return 0;
	default:
		return set_text(uri_keys[k], value, texts[k], err);
	}
}

static int
parse_option(
    struct weir_cluster_uri *u, char *text, unsigned *seen, bool *is_tls, struct weir_error *err)
{
	char *value = strchr(text, '=');
	struct weir_nearest near;
	const char *word;

	if (!value)
		return weir_error_usage(
		    err, "--cluster: '%s' has no value: write %s=…", text, text);
	*value++ = '\0';
	weir_nearest_begin(&near, text);
	for (unsigned k = 0; k < N_KEYS; k++) {
		weir_nearest_offer(&near, uri_keys[k]);
		if (strcmp(text, uri_keys[k]))
			continue;
		if (*seen & 1u << k)
			return weir_error_usage(err, "--cluster: %s= is there twice", text);
		*seen |= 1u << k;
		return set(u, k, value, is_tls, err);
	}
	word = weir_nearest_get(&near);
	return weir_error_usage(err, "--cluster: no option '%s'%s%s%s", text,
	    word ? ", did you mean '" : " (there are nodes, ttl, lead, user, password-file, ca, ",
	    word ? word : "cert, key, tls)", word ? "'?" : "");
}

/* HOST:PORT or [ADDRESS]:PORT. */
static int
check_endpoint(const char *text, struct weir_error *err)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	const char *of_host = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	uint64_t port;

	if (n == 0 || text[n - 1] == ':')
		return weir_error_usage(err,
		    "--cluster: '%s' is not HOST:PORT, as etcd1:2379 or [2001:db8::1]:2379", text);
	if (weir_parse_u64(colon + 1, &port, err) || port < 1 || port > 65535)
		return weir_error_usage(
		    err, "--cluster: '%s' is no port (of %s): 1 to 65535", colon + 1, text);
	if (text[0] == '[' && text[n - 1] == ']' && n > 3 &&
	    strspn(text + 1, "0123456789abcdefABCDEF:.") == n - 2)
		return 0;
	if (strspn(text, of_host) != n)
		return weir_error_usage(err,
		    "--cluster: '%.*s' is no host: a name or address, IPv6 in [brackets]", (int)n,
		    text);
	return 0;
}

static int
parse_endpoints(struct weir_cluster_uri *u, char *text, bool is_tls, struct weir_error *err)
{
	char *save = NULL;

	for (char *e = strtok_r(text, ",", &save); e; e = strtok_r(NULL, ",", &save)) {
		char **slot;
		int rc = check_endpoint(e, err);

		if (rc)
			return rc;
		slot = weir_array_add(&u->endpoints, &u->n_endpoints, sizeof(*slot));
		if (asprintf(slot, "%s://%s", is_tls ? "https" : "http", e) < 0)
			abort();
	}
	return u->n_endpoints ? 0 : weir_error_usage(err, "--cluster: no HOST:PORT after etcd://");
}

static int
check_together(const struct weir_cluster_uri *u, bool is_tls, struct weir_error *err)
{
	if ((u->ca || u->cert || u->key) && !is_tls)
		return weir_error_usage(err, "--cluster: %s= is for TLS: write etcds:// (or tls=1)",
		    u->ca     ? "ca"
		    : u->cert ? "cert"
			      : "key");
	if (!u->cert != !u->key)
		return weir_error_usage(err,
		    "--cluster: %s= goes with %s=", u->cert ? "cert" : "key",
		    u->cert ? "key" : "cert");
	if (!u->user != !u->password_file)
		return weir_error_usage(err,
		    "--cluster: %s= goes with %s=", u->user ? "user" : "password-file",
		    u->user ? "password-file" : "user");
	return 0;
}

static int
parse_etcd(struct weir_cluster_uri *u, char *rest, bool is_tls, struct weir_error *err)
{
	char *options = strchr(rest, '?'), *save = NULL, *job;
	unsigned seen = 0;
	int rc;

	if (options)
		*options++ = '\0';
	job = strchr(rest, '/');
	if (!job)
		return weir_error_usage(err, "--cluster: no job's name: write etcd://%s/JOB", rest);
	*job++ = '\0';
	if (!weir_cluster_is_word(job))
		return weir_error_usage(err,
		    "--cluster: '%s' is no job's name: up to %u letters, digits, '_', '-' and '.'",
		    job, WEIR_CLUSTER_WORD_MAX);
	u->job = strdup(job);
	for (char *o = options ? strtok_r(options, "&", &save) : NULL; o;
	     o = strtok_r(NULL, "&", &save)) {
		rc = parse_option(u, o, &seen, &is_tls, err);
		if (rc)
			return rc;
	}
	rc = check_together(u, is_tls, err);
	return rc ? rc : parse_endpoints(u, rest, is_tls, err);
}

static int
parse(struct weir_cluster_uri *u, char *text, struct weir_error *err)
{
	static const char *const schemes[] = { "etcd://", "etcds://", "static:" };
	struct weir_nearest near;
	const char *word;
	size_t n;

	for (unsigned i = 0; i < 2; i++)
		if (!strncmp(text, schemes[i], strlen(schemes[i]))) {
			u->scheme = strdup("etcd");
			return parse_etcd(u, text + strlen(schemes[i]), i == 1, err);
		}
	if (!strncmp(text, "static:", 7)) {
		if (!text[7])
			return weir_error_usage(err, "--cluster: no file after static:");
		u->scheme = strdup("static");
		u->job = strdup("");
		u->path = strdup(text + 7);
		return 0;
	}
	n = strcspn(text, ":");
	text[n] = '\0';
	weir_nearest_begin(&near, text);
	weir_nearest_offer(&near, "etcd");
	weir_nearest_offer(&near, "etcds");
	weir_nearest_offer(&near, "static");
	word = weir_nearest_get(&near);
	return weir_error_usage(err,
	    "--cluster: '%s' is none of etcd://H:P[,H:P…]/JOB and static:FILE%s%s%s", text,
	    word ? ", did you mean '" : "", word ? word : "", word ? "'?" : "");
}

int
weir_cluster_uri_parse(const char *text, struct weir_cluster_uri *ret, struct weir_error *err)
{
	struct weir_cluster_uri u = {
		.n_nodes = 1, .ttl_ns = 5 * WEIR_NS_PER_S, .lead_ns = 2 * WEIR_NS_PER_S
	};
	char *copy = strdup(text);
	int rc;

	if (!copy)
		return weir_error_run(err, -ENOMEM, "out of memory");
	rc = parse(&u, copy, err);
	free(copy);
	if (rc)
		weir_cluster_uri_free(&u);
	else
		*ret = u;
	return rc;
}

void
weir_cluster_uri_free(struct weir_cluster_uri *u)
{
	for (unsigned i = 0; i < u->n_endpoints; i++)
		free(u->endpoints[i]);
	free(u->endpoints);
	free(u->scheme);
	free(u->job);
	free(u->path);
	free(u->user);
	free(u->password_file);
	free(u->ca);
	free(u->cert);
	free(u->key);
	memset(u, 0, sizeof(*u));
}
