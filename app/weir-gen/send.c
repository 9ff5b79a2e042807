/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <rte_pause.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <weir/base/number.h>
#include <weir/base/time.h>
#include <weir/port/eal.h>
#include <weir/port/interface.h>
#include <weir/port/name.h>
#include <weir/port/port.h>

#include "gen.h"

/* Packets are kept in memory up to so much. */
#define MEMORY_BYTES (UINT64_C(512) << 20)
/* Buffers of each sender beside what the port's rings hold: those on their way, and a full cache.
 */
#define BUFFERS 2048u
/* From everything set up to the first packet. */
#define LEAD_NS (2 * INT64_C(1000000))
/* A port that takes nothing for so long will not any more. */
#define STALL_NS (5 * WEIR_NS_PER_S)
/* What is late when --for is over may still be sent for so long. */
#define GRACE_NS WEIR_NS_PER_S
/* For a link to come up: NICs talk to the other end first, and a memif waits for its peer. */
#define LINK_NS (3 * WEIR_NS_PER_S)
/* For the driver to put out what it was given. */
#define DRAIN_NS (WEIR_NS_PER_S / 2)
/* Sleep when the next packet is further away than this, and wake so much earlier. */
#define SLEEP_NS   200000
#define WAKE_NS    120000
#define MOST_SLEEP (WEIR_NS_PER_S / 50)
/* Refusals in a row before others get the CPU: the other end may need it. */
#define PATIENCE 256u
#define STEP_NS  (WEIR_NS_PER_S / 2)

static atomic_bool stop;

static void
on_signal(int sig)
{
	atomic_store_explicit(&stop, true, memory_order_relaxed);
	signal(sig, SIG_DFL);
}

static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	/* the socket of a device whose peer is gone, and a report that nobody reads */
	signal(SIGPIPE, SIG_IGN);
}

/* A thread that sends. */
struct lane {
	pthread_t thread;
	bool is_started;
	struct weir_sender *sender;
	int64_t start_ns;
	int64_t end_ns; /* when to give up, INT64_MAX: never */
	atomic_bool is_done;
	bool is_complete; /* it came to the end of its schedule */
};

struct run {
	const struct gen_send *g;
	struct weir_supply *supply;
	struct weir_port *port;
	struct rte_mempool *pool;
	struct lane lanes[GEN_MAX_SENDERS];
	int64_t start_ns;
	int64_t shown_ns;
	uint64_t shown_packets;
	bool is_shown;
};

/* Something in use is not sent out of by mistake. */
static int
check_use(const struct gen_send *g, struct weir_error *err)
{
	struct weir_interface_decision d;
	struct weir_interface_facts f;
	int rc = weir_port_look(g->port, err);

	if (rc || weir_port_is_named(g->port) || g->is_forced)
		return rc;
	rc = weir_interface_facts_read(g->port, &f, err);
	if (!rc)
		rc = weir_interface_decide(&f, WEIR_TAKE_AUTO, &d, err);
	if (!rc && !d.is_taken)
		rc = weir_error_usage(err,
		    "its host uses it (%s), and would send these packets into its own network "
		    "(--force, if that is what you want)",
		    d.why);
	return rc;
}

static void
pause_until(int64_t next_ns, int64_t now_ns)
{
	int64_t ns = next_ns - now_ns - WAKE_NS;
	struct timespec t = { .tv_nsec = ns < MOST_SLEEP ? ns : MOST_SLEEP };

	if (next_ns - now_ns < SLEEP_NS)
		rte_pause();
	else
		nanosleep(&t, NULL);
}

/* Until the schedule's end, or that of patience. */
static void
send_all(struct lane *l)
{
	struct weir_sender *s = l->sender;
	uint64_t last_sent = 0;
	int64_t last_ns = l->start_ns, now;
	unsigned n_refused = 0;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		enum weir_send rc;

		now = weir_now_mono_ns();
		rc = weir_sender_step(s, now);
		if (rc == WEIR_SEND_END)
			l->is_complete = true;
		if (rc == WEIR_SEND_END || rc == WEIR_SEND_ERROR || now >= l->end_ns)
			return;
		if (rc == WEIR_SEND_LATER)
			pause_until(s->next_ns, now);
		if (rc == WEIR_SEND_LATER || s->n_sent + s->n_not_sent != last_sent) {
			last_sent = s->n_sent + s->n_not_sent;
			last_ns = now;
			n_refused = 0;
			continue;
		}
		if (now - last_ns > STALL_NS)
			return;
		if (++n_refused % PATIENCE == 0)
			sched_yield();
	}
}

static void *
lane_main(void *arg)
{
	struct lane *l = arg;
	bool is_registered = rte_lcore_id() == LCORE_ID_ANY && rte_thread_register() == 0;

	weir_sender_start(l->sender, l->start_ns);
	send_all(l);
	if (is_registered)
		rte_thread_unregister();
	atomic_store(&l->is_done, true);
	return NULL;
}

/*
 * Kernel and NICs drop what is beyond their MTU, and few drivers say so. Virtual devices have none
 * that matters; one of AF_XDP takes whatever fits into a page.
 */
static int
check_mtu(const struct run *r, struct weir_error *err)
{
	struct weir_interface_facts f = { .mtu = r->port->mtu };
	char driver[64];
	bool is_packet =
	    strcmp(weir_port_driver(r->port, driver, sizeof(driver)), "net_af_packet") == 0;

	if (!r->supply->n_packets || strncmp(r->g->port, "vdev:", 5) == 0)
		return 0;
	if (is_packet && weir_interface_facts_read(r->g->port, &f, err))
		return err->code;
	if (r->supply->longest_payload <= f.mtu + (is_packet ? 0u : 8u))
		return 0;
	return weir_error_run(err, -EMSGSIZE,
	    "there are packets of %u bytes, and with its MTU of %u it sends up to %u ('sudo ip "
	    "link "
	    "set %s mtu %u')",
	    r->supply->longest_bytes, f.mtu, f.mtu + 14, r->g->port, r->supply->longest_payload);
}

static int
make_pool(struct run *r, struct weir_error *err)
{
	const struct weir_supply *s = r->supply;
	uint32_t longest = (s->longest_bytes + 63) / 64 * 64;

	if (check_mtu(r, err))
		return err->code;
	r->pool = weir_port_make_pool(
	    r->port, BUFFERS * r->g->n_senders, longest < 2048 ? 2048 : longest, err);
	return r->pool ? 0 : err->code;
}

static int
open_port(struct run *r, char *program, struct weir_error *err)
{
	const struct gen_send *g = r->g;
	struct weir_port_config c = {
		.name = g->port, .n_senders = g->n_senders, .is_send_only = true
	};
	int rc = weir_eal_start(program, g->eal_args, g->n_eal_args, err);

	if (rc)
		return rc;
	rc = weir_port_open(&c, &r->port, err);
	if (!rc)
		rc = make_pool(r, err);
	if (!rc && !weir_port_has_own_queues(r->port, g->n_senders))
		rc = weir_error_run(err, -ENOTSUP,
		    "it has %u transmit queue%s for --cores %u (try --cores %u)", r->port->n_tx,
		    r->port->n_tx == 1 ? "" : "s", g->n_senders, r->port->n_tx);
	return rc ? weir_error_wrap(err, "-o '%s'", g->port) : 0;
}

static int
set_rate(struct run *r, struct gen_result *ret, struct weir_error *err)
{
	uint64_t bps = r->g->line_bps ? r->g->line_bps : weir_port_speed_bps(r->port);

	ret->rate = r->g->rate;
	return weir_rate_of_line(&ret->rate, bps, err)
		   ? weir_error_wrap(err, "--rate '%s'", r->g->rate_text)
		   : 0;
}

static int
make_lane(struct run *r, unsigned i, struct gen_result *ret, struct weir_error *err)
{
	const struct gen_send *g = r->g;
	struct weir_sender_config c = {
		.queue = r->port->tx[i],
		.pool = r->pool,
		.supply = i ? weir_supply_share(r->supply) : r->supply,
		.pace = { .rate = ret->rate,
		    .burst = g->burst,
		    .burst_every_ns = g->burst_every_ns },
		.count = g->count,
		.for_ns = g->for_ns,
		.index = i,
		.n_senders = g->n_senders,
		.has_signature = g->has_signature,
		.stream = ret->stream,
		.is_dropping = g->is_dropping,
	};
	struct lane *l = &r->lanes[i];

	if (!c.supply && !r->supply->n_packets)
		return weir_error_usage(err,
		    "--cores %u: packets that are made as they are sent are made by one (leave "
		    "--cores out, or say count=100k)",
		    g->n_senders);
	l->sender = c.supply ? aligned_alloc(64, (sizeof(*l->sender) + 63) / 64 * 64) : NULL;
	if (!l->sender) {
		if (i)
			weir_supply_close(c.supply);
		return weir_error_run(err, -ENOMEM, "no memory for %u senders", g->n_senders);
	}
	return weir_sender_init(l->sender, &c, err)
		   ? weir_error_wrap(err, "--burst %" PRIu64, g->burst)
		   : 0;
}

static void
show(struct run *r, int64_t now)
{
	char count[32], rate[32];
	uint64_t n = 0;

	if (!r->g->has_progress || now - r->shown_ns < STEP_NS)
		return;
	for (unsigned i = 0; i < r->g->n_senders; i++)
		n += __atomic_load_n(&r->lanes[i].sender->n_sent, __ATOMIC_RELAXED);
	fprintf(stderr, "\r\033[K%s packets  %spps", weir_text_count((double)n, count, 32),
	    weir_text_count(
		(double)(n - r->shown_packets) / (double)(now - r->shown_ns) * 1e9, rate, 32));
	fflush(stderr);
	r->is_shown = true;
	r->shown_ns = now;
	r->shown_packets = n;
}

static bool
is_done(struct run *r)
{
	for (unsigned i = 0; i < r->g->n_senders; i++)
		if (!atomic_load(&r->lanes[i].is_done))
			return false;
	return true;
}

/* Start the threads, and wait for their end. */
static int
run_lanes(struct run *r, struct weir_error *err)
{
	const struct timespec nap = { .tv_nsec = 2000000 };
	int rc = 0;

	r->start_ns = r->shown_ns = weir_now_mono_ns() + LEAD_NS;
	for (unsigned i = 0; i < r->g->n_senders && !rc; i++) {
		struct lane *l = &r->lanes[i];

		l->start_ns = r->start_ns;
		l->end_ns = r->g->for_ns ? r->start_ns + r->g->for_ns + GRACE_NS : INT64_MAX;
		rc = -pthread_create(&l->thread, NULL, lane_main, l);
		l->is_started = rc == 0;
		if (!rc)
			pthread_setname_np(l->thread, "weir-sender");
		if (rc) {
			atomic_store(&stop, true);
			weir_error_run(err, rc, "cannot start a thread: %s", strerror(-rc));
		}
	}
	while (!rc && !is_done(r)) {
		nanosleep(&nap, NULL);
		show(r, weir_now_mono_ns());
	}
	for (unsigned i = 0; i < r->g->n_senders; i++)
		if (r->lanes[i].is_started)
			pthread_join(r->lanes[i].thread, NULL);
	if (r->is_shown)
		fprintf(stderr, "\r\033[K");
	return rc;
}

static void
sum_times(struct gen_result *ret, const struct weir_sender *s, bool is_first)
{
	if (is_first || s->first_intended_ns < ret->first_intended_ns) {
		ret->first_intended_ns = s->first_intended_ns;
	}
	if (is_first || s->last_ns > ret->last_ns) {
		ret->last_ns = s->last_ns;
		ret->last_intended_ns = s->last_intended_ns;
	}
}

/* What became of each packet of the schedule. */
static int
sum_up(struct run *r, struct gen_result *ret, struct weir_error *err)
{
	struct weir_port_stats stats;
	int rc = 0;

	ret->is_interrupted = atomic_load(&stop);
	for (unsigned i = 0; i < r->g->n_senders; i++) {
		struct lane *l = &r->lanes[i];
		struct weir_sender *s = l->sender;

		if (s->has_failed && !rc) {
			*err = s->config.supply->error;
			rc = err->code;
		}
		weir_sender_stop(s);
		if (!l->is_complete && !ret->is_interrupted)
			ret->n_refused += weir_sender_count_rest(s);
		if (s->n_sent)
			sum_times(ret, s, !ret->n_sent);
		ret->n_sent += s->n_sent;
		ret->n_bytes += s->n_bytes;
		ret->n_refused += s->n_not_sent;
		weir_histogram_merge(&ret->lag, &s->lag);
		weir_sender_drain(s, r->pool, DRAIN_NS);
	}
	weir_port_stats(r->port, &stats);
	ret->n_failed = stats.send_errors < ret->n_sent ? stats.send_errors : ret->n_sent;
	ret->n_cut = r->supply->n_cut;
	return rc;
}

static void
name_device(const struct run *r, struct gen_result *ret)
{
	char driver[64];

	snprintf(ret->device, sizeof(ret->device), "%s, %u transmit queue%s",
	    weir_port_driver(r->port, driver, sizeof(driver)), r->g->n_senders,
	    r->g->n_senders == 1 ? "" : "s");
}

static void
wait_for_link(const struct run *r)
{
	const struct timespec nap = { .tv_nsec = 5000000 };
	int64_t end = weir_now_mono_ns() + LINK_NS;

	while (!weir_port_is_up(r->port) && weir_now_mono_ns() < end && !atomic_load(&stop))
		nanosleep(&nap, NULL);
	if (!weir_port_is_up(r->port) && !atomic_load(&stop))
		fprintf(stderr, "weir-gen: %s: the link is down: is the other end there?\n",
		    r->g->port);
}

static int
go(struct run *r, char *program, struct gen_result *ret, struct weir_error *err)
{
	int rc = open_port(r, program, err);

	if (!rc)
		rc = set_rate(r, ret, err);
	for (unsigned i = 0; i < r->g->n_senders && !rc; i++)
		rc = make_lane(r, i, ret, err);
	if (rc)
		return rc;
	name_device(r, ret);
	catch_signals();
	wait_for_link(r);
	rc = run_lanes(r, err);
	return rc ? rc : sum_up(r, ret, err);
}

static void
clean_up(struct run *r)
{
	for (unsigned i = 0; i < r->g->n_senders; i++) {
		if (i && r->lanes[i].sender)
			weir_supply_close(r->lanes[i].sender->config.supply);
		free(r->lanes[i].sender);
	}
	weir_port_close(r->port);
	rte_mempool_free(r->pool);
	weir_supply_close(r->supply);
	weir_eal_stop();
}

int
gen_send(const struct gen_send *g, char *program, struct gen_result *ret, struct weir_error *err)
{
	struct weir_supply_config c = {
		.source = g->source,
		.is_repeated = g->count || g->for_ns,
		.has_signature = g->has_signature,
		.memory_bytes = MEMORY_BYTES,
	};
	struct run r = { .g = g };
	int rc = check_use(g, err);

	if (rc)
		return weir_error_wrap(err, "-o '%s'", g->port);
	if (getrandom(&ret->stream, sizeof(ret->stream), 0) != sizeof(ret->stream))
		ret->stream = (uint32_t)weir_now_mono_ns();
	rc = weir_supply_open(&c, &r.supply, err);
	if (!rc)
		rc = go(&r, program, ret, err);
	clean_up(&r);
	return rc;
}
