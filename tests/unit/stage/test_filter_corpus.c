/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Filters keep what libpcap's program keeps, on all captures.
 * usage: test_stage_filter_corpus [FOLDER]; $WEIR_CAPTURES wins over FOLDER
 */
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <CUnit/Basic.h>
#include <weir/base/log.h>
#include <weir/base/time.h>
#include <weir/packet/link.h>

#include "check.h"
#include "filters.h"

#define MAX_PAIRS   1024
#define MAX_PACKETS 5000 /* of one capture */
#define MAX_BYTES   262144

static const char *root;
static struct filter_pair *pairs;
static unsigned n_pairs;
static unsigned n_files, n_packets;

/* Copies, since libpcap's buffer holds one packet. */
static uint8_t *bytes[WEIR_ROWS];

static void
flush(struct weir_batch *b)
{
	struct weir_decode_counters counters = { 0 };

	weir_decode_batch(b, &counters);
	for (unsigned i = 0; i < n_pairs; i++)
		filter_pair_run(&pairs[i], b);
	n_packets += b->n;
	for (unsigned r = 0; r < b->n; r++)
		free(bytes[r]);
	b->n = 0;
}

static void
add(struct weir_batch *b, int dlt, const struct pcap_pkthdr *h, const uint8_t *data)
{
	unsigned r = b->n++;

	/* Just the captured bytes, so that a sanitizer sees what reads past them. */
	bytes[r] = malloc(h->caplen ? h->caplen : 1);
	if (!bytes[r])
		abort();
	memcpy(bytes[r], data, h->caplen);
	b->data[r] = bytes[r];
	b->cap_len[r] = h->caplen;
	b->wire_len[r] = h->len;
	b->time_ns[r] = WEIR_TIME_NONE;
	b->dlt[r] = (uint16_t)dlt;
	b->link[r] = (uint8_t)weir_link_of_dlt(dlt);
	if (b->n == WEIR_ROWS)
		flush(b);
}

static void
run_file(struct weir_batch *b, const char *path)
{
	char errbuf[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline(path, errbuf);
	struct pcap_pkthdr *h;
	const uint8_t *data;
	unsigned n = 0;

	if (!p)
		return;
	n_files++;
	while (n++ < MAX_PACKETS && pcap_next_ex(p, &h, &data) == 1)
		if (h->caplen <= MAX_BYTES)
			add(b, pcap_datalink(p), h, data);
	pcap_close(p);
}

static void
add_pair(const char *text)
{
	CU_ASSERT_FATAL(n_pairs < MAX_PAIRS);
	if (filter_pair_init(&pairs[n_pairs], text))
		n_pairs++;
}

static void
masks_keep_what_libpcap_keeps_of_captures(void)
{
	char *paths[] = { strdup(root), NULL };
	FTS *fts = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	struct weir_batch *b = filter_batch();
	uint64_t n_matched = 0, n_decided = 0;
	FTSENT *e;

	CU_ASSERT_PTR_NOT_NULL_FATAL(fts);
	for (unsigned i = 0; filter_texts[i]; i++)
		add_pair(filter_texts[i]);
	CU_ASSERT(n_pairs >= 200);
	while ((e = fts_read(fts)))
		if (e->fts_info == FTS_F)
			run_file(b, e->fts_path);
	flush(b);
	for (unsigned i = 0; i < n_pairs; i++) {
		CU_ASSERT_EQUAL(pairs[i].n_differ, 0);
		n_decided += pairs[i].n_packets;
		n_matched += pairs[i].n_matched;
		filter_pair_fini(&pairs[i]);
	}
	printf("\n    %u filters, %u files, %u packets, %llu decisions, %llu matches", n_pairs,
	    n_files, n_packets, (unsigned long long)n_decided, (unsigned long long)n_matched);
	CU_ASSERT(n_packets > 1000);
	CU_ASSERT(n_matched > n_decided / 50);
	fts_close(fts);
	weir_batch_destroy(b);
	free(paths[0]);
}

int
main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {
		{ "masks keep what libpcap keeps of captures",
		    masks_keep_what_libpcap_keeps_of_captures },
		CU_TEST_INFO_NULL,
	};
	int rc;

	root = getenv("WEIR_CAPTURES");
	if (!root)
		root = argc > 1 ? argv[1] : "";
	if (!*root || access(root, R_OK)) {
		printf("skipped: no captures at '%s' (set WEIR_CAPTURES)\n", root);
		return CHECK_SKIPPED;
	}
	weir_log_set_level(WEIR_LOG_ERROR); /* link types that a filter cannot be for */
	pairs = calloc(MAX_PAIRS, sizeof(*pairs));
	if (!pairs)
		return 1;
	rc = check_run("stage filter corpus", tests);
	free(pairs);
	return rc;
}
