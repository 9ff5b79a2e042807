/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weir/packet/batch.h>
#include <weir/source/source.h>

/* Capture files: any bytes are opened as a file and read to their end, or refused with a message.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t
read_all(struct weir_source *s, struct weir_batch *b)
{
	uint64_t sum = 0;

	for (;;) {
		b->n = 0;
		if (s->ops->poll(s, 0, b, WEIR_ROWS, 0) != WEIR_POLL_OK)
			return sum;
		for (unsigned row = 0; row < b->n; row++)
			for (uint32_t i = 0; i < b->cap_len[row]; i++)
				sum += b->data[row][i];
		if (s->ops->release)
			s->ops->release(s, b);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct weir_batch *b;
	struct weir_field_set none = { { 0 } };
	struct weir_error err = { 0 };
	struct weir_source *s;
	char path[64];
	int fd = memfd_create("capture", 0);
	struct weir_source_config config = { .flag = WEIR_SOURCE_FILE, .value = path };

	if (!b)
		b = weir_batch_create(&none);
	if (!b || fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d%s", fd,
	    size && data[size - 1] & 1 ? "?preload=1" : "");
	if (weir_source_open(&config, &s, &err)) {
		if (!err.text[0])
			abort();
	} else {
		read_all(s, b);
		weir_source_close(s);
	}
	close(fd);
	return 0;
}
