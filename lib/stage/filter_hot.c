/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "filter.h"

#include <weir/base/poison.h> /* last */

#define L3_AT  14 /* behind an Ethernet header */
#define IP6_L4 54 /* behind an IPv6 header without extensions */
#define LAYERS_L4                                                                                  \
	(WEIR_LAYER_TCP | WEIR_LAYER_UDP | WEIR_LAYER_SCTP | WEIR_LAYER_DCCP | WEIR_LAYER_ICMP)

/*
 * One bit a row of bools, each 0 or 1. The product moves the lowest bits of eight bytes to the top
 * byte, the first one lowest (little endian).
 */
static void
pack(const uint8_t bools[WEIR_ROWS], uint64_t mask[WEIR_MASK_WORDS])
{
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++) {
		mask[w] = 0;
		for (unsigned byte = 0; byte < 8; byte++) {
			uint64_t eight;

			memcpy(&eight, bools + w * 64 + byte * 8, sizeof(eight));
			mask[w] |= (eight * UINT64_C(0x0102040810204080) >> 56) << (byte * 8);
		}
	}
}

/*
 * Rows on which libpcap's program and the columns agree by construction. libpcap looks for IP right
 * behind the Ethernet header, for IPv6's transport right behind its first 40 bytes, and for ports
 * wherever bytes are captured; a program also ends without a match at the first byte that is not.
 * So: IP at 14, with a transport header that decode has seen there, or in IPv4 a protocol whose
 * ports nobody asks for. Later fragments of TCP, UDP and SCTP are not told from cut ones: not
 * plain.
 */
static void
plain_rows(const struct weir_batch *b, bool needs_tcp_header, uint64_t mask[WEIR_MASK_WORDS])
{
	const uint32_t tcp = needs_tcp_header ? WEIR_LAYER_TCP : 0;
	uint16_t at[WEIR_ROWS];
	uint8_t is_plain[WEIR_ROWS] = { 0 };

	for (unsigned r = 0; r < b->n; r++)
		at[r] = (uint16_t)((b->dlt[r] == DLT_EN10MB) & (b->l3_off[r] == L3_AT));
	for (unsigned r = 0; r < b->n; r++) {
		uint32_t layers = b->layers[r];
		uint32_t is_ip4 = (layers & WEIR_LAYER_IP4) != 0;
		uint32_t has_l4 = (layers & LAYERS_L4) != 0;
		uint32_t is_short = ((layers & tcp) != 0) & ((layers & WEIR_LAYER_PAYLOAD) == 0);
		uint32_t has_no_ports =
		    (b->ip_proto[r] != 6) & (b->ip_proto[r] != 17) & (b->ip_proto[r] != 132);
		uint32_t is_ip6_l4 = has_l4 & (b->l4_off[r] == IP6_L4);

		is_plain[r] =
		    (uint8_t)(at[r] & ~is_short &
			      ((is_ip4 & (has_l4 | has_no_ports)) | (~is_ip4 & is_ip6_l4)));
	}
	pack(is_plain, mask);
}

/*
 * Rows whose EtherType is a tag's or a label's: to libpcap neither IP nor ARP, whatever is behind.
 */
static void
tagged_rows(const struct weir_batch *b, uint64_t mask[WEIR_MASK_WORDS])
{
	uint8_t is_tagged[WEIR_ROWS] = { 0 };

	for (unsigned r = 0; r < b->n; r++)
		is_tagged[r] = (uint8_t)((b->dlt[r] == DLT_EN10MB) &
					 ((b->vlan_off[r] == L3_AT) | (b->mpls_off[r] == L3_AT)));
	pack(is_tagged, mask);
}

static void
run_bpf(struct weir_filter *f, const struct weir_batch *b, const uint64_t rows[WEIR_MASK_WORDS],
    uint64_t sel[WEIR_MASK_WORDS])
{
	const struct weir_filter_program *p = NULL;

	WEIR_FOR_EACH_BIT (row, rows) {
		if (!p || p->dlt != b->dlt[row])
			p = weir_filter_program_of(f, b->dlt[row]);
		if (!p->is_usable ||
		    !bpf_filter(p->bpf.bf_insns, b->data[row], b->wire_len[row], b->cap_len[row]))
			weir_mask_clear(sel, row);
	}
}

/* Decide the rows that masks can decide, and leave the others in rest. */
static void
run_masks(struct weir_filter *f, struct weir_rows *rows, uint64_t rest[WEIR_MASK_WORDS])
{
	const struct weir_filter_masks *m = &f->masks;
	uint64_t plain[WEIR_MASK_WORDS], tagged[WEIR_MASK_WORDS] = { 0 };

	plain_rows(rows->batch, m->needs_tcp_header, plain);
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++) {
		plain[w] &= rows->sel[w];
		rest[w] = rows->sel[w] & ~plain[w];
	}
	if (m->has_fixed && (rest[0] | rest[1] | rest[2] | rest[3]))
		tagged_rows(rows->batch, tagged);
	weir_program_filter(m->program, rows->inputs, rows->n, plain);
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++) {
		uint64_t fixed = rest[w] & tagged[w];

		rest[w] &= ~fixed;
		rows->sel[w] = plain[w] | rest[w] | (m->is_fixed_match ? fixed : 0);
	}
}

void
weir_stage_filter_run(struct weir_stage *s, struct weir_rows *rows)
{
	struct weir_filter *f = (struct weir_filter *)s;
	uint64_t rest[WEIR_MASK_WORDS];

	if (f->masks.program)
		run_masks(f, rows, rest);
	else
		memcpy(rest, rows->sel, sizeof(rest));
	run_bpf(f, rows->batch, rest, rows->sel);
}
