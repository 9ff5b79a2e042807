/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PACKET_LINK_H
#define WEIR_PACKET_LINK_H

#include <weir/packet/batch.h>

/*
 * libpcap's link type to ours: LINKTYPE_ numbers as files have them, and DLT_ numbers where those
 * differ (raw IP). WEIR_LINK_UNKNOWN for every type that decode does not know. Any thread.
 */
enum weir_link weir_link_of_dlt(int dlt);

#endif
