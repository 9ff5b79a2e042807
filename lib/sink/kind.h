/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SINK_KIND_H
#define WEIR_SINK_KIND_H

#include <weir/sink/sink.h>

/* The kinds, one a file; sink.c lists them. */
extern const struct weir_sink_ops weir_sink_csv;
extern const struct weir_sink_ops weir_sink_json;
extern const struct weir_sink_ops weir_sink_pcapng;
extern const struct weir_sink_ops weir_sink_port;
extern const struct weir_sink_ops weir_sink_table;

#endif
