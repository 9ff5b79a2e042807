/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "tap.h"

#include <weir/base/poison.h> /* last */

/* One packet of libpcap's ring into the burst. */
void
weir_tap_take(u_char *tap, const struct pcap_pkthdr *h, const u_char *data)
{
	struct weir_tap *t = (struct weir_tap *)(void *)tap;
	struct weir_batch *b = t->batch;
	uint8_t *at = t->buf + t->used;
	uint32_t r = b->n++;

	memcpy(at, data, h->caplen);
	b->data[r] = at;
	b->cap_len[r] = h->caplen;
	b->wire_len[r] = h->len;
	b->time_ns[r] =
	    (int64_t)h->ts.tv_sec * WEIR_NS_PER_S + (int64_t)h->ts.tv_usec * t->ns_per_unit;
	b->interface[r] = t->base.first_interface;
	b->link[r] = t->link;
	b->dlt[r] = t->dlt;
	b->owner[r] = NULL;
	t->used += (h->caplen + 63) & ~63u;
	/* libpcap keeps its place in the ring: the others come with the next poll */
	if (t->used > WEIR_TAP_BUF_BYTES - WEIR_TAP_SNAPLEN)
		pcap_breakloop(t->pcap);
}

void
weir_tap_take_shared(u_char *tap, const struct pcap_pkthdr *h, const u_char *data)
{
	struct weir_tap *t = (struct weir_tap *)(void *)tap;

	if (weir_port_guest_wants(t->guest, data, h->caplen))
		weir_port_guest_count(t->guest);
	else
		weir_tap_take(tap, h, data);
}

enum weir_poll
weir_tap_poll(
    struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns)
{
	struct weir_tap *t = (struct weir_tap *)s;
	int rc;

	(void)queue;
	(void)now_ns;
	b->n = 0;
	b->queue_depth = -1;
	t->used = 0;
	t->batch = b;
	rc = pcap_dispatch(t->pcap, (int)max, t->take, (u_char *)t);
	if (rc == PCAP_ERROR && !b->n)
		return weir_tap_failed(t);
	return WEIR_POLL_OK;
}
