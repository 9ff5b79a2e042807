/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_PORT_H
#define WEIR_PORT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/packet/field.h>
#include <weir/port/guest.h>
#include <weir/port/rules.h>

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
	/* as typed: "eth0", "0000:03:00.0?descriptors=1024&burst=64", "vdev:net_null0,size=128" */
	const char *name;
	unsigned n_workers; /* that poll it: as many receive queues where it can; 0 is 1 */
	unsigned n_senders; /* that send: as many transmit queues where it can; 0: nobody does */
	unsigned n_held; /* received packets that others may hold meanwhile, as rings of ports that
			    they are passed on to do */
	bool wants_interrupts;
	bool is_send_only;  /* nobody polls it */
	bool must_be_taken; /* of a kernel interface: by AF_XDP, or not at all */
	/* Of a kernel interface: by AF_PACKET, for somebody taps it, and only what may be of this
	 * guest's; NULL: whichever way there is. Not kept. */
	const struct weir_port_guest_spec *copied_for;
	/*
	 * What is needed of what comes, NULL: everything. Where the port can, it does not receive
	 * the rest: a kernel interface that is taken leaves it to the kernel, a NIC drops it. Not
	 * kept.
	 */
	const struct weir_port_rules *rules;
	/* Who else the port is for, NULL: nobody. The port puts it among the rules. Not kept. */
	const struct weir_port_guest_spec *guest;
};

/* Descriptors of a transmit queue, most often: packets passed on may be held by so many. */
#define WEIR_PORT_TX_DESCRIPTORS 512

/* Why a packet was not received, but left to the kernel, or dropped by the NIC. */
enum weir_port_passed {
	WEIR_PORT_PASSED_UNUSED,    /* the rules do not want it */
	WEIR_PORT_PASSED_NOT_IP,    /* the rules want IP, and this is ARP or the like */
	WEIR_PORT_PASSED_NO_SOCKET, /* it came by a queue that the port does not have */
	WEIR_PORT_PASSED_NIC,       /* the rules do not want it, and the NIC dropped it */
	WEIR_PORT_N_PASSED,
};

/* Counters since the port was opened. */
struct weir_port_stats {
	uint64_t lost_nic;
	uint64_t lost_no_buffer;
	uint64_t sent;
	uint64_t send_errors; /* accepted by the driver, and then not sent */
	uint64_t passed[WEIR_PORT_N_PASSED];
	bool has_unknown; /* the NIC drops packets, and its driver does not tell how many */
};

/* Who says when a packet came. */
enum weir_port_times {
	WEIR_PORT_TIMES_BURST, /* nobody: one reading of the clock a burst */
	WEIR_PORT_TIMES_CLOCK, /* ticks of the device's clock, which can be read: weir/port/clock.h
				*/
	WEIR_PORT_TIMES_UNIX,  /* the driver, as time since 1970 */
};

/* What received packets are stamped with; those without the flag are not. */
struct weir_port_stamp {
	enum weir_port_times times;
	int offset;       /* of the field in the mbuf */
	uint64_t flag;    /* in its ol_flags */
	uint32_t unit_ns; /* of WEIR_PORT_TIMES_UNIX */
};

struct weir_port {
	char *name;         /* as typed first */
	char device[64];    /* DPDK's name of the first device */
	char interface[32]; /* of the kernel, "" where it is none */
	unsigned n_rx;
	struct weir_port_queue rx[WEIR_PORT_QUEUES];
	int rx_fd[WEIR_PORT_QUEUES]; /* readable when packets may have come, or -1; the port's */
	unsigned n_tx;               /* at least 1 where anybody wanted to send */
	struct weir_port_queue tx[WEIR_PORT_QUEUES];
	struct rte_mempool *pool; /* of the first device's received packets */
	uint32_t data_bytes;      /* room of one of its buffers: what is sent in one piece */
	uint16_t burst;           /* packets to ask a receive queue for at once */
	uint16_t mtu;
	bool has_multi_segs; /* sends packets in several segments */
	int numa_node;       /* -1 where unknown */
	/* What decides which receive queue gets a packet; see struct weir_source. */
	struct weir_field_set spread;
	bool is_symmetric;
	struct weir_port_stamp stamp;
	struct weir_port_guest *guest; /* NULL: none; the port's */
	bool has_rules; /* what they do not want is left to the kernel, or dropped by the NIC */
	/* What became of the rules in the NIC: "drop IPv4 protocol 6 (1 verified ...)"; "" where
	 * none were to be offered. The port's. */
	char *offered;
};

/*
 * Can this be a port, as far as can be told without EAL and without opening it? Usage and run-time
 * errors, here and below, are without the name: the caller puts "--sink 'port:NAME'" in front.
 */
int weir_port_look(const char *name, struct weir_error *err);
/*
 * Open, or share what is open by this name ("net_null0" for "vdev:net_null0,size=128", too). EAL
 * must have been started. A kernel interface is taken through AF_XDP where its host does not use it
 * and AF_XDP can be had; else it is opened through AF_PACKET, and what it receives is a copy.
 */
int weir_port_open(
    const struct weir_port_config *c, struct weir_port **ret, struct weir_error *err);
/* Gives it up; the last one stops and removes the devices. NULL is fine. */
void weir_port_close(struct weir_port *p);
/*
 * Take a name apart: what it names, and what stands behind its last '?' (in name, "" where there is
 * none), which must be keys of a profile that a command line may set. Usage errors.
 */
#define WEIR_PORT_NAME_BYTES 1152
int weir_port_split(
    const char *name, char *plain, size_t size, const char **ret_options, struct weir_error *err);
/* What is open by this name, or NULL; still its owners'. */
struct weir_port *weir_port_find(const char *name);
/* Do two names, whatever their arguments and options, mean one port? */
bool weir_port_is_same(const char *a, const char *b);

/* The driver of the first device: "net_memif". Returns buf. */
const char *weir_port_driver(const struct weir_port *p, char *buf, size_t size);
/* "4 receive queues, RSS by ip.src, ip.dst (symmetric)"; "" where there is nothing to say. Of
 * n_workers that poll it. */
const char *weir_port_describe(
    const struct weir_port *p, unsigned n_workers, char *buf, size_t size);
/* What a port would be asked for: "4 receive queues of 2048 descriptors, 19000 packet buffers". */
const char *weir_port_plan(
    unsigned n_workers, unsigned n_queues, bool is_af_xdp, char *buf, size_t size);
/* The same of a port by its name, by the profile that it would get and its options. */
const char *weir_port_plan_of(
    const char *name, unsigned n_workers, unsigned n_queues, char *buf, size_t size);
/* "profile mlx5.ini; burst=64 as asked": of its first device. Returns buf. */
const char *weir_port_profile(const struct weir_port *p, char *buf, size_t size);
/* The same of what a NIC would be offered of the rules: "14 rules ...", or false: "nothing ...". */
bool weir_port_plan_rules(
    const char *name, const struct weir_port_rules *rules, char *buf, size_t size);
/*
 * Read the clock that stamps the packets of this device. 0, or -errno. Several threads may.
 */
struct weir_clock;
int weir_port_read_clock(uint16_t id, uint64_t *ret_ticks);
/* Feed a clock with so many readings. Returns how many could be read. */
unsigned weir_port_feed_clock(uint16_t id, unsigned n, struct weir_clock *c);
/* "times by the NIC", "one reading of the clock a burst": of received packets. */
const char *weir_port_describe_times(const struct weir_port *p);
/* Is the link up? Asks the driver, or the kernel where the port is its interface. */
bool weir_port_is_up(const struct weir_port *p);
/* Bits a second of the link, 0 where the driver cannot tell. */
uint64_t weir_port_speed_bps(const struct weir_port *p);
void weir_port_stats(const struct weir_port *p, struct weir_port_stats *ret);
/* Was weir built with a program that rules can be given to? Whether the kernel takes it shows when
 * a port is opened. */
bool weir_port_can_push(void);
/* Receive everything from now on, whatever the rules were. 0 or -errno. */
int weir_port_take_all(struct weir_port *p);
/* Has each of so many senders a transmit queue of its own? Else they have to take turns. */
bool weir_port_has_own_queues(const struct weir_port *p, unsigned n_senders);
/*
 * Buffers for packets that the caller fills and sends: n at least beside what rings hold. NULL with
 * the cure in err. The caller frees it with rte_mempool_free after the port is closed, or gives it
 * up where others may have the port still.
 */
struct rte_mempool *weir_port_make_pool(
    const struct weir_port *p, unsigned n, uint32_t data_bytes, struct weir_error *err);
/* Free such a pool as soon as no port is open that may have a packet of it. NULL is fine. */
void weir_port_give_up_pool(struct rte_mempool *pool);

#endif
