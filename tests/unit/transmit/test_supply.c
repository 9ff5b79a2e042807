/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <unistd.h>

#include <weir/base/time.h>
#include <weir/transmit/supply.h>

#include "check.h"

#define LARGE (UINT64_C(64) << 20)

static struct weir_supply_config
generator(const char *uri, uint64_t memory_bytes, bool is_repeated)
{
	return (struct weir_supply_config){
		.source = { .flag = WEIR_SOURCE_URI, .value = uri },
		.memory_bytes = memory_bytes,
		.is_repeated = is_repeated,
	};
}

static struct weir_supply *
open_supply(const struct weir_supply_config *c)
{
	struct weir_supply *s = NULL;
	struct weir_error err = { 0 };

	if (weir_supply_open(c, &s, &err))
		fprintf(stderr, "\n%s: %s\n", c->source.value, err.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	return s;
}

static const struct weir_frame *
next(struct weir_supply *s)
{
	if (s->at == s->n && weir_supply_refill(s) != WEIR_POLL_OK)
		return NULL;
	return &s->frames[s->at++];
}

/* The same packets, whether they fit into memory or not. */
static void
test_stream(void)
{
	const char *uri = "gen:imix?count=3000&v6=0.3&vlan=0.2&rate=1M";
	struct weir_supply_config in_memory = generator(uri, LARGE, false);
	struct weir_supply_config as_made = generator(uri, 1, false);
	struct weir_supply *a = open_supply(&in_memory), *b = open_supply(&as_made);
	unsigned n = 0, n_wrong = 0;

	CU_ASSERT_EQUAL(a->n_packets, 3000);
	CU_ASSERT_EQUAL(a->longest_bytes, 1518);
	CU_ASSERT_EQUAL(b->n_packets, 0);
	CU_ASSERT_EQUAL(b->longest_bytes, WEIR_FRAME_MAX_BYTES);
	CU_ASSERT_PTR_NULL(weir_supply_share(b));
	for (;; n++) {
		const struct weir_frame *f = next(a), *g = next(b);

		if (!f || !g) {
			CU_ASSERT(!f && !g);
			break;
		}
		n_wrong += f->len != g->len || f->cap != g->cap || f->time_ns != g->time_ns ||
			   memcmp(f->data, g->data, f->len) != 0;
	}
	CU_ASSERT_EQUAL(n, 3000);
	CU_ASSERT_EQUAL(n_wrong, 0);
	CU_ASSERT_EQUAL(weir_supply_refill(a), WEIR_POLL_END);
	weir_supply_close(a);
	weir_supply_close(b);
}

/* Again and again, a mean gap after the last packet; as many passes as one likes. */
static void
test_repeat(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct weir_supply_config c =
		    generator("gen:udp?count=300&rate=1M", i ? 1 : LARGE, true);
		struct weir_supply *s = open_supply(&c);
		unsigned n_wrong = 0;
		uint8_t first[64];
		int64_t start = 0;

		for (unsigned k = 0; k < 20000; k++) {
			const struct weir_frame *f = next(s);

			CU_ASSERT_PTR_NOT_NULL_FATAL(f);
			if (!k) {
				memcpy(first, f->data, sizeof(first));
				start = f->time_ns;
			}
			n_wrong += f->time_ns + s->shift_ns - start != (int64_t)k * 1000;
			n_wrong += k % 300 == 0 && memcmp(first, f->data, sizeof(first)) != 0;
		}
		CU_ASSERT_EQUAL(n_wrong, 0);
		weir_supply_close(s);
	}
}

static void
test_share(void)
{
	struct weir_supply_config c = generator("gen:udp?count=10", LARGE, false);
	struct weir_supply *a = open_supply(&c), *b;

	CU_ASSERT_PTR_NOT_NULL(next(a));
	CU_ASSERT_PTR_NOT_NULL(next(a));
	b = weir_supply_share(a);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (unsigned i = 0; i < 10; i++)
		CU_ASSERT_PTR_NOT_NULL(next(b));
	CU_ASSERT_PTR_NULL(next(b));
	CU_ASSERT_PTR_NOT_NULL(next(a));
	weir_supply_close(b);
	weir_supply_close(a);
}

static void
refuse(const struct weir_supply_config *c, enum weir_fail fail, const char *part)
{
	struct weir_supply *s = NULL;
	struct weir_error err = { 0 };

	CU_ASSERT_NOT_EQUAL(weir_supply_open(c, &s, &err), 0);
	CU_ASSERT_PTR_NULL(s);
	CU_ASSERT_EQUAL(err.fail, fail);
	if (!strstr(err.text, part))
		fprintf(stderr, "\nno '%s' in: %s\n", part, err.text);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, part));
}

static void
test_refuse(void)
{
	struct weir_supply_config c = generator("gen:udp?pace=1", LARGE, false);

	refuse(&c, WEIR_FAIL_USAGE, "--rate");
	c.source.value = "gen:udpp";
	refuse(&c, WEIR_FAIL_USAGE, "udp");
	c.source.value = "gen:text";
	refuse(&c, WEIR_FAIL_RUN, "packet 1 cannot be sent: it is no Ethernet frame");
	c.source.value = "gen:udp?size=65";
	c.has_signature = true;
	refuse(&c, WEIR_FAIL_RUN, "24 bytes");
	c.source.value = "gen:tcp?size=200";
	refuse(&c, WEIR_FAIL_RUN, "no UDP packet");
}

/* A capture of one packet of 60 bytes, of which 20 are there. */
static void
test_cut(void)
{
	static const uint32_t file[] = { 0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1, 7, 0, 20, 60 };
	char path[] = "/tmp/weir-supply-XXXXXX";
	int fd = mkstemp(path);
	uint8_t bytes[20];
	struct weir_supply_config c = { .source = { .flag = WEIR_SOURCE_FILE, .value = path },
		.memory_bytes = LARGE };
	const struct weir_frame *f;
	struct weir_supply *s;

	memset(bytes, 0x55, sizeof(bytes));
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(write(fd, file, sizeof(file)), (ssize_t)sizeof(file));
	CU_ASSERT_EQUAL_FATAL(write(fd, bytes, sizeof(bytes)), (ssize_t)sizeof(bytes));
	close(fd);
	s = open_supply(&c);
	f = next(s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(f->len, 60);
	CU_ASSERT_EQUAL(f->cap, 20);
	CU_ASSERT_EQUAL(f->time_ns, 7 * WEIR_NS_PER_S);
	CU_ASSERT_EQUAL(s->n_cut, 1);
	weir_supply_close(s);
	c.has_signature = true;
	refuse(&c, WEIR_FAIL_RUN, "cut");
	unlink(path);
}

/* No byte beyond the frame is looked at (the sanitizers' matter), whatever it holds. */
static void
test_place(void)
{
	struct weir_supply_config c =
	    generator("gen:udp?count=200&size=86&v6=0.5&vlan=0", LARGE, false);
	struct weir_supply *s = open_supply(&c);
	const struct weir_frame *f;
	unsigned n_good = 0;

	while ((f = next(s)))
		for (uint32_t len = 0; len <= f->len; len++) {
			uint8_t *p = malloc(len ? len : 1);
			uint16_t at = 0;

			CU_ASSERT_PTR_NOT_NULL_FATAL(p);
			memcpy(p, f->data, len);
			if (weir_supply_stamp_place(p, len, &at) == NULL) {
				n_good++;
				CU_ASSERT_EQUAL(len, f->len);
				CU_ASSERT(at == 14 + 20 + 6 || at == 14 + 40 + 6);
			}
			free(p);
		}
	CU_ASSERT_EQUAL(n_good, 200);
	weir_supply_close(s);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "in memory and as they are made: the same packets", test_stream },
		{ "pass after pass, a mean gap apart", test_repeat },
		{ "each sender begins at the first packet", test_share },
		{ "what cannot be sent, by its number", test_refuse },
		{ "a packet that its capture has cut", test_cut },
		{ "where a signature goes", test_place },
		CU_TEST_INFO_NULL,
	};

	return check_run("supply", tests);
}
