/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CLUSTER_BASE64_H
#define WEIR_CLUSTER_BASE64_H

#include <stddef.h>

/* RFC 4648 section 4. Both allocate and end with a NUL; free() the result. */
char *weir_base64_encode(const void *p, size_t n);
/* NULL: this is no base64, padding included. */
char *weir_base64_decode(const char *text, size_t *ret_n);

#endif
