/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_VALUE_H
#define WEIR_BASE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The types that fields, expressions, aggregates and result columns share. */
enum weir_type {
	WEIR_BOOL,     /* result of a comparison or a protocol word */
	WEIR_INT,      /* signed 64 bits */
	WEIR_FLOAT,    /* IEEE double */
	WEIR_DURATION, /* signed nanoseconds; printed as decimal seconds: 1.500000000 */
	WEIR_TIME,     /* nanoseconds since the Unix epoch; printed as RFC 3339 */
	WEIR_STRING,   /* bytes with a length, any content */
	WEIR_IP,       /* IPv4 or IPv6 address */
	WEIR_MAC,      /* 48-bit link address */
	WEIR_N_TYPES,
};

/* The name of a type as messages and --fields show it: "int", "address" ... */
const char *weir_type_name(enum weir_type type);

/* An address without its version: host byte order, IPv4 in the low 32 bits of lo. */
struct weir_addr {
	uint64_t hi;
	uint64_t lo;
};

/* Bytes owned by somebody else. */
struct weir_bytes {
	const uint8_t *p;
	uint32_t len;
};

/* One value, for cold code: constants, result rows, formatting. */
struct weir_value {
	enum weir_type type;
	bool is_null;
	uint8_t version; /* WEIR_IP: 4 or 6 */
	union {
		bool b;
		int64_t i; /* WEIR_INT, WEIR_DURATION (ns), WEIR_TIME (ns), WEIR_MAC (48 bits) */
		double f;
		struct weir_addr addr;
		struct weir_bytes s;
	};
};

/*
 * Order of two non-null values of the same type: negative, 0, positive. Numbers
 * by size (NaN last), addresses IPv4 before IPv6 and then as numbers, strings
 * as bytes. Null sorts before everything.
 */
int weir_value_compare(const struct weir_value *a, const struct weir_value *b);

/*
 * Write a value as a person reads it (not JSON) to buf, NUL-terminated, cut at size.
 * Null is "-". Strings that are not printable UTF-8 become hex:... .
 * Returns the length that the whole text has, as snprintf does.
 */
size_t weir_value_text(const struct weir_value *v, char *buf, size_t size);

/*
 * Write a value as JSON: null, true/false, exact integers, floats with the fewest digits that
 * read back the same (NaN and infinities as null), durations as a number of seconds with nine
 * decimals, times, addresses and MACs as strings, bytes as an escaped string where
 * they are printable UTF-8 and else as "hex:...". Same return as weir_value_text.
 */
size_t weir_value_json(const struct weir_value *v, char *buf, size_t size);

/* RFC 3339 with nanoseconds, UTC: 2026-01-02T03:04:05.000000000Z; buf of at least 40 bytes. */
void weir_time_text(int64_t time_ns, char *buf, size_t size);

/* Address text as inet_ntop prints it; buf of at least 46 bytes. */
void weir_ip_text(const struct weir_addr *addr, unsigned version, char *buf, size_t size);
/* Parse an address alone. 0, or -EINVAL. */
int weir_ip_parse(const char *text, struct weir_addr *ret_addr, unsigned *ret_version);

#endif
