/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_MEASURE_PROBE_H
#define WEIR_MEASURE_PROBE_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * The signature of a probe: the last 24 bytes of its frame (without FCS), in network order. It is
 * found from the end, so it outlives what devices do to the head: other MAC addresses, VLAN tags
 * and MPLS labels pushed or popped, NAT of IPv4. A device that appends or pads bytes hides it.
 *
 *   | "WEIR" 4 | stream 4 | number 8 | sent 8 |
 *
 * The stream tells the probes of one run from those of another, that are still under way. It is no
 * secret and the signature no proof: who can see probes can make some.
 */

#define WEIR_PROBE_BYTES 24u
#define WEIR_PROBE_MAGIC UINT32_C(0x57454952) /* "WEIR" */

struct weir_probe {
	uint32_t stream; /* of the run, random */
	uint64_t number; /* of the probe in its stream, from 0 */
	int64_t sent_ns; /* when it was meant to be sent: the sender's CLOCK_MONOTONIC */
};

/* Hot, any thread. Write the signature over the end of a frame of len bytes. False, with nothing
 * written, where it has no room. */
static inline __attribute__((always_inline)) bool
weir_probe_put(void *frame, uint32_t len, const struct weir_probe *p)
{
	uint32_t head[2] = { htobe32(WEIR_PROBE_MAGIC), htobe32(p->stream) };
	uint64_t body[2] = { htobe64(p->number), htobe64((uint64_t)p->sent_ns) };
	uint8_t *at;

	if (len < WEIR_PROBE_BYTES)
		return false;
	at = (uint8_t *)frame + len - WEIR_PROBE_BYTES;
	memcpy(at, head, sizeof(head));
	memcpy(at + sizeof(head), body, sizeof(body));
	return true;
}

/* Hot, any thread. Read the signature at the end of a frame of len bytes, all of which are there
 * (the length on the wire, not that of a snapped copy). False, with *ret untouched, for a frame
 * that is no probe, or one of another stream. */
static inline __attribute__((always_inline)) bool
weir_probe_get(const void *frame, uint32_t len, uint32_t stream, struct weir_probe *ret)
{
	const uint8_t *at;
	uint32_t head[2];
	uint64_t body[2];

	if (len < WEIR_PROBE_BYTES)
		return false;
	at = (const uint8_t *)frame + len - WEIR_PROBE_BYTES;
	memcpy(head, at, sizeof(head));
	if (head[0] != htobe32(WEIR_PROBE_MAGIC) || head[1] != htobe32(stream))
		return false;
	memcpy(body, at + sizeof(head), sizeof(body));
	*ret = (struct weir_probe){ stream, be64toh(body[0]), (int64_t)be64toh(body[1]) };
	return true;
}

#endif
