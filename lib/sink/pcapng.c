/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>

#include "kind.h"
#include "output.h"

/*
 * pcapng (draft-ietf-opsawg-pcapng) in the byte order of the host: a section header, an
 * interface description before the first packet of each interface and link type, an enhanced
 * packet block a packet. A packet without a time becomes a simple packet block, which has none,
 * where that can hold it (first interface, not cut short); else its time is 0 and a comment says
 * so.
 */

enum block_type {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_SIMPLE = 3,
	BLOCK_ENHANCED = 6,
};

enum option_code {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_IF_NAME = 2,
	OPTION_SHB_USERAPPL = 4,
	OPTION_IF_TSRESOL = 9,
};

struct interface {
	uint16_t number;
	uint16_t dlt;
};

struct pcapng {
	struct weir_output *out;
	struct interface *interfaces; /* [n]; index is the interface's number in the file */
	unsigned n;
	unsigned last; /* that of the packet before */
	bool has_section;
};

/* libpcap's DLT_ on Linux to LINKTYPE_: the same but for the few that differ between systems. */
static uint16_t
link_type(uint16_t dlt)
{
	static const struct {
		uint16_t dlt;
		uint16_t link_type;
	} others[] = {
		{ 11, 100 }, /* ATM_RFC1483 */
		{ 12, 101 }, /* RAW */
		{ 15, 102 }, /* SLIP_BSDOS */
		{ 16, 103 }, /* PPP_BSDOS */
		{ 19, 106 }, /* ATM_CLIP */
	};

	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].dlt == dlt)
			return others[i].link_type;
	return dlt;
}

static void
add_u16(struct weir_strbuf *b, uint16_t v)
{
	weir_strbuf_add(b, &v, sizeof(v));
}

static void
add_u32(struct weir_strbuf *b, uint32_t v)
{
	weir_strbuf_add(b, &v, sizeof(v));
}

/* Bytes and zeros up to a multiple of 4. */
static void
add_padded(struct weir_strbuf *b, const void *p, size_t len)
{
	weir_strbuf_add(b, p, len);
	weir_strbuf_add(b, "\0\0\0", -len & 3);
}

static void
add_option(struct weir_strbuf *b, enum option_code code, const void *p, size_t len)
{
	add_u16(b, (uint16_t)code);
	add_u16(b, (uint16_t)len);
	add_padded(b, p, len);
}

/* Returns where the block begins. Its length, which stands at both ends, is written by end_block.
 */
static size_t
begin_block(struct weir_strbuf *b, enum block_type type)
{
	size_t at = b->len;

	add_u32(b, type);
	add_u32(b, 0);
	return at;
}

static void
end_block(struct weir_strbuf *b, size_t at)
{
	uint32_t len = (uint32_t)(b->len - at + sizeof(len));

	memcpy(b->p + at + sizeof(uint32_t), &len, sizeof(len));
	add_u32(b, len);
}

static void
add_section(struct weir_strbuf *b)
{
	static const char program[] = "weir " WEIR_VERSION;
	size_t at = begin_block(b, BLOCK_SECTION);

	add_u32(b, 0x1a2b3c4d); /* byte order */
	add_u16(b, 1);          /* version 1.0 */
	add_u16(b, 0);
	add_u32(b, UINT32_MAX); /* length of the section: not known */
	add_u32(b, UINT32_MAX);
	add_option(b, OPTION_SHB_USERAPPL, program, sizeof(program) - 1);
	add_option(b, OPTION_END, NULL, 0);
	end_block(b, at);
}

static void
add_interface(struct weir_strbuf *b, const struct interface *i)
{
	size_t at = begin_block(b, BLOCK_INTERFACE);
	uint8_t resolution = 9; /* stamps count 10^-9 s */
	char name[32];
	int n;

	add_u16(b, link_type(i->dlt));
	add_u16(b, 0);
	add_u32(b, 0); /* no limit on the captured length */
	/* The number that frame.interface shows. */
	n = snprintf(name, sizeof(name), "%u", i->number);
	add_option(b, OPTION_IF_NAME, name, (size_t)n);
	add_option(b, OPTION_IF_TSRESOL, &resolution, sizeof(resolution));
	add_option(b, OPTION_END, NULL, 0);
	end_block(b, at);
}

/* Number in the file of a packet's interface; its description is written where it is new. */
static int
find_interface(struct pcapng *g, const struct weir_packet_copy *p, uint32_t *ret)
{
	struct interface *grown;

	if (g->last < g->n && g->interfaces[g->last].number == p->interface &&
	    g->interfaces[g->last].dlt == p->dlt) {
		*ret = g->last;
		return 0;
	}
	for (g->last = 0; g->last < g->n; g->last++)
		if (g->interfaces[g->last].number == p->interface &&
		    g->interfaces[g->last].dlt == p->dlt)
			break;
	if (g->last == g->n) {
		grown = realloc(g->interfaces, (g->n + 1) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		g->interfaces = grown;
		g->interfaces[g->n] = (struct interface){ p->interface, p->dlt };
		add_interface(&g->out->buf, &g->interfaces[g->n++]);
	}
	*ret = g->last;
	return 0;
}

static void
add_simple(struct weir_strbuf *b, const struct weir_packet_copy *p, const uint8_t *data)
{
	size_t at = begin_block(b, BLOCK_SIMPLE);

	add_u32(b, p->wire_len);
	add_padded(b, data, p->cap_len);
	end_block(b, at);
}

static void
add_enhanced(struct weir_strbuf *b, const struct weir_packet_copy *p, const uint8_t *data,
    uint32_t interface)
{
	size_t at = begin_block(b, BLOCK_ENHANCED);
	/* The format counts from 1970 on. */
	bool has_time = p->time_ns >= 0;
	uint64_t stamp = has_time ? (uint64_t)p->time_ns : 0;
	const char *comment = p->time_ns == WEIR_TIME_NONE ? "no time stamp" : "time before 1970";

	add_u32(b, interface);
	add_u32(b, (uint32_t)(stamp >> 32));
	add_u32(b, (uint32_t)stamp);
	add_u32(b, p->cap_len);
	add_u32(b, p->wire_len);
	add_padded(b, data, p->cap_len);
	if (!has_time) {
		add_option(b, OPTION_COMMENT, comment, strlen(comment));
		add_option(b, OPTION_END, NULL, 0);
	}
	end_block(b, at);
}

static int
add_packet(struct pcapng *g, const struct weir_packet_copy *p, const uint8_t *data)
{
	uint32_t interface;
	int rc = find_interface(g, p, &interface);

	if (rc)
		return rc;
	if (p->time_ns == WEIR_TIME_NONE && interface == 0 && p->cap_len == p->wire_len)
		add_simple(&g->out->buf, p, data);
	else
		add_enhanced(&g->out->buf, p, data, interface);
	return 0;
}

static int
pcapng_packets(struct weir_sink *s, const struct weir_packet_block *b, struct weir_error *err)
{
	struct pcapng *g = s->state;
	int rc = 0;

	for (uint32_t i = 0; i < b->n && !rc; i++) {
		rc = add_packet(g, &b->packets[i], b->bytes + b->packets[i].offset);
		if (rc)
			return weir_error_run(err, rc, "out of memory");
		rc = weir_output_end_row(g->out, &s->counters, err);
	}
	return rc ? rc : weir_output_write(g->out, &s->counters, err);
}

static int
pcapng_open(struct weir_sink *s, const char *target, struct weir_error *err)
{
	struct pcapng *g = calloc(1, sizeof(*g));
	int rc;

	if (!g)
		return weir_error_run(err, -ENOMEM, "out of memory");
	rc = weir_output_open(target, s, &g->out, err);
	if (!rc && g->out->is_terminal) {
		weir_output_close(g->out, NULL);
		rc = weir_error_usage(err, "packets are not for a terminal (try 'pcapng:FILE', or "
					   "pipe them: | tshark -r -)");
	}
	if (rc) {
		free(g);
		return rc;
	}
	/* Also a file without packets is a file that Wireshark opens. */
	add_section(&g->out->buf);
	rc = weir_output_write(g->out, &s->counters, err);
	if (rc) {
		weir_output_close(g->out, NULL);
		free(g);
		return rc;
	}
	s->state = g;
	return 0;
}

static int
pcapng_close(struct weir_sink *s, struct weir_error *err)
{
	struct pcapng *g = s->state;
	int rc = weir_output_close(g->out, err);

	free(g->interfaces);
	free(g);
	return rc;
}

const struct weir_sink_ops weir_sink_pcapng = {
	.scheme = "pcapng",
	.synopsis = "pcapng:FILE",
	.doc = "the packets that the query keeps, nanoseconds and lengths on the wire included",
	.takes_packets = true,
	.is_file = true,
	.is_streaming = true,
	.open = pcapng_open,
	.packets = pcapng_packets,
	.close = pcapng_close,
};
