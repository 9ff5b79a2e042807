/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every level of the instruction set that this CPU has gives what the twin without the lane gives:
 * layout, counters and all columns, over mutated packets in batches of any size, and over the
 * capture files named as arguments.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>
#include <weir/base/time.h>
#include <weir/packet/link.h>
#include <weir/packet/tunnel.h>

#include "check.h"
#include "levels.h"
#include "packets.h"
#include "tunnels.h"

static char **files;
static int n_files;

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct weir_batch *
new_batch(void)
{
	struct weir_field_set needed = { 0 };
	struct weir_batch *b;

	for (unsigned f = 0; f < WEIR_N_FIELDS; f++)
		weir_field_set_add(&needed, f);
	b = weir_batch_create(&needed);
	if (!b)
		abort();
	return b;
}

/* Bytes at the end of memory of their own, so that a sanitizer sees each byte too far. */
static void
add_row(struct weir_batch *b, const uint8_t *data, uint32_t cap, uint32_t wire, enum weir_link link)
{
	uint8_t *copy = malloc(cap ? cap : 1);

	if (!copy)
		abort();
	memcpy(copy, data, cap);
	b->data[b->n] = copy;
	b->cap_len[b->n] = cap;
	b->wire_len[b->n] = wire;
	b->link[b->n] = (uint8_t)link;
	b->interface[b->n] = (uint16_t)b->n;
	b->time_ns[b->n] = b->n % 7 ? (int64_t)b->n : WEIR_TIME_NONE;
	b->n++;
}

static void
drop_rows(struct weir_batch *b)
{
	for (unsigned r = 0; r < b->n; r++)
		free((void *)(uintptr_t)b->data[r]);
	b->n = 0;
}

static bool
same_value(const struct weir_value *a, const struct weir_value *b)
{
	if (a->is_null || b->is_null)
		return a->is_null == b->is_null;
	switch (a->type) {
	case WEIR_IP:
		return a->version == b->version && a->addr.hi == b->addr.hi &&
		       a->addr.lo == b->addr.lo;
	case WEIR_STRING:
		/* in the packet, or names in the memory of either batch */
		return a->s.len == b->s.len &&
		       (a->s.len == 0 || memcmp(a->s.p, b->s.p, a->s.len) == 0);
	case WEIR_BOOL:
		return a->b == b->b;
	default:
		return a->i == b->i;
	}
}

static bool
same_row(const struct weir_batch *a, const struct weir_batch *b, unsigned r)
{
	bool is_same = a->layers[r] == b->layers[r] && a->l2_off[r] == b->l2_off[r] &&
		       a->vlan_off[r] == b->vlan_off[r] && a->mpls_off[r] == b->mpls_off[r] &&
		       a->l3_off[r] == b->l3_off[r] && a->frag_off[r] == b->frag_off[r] &&
		       a->l4_off[r] == b->l4_off[r] && a->ip_proto[r] == b->ip_proto[r] &&
		       a->ip_len[r] == b->ip_len[r] && a->l4_end[r] == b->l4_end[r];

	if (!is_same)
		printf("\n    row %u of %u: the layouts differ", r, a->n);
	for (unsigned f = 0; f < WEIR_N_FIELDS; f++) {
		struct weir_value x = weir_column_get(&a->col[f], r);
		struct weir_value y = weir_column_get(&b->col[f], r);

		if (!same_value(&x, &y)) {
			printf("\n    row %u of %u: %s differs", r, a->n, weir_fields[f].name);
			is_same = false;
		}
	}
	return is_same;
}

/* Nulls of rows past the last one are nobody's, but must not stray into the batch. */
static void
compare(const struct weir_batch *packets, struct weir_batch *want, struct weir_batch *got)
{
	static const struct {
		enum weir_simd level;
		weir_decode_batch_fn *twin;
	} levels[] = {
		{ WEIR_SIMD_V2, decode_batch_twin_v2 },
		{ WEIR_SIMD_V3, decode_batch_twin_v3 },
		{ WEIR_SIMD_V4, decode_batch_twin_v4 },
	};
	struct weir_batch *both[] = { want, got };

	for (unsigned i = 0; i < 2; i++) {
		both[i]->n = packets->n;
		both[i]->decap = packets->decap;
		memcpy(both[i]->data, packets->data, sizeof(packets->data));
		memcpy(both[i]->cap_len, packets->cap_len, sizeof(packets->cap_len));
		memcpy(both[i]->wire_len, packets->wire_len, sizeof(packets->wire_len));
		memcpy(both[i]->time_ns, packets->time_ns, sizeof(packets->time_ns));
		memcpy(both[i]->interface, packets->interface, sizeof(packets->interface));
		memcpy(both[i]->link, packets->link, sizeof(packets->link));
	}
	for (unsigned l = 0; l < sizeof(levels) / sizeof(levels[0]); l++) {
		struct weir_decode_counters a = { 0 }, b = { 0 };

		if (!weir_simd_is_usable(levels[l].level))
			continue;
		decode_batch_twin_v2(want, &a);
		for (unsigned i = 0; i < 2; i++) {
			memset(&b, 0, sizeof(b));
			(i ? levels[l].twin : weir_decode_at(levels[l].level))(got, &b);
			for (unsigned r = 0; r < packets->n; r++)
				if (!same_row(want, got, r)) {
					CU_FAIL("a level differs from the twin");
					return;
				}
			CU_ASSERT(memcmp(&a, &b, sizeof(a)) == 0);
		}
	}
}

static void
mutate(struct packet *p, uint64_t *state)
{
	static const uint8_t telling[] = { 0, 1, 4, 5, 6, 7, 8, 17, 20, 28, 0x44, 0x45, 0x46, 0x50,
		0x60, 0x81, 0x86, 0xdd, 0xff };
	unsigned n = (unsigned)(next_random(state) % 3);

	while (n--) {
		uint64_t r = next_random(state);
		/* Mostly in the headers. */
		unsigned at = (unsigned)(r % (r >> 60 && p->len > 80 ? 80 : p->len));

		p->b[at] =
		    r & 0x100000000 ? telling[(r >> 40) % sizeof(telling)] : (uint8_t)(r >> 48);
	}
}

static void
levels_agree_on_mutated_packets(void)
{
	struct weir_batch *packets = new_batch(), *want = new_batch(), *got = new_batch();
	uint64_t state = 0x2545f4914f6cdd1d;
	unsigned n_samples = 0, n_lane = 0, n_rows = 0;
	struct packet p;

	while (packet_sample(n_samples, &p))
		n_samples++;
	for (unsigned round = 0; round < 400; round++) {
		/* Batches of one kind of packet, of the four common ones, and of all. */
		unsigned of = round % 3 == 0 ? 1 : round % 3 == 1 ? 4 : n_samples;
		unsigned n = (unsigned)(next_random(&state) % WEIR_ROWS) + 1;

		/* Full ones, and few packets, which go another way, behind many. */
		n = round % 4 == 0 ? WEIR_ROWS : round % 4 == 1 ? 1 + n % 8 : n;
		while (packets->n < n) {
			uint64_t r = next_random(&state);
			uint32_t cap, wire;

			packet_sample((unsigned)(r >> 40) % of, &p);
			if (r & 1)
				mutate(&p, &state);
			cap = r & 14 ? p.len : (uint32_t)(r >> 8) % (p.len + 1);
			wire = (r >> 4) & 7 ? p.len : (uint32_t)(r >> 32) % 2000;
			add_row(packets, p.b, cap, wire, p.link);
		}
		compare(packets, want, got);
		for (unsigned r = 0; r < packets->n; r++)
			n_lane += (want->layers[r] & WEIR_LAYER_PAYLOAD) != 0;
		n_rows += packets->n;
		drop_rows(packets);
	}
	printf("\n    %u of %u rows with a whole transport header", n_lane, n_rows);
	CU_ASSERT(n_lane > n_rows / 4);
	CU_ASSERT(n_lane < n_rows);
	weir_batch_destroy(packets);
	weir_batch_destroy(want);
	weir_batch_destroy(got);
}

/* Tunnels, whole and mutated, and the common packets among them; some tunnels asked for, or all. */
static void
levels_agree_on_tunnels(void)
{
	struct weir_batch *packets = new_batch(), *want = new_batch(), *got = new_batch();
	uint64_t state = 0x853c49e6748fea9b;
	unsigned n_samples = 0, n_inner = 0;
	struct packet p;

	while (tunnel_samples[n_samples].name)
		n_samples++;
	for (unsigned round = 0; round < 200; round++) {
		unsigned n = (unsigned)(next_random(&state) % WEIR_ROWS) + 1;

		n = round % 4 == 1 ? 1 + n % 8 : n;
		packets->decap =
		    round % 2 ? WEIR_TUNNELS_ALL : next_random(&state) & WEIR_TUNNELS_ALL;
		while (packets->n < n) {
			uint64_t r = next_random(&state);

			if (r & 0x300)
				put_sample(&p, &tunnel_samples[(r >> 40) % n_samples]);
			else
				packet_sample((unsigned)(r >> 40) % 4, &p);
			if (r & 1)
				mutate(&p, &state);
			add_row(packets, p.b, r & 14 ? p.len : (uint32_t)(r >> 8) % (p.len + 1),
			    p.len, p.link);
		}
		compare(packets, want, got);
		for (unsigned r = 0; r < packets->n; r++)
			n_inner += want->l3_off[r] > 18;
		drop_rows(packets);
	}
	printf("\n    %u rows of inner packets", n_inner);
	CU_ASSERT(n_inner > 1000);
	weir_batch_destroy(packets);
	weir_batch_destroy(want);
	weir_batch_destroy(got);
}

static unsigned
compare_file(const char *path)
{
	struct weir_batch *packets = new_batch(), *want = new_batch(), *got = new_batch();
	char errbuf[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline(path, errbuf);
	struct pcap_pkthdr *h;
	const uint8_t *data;
	unsigned n = 0;

	while (p && pcap_next_ex(p, &h, &data) == 1) {
		add_row(packets, data, h->caplen, h->len, weir_link_of_dlt(pcap_datalink(p)));
		n++;
		if (packets->n < WEIR_ROWS)
			continue;
		compare(packets, want, got);
		drop_rows(packets);
	}
	compare(packets, want, got);
	drop_rows(packets);
	if (p)
		pcap_close(p);
	weir_batch_destroy(packets);
	weir_batch_destroy(want);
	weir_batch_destroy(got);
	return n;
}

static void
levels_agree_on_real_packets(void)
{
	unsigned n = 0;

	for (int i = 0; i < n_files; i++)
		n += compare_file(files[i]);
	printf("\n    %u packets of %d files", n, n_files);
	CU_ASSERT(n_files == 0 || n > 0);
}

int
main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {
		{ "levels agree on mutated packets", levels_agree_on_mutated_packets },
		{ "levels agree on tunnels", levels_agree_on_tunnels },
		{ "levels agree on real packets", levels_agree_on_real_packets },
		CU_TEST_INFO_NULL,
	};

	files = argv + 1;
	n_files = argc - 1;
	return check_run("decode levels", tests);
}
