/* SPDX-License-Identifier: BSD-3-Clause */
#include "span_parts.h"

/* Frames to other nodes. */

struct weir_wire_frame *
weir_span_frame(struct weir_span *s, unsigned node)
{
	return weir_wire_room(s->wire, node) ? weir_wire_frame_get(s->wire) : NULL;
}

bool
weir_span_send_frame(struct weir_span *s, unsigned node, struct weir_wire_frame *f, uint32_t len)
{
	int rc;

	f->len = len;
	rc = weir_wire_send(s->wire, node, f, WEIR_WIRE_ANY_QUEUE);
	weir_wire_frame_put(f);
	return rc == 0;
}

bool
weir_span_send_part(struct weir_span *s, unsigned node, struct weir_wire_frame *f,
    enum weir_span_frame type, unsigned query, size_t len)
{
	struct weir_span_peer *peer = &s->peers[node];

	weir_span_put_part(f->data, type, s->queries[query].number, s->epoch, peer->n_parts);
	if (!weir_span_send_frame(s, node, f, WEIR_SPAN_PART_HEAD + (uint32_t)len))
		return false;
	peer->n_parts++;
	return true;
}

uint32_t
weir_span_part_most(const struct weir_span *s)
{
	return weir_wire_payload_most(s->wire) - WEIR_SPAN_PART_HEAD;
}
