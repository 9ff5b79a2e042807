/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_TRANSMIT_SUPPLY_H
#define WEIR_TRANSMIT_SUPPLY_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/source/source.h>

/*
 * The packets that a sender sends: those of a source, in memory where they fit, so that neither
 * disk nor generator is in the way; else a batch after the other as they come. One owner, the
 * sending thread, after it was opened.
 */

/* Of frames that are sent: what buffers have to hold. */
#define WEIR_FRAME_MAX_BYTES 9238u /* the generator's largest, and two tags */

struct weir_frame {
	const uint8_t *data;
	int64_t time_ns; /* its own time stamp, or WEIR_TIME_NONE */
	uint16_t len;    /* to be sent */
	uint16_t cap;    /* of them at data; the rest was cut by a capture and is sent as zeros */
	uint16_t sum_at; /* of the UDP checksum, 0: no signature goes in */
};

struct weir_supply_config {
	struct weir_source_config source;
	bool is_repeated;      /* begin again after the last packet, for ever */
	bool has_signature;    /* each packet must have room for one */
	uint64_t memory_bytes; /* that packets may take */
};

struct weir_packets;

struct weir_supply {
	/* hot: the window; refill when at is n */
	const struct weir_frame *frames;
	uint32_t at;
	uint32_t n;
	int64_t shift_ns; /* to add to time stamps: of passes before */
	/* of one pass */
	uint64_t n_packets;       /* 0: not known, they come as they are made */
	uint64_t n_cut;           /* of them cut by their capture */
	uint32_t longest_bytes;   /* so far; all, where n_packets is known */
	uint32_t longest_payload; /* the same without Ethernet header and first tag: what an MTU is
				     about */
	struct weir_error error;
	/* own */
	struct weir_supply_config config;
	struct weir_packets *packets; /* in memory, or NULL */
	struct weir_source *source;   /* else */
	struct weir_batch *batch;
	struct weir_frame *views;
	bool is_shared; /* the packets are another supply's */
	bool is_ended;
	int64_t pass_ns;   /* in memory: how long a pass is */
	uint32_t n_passes; /* in memory: that a window holds */
	uint64_t n_read;   /* of this pass */
	uint64_t n_timed;
	int64_t min_ns, max_ns;
};

/*
 * Open the source and read it into memory, up to its end or the bound. Usage errors of the source,
 * and where its own pace was asked for; run-time errors: no packets at all, no Ethernet frame, no
 * room for a signature, each with the packet's number.
 */
int weir_supply_open(
    const struct weir_supply_config *c, struct weir_supply **ret, struct weir_error *err);
/* The same packets for another thread, from their first on. NULL: not in memory, or no memory. */
struct weir_supply *weir_supply_share(const struct weir_supply *from);
void weir_supply_close(struct weir_supply *s);

/* The next window. END, or ERROR with s->error: there is none. Cold. */
enum weir_poll weir_supply_refill(struct weir_supply *s);

/*
 * Where a signature of weir/measure/probe.h can be written into a frame of len bytes: *ret_sum_at
 * is the place of the UDP checksum, which has to become 0. Else the reason why not.
 */
const char *weir_supply_stamp_place(const uint8_t *p, uint32_t len, uint16_t *ret_sum_at);

#endif
