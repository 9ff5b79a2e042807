/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "check.h"
#include "port.h"

#define N WEIR_FORWARD_PARTITIONS

/* Which port has each partition, of n ports of which those in the mask are up. */
static void
shares(unsigned n, unsigned up, uint8_t *ret)
{
	struct weir_port_sink *p = calloc(1, sizeof(*p));
	bool is_up[WEIR_FORWARD_PORTS];

	if (!p)
		abort();
	p->n_gates = n;
	for (unsigned i = 0; i < n; i++)
		is_up[i] = up >> i & 1;
	weir_port_share_set(p, is_up);
	CU_ASSERT_EQUAL(p->n_down, n - (unsigned)__builtin_popcount(up));
	for (unsigned i = 0; i < N; i++)
		ret[i] = p->share[i];
	free(p);
}

static void
test_home(void)
{
	uint8_t share[N];

	for (unsigned n = 1; n <= WEIR_FORWARD_PORTS; n++) {
		shares(n, (1u << n) - 1, share);
		for (unsigned i = 0; i < N; i++)
			CU_ASSERT_EQUAL_FATAL(share[i], i % n);
	}
	/* Where nothing is up they stay: they are dropped there, and counted. */
	shares(3, 0, share);
	for (unsigned i = 0; i < N; i++)
		CU_ASSERT_EQUAL_FATAL(share[i], i % 3);
}

/* One after the other goes down: partitions of others stay where they are. */
static void
test_moves(void)
{
	uint8_t before[N], after[N];
	unsigned n = 5, up = 31;

	shares(n, up, before);
	for (unsigned down = 0; down + 1 < n; down++) {
		unsigned to[WEIR_FORWARD_PORTS] = { 0 }, moved = 0;

		up &= ~(1u << down);
		shares(n, up, after);
		for (unsigned i = 0; i < N; i++) {
			CU_ASSERT_TRUE_FATAL(up >> after[i] & 1);
			if (before[i] != down)
				CU_ASSERT_EQUAL_FATAL(after[i], before[i]);
			to[after[i]] += before[i] == down;
			moved += before[i] == down;
		}
		/* to all that are left, about alike */
		for (unsigned i = down + 1; i < n; i++)
			CU_ASSERT_TRUE(to[i] * (n - down - 1) * 2 > moved);
		memcpy(before, after, sizeof(before));
	}
	/* And back: it gets what is at home there, and some of what is without a home; no more. */
	shares(n, up | 1, after);
	for (unsigned i = 0; i < N; i++) {
		CU_ASSERT_TRUE_FATAL(after[i] == 0 || after[i] == before[i]);
		if (i % n == 0 || i % n == 4)
			CU_ASSERT_EQUAL_FATAL(after[i], i % n);
	}
}

static void
test_partitions(void)
{
	for (unsigned n = 1; n <= WEIR_FORWARD_PORTS; n++) {
		unsigned partitions = weir_forward_n_partitions(n);

		CU_ASSERT_EQUAL(partitions % n, 0);
		CU_ASSERT_TRUE(partitions / n > WEIR_FORWARD_PORTS && partitions <= N);
	}
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "all links up: each port has its share", test_home },
		{ "a link goes down: its share moves, and no other", test_moves },
		{ "as many partitions for each port", test_partitions },
		CU_TEST_INFO_NULL,
	};

	return check_run("shares of ports", tests);
}
