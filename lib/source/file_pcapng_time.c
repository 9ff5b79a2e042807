/* SPDX-License-Identifier: BSD-3-Clause */
#include <pcap/dlt.h>

#include <weir/base/time.h>

#include "file_pcapng.h"

#define TSRESOL_POWER_OF_2 0x80u

/* stamp * 10^9 / 2^n, rounded down. */
static __int128
of_power_of_2(uint64_t stamp, unsigned n)
{
	return (__int128)(((unsigned __int128)stamp * (uint64_t)WEIR_NS_PER_S) >> n);
}

/* stamp * 10^9 / 10^n, rounded down. */
static __int128
of_power_of_10(uint64_t stamp, unsigned n)
{
	__int128 ns = stamp;

	for (; n < 9; n++)
		ns *= 10;
	for (; n > 9 && ns; n--)
		ns /= 10;
	return ns;
}

int64_t
weir_pcapng_time(const struct weir_pcapng_interface *i, uint64_t stamp)
{
	unsigned n = i->tsresol & ~TSRESOL_POWER_OF_2;
	__int128 ns;

	ns = i->tsresol & TSRESOL_POWER_OF_2 ? of_power_of_2(stamp, n) : of_power_of_10(stamp, n);
	ns += (__int128)i->tsoffset_s * WEIR_NS_PER_S;
	if (ns > INT64_MAX || ns <= INT64_MIN)
		return WEIR_TIME_NONE;
	return (int64_t)ns;
}

uint16_t
weir_pcapng_dlt(uint16_t linktype)
{
	switch (linktype) {
	case 100:
		return DLT_ATM_RFC1483;
	case 101:
		return DLT_RAW;
	case 102:
		return DLT_SLIP_BSDOS;
	case 103:
		return DLT_PPP_BSDOS;
	case 106:
		return DLT_ATM_CLIP;
	case 246:
		return DLT_PFSYNC;
	default:
		return linktype;
	}
}
