/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/decode/decode.h>
#include <weir/packet/batch.h>
#include <weir/packet/tunnel.h>

/*
 * Decode: the first byte picks the link type, the next two say how much longer the packet was on
 * the wire than what was captured; the rest is the packet. All fields are filled, once of the outer
 * headers and once of what all tunnels carry, of the packet alone and of as many copies of it as
 * take the way of large bursts. The bytes stand at the end of an allocation of their own, so that a
 * read past them is seen.
 */
#define COPIES 8
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct weir_batch *
batch_of_all_fields(void)
{
	struct weir_field_set all = { { 0 } };

	for (unsigned i = 0; i < WEIR_N_FIELDS; i++)
		weir_field_set_add(&all, i);
	return weir_batch_create(&all);
}

/* The decoder's promises about a packet that it has been through. */
static void
check(const struct weir_batch *b, const struct weir_decode_counters *counters)
{
	static const uint32_t l4 =
	    WEIR_LAYER_TCP | WEIR_LAYER_UDP | WEIR_LAYER_SCTP | WEIR_LAYER_DCCP | WEIR_LAYER_ICMP;
	const struct weir_column *payload = &b->col[WEIR_FIELD_PAYLOAD];
	const struct weir_column *name = &b->col[WEIR_FIELD_DNS_QRY_NAME];
	uint64_t n = 0;

	for (unsigned i = 0; i < WEIR_N_DECODE_REASONS; i++)
		n += counters->reason[i];
	if (n != 0 && n != b->n)
		abort();
	if ((b->layers[0] & WEIR_LAYER_IP) && b->l3_off[0] >= b->cap_len[0])
		abort();
	if ((b->layers[0] & l4) && b->l4_off[0] > b->cap_len[0])
		abort();
	if (!weir_mask_test(payload->null, 0)) {
		const struct weir_bytes *s = payload->data;

		if (s->len && (s->p < b->data[0] || s->p + s->len > b->data[0] + b->cap_len[0]))
			abort();
	}
	if (!weir_mask_test(name->null, 0)) {
		const struct weir_bytes *s = name->data;

		if (s->len == 0 || s->p != b->names || s->len > WEIR_NAME_BYTES)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct weir_batch *b;
	uint8_t *copy;

	if (size < 3)
		return 0;
	if (!b)
		b = batch_of_all_fields();
	copy = malloc(size - 3 ? size - 3 : 1);
	if (!b || !copy)
		abort();
	memcpy(copy, data + 3, size - 3);
	b->queue_depth = -1;
	b->first_number = 1;
	for (unsigned r = 0; r < COPIES; r++) {
		b->data[r] = copy;
		b->cap_len[r] = (uint32_t)(size - 3);
		b->wire_len[r] = b->cap_len[r] + (uint32_t)data[1] * 256 + data[2];
		b->time_ns[r] = 0;
		b->interface[r] = 0;
		b->link[r] = data[0] % WEIR_N_LINKS;
	}
	for (unsigned i = 0; i < 4; i++) {
		struct weir_decode_counters counters = { { 0 } };

		b->n = i & 2 ? COPIES : 1;
		b->decap = i & 1 ? WEIR_TUNNELS_ALL : 0;
		weir_decode_batch(b, &counters);
		check(b, &counters);
	}
	free(copy);
	return 0;
}
