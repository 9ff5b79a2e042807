/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "check.h"
#include "packets.h"

/* Every field has its value where the packet has it, and is null where not. */

static const char *
text(const struct weir_batch *b, enum weir_field_id field, unsigned row)
{
	static char buf[256];
	struct weir_value v = weir_column_get(&b->col[field], row);

	weir_value_text(&v, buf, sizeof(buf));
	return buf;
}

static void
expect(const struct weir_batch *b, enum weir_field_id field, const char *want)
{
	const char *got = text(b, field, 0);
	bool is_same = strcmp(got, want) == 0;

	if (!is_same) {
		fputs("\n    ", stdout);
		fputs(weir_fields[field].name, stdout);
		printf(": %s, not %s", got, want);
	}
	CU_ASSERT(is_same);
}

struct want {
	enum weir_field_id field;
	const char *text;
};

/* The fields of want have these values, and all others that need a layer are null. */
static void
expect_all(const struct weir_batch *b, const struct want *want, unsigned n)
{
	for (unsigned f = 0; f < WEIR_N_FIELDS; f++) {
		const char *t = "-";

		if (weir_fields[f].layers == 0)
			continue;
		for (unsigned i = 0; i < n; i++)
			if (want[i].field == f)
				t = want[i].text;
		expect(b, f, t);
	}
}

#define N(a) (unsigned)(sizeof(a) / sizeof((a)[0]))

static void
tcp_over_ip4(void)
{
	static const struct want want[] = {
		{ WEIR_FIELD_ETH_SRC, "02:00:00:00:00:02" },
		{ WEIR_FIELD_ETH_DST, "02:00:00:00:00:01" },
		{ WEIR_FIELD_ETH_TYPE, "2048" },
		{ WEIR_FIELD_IP_VERSION, "4" },
		{ WEIR_FIELD_IP_SRC, "10.0.0.1" },
		{ WEIR_FIELD_IP_DST, "10.0.0.2" },
		{ WEIR_FIELD_IP_PROTO, "6" },
		{ WEIR_FIELD_IP_TTL, "64" },
		{ WEIR_FIELD_IP_LEN, "44" },
		{ WEIR_FIELD_IP_ID, "4660" },
		{ WEIR_FIELD_IP_DSCP, "46" },
		{ WEIR_FIELD_IP_ECN, "1" },
		{ WEIR_FIELD_IP_FRAG_OFFSET, "0" },
		{ WEIR_FIELD_IP_MF, "0" },
		{ WEIR_FIELD_SRCPORT, "1000" },
		{ WEIR_FIELD_DSTPORT, "80" },
		{ WEIR_FIELD_TCP_SRCPORT, "1000" },
		{ WEIR_FIELD_TCP_DSTPORT, "80" },
		{ WEIR_FIELD_TCP_SEQ, "16909060" },
		{ WEIR_FIELD_TCP_ACK, "84281096" },
		{ WEIR_FIELD_TCP_LEN, "4" },
		{ WEIR_FIELD_TCP_WINDOW, "2571" },
		{ WEIR_FIELD_TCP_FLAGS, "24" },
		{ WEIR_FIELD_TCP_FLAG_SYN, "0" },
		{ WEIR_FIELD_TCP_FLAG_ACK, "1" },
		{ WEIR_FIELD_TCP_FLAG_FIN, "0" },
		{ WEIR_FIELD_TCP_FLAG_RESET, "0" },
		{ WEIR_FIELD_TCP_FLAG_PUSH, "1" },
		{ WEIR_FIELD_TCP_FLAG_URG, "0" },
		{ WEIR_FIELD_TCP_FLAG_ECE, "0" },
		{ WEIR_FIELD_TCP_FLAG_CWR, "0" },
		{ WEIR_FIELD_PAYLOAD, "abcd" },
		{ WEIR_FIELD_PAYLOAD_LEN, "4" },
		{ WEIR_FIELD_DATA, "abcd" },
	};
	struct weir_batch *b;
	struct packet p;

	CU_ASSERT(packet_sample(0, &p));
	b = decode_one(&p, p.len, p.len);
	expect_all(b, want, N(want));
	free_one(b);
}

static void
udp_over_ip6(void)
{
	static const struct want want[] = {
		{ WEIR_FIELD_ETH_SRC, "02:00:00:00:00:02" },
		{ WEIR_FIELD_ETH_DST, "02:00:00:00:00:01" },
		{ WEIR_FIELD_ETH_TYPE, "34525" },
		{ WEIR_FIELD_IP_VERSION, "6" },
		{ WEIR_FIELD_IP_SRC, "2001:db8::1" },
		{ WEIR_FIELD_IP_DST, "2001:db8::2" },
		{ WEIR_FIELD_IP_PROTO, "17" },
		{ WEIR_FIELD_IP_TTL, "64" },
		{ WEIR_FIELD_IP_LEN, "52" },
		{ WEIR_FIELD_IP_DSCP, "46" },
		{ WEIR_FIELD_IP_ECN, "1" },
		{ WEIR_FIELD_IP_FRAG_OFFSET, "0" },
		{ WEIR_FIELD_IP_MF, "0" },
		{ WEIR_FIELD_IPV6_FLOW, "703710" },
		{ WEIR_FIELD_SRCPORT, "2000" },
		{ WEIR_FIELD_DSTPORT, "53" },
		{ WEIR_FIELD_UDP_SRCPORT, "2000" },
		{ WEIR_FIELD_UDP_DSTPORT, "53" },
		{ WEIR_FIELD_UDP_LENGTH, "12" },
		{ WEIR_FIELD_PAYLOAD, "abcd" },
		{ WEIR_FIELD_PAYLOAD_LEN, "4" },
		{ WEIR_FIELD_DATA, "abcd" },
	};
	struct weir_batch *b;
	struct packet p;

	CU_ASSERT(packet_sample(1, &p));
	b = decode_one(&p, p.len, p.len);
	expect_all(b, want, N(want));
	free_one(b);
}

static void
tags_labels_and_icmp(void)
{
	static const struct want want[] = {
		{ WEIR_FIELD_ETH_SRC, "02:00:00:00:00:02" },
		{ WEIR_FIELD_ETH_DST, "02:00:00:00:00:01" },
		{ WEIR_FIELD_ETH_TYPE, "34984" },
		{ WEIR_FIELD_VLAN_ID, "10" },
		{ WEIR_FIELD_VLAN_PRIORITY, "7" },
		{ WEIR_FIELD_MPLS_LABEL, "100" },
		{ WEIR_FIELD_IP_VERSION, "4" },
		{ WEIR_FIELD_IP_SRC, "10.0.0.1" },
		{ WEIR_FIELD_IP_DST, "10.0.0.2" },
		{ WEIR_FIELD_IP_PROTO, "1" },
		{ WEIR_FIELD_IP_TTL, "64" },
		{ WEIR_FIELD_IP_LEN, "28" },
		{ WEIR_FIELD_IP_ID, "4660" },
		{ WEIR_FIELD_IP_DSCP, "46" },
		{ WEIR_FIELD_IP_ECN, "1" },
		{ WEIR_FIELD_IP_FRAG_OFFSET, "0" },
		{ WEIR_FIELD_IP_MF, "0" },
		{ WEIR_FIELD_SRCPORT, "0" },
		{ WEIR_FIELD_DSTPORT, "0" },
		{ WEIR_FIELD_ICMP_TYPE, "8" },
		{ WEIR_FIELD_ICMP_CODE, "0" },
	};
	struct weir_batch *b;
	struct packet p;

	CU_ASSERT(packet_sample(6, &p));
	b = decode_one(&p, p.len, p.len);
	expect_all(b, want, N(want));
	free_one(b);
}

static void
sctp_and_arp(void)
{
	struct packet p;
	struct weir_batch *b;

	CU_ASSERT(packet_sample(5, &p));
	b = decode_one(&p, p.len, p.len);
	expect(b, WEIR_FIELD_SRCPORT, "1");
	expect(b, WEIR_FIELD_SCTP_SRCPORT, "1");
	expect(b, WEIR_FIELD_SCTP_DSTPORT, "2");
	expect(b, WEIR_FIELD_SCTP_TAG, "3");
	expect(b, WEIR_FIELD_SCTP_CHECKSUM, "4");
	expect(b, WEIR_FIELD_SCTP_CHUNK_TYPE, "6");
	expect(b, WEIR_FIELD_PAYLOAD, "-");
	free_one(b);
	memset(&p, 0, sizeof(p));
	put_eth(&p, 0x0806);
	put(&p, "0001 0800 06 04 0002");
	b = decode_one(&p, p.len, p.len);
	expect(b, WEIR_FIELD_ARP_OPCODE, "2");
	expect(b, WEIR_FIELD_SRCPORT, "-");
	free_one(b);
	b = decode_one(&p, p.len - 1, p.len);
	expect(b, WEIR_FIELD_ARP_OPCODE, "-");
	free_one(b);
}

static void
fragments_in_both_versions(void)
{
	struct packet p = { .link = WEIR_LINK_RAW_IP };
	struct weir_batch *b;

	put(&p, "4500 0018 1234 20b9 4011 0000 0a000001 0a000002 00010002");
	b = decode_one(&p, p.len, p.len);
	expect(b, WEIR_FIELD_IP_FRAG_OFFSET, "185");
	expect(b, WEIR_FIELD_IP_MF, "1");
	expect(b, WEIR_FIELD_SRCPORT, "0");
	expect(b, WEIR_FIELD_UDP_SRCPORT, "-");
	free_one(b);
	p.len = 0;
	put_ip6(&p, 44, 12);
	put(&p, "1100 0079 0000002a 00010002");
	b = decode_one(&p, p.len, p.len);
	expect(b, WEIR_FIELD_IP_PROTO, "17");
	expect(b, WEIR_FIELD_IP_FRAG_OFFSET, "15");
	expect(b, WEIR_FIELD_IP_MF, "1");
	expect(b, WEIR_FIELD_IP_ID, "42");
	expect(b, WEIR_FIELD_DSTPORT, "0");
	free_one(b);
	CU_ASSERT(packet_sample(9, &p)); /* a first fragment of TCP */
	b = decode_one(&p, p.len, p.len);
	expect(b, WEIR_FIELD_DSTPORT, "80");
	expect(b, WEIR_FIELD_TCP_FLAG_SYN, "1");
	expect(b, WEIR_FIELD_TCP_LEN, "-");
	expect(b, WEIR_FIELD_PAYLOAD_LEN, "0");
	free_one(b);
}

static void
all_twelve_flags(void)
{
	static const enum weir_field_id flag[] = { WEIR_FIELD_TCP_FLAG_FIN, WEIR_FIELD_TCP_FLAG_SYN,
		WEIR_FIELD_TCP_FLAG_RESET, WEIR_FIELD_TCP_FLAG_PUSH, WEIR_FIELD_TCP_FLAG_ACK,
		WEIR_FIELD_TCP_FLAG_URG, WEIR_FIELD_TCP_FLAG_ECE, WEIR_FIELD_TCP_FLAG_CWR };

	for (unsigned bit = 0; bit < 12; bit++) {
		struct packet p = { .link = WEIR_LINK_RAW_IP };
		struct weir_batch *b;
		char want[16];

		put_ip4(&p, 6, 20);
		put_tcp(&p, 1u << bit);
		b = decode_one(&p, p.len, p.len);
		snprintf(want, sizeof(want), "%u", 1u << bit);
		expect(b, WEIR_FIELD_TCP_FLAGS, want);
		for (unsigned i = 0; i < N(flag); i++)
			expect(b, flag[i], i == bit ? "1" : "0");
		free_one(b);
	}
}

static void
a_bad_data_offset_hides_the_rest_of_tcp(void)
{
	struct packet p = { .link = WEIR_LINK_RAW_IP };
	struct weir_batch *b;

	put_ip4(&p, 6, 20);
	put_tcp(&p, 0x002);
	p.b[32] = 0x40;
	b = decode_one(&p, p.len, p.len);
	expect(b, WEIR_FIELD_TCP_DSTPORT, "80");
	expect(b, WEIR_FIELD_TCP_SEQ, "16909060");
	expect(b, WEIR_FIELD_TCP_ACK, "-");
	expect(b, WEIR_FIELD_TCP_FLAGS, "-");
	expect(b, WEIR_FIELD_TCP_FLAG_SYN, "-");
	expect(b, WEIR_FIELD_TCP_LEN, "-");
	expect(b, WEIR_FIELD_PAYLOAD_LEN, "-");
	free_one(b);
}

static void
payload_ends_with_the_capture_or_the_length(void)
{
	struct packet p;
	struct weir_batch *b;

	CU_ASSERT(packet_sample(2, &p)); /* UDP with padding behind it */
	b = decode_one(&p, p.len, p.len);
	expect(b, WEIR_FIELD_PAYLOAD, "ab");
	expect(b, WEIR_FIELD_PAYLOAD_LEN, "2");
	free_one(b);
	CU_ASSERT(packet_sample(0, &p));
	b = decode_one(&p, p.len - 3, p.len);
	expect(b, WEIR_FIELD_PAYLOAD, "a");
	expect(b, WEIR_FIELD_PAYLOAD_LEN, "4");
	expect(b, WEIR_FIELD_TCP_LEN, "4");
	free_one(b);
	/* a UDP length that is shorter than the IP packet's, and one that is longer */
	CU_ASSERT(packet_sample(1, &p));
	p.b[59] = 10;
	b = decode_one(&p, p.len, p.len);
	expect(b, WEIR_FIELD_PAYLOAD, "ab");
	free_one(b);
	p.b[59] = 200;
	b = decode_one(&p, p.len, p.len);
	expect(b, WEIR_FIELD_PAYLOAD_LEN, "4");
	free_one(b);
	CU_ASSERT(packet_sample(12, &p)); /* jumbogram */
	b = decode_one(&p, p.len, 80000);
	expect(b, WEIR_FIELD_PAYLOAD, "abcd");
	expect(b, WEIR_FIELD_PAYLOAD_LEN, "69984");
	free_one(b);
}

static void
length_frames_have_no_ethertype(void)
{
	struct packet p;
	struct weir_batch *b;

	CU_ASSERT(packet_sample(8, &p));
	b = decode_one(&p, p.len, p.len);
	expect(b, WEIR_FIELD_ETH_TYPE, "-");
	expect(b, WEIR_FIELD_ETH_SRC, "02:00:00:00:00:02");
	expect(b, WEIR_FIELD_DSTPORT, "53");
	free_one(b);
	CU_ASSERT(packet_sample(11, &p)); /* cooked */
	b = decode_one(&p, p.len, p.len);
	expect(b, WEIR_FIELD_ETH_SRC, "-");
	expect(b, WEIR_FIELD_ETH_TYPE, "-");
	expect(b, WEIR_FIELD_ICMP_TYPE, "128");
	free_one(b);
}

static void
words_are_never_null(void)
{
	static const struct {
		unsigned sample;
		enum weir_field_id word[4];
	} known[] = {
		{ 0, { WEIR_FIELD_IS_ETH, WEIR_FIELD_IS_IP, WEIR_FIELD_IS_TCP } },
		{ 1, { WEIR_FIELD_IS_ETH, WEIR_FIELD_IS_IPV6, WEIR_FIELD_IS_UDP } },
		{ 5, { WEIR_FIELD_IS_ETH, WEIR_FIELD_IS_IP, WEIR_FIELD_IS_SCTP } },
		{ 10, { WEIR_FIELD_IS_IP, WEIR_FIELD_IS_UDP, WEIR_FIELD_IS_UDP } },
		{ 11, { WEIR_FIELD_IS_IPV6, WEIR_FIELD_IS_ICMP, WEIR_FIELD_IS_ICMP } },
		{ 13,
		    { WEIR_FIELD_IS_ETH, WEIR_FIELD_IS_IP, WEIR_FIELD_IS_UDP, WEIR_FIELD_IS_DNS } },
		{ 14,
		    { WEIR_FIELD_IS_ETH, WEIR_FIELD_IS_IP, WEIR_FIELD_IS_TCP, WEIR_FIELD_IS_TLS } },
	};
	struct packet p;

	for (unsigned i = 0; i < N(known); i++) {
		struct weir_batch *b;

		CU_ASSERT(packet_sample(known[i].sample, &p));
		b = decode_one(&p, p.len, p.len);
		for (unsigned f = WEIR_FIELD_IS_ETH; f <= WEIR_FIELD_IS_TLS; f++) {
			struct weir_value v = weir_column_get(&b->col[f], 0);
			bool is_true = false;

			for (unsigned w = 0; w < N(known[i].word); w++)
				is_true = is_true || f == known[i].word[w];

			CU_ASSERT(!v.is_null);
			CU_ASSERT_EQUAL(v.b, is_true);
		}
		free_one(b);
	}
}

/* A batch of many rows of which every third is no IP: values and nulls stay in their rows. */
static void
rows_do_not_mix(void)
{
	static const unsigned sizes[] = { 0, 1, 63, 64, 65, 200, WEIR_ROWS };
	struct weir_decode_counters counters = { 0 };
	struct weir_field_set needed = { 0 };
	struct packet p[2] = { 0 };
	struct weir_batch *b;
	uint64_t n_null = 0;

	CU_ASSERT(packet_sample(0, &p[0]));
	put_eth(&p[1], 0x88cc);
	put(&p[1], "0207");
	weir_field_set_add(&needed, WEIR_FIELD_DSTPORT);
	weir_field_set_add(&needed, WEIR_FIELD_FRAME_NUMBER);
	weir_field_set_add(&needed, WEIR_FIELD_FRAME_TIME);
	weir_field_set_add(&needed, WEIR_FIELD_QUEUE_DEPTH);
	weir_field_set_add(&needed, WEIR_FIELD_FRAME_INTERFACE);
	b = weir_batch_create(&needed);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_PTR_NULL(b->col[WEIR_FIELD_IP_SRC].data);
	for (unsigned i = 0; i < N(sizes); i++) {
		b->n = sizes[i];
		b->first_number = 1000;
		b->queue_depth = i % 2 ? 7 : -1;
		for (unsigned r = 0; r < b->n; r++) {
			const struct packet *q = &p[r % 3 == 2];

			b->data[r] = q->b;
			b->cap_len[r] = b->wire_len[r] = q->len;
			b->link[r] = WEIR_LINK_ETHERNET;
			b->interface[r] = (uint16_t)r;
			b->time_ns[r] = r % 5 ? (int64_t)r : WEIR_TIME_NONE;
			n_null += r % 3 == 2;
		}
		weir_decode_batch(b, &counters);
		for (unsigned r = 0; r < b->n; r++) {
			struct weir_value v = weir_column_get(&b->col[WEIR_FIELD_DSTPORT], r);

			CU_ASSERT_EQUAL(v.is_null, r % 3 == 2);
			CU_ASSERT(v.is_null || v.i == 80);
			v = weir_column_get(&b->col[WEIR_FIELD_FRAME_NUMBER], r);
			CU_ASSERT(!v.is_null && v.i == 1000 + (int64_t)r);
			v = weir_column_get(&b->col[WEIR_FIELD_FRAME_TIME], r);
			CU_ASSERT(r % 5 ? !v.is_null && v.i == (int64_t)r : v.is_null);
			v = weir_column_get(&b->col[WEIR_FIELD_QUEUE_DEPTH], r);
			CU_ASSERT(i % 2 ? !v.is_null && v.i == 7 : v.is_null);
			v = weir_column_get(&b->col[WEIR_FIELD_FRAME_INTERFACE], r);
			CU_ASSERT(!v.is_null && v.i == (int64_t)r);
		}
	}
	CU_ASSERT_EQUAL(counters.reason[WEIR_DECODE_NOT_IP], n_null);
	weir_batch_destroy(b);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "TCP over IPv4", tcp_over_ip4 },
		{ "UDP over IPv6", udp_over_ip6 },
		{ "tags, labels and ICMP", tags_labels_and_icmp },
		{ "SCTP and ARP", sctp_and_arp },
		{ "fragments in both versions", fragments_in_both_versions },
		{ "all twelve flags", all_twelve_flags },
		{ "a bad data offset hides the rest of TCP",
		    a_bad_data_offset_hides_the_rest_of_tcp },
		{ "payload ends with the capture or the length",
		    payload_ends_with_the_capture_or_the_length },
		{ "length frames have no EtherType", length_frames_have_no_ethertype },
		{ "words are never null", words_are_never_null },
		{ "rows do not mix", rows_do_not_mix },
		CU_TEST_INFO_NULL,
	};

	return check_run("decode columns", tests);
}
