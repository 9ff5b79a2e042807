/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Damaged and odd captures are decoded, all fields of them, as every link type in turn: for a
 * sanitizer to look at. usage: test_decode_malformed [FOLDER]; $WEIR_CAPTURES wins over FOLDER
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>
#include <pcap/pcap.h>

#include <weir/base/time.h>
#include <weir/decode/decode.h>

#include "check.h"

static char folder[4096];

/* Touch what a payload column points at. */
static unsigned
sum_payload(const struct weir_batch *b)
{
	struct weir_value v = weir_column_get(&b->col[WEIR_FIELD_PAYLOAD], 0);
	unsigned sum = 0;

	for (uint32_t i = 0; !v.is_null && i < v.s.len; i++)
		sum += v.s.p[i];
	return sum;
}

static unsigned
decode_packet(struct weir_batch *b, const struct pcap_pkthdr *h, const uint8_t *data,
    struct weir_decode_counters *counters)
{
	uint8_t *copy = malloc(h->caplen ? h->caplen : 1);
	unsigned n = 0, sum = 0;

	if (!copy)
		abort();
	memcpy(copy, data, h->caplen);
	for (unsigned link = 0; link < WEIR_N_LINKS; link++) {
		b->n = 1;
		b->data[0] = copy;
		b->cap_len[0] = h->caplen;
		b->wire_len[0] = h->len;
		b->time_ns[0] = WEIR_TIME_NONE;
		b->link[0] = (uint8_t)link;
		weir_decode_batch(b, counters);
		CU_ASSERT(b->l4_end[0] <= b->wire_len[0]);
		sum += sum_payload(b);
		n++;
	}
	free(copy);
	CU_ASSERT(sum < UINT32_MAX);
	return n;
}

static unsigned
decode_file(const char *path, struct weir_decode_counters *counters)
{
	struct weir_field_set needed = { 0 };
	char errbuf[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_open_offline(path, errbuf);
	struct weir_batch *b;
	struct pcap_pkthdr *h;
	const uint8_t *data;
	unsigned n = 0;

	if (!p)
		return 0;
	for (unsigned f = 0; f < WEIR_N_FIELDS; f++)
		weir_field_set_add(&needed, f);
	b = weir_batch_create(&needed);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	while (pcap_next_ex(p, &h, &data) == 1)
		n += decode_packet(b, h, data, counters);
	weir_batch_destroy(b);
	pcap_close(p);
	return n;
}

static void
malformed_captures_are_decoded_without_harm(void)
{
	struct weir_decode_counters counters = { 0 };
	DIR *d = opendir(folder);
	struct dirent *e;
	unsigned n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	while ((e = readdir(d))) {
		char path[sizeof(folder) + sizeof(e->d_name)];

		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (e->d_name[0] != '.')
			n += decode_file(path, &counters);
	}
	closedir(d);
	printf("\n    %u packets decoded", n);
	for (unsigned i = 0; i < WEIR_N_DECODE_REASONS; i++) {
		printf("\n    %-16s %llu", weir_decode_reasons[i].name,
		    (unsigned long long)counters.reason[i]);
	}
	CU_ASSERT(n > 10000);
	CU_ASSERT(counters.reason[WEIR_DECODE_LINK_TYPE] == n / WEIR_N_LINKS);
}

int
main(int argc, char **argv)
{
	const char *root = getenv("WEIR_CAPTURES");
	static const CU_TestInfo tests[] = {
		{ "malformed captures are decoded without harm",
		    malformed_captures_are_decoded_without_harm },
		CU_TEST_INFO_NULL,
	};
	DIR *d;

	if (!root)
		root = argc > 1 ? argv[1] : "";
	snprintf(folder, sizeof(folder), "%s/malformed", root);
	d = opendir(folder);
	if (!d) {
		printf("skipped: no captures at '%s' (set WEIR_CAPTURES)\n", folder);
		return CHECK_SKIPPED;
	}
	closedir(d);
	return check_run("decode malformed", tests);
}
