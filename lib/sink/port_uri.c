/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/nearest.h>
#include <weir/base/number.h>
#include <weir/port/profile.h>

#include "port_uri.h"

#define EXAMPLE  "port:eth0"
#define VDEV     "vdev:"
#define MOST_VID 4094

static bool
is_vdev(const char *name)
{
	return strncmp(name, VDEV, strlen(VDEV)) == 0;
}

/* "02:00:00:00:00:01", all of it. */
static int
parse_mac(const char *key, const char *value, uint8_t *ret, struct weir_error *err)
{
	const char *p = value;

	for (unsigned i = 0; i < 6; i++) {
		if (!isxdigit((unsigned char)p[0]) || !isxdigit((unsigned char)p[1]) ||
		    p[2] != (i < 5 ? ':' : '\0'))
			return weir_error_usage(err,
			    "%s=%s: that is no MAC address (try '%s=02:00:00:00:00:01')", key,
			    value, key);
		ret[i] = (uint8_t)strtoul(p, NULL, 16);
		p += 3;
	}
	return 0;
}

static int
parse_part(const char *text, size_t len, unsigned most, unsigned *ret)
{
	char digits[8];
	uint64_t n;

	if (len == 0 || len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (weir_parse_u64(digits, &n, NULL) || n > most)
		return -EINVAL;
	*ret = (unsigned)n;
	return 0;
}

/* "ID[:PRIO]". */
static int
parse_tag(const char *text, uint16_t *ret, struct weir_error *err)
{
	size_t len = strcspn(text, ":");
	unsigned id, priority = 0;

	if (parse_part(text, len, MOST_VID, &id))
		return weir_error_usage(err,
		    "vlan=push:%s: a VLAN is a number from 0 to %d (try 'vlan=push:100')", text,
		    MOST_VID);
	if (text[len] && parse_part(text + len + 1, strlen(text + len + 1), 7, &priority))
		return weir_error_usage(err,
		    "vlan=push:%s: a priority is a number from 0 to 7 (try 'vlan=push:%u:3')", text,
		    id);
	*ret = (uint16_t)(priority << 13 | id);
	return 0;
}

/* One of two words, of which the second may have more behind it. */
static int
refuse_word(
    const char *key, const char *value, const char *a, const char *b, struct weir_error *err)
{
	char *word = strndup(value, strcspn(value, ":"));
	struct weir_nearest near;
	const char *best;
	int rc;

	if (!word)
		return weir_error_run(err, -ENOMEM, "out of memory");
	weir_nearest_begin(&near, word);
	weir_nearest_offer(&near, a);
	if (b)
		weir_nearest_offer(&near, b);
	best = weir_nearest_get(&near);
	best = best ? best : a;
	rc = weir_error_usage(err, "%s=%s: unknown word '%s' (try '%s=%s%s')", key, value, word,
	    key, best, b && best == b ? ":100" : "");
	free(word);
	return rc;
}

static int
set_mac(void *uri, const char *value, struct weir_error *err)
{
	struct weir_port_uri *u = uri;

	if (strcmp(value, "swap") != 0)
		return refuse_word("mac", value, "swap", NULL, err);
	u->rewrite.swaps = true;
	return 0;
}

static int
set_src(void *uri, const char *value, struct weir_error *err)
{
	struct weir_port_uri *u = uri;

	u->rewrite.has_src = true;
	return parse_mac("src", value, u->rewrite.src, err);
}

static int
set_dst(void *uri, const char *value, struct weir_error *err)
{
	struct weir_port_uri *u = uri;

	u->rewrite.has_dst = true;
	return parse_mac("dst", value, u->rewrite.dst, err);
}

static int
set_vlan(void *uri, const char *value, struct weir_error *err)
{
	struct weir_port_uri *u = uri;
	bool is_pop = strcmp(value, "pop") == 0;

	if (!is_pop && strncmp(value, "push:", 5) != 0)
		return refuse_word("vlan", value, "pop", "push", err);
	if (is_pop ? u->rewrite.pops : u->rewrite.pushes)
		return weir_error_usage(err, "option 'vlan=%s' is given twice", value);
	*(is_pop ? &u->rewrite.pops : &u->rewrite.pushes) = true;
	return is_pop ? 0 : parse_tag(value + 5, &u->rewrite.tci, err);
}

static int
set_to(void *uri, const char *value, struct weir_error *err)
{
	struct weir_port_uri *u = uri;

	if (strcmp(value, "other") != 0)
		return refuse_word("to", value, "other", NULL, err);
	u->to_other = true;
	return 0;
}

static const struct {
	const char *name;
	const char *usage;
	bool may_repeat; /* with another value */
	int (*set)(void *uri, const char *value, struct weir_error *err);
} options[] = {
	{ "mac", "mac=swap", false, set_mac },
	{ "src", "src=02:00:00:00:00:01", false, set_src },
	{ "dst", "dst=02:00:00:00:00:01", false, set_dst },
	{ "vlan", "vlan=pop", true, set_vlan },
	{ "to", "to=other", false, set_to },
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

/* Is it a key of a driver's profile, and not one of the sink? */
static bool
is_profile_key(const char *key)
{
	for (unsigned i = 0; i < WEIR_PROFILE_KEYS; i++)
		if (strcmp(weir_profile_keys[i].name, key) == 0)
			return true;
	return false;
}

/* "queues, descriptors": what a command line may set of a profile. */
static const char *
list_profile_keys(char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < WEIR_PROFILE_KEYS && len < size; i++)
		if (weir_profile_keys[i].is_typed)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "",
			    weir_profile_keys[i].name);
	return buf;
}

static int
refuse_option(const char *key, struct weir_error *err)
{
	struct weir_nearest near;
	const char *best;
	char keys[256];

	weir_nearest_begin(&near, key);
	for (unsigned i = 0; i < N_OPTIONS; i++)
		weir_nearest_offer(&near, options[i].name);
	for (unsigned i = 0; i < WEIR_PROFILE_KEYS; i++)
		if (weir_profile_keys[i].is_typed)
			weir_nearest_offer(&near, weir_profile_keys[i].name);
	best = weir_nearest_get(&near);
	if (best)
		return weir_error_usage(err, "unknown option '%s' (try '%s')", key, best);
	return weir_error_usage(err,
	    "unknown option '%s' (one of mac=swap, src=MAC, dst=MAC, vlan=pop, "
	    "vlan=push:ID[:PRIO], to=other; or of the driver's %s)",
	    key, list_profile_keys(keys, sizeof(keys)));
}

/* One option of the sink. value: NULL where there is none. */
static int
set_option(struct weir_port_uri *u, const char *key, const char *value, bool seen[N_OPTIONS],
    struct weir_error *err)
{
	unsigned i = 0;

	while (i < N_OPTIONS && strcmp(options[i].name, key) != 0)
		i++;
	if (i == N_OPTIONS)
		return refuse_option(key, err);
	if (!value || !*value)
		return weir_error_usage(
		    err, "option '%s' lacks its value (try '%s')", key, options[i].usage);
	if (seen[i] && !options[i].may_repeat)
		return weir_error_usage(err, "option '%s' is given twice", key);
	seen[i] = true;
	return options[i].set(u, value, err);
}

/* Those of the drivers are put aside, and judged as those of any port. */
static int
parse_options(struct weir_port_uri *u, char *text, struct weir_error *err)
{
	bool seen[N_OPTIONS] = { false };
	struct weir_profile any;
	char *pair;

	while ((pair = strsep(&text, "&")) != NULL) {
		size_t len = strcspn(pair, "=");
		char *value = pair[len] ? pair + len + 1 : NULL;
		bool is_of_driver;
		int rc;

		pair[len] = '\0';
		if (!*pair)
			return weir_error_usage(err,
			    "an option behind '?' lacks its name (try '%s?mac=swap')", EXAMPLE);
		is_of_driver = is_profile_key(pair);
		rc = is_of_driver ? 0 : set_option(u, pair, value, seen, err);
		if (rc)
			return rc;
		if (value)
			pair[len] = '=';
		if (is_of_driver && u->options[0])
			strcat(u->options, "&");
		if (is_of_driver)
			strcat(u->options, pair);
	}
	weir_profile_init(&any);
	return weir_profile_override(&any, u->options, err);
}

static int
add_port(struct weir_port_uri *u, char *name, struct weir_error *err)
{
	const char *device = is_vdev(name) ? name + strlen(VDEV) : name;

	if (!*device || *device == ',')
		return weir_error_usage(err, "no port is named %s (try '%s')",
		    is_vdev(name) ? "after 'vdev:'" : "between commas", EXAMPLE);
	for (unsigned i = 0; i < u->n_ports; i++)
		if (weir_port_uri_is_same(u->ports[i], name))
			return weir_error_usage(err, "port '%s' is given twice", name);
	if (u->n_ports == WEIR_FORWARD_PORTS)
		return weir_error_usage(err, "more than %d ports", WEIR_FORWARD_PORTS);
	u->ports[u->n_ports++] = name;
	return 0;
}

/* Names with commas in between: what has a '=' is an argument of the vdev before it. */
static int
parse_names(struct weir_port_uri *u, char *text, struct weir_error *err)
{
	char *name = text;
	unsigned place = 1;

	for (char *at = text;;) {
		size_t len = strcspn(at, ",");
		bool has_next = at[len] == ',';
		char *next = at + len + 1;
		int rc;

		if (at == name && memchr(at, '=', len) && !is_vdev(name))
			return weir_error_usage(err,
			    "'%.*s' at %u is no port: options go behind '?' (try '%s?mac=swap')",
			    (int)len, at, place, EXAMPLE);
		/* does the next item belong to this one? */
		if (has_next && is_vdev(name) && memchr(next, '=', strcspn(next, ",")) &&
		    !is_vdev(next)) {
			at = next;
			continue;
		}
		at[len] = '\0';
		rc = add_port(u, name, err);
		if (rc || !has_next)
			return rc;
		place += (unsigned)(next - name);
		at = name = next;
	}
}

int
weir_port_uri_parse(const char *target, struct weir_port_uri *ret, struct weir_error *err)
{
	struct weir_port_uri u = { .text = strdup(target ? target : "") };
	char *mark = u.text ? strrchr(u.text, '?') : NULL;
	int rc;

	if (u.text) /* room for all that is behind the mark */
		u.options = calloc(1, strlen(u.text) + 1);
	if (!u.options) {
		free(u.text);
		return weir_error_run(err, -ENOMEM, "out of memory");
	}
	if (mark)
		*mark++ = '\0';
	if (!*u.text)
		rc = weir_error_usage(err, "no port is named (try '%s')", EXAMPLE);
	else
		rc = parse_names(&u, u.text, err);
	if (!rc && mark)
		rc = parse_options(&u, mark, err);
	if (!rc && u.to_other && u.n_ports != 2)
		rc = weir_error_usage(err,
		    "to=other needs two ports, and %u %s named (try 'port:A,B?to=other')",
		    u.n_ports, u.n_ports == 1 ? "is" : "are");
	if (rc) {
		weir_port_uri_fini(&u);
		return rc;
	}
	*ret = u;
	return 0;
}

void
weir_port_uri_fini(struct weir_port_uri *u)
{
	free(u->text);
	free(u->options);
	u->text = u->options = NULL;
}

char *
weir_port_uri_open_name(const struct weir_port_uri *u, unsigned port)
{
	const char *name = u->ports[port];
	/* of a name that holds a '?' itself the last one begins the options */
	bool has_mark = u->options[0] || strchr(name, '?');
	char *ret;

	return asprintf(&ret, "%s%s%s", name, has_mark ? "?" : "", u->options) < 0 ? NULL : ret;
}

/* A device or an interface, without "vdev:", arguments and options. */
static const char *
bare_name(const char *name, size_t *ret_len)
{
	name += is_vdev(name) ? strlen(VDEV) : 0;
	*ret_len = strcspn(name, ",?");
	return name;
}

bool
weir_port_uri_is_same(const char *a, const char *b)
{
	size_t len_a, len_b;

	a = bare_name(a, &len_a);
	b = bare_name(b, &len_b);
	return len_a == len_b && strncmp(a, b, len_a) == 0;
}
