/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_TIME_H
#define WEIR_BASE_TIME_H

#include <stdint.h>

#define WEIR_NS_PER_S INT64_C(1000000000)
/* A packet without a time stamp (pcapng simple packet blocks); its time fields are null. */
#define WEIR_TIME_NONE INT64_MIN

int64_t weir_now_wall_ns(void); /* CLOCK_REALTIME */
int64_t weir_now_mono_ns(void); /* CLOCK_MONOTONIC */

#endif
