/* SPDX-License-Identifier: BSD-3-Clause */
/* Filters that are lowered to masks keep what libpcap's program keeps, on made-up packets. */
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>
#include <weir/base/log.h>
#include <weir/packet/link.h>

#include "check.h"
#include "filter.h"
#include "filter_sample.h"
#include "filters.h"

static struct weir_filter_sample samples[WEIR_ROWS];

static uint32_t
below(uint64_t *state, uint32_t n)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33) % n;
}

/* A few bytes of the headers, or the captured length. */
static void
mutate(uint64_t *state, struct weir_filter_sample *s)
{
	unsigned n = below(state, 4);

	for (unsigned i = 0; i < n; i++) {
		uint8_t *p = &s->bytes[below(state, 80)];

		*p = below(state, 2) ? *p ^ (uint8_t)(1u << below(state, 8))
				     : (uint8_t)below(state, 256);
	}
	if (below(state, 8) == 0)
		s->cap_len = below(state, s->cap_len + 1);
}

/* Ethernet for the most part; its payload as raw IP, and the same bytes as other link types. */
static void
set_link(uint64_t *state, struct weir_batch *b, unsigned r)
{
	static const uint16_t dlts[] = { DLT_RAW, DLT_LINUX_SLL, DLT_NULL, DLT_PPP, DLT_IEEE802_11,
		DLT_C_HDLC };

	b->dlt[r] = below(state, 8) ? DLT_EN10MB : dlts[below(state, 6)];
	b->link[r] = (uint8_t)weir_link_of_dlt(b->dlt[r]);
	if (b->dlt[r] == DLT_RAW && b->cap_len[r] >= 14 && b->wire_len[r] >= 14) {
		b->data[r] += 14;
		b->cap_len[r] -= 14;
		b->wire_len[r] -= 14;
	}
}

static void
fill(struct weir_batch *b, uint64_t *state, const struct weir_filter_hints *hints, bool is_wild)
{
	struct weir_decode_counters counters = { 0 };

	b->n = is_wild ? below(state, WEIR_ROWS) + 1 : WEIR_ROWS;
	for (unsigned r = 0; r < b->n; r++) {
		weir_filter_sample_make(state, hints, &samples[r]);
		if (is_wild)
			mutate(state, &samples[r]);
		b->data[r] = samples[r].bytes;
		b->cap_len[r] = samples[r].cap_len;
		b->wire_len[r] = samples[r].wire_len;
		b->dlt[r] = DLT_EN10MB;
		b->link[r] = WEIR_LINK_ETHERNET;
		if (is_wild)
			set_link(state, b, r);
	}
	weir_decode_batch(b, &counters);
}

static void
compare(struct filter_pair *p, struct weir_batch *b, uint64_t *state, unsigned n_batches)
{
	struct weir_filter_hints hints = { 0 };
	struct weir_filter_node *tree = weir_filter_parse(p->text);

	weir_filter_hints_add(&hints, tree);
	weir_filter_node_free(tree);
	for (unsigned i = 0; i < n_batches; i++) {
		fill(b, state, &hints, i % 4 != 0);
		filter_pair_run(p, b);
	}
	CU_ASSERT_EQUAL(p->n_differ, 0);
}

static void
masks_keep_what_libpcap_keeps(void)
{
	struct weir_batch *b = filter_batch();
	uint64_t state = 7, n_packets = 0, n_matched = 0;
	unsigned n = 0;

	for (; filter_texts[n]; n++) {
		struct filter_pair p;

		CU_ASSERT_FATAL(filter_pair_init(&p, filter_texts[n]));
		if (!filter_pair_is_lowered(&p))
			fprintf(stderr, "\n'%s': %s", p.text, weir_stage_describe(p.stage));
		CU_ASSERT(filter_pair_is_lowered(&p));
		compare(&p, b, &state, 24);
		n_packets += p.n_packets;
		n_matched += p.n_matched;
		filter_pair_fini(&p);
	}
	weir_batch_destroy(b);
	printf("\n    %u filters, %llu decisions, %llu matches", n, (unsigned long long)n_packets,
	    (unsigned long long)n_matched);
	CU_ASSERT(n >= 200);
	CU_ASSERT(n_matched > n_packets / 20);
}

static void
composed_filters_keep_what_libpcap_keeps(void)
{
	struct weir_batch *b = filter_batch();
	uint64_t state = 11;
	unsigned n = 0, n_lowered = 0;

	for (unsigned i = 0; i < 500; i++) {
		char text[1024];
		struct filter_pair p;

		filter_compose(&state, text, sizeof(text));
		if (!filter_pair_init(&p, text)) /* libpcap refuses some */
			continue;
		n++;
		n_lowered += filter_pair_is_lowered(&p);
		compare(&p, b, &state, 6);
		filter_pair_fini(&p);
	}
	weir_batch_destroy(b);
	printf("\n    %u filters, %u of them lowered", n, n_lowered);
	CU_ASSERT(n > 400);
	CU_ASSERT(n_lowered > 250 && n_lowered < n);
}

/*
 * Words in any order. Whatever libpcap accepts, our parser must read in the same way, or leave to
 * it: the check at start never has to step in.
 */
static void
texts_of_any_words_are_read_as_libpcap_reads_them(void)
{
	static const char *const words[] = { "tcp", "udp", "ip", "ip6", "icmp", "arp", "src", "dst",
		"host", "net", "port", "proto", "and", "or", "not", "!", "&&", "||", "(", ")", "(",
		")", "and", "or", "80", "443", "6", "10.0.0.1", "10.0.0.0/8", "10.1", "2001:db8::1",
		"2001:db8::/32", "portrange 80-90", "less", "greater", "len", ">", "=", "!=", "100",
		"mask", "255.0.0.0", "/", "tcp[13]", "tcp[tcpflags]", "&", "|", "tcp-syn", "== 2" };
	uint64_t state = 17;
	unsigned n_accepted = 0, n_lowered = 0;

	for (unsigned i = 0; i < 20000; i++) {
		unsigned n = below(&state, 9) + 1;
		struct filter_pair p;
		char text[512] = "";

		for (unsigned k = 0; k < n; k++) {
			strcat(text, k ? " " : "");
			strcat(text, words[below(&state, sizeof(words) / sizeof(words[0]))]);
		}
		weir_filter_node_free(weir_filter_parse(text));
		if (!filter_pair_init(&p, text))
			continue;
		n_accepted++;
		n_lowered += filter_pair_is_lowered(&p);
		if (strstr(weir_stage_describe(p.stage), "disagree")) {
			fprintf(stderr, "\n'%s': %s", text, weir_stage_describe(p.stage));
			CU_FAIL("read differently");
		}
		filter_pair_fini(&p);
	}
	printf("\n    %u accepted by libpcap, %u lowered", n_accepted, n_lowered);
	CU_ASSERT(n_lowered > 100);
}

/* What asks for bytes, names, or another layout stays BPF, and is right as such. */
static void
other_filters_run_as_bpf(void)
{
	static const char *const texts[] = { "vlan", "vlan and tcp", "tcp and vlan 7", "mpls",
		"pppoes and tcp", "ip[8] > 64", "tcp[0:2] = 80", "ether host 02:00:00:00:00:01",
		"ether proto 0x0800", "multicast", "ip6 protochain 6",
		"net 10.0.0.0 mask 255.0.255.0", "len + 1 > 100", "100 < len", "arp host 10.0.0.1",
		"proto \\tcp", "tcp[tcpflags] & tcp-syn|tcp-ack != 0", "icmp[icmptype] == 8",
		"geneve and tcp", "ip[9] = 6 and port 80" };
	struct weir_batch *b = filter_batch();
	uint64_t state = 13;

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct filter_pair p;

		if (!filter_pair_init(&p, texts[i])) {
			CU_FAIL("libpcap refuses it");
			fprintf(stderr, "\n'%s' is refused", texts[i]);
			continue;
		}
		if (filter_pair_is_lowered(&p))
			fprintf(stderr, "\n'%s': %s", p.text, weir_stage_describe(p.stage));
		CU_ASSERT_FALSE(filter_pair_is_lowered(&p));
		CU_ASSERT_PTR_NULL(weir_stage_program(p.stage));
		compare(&p, b, &state, 6);
		filter_pair_fini(&p);
	}
	weir_batch_destroy(b);
}

/* The masks of one text beside the program of another: the check at start tells. */
static void
the_check_finds_masks_that_differ(void)
{
	static const struct {
		const char *masks, *program;
	} pairs[] = {
		{ "tcp port 443", "tcp port 444" },
		{ "port 80", "tcp port 80 or udp port 80" },
		{ "tcp", "ip and tcp" },
		{ "src host 10.0.0.1", "host 10.0.0.1" },
		{ "net 10.0.0.0/8", "net 10.0.0.0/9" },
		{ "host 2001:db8::1", "net 2001:db8::/127" },
		{ "less 100", "less 101" },
		{ "tcp or udp and port 53", "tcp or (udp and port 53)" },
		{ "not arp", "ip or ip6" },
		{ "proto 1", "icmp" },
		{ "not port 80 or 443", "not (port 80 or 443)" },
		{ "tcp[13] & 2 != 0", "tcp[13] & 3 != 0" },
	};

	for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct weir_symbol symbols[WEIR_N_FIELDS];
		struct weir_scope scope = { symbols, WEIR_N_FIELDS };
		struct weir_filter_node *tree = weir_filter_parse(pairs[i].masks);
		struct filter_pair a, b;
		struct weir_filter *f;
		struct bpf_program own;

		for (unsigned k = 0; k < WEIR_N_FIELDS; k++)
			symbols[k] = (struct weir_symbol){ weir_fields[k].name, weir_fields[k].type,
				weir_fields[k].store, k };
		CU_ASSERT_FATAL(filter_pair_init(&a, pairs[i].masks));
		CU_ASSERT_FATAL(filter_pair_init(&b, pairs[i].program));
		f = (struct weir_filter *)a.stage;
		CU_ASSERT(weir_filter_check(f, tree, &scope));
		own = f->programs[0].bpf;
		f->programs[0].bpf = ((struct weir_filter *)b.stage)->programs[0].bpf;
		if (weir_filter_check(f, tree, &scope))
			fprintf(stderr, "\n'%s' passes for '%s'", pairs[i].masks, pairs[i].program);
		CU_ASSERT_FALSE(weir_filter_check(f, tree, &scope));
		f->programs[0].bpf = own;
		weir_filter_node_free(tree);
		filter_pair_fini(&a);
		filter_pair_fini(&b);
	}
}

static void
expressions_name_the_fields_that_they_read(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "tcp port 443", "(ip.proto == 6 && (srcport == 443 || dstport == 443))" },
		{ "port 80 or 443", "(ip.proto in {6, 17, 132} && (srcport in {80, 443} || dstport "
				    "in {80, 443}))" },
		{ "tcp or udp and ip", "ip.proto in {6, 17} && ip" },
		{ "not src net 10.0.0.0/8", "!(ip.src in 10.0.0.0/8)" },
		{ "host 2001:db8::1 and less 99",
		    "(ip.src == 2001:db8::1 || ip.dst == 2001:db8::1) && frame.len <= 99" },
		{ "icmp or (tcp and port 1) or ip6",
		    "(ip && ip.proto == 1) || (ip.proto == 6 && (ip.proto in {6, 17, 132} && "
		    "(srcport == 1 || dstport == 1))) || ipv6" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct weir_filter_node *tree = weir_filter_parse(cases[i].text);
		struct weir_strbuf out = { 0 };

		CU_ASSERT_PTR_NOT_NULL_FATAL(tree);
		weir_filter_print(tree, &out);
		CHECK_TEXT(out.p, cases[i].want);
		weir_strbuf_free(&out);
		weir_filter_node_free(tree);
	}
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "masks keep what libpcap keeps", masks_keep_what_libpcap_keeps },
		{ "composed filters keep what libpcap keeps",
		    composed_filters_keep_what_libpcap_keeps },
		{ "texts of any words are read as libpcap reads them",
		    texts_of_any_words_are_read_as_libpcap_reads_them },
		{ "other filters run as BPF", other_filters_run_as_bpf },
		{ "the check finds masks that differ", the_check_finds_masks_that_differ },
		{ "expressions name the fields that they read",
		    expressions_name_the_fields_that_they_read },
		CU_TEST_INFO_NULL,
	};

	weir_log_set_level(WEIR_LOG_ERROR); /* link types that a filter cannot be for */
	return check_run("stage filter", tests);
}
