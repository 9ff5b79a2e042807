/* SPDX-License-Identifier: BSD-3-Clause */
#include "neighbour.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weir/base/time.h>

#define MS         INT64_C(1000000)
#define FIRST_NS   (200 * MS)  /* between questions, twice as long each time */
#define LONGEST_NS (1000 * MS) /* RFC 4861: once a second */
#define ANSWER_NS  (3000 * MS) /* an answer that comes later was not asked for */
#define FRESH_NS   (30000 * MS)
#define KEPT_NS    (60000 * MS) /* without an answer */
#define SUSPECT_NS (1000 * MS)
#define MOST_STEPS 5u

int
weir_neighbours_init(struct weir_neighbours *t)
{
	t->n = 0;
	t->entries = calloc(WEIR_WIRE_PEERS, sizeof(*t->entries));
	return t->entries ? 0 : -ENOMEM;
}

void
weir_neighbours_fini(struct weir_neighbours *t)
{
	free(t->entries);
	t->entries = NULL;
	t->n = 0;
}

unsigned
weir_neighbours_add(struct weir_neighbours *t, const struct net_addr *addr, int64_t now_ns)
{
	unsigned at = t->n;

	for (unsigned i = 0; i < t->n; i++) {
		struct weir_neighbour *e = &t->entries[i];

		if (e->n_users && weir_net_is_same(&e->addr, addr)) {
			e->n_users++;
			return i;
		}
		if (!e->n_users && at == t->n)
			at = i;
	}
	/* there are as many entries as peers */
	t->n += at == t->n;
	t->entries[at] =
	    (struct weir_neighbour){ .addr = *addr, .n_users = 1, .ask_at_ns = now_ns };
	return at;
}

void
weir_neighbours_drop(struct weir_neighbours *t, unsigned at)
{
	t->entries[at].n_users--;
	while (t->n && !t->entries[t->n - 1].n_users)
		t->n--;
}

void
weir_neighbours_suspect(struct weir_neighbours *t, unsigned at, int64_t now_ns)
{
	struct weir_neighbour *e = &t->entries[at];

	if (!e->is_known || now_ns - e->asked_ns < SUSPECT_NS)
		return;
	/* everybody: it may have another link address now */
	e->known_ns = now_ns - FRESH_NS - (KEPT_NS - FRESH_NS) / 2;
	e->ask_at_ns = now_ns;
}

bool
weir_neighbours_learn(
    struct weir_neighbours *t, const struct net_addr *addr, const uint8_t *mac, int64_t now_ns)
{
	for (unsigned i = 0; i < t->n; i++) {
		struct weir_neighbour *e = &t->entries[i];

		if (!e->n_users || !weir_net_is_same(&e->addr, addr))
			continue;
		if (!e->n_asked || now_ns - e->asked_ns > ANSWER_NS)
			return false;
		memcpy(e->mac, mac, sizeof(e->mac));
		e->is_known = true;
		e->n_asked = 0;
		e->known_ns = now_ns;
		e->ask_at_ns = now_ns + FRESH_NS;
		return true;
	}
	return false;
}

int
weir_neighbours_due(
    struct weir_neighbours *t, int64_t now_ns, const uint8_t **ret_mac, int64_t *ret_next_ns)
{
	*ret_next_ns = INT64_MAX;
	for (unsigned i = 0; i < t->n; i++) {
		struct weir_neighbour *e = &t->entries[i];
		int64_t wait_ns;

		if (!e->n_users)
			continue;
		if (now_ns < e->ask_at_ns) {
			*ret_next_ns = e->ask_at_ns < *ret_next_ns ? e->ask_at_ns : *ret_next_ns;
			continue;
		}
		if (e->is_known && now_ns - e->known_ns >= KEPT_NS)
			e->is_known = false;
		/* at first the one that had it, then everybody */
		*ret_mac =
		    e->is_known && now_ns - e->known_ns < (FRESH_NS + KEPT_NS) / 2 ? e->mac : NULL;
		wait_ns = FIRST_NS << (e->n_asked < MOST_STEPS ? e->n_asked : MOST_STEPS);
		e->ask_at_ns = now_ns + (wait_ns < LONGEST_NS ? wait_ns : LONGEST_NS);
		e->asked_ns = now_ns;
		e->n_asked++;
		return (int)i;
	}
	return -1;
}
