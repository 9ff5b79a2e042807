/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "span_parts.h"

/*
 * Parts that are longer than a frame, as one value of a group, or of a row, may be: they go in
 * pieces, of which each has a number as a part has. Pieces come in no order, and are put together
 * in memory that is bounded for each peer.
 */

static uint32_t
n_pieces(uint32_t total, uint32_t size)
{
	return (total + size - 1) / size;
}

bool
weir_span_begin_long(
    struct weir_span_long *l, enum weir_span_frame of, unsigned query, uint8_t *bytes, uint32_t len)
{
	if (!bytes || !len || len > WEIR_SPAN_LONG_MOST || l->bytes) {
		free(bytes);
		return false;
	}
	*l = (struct weir_span_long){ .bytes = bytes, .len = len, .of = of, .query = query };
	return true;
}

void
weir_span_end_long(struct weir_span_long *l)
{
	free(l->bytes);
	*l = (struct weir_span_long){ 0 };
}

uint32_t
weir_span_next_piece(
    struct weir_span_long *l, uint8_t *p, uint32_t most, const struct weir_span_piece *head)
{
	uint32_t size = most - WEIR_SPAN_PIECE_HEAD, left = l->len - l->at;
	struct weir_span_piece piece = *head;

	size = size < UINT16_MAX ? size : UINT16_MAX;
	piece.of = l->of;
	piece.index = (uint16_t)(l->at / size);
	piece.size = (uint16_t)size;
	piece.total = l->len;
	size = size < left ? size : left;
	weir_span_put_piece(p, &piece);
	memcpy(p + WEIR_SPAN_PIECE_HEAD, l->bytes + l->at, size);
	return size;
}

/*
 * While more than this is under way no other one is begun: so of those that lack a piece at the
 * receiver there are never more bytes than it has room for, however large its frames are.
 */
static bool
may_begin(const struct weir_span *s, unsigned node)
{
	uint64_t n = weir_wire_unacked(s->wire, node);

	return n * weir_wire_payload_most(s->wire) <= WEIR_SPAN_LONG_MOST;
}

bool
weir_span_send_long(struct weir_span *s, unsigned node)
{
	struct weir_span_peer *peer = &s->peers[node];
	struct weir_span_long *l = &peer->sending;

	if (l->bytes && !l->at && !may_begin(s, node))
		return false;
	while (l->bytes) {
		struct weir_span_piece head = { .query = s->queries[l->query].number,
			.epoch = s->epoch,
			.number = peer->n_parts };
		struct weir_wire_frame *f = weir_span_frame(s, node);
		uint32_t len;

		if (!f)
			return false;
		len = weir_span_next_piece(l, f->data, weir_wire_payload_most(s->wire), &head);
		if (!weir_span_send_frame(s, node, f, WEIR_SPAN_PIECE_HEAD + len))
			return false;
		peer->n_parts++;
		l->at += len;
		if (l->at == l->len)
			weir_span_end_long(l);
	}
	return true;
}

/* Memory of one that is put together: itself, which pieces it has, and its bytes. */
static uint32_t
bytes_of(uint32_t total, uint32_t size)
{
	return (uint32_t)sizeof(struct weir_span_gathered) + n_pieces(total, size) + total;
}

void
weir_span_free_gathered(struct weir_span_gathered *x)
{
	free(x);
}

/* Take it out of the list. */
static void
take_out(struct weir_span_gather *g, struct weir_span_gathered *x)
{
	struct weir_span_gathered **at = &g->list;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	g->n_bytes -= bytes_of(x->total, x->size);
}

void
weir_span_forget_gathered(struct weir_span_gather *g)
{
	while (g->list) {
		struct weir_span_gathered *x = g->list;

		take_out(g, x);
		weir_span_free_gathered(x);
	}
}

/* The one that was begun first goes: what of it is missing should have come long ago. */
static void
make_room(struct weir_span_gather *g, uint32_t n_bytes)
{
	while (g->list && g->n_bytes + n_bytes > WEIR_SPAN_GATHERED_MOST) {
		struct weir_span_gathered *oldest = g->list;

		for (struct weir_span_gathered *x = g->list; x; x = x->next)
			oldest = x->first < oldest->first ? x : oldest;
		take_out(g, oldest);
		weir_span_free_gathered(oldest);
		g->n_shed++;
	}
}

static struct weir_span_gathered *
begin_gathering(struct weir_span_gather *g, const struct weir_span_piece *piece)
{
	uint32_t n_bytes = bytes_of(piece->total, piece->size);
	struct weir_span_gathered *x;

	make_room(g, n_bytes);
	x = calloc(1, n_bytes);
	if (!x)
		return NULL;
	x->first = piece->number - piece->index;
	x->total = piece->total;
	x->size = piece->size;
	x->n_left = n_pieces(piece->total, piece->size);
	x->of = piece->of;
	x->query = piece->query;
	x->bytes = x->has + x->n_left;
	x->next = g->list;
	g->list = x;
	g->n_bytes += n_bytes;
	return x;
}

static struct weir_span_gathered *
find(const struct weir_span_gather *g, uint64_t first)
{
	struct weir_span_gathered *x = g->list;

	while (x && x->first != first)
		x = x->next;
	return x;
}

int
weir_span_gather(struct weir_span_gather *g, const struct weir_span_piece *piece,
    const uint8_t *bytes, struct weir_span_gathered **ret)
{
	struct weir_span_gathered *x = find(g, piece->number - piece->index);

	*ret = NULL;
	if (!x)
		x = begin_gathering(g, piece);
	if (!x)
		return -ENOMEM;
	if (x->total != piece->total || x->size != piece->size || x->of != piece->of ||
	    x->query != piece->query || x->has[piece->index])
		return -EBADMSG;
	x->has[piece->index] = 1;
	memcpy(x->bytes + (size_t)piece->index * piece->size, bytes, piece->len);
	if (--x->n_left)
		return 0;
	take_out(g, x);
	*ret = x;
	return 0;
}
