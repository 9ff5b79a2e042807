/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "application.h"

/*
 * The readers of DNS and TLS, without the headers that lead to them: all are handed the bytes,
 * which stand in an allocation of just their size.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_dns(struct weir_bytes m)
{
	uint8_t *text = malloc(WEIR_NAME_BYTES);
	uint32_t len = 0, addr;
	uint16_t type;
	bool has_name;

	if (!text)
		abort();
	has_name = decode_dns_name(m, text, &len);
	/* as many bytes as the labels with their lengths, but for the end's */
	if (has_name && (len == 0 || len > DNS_NAME_BYTES - 2))
		abort();
	if (decode_dns_type(m, &type) != has_name)
		abort();
	/* an address stands in a record, the first of which has a type then */
	if (decode_dns_a(m, &addr) && !decode_dns_record_type(m, &type))
		abort();
	free(text);
}

static void
read_tls(struct weir_bytes payload)
{
	struct weir_bytes name;

	if (!decode_tls_sni(payload, &name))
		return;
	if (!decode_tls_is_record(payload) || name.len == 0 || name.p < payload.p ||
	    name.p + name.len > payload.p + payload.len)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct weir_bytes bytes = { .p = copy, .len = (uint32_t)size };

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	read_tls(bytes);
	if (size >= DNS_HEADER_LEN)
		read_dns(bytes);
	free(copy);
	return 0;
}
