/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "filter_sample.h"

struct maker {
	uint64_t *state;
	const struct weir_filter_hints *hints;
	uint8_t *p;
	uint32_t len;
};

static uint32_t
draw(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 32);
}

static uint32_t
below(struct maker *m, uint32_t n)
{
	return (draw(m->state) >> 1) % n;
}

static bool
once_in(struct maker *m, uint32_t n)
{
	return below(m, n) == 0;
}

static void
put(struct maker *m, uint64_t value, unsigned n)
{
	while (n-- && m->len < WEIR_FILTER_SAMPLE_BYTES)
		m->p[m->len++] = (uint8_t)(value >> (n * 8));
}

static void
skip(struct maker *m, uint32_t n)
{
	uint32_t left = WEIR_FILTER_SAMPLE_BYTES - m->len;

	m->len += n < left ? n : left;
}

/* One of the hints or a neighbour of it, else one of the known. */
static uint32_t
pick(struct maker *m, const uint32_t *hints, unsigned n_hints, const uint32_t *known,
    unsigned n_known)
{
	if (n_hints && !once_in(m, 4)) {
		uint32_t v = hints[below(m, n_hints)];

		return once_in(m, 4) ? v + below(m, 3) - 1 : v;
	}
	return known[below(m, n_known)];
}

static uint32_t
pick_port(struct maker *m)
{
	static const uint32_t known[] = { 0, 22, 53, 80, 443, 8080, 65535 };

	return pick(m, m->hints->ports, m->hints->n_ports, known, 7);
}

/* Mostly with ports; also of what only weir gives ports (UDP-Lite, DCCP), and extension headers. */
static uint8_t
pick_protocol(struct maker *m)
{
	static const uint32_t common[] = { 6, 17, 132 };
	static const uint32_t known[] = { 1, 58, 136, 33, 47, 50, 51, 2, 103, 112, 0, 43, 44, 60,
		59, 89, 255 };

	if (!once_in(m, 3))
		return (uint8_t)common[below(m, 3)];
	return (uint8_t)pick(m, m->hints->protocols, m->hints->n_protocols, known, 17);
}

static void
put_address(struct maker *m, unsigned version)
{
	unsigned bits = version == 4 ? 32 : 128, n = m->hints->n_addresses;
	const struct weir_filter_member *hint = n ? &m->hints->addresses[below(m, n)] : NULL;
	struct weir_addr a;

	if (!hint || hint->version != version || once_in(m, 4)) {
		skip(m, bits / 8);
		return;
	}
	a = hint->addr;
	if (hint->prefix < bits || once_in(m, 3)) { /* another host, or just outside */
		bool is_edge = hint->prefix && once_in(m, 2);
		unsigned bit = is_edge ? bits - hint->prefix : below(m, bits);

		if (bit < 64)
			a.lo ^= UINT64_C(1) << bit;
		else
			a.hi ^= UINT64_C(1) << (bit - 64);
	}
	if (version == 6)
		put(m, a.hi, 8);
	put(m, a.lo, version == 4 ? 4 : 8);
}

static void
put_transport(struct maker *m, uint8_t protocol, uint32_t len)
{
	uint32_t first = m->len;

	put(m, pick_port(m), 2);
	put(m, pick_port(m), 2);
	if (protocol == 6) {
		skip(m, 8);
		put(m, (once_in(m, 8) ? below(m, 16) : 5) << 4, 1);
		put(m, once_in(m, 2) ? below(m, 256) : 1u << below(m, 8), 1);
	} else if (protocol == 17) {
		put(m, once_in(m, 8) ? below(m, 16) : len, 2);
	}
	m->len = first;
	skip(m, len);
}

/* The right length, or none, or one that ends too early. */
static uint32_t
said_length(struct maker *m, uint32_t len)
{
	switch (below(m, 12)) {
	case 0:
		return 0;
	case 1:
		return below(m, len + 1);
	case 2:
		return below(m, 65536);
	default:
		return len;
	}
}

static uint32_t
fragment(struct maker *m)
{
	switch (below(m, 12)) {
	case 0:
		return 0x2000;
	case 1:
		return 0x2000 | below(m, 0x2000);
	case 2:
		return below(m, 0x2000);
	case 3:
		return below(m, 0x10000);
	default:
		return once_in(m, 2) ? 0x4000 : 0;
	}
}

static void
put_ip4(struct maker *m)
{
	uint8_t protocol = pick_protocol(m);
	uint32_t words = once_in(m, 4) ? below(m, 16) : 5, len = below(m, 48) + 8, first = m->len;

	put(m, (once_in(m, 32) ? below(m, 16) : 4) << 4 | words, 1);
	skip(m, 1);
	put(m, said_length(m, words * 4 + len), 2);
	skip(m, 2);
	put(m, fragment(m), 2);
	skip(m, 1);
	put(m, protocol, 1);
	skip(m, 2);
	put_address(m, 4);
	put_address(m, 4);
	if (words > 5)
		m->len = first + words * 4;
	put_transport(m, protocol, len);
}

/* Up to three extension headers; the chain ends in protocol. Returns the first header's number. */
static uint8_t
plan_extensions(struct maker *m, uint8_t protocol, uint8_t chain[4], unsigned *ret_n)
{
	static const uint8_t numbers[] = { 0, 43, 44, 60, 51 };
	unsigned n = once_in(m, 3) ? below(m, 3) + 1 : 0;

	for (unsigned i = 0; i < n; i++)
		chain[i] = numbers[below(m, 5)];
	chain[n] = protocol;
	*ret_n = n;
	return chain[0];
}

static void
put_ip6(struct maker *m)
{
	uint8_t protocol = pick_protocol(m), chain[4], next;
	uint32_t len = below(m, 48) + 8;
	unsigned n;

	next = plan_extensions(m, protocol, chain, &n);
	put(m, (once_in(m, 32) ? below(m, 16) : 6) << 4, 1);
	skip(m, 3);
	put(m, said_length(m, n * 8 + len), 2);
	put(m, next, 1);
	skip(m, 1);
	put_address(m, 6);
	put_address(m, 6);
	for (unsigned i = 0; i < n; i++) {
		put(m, chain[i + 1], 1);
		put(m, chain[i] == 51 ? 1 : 0, 1);
		put(m, chain[i] == 44 && !once_in(m, 3) ? once_in(m, 2) : below(m, 65536), 2);
		skip(m, chain[i] == 51 ? 8 : 4);
	}
	put_transport(m, protocol, len);
}

static void
put_ip(struct maker *m, bool is_typed)
{
	bool is_ip6 = once_in(m, 2);

	if (is_typed)
		put(m, is_ip6 ? 0x86dd : 0x0800, 2);
	if (is_ip6)
		put_ip6(m);
	else
		put_ip4(m);
}

/* ARP for IPv4 over Ethernet, with addresses that the filter may ask for. */
static void
put_arp(struct maker *m)
{
	put(m, once_in(m, 4) ? 0x8035 : 0x0806, 2);
	put(m, 0x0001080006040001, 8);
	skip(m, 6);
	put_address(m, 4);
	skip(m, 6);
	put_address(m, 4);
}

static void
put_frame(struct maker *m)
{
	skip(m, 12);
	switch (below(m, 16)) {
	case 0:
	case 1: /* one tag */
		put(m, 0x8100, 2);
		skip(m, 2);
		put_ip(m, true);
		break;
	case 2: /* two tags */
		put(m, 0x88a8, 2);
		skip(m, 2);
		put(m, 0x8100, 2);
		skip(m, 2);
		put_ip(m, true);
		break;
	case 3: /* one label */
		put(m, 0x8847, 2);
		put(m, 0x00010140, 4);
		put_ip(m, false);
		break;
	case 4: /* PPPoE */
		put(m, 0x8864, 2);
		put(m, 0x110000010040, 6);
		put(m, 0x0021, 2);
		put_ip4(m);
		break;
	case 5: /* 802.3 with SNAP */
		put(m, 100, 2);
		put(m, 0xaaaa03000000, 6);
		put_ip(m, true);
		break;
	case 6:
		put_arp(m);
		break;
	case 7:
		skip(m, 2);
		put_ip(m, false);
		break;
	default:
		put_ip(m, true);
		break;
	}
}

void
weir_filter_sample_make(
    uint64_t *state, const struct weir_filter_hints *hints, struct weir_filter_sample *ret)
{
	struct maker m = { state, hints, ret->bytes, 0 };

	for (unsigned i = 0; i < sizeof(ret->bytes); i += sizeof(uint32_t)) {
		uint32_t four = draw(state);

		memcpy(&ret->bytes[i], &four, sizeof(four));
	}
	put_frame(&m);
	skip(&m, once_in(&m, 2) ? 0 : below(&m, 64)); /* padding */
	ret->cap_len = once_in(&m, 5) ? below(&m, m.len + 1) : m.len;
	ret->wire_len = ret->cap_len + (once_in(&m, 2) ? 0 : below(&m, 1600));
	if (hints->n_lengths && once_in(&m, 2)) {
		uint32_t len = hints->lengths[below(&m, hints->n_lengths)] + below(&m, 3) - 1;

		if (len >= ret->cap_len && len <= 65536)
			ret->wire_len = len;
	}
	if (once_in(&m, 64)) /* a capture that lies */
		ret->wire_len = below(&m, ret->cap_len + 1);
}

static void
add_number(uint32_t *numbers, unsigned *n, uint32_t v)
{
	if (*n < WEIR_FILTER_HINTS)
		numbers[(*n)++] = v;
}

void
weir_filter_hints_add(struct weir_filter_hints *h, const struct weir_filter_node *tree)
{
	if (!tree)
		return;
	weir_filter_hints_add(h, tree->a);
	weir_filter_hints_add(h, tree->b);
	if (tree->kind == WEIR_FILTER_LENGTH)
		add_number(h->lengths, &h->n_lengths, tree->number);
	for (unsigned i = 0; i < tree->n_members; i++) {
		const struct weir_filter_member *v = &tree->members[i];

		if (tree->kind == WEIR_FILTER_ADDRESS && h->n_addresses < WEIR_FILTER_HINTS) {
			h->addresses[h->n_addresses++] = *v;
		} else if (tree->kind == WEIR_FILTER_PORT) {
			add_number(h->ports, &h->n_ports, v->first);
			add_number(h->ports, &h->n_ports, v->last);
		} else if (tree->kind == WEIR_FILTER_PROTOCOL) {
			add_number(h->protocols, &h->n_protocols, v->first);
		}
	}
}
