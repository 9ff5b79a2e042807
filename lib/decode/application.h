/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DECODE_APPLICATION_H
#define WEIR_DECODE_APPLICATION_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/packet/batch.h>

/*
 * Readers of what rides on TCP and UDP. Each is handed the captured bytes of one message, reads
 * nothing behind them, and takes time in proportion to them at most. False where the bytes end too
 * early or are no such message.
 */

#define DNS_HEADER_LEN 12
/* Of one name: bytes of its labels with their lengths (RFC 1035), and compression pointers. */
#define DNS_NAME_BYTES    255
#define DNS_NAME_POINTERS 128

_Static_assert(WEIR_NAME_BYTES >= DNS_NAME_BYTES, "a name fits its slot in the batch");

/* The first question, which must be there as a whole. Labels are parted by dots; <Root> is the
 * root. */
bool decode_dns_name(struct weir_bytes message, uint8_t text[WEIR_NAME_BYTES], uint32_t *ret_len);
bool decode_dns_type(struct weir_bytes message, uint16_t *ret_type);
/* Of the first record behind the questions, in whatever section. */
bool decode_dns_record_type(struct weir_bytes message, uint16_t *ret_type);
/* The first IPv4 address among the records of all sections, in network order. */
bool decode_dns_a(struct weir_bytes message, uint32_t *ret_addr);

#define TLS_RECORD_LEN 5
/* Records that are looked at for a ClientHello. */
#define TLS_RECORDS 8

/* A record header as SSL 3.0 to TLS 1.3 have it. */
bool decode_tls_is_record(struct weir_bytes payload);
/* The server name of a ClientHello, the first handshake message; it points into the payload. */
bool decode_tls_sni(struct weir_bytes payload, struct weir_bytes *ret_name);

#endif
