/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_TRANSMIT_SENDER_PARTS_H
#define WEIR_TRANSMIT_SENDER_PARTS_H

#include <weir/transmit/sender.h>

/* Walk over n packets of the schedule without sending them; no more once it is over. */
enum weir_poll weir_sender_pass(struct weir_sender *s, uint64_t n);

#endif
