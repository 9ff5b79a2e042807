/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_ring.h>

#include "front.h"

#include <weir/base/poison.h> /* last */

void
weir_wire_frame_put(struct weir_wire_frame *f)
{
	struct weir_wire_front *pool;

	/* what others have read of it is read before it is written anew */
	if (!f || __atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL))
		return;
	pool = f->pool;
	rte_ring_enqueue(pool->free_frames, f);
}
