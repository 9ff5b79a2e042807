/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "span_parts.h"

/*
 * What nodes of a cluster tell each other, once it was opened: any bytes are a frame of each kind,
 * or are refused; what was read is written again as it was. Pieces are put together from heads that
 * are right more often than chance would have it, and never take more memory than they may.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define N_QUERIES 6u
#define PIECE     6u /* bytes of the data for one */

static uint8_t *
copy_of(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	if (!exact)
		abort();
	if (size)
		memcpy(exact, data, size);
	return exact;
}

static void
try_heads(const uint8_t *p, uint32_t len)
{
	static int64_t done_ns[WEIR_SPAN_SLOTS];
	uint8_t again[64];
	struct weir_span_status status;
	struct weir_span_piece piece;
	uint64_t epoch, number;
	static struct weir_span_states states;
	struct weir_span_verdict verdict;
	struct weir_span_table table;
	int64_t hold_ns;
	uint16_t query;
	unsigned n;

	if (weir_span_get_status(p, len, &status) &&
	    (weir_span_put_status(again, &status) != len || memcmp(again, p, len) != 0))
		abort();
	if (weir_span_get_piece(p, len, &piece)) {
		weir_span_put_piece(again, &piece);
		if (memcmp(again, p, WEIR_SPAN_PIECE_HEAD) != 0)
			abort();
	} else if (weir_span_get_part(p, len, &query, &epoch, &number) && !p[1]) {
		weir_span_put_part(again, (enum weir_span_frame)p[0], query, epoch, number);
		if (memcmp(again, p, WEIR_SPAN_PART_HEAD) != 0)
			abort();
	}
	if (weir_span_get_holds(p, len, &epoch, &hold_ns, &n))
		for (unsigned i = 0; i < n; i++)
			weir_span_get_hold(p, i, &query, &hold_ns);
	if (!weir_span_get_table(p, len, &table))
		return;
	if (table.part >= WEIR_SPAN_TABLE_FRAMES)
		abort();
	if (table.part == WEIR_SPAN_TABLE_FRAMES - 1) {
		for (n = 0; weir_span_get_verdict(p, n, &verdict); n++)
			;
		return;
	}
	weir_span_merge_table(p, done_ns);
	if (table.part < WEIR_SPAN_TABLE_PARTS)
		weir_span_get_states(p, &states);
}

/* Of two nodes that tell the same one. */
static void
try_ledger(const uint8_t *data, size_t size)
{
	struct weir_span_peer peers[2] = { 0 };
	struct weir_span s = { .n_queries = N_QUERIES, .peers = peers };

	while (size >= 2) {
		size_t len = (size_t)data[0] | (size_t)data[1] << 8;
		uint8_t *exact;

		len = len < size - 2 ? len : size - 2;
		exact = copy_of(data + 2, len);
		(void)weir_span_take_ledger(&s, data[0] & 1, exact, (uint32_t)len);
		free(exact);
		data += 2 + len;
		size -= 2 + len;
	}
	free(peers[0].ledger);
	free(peers[1].ledger);
}

static void
try_pieces(const uint8_t *data, size_t size)
{
	struct weir_span_arrived arrived = { 0 };
	struct weir_span_gather g = { 0 };

	for (; size >= PIECE; data += PIECE, size -= PIECE) {
		struct weir_span_piece in = { .of = data[0] & 1 ? WEIR_SPAN_PART : WEIR_SPAN_ROWS,
			.query = data[0] >> 7,
			.index = data[1] >> 3,
			.number = data[2],
			.size = (uint16_t)(255 + (data[1] & 7) * 100),
			.total = (uint32_t)(data[3] << 8 | data[4]) << (data[0] >> 4 & 7) },
				       out;
		uint32_t at = (uint32_t)in.index * in.size, len;
		struct weir_span_gathered *whole = NULL;
		uint8_t *exact;

		len = at < in.total && in.total - at < in.size ? in.total - at : in.size;
		len = data[5] == 1 ? len / 2 : len;
		exact = calloc(1, WEIR_SPAN_PIECE_HEAD + len);
		if (!exact)
			abort();
		weir_span_put_piece(exact, &in);
		if (data[5] & 0x80)
			exact[data[5] % WEIR_SPAN_PIECE_HEAD] ^= data[4];
		if (weir_span_get_piece(exact, WEIR_SPAN_PIECE_HEAD + len, &out) &&
		    (data[5] & 2 || weir_span_arrive(&arrived, out.number)))
			(void)weir_span_gather(&g, &out, exact + WEIR_SPAN_PIECE_HEAD, &whole);
		if (whole && (whole->n_left || whole->total > WEIR_SPAN_LONG_MOST))
			abort();
		weir_span_free_gathered(whole);
		free(exact);
		if (g.n_bytes > WEIR_SPAN_GATHERED_MOST)
			abort();
	}
	weir_span_forget_gathered(&g);
	if (g.n_bytes)
		abort();
	free(arrived.bits);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact;

	if (size < 1 || size > 20000)
		return 0;
	switch (data[0] % 3) {
	case 0:
		exact = copy_of(data + 1, size - 1);
		try_heads(exact, (uint32_t)size - 1);
		free(exact);
		break;
	case 1:
		try_ledger(data + 1, size - 1);
		break;
	case 2:
		try_pieces(data + 1, size - 1);
		break;
	}
	return 0;
}
