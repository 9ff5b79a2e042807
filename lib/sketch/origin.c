/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdbool.h>

#include <weir/sketch/origin.h>

/* Below n > 0, by splitmix64: no two samples need be independent, but none may be preferred. */
static uint64_t
draw(struct weir_origin *o, uint64_t n)
{
	uint64_t x = o->random += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (x ^ (x >> 31)) % n;
}

void
weir_origin_add(struct weir_origin *o, const struct weir_origin_packet *p)
{
	uint64_t at = o->n;

	o->seen++;
	if (o->n < WEIR_ORIGIN_PACKETS)
		o->n++;
	else
		at = draw(o, o->seen);
	if (at < WEIR_ORIGIN_PACKETS)
		o->packets[at] = *p;
}

/* One of the packets that have not been drawn; the last one takes its place. */
static struct weir_origin_packet
draw_packet(struct weir_origin *o, struct weir_origin_packet *packets, uint32_t *n)
{
	uint64_t at = draw(o, *n);
	struct weir_origin_packet p = packets[at];

	packets[at] = packets[--*n];
	return p;
}

void
weir_origin_merge(struct weir_origin *to, const struct weir_origin *from)
{
	struct weir_origin a = *to, b = *from;

	to->handed_ns = a.handed_ns > b.handed_ns ? a.handed_ns : b.handed_ns;
	to->held_ns = a.held_ns > b.held_ns ? a.held_ns : b.held_ns;
	to->seen = a.seen + b.seen;
	to->n = 0;
	/* As if all had been noted in one: each draw is from one of the two by what it stands for.
	 */
	while (to->n < WEIR_ORIGIN_PACKETS && (a.n || b.n)) {
		bool is_a = !b.n || (a.n && draw(to, a.seen + b.seen) < a.seen);
		struct weir_origin *of = is_a ? &a : &b;

		of->seen -= of->seen > of->n;
		to->packets[to->n++] = draw_packet(to, of->packets, &of->n);
	}
}
