/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/log.h>
#include <weir/base/time.h>
#include <weir/packet/link.h>

#include "file_pcapng.h"
#include "file_reader.h"

/*
 * pcapng (draft-ietf-opsawg-pcapng), read by ourselves: libpcap refuses files whose interfaces
 * differ and hides which interface a packet came from. Every length is checked against the block,
 * every block against MAX_BLOCK_BYTES; views point into the input's buffer.
 */

#define BLOCK_SHB        0x0a0d0d0au
#define BLOCK_IDB        1u
#define BLOCK_PB         2u /* obsolete packet block */
#define BLOCK_SPB        3u
#define BLOCK_EPB        6u

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define MIN_BLOCK_BYTES  12u
#define MAX_BLOCK_BYTES  (64u << 20)
#define MAX_INTERFACES   (1u << 20) /* in a section: bounds memory on an endless stream */

#define SHB_FIXED_BYTES  16u
#define IDB_FIXED_BYTES  8u
#define EPB_FIXED_BYTES  20u
#define SPB_FIXED_BYTES  4u

struct pcapng_reader {
	struct weir_reader r;
	struct weir_pcapng_interface *interfaces; /* of this section */
	uint32_t n_interfaces;
	uint32_t cap_interfaces;
	uint32_t section_base; /* number of the section's first interface in the file */
	bool is_swapped;
	bool is_end;
};

/* A block's place: body between header and trailing length. */
struct block {
	uint32_t type;
	uint32_t total; /* bytes, header and trailer included */
	const uint8_t *body;
	uint32_t body_len;
};

static uint16_t
get16(const struct pcapng_reader *p, const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return p->is_swapped ? __builtin_bswap16(v) : v;
}

static uint32_t
get32(const struct pcapng_reader *p, const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return p->is_swapped ? __builtin_bswap32(v) : v;
}

#define damage(p, ...) weir_reader_damage(&(p)->r, (p)->r.in->offset, __VA_ARGS__)

/* A section header says in which order all numbers of its section are, its own length among them.
 */
static bool
read_byte_order(struct pcapng_reader *p, const uint8_t *at)
{
	uint32_t magic;

	memcpy(&magic, at + 8, sizeof(magic));
	if (magic != BYTE_ORDER_MAGIC && magic != __builtin_bswap32(BYTE_ORDER_MAGIC)) {
		damage(p, "section header without byte-order magic");
		return false;
	}
	p->is_swapped = magic != BYTE_ORDER_MAGIC;
	return true;
}

/* What is missing of the next n bytes: false at the file's end, for a pipe that waits, or after
 * damage. */
static bool
has_bytes(struct pcapng_reader *p, uint32_t n, const char *what)
{
	struct weir_input *in = p->r.in;
	size_t have = weir_input_have(in);

	if (have >= n)
		return true;
	if (in->error)
		damage(p, "%s", strerror(in->error));
	else if (in->is_eof && have)
		damage(p, "cut short in %s: %zu of %u bytes are there", what, have, n);
	p->is_end = in->is_eof;
	return false;
}

/*
 * The next block, wholly buffered. may_fill says whether the buffer may move: not while views of
 * this burst point into it.
 */
static bool
next_block(struct pcapng_reader *p, bool may_fill, struct block *ret)
{
	struct weir_input *in = p->r.in;
	const uint8_t *at;
	uint32_t total, trailer;

	if (may_fill)
		weir_input_need(in, MIN_BLOCK_BYTES, in->is_regular);
	else if (weir_input_have(in) < MIN_BLOCK_BYTES)
		return false;
	if (!has_bytes(p, MIN_BLOCK_BYTES, "a block header"))
		return false;
	at = weir_input_at(in);
	memcpy(&ret->type, at, sizeof(ret->type));
	if (ret->type == BLOCK_SHB) { /* a palindrome: the same in both orders */
		if (!read_byte_order(p, at))
			return false;
	} else {
		ret->type = get32(p, at);
	}
	total = get32(p, at + 4);
	if (total < MIN_BLOCK_BYTES || total % 4) {
		damage(p, "impossible block length %u", total);
		return false;
	}
	if (total > MAX_BLOCK_BYTES) {
		damage(
		    p, "block of %u bytes, more than the %u that are read", total, MAX_BLOCK_BYTES);
		return false;
	}
	if (may_fill)
		weir_input_need(in, total, in->is_regular);
	else if (weir_input_have(in) < total)
		return false;
	if (!has_bytes(p, total, "a block"))
		return false;
	at = weir_input_at(in);
	trailer = get32(p, at + total - 4);
	if (trailer != total) {
		damage(p, "block length %u is %u at the block's end", total, trailer);
		return false;
	}
	ret->total = total;
	ret->body = at + 8;
	ret->body_len = total - MIN_BLOCK_BYTES;
	return true;
}

static bool
read_section(struct pcapng_reader *p, const struct block *k)
{
	uint16_t major;

	if (k->body_len < SHB_FIXED_BYTES) {
		damage(p, "section header of %u bytes is too short", k->total);
		return false;
	}
	major = get16(p, k->body + 4);
	if (major != 1) {
		damage(p, "pcapng version %u is not known", major);
		return false;
	}
	p->section_base += p->n_interfaces;
	p->n_interfaces = 0;
	return true;
}

/* Options that reach beyond the block are ignored: the interface itself is readable. */
static void
read_interface_options(
    const struct pcapng_reader *p, const struct block *k, struct weir_pcapng_interface *i)
{
	uint32_t at = IDB_FIXED_BYTES;

	while (k->body_len - at >= 4) {
		uint16_t code = get16(p, k->body + at);
		uint16_t len = get16(p, k->body + at + 2);
		const uint8_t *value = k->body + at + 4;

		if (code == 0 || len > k->body_len - at - 4)
			return;
		if (code == WEIR_PCAPNG_IF_TSRESOL && len >= 1) {
			i->tsresol = value[0];
		} else if (code == WEIR_PCAPNG_IF_TSOFFSET && len >= 8) {
			uint64_t offset;

			memcpy(&offset, value, sizeof(offset));
			i->tsoffset_s =
			    (int64_t)(p->is_swapped ? __builtin_bswap64(offset) : offset);
		}
		at += 4 + (((uint32_t)len + 3) & ~3u);
		if (at > k->body_len)
			return;
	}
}

static struct weir_pcapng_interface *
add_interface(struct pcapng_reader *p)
{
	if (p->n_interfaces == p->cap_interfaces) {
		uint32_t cap = p->cap_interfaces ? 2 * p->cap_interfaces : 8;
		void *q = realloc(p->interfaces, cap * sizeof(p->interfaces[0]));

		if (!q)
			return NULL;
		p->interfaces = q;
		p->cap_interfaces = cap;
	}
	return &p->interfaces[p->n_interfaces];
}

static bool
read_interface(struct pcapng_reader *p, const struct block *k)
{
	struct weir_pcapng_interface *i;
	uint32_t number = p->r.first_interface + p->section_base + p->n_interfaces;

	if (k->body_len < IDB_FIXED_BYTES) {
		damage(p, "interface description of %u bytes is too short", k->total);
		return false;
	}
	i = p->n_interfaces < MAX_INTERFACES ? add_interface(p) : NULL;
	if (!i) {
		damage(p, "more interfaces than %u", p->n_interfaces);
		return false;
	}
	memset(i, 0, sizeof(*i));
	i->tsresol = 6;
	i->snap_len = get32(p, k->body + 4);
	i->dlt = weir_pcapng_dlt(get16(p, k->body));
	i->link = (uint8_t)weir_link_of_dlt(i->dlt);
	if (number == UINT16_MAX + 1u)
		weir_log(WEIR_LOG_WARNING,
		    "more than %u interfaces: the others share the last number", UINT16_MAX + 1u);
	i->number = number > UINT16_MAX ? UINT16_MAX : (uint16_t)number;
	read_interface_options(p, k, i);
	p->n_interfaces++;
	p->r.n_interfaces = p->section_base + p->n_interfaces;
	return true;
}

/* What the three packet blocks say, each in its own layout. */
struct packet {
	uint32_t interface;
	bool has_time;
	uint64_t time; /* in the interface's unit */
	uint32_t cap_len;
	uint32_t wire_len;
	uint32_t fixed; /* bytes in the block before the packet */
};

static bool
parse_packet(struct pcapng_reader *p, const struct block *k, struct packet *ret)
{
	const uint8_t *at = k->body;

	memset(ret, 0, sizeof(*ret));
	ret->fixed = k->type == BLOCK_SPB ? SPB_FIXED_BYTES : EPB_FIXED_BYTES;
	if (k->body_len < ret->fixed) {
		damage(p, "packet block of %u bytes is too short", k->total);
		return false;
	}
	if (k->type == BLOCK_SPB) {
		ret->wire_len = get32(p, at);
	} else {
		ret->interface = k->type == BLOCK_PB ? get16(p, at) : get32(p, at);
		ret->has_time = true;
		ret->time = (uint64_t)get32(p, at + 4) << 32 | get32(p, at + 8);
		ret->cap_len = get32(p, at + 12);
		ret->wire_len = get32(p, at + 16);
	}
	if (ret->interface >= p->n_interfaces) {
		damage(p, "packet of interface %u, which the section does not describe",
		    ret->interface);
		return false;
	}
	return true;
}

/* A simple packet block does not say how much was captured: what the snap length allows. */
static uint32_t
simple_cap_len(const struct weir_pcapng_interface *i, const struct packet *k, uint32_t room)
{
	uint32_t len = k->wire_len;

	if (i->snap_len && len > i->snap_len)
		len = i->snap_len;
	return len > room ? room : len;
}

static bool
read_packet(struct pcapng_reader *p, const struct block *k, struct weir_batch *b)
{
	const struct weir_pcapng_interface *i;
	struct packet packet;
	uint32_t row = b->n, room;

	if (!parse_packet(p, k, &packet))
		return false;
	i = &p->interfaces[packet.interface];
	room = k->body_len - packet.fixed;
	if (k->type == BLOCK_SPB)
		packet.cap_len = simple_cap_len(i, &packet, room);
	if (packet.cap_len > room) {
		damage(
		    p, "packet of %u bytes in a block that has room for %u", packet.cap_len, room);
		return false;
	}
	b->data[row] = k->body + packet.fixed;
	b->cap_len[row] = packet.cap_len;
	b->wire_len[row] = packet.wire_len;
	b->time_ns[row] = packet.has_time ? weir_pcapng_time(i, packet.time) : WEIR_TIME_NONE;
	b->interface[row] = i->number;
	b->link[row] = i->link;
	b->dlt[row] = i->dlt;
	b->owner[row] = NULL;
	b->n++;
	return true;
}

static bool
read_block(struct pcapng_reader *p, const struct block *k, struct weir_batch *b)
{
	switch (k->type) {
	case BLOCK_SHB:
		return read_section(p, k);
	case BLOCK_IDB:
		return read_interface(p, k);
	case BLOCK_PB:
	case BLOCK_SPB:
	case BLOCK_EPB:
		return read_packet(p, k, b);
	default: /* names, statistics, secrets, custom and unknown blocks */
		return true;
	}
}

static enum weir_read
pcapng_fill(struct weir_reader *r, struct weir_batch *b, uint32_t max)
{
	struct pcapng_reader *p = (struct pcapng_reader *)r;
	struct block k;

	b->n = 0;
	b->queue_depth = -1;
	while (b->n < max && !p->is_end && !r->why[0] && next_block(p, b->n == 0, &k)) {
		if (!read_block(p, &k, b))
			break;
		weir_input_consume(r->in, k.total);
	}
	return weir_reader_result(r, b, p->is_end);
}

static void
pcapng_close(struct weir_reader *r)
{
	struct pcapng_reader *p = (struct pcapng_reader *)r;

	free(p->interfaces);
	free(p);
}

static const struct weir_reader_ops pcapng_ops = {
	.fill = pcapng_fill,
	.close = pcapng_close,
};

/*
 * Read up to the first packet of a file, so that its interfaces are known and numbered before the
 * next source gets its numbers. A pipe is not waited for.
 */
static void
read_head(struct pcapng_reader *p)
{
	struct block k;

	while (!p->is_end && !p->r.why[0] && next_block(p, true, &k)) {
		if (k.type == BLOCK_PB || k.type == BLOCK_SPB || k.type == BLOCK_EPB)
			return;
		if (!read_block(p, &k, NULL))
			return;
		weir_input_consume(p->r.in, k.total);
	}
}

int
weir_pcapng_reader_open(struct weir_input *in, uint16_t first_interface, struct weir_reader **ret,
    struct weir_error *err)
{
	struct pcapng_reader *p = calloc(1, sizeof(*p));

	if (!p)
		return weir_error_run(err, -ENOMEM, "out of memory");
	p->r.ops = &pcapng_ops;
	p->r.in = in;
	p->r.first_interface = first_interface;
	if (in->is_regular)
		read_head(p);
	*ret = &p->r;
	return 0;
}
