/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_SLICE_H
#define WEIR_RUNTIME_SLICE_H

/*
 * Ask the scheduler to let the calling thread run soon after it is woken, for short times. For one
 * that is woken often and has little to do, beside threads that never sleep; threads that it
 * starts later are the same. It takes no privileges, and leaves other schedulers' threads and
 * priorities alone. Private to lib/runtime.
 */
void weir_slice_shorten(void);

#endif
