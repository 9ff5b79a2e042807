/* SPDX-License-Identifier: BSD-3-Clause */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

/*
 * A NIC with a clock, behind whatever driver a port has: packets are stamped with the time at which
 * such a NIC would have had them, which is EARLY_NS before the driver has them to give. The clock
 * counts at 625 MHz, and began before this process. A program that is linked with it finds the
 * offload with every port, and may ask for it. The profile of the driver has to say that it stamps
 * with ticks.
 */

#define EARLY_NS    5000000
#define BEGAN_TICKS UINT64_C(123456789012)

static int stamp_offset = -1;
static uint64_t stamp_flag;

static void *
real(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (!f)
		abort();
	return f;
}

static uint64_t
ticks_at(int64_t before_ns)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return BEGAN_TICKS +
	       (uint64_t)((int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec - before_ns) * 5 / 8;
}

int
rte_eth_read_clock(uint16_t port, uint64_t *ret)
{
	(void)port;
	*ret = ticks_at(0);
	return 0;
}

int
rte_eth_dev_info_get(uint16_t port, struct rte_eth_dev_info *info)
{
	int (*f)(uint16_t, struct rte_eth_dev_info *) = real("rte_eth_dev_info_get");
	int rc = f(port, info);

	if (!rc)
		info->rx_offload_capa |= RTE_ETH_RX_OFFLOAD_TIMESTAMP;
	return rc;
}

static uint16_t
stamp(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, uint16_t most, void *arg)
{
	uint64_t ticks = n ? ticks_at(EARLY_NS) : 0;

	(void)port;
	(void)queue;
	(void)most;
	(void)arg;
	for (uint16_t i = 0; i < n; i++) {
		*RTE_MBUF_DYNFIELD(pkts[i], stamp_offset, rte_mbuf_timestamp_t *) = ticks;
		pkts[i]->ol_flags |= stamp_flag;
	}
	return n;
}

/* The driver does not know of the offload: it is taken care of here. */
int
rte_eth_dev_configure(uint16_t port, uint16_t n_rx, uint16_t n_tx, const struct rte_eth_conf *conf)
{
	int (*f)(uint16_t, uint16_t, uint16_t, const struct rte_eth_conf *) =
	    real("rte_eth_dev_configure");
	struct rte_eth_conf own = *conf;
	int rc;

	own.rxmode.offloads &= ~(uint64_t)RTE_ETH_RX_OFFLOAD_TIMESTAMP;
	rc = f(port, n_rx, n_tx, &own);
	if (rc || !(conf->rxmode.offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP))
		return rc;
	rc = rte_mbuf_dyn_rx_timestamp_register(&stamp_offset, &stamp_flag);
	for (uint16_t q = 0; !rc && q < n_rx; q++)
		if (!rte_eth_add_rx_callback(port, q, stamp, NULL))
			rc = -1;
	return rc;
}
