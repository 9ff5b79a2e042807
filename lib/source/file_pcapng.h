/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_FILE_PCAPNG_H
#define WEIR_SOURCE_FILE_PCAPNG_H

#include <stdint.h>

/* An interface description block, as far as packets need it. Used by file_pcapng*.c alone. */
struct weir_pcapng_interface {
	int64_t tsoffset_s; /* seconds to add */
	uint32_t snap_len;  /* 0: no limit */
	uint16_t dlt;
	uint16_t number; /* frame.interface */
	uint8_t link;    /* enum weir_link */
	uint8_t tsresol; /* as in the file: 10^-n, or 2^-n where the high bit is set */
};

#define WEIR_PCAPNG_IF_TSRESOL  9
#define WEIR_PCAPNG_IF_TSOFFSET 14

/* A time stamp to nanoseconds since the epoch, or WEIR_TIME_NONE where 64 bits do not hold it. */
int64_t weir_pcapng_time(const struct weir_pcapng_interface *i, uint64_t stamp);

/* A file's LINKTYPE_ to this machine's DLT_, as libpcap does for the files that it reads. */
uint16_t weir_pcapng_dlt(uint16_t linktype);

#endif
