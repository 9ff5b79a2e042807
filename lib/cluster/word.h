/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_CLUSTER_WORD_H
#define WEIR_CLUSTER_WORD_H

#include <stdbool.h>

#define WEIR_CLUSTER_WORD_MAX 63

/* A name of a job or node: letters, digits, '_', '-' and '.', the last not at the beginning. */
bool weir_cluster_is_word(const char *text);

#endif
