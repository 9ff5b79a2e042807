/* SPDX-License-Identifier: BSD-3-Clause */
/* What is left to the kernel, or dropped by a NIC: never a packet that a query would have kept. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include <CUnit/Basic.h>
#include <weir/decode/decode.h>
#include <weir/query/plan.h>

#include "check.h"
#include "filter_sample.h"
#include "nic.h"
#include "nic_rules.h"
#include "random.h"
#include "xdp_program.h"

#define BATCHES 24

struct parsed {
	char *copy;
	char *argv[64];
	struct weir_command_line line;
	struct weir_command command;
	struct weir_plan *plan;
	struct weir_error err;
};

/* words: arguments with '~' between them. */
static void
parse(struct parsed *p, const char *words)
{
	char *save = NULL;
	int argc = 1;

	memset(p, 0, sizeof(*p));
	p->copy = strdup(words);
	p->argv[0] = p->copy;
	for (char *w = strtok_r(p->copy, "~", &save); w; w = strtok_r(NULL, "~", &save))
		p->argv[argc++] = w;
	CU_ASSERT_EQUAL_FATAL(weir_options_parse(weir_flags, argc, p->argv, &p->line, &p->err), 0);
	CU_ASSERT_EQUAL_FATAL(weir_command_build(&p->line, &p->command, &p->err), 0);
	if (weir_plan_build(&p->command, false, &p->plan, &p->err))
		fprintf(stderr, "\n%s: %s\n", words, p->err.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p->plan);
}

static void
drop(struct parsed *p)
{
	weir_plan_destroy(p->plan);
	weir_command_fini(&p->command);
	weir_command_line_free(&p->line);
	free(p->copy);
}

static void
test_text(void)
{
	static const struct {
		const char *words, *rules;
	} cases[] = {
		{ "-i~x~--where~tcp", "protocol 6" },
		{ "-i~x~--where~udp", "protocol 17 136" },
		{ "-i~x~--where~tcp.dstport == 443", "protocol 6, dstport 443" },
		{ "-i~x~--where~dstport in {80, 443, 8000..8010}",
		    "protocol 6 17 33 132 136, dstport 80 443 8000..8010" },
		/* 0 is what has no port */
		{ "-i~x~--where~tcp && dstport < 1024", "protocol 6" },
		{ "-i~x~--where~udp && dstport > 0 && dstport < 1024",
		    "protocol 17 136, dstport 1..1023" },
		{ "-i~x~--where~ip.proto == 1", "protocol 1" },
		{ "-i~x~--where~1 == ip.proto", "protocol 1" },
		{ "-i~x~--where~ip.proto in {6, 17} && ip", "IPv4, protocol 6 17" },
		{ "-i~x~--where~ip.version == 6 && udp", "IPv6, protocol 17 136" },
		{ "-i~x~--where~ip.src == 10.0.0.1", "IPv4, ip.src 10.0.0.1/32" },
		{ "-i~x~--where~ip.src == 10.0.0.0/8 && ip.dst in 10.1.0.0/16",
		    "IPv4, ip.src 10.0.0.0/8, ip.dst 10.1.0.0/16" },
		{ "-i~x~--where~ip.src in {10.0.0.1, 2001:db8::/32}",
		    "ip.src 10.0.0.1/32 2001:db8::/32" },
		/* a range becomes the network around it */
		{ "-i~x~--where~ip.src in {10.0.0.1..10.0.0.6}", "IPv4, ip.src 10.0.0.0/29" },
		{ "-i~x~--where~ip.src in 10.0.0.0/8 && ip.src in 10.1.0.0/16",
		    "IPv4, ip.src 10.1.0.0/16" },
		{ "-i~x~--where~srcport == 53 || dstport == 53",
		    "protocol 6 17 33 132 136, srcport 53; protocol 6 17 33 132 136, dstport 53" },
		{ "-i~x~--where~(tcp || icmp) && ip.src in 10.0.0.0/8",
		    "IPv4, protocol 6, ip.src 10.0.0.0/8; IPv4, protocol 1 58, ip.src 10.0.0.0/8" },
		/* of what cannot be put so nothing is said */
		{ "-i~x~--where~tcp && frame.len > 100 && ip.ttl != 3 && !(dstport == 5)",
		    "protocol 6" },
		{ "-i~x~--where~tcp.flags.syn == 1", "protocol 6" },
		{ "-i~x~--where~dns.qry.type == 1 && dstport == 53",
		    "protocol 6 17 136, dstport 53" },
		{ "-i~x~--where~tcp~--map~z=frame.len~--where~z > 4 && dstport == 80",
		    "protocol 6, dstport 80" },
		{ "-i~x~--filter~tcp dst port 80 and src net 10.0.0.0/8",
		    "IPv4, protocol 6, ip.src 10.0.0.0/8, dstport 80" },
		{ "-i~x~--query~a~--where~udp~--query~b~--where~icmp",
		    "protocol 17 136; protocol 1 58" },
		{ "-i~x~--query~a~--where~udp~--agg~n=count()~--query~b~--from~a~--where~n > 5",
		    "protocol 17 136" },
		{ "-i~x~--where~tcp && udp", "" },
		{ "-i~x~--where~ip.src == 10.0.0.1 && ipv6", "" },
		{ "-i~x~--where~ip.proto == 300", NULL },
		{ "-i~x", NULL },
		{ "-r~x~--where~tcp", NULL },
		{ "-i~x~--where~arp", NULL },
		{ "-i~x~--where~eth.type == 2048", NULL },
		{ "-i~x~--where~!tcp", NULL },
		{ "-i~x~--where~tcp == 0", NULL },
		{ "-i~x~--where~tcp || frame.len > 5", NULL },
		{ "-i~x~--where~ip.src not in 10.0.0.0/8", NULL },
		{ "-i~x~--filter~not tcp", NULL },
		{ "-i~x~--filter~less 100", NULL },
		{ "-i~x~--where~tcp~--push~never", NULL },
		{ "-i~x~--where~tcp~--packets~5", NULL },
		{ "-i~x~--where~tcp~--decap~gre", NULL },
		{ "-i~x~--where~tcp~--agg~n=max(frame.number)", NULL },
		{ "-i~x~--query~a~--where~udp~--query~b~--agg~n=count()", NULL },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct weir_strbuf text = { 0 };
		struct parsed p;

		parse(&p, cases[i].words);
		if (p.plan->push)
			weir_port_rules_text(p.plan->push, &text);
		if (!p.plan->push != !cases[i].rules ||
		    (cases[i].rules && strcmp(text.p ? text.p : "", cases[i].rules) != 0)) {
			fprintf(stderr, "\n%s: %s (%s)\n", cases[i].words,
			    p.plan->push ? text.p : "everything", p.plan->push_why);
			CU_FAIL("other rules");
		}
		CU_ASSERT_EQUAL(!p.plan->push, p.plan->push_why[0] != '\0');
		weir_strbuf_free(&text);
		drop(&p);
	}
}

/* Values of which all conditions are made, and the packets, too. */
static const struct weir_filter_hints hints = {
	.n_ports = 4,
	.ports = { 53, 80, 443, 8000 },
	.n_protocols = 6,
	.protocols = { 6, 17, 1, 58, 132, 50 },
	.n_addresses = 3,
	.addresses = {
		{ .version = 4, .prefix = 32, .addr = { 0, 0x0a000001 } },
		{ .version = 4, .prefix = 16, .addr = { 0, 0x0a010000 } },
		{ .version = 6, .prefix = 32, .addr = { UINT64_C(0x20010db800000000), 0 } },
	},
};

static const char *const atoms[] = { "tcp", "udp", "icmp", "sctp", "ip", "ipv6", "arp", "vlan",
	"dns", "srcport == 53", "dstport == 80", "dstport in {53, 443}", "srcport in {8000..9000}",
	"dstport > 79 && dstport < 444", "tcp.srcport == 80", "udp.dstport != 53",
	"sctp.srcport > 0", "srcport == 0", "dstport < 100", "ip.proto == 50",
	"ip.proto in {1, 58}", "ip.proto > 16", "ip.version == 4", "ip.src == 10.0.0.1",
	"ip.dst in 10.1.0.0/16", "ip.src in {10.0.0.1, 10.1.0.0/16}", "ip.src != 10.0.0.1",
	"ip.dst == 2001:db8::/32", "ip.src not in 10.1.0.0/16", "frame.len > 60", "ip.ttl > 100",
	"tcp.flags.syn == 1", "payload.len > 3", "ip.flags.mf == 1" };
#define N_ATOMS (sizeof(atoms) / sizeof(atoms[0]))

static const char *const filters[] = { "tcp port 80", "udp and dst port 53", "host 10.0.0.1",
	"net 10.1.0.0/16 and not tcp", "src net 10.1.0.0/16 and udp", "ip6 and tcp", "ip proto 50",
	"tcp[tcpflags] & tcp-syn != 0", "port 53 or port 80", "sctp or icmp", "ip6 proto 0",
	"dst host 10.0.0.1 and portrange 50-90" };
#define N_FILTERS (sizeof(filters) / sizeof(filters[0]))

static void
compose(uint64_t *state, unsigned depth, struct weir_strbuf *out)
{
	uint64_t r = random_next(state);

	if (!depth || r % 4 == 0) {
		weir_strbuf_printf(
		    out, "%s(%s)", r / 4 % 8 == 0 ? "!" : "", atoms[r / 64 % N_ATOMS]);
		return;
	}
	weir_strbuf_puts(out, r / 4 % 8 == 0 ? "!(" : "(");
	compose(state, depth - 1, out);
	weir_strbuf_puts(out, r / 32 % 3 ? " && " : " || ");
	compose(state, depth - 1, out);
	weir_strbuf_puts(out, ")");
}

/* Patterns of a NIC, one set of ranges of ports and one of masks. */
struct patterns {
	struct weir_nic_pattern at[4 * WEIR_NIC_RULES];
	unsigned n;
};

struct judged {
	struct weir_xdp_program *program; /* or NULL */
	struct patterns *nic;
	unsigned n_kept, n_left, n_dropped, n_wrong;
};

/* Each way to say it. */
static bool
add_patterns(void *arg, const struct weir_nic_rule *r)
{
	struct patterns *p = arg;

	for (unsigned by_item = 0; by_item < 2; by_item++) {
		struct weir_nic_pattern *to = &p->at[p->n];

		if (!weir_nic_pattern_make(r, by_item, to))
			continue;
		CU_ASSERT_PTR_NULL(nic_refuses(to->items));
		p->n++;
	}
	return true;
}

static void
make_patterns(const struct weir_port_rules *rules, struct patterns *p)
{
	const uint64_t match =
	    WEIR_NIC_ETHERTYPES | WEIR_NIC_PROTOCOLS | WEIR_NIC_NETWORKS | WEIR_NIC_OUTERMOST;

	p->n = 0;
	weir_nic_each(rules, match | WEIR_NIC_RANGES, WEIR_NIC_RULES, add_patterns, p);
	weir_nic_each(rules, match | WEIR_NIC_MASKS, WEIR_NIC_RULES, add_patterns, p);
}

/* By any rule, of any NIC. */
static bool
is_dropped(const struct patterns *p, const uint8_t *data, uint32_t len)
{
	for (unsigned i = 0; i < p->n; i++)
		for (unsigned how = 0; how < N_NIC_MATCH; how++)
			if (nic_matches(p->at[i].items, how, data, len))
				return true;
	return false;
}

/* What the decoded row is to rules; false where they are not asked: the program has to take it. */
static bool
packet_of(const struct weir_batch *b, unsigned r, struct weir_port_packet *ret)
{
	const struct weir_addr *src = b->col[WEIR_FIELD_IP_SRC].data;
	const struct weir_addr *dst = b->col[WEIR_FIELD_IP_DST].data;

	if (!(b->layers[r] & WEIR_LAYER_IP))
		return false;
	ret->version = b->layers[r] & WEIR_LAYER_IP4 ? 4 : 6;
	ret->protocol = b->ip_proto[r];
	ret->has_ports = b->layers[r] & WEIR_LAYER_PORTS;
	ret->ports[WEIR_PORT_SRC] = ((const uint16_t *)b->col[WEIR_FIELD_SRCPORT].data)[r];
	ret->ports[WEIR_PORT_DST] = ((const uint16_t *)b->col[WEIR_FIELD_DSTPORT].data)[r];
	ret->addr[WEIR_PORT_SRC] = src[r];
	ret->addr[WEIR_PORT_DST] = dst[r];
	return true;
}

static void
judge(const char *words, const struct weir_port_rules *rules, const struct weir_batch *b,
    const uint64_t *kept, struct judged *j)
{
	for (unsigned r = 0; r < b->n; r++) {
		bool is_kept = weir_mask_test(kept, r), is_bad = false;
		struct weir_port_packet p;
		bool is_drop = is_dropped(j->nic, b->data[r], b->cap_len[r]);
		int taken = 1;

		if (is_kept && packet_of(b, r, &p) && !rules->wants_unusual)
			is_bad = !weir_port_rules_want(rules, &p);
		if (j->program && b->cap_len[r] >= 14)
			taken = weir_xdp_program_test(j->program, b->data[r], b->cap_len[r]);
		CU_ASSERT_TRUE(taken >= 0);
		is_bad |= is_kept && (taken != 1 || is_drop);
		j->n_dropped += is_drop;
		j->n_kept += is_kept;
		j->n_left += taken == 0;
		if (is_bad && !j->n_wrong++) {
			fprintf(stderr,
			    "\n%s: row %u is kept, and would not have been taken:", words, r);
			for (unsigned i = 0; i < b->cap_len[r] && i < 80; i++)
				fprintf(stderr, " %02x", b->data[r][i]);
			fprintf(stderr, "\n");
		}
	}
}

/* Run the plan's first query over made-up packets, and see which of them its rules would want. */
static void
compare(const char *words, uint64_t *state, struct judged *j)
{
	static struct weir_filter_sample samples[WEIR_ROWS];
	struct weir_field_set all = { 0 };
	struct weir_batch *b;
	struct weir_masks *masks = calloc(1, sizeof(*masks));
	struct weir_decode_counters counters = { 0 };
	struct parsed p;

	for (unsigned f = 0; f < WEIR_N_FIELDS; f++)
		weir_field_set_add(&all, f);
	parse(&p, words);
	if (!p.plan->push)
		goto out;
	make_patterns(p.plan->push, j->nic);
	if (j->program)
		CU_ASSERT_EQUAL_FATAL(weir_xdp_program_take(j->program, p.plan->push), 0);
	b = weir_batch_create(&all);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	weir_path_bind(p.plan->queries[0].path, b);
	for (unsigned i = 0; i < BATCHES; i++) {
		struct weir_rows rows;

		b->n = WEIR_ROWS;
		for (unsigned r = 0; r < WEIR_ROWS; r++) {
			weir_filter_sample_make(state, &hints, &samples[r]);
			b->data[r] = samples[r].bytes;
			b->cap_len[r] = samples[r].cap_len;
			b->wire_len[r] = samples[r].wire_len;
			b->link[r] = WEIR_LINK_ETHERNET;
			b->dlt[r] = DLT_EN10MB;
		}
		weir_decode_batch(b, &counters);
		masks->batch++;
		weir_path_run(p.plan->queries[0].path, b, masks, &rows);
		judge(words, p.plan->push, b, rows.sel, j);
	}
	weir_batch_destroy(b);
out:
	free(masks);
	drop(&p);
}

static struct weir_xdp_program *
load(void)
{
	struct weir_xdp_program *program = NULL;
	char why[256];

	if (weir_xdp_program_load(&program, why, sizeof(why))) {
		check_skip(why);
		return NULL;
	}
	return program;
}

static void
test_random_conditions(void)
{
	struct judged j = { .program = load(), .nic = calloc(1, sizeof(*j.nic)) };
	uint64_t state = 7;
	unsigned n_pushed = 0;

	for (unsigned i = 0; i < 100; i++) {
		struct weir_strbuf words = { 0 };
		unsigned before = j.n_kept + j.n_left;

		weir_strbuf_puts(&words, "-i~x~--where~");
		compose(&state, 4, &words);
		compare(words.p, &state, &j);
		n_pushed += j.n_kept + j.n_left > before;
		weir_strbuf_free(&words);
	}
	CU_ASSERT_EQUAL(j.n_wrong, 0);
	CU_ASSERT_TRUE(j.n_kept > 300);
	CU_ASSERT_TRUE(n_pushed > 15);
	CU_ASSERT_TRUE(!j.program || j.n_left > 3000);
	CU_ASSERT_TRUE(j.n_dropped > 3000);
	weir_xdp_program_destroy(j.program);
	free(j.nic);
}

static void
test_filters(void)
{
	struct judged j = { .program = load(), .nic = calloc(1, sizeof(*j.nic)) };
	uint64_t state = 11;

	for (unsigned i = 0; i < N_FILTERS; i++) {
		struct weir_strbuf words = { 0 };

		weir_strbuf_printf(&words, "-i~x~--filter~%s", filters[i]);
		compare(words.p, &state, &j);
		weir_strbuf_printf(&words, "~--where~%s", atoms[i]);
		compare(words.p, &state, &j);
		weir_strbuf_free(&words);
	}
	CU_ASSERT_EQUAL(j.n_wrong, 0);
	CU_ASSERT_TRUE(j.n_kept > 1000);
	CU_ASSERT_TRUE(!j.program || j.n_left > 1000);
	/* what libpcap alone can judge is never dropped, and no rule can say what that is */
	CU_ASSERT_EQUAL(j.n_dropped, 0);
	weir_xdp_program_destroy(j.program);
	free(j.nic);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "conditions become rules", test_text },
		{ "random conditions lose no packet", test_random_conditions },
		{ "filters lose no packet", test_filters },
		CU_TEST_INFO_NULL,
	};

	return check_run("push", tests);
}
