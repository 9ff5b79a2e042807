/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/nearest.h>
#include <weir/base/number.h>
#include <weir/wire/wire.h>

#define MTU_LEAST_V4 576
#define MTU_LEAST_V6 1280
#define MTU_MOST     9600
#define QUEUES_MOST  64
#define FORM         "PORT,ip=ADDRESS/BITS[,gw=ADDRESS][,udp=PORT][,queues=N][,mtu=BYTES]"

static int
parse_number(const char *key, const char *value, uint64_t least, uint64_t most, uint16_t *ret,
    struct weir_error *err)
{
	uint64_t n;

	if (weir_parse_u64(value, &n, err))
		return weir_error_wrap(err, "%s='%s'", key, value);
	if (n < least || n > most)
		return weir_error_usage(
		    err, "%s=%s: must be %u to %u", key, value, (unsigned)least, (unsigned)most);
	*ret = (uint16_t)n;
	return 0;
}

static int
parse_address(
    const char *key, const char *value, struct weir_wire_address *ret, struct weir_error *err)
{
	unsigned version;

	if (weir_ip_parse(value, &ret->addr, &version))
		return weir_error_usage(
		    err, "%s='%s': not an address (try 10.0.0.1 or 2001:db8::1)", key, value);
	ret->version = (uint8_t)version;
	return 0;
}

/* A host's own: nobody else's, no group and not everybody. */
static bool
is_host(const struct weir_wire_address *a)
{
	uint32_t v4 = (uint32_t)a->addr.lo;

	if (a->version == 6)
		return a->addr.hi >> 56 != 0xff && (a->addr.hi || a->addr.lo > 1);
	return v4 >> 24 != 0 && v4 >> 24 != 127 && v4 >> 28 < 14;
}

static int
parse_ip(const char *value, struct weir_wire_spec *ret, struct weir_error *err)
{
	char text[64];
	const char *slash = strchr(value, '/');
	uint16_t bits = 0;
	int rc;

	if (!slash)
		return weir_error_usage(
		    err, "ip=%s: how long is the network's part? (try ip=%s/24)", value, value);
	snprintf(text, sizeof(text), "%.*s", (int)(slash - value), value);
	rc = parse_address("ip", text, &ret->ip, err);
	if (rc)
		return rc;
	if (!is_host(&ret->ip))
		return weir_error_usage(err, "ip=%s: not the address of a host", value);
	rc = parse_number(
	    "ip=ADDRESS/BITS with BITS", slash + 1, 1, ret->ip.version == 4 ? 32 : 128, &bits, err);
	if (rc)
		return rc;
	ret->prefix_len = (uint8_t)bits;
	return 0;
}

static int
parse_key(const char *key, const char *value, struct weir_wire_spec *ret, struct weir_error *err)
{
	static const char *const keys[] = { "ip", "gw", "udp", "queues", "mtu" };
	struct weir_nearest nearest;

	if (!strcmp(key, "ip"))
		return parse_ip(value, ret, err);
	if (!strcmp(key, "gw"))
		return parse_address(key, value, &ret->gw, err);
	if (!strcmp(key, "udp"))
		return parse_number(key, value, 1, UINT16_MAX, &ret->udp_port, err);
	if (!strcmp(key, "queues"))
		return parse_number(key, value, 1, QUEUES_MOST, &ret->n_queues, err);
	if (!strcmp(key, "mtu"))
		return parse_number(key, value, MTU_LEAST_V4, MTU_MOST, &ret->mtu, err);
	weir_nearest_begin(&nearest, key);
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		weir_nearest_offer(&nearest, keys[i]);
	if (weir_nearest_get(&nearest))
		return weir_error_usage(
		    err, "unknown key '%s' (try '%s')", key, weir_nearest_get(&nearest));
	return weir_error_usage(err, "unknown key '%s' (keys are ip gw udp queues mtu)", key);
}

static int
check_whole(const struct weir_wire_spec *s, struct weir_error *err)
{
	char ip[64], gw[64];

	weir_ip_text(&s->ip.addr, s->ip.version, ip, sizeof(ip));
	if (s->gw.version) {
		weir_ip_text(&s->gw.addr, s->gw.version, gw, sizeof(gw));
		if (s->gw.version != s->ip.version)
			return weir_error_usage(
			    err, "gw=%s: ip=%s is of IPv%u", gw, ip, (unsigned)s->ip.version);
		if (!is_host(&s->gw) ||
		    (s->gw.addr.hi == s->ip.addr.hi && s->gw.addr.lo == s->ip.addr.lo))
			return weir_error_usage(err, "gw=%s: not the address of a gateway", gw);
	}
	if (s->mtu && s->ip.version == 6 && s->mtu < MTU_LEAST_V6)
		return weir_error_usage(
		    err, "mtu=%u: IPv6 needs %u at least", s->mtu, MTU_LEAST_V6);
	return 0;
}

static int
parse_keys(char *text, struct weir_wire_spec *ret, struct weir_error *err)
{
	char seen[8][16] = { "" };
	unsigned n = 0;
	char *rest = NULL;

	for (char *key = strtok_r(text, ",", &rest); key; key = strtok_r(NULL, ",", &rest)) {
		char *value = strchr(key, '=');
		int rc;

		if (!value || !value[1])
			return weir_error_usage(err, "'%s': a key wants a value (" FORM ")", key);
		*value++ = '\0';
		rc = parse_key(key, value, ret, err);
		if (rc)
			return rc;
		for (unsigned i = 0; i < n; i++)
			if (!strcmp(seen[i], key))
				return weir_error_usage(err, "%s= stands there twice", key);
		snprintf(seen[n++], sizeof(seen[0]), "%s", key);
	}
	return check_whole(ret, err);
}

int
weir_wire_parse(const char *text, struct weir_wire_spec *ret, struct weir_error *err)
{
	struct weir_wire_spec s = { .udp_port = WEIR_WIRE_UDP_PORT, .n_queues = 1 };
	const char *at = NULL;
	char *keys;
	int rc;

	/* the port's own arguments may hold anything, and stand before */
	for (const char *p = strstr(text, ",ip="); p; p = strstr(p + 1, ",ip="))
		at = p;
	if (!at || at == text)
		return weir_error_usage(err, "'%s': %s (" FORM ")", text,
		    at ? "no port before its address" : "no ip=ADDRESS/BITS after the port");
	if ((size_t)(at - text) >= sizeof(s.port))
		return weir_error_usage(err, "the port's name is too long");
	memcpy(s.port, text, (size_t)(at - text));
	keys = strdup(at + 1);
	if (!keys)
		return weir_error_run(err, -12, "out of memory");
	rc = parse_keys(keys, &s, err);
	free(keys);
	if (!rc)
		*ret = s;
	return rc;
}
