/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include <weir/base/nearest.h>
#include <weir/packet/tunnel.h>

#define WORDS "vlan, mpls, eompls, pppoe, gre, vxlan, geneve, gtpu, ipip, 6in4"

const struct weir_tunnel_doc weir_tunnels[] = {
	{ "vlan", 0 },
	{ "mpls", WEIR_TUNNEL_MPLS },
	{ "eompls", WEIR_TUNNEL_EOMPLS },
	{ "pppoe", 0 },
	{ "gre", WEIR_TUNNEL_GRE },
	{ "vxlan", WEIR_TUNNEL_VXLAN },
	{ "geneve", WEIR_TUNNEL_GENEVE },
	{ "gtpu", WEIR_TUNNEL_GTPU },
	{ "ipip", WEIR_TUNNEL_IPIP },
	{ "6in4", WEIR_TUNNEL_6IN4 },
	{ 0 },
};

static const struct weir_tunnel_doc *
find(const char *word, size_t len)
{
	for (const struct weir_tunnel_doc *t = weir_tunnels; t->name; t++)
		if (strlen(t->name) == len && memcmp(t->name, word, len) == 0)
			return t;
	return NULL;
}

static int
unknown(const char *word, size_t len, unsigned at, struct weir_error *err)
{
	struct weir_nearest n;
	char typed[32];

	snprintf(typed, sizeof(typed), "%.*s", (int)(len < sizeof(typed) ? len : 31), word);
	weir_nearest_begin(&n, typed);
	for (const struct weir_tunnel_doc *t = weir_tunnels; t->name; t++)
		weir_nearest_offer(&n, t->name);
	if (weir_nearest_get(&n))
		return weir_error_usage(
		    err, "at %u: unknown tunnel '%s' (try '%s')", at, typed, weir_nearest_get(&n));
	return weir_error_usage(err, "at %u: unknown tunnel '%s' (there are " WORDS ")", at, typed);
}

int
weir_tunnels_parse(const char *text, uint32_t *ret_bits, struct weir_error *err)
{
	uint32_t bits = 0;

	for (const char *word = text;; word++) {
		size_t len = strcspn(word, ",");
		unsigned at = (unsigned)(word - text + 1);
		const struct weir_tunnel_doc *t = find(word, len);

		if (len == 0)
			return weir_error_usage(
			    err, "at %u: a tunnel's name is missing (there are " WORDS ")", at);
		if (!t)
			return unknown(word, len, at, err);
		bits |= t->bits;
		word += len;
		if (!*word)
			break;
	}
	*ret_bits = bits;
	return 0;
}
