/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdlib.h>

#include "check.h"
#include "net.h"
#include "random.h"
#include "xdp_program.h"

#include <weir/port/guest.h>

/* What is put aside for the wire on a port that others poll. */

#define PAYLOAD 60u
#define FRAMES  6u /* of one version: see make_all */
#define MOST    256u

struct frame {
	uint8_t p[MOST];
	uint32_t len;
};

static const char *const texts[2][2] = { { "192.0.2.2", "192.0.2.1" },
	{ "2001:db8::2", "2001:db8::1" } };

/* The wire, or its peer. */
static struct net_host
host(unsigned version, unsigned which)
{
	struct weir_wire_address a = { .version = (uint8_t)version };
	struct net_host h = { .version = (uint8_t)version,
		.prefix_len = version == 4 ? 24 : 64,
		.udp_port = 5748,
		.mac = { 2, 0, 0, 0, 0, (uint8_t)(2 - which) } };
	unsigned v;

	CU_ASSERT_EQUAL(weir_ip_parse(texts[version == 6][which], &a.addr, &v), 0);
	weir_net_addr(&a, &h.ip);
	return h;
}

static struct weir_port_guest *
guest(const struct net_host *h, bool has_ring)
{
	struct weir_port_guest_spec spec = { .version = h->version, .udp_port = h->udp_port };
	struct weir_port_guest *g;

	memcpy(spec.ip, h->ip.b, sizeof(spec.ip));
	g = weir_port_guest_create(&spec, h->mac, has_ring);
	CU_ASSERT_PTR_NOT_NULL_FATAL(g);
	return g;
}

/* The internet checksum of ICMP over IPv4 alone. */
static void
put_sum(uint8_t *p, uint32_t len, uint8_t *at)
{
	uint32_t sum = 0;

	at[0] = at[1] = 0;
	for (uint32_t i = 0; i < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | (i + 1 < len ? p[i + 1] : 0));
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	at[0] = (uint8_t)(sum >> 8);
	at[1] = (uint8_t)sum;
}

/* Such a frame of another protocol: its header is UDP's, and then made over. */
static void
make_ping(const struct net_host *from, const struct net_route *to, struct frame *f)
{
	uint32_t head = weir_net_head_bytes(from) - 8;

	weir_net_wrap(from, to, 7, f->p, PAYLOAD);
	f->len = head + 8 + PAYLOAD;
	memset(f->p + head, 0, 8);
	if (from->version == 4) {
		f->p[14 + 9] = 1;
		put_sum(f->p + 14, 20, f->p + 14 + 10);
		f->p[head] = 8;
		put_sum(f->p + head, 8 + PAYLOAD, f->p + head + 2);
		return;
	}
	f->p[14 + 6] = 58;
	f->p[head] = 128;
	/* its pseudo-header in front of it, for as long as it takes to sum up */
	{
		uint8_t whole[40 + 8 + PAYLOAD] = { 0 };

		memcpy(whole, f->p + 14 + 8, 32);
		whole[35] = 8 + PAYLOAD;
		whole[39] = 58;
		memcpy(whole + 40, f->p + head, 8 + PAYLOAD);
		put_sum(whole, sizeof(whole), whole + 42);
		memcpy(f->p + head + 2, whole + 42, 2);
	}
}

/* A frame, a ping, a question for our address, the same to us alone, an answer to ours, an echo. */
static void
make_all(const struct net_host *us, const struct net_host *them, struct frame *f)
{
	struct net_route to = { .ip = us->ip, .udp_port = us->udp_port };
	struct net_seen seen;
	uint8_t ours[NET_ASK_BYTES];
	uint32_t len;

	memset(f, 0, FRAMES * sizeof(*f));
	memcpy(to.mac, us->mac, 6);
	for (unsigned i = 0; i < FRAMES; i++)
		for (unsigned k = 0; k < MOST; k++)
			f[i].p[k] = (uint8_t)(k * 7);
	weir_net_wrap(them, &to, 50000, f[0].p, PAYLOAD);
	f[0].len = weir_net_head_bytes(them) + PAYLOAD;
	make_ping(them, &to, &f[1]);
	f[2].len = weir_net_ask(them, &us->ip, NULL, f[2].p);
	f[3].len = weir_net_ask(them, &us->ip, us->mac, f[3].p);
	len = weir_net_ask(us, &them->ip, NULL, ours);
	weir_net_see(them, ours, len, &seen);
	f[4].len = weir_net_answer(them, ours, &seen, f[4].p, MOST);
	to.udp_port = us->udp_port;
	weir_net_wrap(them, &to, 1, f[5].p, 0);
	f[5].len = weir_net_head_bytes(them);
}

/* In memory that ends where the frame does. */
static bool
wants(const struct weir_port_guest *g, const uint8_t *p, uint32_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	bool is_wanted;

	memcpy(copy, p, len);
	is_wanted = weir_port_guest_wants(g, copy, len);
	free(copy);
	return is_wanted;
}

static bool
is_taken(const struct net_host *h, const uint8_t *p, uint32_t len)
{
	struct net_seen seen;

	weir_net_see(h, p, len, &seen);
	return seen.kind != NET_IGNORED && seen.kind != NET_BAD;
}

static void
test_own(void)
{
	for (unsigned version = 4; version <= 6; version += 2) {
		struct net_host us = host(version, 0), them = host(version, 1);
		struct weir_port_guest *g = guest(&us, false), *theirs = guest(&them, false);
		struct frame f[FRAMES];

		make_all(&us, &them, f);
		for (unsigned i = 0; i < FRAMES; i++) {
			CU_ASSERT_TRUE(is_taken(&us, f[i].p, f[i].len));
			CU_ASSERT_TRUE(wants(g, f[i].p, f[i].len));
			/* whoever has sent it hears it, on some ports */
			CU_ASSERT_TRUE(wants(theirs, f[i].p, f[i].len));
		}
		weir_port_guest_destroy(g);
		weir_port_guest_destroy(theirs);
	}
}

/* The frame with so many bytes changed. */
static bool
wants_changed(const struct weir_port_guest *g, const struct frame *f, uint32_t at, const void *with,
    uint32_t n)
{
	struct frame other = *f;

	memcpy(other.p + at, with, n);
	return wants(g, other.p, other.len);
}

static void
test_others(void)
{
	for (unsigned version = 4; version <= 6; version += 2) {
		struct net_host us = host(version, 0), them = host(version, 1);
		struct weir_port_guest *g = guest(&us, false);
		uint32_t ip = 14, l4 = weir_net_head_bytes(&us) - 8;
		uint32_t dst = ip + (version == 4 ? 16 : 24), proto = ip + (version == 4 ? 9 : 6);
		struct frame f[FRAMES], tagged = { .len = 0 };

		make_all(&us, &them, f);
		CU_ASSERT_TRUE(wants(g, f[0].p, f[0].len));
		/* another port, protocol, address, link address, version */
		CU_ASSERT_FALSE(wants_changed(g, &f[0], l4 + 2, "\x16\x75", 2));
		CU_ASSERT_FALSE(wants_changed(g, &f[0], proto, "\6", 1));
		CU_ASSERT_FALSE(wants_changed(g, &f[0], dst, "\1", 1));
		CU_ASSERT_FALSE(wants_changed(g, &f[0], 5, "\x63", 1));
		CU_ASSERT_FALSE(wants_changed(g, &f[0], 0, "\xff\xff\xff\xff\xff\xff", 6));
		CU_ASSERT_FALSE(wants_changed(g, &f[0], ip, "\x50", 1));
		/* answers to pings, and what is no echo */
		CU_ASSERT_FALSE(wants_changed(g, &f[1], l4, version == 4 ? "\0" : "\x81", 1));
		CU_ASSERT_FALSE(wants_changed(g, &f[1], l4, "\3", 1));
		CU_ASSERT_FALSE(wants_changed(g, &f[1], l4 + 1, "\1", 1));
		/* who asks for another address */
		CU_ASSERT_FALSE(wants_changed(g, &f[2], version == 4 ? ip + 24 : l4 + 8, "\1", 1));
		/* a tag in front */
		memcpy(tagged.p, f[0].p, 12);
		memcpy(tagged.p + 12, "\x81\0\0\5", 4);
		memcpy(tagged.p + 16, f[0].p + 12, f[0].len - 12);
		CU_ASSERT_FALSE(wants(g, tagged.p, f[0].len + 4));
		if (version == 4) {
			/* options are fine; a first fragment, a later one, a header too short */
			CU_ASSERT_FALSE(wants_changed(g, &f[0], ip + 6, "\x20\0", 2));
			CU_ASSERT_FALSE(wants_changed(g, &f[0], ip + 6, "\0\1", 2));
			CU_ASSERT_FALSE(wants_changed(g, &f[0], ip, "\x44", 1));
			/* of another hardware, protocol or length */
			for (uint32_t k = 0; k < 6; k++)
				CU_ASSERT_FALSE(wants_changed(g, &f[2], 14 + k, "\x7", 1));
		} else {
			/* any extension, fragments' among them */
			CU_ASSERT_FALSE(wants_changed(g, &f[0], proto, "\x2c", 1));
			CU_ASSERT_FALSE(wants_changed(g, &f[0], proto, "\0", 1));
		}
		/* of the other version */
		{
			struct net_host other = host(version == 4 ? 6 : 4, 0);
			struct weir_port_guest *o = guest(&other, false);

			for (unsigned i = 0; i < FRAMES; i++)
				CU_ASSERT_FALSE(wants(o, f[i].p, f[i].len));
			weir_port_guest_destroy(o);
		}
		weir_port_guest_destroy(g);
	}
}

/* Cut anywhere: nothing beyond is read, and what the headers would have said is not guessed. */
static void
test_short(void)
{
	for (unsigned version = 4; version <= 6; version += 2) {
		struct net_host us = host(version, 0), them = host(version, 1);
		struct weir_port_guest *g = guest(&us, false);
		struct frame f[FRAMES];

		make_all(&us, &them, f);
		for (unsigned i = 0; i < FRAMES; i++)
			for (uint32_t len = 0; len < f[i].len; len++) {
				bool is_wanted = wants(g, f[i].p, len);

				CU_ASSERT_FALSE(is_wanted && len < 14 + 20 + 8);
				CU_ASSERT_FALSE(is_wanted && version == 6 && len < 14 + 40 + 8);
				CU_ASSERT_TRUE(is_wanted || !is_taken(&us, f[i].p, len));
			}
		weir_port_guest_destroy(g);
	}
}

/* Whatever the wire itself would take is put aside, however odd it is. */
static void
test_damaged(void)
{
	uint64_t state = 11;

	for (unsigned version = 4; version <= 6; version += 2) {
		struct net_host us = host(version, 0), them = host(version, 1);
		struct weir_port_guest *g = guest(&us, false);
		unsigned n_taken = 0, n_wanted = 0, n_missed = 0;
		struct frame f[FRAMES];

		make_all(&us, &them, f);
		for (unsigned i = 0; i < 200000; i++) {
			struct frame x = f[random_next(&state) % FRAMES];
			unsigned n = (unsigned)(random_next(&state) % 3);
			bool is_wanted, is_right;

			for (unsigned k = 0; k < n; k++)
				x.p[random_next(&state) % 90] ^=
				    (uint8_t)(1u << random_next(&state) % 8);
			if (random_next(&state) % 4 == 0)
				x.len = (uint32_t)(random_next(&state) % (x.len + 1));
			is_wanted = wants(g, x.p, x.len);
			is_right = is_taken(&us, x.p, x.len);
			n_wanted += is_wanted;
			n_taken += is_right;
			n_missed += is_right && !is_wanted;
		}
		CU_ASSERT_EQUAL(n_missed, 0);
		CU_ASSERT_TRUE(n_taken > 50000);
		CU_ASSERT_TRUE(n_wanted < 170000);
		weir_port_guest_destroy(g);
	}
}

static unsigned n_wakes;

static void
wake(void *arg)
{
	CU_ASSERT_PTR_EQUAL(arg, &n_wakes);
	n_wakes++;
}

/* Others keep their order; what finds the ring full is dropped; all are counted. */
static void
test_ring(void)
{
	static struct rte_mbuf mbufs[256];
	struct net_host us = host(4, 0), them = host(4, 1);
	struct weir_port_guest *g = guest(&us, true);
	struct weir_port_guest_stats s;
	struct frame f[FRAMES], other;
	struct rte_mbuf *burst[256];
	unsigned n_handed = 0, n_left = 0, n_dropped = 0;
	uint64_t state = 5;

	make_all(&us, &them, f);
	other = f[0];
	other.p[14 + 19] = 77;
	g->wake = wake;
	g->wake_arg = &n_wakes;
	n_wakes = 0;
	for (unsigned round = 0; round < 12; round++) {
		unsigned order[256], n_others = 0, left;

		for (unsigned i = 0; i < 256; i++) {
			bool is_own = random_next(&state) % 2;
			struct frame *from = is_own ? &f[i % FRAMES] : &other;

			/* somebody else has it as well: nothing goes back to a pool */
			mbufs[i] = (struct rte_mbuf){ .buf_addr = from->p,
				.data_len = (uint16_t)from->len,
				.pkt_len = from->len,
				.nb_segs = 1,
				.refcnt = 2 };
			burst[i] = &mbufs[i];
			n_handed += is_own;
			if (!is_own)
				order[n_others++] = i;
		}
		left = weir_port_guest_part(g, burst, 256);
		CU_ASSERT_EQUAL(left, n_others);
		for (unsigned i = 0; i < left; i++)
			CU_ASSERT_PTR_EQUAL(burst[i], &mbufs[order[i]]);
		for (unsigned i = 0; i < 256; i++)
			n_dropped += rte_mbuf_refcnt_read(&mbufs[i]) == 1;
	}
	weir_port_guest_stats(g, &s);
	CU_ASSERT_EQUAL(n_wakes, 12);
	CU_ASSERT_EQUAL(s.packets, n_handed);
	CU_ASSERT_EQUAL(s.full, n_handed - (WEIR_PORT_GUEST_RING - 1));
	CU_ASSERT_EQUAL(s.full, n_dropped);
	CU_ASSERT_EQUAL(rte_ring_count(g->ring), WEIR_PORT_GUEST_RING - 1);
	/* and where the wire polls by itself */
	for (unsigned i = 0; i < 64; i++) {
		struct frame *from = i % 4 ? &other : &f[0];

		mbufs[i] = (struct rte_mbuf){ .buf_addr = from->p,
			.data_len = (uint16_t)from->len,
			.pkt_len = from->len,
			.nb_segs = 1,
			.refcnt = 2 };
		burst[i] = &mbufs[i];
	}
	n_left = weir_port_guest_keep(g, burst, 64);
	CU_ASSERT_EQUAL(n_left, 16);
	weir_port_guest_stats(g, &s);
	CU_ASSERT_EQUAL(s.unattended, 48);
	CU_ASSERT_EQUAL(s.packets, n_handed + 16);
	for (void *m; rte_ring_sc_dequeue(g->ring, &m) == 0;)
		;
	weir_port_guest_destroy(g);
}

/* The kernel's program takes the wire's packets beside those of a query, and leaves the others. */
static void
test_rules(void)
{
	struct weir_xdp_program *program = NULL;
	static struct weir_port_rules rules;
	char why[256];

	if (weir_xdp_program_load(&program, why, sizeof(why))) {
		check_skip(why);
		return;
	}
	for (unsigned version = 4; version <= 6; version += 2) {
		struct net_host us = host(version, 0), them = host(version, 1);
		struct weir_port_guest_spec spec = { .version = (uint8_t)version,
			.udp_port = us.udp_port };
		uint32_t l4 = weir_net_head_bytes(&us) - 8;
		struct frame f[FRAMES], back[FRAMES];

		memcpy(spec.ip, us.ip.b, sizeof(spec.ip));
		make_all(&us, &them, f);
		make_all(&them, &us, back);
		for (unsigned has_guest = 0; has_guest < 2; has_guest++) {
			memset(&rules, 0, sizeof(rules));
			rules.n = 1; /* TCP */
			weir_port_rule_all(&rules.rules[0]);
			memset(rules.rules[0].protocols, 0, sizeof(rules.rules[0].protocols));
			rules.rules[0].protocols[0] = 1 << 6;
			if (has_guest)
				CU_ASSERT_TRUE(weir_port_guest_rules(&spec, &rules));
			CU_ASSERT_EQUAL(weir_xdp_program_take(program, &rules), 0);
			for (unsigned i = 0; i < FRAMES; i++) {
				CU_ASSERT_EQUAL(weir_xdp_program_test(program, f[i].p, f[i].len),
				    (int)has_guest);
				/* for the other one; cut */
				CU_ASSERT_EQUAL(
				    weir_xdp_program_test(program, back[i].p, back[i].len), 0);
			}
			f[0].p[l4 + 3] ^= 1;
			CU_ASSERT_EQUAL(weir_xdp_program_test(program, f[0].p, f[0].len), 0);
			f[0].p[l4 + 3] ^= 1;
			CU_ASSERT_EQUAL(weir_xdp_program_test(program, f[2].p, 41),
			    version == 4 ? 0 : 1); /* in doubt */
		}
	}
	rules.n = WEIR_PORT_RULES - 1;
	CU_ASSERT_FALSE(weir_port_guest_rules(&(struct weir_port_guest_spec){ 0 }, &rules));
	weir_xdp_program_destroy(program);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "what the wire takes is put aside", test_own },
		{ "what it does not is the queries'", test_others },
		{ "packets that are cut", test_short },
		{ "packets that are damaged", test_damaged },
		{ "into a ring, counted", test_ring },
		{ "what is left to the kernel", test_rules },
		CU_TEST_INFO_NULL,
	};

	return check_run("guest", tests);
}
