/* SPDX-License-Identifier: BSD-3-Clause */
#include "ports.h"

#include <errno.h>
#include <rte_mempool.h>
#include <string.h>
#include <time.h>

#include <weir/base/number.h>
#include <weir/base/time.h>

#include "receiver.h"

/* Beside what rings hold: a burst in the making, and what a full ring of another kind keeps. */
#define PROBES 2048

static int
open_one(const char *flag, const char *name, bool receives, bool sends, struct weir_port **ret,
    struct weir_error *err)
{
	struct weir_port_config c = {
		.name = name, .n_workers = 1, .n_senders = sends, .is_send_only = !receives
	};
	int rc = weir_port_open(&c, ret, err);

	return rc ? weir_error_wrap(err, "%s '%s'", flag, name) : 0;
}

/* Ports and queues of one way. rx is NULL where rows come back. */
static int
open_way(const char *const flags[2], const char *tx, const char *rx, const struct config *c,
    struct weir_port *ports[2], struct path *ret, struct weir_error *err)
{
	bool is_same = rx && strcmp(tx, rx) == 0;
	uint32_t room = frame_most(&c->frame);
	int rc = open_one(flags[0], tx, is_same, true, &ports[0], err);

	if (!rc && rx)
		rc = open_one(flags[1], rx, true, is_same, &ports[1], err);
	if (rc)
		return rc;
	if (!ports[0]->n_tx)
		return weir_error_run(
		    err, -ENOTSUP, "%s '%s': its driver sends nothing", flags[0], tx);
	if (room > ports[0]->data_bytes || room > ports[0]->mtu + 14u)
		return weir_error_run(err, -EMSGSIZE,
		    "--size: a probe of %u bytes is too long for '%s', whose MTU is %u", room, tx,
		    ports[0]->mtu);
	ret->tx = ports[0]->tx[0];
	ret->pool = weir_port_make_pool(ports[0], PROBES, room, err);
	if (!ret->pool)
		return weir_error_wrap(err, "%s '%s'", flags[0], tx);
	return rx ? receiver_open_port(ports[1], &ret->receiver, err) : 0;
}

int
ports_open(struct session *s, struct weir_error *err)
{
	static const char *const flags[2] = { "--tx", "--rx" };
	static const char *const floor_flags[2] = { "--floor-tx", "--floor-rx" };
	const struct config *c = s->config;
	struct weir_port *ports[2] = { NULL }, *floor[2] = { NULL };
	int rc = floor_find(c, &s->floor, err);

	if (!rc)
		rc = open_way(flags, c->tx, c->rows ? NULL : c->rx, c, ports, &s->path, err);
	s->tx = ports[0];
	s->rx = ports[1];
	if (!rc && c->rows)
		rc = receiver_open_rows(c->rows, c->rows_field, &c->frame, &s->path.receiver, err);
	if (!rc && s->floor.tx)
		rc = open_way(floor_flags, s->floor.tx, s->floor.rx, c, floor, &s->floor_way, err);
	s->floor_tx = floor[0];
	s->floor_rx = floor[1];
	return rc;
}

static void
close_way(struct path *p, struct weir_port *tx, struct weir_port *rx)
{
	if (p->receiver)
		p->receiver->close(p->receiver);
	if (tx)
		weir_port_close(tx);
	if (rx)
		weir_port_close(rx);
	rte_mempool_free(p->pool);
}

void
ports_close(struct session *s)
{
	close_way(&s->path, s->tx, s->rx);
	close_way(&s->floor_way, s->floor_tx, s->floor_rx);
	floor_fini(&s->floor);
}

int
ports_wait(struct session *s, struct weir_error *err)
{
	const struct weir_port *const ports[] = { s->tx, s->rx, s->floor_tx, s->floor_rx };
	int64_t until = weir_now_mono_ns() + s->config->wait_ns;
	char waited[32];

	for (unsigned i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		while (ports[i] && !weir_port_is_up(ports[i])) {
			if (weir_now_mono_ns() > until)
				return weir_error_run(err, -ETIMEDOUT,
				    "'%s': its link is still down after %s (--wait to wait longer)",
				    ports[i]->name,
				    weir_text_duration(s->config->wait_ns, waited, sizeof(waited)));
			if (atomic_load(s->stop))
				return weir_error_run(err, -EINTR, "stopped before it began");
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		}
	return 0;
}
