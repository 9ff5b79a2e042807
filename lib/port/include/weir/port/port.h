/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_PORT_H
#define WEIR_PORT_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/packet/field.h>

/*
 * Ports of DPDK: what -i, a sink or an instrument names and is polled, or sent out of. A NIC or
 * virtual device is one device of DPDK with its queues; a kernel interface that is taken through
 * AF_XDP is one device for each of its queues. A port is opened once: whoever names it again shares
 * it. Control thread, but for the queues, which are their worker's.
 */

#define WEIR_PORT_QUEUES 64

struct rte_mempool;

/* What rte_eth_rx_burst and rte_eth_tx_burst take. */
struct weir_port_queue {
	uint16_t id;    /* of the device */
	uint16_t queue; /* of the device */
};

struct weir_port_config {
	const char *flag;   /* for messages: "-i", "--sink port:" */
	const char *name;   /* as typed: "eth0", "0000:03:00.0", "vdev:net_null0,size=128" */
	unsigned n_workers; /* that poll it: as many receive queues where it can; 0 is 1 */
	unsigned n_senders; /* that send: as many transmit queues where it can; 0: nobody does */
	bool wants_interrupts;
	bool is_send_only; /* nobody polls it: an interface in use stays its host's */
};

/* Counters since the port was opened. */
struct weir_port_stats {
	uint64_t lost_nic;
	uint64_t lost_no_buffer;
	uint64_t sent;
	uint64_t send_errors; /* accepted by the driver, and then not sent */
};

struct weir_port {
	char *name; /* as typed */
	unsigned n_rx;
	struct weir_port_queue rx[WEIR_PORT_QUEUES];
	unsigned n_tx; /* at least 1 where anybody wanted to send */
	struct weir_port_queue tx[WEIR_PORT_QUEUES];
	struct rte_mempool *pool; /* of the first device's received packets */
	uint32_t data_bytes;      /* room of one of its buffers: what is sent in one piece */
	uint16_t mtu;
	int numa_node;
};

/* True for what DPDK has by a name of its own: a PCI address, "vdev:net_x0,args". */
bool weir_port_is_named(const char *name);
/* Will opening need EAL? Usage and run-time errors of a name that cannot be one. */
int weir_port_needs_eal(const struct weir_port_config *c, bool *ret, struct weir_error *err);
/* Open, or share what is open by this name. EAL must have been started. */
int weir_port_open(
    const struct weir_port_config *c, struct weir_port **ret, struct weir_error *err);
/* Gives it up; the last one stops and removes the devices. */
void weir_port_close(struct weir_port *p);

/* "net_memif0: by net_memif, 2 transmit queues". Returns buf. */
const char *weir_port_describe(const struct weir_port *p, char *buf, size_t size);
/* Is the link up? Reads no more than what the driver knows. */
bool weir_port_is_up(const struct weir_port *p);
/* Bits a second of the link, 0 where the driver cannot tell. */
uint64_t weir_port_speed_bps(const struct weir_port *p);
void weir_port_stats(const struct weir_port *p, struct weir_port_stats *ret);
/* Has each of so many senders a transmit queue of its own? Else they have to take turns. */
bool weir_port_has_own_queues(const struct weir_port *p, unsigned n_senders);
/*
 * Buffers for packets that the caller fills and sends: n at least beside what rings hold. NULL with
 * the cure in err. The caller frees it with rte_mempool_free after the port is closed.
 */
struct rte_mempool *weir_port_make_pool(
    const struct weir_port *p, unsigned n, uint32_t data_bytes, struct weir_error *err);

#endif
