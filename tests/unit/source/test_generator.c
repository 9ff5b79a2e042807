/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>

#include "check.h"
#include "generator_attack.h"
#include "reading.h"

#define START_NS INT64_C(1767225600000000000)

static uint32_t
get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t
get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

/* Sum of big-endian words (RFC 1071), written apart from the generator's. */
static uint32_t
sum_words(uint32_t sum, const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* What a test needs to know of one frame; the checks of every frame are in dissect. */
struct frame {
	uint32_t type; /* EtherType behind the tag */
	uint16_t vlan;
	uint8_t proto;
	const uint8_t *ip;
	const uint8_t *l4;
	uint32_t l4_len;
	uint32_t address_len;
	const uint8_t *src;
	const uint8_t *dst;
};

static void
dissect(const uint8_t *p, uint32_t len, struct frame *f)
{
	uint32_t sum, off = 14;

	memset(f, 0, sizeof(*f));
	CU_ASSERT_FATAL(len >= 60);
	f->type = get16(p + 12);
	if (f->type == 0x8100) {
		f->vlan = (uint16_t)get16(p + 14);
		f->type = get16(p + 16);
		off = 18;
	}
	f->ip = p + off;
	if (f->type == 0x0806)
		return;
	if (f->type == 0x0800) {
		CU_ASSERT_EQUAL(f->ip[0], 0x45);
		CU_ASSERT_EQUAL(sum_words(0, f->ip, 20), 0xffff);
		f->proto = f->ip[9];
		f->l4 = f->ip + 20;
		f->l4_len = get16(f->ip + 2) - 20;
		f->address_len = 4;
		f->src = f->ip + 12;
	} else {
		CU_ASSERT_EQUAL_FATAL(f->type, 0x86dd);
		CU_ASSERT_EQUAL(f->ip[0], 0x60);
		f->proto = f->ip[6];
		f->l4 = f->ip + 40;
		f->l4_len = get16(f->ip + 4);
		f->address_len = 16;
		f->src = f->ip + 8;
	}
	f->dst = f->src + f->address_len;
	CU_ASSERT_FATAL(f->l4 + f->l4_len <= p + len);
	sum = f->proto == 1 ? 0 : sum_words(f->l4_len + f->proto, f->src, 2 * f->address_len);
	CU_ASSERT_EQUAL(sum_words(sum, f->l4, f->l4_len), 0xffff);
	if (f->proto == 17)
		CU_ASSERT_EQUAL(get16(f->l4 + 4), f->l4_len);
}

/* Call visit for each packet of uri. */
static void
each(const char *uri, void (*visit)(void *ctx, const struct weir_batch *b, uint32_t i), void *ctx)
{
	struct weir_batch *b = batch_for_views();
	struct weir_source *s;
	struct weir_error err;

	CU_ASSERT_EQUAL_FATAL(open_as(WEIR_SOURCE_URI, uri, &s, &err), 0);
	while (s->ops->poll(s, 0, b, WEIR_ROWS, 0) == WEIR_POLL_OK)
		for (uint32_t i = 0; i < b->n; i++)
			visit(ctx, b, i);
	weir_source_close(s);
	weir_batch_destroy(b);
}

static void
test_same_seed(void)
{
	static const char *const kinds[] = { "udp", "tcp", "imix", "mix", "text",
		"attack:syn_flood", "attack:loss", "attack:incast", "attack:flowlets" };
	struct seen a, b, c;
	char uri[128];

	for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		snprintf(uri, sizeof(uri), "gen:%s?count=3000&v6=0.3&vlan=0.3&seed=7", kinds[k]);
		CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_URI, uri, WEIR_ROWS, &a), 0);
		/* The size of bursts must not matter. */
		CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_URI, uri, 11, &b), 0);
		uri[strlen(uri) - 1] = '8';
		CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_URI, uri, WEIR_ROWS, &c), 0);
		CU_ASSERT_EQUAL(a.packets, 3000);
		CU_ASSERT_EQUAL(a.end, WEIR_POLL_END);
		CU_ASSERT_EQUAL(a.sum, b.sum);
		CU_ASSERT_NOT_EQUAL(a.sum, c.sum);
	}
}

/* Times are start + n / rate, rounded down. */
static void
test_times(void)
{
	struct seen r;

	CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_URI, "gen:udp?count=1000&rate=3", 7, &r), 0);
	CU_ASSERT_EQUAL(r.first_ns, START_NS);
	CU_ASSERT_EQUAL(r.last_ns, START_NS + INT64_C(333000000000));
	CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_URI, "gen:udp?count=5&rate=3", 7, &r), 0);
	CU_ASSERT_EQUAL(r.last_ns, START_NS + INT64_C(1333333333));
	CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_URI, "gen:udp?count=11&rate=1M", 7, &r), 0);
	CU_ASSERT_EQUAL(r.last_ns, START_NS + 10000);
}

static void
check_frame(void *ctx, const struct weir_batch *b, uint32_t i)
{
	struct frame f;

	CU_ASSERT_EQUAL(b->cap_len[i], b->wire_len[i]);
	CU_ASSERT_EQUAL(b->link[i], WEIR_LINK_ETHERNET);
	dissect(b->data[i], b->cap_len[i], &f);
}

static void
test_checksums(void)
{
	each("gen:udp?count=2000&v6=0.5&vlan=0.5", check_frame, NULL);
	each("gen:udp?count=500&v6=0.5&size=9216", check_frame, NULL);
	each("gen:udp?count=500&size=61", check_frame, NULL);
	each("gen:tcp?count=2000&v6=0.5&vlan=0.5&size=imix", check_frame, NULL);
	each("gen:imix?count=2000&v6=0.5&vlan=0.5", check_frame, NULL);
	each("gen:mix?count=20000", check_frame, NULL);
	each("gen:attack:sizes?count=20000&v6=0.5&vlan=0.5", check_frame, NULL);
	each("gen:attack:dns_reflect?count=20000&v6=0.5", check_frame, NULL);
}

struct records {
	unsigned n;
	unsigned n_upper; /* bytes that are none of a record's */
	uint32_t least;
	uint32_t most;
	uint64_t words; /* bits of a hash: few where words come again */
};

static void
check_record(void *ctx, const struct weir_batch *b, uint32_t i)
{
	struct records *r = ctx;
	uint32_t hash = 0;

	CU_ASSERT_EQUAL(b->link[i], WEIR_LINK_TEXT);
	CU_ASSERT_EQUAL(b->cap_len[i], b->wire_len[i]);
	for (uint32_t k = 0; k < b->cap_len[i]; k++) {
		uint8_t c = b->data[i][k];

		r->n_upper += !((c >= 'a' && c <= 'z') || c == ' ');
		hash = hash * 31 + c;
	}
	r->words |= UINT64_C(1) << hash % 64;
	r->least = r->n && r->least < b->cap_len[i] ? r->least : b->cap_len[i];
	r->most = r->most > b->cap_len[i] ? r->most : b->cap_len[i];
	r->n++;
}

static void
test_text(void)
{
	struct records words = { 0 }, lines = { 0 }, mixed = { 0 };

	each("gen:text?count=5000&flows=3", check_record, &words);
	CU_ASSERT_EQUAL(words.n, 5000);
	CU_ASSERT_EQUAL(words.n_upper, 0);
	CU_ASSERT(words.least >= 6 && words.most <= 7);
	CU_ASSERT(__builtin_popcountll(words.words) <= 3 && words.words);
	each("gen:text?count=500&size=41", check_record, &lines);
	CU_ASSERT_EQUAL(lines.n_upper, 0);
	CU_ASSERT_EQUAL(lines.least, 41);
	CU_ASSERT_EQUAL(lines.most, 41);
	each("gen:text?count=500&size=imix", check_record, &mixed);
	CU_ASSERT_EQUAL(mixed.least, 64);
	CU_ASSERT_EQUAL(mixed.most, 1518);
}

struct depths {
	unsigned n[256];
};

static void
count_depth(void *ctx, const struct weir_batch *b, uint32_t i)
{
	struct depths *d = ctx;

	(void)i;
	CU_ASSERT_FATAL(b->queue_depth >= 0 && b->queue_depth < 256);
	d->n[b->queue_depth]++;
}

/* The depth is a burst's, yet each packet has its own. */
static void
test_queue_depth(void)
{
	struct depths d = { { 0 } };

	each("gen:attack:incast?count=20000&rate=10k", count_depth, &d);
	CU_ASSERT_EQUAL(d.n[150], 2 * (64 + 45));
	CU_ASSERT_EQUAL(d.n[80], 2 * 60);
	CU_ASSERT_EQUAL(d.n[3], 20000 - 2 * (64 + 45 + 60));
}

#define MAX_FLOWS 256u

struct flows {
	unsigned n;
	struct {
		uint8_t key[40];
		uint64_t packets;
	} at[MAX_FLOWS];
	uint64_t v6;
	uint64_t tagged;
	uint64_t packets;
	uint64_t sizes[3];
};

static void
count_flow(void *ctx, const struct weir_batch *b, uint32_t i)
{
	struct flows *t = ctx;
	uint8_t key[40] = { 0 };
	struct frame f;
	unsigned k;

	dissect(b->data[i], b->cap_len[i], &f);
	t->packets++;
	t->v6 += f.type == 0x86dd;
	t->tagged += f.vlan != 0;
	t->sizes[0] += b->wire_len[i] == 64;
	t->sizes[1] += b->wire_len[i] == 594;
	t->sizes[2] += b->wire_len[i] == 1518;
	memcpy(key, f.src, 2 * f.address_len);
	memcpy(key + 32, f.l4, 4);
	key[36] = f.proto;
	for (k = 0; k < t->n && memcmp(t->at[k].key, key, sizeof(key)) != 0; k++)
		;
	CU_ASSERT_FATAL(k < MAX_FLOWS);
	if (k == t->n) {
		memcpy(t->at[k].key, key, sizeof(key));
		t->n++;
	}
	t->at[k].packets++;
}

static int
by_packets(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

static void
test_flows(void)
{
	static struct flows t;

	memset(&t, 0, sizeof(t));
	each("gen:udp?count=20000&flows=100&v6=0.3&vlan=0.4", count_flow, &t);
	CU_ASSERT_EQUAL(t.n, 100);
	CU_ASSERT(t.v6 > t.packets / 6 && t.v6 < t.packets / 2);
	CU_ASSERT(t.tagged > t.packets / 4 && t.tagged < t.packets / 5 * 3);
	for (unsigned i = 0; i < t.n; i++)
		CU_ASSERT(t.at[i].packets > 120 && t.at[i].packets < 280); /* 200 on average */
	memset(&t, 0, sizeof(t));
	each("gen:tcp?count=20000&flows=1", count_flow, &t);
	CU_ASSERT_EQUAL(t.n, 1);
	CU_ASSERT_EQUAL(t.v6, 0);
	CU_ASSERT_EQUAL(t.tagged, 0);
}

/* The share of rank r is r^-s / sum. */
static void
test_zipf(void)
{
	static struct flows t;
	uint64_t sorted[100];
	double sum = 0, expected;

	memset(&t, 0, sizeof(t));
	each("gen:udp?count=200000&flows=100&dist=zipf:1.2", count_flow, &t);
	CU_ASSERT_EQUAL_FATAL(t.n, 100);
	for (unsigned i = 0; i < 100; i++) {
		sorted[i] = t.at[i].packets;
		sum += pow(i + 1, -1.2);
	}
	qsort(sorted, 100, sizeof(sorted[0]), by_packets);
	for (unsigned i = 0; i < 20; i++) {
		expected = 200000 * pow(i + 1, -1.2) / sum;
		CU_ASSERT(fabs((double)sorted[i] - expected) < 5 * sqrt(expected) + 20);
	}
}

static void
test_imix_sizes(void)
{
	static struct flows t;

	memset(&t, 0, sizeof(t));
	each("gen:udp?count=12000&flows=100&size=imix", count_flow, &t);
	CU_ASSERT_EQUAL(t.sizes[0] + t.sizes[1] + t.sizes[2], 12000);
	CU_ASSERT(t.sizes[0] > 6750 && t.sizes[0] < 7250);
	CU_ASSERT(t.sizes[1] > 3800 && t.sizes[1] < 4200);
	CU_ASSERT(t.sizes[2] > 880 && t.sizes[2] < 1120);
}

struct connection {
	bool is_open;
	uint32_t next;
	unsigned n_syn;
	unsigned n_data;
	unsigned n_fin;
};

static void
follow(void *ctx, const struct weir_batch *b, uint32_t i)
{
	struct connection *c = ctx;
	struct frame f;
	uint32_t len, seq, flags;

	dissect(b->data[i], b->cap_len[i], &f);
	len = f.l4_len - (f.l4[12] >> 4) * 4u;
	seq = get32(f.l4 + 4);
	flags = f.l4[13];
	if (flags == 0x02) {
		CU_ASSERT_FALSE(c->is_open);
		CU_ASSERT_EQUAL(len, 0);
		c->is_open = true;
		c->n_syn++;
		c->next = seq + 1;
		return;
	}
	CU_ASSERT(c->is_open);
	CU_ASSERT_EQUAL(seq, c->next);
	CU_ASSERT_EQUAL(flags & 0x10, 0x10);
	c->next += len;
	if (flags & 1) {
		c->n_fin++;
		c->is_open = false;
	} else {
		CU_ASSERT(len > 0);
		c->n_data++;
	}
}

static void
test_tcp_sequence(void)
{
	struct connection c = { 0 };

	each("gen:tcp?count=5000&flows=1&size=200", follow, &c);
	CU_ASSERT(c.n_syn > 50);
	CU_ASSERT(c.n_fin == c.n_syn || c.n_fin == c.n_syn - 1);
	CU_ASSERT_EQUAL(c.n_syn + c.n_data + c.n_fin, 5000);
}

/* One conversation at a time: each end acknowledges what the other has sent. */
struct dialogue {
	uint32_t next[2];
	uint8_t client[16];
	unsigned kinds[256];
	unsigned n_arp;
	unsigned n_dns_queries;
	unsigned n_dns_answers;
	unsigned n_v6;
	unsigned n_tagged;
};

static void
listen_in(void *ctx, const struct weir_batch *b, uint32_t i)
{
	struct dialogue *d = ctx;
	unsigned from;
	struct frame f;
	uint32_t flags;

	dissect(b->data[i], b->cap_len[i], &f);
	d->n_v6 += f.type == 0x86dd;
	d->n_tagged += f.vlan != 0;
	if (f.type == 0x0806) {
		d->n_arp++;
		return;
	}
	d->kinds[f.proto]++;
	if (f.proto == 17 && get16(f.l4 + 2) == 53)
		d->n_dns_queries++;
	if (f.proto == 17 && get16(f.l4) == 53) {
		d->n_dns_answers++;
		CU_ASSERT_EQUAL(get16(f.l4 + 8 + 2) & 0x8000, 0x8000);
	}
	if (f.proto != 6)
		return;
	flags = f.l4[13];
	if (flags == 0x02)
		memcpy(d->client, f.src, f.address_len);
	from = memcmp(d->client, f.src, f.address_len) != 0;
	if (!(flags & 0x02))
		CU_ASSERT_EQUAL(get32(f.l4 + 4), d->next[from]);
	if (flags & 0x10)
		CU_ASSERT_EQUAL(get32(f.l4 + 8), d->next[!from]);
	d->next[from] =
	    get32(f.l4 + 4) + f.l4_len - (f.l4[12] >> 4) * 4u + ((flags & 0x03) ? 1 : 0);
}

static void
test_mix(void)
{
	struct dialogue d = { 0 };

	each("gen:mix?count=50000&flows=1", listen_in, &d);
	CU_ASSERT(d.kinds[6] > 20000);
	CU_ASSERT(d.kinds[17] > 3000);
	CU_ASSERT(d.kinds[1] > 100);
	CU_ASSERT(d.kinds[58] > 50);
	CU_ASSERT(d.n_arp > 50);
	CU_ASSERT(d.n_dns_queries > 500);
	CU_ASSERT(d.n_dns_queries - d.n_dns_answers <= 1);
	CU_ASSERT(d.n_v6 > 5000 && d.n_v6 < 20000);
	CU_ASSERT(d.n_tagged > 500);
}

/* Each row of the table is whole, and each attack can be had. */
static void
test_attack_table(void)
{
	char uri[128];
	struct seen r;

	for (const struct weir_gen_attack *a = weir_gen_attacks; a->name; a++) {
		CU_ASSERT_PTR_NOT_NULL(a->doc);
		CU_ASSERT_PTR_NOT_NULL(strstr(a->query, "--query "));
		CU_ASSERT_PTR_NOT_NULL(a->values[0].column);
		CU_ASSERT((a->n != 0) != (a->percent != 0));
		CU_ASSERT(a->n * (a->has_copies ? 2 : 1) <= WEIR_GEN_ATTACK_LEAST);
		snprintf(uri, sizeof(uri), "gen:attack:%s?rate=1k&count=2500", a->name);
		CU_ASSERT_EQUAL(read_source(WEIR_SOURCE_URI, uri, WEIR_ROWS, &r), 0);
		CU_ASSERT_EQUAL(r.packets, 2500);
		CU_ASSERT_EQUAL(r.first_ns, START_NS);
		CU_ASSERT_EQUAL(r.last_ns, START_NS + INT64_C(2499000000));
		CU_ASSERT_EQUAL(r.min_ns, r.first_ns);
		CU_ASSERT_EQUAL(r.max_ns, r.last_ns);
	}
}

static void
test_attack_refusals(void)
{
	static const struct {
		const char *uri;
		const char *part;
	} wrong[] = {
		{ "gen:attack:syn_flod", "attack:syn_flood" },
		{ "gen:attack", "attack:new_tcp" },
		{ "gen:syn_flood", "attack:syn_flood" },
		{ "gen:udp:x", "kind udp" },
		{ "gen:attack:ddos?rate=999", "1000" },
		{ "gen:attack:ddos?count=999", "1000" },
		{ "gen:attack:timeouts?rate=5k&count=4999", "5000" },
		{ "gen:attack:microburst?rate=1M", "40000" },
		{ "gen:text?flows=1M", "100000" },
	};
	struct weir_source *s;
	struct weir_error err;

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CU_ASSERT_FATAL(open_as(WEIR_SOURCE_URI, wrong[i].uri, &s, &err) != 0);
		CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, wrong[i].part));
	}
}

static void
test_pace(void)
{
	struct weir_batch *b = batch_for_views();
	struct weir_source *s;
	struct weir_error err;
	int64_t t = WEIR_NS_PER_S;

	CU_ASSERT_EQUAL_FATAL(
	    open_as(WEIR_SOURCE_URI, "gen:udp?rate=1k&count=10&pace=1", &s, &err), 0);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, t), WEIR_POLL_OK);
	CU_ASSERT_EQUAL(b->n, 1);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, t + 999999), WEIR_POLL_OK);
	CU_ASSERT_EQUAL(b->n, 0);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, t + 3000000), WEIR_POLL_OK);
	CU_ASSERT_EQUAL(b->n, 3);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, 0), WEIR_POLL_OK); /* set back */
	CU_ASSERT_EQUAL(b->n, 0);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, 100 * t), WEIR_POLL_OK);
	CU_ASSERT_EQUAL(b->n, 6);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, 100 * t), WEIR_POLL_END);
	weir_source_close(s);
	weir_batch_destroy(b);
}

static void
test_endless(void)
{
	struct weir_source *s;
	struct weir_error err;
	struct seen r;

	CU_ASSERT_EQUAL_FATAL(open_as(WEIR_SOURCE_URI, "gen:imix?count=0", &s, &err), 0);
	read_all(s, WEIR_ROWS, 100000, &r);
	CU_ASSERT_EQUAL(r.end, WEIR_POLL_OK);
	weir_source_close(s);
}

static void
test_errors(void)
{
	static const struct {
		const char *uri;
		const char *part;
	} wrong[] = {
		{ "gen:upd", "unknown kind 'upd' (try 'udp')" },
		{ "gen:", "unknown kind ''" },
		{ "gne:udp", "unknown kind of source 'gne' (try 'gen:...')" },
		{ "nonsense", "unknown kind of source 'nonsense' (try 'gen:...')" },
		{ "gen:udp?raet=1", "unknown option 'raet' (try 'rate')" },
		{ "gen:udp?rate=0", "rate: '0' is out of range" },
		{ "gen:udp?rate=fast", "rate: 'fast'" },
		{ "gen:udp?flows=0", "flows: '0' is out of range" },
		{ "gen:udp?flows=99M", "flows: '99M' is out of range" },
		{ "gen:udp?size=59", "size: '59' is out of range" },
		{ "gen:udp?size=imx", "size: 'imx' is neither" },
		{ "gen:udp?dist=zip:1", "dist: unknown distribution 'zip' (try 'zipf:1.1')" },
		{ "gen:udp?dist=uniforn", "(try 'uniform')" },
		{ "gen:udp?dist=zipf", "needs an exponent" },
		{ "gen:udp?dist=zipf:-1", "needs an exponent" },
		{ "gen:udp?v6=2", "v6: '2' is no share" },
		{ "gen:udp?vlan=x", "vlan: 'x'" },
		{ "gen:udp?seed=-1", "seed: '-1'" },
		{ "gen:udp?pace=2", "pace: '2' is neither 0 nor 1" },
		{ "gen:udp?rate", "rate: needs a value" },
		{ "gen:mix?size=64", "size: kind mix draws its own" },
	};
	struct weir_source *s = NULL;
	struct weir_error err;

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CU_ASSERT(open_as(WEIR_SOURCE_URI, wrong[i].uri, &s, &err) < 0);
		CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, wrong[i].part));
		CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "--source '"));
		if (!strstr(err.text, wrong[i].part))
			printf("\n  '%s' lacks '%s'\n", err.text, wrong[i].part);
	}
	CU_ASSERT_PTR_NULL(s);
}

/* The list for help and the kinds themselves say the same. */
static void
test_docs(void)
{
	static const struct weir_source_kind *const kinds[] = {
		&weir_source_kind_file,
		&weir_source_kind_generator,
		&weir_source_kind_lines,
		&weir_source_kind_port,
		&weir_source_kind_interface,
	};
	unsigned n = 0;

	for (const struct weir_source_doc *d = weir_source_docs; d->name; d++, n++) {
		CU_ASSERT_FATAL(n < sizeof(kinds) / sizeof(kinds[0]));
		CU_ASSERT_STRING_EQUAL(d->name, kinds[n]->name);
		CU_ASSERT_STRING_EQUAL(d->doc, kinds[n]->doc);
	}
	CU_ASSERT_EQUAL(n, sizeof(kinds) / sizeof(kinds[0]));
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "the same seed gives the same packets", test_same_seed },
		{ "times by rate", test_times },
		{ "valid lengths and checksums", test_checksums },
		{ "as many flows as wanted, all different", test_flows },
		{ "Zipf's law", test_zipf },
		{ "IMIX sizes", test_imix_sizes },
		{ "sequence numbers of one direction", test_tcp_sequence },
		{ "conversations of kind mix", test_mix },
		{ "pace", test_pace },
		{ "text is of words", test_text },
		{ "each packet has its depth of queue", test_queue_depth },
		{ "all attacks can be had", test_attack_table },
		{ "wrong attacks are refused", test_attack_refusals },
		{ "without end", test_endless },
		{ "wrong options", test_errors },
		{ "every kind is documented", test_docs },
		CU_TEST_INFO_NULL,
	};

	return check_run("source: generator", tests);
}
