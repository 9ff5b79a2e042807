/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <weir/port/interface.h>

#include "inner.h"
#include "wire_parts.h"

/* Opening, closing, and what control asks for. */

#define MEMORY_DEFAULT (UINT64_C(64) << 20)
#define SPARE_BUFFERS  (2 * WIRE_READY + 4 * WIRE_BURST) /* beside the transmit ring's */
#define MTU_MOST       9600u

static void
wake_for_frames(void *wire)
{
	wire_wake(wire);
}

static int
open_port(struct weir_wire *w, const struct weir_wire_config *config, struct weir_error *err)
{
	const struct weir_wire_spec *spec = config->spec;
	struct weir_port_guest_spec self;
	struct weir_port_config c = { .name = spec->port,
		.n_workers = spec->n_queues,
		.n_senders = 1,
		.n_held = 2 * WIRE_BURST,
		.wants_interrupts = true,
		.copied_for = config->is_tapped ? &self : NULL };
	const struct weir_port *found = weir_port_find(spec->port);
	struct rte_ether_addr mac;
	int rc;

	weir_wire_guest(spec, &self);
	if (found && !found->guest)
		return weir_error_run(err, -EBUSY,
		    "'%s' is in use as a sink: give the wire a port of its own", spec->port);
	rc = weir_port_open(&c, &w->port, err);
	if (rc)
		return weir_error_wrap(err, "'%s'", spec->port);
	w->polls = true;
	w->guest = w->port->guest;
	if (w->guest) {
		w->guest->wake_arg = w;
		w->guest->wake = wake_for_frames;
	}
	rc = rte_eth_macaddr_get(w->port->rx[0].id, &mac);
	if (rc)
		return weir_error_run(err, rc, "'%s' does not tell its link address", spec->port);
	memcpy(w->host.mac, mac.addr_bytes, sizeof(w->host.mac));
	return 0;
}

/*
 * How long a packet may be. A port takes more than its network does, so that its own word is a
 * bound and no more: the usual MTU, unless the kernel or the user names another.
 */
static int
choose_mtu(struct weir_wire *w, const struct weir_wire_spec *spec, struct weir_error *err)
{
	uint32_t most = RTE_MIN(w->port->data_bytes - RTE_ETHER_HDR_LEN, MTU_MOST);
	struct weir_interface_facts facts = { .mtu = RTE_ETHER_MTU };

	if (w->port->mtu)
		most = RTE_MIN(most, w->port->mtu);
	if (w->port->interface[0] &&
	    weir_interface_facts_read(w->port->interface, &facts, NULL) == 0)
		most = RTE_MIN(most, facts.mtu);
	if (spec->mtu > most)
		return weir_error_run(
		    err, -EINVAL, "mtu=%u: '%s' takes %u at most", spec->mtu, spec->port, most);
	w->mtu = spec->mtu ? spec->mtu : (uint16_t)RTE_MIN(most, facts.mtu);
	return 0;
}

static int
open_seal(const struct weir_wire_config *c, struct weir_seal **ret, struct weir_error *err)
{
	struct weir_seal_spec spec = { .secret = c->secret,
		.job = c->job,
		.incarnation = c->incarnation,
		.max_peers = WEIR_WIRE_PEERS };
	int rc;

	if (!c->secret && !c->is_insecure)
		return weir_error_usage(err,
		    "frames between hosts need a secret: --secret-file FILE "
		    "(or --insecure-wire, where nobody else can listen)");
	rc = weir_seal_open(&spec, ret, err);
	if (!rc)
		weir_seal_epochs(*ret, c->epoch, c->epoch);
	return rc;
}

static int
open_core(struct weir_wire *w, const struct weir_wire_config *c, struct weir_error *err)
{
	struct weir_wire_core_config core = { .front = &w->front,
		.incarnation = c->incarnation,
		.transmit = wire_transmit,
		.suspect = wire_suspect,
		.wake = c->wake,
		.arg = w,
		.wake_arg = c->wake_arg };
	uint64_t memory = c->memory_bytes ? c->memory_bytes : MEMORY_DEFAULT;
	uint32_t around = weir_net_head_bytes(&w->host) - RTE_ETHER_HDR_LEN +
			  WEIR_FRAME_HEAD_BYTES + WEIR_INNER_DATA_BYTES +
			  weir_seal_tail_bytes(w->seal);
	int rc;

	if (memory < WEIR_WIRE_MEMORY_LEAST)
		return weir_error_run(err, -EINVAL, "the wire needs %u bytes of memory at least",
		    (unsigned)WEIR_WIRE_MEMORY_LEAST);
	rc = weir_wire_front_init(&w->front, memory, w->mtu - around, err);
	if (rc)
		return rc;
	w->pool = weir_port_make_pool(w->port, SPARE_BUFFERS, RTE_ETHER_HDR_LEN + w->mtu, err);
	if (!w->pool)
		return err ? err->code : -ENOMEM;
	w->core = weir_wire_core_create(&core);
	if (!w->core || weir_neighbours_init(&w->neighbours))
		return weir_error_run(err, -ENOMEM, "no memory for the wire's peers");
	return 0;
}

static int
start(struct weir_wire *w, struct weir_error *err)
{
	int rc;

	w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->wake_fd < 0)
		return weir_error_run(err, -errno, "no descriptor for the wire's thread");
	rc = pthread_create(&w->thread, NULL, wire_main, w);
	if (rc)
		return weir_error_run(err, -rc, "no thread for the wire");
	w->has_thread = true;
	return 0;
}

int
weir_wire_open(const struct weir_wire_config *c, struct weir_wire **ret, struct weir_error *err)
{
	const struct weir_wire_spec *spec = c->spec;
	struct weir_wire *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);
	int rc;

	if (!w)
		return weir_error_run(err, -ENOMEM, "no memory for the wire");
	memset(w, 0, sizeof(*w));
	w->wake_fd = -1;
	w->wake = c->wake;
	w->wake_arg = c->wake_arg;
	w->host.version = spec->ip.version;
	w->host.prefix_len = spec->prefix_len;
	w->host.has_gw = spec->gw.version != 0;
	w->host.udp_port = spec->udp_port;
	weir_net_addr(&spec->ip, &w->host.ip);
	weir_net_addr(&spec->gw, &w->host.gw);
	w->epoch = c->epoch;
	rc = open_seal(c, &w->seal, err);
	rc = rc ? rc : open_port(w, c, err);
	rc = rc ? rc : choose_mtu(w, spec, err);
	rc = rc ? rc : open_core(w, c, err);
	if (!rc) {
		/* one device for each queue: nobody knows what their kernel does */
		weir_spread_announce(w->port->rx[0].id, w->host.version, w->port->n_rx, &w->rss);
		if (w->port->n_rx > 1 && w->port->rx[1].id != w->port->rx[0].id)
			w->rss.key_len = 0;
		rc = start(w, err);
	}
	if (rc) {
		weir_wire_close(w);
		return rc;
	}
	*ret = w;
	return 0;
}

void
weir_wire_close(struct weir_wire *w)
{
	if (!w)
		return;
	if (w->has_thread) {
		atomic_store(&w->is_stopped, true);
		wire_wake(w);
		pthread_join(w->thread, NULL);
	}
	if (w->guest)
		w->guest->wake = NULL; /* nobody polls any more */
	rte_pktmbuf_free_bulk(w->ready, w->n_ready);
	rte_pktmbuf_free_bulk(w->batch.m, w->batch.n);
	weir_wire_core_destroy(w->core);
	weir_neighbours_fini(&w->neighbours);
	weir_port_close(w->port);
	weir_port_give_up_pool(w->pool);
	weir_wire_front_fini(&w->front);
	weir_seal_close(w->seal);
	free(w->greetings);
	if (w->wake_fd >= 0)
		close(w->wake_fd);
	free(w);
}

static int
share(struct weir_wire *w, void *arg)
{
	w->polls = !*(const bool *)arg;
	return 0;
}

void
weir_wire_share(struct weir_wire *w, bool is_polled)
{
	if (w->guest)
		(void)wire_call(w, share, &is_polled);
}

void
weir_wire_guest(const struct weir_wire_spec *spec, struct weir_port_guest_spec *ret)
{
	struct net_addr ip;

	weir_net_addr(&spec->ip, &ip);
	*ret = (struct weir_port_guest_spec){ .version = spec->ip.version,
		.udp_port = spec->udp_port };
	memcpy(ret->ip, ip.b, sizeof(ret->ip));
}

struct renewal {
	struct weir_seal *seal; /* the new one, then the former one */
	uint64_t incarnation;
	uint64_t epoch;
};

static int
renew(struct weir_wire *w, void *arg)
{
	struct renewal *r = arg;
	struct weir_seal *former = w->seal;
	int rc;

	wire_flush(w);
	rc = w->batch.n ? -EBUSY : weir_wire_core_renew(w->core, r->incarnation);
	if (rc)
		return rc;
	w->seal = r->seal;
	w->epoch = r->epoch;
	r->seal = former;
	return 0;
}

int
weir_wire_renew(struct weir_wire *w, const struct weir_wire_config *c, struct weir_error *err)
{
	struct renewal r = { .incarnation = c->incarnation, .epoch = c->epoch };
	int rc = open_seal(c, &r.seal, err);

	if (!rc) {
		rc = wire_call(w, renew, &r);
		if (rc)
			weir_error_run(err, rc, "the wire has peers, or its port takes nothing");
	}
	weir_seal_close(r.seal);
	return rc;
}

static int
set_epochs(struct weir_wire *w, void *arg)
{
	const uint64_t *epochs = arg;

	wire_flush(w);
	w->epoch = epochs[0];
	weir_seal_epochs(w->seal, epochs[0], epochs[1]);
	return 0;
}

void
weir_wire_set_epochs(struct weir_wire *w, uint64_t newest, uint64_t oldest)
{
	uint64_t epochs[2] = { newest, oldest };

	(void)wire_call(w, set_epochs, epochs);
}

void
weir_wire_self(const struct weir_wire *w, struct weir_wire_self *ret)
{
	memset(ret, 0, sizeof(*ret));
	weir_net_address(&w->host.ip, w->host.version, &ret->ip);
	ret->udp_port = w->host.udp_port;
	memcpy(ret->mac, w->host.mac, sizeof(ret->mac));
	ret->mtu = w->mtu;
	ret->rss = w->rss;
	ret->device = w->port->device;
	ret->seal = weir_seal_device(w->seal);
}

uint32_t
weir_wire_payload_most(const struct weir_wire *w)
{
	return w->front.payload_most;
}

struct weir_wire_frame *
weir_wire_frame_get(struct weir_wire *w)
{
	return weir_wire_front_get(&w->front);
}

unsigned
weir_wire_frames(const struct weir_wire *w, unsigned *ret_free)
{
	return weir_wire_front_frames(&w->front, ret_free);
}

int
weir_wire_send(struct weir_wire *w, unsigned id, struct weir_wire_frame *f, uint16_t queue)
{
	int rc = weir_wire_front_send(&w->front, id, f, queue);

	if (!rc)
		wire_wake(w);
	return rc;
}

unsigned
weir_wire_room(struct weir_wire *w, unsigned id)
{
	return weir_wire_front_room(&w->front, id);
}

unsigned
weir_wire_unacked(const struct weir_wire *w, unsigned id)
{
	return weir_wire_front_unacked(&w->front, id);
}

uint64_t
weir_wire_sent(const struct weir_wire *w, unsigned id)
{
	return weir_wire_front_sent(&w->front, id);
}

bool
weir_wire_is_acked(struct weir_wire *w, unsigned id, uint64_t n_sent)
{
	return weir_wire_front_is_acked(&w->front, id, n_sent);
}

unsigned
weir_wire_take(struct weir_wire *w, struct weir_wire_received *out, unsigned n)
{
	return weir_wire_front_take(&w->front, out, n);
}

void
weir_wire_release(struct weir_wire *w, const struct weir_wire_received *r, unsigned n)
{
	weir_wire_front_release(&w->front, r, n);
	if (n)
		wire_wake(w);
}

int64_t
weir_wire_heard_ns(const struct weir_wire *w, unsigned id)
{
	return id < WEIR_WIRE_PEERS
		   ? atomic_load_explicit(&w->front.shared[id].heard_ns, memory_order_relaxed)
		   : 0;
}

struct asked_stats {
	unsigned id;
	struct weir_wire_peer_stats *peer;
	struct weir_wire_stats *all;
};

/* What those who poll a shared port have counted. */
static void
add_guest(const struct weir_wire *w, uint64_t counters[WEIR_WIRE_N_COUNTERS])
{
	struct weir_port_guest_stats s;

	if (!w->guest)
		return;
	weir_port_guest_stats(w->guest, &s);
	counters[WEIR_WIRE_ASIDE] = s.packets;
	counters[WEIR_WIRE_ASIDE_FULL] = s.full;
	counters[WEIR_WIRE_UNATTENDED] = s.unattended;
}

static int
read_stats(struct weir_wire *w, void *arg)
{
	const struct asked_stats *a = arg;
	const struct wire_route *r;

	if (a->all) {
		weir_wire_core_counters(w->core, a->all->counters);
		add_guest(w, a->all->counters);
		a->all->n_queues = w->guest ? 0 : w->port->n_rx;
		memcpy(a->all->by_queue, w->by_queue, sizeof(w->by_queue));
		return 0;
	}
	if (!weir_wire_core_peer_stats(w->core, a->id, a->peer))
		return -ENOENT;
	r = &w->routes[a->id];
	a->peer->is_resolved = r->has_mac || w->neighbours.entries[r->neighbour].is_known;
	return 0;
}

bool
weir_wire_peer_stats(struct weir_wire *w, unsigned id, struct weir_wire_peer_stats *ret)
{
	struct asked_stats a = { .id = id, .peer = ret };

	return id < WEIR_WIRE_PEERS && wire_call(w, read_stats, &a) == 0;
}

void
weir_wire_stats(struct weir_wire *w, struct weir_wire_stats *ret)
{
	struct asked_stats a = { .all = ret };

	(void)wire_call(w, read_stats, &a);
	ret->memory_bytes = w->front.memory_bytes;
	ret->n_buffers = w->front.n_buffers;
	ret->n_buffers_free = weir_wire_front_buffers_free(&w->front);
}
