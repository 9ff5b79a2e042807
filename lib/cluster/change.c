/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cluster_parts.h"

/* Nodes see a need at the same time: those further back in the list wait for the ones in front. */
#define RANK_NS     (WEIR_NS_PER_S / 50)
#define RANK_MAX_NS (WEIR_NS_PER_S / 2)
#define MOVE_TRIES  20

enum need { NEED_NOTHING, NEED_FIRST, NEED_LOSS, NEED_PLANNED, NEED_MOVE };

/* A change in the making: a copy of the record, and what its nodes will be. */
struct change {
	struct weir_record *r;
	uint8_t members[WEIR_RECORD_NODES_MAX];
	uint8_t is_lost[WEIR_RECORD_NODES_MAX];
};

static const struct weir_map *
newest_of(const struct weir_record *r)
{
	return &r->maps[r->n_maps - 1];
}

static bool
is_there(const struct weir_cluster *c, const struct weir_record_node *n)
{
	return weir_cluster_text_of(c, n->name, n->incarnation) != NULL;
}

static unsigned
count_ready(const struct weir_cluster *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_texts; i++)
		n += c->texts[i].state == WEIR_NODE_LIVE;
	return n;
}

/* A map whose members are all gone is of a run that ended: the next one begins anew. */
static bool
is_over(const struct weir_cluster *c)
{
	const struct weir_record *r = c->record;

	for (unsigned i = 0; r && i < r->n_nodes; i++)
		if (newest_of(r)->members[i] && is_there(c, &r->nodes[i]))
			return false;
	return true;
}

static bool
has_loss(const struct weir_cluster *c)
{
	const struct weir_record *r = c->record;

	for (unsigned i = 0; i < r->n_nodes; i++)
		if (newest_of(r)->members[i] && !is_there(c, &r->nodes[i]))
			return true;
	return false;
}

static unsigned
count_live(const struct weir_record *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n_nodes; i++)
		n += newest_of(r)->members[i] == WEIR_MEMBER_LIVE;
	return n;
}

/* Windows up to then are done on all nodes that have any. */
static int64_t
done_everywhere(const struct weir_cluster *c)
{
	int64_t done_ns = INT64_MAX;

	for (unsigned i = 0; i < c->n_texts; i++)
		if (weir_record_find(c->record, c->texts[i].name, c->texts[i].incarnation) !=
			WEIR_NO_NODE &&
		    c->texts[i].done_ns < done_ns)
			done_ns = c->texts[i].done_ns;
	return done_ns;
}

/* Room for planned changes is left to losses, which cannot wait. */
static bool
has_room(const struct weir_cluster *c)
{
	return c->record->n_maps < WEIR_MAPS_PLANNED ||
	       c->record->maps[1].from_ns <= done_everywhere(c);
}

/* A node that joins, or drains while others are there. */
static bool
has_plan(const struct weir_cluster *c)
{
	const struct weir_record *r = c->record;
	unsigned n_live = count_live(r);

	for (unsigned i = 0; i < c->n_texts; i++) {
		const struct weir_node_text *t = &c->texts[i];
		unsigned n = weir_record_find(r, t->name, t->incarnation);
		enum weir_member m = n == WEIR_NO_NODE ? WEIR_NOT_MEMBER
						       : (enum weir_member)newest_of(r)->members[n];

		if (m == WEIR_NOT_MEMBER && t->state == WEIR_NODE_LIVE &&
		    (n == WEIR_NO_NODE || !r->nodes[n].lost_epoch) &&
		    r->n_nodes + 1 < WEIR_RECORD_NODES_MAX)
			return true;
		if (m == WEIR_MEMBER_LIVE && t->state == WEIR_NODE_DRAINING && n_live > 1)
			return true;
	}
	return false;
}

static enum need
need_of(struct weir_cluster *c, int64_t now_ns)
{
	bool has_move;

	if (!c->record || is_over(c)) {
		if (count_ready(c) < c->n_wanted)
			return NEED_NOTHING;
		/* They may only be cut off, and be back in a moment. */
		if (!c->record || now_ns >= c->trust_ns)
			return NEED_FIRST;
		c->due_ns = c->trust_ns;
		return NEED_NOTHING;
	}
	if (has_loss(c)) {
		if (now_ns >= c->trust_ns)
			return NEED_LOSS;
		c->due_ns = c->trust_ns;
	}
	if (!has_room(c))
		return NEED_NOTHING;
	if (has_plan(c))
		return NEED_PLANNED;
	pthread_mutex_lock(&c->lock);
	has_move = c->n_moves > 0;
	pthread_mutex_unlock(&c->lock);
	return has_move && c->was_member ? NEED_MOVE : NEED_NOTHING;
}

static void
add_ready(const struct weir_cluster *c, struct change *g)
{
	for (unsigned i = 0; i < c->n_texts; i++) {
		const struct weir_node_text *t = &c->texts[i];
		unsigned n = weir_record_find(g->r, t->name, t->incarnation);

		if (t->state != WEIR_NODE_LIVE)
			continue;
		if (n == WEIR_NO_NODE && g->r->n_nodes + 1 < WEIR_RECORD_NODES_MAX)
			n = weir_record_add_node(g->r, t->name, t->incarnation, t->weight);
		if (n != WEIR_NO_NODE && !g->r->nodes[n].lost_epoch)
			g->members[n] = WEIR_MEMBER_LIVE;
	}
}

static void
take_lost(const struct weir_cluster *c, struct change *g)
{
	unsigned n_left = 0;

	for (unsigned i = 0; i < g->r->n_nodes; i++) {
		if (g->members[i] && !is_there(c, &g->r->nodes[i])) {
			g->members[i] = WEIR_NOT_MEMBER;
			g->is_lost[i] = true;
		}
		n_left += g->members[i] == WEIR_MEMBER_LIVE;
	}
	/* Only draining ones are left: those that have just come have to step in. */
	if (n_left == 0)
		add_ready(c, g);
}

static void
plan(const struct weir_cluster *c, struct change *g)
{
	unsigned n_live = 0;

	add_ready(c, g);
	for (unsigned i = 0; i < g->r->n_nodes; i++)
		n_live += g->members[i] == WEIR_MEMBER_LIVE;
	for (unsigned i = 0; i < g->r->n_nodes; i++) {
		const struct weir_record_node *n = &g->r->nodes[i];
		const struct weir_node_text *t = weir_cluster_text_of(c, n->name, n->incarnation);

		if (g->members[i] != WEIR_MEMBER_LIVE || !t || t->state != WEIR_NODE_DRAINING ||
		    n_live == 1)
			continue;
		g->members[i] = WEIR_MEMBER_DRAINING;
		n_live--;
	}
}

static void
begin(const struct weir_cluster *c, struct change *g, bool is_first)
{
	memset(g, 0, sizeof(*g));
	if (is_first) {
		g->r = weir_record_create();
		return;
	}
	g->r = weir_record_copy(c->record);
	memcpy(g->members, newest_of(g->r)->members, g->r->n_nodes);
}

/* Append the map and write it. -ESTALE: somebody was faster; -EAGAIN: away. */
static int
finish(struct weir_cluster *c, struct change *g, bool is_first)
{
	struct weir_map_change m = { .from_ns =
					 is_first ? INT64_MIN : weir_now_wall_ns() + c->lead_ns,
		.done_ns = is_first ? INT64_MIN : done_everywhere(c),
		.members = g->members,
		.is_lost = g->is_lost };
	int rc = weir_record_append(g->r, &m);
	uint64_t revision;

	if (rc == 0) {
		char *text = weir_record_encode(g->r);

		rc = c->co->ops->swap(c->co, "map", c->map_revision, text, &revision, NULL);
		free(text);
	}
	if (rc == -ESTALE || rc == -EAGAIN)
		c->co->is_stale = true;
	weir_record_free(g->r);
	return rc;
}

static void
drop_move(struct weir_cluster *c)
{
	pthread_mutex_lock(&c->lock);
	free(c->moves[0].node);
	memmove(c->moves, c->moves + 1, --c->n_moves * sizeof(*c->moves));
	pthread_mutex_unlock(&c->lock);
}

/* The live member of that name, in the record. */
static unsigned
member_named(const struct weir_record *r, const char *name)
{
	for (unsigned i = 0; i < r->n_nodes; i++)
		if (newest_of(r)->members[i] == WEIR_MEMBER_LIVE && !strcmp(r->nodes[i].name, name))
			return i;
	return WEIR_NO_NODE;
}

static void
move(struct weir_cluster *c)
{
	struct weir_move first, *m = &first;
	struct change g;
	unsigned to = WEIR_NO_NODE;
	int rc;

	pthread_mutex_lock(&c->lock);
	c->moves[0].n_tries++;
	first = c->moves[0]; /* only this thread takes it out */
	pthread_mutex_unlock(&c->lock);
	if (m->node)
		to = member_named(c->record, m->node);
	if (m->node && to == WEIR_NO_NODE) {
		weir_cluster_tell(c, "slots %u-%u are not moved: node %s is not live", m->first,
		    m->last, m->node);
		drop_move(c);
		return;
	}
	begin(c, &g, false);
	for (unsigned s = m->first; s <= m->last; s++)
		g.r->pins[s] = (uint16_t)to;
	rc = finish(c, &g, false);
	if (rc && m->n_tries < MOVE_TRIES)
		return;
	weir_cluster_tell(c, "slots %u-%u %s%s%s", m->first, m->last,
	    rc        ? "could not be moved"
	    : m->node ? "move to node "
		      : "move back to where rendezvous has them",
	    !rc && m->node ? m->node : "", rc ? ": others change the map all the time" : "");
	drop_move(c);
}

static int64_t
rank_ns(const struct weir_cluster *c)
{
	int64_t ns = 0;

	for (unsigned i = 0; i < c->n_texts && strcmp(c->texts[i].name, c->self.name); i++)
		ns += RANK_NS;
	return ns < RANK_MAX_NS ? ns : RANK_MAX_NS;
}

void
weir_cluster_change(struct weir_cluster *c, int64_t now_ns)
{
	enum need need = c->is_lost || c->is_map_bad ? NEED_NOTHING : need_of(c, now_ns);
	struct change g;

	if (need == NEED_NOTHING) {
		c->need_ns = 0;
		return;
	}
	if (need == NEED_MOVE) {
		move(c);
		return;
	}
	if (!c->need_ns)
		c->need_ns = now_ns;
	if (now_ns < c->need_ns + rank_ns(c)) {
		c->due_ns = c->need_ns + rank_ns(c);
		return;
	}
	c->need_ns = 0;
	begin(c, &g, need == NEED_FIRST);
	if (need == NEED_FIRST)
		add_ready(c, &g);
	else if (need == NEED_LOSS)
		take_lost(c, &g);
	else
		plan(c, &g);
	/* -ENOSPC: nobody is left to own anything; who joins next changes that. */
	if (finish(c, &g, need == NEED_FIRST) == -ENOSPC)
		c->due_ns = now_ns + WEIR_NS_PER_S;
}

int
weir_cluster_take_out(struct weir_cluster *c)
{
	struct change g;
	unsigned self, n_others = 0;
	uint64_t revision;
	int rc;

	if (!c->record || c->is_lost || c->is_map_bad)
		return 0;
	self = weir_record_find(c->record, c->self.name, c->self.incarnation);
	if (self == WEIR_NO_NODE || !newest_of(c->record)->members[self])
		return 0;
	begin(c, &g, false);
	for (unsigned i = 0; i < g.r->n_nodes; i++)
		n_others += i != self && g.members[i];
	if (n_others == 0) {
		weir_record_free(g.r);
		rc = c->co->ops->swap(c->co, "map", c->map_revision, NULL, &revision, NULL);
	} else {
		/* Who leaves without draining first gives up what it owns: as one that is lost. */
		g.is_lost[self] = g.members[self] == WEIR_MEMBER_LIVE;
		g.members[self] = WEIR_NOT_MEMBER;
		g.r->nodes[self].is_left = true;
		rc = finish(c, &g, false);
	}
	if (rc == -ESTALE || rc == -EAGAIN) {
		c->co->is_stale = true;
		return -EAGAIN;
	}
	return 0;
}
