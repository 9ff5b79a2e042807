/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/measure/probe.h>
#include <weir/transmit/supply.h>

/* Ethernet, tags, IPv4 or IPv6 without extension headers, UDP: what a signature goes into. */

#define UDP_BYTES 8u
#define PROTO_UDP 17

static uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* Where the UDP header is, 0: nowhere. */
static uint32_t
find_udp(const uint8_t *p, uint32_t len)
{
	uint32_t at = 12, head;

	while (at + 6 <= len && (get16(p + at) == 0x8100 || get16(p + at) == 0x88a8))
		at += 4;
	if (at + 2 + 40 > len)
		return 0;
	if (get16(p + at) == 0x86dd)
		return p[at + 2 + 6] == PROTO_UDP ? at + 2 + 40 : 0;
	if (get16(p + at) != 0x0800)
		return 0;
	at += 2;
	head = 4u * (p[at] & 15);
	/* a fragment has no UDP header, or a checksum over what is not here */
	if (p[at] >> 4 != 4 || head < 20 || p[at + 9] != PROTO_UDP || get16(p + at + 6) & 0x3fff)
		return 0;
	return at + head;
}

const char *
weir_supply_stamp_place(const uint8_t *p, uint32_t len, uint16_t *ret_sum_at)
{
	uint32_t udp = find_udp(p, len);

	if (!udp || udp + UDP_BYTES > len)
		return "it is no UDP packet, and a signature goes into those alone";
	if (udp + get16(p + udp + 4) != len)
		return "its UDP payload does not end with the frame";
	if (len < udp + UDP_BYTES + WEIR_PROBE_BYTES)
		return "its UDP payload is too short: a signature takes 24 bytes (gen:udp?size=66, "
		       "86 with IPv6, 4 more with a tag)";
	*ret_sum_at = (uint16_t)(udp + 6);
	return NULL;
}
