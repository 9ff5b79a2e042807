/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_SANITIZER_H
#define WEIR_BASE_SANITIZER_H

/* Which sanitizer this is compiled for, 1 or 0: clang says so by a feature, gcc by a macro. */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEIR_HAS_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define WEIR_HAS_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WEIR_HAS_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define WEIR_HAS_TSAN 1
#endif
#ifndef WEIR_HAS_ASAN
#define WEIR_HAS_ASAN 0
#endif
#ifndef WEIR_HAS_TSAN
#define WEIR_HAS_TSAN 0
#endif

#endif
