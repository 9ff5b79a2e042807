/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_TEST_SEAL_WORLD_H
#define WEIR_TEST_SEAL_WORLD_H

#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/wire/seal.h>

/* Nodes and frames for the tests of sealing. */

#define SECRET "correct horse battery staple"
#define NODE_A UINT64_C(0x0102030405060708)
#define NODE_B UINT64_C(0x1112131415161718)
#define NODE_C UINT64_C(0x2122232425262728)
#define EPOCH  42u

/* The drivers that tests go over; n_devices of them can be made here. */
extern const char *const devices[2];
bool has_device(const char *device);

/* Start EAL as weir does, run the tests of a table, stop it. Returns the exit status. */
struct CU_TestInfo;
int world_run(const char *suite, const struct CU_TestInfo *tests);

/* A node of the job "taps" with this epoch alone. secret NULL: in clear. */
struct weir_seal *make_node(const char *secret, uint64_t incarnation, const char *device);
/* A node A and a node B that know each other. */
void make_pair(const char *device, struct weir_seal **ret_a, struct weir_seal **ret_b);

/* A frame of type 7 for queue 3 in this epoch; byte i of its payload is i * 7 + n. */
struct rte_mbuf *make_frame(uint64_t epoch, unsigned n_payload);
bool has_payload(const struct rte_mbuf *m, unsigned n_payload);
struct rte_mbuf *copy_frame(const struct rte_mbuf *m);
/* A frame that is sealed. */
struct rte_mbuf *make_sealed(
    struct weir_seal *from, uint64_t to, uint64_t epoch, unsigned n_payload);
enum weir_seal_verdict protect_one(struct weir_seal *from, uint64_t to, struct rte_mbuf *m);
enum weir_seal_verdict accept_one(struct weir_seal *at, struct rte_mbuf *m);
/* The same of a copy, which is freed. */
enum weir_seal_verdict accept_copy(struct weir_seal *at, const struct rte_mbuf *m);
struct weir_frame_head *head_of(struct rte_mbuf *m);

#define CHECK_VERDICT(actual, expected)                                                            \
	CHECK_TEXT(weir_seal_verdict_name(actual), weir_seal_verdict_name(expected))

#endif
