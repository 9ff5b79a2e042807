/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every well-formed capture is decoded and its packets and flows are compared with the reference
 * results beside it, but for the named exceptions.
 * usage: test_decode_corpus [FOLDER]; $WEIR_CAPTURES wins over FOLDER
 */
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>
#include <jansson.h>
#include <pcap/pcap.h>

#include <weir/base/time.h>
#include <weir/decode/decode.h>
#include <weir/packet/link.h>

#include "check.h"
#include "flows.h"

/*
 * Where libpcap does not read a file, or where weir differs from the reference and is right to.
 * What weir has to find there is just as exact; an exception that is none any more fails.
 */
static const struct exception {
	const char *file;
	const char *why;
	bool is_unreadable;
	unsigned ip_packets, flows;
} exceptions[] = {
	{ "linktype/snoop.snoop", "no pcap file", true, 0, 0 },
	{ "pcapng-suite/le-basic-test004.pcapng", "libpcap wants one snap length", true, 0, 0 },
	{ "pcapng-suite/le-basic-test005.pcapng", "libpcap wants one snap length", true, 0, 0 },
	{ "pcapng-suite/le-basic-test008.pcapng", "libpcap wants one snap length", true, 0, 0 },
	{ "linktype/frame-relay.pcap", "link type that weir does not decode", false, 0, 0 },
	{ "linktype/ieee80211-http.pcap", "link type that weir does not decode", false, 0, 0 },
	{ "linktype/ppi.pcap", "link type that weir does not decode", false, 0, 0 },
	{ "app/tcpreplay-test.pcap", "10 Ethernet pseudo-wires over MPLS", false, 166, 45 },
	{ "ip/bigtcp-ipv6.pcap", "BIG TCP: the reference has no ports", false, 1, 1 },
	{ "ip/ipv4-options.pcap", "source route: the header's destination", false, 7, 5 },
};

static const char *root;
static unsigned n_compared, n_excepted;

struct totals {
	uint64_t packets, wire_bytes, ip_packets, ip_bytes, ip4_packets, ip6_packets, arp_packets;
	uint64_t reasons;
	struct flows flows;
};

static const struct exception *
exception_of(const char *rel)
{
	for (unsigned i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
		if (strcmp(exceptions[i].file, rel) == 0)
			return &exceptions[i];
	return NULL;
}

static struct weir_batch *
batch(void)
{
	static const unsigned fields[] = { WEIR_FIELD_FRAME_LEN, WEIR_FIELD_IP_VERSION,
		WEIR_FIELD_IP_SRC, WEIR_FIELD_IP_DST, WEIR_FIELD_IP_PROTO, WEIR_FIELD_IP_LEN,
		WEIR_FIELD_SRCPORT, WEIR_FIELD_DSTPORT, WEIR_FIELD_IS_ARP };
	struct weir_field_set needed = { 0 };

	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		weir_field_set_add(&needed, fields[i]);
	return weir_batch_create(&needed);
}

static struct weir_value
value(const struct weir_batch *b, enum weir_field_id field, unsigned row)
{
	return weir_column_get(&b->col[field], row);
}

static void
count_row(const struct weir_batch *b, unsigned r, struct totals *t)
{
	struct weir_value version = value(b, WEIR_FIELD_IP_VERSION, r);
	struct flow f = { .packets = 1 };

	t->packets++;
	f.wire_bytes = (uint64_t)value(b, WEIR_FIELD_FRAME_LEN, r).i;
	t->wire_bytes += f.wire_bytes;
	t->arp_packets += value(b, WEIR_FIELD_IS_ARP, r).b;
	if (version.is_null)
		return;
	f.version = (uint8_t)version.i;
	f.src = value(b, WEIR_FIELD_IP_SRC, r).addr;
	f.dst = value(b, WEIR_FIELD_IP_DST, r).addr;
	f.proto = (uint8_t)value(b, WEIR_FIELD_IP_PROTO, r).i;
	f.srcport = (uint16_t)value(b, WEIR_FIELD_SRCPORT, r).i;
	f.dstport = (uint16_t)value(b, WEIR_FIELD_DSTPORT, r).i;
	f.ip_bytes = (uint64_t)value(b, WEIR_FIELD_IP_LEN, r).i;
	t->ip_packets++;
	t->ip_bytes += f.ip_bytes;
	t->ip4_packets += f.version == 4;
	t->ip6_packets += f.version == 6;
	flows_add(&t->flows, &f);
}

static void
flush(struct weir_batch *b, struct totals *t, struct weir_decode_counters *counters)
{
	weir_decode_batch(b, counters);
	for (unsigned r = 0; r < b->n; r++) {
		count_row(b, r, t);
		free((void *)(uintptr_t)b->data[r]);
	}
	b->n = 0;
}

/* Every packet in memory of its exact size, so that a sanitizer sees each byte too far. */
static void
add(struct weir_batch *b, const struct pcap_pkthdr *h, const uint8_t *data, int dlt)
{
	uint8_t *copy = malloc(h->caplen ? h->caplen : 1);

	if (!copy)
		abort();
	memcpy(copy, data, h->caplen);
	b->data[b->n] = copy;
	b->cap_len[b->n] = h->caplen;
	b->wire_len[b->n] = h->len;
	b->time_ns[b->n] = WEIR_TIME_NONE;
	b->link[b->n] = (uint8_t)weir_link_of_dlt(dlt);
	b->n++;
}

static bool
decode_file(const char *path, struct totals *t)
{
	struct weir_decode_counters counters = { 0 };
	char errbuf[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline(path, errbuf);
	struct weir_batch *b;
	struct pcap_pkthdr *h;
	const uint8_t *data;
	int rc;

	if (!p)
		return false;
	b = batch();
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	while ((rc = pcap_next_ex(p, &h, &data)) == 1) {
		add(b, h, data, pcap_datalink(p));
		if (b->n == WEIR_ROWS)
			flush(b, t, &counters);
	}
	flush(b, t, &counters);
	for (unsigned i = 0; i < WEIR_N_DECODE_REASONS; i++)
		t->reasons += counters.reason[i];
	weir_batch_destroy(b);
	pcap_close(p);
	return rc == PCAP_ERROR_BREAK;
}

static bool
same_number(json_t *want, const char *rel, const char *key, uint64_t got)
{
	json_t *v = json_object_get(want, key);

	CU_ASSERT_FATAL(json_is_integer(v));
	if ((uint64_t)json_integer_value(v) == got)
		return true;
	printf("\n    %s: %s is %llu, the reference has %lld", rel, key, (unsigned long long)got,
	    (long long)json_integer_value(v));
	return false;
}

static bool
same(json_t *want, const char *rel, struct totals *t)
{
	bool ok = true;
	char hex[65];

	flows_merge(&t->flows);
	flows_sha256(&t->flows, hex);
	ok &= same_number(want, rel, "packets", t->packets);
	ok &= same_number(want, rel, "wire_bytes", t->wire_bytes);
	ok &= same_number(want, rel, "ip_packets", t->ip_packets);
	ok &= same_number(want, rel, "ip_bytes", t->ip_bytes);
	ok &= same_number(want, rel, "ipv4_packets", t->ip4_packets);
	ok &= same_number(want, rel, "ipv6_packets", t->ip6_packets);
	ok &= same_number(want, rel, "arp_packets", t->arp_packets);
	ok &= same_number(want, rel, "flows", t->flows.n);
	if (strcmp(hex, json_string_value(json_object_get(want, "flows_sha256"))) != 0) {
		printf("\n    %s: the flows are others than those of the reference", rel);
		ok = false;
	}
	return ok;
}

static bool
is_mixed(json_t *want)
{
	const char *encap =
	    json_string_value(json_object_get(json_object_get(want, "capinfos"), "encapsulation"));

	return encap && (strcmp(encap, "per-packet") == 0 || strcmp(encap, "unknown") == 0);
}

static void
check(const char *path, const char *rel)
{
	const struct exception *e = exception_of(rel);
	struct totals t = { 0 };
	char name[4096];
	json_t *want;

	snprintf(name, sizeof(name), "%s/expected/%s.summary.json", root, rel);
	want = json_load_file(name, 0, NULL);
	if (!want) {
		printf("\n    %s: no reference result", rel);
		CU_FAIL("no reference result");
		return;
	}
	if (!decode_file(path, &t)) {
		/* libpcap reads files of one link type alone */
		bool is_known = (e && e->is_unreadable) || is_mixed(want);

		if (!is_known)
			printf("\n    %s: libpcap can not read it", rel);
		CU_ASSERT(is_known);
		n_excepted++;
	} else if (e) {
		printf("\n    exception, %s: %s", rel, e->why);
		CU_ASSERT(!same(want, rel, &t));
		CU_ASSERT(!e->is_unreadable && t.ip_packets == e->ip_packets);
		CU_ASSERT(t.flows.n == e->flows);
		n_excepted++;
	} else {
		CU_ASSERT(same(want, rel, &t));
		CU_ASSERT(t.ip_packets + t.reasons >= t.packets);
		n_compared++;
	}
	flows_free(&t.flows);
	json_decref(want);
}

static bool
is_capture(const char *name)
{
	static const char *const others[] = { ".md", ".py", ".tsv", ".json", ".txt" };
	const char *dot = strrchr(name, '.');

	for (unsigned i = 0; dot && i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(dot, others[i]) == 0)
			return false;
	return true;
}

static void
every_capture_agrees_with_its_reference(void)
{
	char *const paths[] = { (char *)(uintptr_t)root, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;

	CU_ASSERT_PTR_NOT_NULL_FATAL(fts);
	while ((e = fts_read(fts))) {
		if (e->fts_info == FTS_D && e->fts_level == 1 &&
		    (strcmp(e->fts_name, "expected") == 0 || strcmp(e->fts_name, "malformed") == 0))
			fts_set(fts, e, FTS_SKIP);
		if (e->fts_info == FTS_F && is_capture(e->fts_name))
			check(e->fts_path, e->fts_path + strlen(root) + 1);
	}
	fts_close(fts);
	printf("\n    %u captures agree, %u exceptions or unreadable", n_compared, n_excepted);
	CU_ASSERT(n_compared > 100);
}

int
main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {
		{ "every capture agrees with its reference",
		    every_capture_agrees_with_its_reference },
		CU_TEST_INFO_NULL,
	};
	char expected[4096];
	FILE *f;

	root = getenv("WEIR_CAPTURES");
	if (!root)
		root = argc > 1 ? argv[1] : "";
	snprintf(expected, sizeof(expected), "%s/MANIFEST.md", root);
	f = fopen(expected, "r");
	if (!f) {
		printf("skipped: no captures at '%s' (set WEIR_CAPTURES)\n", root);
		return CHECK_SKIPPED;
	}
	fclose(f);
	return check_run("decode corpus", tests);
}
