/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CONTROL_CONVERT_H
#define WEIR_CONTROL_CONVERT_H

#include <jansson.h>
#include <rte_telemetry.h>

/*
 * A document in telemetry's own form, as dpdk-telemetry.py shows it. That form is narrower than
 * JSON: names hold letters, digits, _ and / (others become _); there are no fractions (they become
 * texts), no null (left out), no true and false (1 and 0), no lists of objects (they become an
 * object with the names 0, 1, ...); texts are cut at 127 bytes of ASCII and a dictionary at 256
 * entries; and a whole answer has 16 KiB. Where that cuts anything but the end of a text, the
 * document has "cut": 1. Texts in a list that are objects in JSON are shown as such.
 */
void weir_control_convert(const json_t *j, struct rte_tel_data *ret);

/*
 * Copy to buf what telemetry can carry of a text: ASCII, and no control characters but white space.
 * Returns how many bytes of JSON it makes at most.
 */
size_t weir_control_plain(const char *text, char *buf, size_t size);

#endif
