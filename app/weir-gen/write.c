/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/time.h>
#include <weir/sink/sink.h>
#include <weir/source/source.h>

#include "gen.h"

#define BLOCK_PACKETS 256u
#define BLOCK_BYTES   (1u << 20)

static int
fill(struct weir_packet_block *block, const struct weir_batch *b)
{
	block->n = 0;
	block->n_bytes = 0;
	for (uint32_t i = 0; i < b->n; i++) {
		struct weir_packet_copy copy = {
			.time_ns = b->time_ns[i],
			.cap_len = b->cap_len[i],
			.wire_len = b->wire_len[i],
			.interface = b->interface[i],
			.dlt = b->dlt[i],
		};

		if (weir_packet_block_add(block, b->data[i], &copy))
			return -ENOMEM;
	}
	return 0;
}

/* From the source's first packet to its last. */
static int
copy_all(struct weir_source *s, struct weir_sink *sink, unsigned long long *ret_n,
    struct weir_error *err)
{
	static const struct weir_field_set none;
	struct weir_packet_block *block = weir_packet_block_create(BLOCK_PACKETS, BLOCK_BYTES);
	struct weir_batch *b = weir_batch_create(&none);
	int rc = block && b ? 0 : weir_error_run(err, -ENOMEM, "out of memory");

	while (!rc && s->ops->poll(s, 0, b, WEIR_ROWS, weir_now_wall_ns()) == WEIR_POLL_OK) {
		if (fill(block, b))
			rc = weir_error_run(err, -ENOMEM, "out of memory");
		else
			rc = weir_sink_packets(sink, block, err);
		*ret_n += b->n;
	}
	weir_packet_block_destroy(block);
	weir_batch_destroy(b);
	return rc;
}

int
gen_write(const char *uri, const char *path, unsigned long long *ret_n, struct weir_error *err)
{
	struct weir_source_config config = { .flag = WEIR_SOURCE_URI, .value = uri };
	struct weir_sink *sink = NULL;
	struct weir_source *s = NULL;
	struct weir_error late;
	char *target;
	int rc = weir_source_open(&config, &s, err), closed;

	if (rc)
		return rc;
	if (asprintf(&target, "pcapng:%s", path) < 0) {
		weir_source_close(s);
		return weir_error_run(err, -ENOMEM, "out of memory");
	}
	rc = weir_sink_open(target, NULL, 0, &sink, err);
	free(target);
	if (!rc)
		rc = copy_all(s, sink, ret_n, err);
	closed = sink ? weir_sink_close(sink, &late) : 0;
	if (!rc && closed) {
		rc = closed;
		*err = late;
	}
	weir_source_close(s);
	return rc ? weir_error_wrap(err, "-w '%s'", path) : 0;
}
