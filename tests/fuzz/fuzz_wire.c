/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_byteorder.h>
#include <rte_mbuf.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "inner.h"
#include "net.h"
#include "wire_parts.h"

/*
 * What comes to a wire: any bytes are an Ethernet frame; any are a greeting; and any are what peers
 * say, once their frames were opened. All that is sent in answer must fit, and buffers and frames
 * must come back. Only who names this node is believed.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INCARNATION 0x1234567890abcdef
#define PAYLOAD     256u

static enum weir_wire_sent
transmit(void *arg, const struct weir_wire_out *out)
{
	uint8_t *room = arg;

	if (out->head_len + out->body_len > 512)
		abort();
	memcpy(room, out->head, out->head_len);
	if (out->body_len)
		memcpy(room + out->head_len, out->body, out->body_len);
	return room[out->head_len - 1] & 1 ? WEIR_WIRE_SENT_FULL : WEIR_WIRE_SENT;
}

static void
look(const uint8_t *data, size_t size)
{
	struct net_host h = { .version = data[0] & 1 ? 6 : 4, .udp_port = 5748, .prefix_len = 24 };
	uint8_t *exact = malloc(size), out[1024];
	struct net_seen seen;

	/* what is for us, more often than chance would have it */
	if (size > 60)
		memcpy(h.ip.b, data + (h.version == 4 ? 30 : 38), h.version == 4 ? 4 : 16);
	if (size > 6)
		memcpy(h.mac, data, 6);
	if (!exact)
		abort();
	memcpy(exact, data, size);
	weir_net_see(&h, exact, (uint32_t)size, &seen);
	if (seen.kind == NET_FRAME && seen.offset + seen.len > size)
		abort();
	if (weir_net_answer(&h, exact, &seen, out, sizeof(out)) > sizeof(out))
		abort();
	free(exact);
}

/* Frames of their own, as a length and so many bytes. */
static void
talk(struct weir_wire_core *c, struct weir_wire_front *f, const uint8_t *data, size_t size)
{
	struct weir_wire_now now = { 1000000, 1700000000000000000 };
	rte_be64_t to = rte_cpu_to_be_64(INCARNATION);
	struct weir_wire_received r[4];
	struct weir_wire_frame *frame;

	while (size >= 2) {
		size_t len = data[1] < size - 2 ? data[1] : size - 2;
		uint8_t *exact = calloc(1, len + sizeof(to));
		struct weir_wire_in in = { .id = 1,
			.type = data[0] % 6,
			.p = exact,
			.len = (uint32_t)(len + sizeof(to)) };
		unsigned n;

		if (!exact)
			abort();
		memcpy(exact, &to, sizeof(to));
		memcpy(exact + sizeof(to), data + 2, len);
		weir_wire_core_receive(c, &now, &in);
		free(exact);
		now.mono_ns += data[0] * 100000;
		frame = data[0] & 0x80 ? weir_wire_front_get(f) : NULL;
		if (frame) {
			frame->len = 1 + data[1] % PAYLOAD;
			(void)weir_wire_front_send(f, 1, frame, 0);
			weir_wire_frame_put(frame);
		}
		(void)weir_wire_core_step(c, &now);
		n = weir_wire_front_take(f, r, data[0] & 0x40 ? 4 : 0);
		weir_wire_front_release(f, r, n);
		data += 2 + len;
		size -= 2 + len;
	}
}

/* What the wire thread does for control, once. */
static void *
serve(void *arg)
{
	struct weir_wire *w = arg;
	struct wire_request *r;

	while (!(r = atomic_exchange(&w->request, NULL)))
		sched_yield();
	r->rc = r->run(w, r->arg);
	sem_post(&r->is_done);
	return NULL;
}

/* A wire in clear that greets 192.0.2.2 as number 0, and can send nothing. */
static struct weir_wire *
make_greeting_wire(void)
{
	static struct weir_wire w;
	struct weir_seal_spec spec = { .job = "fuzz", .incarnation = INCARNATION };
	struct weir_wire_core_config config = {
		.front = &w.front, .incarnation = INCARNATION, .transmit = transmit
	};
	struct weir_wire_peer peer = {
		.name = "b", .has_mac = true, .n_addrs = 1, .addrs = { { { 0, 0xc0000202 }, 4 } }
	};
	pthread_t thread;

	w.host = (struct net_host){ .version = 4, .prefix_len = 24, .udp_port = 5748 };
	w.host.ip.b[0] = 192;
	w.host.ip.b[2] = 2;
	w.host.ip.b[3] = 1;
	w.n_ready = WIRE_READY;
	if (weir_wire_front_init(&w.front, 16384, PAYLOAD, NULL) ||
	    weir_neighbours_init(&w.neighbours) || weir_seal_open(&spec, &w.seal, NULL))
		abort();
	w.core = weir_wire_core_create(&config);
	if (!w.core || pthread_create(&thread, NULL, serve, &w) ||
	    weir_wire_greet(&w, 0, &peer, NULL) || pthread_join(thread, NULL))
		abort();
	return &w;
}

/* The first byte says what of the header is put right; then come the header, and what is behind. */
static void
greet(const uint8_t *data, size_t size)
{
	static struct weir_wire *w;
	struct net_seen seen = { .kind = NET_FRAME, .len = (uint32_t)size - 1 };
	struct weir_frame_head head;
	struct rte_mbuf m = { .buf_len = (uint16_t)size,
		.data_len = (uint16_t)(size - 1),
		.pkt_len = (uint32_t)size - 1,
		.nb_segs = 1,
		.refcnt = 1 };
	uint64_t before, found, named = 0;

	if (!w)
		w = make_greeting_wire();
	m.buf_addr = malloc(size);
	if (!m.buf_addr)
		abort();
	memcpy(m.buf_addr, data + 1, size - 1);
	if (size - 1 >= sizeof(head)) {
		memcpy(&head, m.buf_addr, sizeof(head));
		head.magic = RTE_BE16(WEIR_FRAME_MAGIC);
		head.version = WEIR_FRAME_VERSION;
		head.type = WEIR_INNER_GREETING;
		if (data[0] & 1)
			head.flags = 0;
		if (data[0] & 2)
			head.epoch = 0;
		if (data[0] & 4)
			head.incarnation = rte_cpu_to_be_64(1 + data[0] % 3);
		if (data[0] & 8)
			head.number &= RTE_BE64(0xffff);
		memcpy(m.buf_addr, &head, sizeof(head));
	}
	if (data[0] & 16 && size - 1 >= sizeof(head) + sizeof(named)) {
		named = rte_cpu_to_be_64(INCARNATION);
		memcpy((uint8_t *)m.buf_addr + sizeof(head), &named, sizeof(named));
	}
	memcpy(seen.addr.b, (uint8_t[]){ 192, 0, 2, data[0] & 32 ? 3 : 2 }, 4);
	before = weir_wire_greeted(w, 0);
	w->now.mono_ns += data[0];
	if (wire_is_greeting(w, m.buf_addr, seen.len))
		wire_greeted(w, &m, &seen);
	found = weir_wire_greeted(w, 0);
	if (size - 1 >= sizeof(head) + sizeof(named))
		memcpy(&named, (uint8_t *)m.buf_addr + sizeof(head), sizeof(named));
	if (found != before && (size - 1 != sizeof(head) + sizeof(named) || data[0] & 32 ||
				   rte_be_to_cpu_64(named) != INCARNATION ||
				   rte_be_to_cpu_64(head.incarnation) != found))
		abort();
	free(m.buf_addr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[512];
	static struct weir_wire_front f;
	struct weir_wire_now now = { 1, 1 };
	struct weir_wire_core_config config = {
		.front = &f, .incarnation = INCARNATION, .transmit = transmit, .arg = room
	};
	struct weir_wire_core *c;
	struct weir_wire_received r;
	unsigned n_free;

	if (!size || size > 20000)
		return 0;
	look(data, size);
	greet(data, size);
	if (weir_wire_front_init(&f, 16384, PAYLOAD, NULL))
		abort();
	c = weir_wire_core_create(&config);
	if (!c ||
	    weir_wire_core_peer_set(c, 1, "peer", 77, weir_wire_front_generation(&f, 1, 77), &now))
		abort();
	weir_wire_front_set(&f, 1, 77);
	talk(c, &f, data, size);
	while (weir_wire_front_take(&f, &r, 1))
		weir_wire_front_release(&f, &r, 1);
	if (weir_wire_front_buffers_free(&f) != f.n_buffers)
		abort();
	weir_wire_core_destroy(c);
	if (weir_wire_front_frames(&f, &n_free) != n_free)
		abort();
	weir_wire_front_fini(&f);
	return 0;
}
