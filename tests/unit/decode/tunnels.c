/* SPDX-License-Identifier: BSD-3-Clause */
#include "tunnels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/packet/tunnel.h>

#define MPLS   WEIR_TUNNEL_MPLS
#define EOMPLS WEIR_TUNNEL_EOMPLS
#define GRE    WEIR_TUNNEL_GRE
#define VXLAN  WEIR_TUNNEL_VXLAN
#define GENEVE WEIR_TUNNEL_GENEVE
#define GTPU   WEIR_TUNNEL_GTPU
#define IPIP   WEIR_TUNNEL_IPIP
#define SIX    WEIR_TUNNEL_6IN4

/* clang-format off */
const struct tunnel_sample tunnel_samples[] = {
	{ "IPv4 in IPv4", IPIP, "E0800 404", 62, 0, 0 },
	{ "IPv4 in IPv6", IPIP, "E86dd 604", 82, 0, 0 },
	{ "IPv4 in IPv6 in IPv4", IPIP | SIX, "E0800 429 604", 102, 0, 0 },
	{ "IPv4 in IPv6 in IPv6", IPIP | SIX, "E86dd 629 604", 122, 0, 0 },
	{ "IPv4 in IPv6, known by its version, in IPv4", IPIP, "E0800 404 604", 102, 0, 0 },
	{ "GRE", GRE, "E0800 42f x00000800", 66, 0, 0 },
	{ "GRE over IPv6 behind a tag", GRE, "E8100 x006486dd 62f x00000800", 90, 76, 0 },
	{ "GRE with checksum", GRE, "E0800 42f x80000800abcd0000", 70, 0, 0 },
	{ "GRE with key", GRE, "E0800 42f x2000080000000007", 70, 0, 0 },
	{ "GRE with sequence", GRE, "E0800 42f x1000080000000007", 70, 0, 0 },
	{ "GRE with all options", GRE, "E0800 42f xb0000800abcd00000000000700000009", 78, 0, 0 },
	{ "GRE with Ethernet", GRE, "E0800 42f x00006558 E0800", 42, 0, 0 },
	{ "GRE with a label", GRE, "E0800 42f x00008847 x00064140", 70, 0, 32 },
	{ "GRE of PPTP", GRE, "E0800 42f x3081880b001e00010000000200000003 x0021", 80, 0, 0 },
	{ "ERSPAN I", GRE, "E0800 42f x000088be E0800", 42, 0, 0 },
	{ "ERSPAN II", GRE, "E0800 42f x100088be00000001 x1001000100000000 E8100 x00050800", 46, 32, 0 },
	{ "ERSPAN III", GRE, "E0800 42f x100022eb00000001 x200100010000000000000000 E0800", 42, 0, 0 },
	{ "ERSPAN III with a sub-header", GRE,
	    "E0800 42f x100022eb00000001 x200100010000000000000001 x0000000000000000 E0800", 42, 0, 0 },
	{ "VXLAN", VXLAN, "E0800 411 U12b5 x0800000000000700 E0800", 42, 0, 0 },
	{ "VXLAN of the old port over IPv6", VXLAN, "E86dd 611 U2118 x0800000000000700 E0800", 42, 0, 0 },
	{ "VXLAN behind a tag", VXLAN, "E8100 x00050800 411 U12b5 x0800000000000700 E0800", 42, 82, 0 },
	{ "VXLAN with a tag", VXLAN, "E8100 x00050800 411 U12b5 x0800000000000700 E88a8 x00060800", 46, 32, 0 },
	{ "Geneve", GENEVE, "E0800 411 U17c1 x0000655800000700 E0800", 42, 0, 0 },
	{ "Geneve with options", GENEVE, "E0800 411 U17c1 x0240655800000700 x0102000100000000 E0800", 42, 0, 0 },
	{ "Geneve with IPv4", GENEVE, "E0800 411 U17c1 x0000080000000700", 78, 0, 0 },
	{ "GTP-U", GTPU, "E0800 411 U0868 x30ff001c00000001", 78, 0, 0 },
	{ "GTP-U with sequence", GTPU, "E0800 411 U0868 x32ff002000000001 x00010000", 82, 0, 0 },
	{ "GTP-U with extensions", GTPU,
	    "E0800 411 U0868 x34ff002c00000001 x00000085 x01000085 x0200000000000000", 94, 0, 0 },
	{ "labels in IP", MPLS, "E0800 489 x00064040 x00065140", 70, 0, 36 },
	{ "labels in UDP", MPLS, "E0800 411 U19eb x00065140", 74, 0, 32 },
	{ "Ethernet below labels", EOMPLS, "E8847 x00064040 x00065140 E0800", 42, 0, 50 },
	{ "Ethernet below a control word", EOMPLS, "E8847 x00065140 x00000001 E8100 x00050800", 46, 32, 54 },
	{ "GRE in GRE", GRE, "E0800 42f x00000800 42f x00000800", 90, 0, 0 },
	{ "VXLAN in GRE in IPv6", VXLAN | GRE | SIX,
	    "E0800 429 62f x00000800 411 U12b5 x0800000000000700 E0800", 42, 0, 0 },
	{ "PPPoE in VXLAN", VXLAN, "E0800 411 U12b5 x0800000000000700 E8864 x11000001001e0021", 50, 0, 0 },
	{ "Ethernet below labels in VXLAN", VXLAN | EOMPLS,
	    "E0800 411 U12b5 x0800000000000700 E8847 x00065140 E0800", 42, 0, 46 },
	{ "a first fragment", GRE, "E0800 F2f x00000800", 66, 0, 0 },
	{ 0 },
};
/* clang-format on */

/* Up to the next blank; the digits behind the first letter as a number. */
static unsigned
read_number(const char *word)
{
	return (unsigned)strtoul(word + 1, NULL, 16);
}

static unsigned
length_of(const char *word)
{
	size_t digits = strcspn(word, " ") - 1;

	switch (*word) {
	case 'E':
		return 14;
	case '4':
	case 'F':
	case 'L':
		return 20;
	case '6':
		return 40;
	case 'U':
		return 8;
	default:
		return (unsigned)digits / 2;
	}
}

static const char *
next_word(const char *word)
{
	word += strcspn(word, " ");
	return *word ? word + 1 : word;
}

static void
put_header(struct packet *p, const char *word, unsigned behind)
{
	char hex[256];

	switch (*word) {
	case 'E':
		put_eth(p, read_number(word));
		break;
	case '4':
		put_ip4(p, read_number(word), behind);
		break;
	case 'F':
	case 'L':
		put_ip4(p, read_number(word), behind);
		p->b[p->len - 14] = *word == 'F' ? 0x20 : 0;
		p->b[p->len - 13] = *word == 'F' ? 0 : 1;
		break;
	case '6':
		put_ip6(p, read_number(word), behind);
		break;
	case 'U':
		put_u16(p, 49152);
		put_u16(p, read_number(word));
		put_u16(p, 8 + behind);
		put_u16(p, 0);
		break;
	default:
		snprintf(hex, sizeof(hex), "%.*s", (int)(length_of(word) * 2), word + 1);
		put(p, hex);
		break;
	}
}

void
put_headers(struct packet *p, const char *headers)
{
	for (const char *word = headers; *word; word = next_word(word)) {
		unsigned behind = INNER_LEN;

		for (const char *later = next_word(word); *later; later = next_word(later))
			behind += length_of(later);
		put_header(p, word, behind);
	}
	put_ip4(p, 17, 8);
	put_udp(p, 0);
}

void
put_sample(struct packet *p, const struct tunnel_sample *s)
{
	memset(p, 0, sizeof(*p));
	p->name = s->name;
	put_headers(p, s->headers);
	p->decap = s->decap;
}
