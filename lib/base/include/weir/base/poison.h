/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The last include of every *_hot.c: what a hot loop must not do does not compile. Memory, locks,
 * clocks, logging and I/O belong to the cold files beside it.
 */
#ifndef WEIR_BASE_POISON_H
#define WEIR_BASE_POISON_H

/* clang-format off */
#pragma GCC poison malloc calloc realloc free aligned_alloc posix_memalign strdup strndup mmap munmap
#pragma GCC poison pthread_mutex_lock pthread_mutex_unlock pthread_cond_wait pthread_cond_signal
#pragma GCC poison clock_gettime gettimeofday time nanosleep usleep sleep
#pragma GCC poison printf fprintf vfprintf puts fputs fputc fopen fclose fread fwrite fflush
#pragma GCC poison weir_log weir_now_wall_ns weir_now_mono_ns abort exit
/* clang-format on */

#endif
