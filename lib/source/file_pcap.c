/* SPDX-License-Identifier: BSD-3-Clause */
#include <byteswap.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include <weir/base/time.h>
#include <weir/packet/link.h>

#include "file_reader.h"

/*
 * Classic pcap, parsed by libpcap. It reads from our input through a FILE of our own: a pipe is
 * only read where a whole record is there, so that the worker does not wait for it.
 */

#define RECORD_HEADER_BYTES   16u
#define PATCHED_HEADER_BYTES  24u
#define RECORD_CAP_LEN_OFFSET 8
#define FILE_HEADER_BYTES     24u
#define SNAP_LEN_OFFSET       16u
/* libpcap takes no record of any link type that is longer (MAXIMUM_DBUS_SNAPLEN). */
#define MAX_RECORD_BYTES (128u << 20)
#define STREAM_BYTES     (64u << 10)

struct pcap_reader {
	struct weir_reader r;
	pcap_t *pcap;
	uint32_t record_header;
	uint64_t offset;  /* of the next record */
	uint64_t allowed; /* bytes of a pipe that libpcap may read ahead to */
	bool is_swapped;
	bool is_nano;
	bool is_end;
	uint16_t dlt;
	uint8_t link;
	/* libpcap overwrites its packet at the next read: those of a burst are kept here. */
	uint8_t *copies;
	size_t cap;
};

/*
 * libpcap cuts packets at the snap length of the file's header, though longer ones are in files of
 * careless writers, and other readers show them whole. So it is shown 0, which means no limit but
 * its own.
 */
static void
hide_snap_len(uint64_t offset, char *buf, size_t n)
{
	for (uint64_t at = SNAP_LEN_OFFSET; at < SNAP_LEN_OFFSET + 4; at++)
		if (at >= offset && at - offset < n)
			buf[at - offset] = 0;
}

static ssize_t
stream_read(void *cookie, char *buf, size_t size)
{
	struct pcap_reader *p = cookie;
	struct weir_input *in = p->r.in;
	uint64_t offset = in->offset;
	size_t n = weir_input_need(in, 1, true);

	if (n > size)
		n = size;
	if (!in->is_regular && n > p->allowed - offset)
		n = (size_t)(p->allowed - offset);
	if (!n)
		return 0;
	memcpy(buf, weir_input_at(in), n);
	weir_input_consume(in, n);
	if (offset < FILE_HEADER_BYTES)
		hide_snap_len(offset, buf, n);
	return (ssize_t)n;
}

/* False where a pipe has not delivered the next record wholly. Lets libpcap read to the record's
 * end. */
static bool
record_is_ready(struct pcap_reader *p)
{
	struct weir_input *in = p->r.in;
	uint32_t cap_len, need = p->record_header;

	if (in->is_regular)
		return true;
	if (weir_input_need(in, need, false) >= need) {
		memcpy(&cap_len, weir_input_at(in) + RECORD_CAP_LEN_OFFSET, sizeof(cap_len));
		if (p->is_swapped)
			cap_len = bswap_32(cap_len);
		if (cap_len <=
		    MAX_RECORD_BYTES) /* libpcap will refuse others by the header alone */
			need += cap_len;
	}
	p->allowed = p->offset + need;
	return weir_input_need(in, need, false) >= need || in->is_eof;
}

/*
 * libpcap takes seconds as signed and does not carry a fraction beyond a second. A fraction with
 * the sign bit set is none: the field is a signed number in every writer that has a type for it.
 */
static int64_t
time_of(const struct pcap_reader *p, const struct pcap_pkthdr *h)
{
	int64_t seconds = (uint32_t)h->ts.tv_sec;
	int64_t unit = p->is_nano ? 1 : 1000;
	int64_t fraction = (int32_t)(uint32_t)(h->ts.tv_usec / unit);

	if (fraction < 0)
		fraction = 0;
	return seconds * WEIR_NS_PER_S + fraction * unit;
}

static int
keep(struct pcap_reader *p, size_t used, const u_char *data, uint32_t len)
{
	size_t cap = p->cap ? p->cap : 64u << 10;
	uint8_t *copies;

	while (cap < used + len)
		cap *= 2;
	if (cap != p->cap) {
		copies = realloc(p->copies, cap);
		if (!copies)
			return -ENOMEM;
		p->copies = copies;
		p->cap = cap;
	}
	memcpy(p->copies + used, data, len);
	return 0;
}

/* One packet into row b->n, its bytes at *used of the copies. Returns false when there is no more.
 */
static bool
read_one(struct pcap_reader *p, struct weir_batch *b, size_t *used)
{
	uint64_t offset = p->offset;
	struct pcap_pkthdr *h;
	const u_char *data;
	uint32_t row = b->n;

	switch (pcap_next_ex(p->pcap, &h, &data)) {
	case 1:
		break;
	case PCAP_ERROR_BREAK:
		p->is_end = true;
		if (p->r.in->error)
			weir_reader_damage(&p->r, offset, "%s", strerror(p->r.in->error));
		return false;
	default:
		weir_reader_damage(&p->r, offset, "%s",
		    p->r.in->error ? strerror(p->r.in->error) : pcap_geterr(p->pcap));
		return false;
	}
	if (keep(p, *used, data, h->caplen)) {
		weir_reader_damage(&p->r, offset, "no memory for a packet of %u bytes", h->caplen);
		return false;
	}
	*used += h->caplen;
	p->offset += p->record_header + h->caplen;
	b->cap_len[row] = h->caplen;
	b->wire_len[row] = h->len;
	b->time_ns[row] = time_of(p, h);
	b->interface[row] = p->r.first_interface;
	b->link[row] = p->link;
	b->dlt[row] = p->dlt;
	b->owner[row] = NULL;
	b->n++;
	return true;
}

static enum weir_read
pcap_fill(struct weir_reader *r, struct weir_batch *b, uint32_t max)
{
	struct pcap_reader *p = (struct pcap_reader *)r;
	size_t used = 0;

	b->n = 0;
	b->queue_depth = -1;
	while (b->n < max && !p->is_end && !r->why[0] && record_is_ready(p))
		if (!read_one(p, b, &used))
			break;
	used = 0;
	for (uint32_t i = 0; i < b->n; i++) {
		b->data[i] = p->copies + used;
		used += b->cap_len[i];
	}
	return weir_reader_result(r, b, p->is_end);
}

static void
pcap_reader_close(struct weir_reader *r)
{
	struct pcap_reader *p = (struct pcap_reader *)r;

	if (p->pcap)
		pcap_close(p->pcap);
	free(p->copies);
	free(p);
}

static const struct weir_reader_ops pcap_ops = {
	.fill = pcap_fill,
	.close = pcap_reader_close,
};

static uint32_t
peek32(const struct pcap_reader *p, size_t at)
{
	uint32_t v = 0;

	if (weir_input_need(p->r.in, at + sizeof(v), true) >= at + sizeof(v))
		memcpy(&v, weir_input_at(p->r.in) + at, sizeof(v));
	return p->is_swapped ? bswap_32(v) : v;
}

static void
peek_header(struct pcap_reader *p)
{
	uint32_t magic = peek32(p, 0);

	p->is_swapped = (magic & 0xffff) == 0xb2a1;
	magic = peek32(p, 0);
	p->is_nano = magic == WEIR_PCAP_MAGIC_NS;
	p->record_header =
	    magic == WEIR_PCAP_MAGIC_MODIFIED ? PATCHED_HEADER_BYTES : RECORD_HEADER_BYTES;
	p->offset = FILE_HEADER_BYTES;
	p->allowed = FILE_HEADER_BYTES;
}

int
weir_pcap_reader_open(struct weir_input *in, uint16_t first_interface, struct weir_reader **ret,
    struct weir_error *err)
{
	static const cookie_io_functions_t functions = { .read = stream_read };
	char why[PCAP_ERRBUF_SIZE] = "";
	struct pcap_reader *p = calloc(1, sizeof(*p));
	FILE *stream = p ? fopencookie(p, "rb", functions) : NULL;

	if (!stream) {
		free(p);
		return weir_error_run(err, -ENOMEM, "out of memory");
	}
	setvbuf(stream, NULL, _IOFBF, STREAM_BYTES);
	p->r.ops = &pcap_ops;
	p->r.in = in;
	p->r.first_interface = first_interface;
	p->r.n_interfaces = 1;
	peek_header(p);
	p->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!p->pcap) {
		fclose(stream);
		free(p);
		return weir_error_run(err, -EBADMSG, "damaged file header: %s",
		    in->error ? strerror(in->error) : why);
	}
	p->dlt = (uint16_t)pcap_datalink(p->pcap);
	p->link = (uint8_t)weir_link_of_dlt(pcap_datalink(p->pcap));
	*ret = &p->r;
	return 0;
}
