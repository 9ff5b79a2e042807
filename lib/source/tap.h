/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_TAP_H
#define WEIR_SOURCE_TAP_H

#include <pcap/pcap.h>

#include <weir/base/time.h>
#include <weir/port/guest.h>
#include <weir/port/interface.h>
#include <weir/source/source.h>

/*
 * An interface by libpcap's live capture: AF_PACKET gives a copy of each packet, the host keeps its
 * traffic. (DPDK's net_af_packet cuts packets at its frame size and tells neither drops nor time
 * nor the length on the wire.)
 */

/* Room for the packets of one burst, so that their views outlive libpcap's ring. */
#define WEIR_TAP_BUF_BYTES (4u << 20)
#define WEIR_TAP_SNAPLEN   262144

struct weir_tap {
	struct weir_source base;
	pcap_t *pcap;
	char interface[WEIR_INTERFACE_NAME_BYTES]; /* "" where it is every one */
	uint8_t *buf;                              /* [WEIR_TAP_BUF_BYTES] */
	uint32_t used;                             /* of buf, in this burst */
	uint16_t dlt;
	uint8_t link;                  /* enum weir_link */
	int32_t ns_per_unit;           /* of the stamps' fraction */
	struct weir_batch *batch;      /* being filled, during a poll only */
	pcap_handler take;             /* puts a packet into it */
	struct weir_port_guest *guest; /* whose packets are left out; NULL: nobody's. owned */
	/* control: libpcap's counters are 32 bits wide and wrap */
	uint32_t last_drop;
	uint32_t last_ifdrop;
	uint64_t lost;
};

/*
 * Open a live capture. is_incoming: without what the host itself sends. The source has neither name
 * nor description yet. -EPERM without CAP_NET_RAW (the text names the cure).
 */
int weir_tap_open(const char *name, bool is_incoming, uint16_t interface, struct weir_tap **ret,
    struct weir_error *err);
/* Leave out what is to and from a guest of the interface, who gets a copy of its own. Run-time
 * error. */
int weir_tap_leave_out(
    struct weir_tap *t, const struct weir_port_guest_spec *guest, struct weir_error *err);
/* Whether this process could: 0, or -EPERM with the cure. */
int weir_tap_check(const char *name, struct weir_error *err);

enum weir_poll weir_tap_poll(
    struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns);
/* pcap_handler: of all packets, and of those that are not the guest's. */
void weir_tap_take(u_char *tap, const struct pcap_pkthdr *h, const u_char *data);
void weir_tap_take_shared(u_char *tap, const struct pcap_pkthdr *h, const u_char *data);
/* Cold end of weir_tap_poll: say why it broke. */
enum weir_poll weir_tap_failed(struct weir_tap *t);

#endif
