/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_SECRET_PARTS_H
#define WEIR_WIRE_SECRET_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include <weir/wire/secret.h>

/* In a vault. */
struct weir_secret {
	size_t n_bytes;
	/* one for the newline that goes, one to see that there is more */
	uint8_t bytes[WEIR_SECRET_MAX_BYTES + 2];
};

#endif
