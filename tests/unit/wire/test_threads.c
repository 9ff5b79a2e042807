/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <rte_ring.h>
#include <sched.h>
#include <stdatomic.h>

#include <weir/base/time.h>

#include "check.h"
#include "core.h"

/* What control and wire thread share: one thread is the wire of two nodes, another both controls.
 */

#define PAYLOAD 64u
#define FRAMES  20000u
#define LINE    256u

struct datagram {
	uint8_t type;
	uint16_t queue;
	uint32_t len;
	uint8_t p[256];
};

struct node {
	struct weir_wire_front front;
	struct weir_wire_core *core;
	struct node *other;
	uint64_t incarnation;
	/* what is on its way to it: the wire thread's */
	unsigned n;
	struct datagram line[LINE];
	atomic_uint n_woken;
	/* control's */
	uint32_t n_sent, n_got;
	unsigned n_wrong;
	uint8_t times[FRAMES];
};

static struct node nodes[2];
static atomic_bool is_over;

static enum weir_wire_sent
transmit(void *arg, const struct weir_wire_out *out)
{
	struct node *to = ((struct node *)arg)->other;
	struct datagram *d = &to->line[to->n];

	if (to->n == LINE)
		return WEIR_WIRE_SENT_FULL;
	to->n++;
	d->type = out->type;
	d->queue = out->queue;
	d->len = out->head_len + out->body_len;
	memcpy(d->p, out->head, out->head_len);
	if (out->body_len)
		memcpy(d->p + out->head_len, out->body, out->body_len);
	return WEIR_WIRE_SENT;
}

static void
wake(void *arg)
{
	atomic_fetch_add(&((struct node *)arg)->n_woken, 1);
}

static void *
wire(void *arg)
{
	while (!atomic_load(&is_over)) {
		struct weir_wire_now now = { weir_now_mono_ns(), weir_now_wall_ns() };

		for (unsigned i = 0; i < 2; i++) {
			struct node *n = &nodes[i];

			for (unsigned k = 0; k < n->n; k++) {
				struct datagram *d = &n->line[k];
				struct weir_wire_in in = { .id = 3,
					.queue = d->queue,
					.type = d->type,
					.len = d->len,
					.p = d->p };

				weir_wire_core_receive(n->core, &now, &in);
			}
			n->n = 0;
			(void)weir_wire_core_step(n->core, &now);
		}
		sched_yield();
	}
	return NULL;
}

static void
make(struct node *n, struct node *other, uint64_t incarnation, uint64_t of_other)
{
	struct weir_wire_core_config c = { .front = &n->front,
		.incarnation = incarnation,
		.transmit = transmit,
		.wake = wake,
		.arg = n,
		.wake_arg = n };
	struct weir_wire_now now = { weir_now_mono_ns(), weir_now_wall_ns() };

	n->other = other;
	n->incarnation = incarnation;
	CU_ASSERT_EQUAL_FATAL(weir_wire_front_init(&n->front, 65536, PAYLOAD, NULL), 0);
	n->core = weir_wire_core_create(&c);
	CU_ASSERT_PTR_NOT_NULL_FATAL(n->core);
	CU_ASSERT_EQUAL(weir_wire_core_peer_set(n->core, 3, "other", of_other,
			    weir_wire_front_generation(&n->front, 3, of_other), &now),
	    0);
	weir_wire_front_set(&n->front, 3, of_other);
}

static void
send_some(struct node *n)
{
	while (n->n_sent < FRAMES && weir_wire_front_room(&n->front, 3)) {
		struct weir_wire_frame *f = weir_wire_front_get(&n->front);

		if (!f)
			return;
		f->len = 4 + n->n_sent % (PAYLOAD - 3);
		memset(f->data, (int)(n->n_sent % 251), f->len);
		memcpy(f->data, &n->n_sent, 4);
		n->n_sent += weir_wire_front_send(&n->front, 3, f, 0) == 0;
		weir_wire_frame_put(f);
	}
}

static void
take_some(struct node *n)
{
	struct weir_wire_received r[16];
	unsigned got = weir_wire_front_take(&n->front, r, 16);

	for (unsigned i = 0; i < got; i++) {
		uint32_t number;

		memcpy(&number, r[i].data, 4);
		if (number >= FRAMES || r[i].len != 4 + number % (PAYLOAD - 3) ||
		    r[i].incarnation != n->other->incarnation || n->times[number]++) {
			n->n_wrong++;
			continue;
		}
		for (uint32_t k = 4; k < r[i].len; k++)
			n->n_wrong += r[i].data[k] != number % 251;
		n->n_got++;
	}
	weir_wire_front_release(&n->front, r, got);
}

static void
test_threads(void)
{
	int64_t until_ns = weir_now_mono_ns() + 200 * WEIR_NS_PER_S; /* or it hangs */
	pthread_t thread;
	bool is_done = false;

	make(&nodes[0], &nodes[1], 11, 22);
	make(&nodes[1], &nodes[0], 22, 11);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, wire, NULL), 0);
	while (!is_done && weir_now_mono_ns() < until_ns) {
		is_done = true;
		for (unsigned i = 0; i < 2; i++) {
			send_some(&nodes[i]);
			take_some(&nodes[i]);
			is_done &= nodes[i].n_got == FRAMES && nodes[i].n_sent == FRAMES &&
				   !weir_wire_front_unacked(&nodes[i].front, 3);
		}
		sched_yield();
	}
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < 2; i++) {
		unsigned n_free, n_frames = weir_wire_front_frames(&nodes[i].front, &n_free);

		CU_ASSERT_EQUAL(nodes[i].n_got, FRAMES);
		CU_ASSERT_EQUAL(nodes[i].n_wrong, 0);
		CU_ASSERT_EQUAL(n_free, n_frames);
		CU_ASSERT_EQUAL(
		    weir_wire_front_buffers_free(&nodes[i].front), nodes[i].front.n_buffers);
		CU_ASSERT_TRUE(atomic_load(&nodes[i].n_woken) > 0);
		weir_wire_core_destroy(nodes[i].core);
		weir_wire_front_fini(&nodes[i].front);
	}
}

int
main(void)
{
	const CU_TestInfo tests[] = {
		{ "control and wire thread", test_threads },
		CU_TEST_INFO_NULL,
	};

	return check_run("wire threads", tests);
}
