/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "application.h"
#include "check.h"
#include "packets.h"

/* DNS messages and TLS hellos: what they say, and that damaged ones say nothing. */

static const char *
text(const struct weir_batch *b, enum weir_field_id field)
{
	static char buf[512];
	struct weir_value v = weir_column_get(&b->col[field], 0);

	weir_value_text(&v, buf, sizeof(buf));
	return buf;
}

static const enum weir_field_id dns_fields[] = { WEIR_FIELD_IS_DNS, WEIR_FIELD_DNS_QRY_NAME,
	WEIR_FIELD_DNS_QRY_TYPE, WEIR_FIELD_DNS_RESPONSE, WEIR_FIELD_DNS_ANSWERS,
	WEIR_FIELD_DNS_RESP_TYPE, WEIR_FIELD_DNS_A };

/* The DNS fields of the packet, one after the other. */
static void
expect_dns(const struct packet *p, uint32_t cap_len, const char *want)
{
	struct weir_batch *b = decode_one(p, cap_len, p->len);
	char got[1024] = "";

	for (unsigned i = 0; i < sizeof(dns_fields) / sizeof(dns_fields[0]); i++) {
		strcat(got, i ? " " : "");
		strcat(got, text(b, dns_fields[i]));
	}
	CHECK_TEXT(got, want);
	free_one(b);
}

static void
expect_sni(const struct packet *p, uint32_t cap_len, const char *want)
{
	struct weir_batch *b = decode_one(p, cap_len, p->len);

	CHECK_TEXT(text(b, WEIR_FIELD_TLS_SNI), want);
	free_one(b);
}

/* IPv4 and UDP from port 1000 to port around the message in hex. */
static void
over_udp(struct packet *p, unsigned port, const char *hex)
{
	struct packet message = { 0 };

	put(&message, hex);
	*p = (struct packet){ .link = WEIR_LINK_RAW_IP };
	put_ip4(p, 17, 8 + message.len);
	put(p, "03e8");
	put_u16(p, port);
	put_u16(p, 8 + message.len);
	put(p, "0000");
	put(p, hex);
}

#define HEADER_1 "0000 0100 0001 0000 0000 0000"

static void
a_response_over_udp(void)
{
	struct packet p;

	CU_ASSERT(packet_sample(13, &p));
	expect_dns(&p, p.len, "true www.Example.com 1 1 2 5 192.0.2.1");
	/* the capture ends in the data of the A record, in a record, a question, the header */
	expect_dns(&p, p.len - 12, "true www.Example.com 1 1 2 5 -");
	expect_dns(&p, p.len - 41 + 12, "true www.Example.com 1 1 2 5 -");
	expect_dns(&p, p.len - 41 + 11, "true www.Example.com 1 1 2 - -");
	expect_dns(&p, p.len - 41 - 1, "true - - 1 2 - -");
	expect_dns(&p, p.len - 74 + 12, "true - - 1 2 - -");
	expect_dns(&p, p.len - 74 + 11, "false - - - - - -");
}

static void
ports_tell_what_is_dns(void)
{
	static const char query[] = HEADER_1 "01 61 02 6263 00 001c 0001";
	struct packet p;

	over_udp(&p, 53, query);
	expect_dns(&p, p.len, "true a.bc 28 0 0 - -");
	over_udp(&p, 5353, query);
	expect_dns(&p, p.len, "false a.bc 28 0 0 - -");
	over_udp(&p, 5355, query);
	expect_dns(&p, p.len, "false a.bc 28 0 0 - -");
	over_udp(&p, 54, query);
	expect_dns(&p, p.len, "false - - - - - -");
	over_udp(&p, 53, "");
	expect_dns(&p, p.len, "false - - - - - -");
}

static void
over_tcp_the_message_must_be_whole(void)
{
	struct packet p = { .link = WEIR_LINK_RAW_IP };

	put_ip4(&p, 6, 20 + 2 + 74);
	put_tcp(&p, 0x018);
	p.b[21] = 53; /* the source port's second byte */
	p.b[20] = 0;
	put_u16(&p, 74);
	put_dns(&p);
	expect_dns(&p, p.len, "true www.Example.com 1 1 2 5 192.0.2.1");
	expect_dns(&p, p.len - 1, "false - - - - - -");
	p.b[41] = 75;
	expect_dns(&p, p.len, "false - - - - - -");
	p.b[41] = 11;
	expect_dns(&p, p.len, "false - - - - - -");
	p.b[41] = 33; /* header and question alone */
	expect_dns(&p, p.len, "true www.Example.com 1 1 2 - -");
}

static void
names_of_every_kind(void)
{
	struct packet p;

	over_udp(&p, 53, HEADER_1 "00 0002 0001");
	expect_dns(&p, p.len, "true <Root> 2 0 0 - -");
	/* bytes as they are; a label that is followed by a pointer, forwards */
	over_udp(&p, 53, HEADER_1 "03 61ff00 c016 0001 0001 00");
	expect_dns(&p, p.len, "true hex:61ff00 1 0 0 - -");
	/* a pointer to itself, a loop past a label, one past the end, a reserved length */
	over_udp(&p, 53, HEADER_1 "c00c 0001 0001");
	expect_dns(&p, p.len, "true - - 0 0 - -");
	over_udp(&p, 53, HEADER_1 "01 61 c00c 0001 0001");
	expect_dns(&p, p.len, "true - - 0 0 - -");
	over_udp(&p, 53, HEADER_1 "c0ff 0001 0001");
	expect_dns(&p, p.len, "true - - 0 0 - -");
	over_udp(&p, 53, HEADER_1 "40 0001 0001");
	expect_dns(&p, p.len, "true - - 0 0 - -");
	/* no question */
	over_udp(&p, 53, "0000 0100 0000 0000 0000 0000 01 61 00 0001 0001");
	expect_dns(&p, p.len, "true - - 0 0 - -");
	/* an update counts no answers */
	over_udp(&p, 53, "0000 2800 0001 0000 0000 0000 01 61 00 0006 0001");
	expect_dns(&p, p.len, "true a 6 0 - - -");
}

/* Labels of 63, 63, 63 and n bytes, the end: 193 + n + 1. */
static void
longest_name(unsigned n, bool is_there)
{
	uint8_t m[DNS_HEADER_LEN + 256 + 4] = { [5] = 1 }, out[WEIR_NAME_BYTES];
	uint32_t at = DNS_HEADER_LEN, len = 0;

	for (unsigned i = 0; i < 4; i++) {
		unsigned label = i < 3 ? 63 : n;

		m[at] = (uint8_t)label;
		memset(m + at + 1, 'a' + (int)i, label);
		at += label + 1;
	}
	at += 1 + 4;
	CU_ASSERT_EQUAL(
	    decode_dns_name((struct weir_bytes){ .p = m, .len = at }, out, &len), is_there);
	if (is_there) {
		CU_ASSERT_EQUAL(len, 192 + n);
		CU_ASSERT(memcmp(out + 190, "c.dd", 4) == 0 && out[len - 1] == 'd');
	}
}

static void
names_have_255_bytes_at_most(void)
{
	longest_name(61, true);
	longest_name(62, false);
}

static void
addresses_of_the_internet_alone(void)
{
	struct packet p;

#define RESPONSE_1 "0000 8180 0000 0001 0000 0000 "
	over_udp(&p, 53, RESPONSE_1 "00 0001 0001 00000000 0004 0a000001");
	expect_dns(&p, p.len, "true - - 1 1 1 10.0.0.1");
	over_udp(&p, 53, RESPONSE_1 "00 0001 0003 00000000 0004 0a000001");
	expect_dns(&p, p.len, "true - - 1 1 1 -");
	over_udp(&p, 53, RESPONSE_1 "00 0001 0001 00000000 0005 0a00000100");
	expect_dns(&p, p.len, "true - - 1 1 1 -");
	over_udp(&p, 53, RESPONSE_1 "00 0001 0001 00000000 0005 0a000001");
	expect_dns(&p, p.len, "true - - 1 1 1 -");
	over_udp(&p, 5353, RESPONSE_1 "00 0001 8001 00000000 0004 0a000001");
	expect_dns(&p, p.len, "false - - 1 1 1 10.0.0.1");
	/* among the additional records, behind a record of another type */
	over_udp(&p, 53,
	    "0000 8180 0000 0000 0001 0001 00 0002 0001 00000000 0001 00"
	    "00 0001 0001 00000000 0004 0a000001");
	expect_dns(&p, p.len, "true - - 1 0 2 10.0.0.1");
}

static void
a_server_name(void)
{
	struct weir_batch *b;
	struct packet p;

	CU_ASSERT(packet_sample(14, &p));
	expect_sni(&p, p.len, "example.com");
	expect_sni(&p, p.len - 1, "-");
	b = decode_one(&p, p.len - 1, p.len);
	CHECK_TEXT(text(b, WEIR_FIELD_IS_TLS), "true");
	free_one(b);
}

static bool
sni_of(const uint8_t *bytes, uint32_t len, struct weir_bytes *ret)
{
	uint8_t *copy = malloc(len ? len : 1);
	bool is_there;

	if (!copy)
		abort();
	memcpy(copy, bytes, len);
	is_there = decode_tls_sni((struct weir_bytes){ .p = copy, .len = len }, ret);
	if (is_there && (ret->p < copy || ret->p + ret->len > copy + len))
		abort();
	free(copy);
	return is_there;
}

static void
a_hello_behind_other_records(void)
{
	struct weir_bytes name = { 0 };
	struct packet p = { 0 };

	for (unsigned n = 0; n < TLS_RECORDS; n++) {
		p.len = 0;
		for (unsigned i = 0; i < n; i++)
			put(&p, "14 0303 0001 01");
		put_tls(&p);
		CU_ASSERT(sni_of(p.b, p.len, &name) && name.len == 11);
	}
	p.len = 0;
	for (unsigned i = 0; i < TLS_RECORDS; i++)
		put(&p, "14 0303 0001 01");
	put_tls(&p);
	CU_ASSERT(!sni_of(p.b, p.len, &name));
	/* behind another handshake message there is none */
	p.len = 0;
	put(&p, "16 0303 0004 02 000000");
	put_tls(&p);
	CU_ASSERT(!sni_of(p.b, p.len, &name));
}

/* Each length in the hello, made smaller or larger by one, takes the name away or leaves it. */
static void
lengths_are_kept_to(void)
{
	static const struct {
		unsigned at;
		int by;
		bool is_there;
	} cases[] = {
		{ 0, 1, false },  /* record type */
		{ 1, 1, false },  /* version */
		{ 4, -1, false }, /* record */
		{ 4, 1, true },
		{ 5, 1, false },   /* message type */
		{ 8, -1, false },  /* message */
		{ 43, 1, false },  /* session */
		{ 45, 2, false },  /* cipher suites */
		{ 51, -1, false }, /* extensions */
		{ 55, 1, false },  /* first extension */
		{ 61, -1, false }, /* server name extension */
		{ 64, 1, false },  /* kind of name */
		{ 66, 1, false },  /* name */
		{ 66, -11, false },
		{ 66, -1, true },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct weir_bytes name = { 0 };
		struct packet p = { 0 };
		bool is_there;

		put_tls(&p);
		p.b[cases[i].at] = (uint8_t)(p.b[cases[i].at] + cases[i].by);
		is_there = sni_of(p.b, p.len, &name);
		if (is_there != cases[i].is_there)
			printf("\n    byte %u by %d", cases[i].at, cases[i].by);
		CU_ASSERT_EQUAL(is_there, cases[i].is_there);
	}
}

/* Memory of the size that is told, at every size and with every byte changed: for the sanitizers.
 */
static void
nothing_behind_the_bytes_is_read(void)
{
	uint8_t out[WEIR_NAME_BYTES];
	struct packet whole[2] = { 0 };

	put_dns(&whole[0]);
	put_tls(&whole[1]);
	for (unsigned k = 0; k < 2; k++)
		for (unsigned i = 0; i <= whole[k].len * 256; i++) {
			uint32_t len = i < whole[k].len ? i : whole[k].len;
			struct weir_bytes name, m = { .len = len };
			uint8_t *copy = malloc(len ? len : 1);
			uint32_t addr, name_len = 0;
			uint16_t type;

			if (!copy)
				abort();
			memcpy(copy, whole[k].b, len);
			if (i >= len && len)
				copy[i % len] = (uint8_t)(i / len);
			m.p = copy;
			if (k == 1)
				decode_tls_sni(m, &name);
			if (len >= DNS_HEADER_LEN) {
				decode_dns_name(m, out, &name_len);
				decode_dns_type(m, &type);
				decode_dns_record_type(m, &type);
				decode_dns_a(m, &addr);
			}
			CU_ASSERT(name_len < WEIR_NAME_BYTES);
			free(copy);
		}
}

static void
data_is_a_record_or_a_payload(void)
{
	struct packet p = { .link = WEIR_LINK_TEXT };
	struct weir_batch *b;
	struct layout l;

	put(&p, "45 6e64");
	CU_ASSERT_EQUAL(layout_of(&p, p.len, p.len, &l), DECODE_OK);
	CU_ASSERT_EQUAL(l.layers, WEIR_LAYER_TEXT);
	b = decode_one(&p, p.len, p.len);
	CHECK_TEXT(text(b, WEIR_FIELD_DATA), "End");
	CHECK_TEXT(text(b, WEIR_FIELD_PAYLOAD), "End");
	CHECK_TEXT(text(b, WEIR_FIELD_PAYLOAD_LEN), "3");
	CHECK_TEXT(text(b, WEIR_FIELD_IP_VERSION), "-");
	free_one(b);
	b = decode_one(&p, 0, 0);
	CHECK_TEXT(text(b, WEIR_FIELD_DATA), "");
	free_one(b);
	CU_ASSERT(packet_sample(7, &p)); /* UDP without payload */
	b = decode_one(&p, p.len, p.len);
	CHECK_TEXT(text(b, WEIR_FIELD_PAYLOAD), "");
	CHECK_TEXT(text(b, WEIR_FIELD_DATA), "-");
	free_one(b);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "a response over UDP", a_response_over_udp },
		{ "ports tell what is DNS", ports_tell_what_is_dns },
		{ "over TCP the message must be whole", over_tcp_the_message_must_be_whole },
		{ "names of every kind", names_of_every_kind },
		{ "names have 255 bytes at most", names_have_255_bytes_at_most },
		{ "addresses of the internet alone", addresses_of_the_internet_alone },
		{ "a server name", a_server_name },
		{ "a hello behind other records", a_hello_behind_other_records },
		{ "lengths are kept to", lengths_are_kept_to },
		{ "data is a record or a payload", data_is_a_record_or_a_payload },
		{ "nothing behind the bytes is read", nothing_behind_the_bytes_is_read },
		CU_TEST_INFO_NULL,
	};

	return check_run("decode application", tests);
}
