/* SPDX-License-Identifier: BSD-3-Clause */
#include "packets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

void
put(struct packet *p, const char *hex)
{
	unsigned byte;

	for (; *hex; hex += 2) {
		while (*hex == ' ')
			hex++;
		if (!*hex)
			return;
		if (sscanf(hex, "%2x", &byte) != 1 || p->len >= sizeof(p->b))
			abort();
		p->b[p->len++] = (uint8_t)byte;
	}
}

void
put_u16(struct packet *p, unsigned v)
{
	char hex[8];

	snprintf(hex, sizeof(hex), "%04x", v & 0xffff);
	put(p, hex);
}

void
put_zeros(struct packet *p, unsigned n)
{
	while (n--)
		put(p, "00");
}

void
put_eth(struct packet *p, unsigned type)
{
	if (p->len == 0)
		p->link = WEIR_LINK_ETHERNET;
	put(p, "020000000001 020000000002");
	put_u16(p, type);
}

void
put_ip4(struct packet *p, unsigned proto, unsigned payload_len)
{
	char hex[8];

	put(p, "45 b9");
	put_u16(p, 20 + payload_len);
	put(p, "1234 0000 40");
	snprintf(hex, sizeof(hex), "%02x", proto);
	put(p, hex);
	put(p, "0000 0a000001 0a000002");
}

void
put_ip6(struct packet *p, unsigned next, unsigned payload_len)
{
	char hex[8];

	put(p, "6b9abcde");
	put_u16(p, payload_len);
	snprintf(hex, sizeof(hex), "%02x", next);
	put(p, hex);
	put(p, "40 20010db8000000000000000000000001 20010db8000000000000000000000002");
}

void
put_tcp(struct packet *p, unsigned flags)
{
	put(p, "03e8 0050 01020304 05060708");
	put_u16(p, 0x5000 | flags);
	put(p, "0a0b 0000 0000");
}

void
put_udp(struct packet *p, unsigned payload_len)
{
	put(p, "07d0 0035");
	put_u16(p, 8 + payload_len);
	put(p, "0000");
}

static void
sample_common(unsigned i, struct packet *p)
{
	switch (i) {
	case 0:
		p->name = "IPv4 TCP";
		put_eth(p, 0x0800);
		put_ip4(p, 6, 24);
		put_tcp(p, 0x018);
		put(p, "61626364");
		break;
	case 1:
		p->name = "IPv6 UDP";
		put_eth(p, 0x86dd);
		put_ip6(p, 17, 12);
		put_udp(p, 4);
		put(p, "61626364");
		break;
	case 2:
		p->name = "VLAN IPv4 UDP with padding";
		put_eth(p, 0x8100);
		put(p, "a064 0800");
		put_ip4(p, 17, 10);
		put_udp(p, 2);
		put(p, "6162 000000000000");
		break;
	case 3:
		p->name = "VLAN IPv6 TCP with options";
		put_eth(p, 0x8100);
		put(p, "0001 86dd");
		put_ip6(p, 6, 24);
		put(p, "03e8 0050 01020304 05060708 6002 0a0b 0000 0000 020405b4");
		break;
	case 4:
		p->name = "first fragment";
		put_eth(p, 0x0800);
		put(p, "4500 0024 1234 2000 4011 0000 0a000001 0a000002");
		put(p, "07d0 0035 0108 0000 0000000000000000");
		break;
	default:
		p->name = "IPv4 with options, SCTP";
		put_eth(p, 0x0800);
		put(p, "4600 0028 1234 0000 4084 0000 0a000001 0a000002 94040000");
		put(p, "0001 0002 00000003 00000004 06000004");
		break;
	}
}

static void
sample_link(unsigned i, struct packet *p)
{
	switch (i) {
	case 6:
		p->name = "two tags, two labels, ICMP";
		put_eth(p, 0x88a8);
		put(p, "e00a 8100 0014 8847 00064040 00065140");
		put_ip4(p, 1, 8);
		put(p, "0800 0000 0001 0001");
		break;
	case 7:
		p->name = "PPPoE";
		put_eth(p, 0x8864);
		put(p, "1100 0001 001e 0021");
		put_ip4(p, 17, 8);
		put_udp(p, 0);
		break;
	case 8:
		p->name = "SNAP";
		put_eth(p, 36);
		put(p, "aaaa03 000000 0800");
		put_ip4(p, 17, 8);
		put_udp(p, 0);
		break;
	case 9:
		p->name = "IPv6 extensions";
		put_eth(p, 0x86dd);
		put_ip6(p, 0, 52);
		put(p, "3c00 010400000000 2b00 010400000000 2c00 010400000000");
		put(p, "0600 0001 0000002a");
		put_tcp(p, 0x002);
		break;
	case 10:
		p->name = "NFLOG";
		p->link = WEIR_LINK_NFLOG;
		/* the records' numbers are those of this host */
		put(p, __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			   ? "02 00 0000 0500 0a00 41000000 2000"
			     "0900"
			   : "02 00 0000 0005 000a 41000000 0020"
			     "0009");
		put_ip4(p, 17, 8);
		put_udp(p, 0);
		break;
	case 11:
		p->name = "SLL2";
		p->link = WEIR_LINK_SLL2;
		put(p, "86dd 0000 00000001 0001 00 06 0200000000020000");
		put_ip6(p, 58, 8);
		put(p, "8000 0000 0001 0001");
		break;
	default:
		p->name = "jumbogram";
		put_eth(p, 0x86dd);
		put_ip6(p, 0, 0);
		put(p, "1100 c204 00011170");
		put(p, "07d0 0035 0000 0000 61626364");
		break;
	}
}

/* A response with a CNAME, an A and an OPT record: 74 bytes. */
void
put_dns(struct packet *p)
{
	put(p, "1234 8180 0001 0002 0000 0001");
	put(p, "03777777 07 4578616d706c65 03 636f6d 00 0001 0001");
	put(p, "c00c 0005 0001 00000e10 0002 c010");
	put(p, "c010 0001 0001 00000e10 0004 c0000201");
	put(p, "00 0029 1000 00000000 0000");
}

/* A ClientHello with a server name, its second extension: 78 bytes. */
void
put_tls(struct packet *p)
{
	put(p, "16 0301 0049 01 000045 0303");
	put_zeros(p, 32);
	put(p, "00 0002 1301 01 00 001a 000b 0002 0100");
	put(p, "0000 0010 000e 00 000b 6578616d706c652e636f6d");
}

static void
sample_application(unsigned i, struct packet *p)
{
	put_eth(p, 0x0800);
	switch (i) {
	case 13:
		p->name = "DNS";
		put_ip4(p, 17, 8 + 74);
		put_udp(p, 74);
		put_dns(p);
		break;
	default:
		p->name = "TLS";
		put_ip4(p, 6, 20 + 78);
		put_tcp(p, 0x018);
		put_tls(p);
		break;
	}
}

bool
packet_sample(unsigned i, struct packet *ret_packet)
{
	if (i > 14)
		return false;
	memset(ret_packet, 0, sizeof(*ret_packet));
	if (i < 6)
		sample_common(i, ret_packet);
	else if (i < 13)
		sample_link(i, ret_packet);
	else
		sample_application(i, ret_packet);
	return true;
}

static uint8_t *
exact_copy(const struct packet *p, uint32_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, p->b, len);
	return copy;
}

unsigned
layout_of(const struct packet *p, uint32_t cap_len, uint32_t wire_len, struct layout *ret_layout)
{
	uint8_t *copy = exact_copy(p, cap_len);
	struct packet_view v = { copy, cap_len, wire_len, p->link, p->decap };
	unsigned reason = decode_layout_walk(&v, ret_layout);

	free(copy);
	return reason;
}

struct weir_batch *
decode_one(const struct packet *p, uint32_t cap_len, uint32_t wire_len)
{
	struct weir_decode_counters counters = { 0 };
	struct weir_field_set needed = { 0 };
	struct weir_batch *b;

	for (unsigned f = 0; f < WEIR_N_FIELDS; f++)
		weir_field_set_add(&needed, f);
	b = weir_batch_create(&needed);
	if (!b)
		abort();
	b->n = 1;
	b->data[0] = exact_copy(p, cap_len);
	b->cap_len[0] = cap_len;
	b->wire_len[0] = wire_len;
	b->time_ns[0] = WEIR_TIME_NONE;
	b->link[0] = (uint8_t)p->link;
	b->decap = p->decap;
	weir_decode_batch(b, &counters);
	return b;
}

void
free_one(struct weir_batch *b)
{
	free((void *)(uintptr_t)b->data[0]);
	weir_batch_destroy(b);
}
