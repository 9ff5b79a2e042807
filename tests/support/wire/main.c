/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <weir/base/time.h>
#include <weir/port/eal.h>
#include <weir/wire/wire.h>

/*
 * usage: wirepeer --wire SPEC --incarnation N --peer ADDRESS --peer-incarnation N [--peer-mac MAC]
 *                 [--frames N] [--secret-file FILE] [--memory BYTES]
 *                 [--peer-queues N] [-- EAL ARGUMENTS]
 *
 * One node of two: sends so many frames of all lengths to the other, and takes what that one sends.
 * Prints {"ready":true}; then, when all were acknowledged and as many have come, or after a signal,
 * what it has counted; and goes on until it is told to end.
 */

#define FRAMES_MOST 10000000u

struct options {
	const char *wire, *peer, *peer_mac, *secret;
	uint64_t incarnation, peer_incarnation, memory;
	uint16_t peer_queues;
	uint32_t n_frames;
};

struct tally {
	uint8_t *times; /* [n_frames] */
	uint32_t n_sent, n_got, n_double, n_wrong;
};

static volatile sig_atomic_t is_stopped;

static void
stop(int signal_number)
{
	is_stopped = 1;
}

static void
fail(const char *what, const struct weir_error *err)
{
	fprintf(stderr, "wirepeer: %s: %s\n", what, err->text);
	exit(1);
}

static struct options
parse(int argc, char **argv)
{
	static const struct option table[] = { { "wire", 1, NULL, 'w' },
		{ "incarnation", 1, NULL, 'i' }, { "peer", 1, NULL, 'p' },
		{ "peer-incarnation", 1, NULL, 'q' }, { "peer-mac", 1, NULL, 'm' },
		{ "frames", 1, NULL, 'n' }, { "secret-file", 1, NULL, 's' },
		{ "memory", 1, NULL, 'b' }, { "peer-queues", 1, NULL, 'u' }, { NULL, 0, NULL, 0 } };
	struct options o = { .n_frames = 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (c) {
		case 'w':
			o.wire = optarg;
			break;
		case 'i':
			o.incarnation = strtoull(optarg, NULL, 0);
			break;
		case 'p':
			o.peer = optarg;
			break;
		case 'q':
			o.peer_incarnation = strtoull(optarg, NULL, 0);
			break;
		case 'm':
			o.peer_mac = optarg;
			break;
		case 'n':
			o.n_frames = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 's':
			o.secret = optarg;
			break;
		case 'u':
			o.peer_queues = (uint16_t)strtoul(optarg, NULL, 0);
			break;
		case 'b':
			o.memory = strtoull(optarg, NULL, 0);
			break;
		default:
			exit(2);
		}
	}
	if (!o.wire || !o.peer || o.n_frames > FRAMES_MOST) {
		fprintf(stderr, "wirepeer: --wire and --peer are wanted\n");
		exit(2);
	}
	return o;
}

static struct weir_wire *
open_wire(const struct options *o)
{
	struct weir_wire_config c = { .job = "test",
		.is_insecure = !o->secret,
		.incarnation = o->incarnation,
		.epoch = 7,
		.memory_bytes = o->memory };
	struct weir_wire_spec spec;
	struct weir_secret *secret = NULL;
	struct weir_wire *w;
	struct weir_error err = { 0 };

	if (weir_wire_parse(o->wire, &spec, &err))
		fail("--wire", &err);
	if (o->secret && weir_secret_read(o->secret, &secret, &err))
		fail("--secret-file", &err);
	c.spec = &spec;
	c.secret = secret;
	if (weir_wire_open(&c, &w, &err))
		fail("--wire", &err);
	weir_secret_free(secret);
	return w;
}

static void
meet(struct weir_wire *w, const struct options *o)
{
	struct weir_wire_peer p = {
		.name = "other",
		.incarnation = o->peer_incarnation,
		.n_addrs = 1,
		.rss.n_queues = o->peer_queues,
	};
	struct weir_error err = { 0 };
	unsigned version;

	if (weir_ip_parse(o->peer, &p.addrs[0].addr, &version))
		fail("--peer", &err);
	p.addrs[0].version = (uint8_t)version;
	if (o->peer_mac) {
		p.has_mac = true;
		if (sscanf(o->peer_mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &p.mac[0], &p.mac[1],
			&p.mac[2], &p.mac[3], &p.mac[4], &p.mac[5]) != 6)
			fail("--peer-mac", &err);
	}
	if (weir_wire_peer_set(w, 5, &p, &err))
		fail("--peer", &err);
}

static uint32_t
length_of(uint32_t number, uint32_t most)
{
	return 4 + number * 2654435761u % (most - 3);
}

/* As many as there is room for. */
static void
send_some(struct weir_wire *w, struct tally *t, uint32_t n_frames)
{
	uint32_t most = weir_wire_payload_most(w);

	while (t->n_sent < n_frames && weir_wire_room(w, 5)) {
		struct weir_wire_frame *f = weir_wire_frame_get(w);
		int rc;

		if (!f)
			return;
		f->len = length_of(t->n_sent, most);
		memset(f->data, (int)(t->n_sent % 251), f->len);
		memcpy(f->data, &t->n_sent, 4);
		rc = weir_wire_send(w, 5, f, (uint16_t)t->n_sent);
		weir_wire_frame_put(f);
		if (rc)
			return;
		t->n_sent++;
	}
}

static void
check(struct weir_wire *w, struct tally *t, uint32_t n_frames, const struct weir_wire_received *r)
{
	uint32_t number = UINT32_MAX;
	bool is_right;

	if (r->len >= 4)
		memcpy(&number, r->data, 4);
	is_right = number < n_frames && r->peer == 5 && r->epoch == 7 &&
		   r->len == length_of(number, weir_wire_payload_most(w));
	for (uint32_t i = 4; is_right && i < r->len; i++)
		is_right = r->data[i] == number % 251;
	if (!is_right) {
		t->n_wrong++;
		return;
	}
	t->n_double += t->times[number]++ != 0;
	t->n_got += t->times[number] == 1;
}

static unsigned
take_some(struct weir_wire *w, struct tally *t, uint32_t n_frames)
{
	struct weir_wire_received r[64];
	unsigned n = weir_wire_take(w, r, 64);

	for (unsigned i = 0; i < n; i++)
		check(w, t, n_frames, &r[i]);
	weir_wire_release(w, r, n);
	return n;
}

static double
cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
print(struct weir_wire *w, const struct tally *t, double seconds)
{
	struct weir_wire_peer_stats *p = calloc(1, sizeof(*p));
	struct weir_wire_stats s;
	struct weir_wire_self self;

	if (!p || !weir_wire_peer_stats(w, 5, p))
		exit(1);
	weir_wire_stats(w, &s);
	weir_wire_self(w, &self);
	printf("{\"sent\":%u,\"got\":%u,\"double\":%u,\"wrong\":%u,\"unacked\":%u,\"seconds\":%.3f,"
	       "\"cpu_s\":%.3f,\"offset_ns\":%" PRId64 ",\"error_ns\":%" PRId64
	       ",\"rtt_n\":%" PRIu64 ",\"rtt_p50_ns\":%" PRId64
	       ",\"seal\":\"%s\",\"device\":\"%s\",\"mtu\":%u"
	       ",\"buffers\":%u,\"buffers_free\":%u",
	    t->n_sent, t->n_got, t->n_double, t->n_wrong, weir_wire_unacked(w, 5), seconds, cpu_s(),
	    p->offset_ns, p->error_ns, p->rtt.n, weir_histogram_quantile(&p->rtt, 0.5), self.seal,
	    self.device, self.mtu, s.n_buffers, s.n_buffers_free);
	for (unsigned i = 0; i < WEIR_WIRE_N_COUNTERS; i++)
		printf(",\"%s\":%" PRIu64, weir_wire_counter_name(i), s.counters[i]);
	printf(",\"by_queue\":[");
	for (unsigned i = 0; i < s.n_queues; i++)
		printf("%s%" PRIu64, i ? "," : "", s.by_queue[i]);
	printf("]}\n");
	fflush(stdout);
	free(p);
}

static void
run(struct weir_wire *w, const struct options *o, struct tally *t)
{
	struct timespec nap = { 0, 200000 };
	int64_t start_ns = weir_now_mono_ns();
	bool is_done = false;

	while (!is_stopped) {
		send_some(w, t, o->n_frames);
		if (!take_some(w, t, o->n_frames))
			nanosleep(&nap, NULL);
		if (is_done || !o->n_frames || t->n_got < o->n_frames || t->n_sent < o->n_frames ||
		    weir_wire_unacked(w, 5))
			continue;
		is_done = true;
		/* from now on there is little to do */
		nap.tv_nsec = 50000000;
		print(w, t, (double)(weir_now_mono_ns() - start_ns) / 1e9);
	}
	print(w, t, (double)(weir_now_mono_ns() - start_ns) / 1e9);
}

int
main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	struct tally t = { .times = calloc(o.n_frames + 1, 1) };
	struct sigaction action = { .sa_handler = stop };
	struct weir_error err = { 0 };
	struct weir_wire *w;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (!t.times || weir_eal_start(argv[0], argv + optind, (unsigned)(argc - optind), &err))
		fail("EAL", &err);
	w = open_wire(&o);
	meet(w, &o);
	printf("{\"ready\":true}\n");
	fflush(stdout);
	run(w, &o, &t);
	weir_wire_close(w);
	weir_eal_stop();
	free(t.times);
	return 0;
}
