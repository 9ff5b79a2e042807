/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_TEST_FOLDER_H
#define WEIR_TEST_FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A runtime folder of the test's own, made before anything asks for one. */
static char test_folder[64] = "/tmp/weir-test-XXXXXX";

static inline int
folder_make(void)
{
	return !mkdtemp(test_folder) || setenv("RUNTIME_DIRECTORY", test_folder, 1);
}

/* Non-zero where something was left in it. */
static inline int
folder_remove(void)
{
	char dpdk[80];

	snprintf(dpdk, sizeof(dpdk), "%s/dpdk", test_folder);
	return (access(dpdk, F_OK) == 0 && rmdir(dpdk)) || rmdir(test_folder);
}

#endif
