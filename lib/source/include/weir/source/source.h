/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_SOURCE_H
#define WEIR_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/packet/batch.h>
#include <weir/port/interface.h>
#include <weir/port/port.h>

/*
 * Where packets come from. A source is opened by the control thread, polled by workers, each of its
 * queues by one at a time, and closed by the control thread after the workers have ended. One file
 * a kind, one line in source.c's list.
 */

enum weir_source_flag {
	WEIR_SOURCE_FILE,      /* -r */
	WEIR_SOURCE_INTERFACE, /* -i */
	WEIR_SOURCE_URI,       /* --source */
};

struct weir_source_config {
	enum weir_source_flag flag;
	const char *value;        /* as typed */
	enum weir_take_mode take; /* -i only */
	uint16_t first_interface; /* number of this source's first interface */
	unsigned n_workers; /* that will poll it: as many receive queues are set up where it can; 0
			       is 1 */
	unsigned n_senders; /* threads that send out of ports: as many transmit queues; 0: none */
	unsigned n_held;    /* received packets that ports may hold which they are passed on to */
	bool wants_interrupts; /* waiting will be by wait_fd where it can be had, at some cost of
				  speed with some drivers */
	/* What is needed of what comes, NULL: everything; a source may give more. It has to outlive
	 * the opening. */
	const struct weir_port_rules *rules;
	/* Who else the port is for; NULL: nobody. Its packets are none of the source's. */
	const struct weir_port_guest_spec *guest;
	bool is_dry_run; /* check that it would open; start nothing that others would notice */
};

/* Losses and size, written by the polling worker or read from the driver; control reads. */
struct weir_source_stats {
	uint64_t lost_nic;                   /* dropped before weir: NIC or kernel */
	uint64_t lost_no_buffer;             /* dropped for want of receive buffers */
	uint64_t passed[WEIR_PORT_N_PASSED]; /* left to the kernel, or dropped by the NIC */
	bool has_guest;
	uint64_t guest;       /* packets that were the guest's */
	bool has_unknown;     /* the NIC drops packets, and its driver does not tell how many */
	uint64_t done_bytes;  /* of a file: position */
	uint64_t total_bytes; /* of a file: size, 0 where unknown */
	int64_t load_ns;      /* time spent loading (preload), not part of elapsed */
};

enum weir_poll {
	WEIR_POLL_OK,    /* b->n packets, maybe 0 */
	WEIR_POLL_END,   /* no more packets will come; b->n is 0 */
	WEIR_POLL_ERROR, /* it broke; err of weir_source_error says how; b->n is 0; nothing more
			    will come */
};

struct weir_source;

struct weir_source_ops {
	const char *kind; /* "file" */
	/*
	 * Fill the views of b (n, data, cap_len, wire_len, time_ns, interface, link, dlt, owner,
	 * queue_depth) with at most max packets of a receive queue. Never blocks for long. now_ns
	 * is wall-clock, read once a burst. A queue is polled by one worker at a time, different
	 * queues by different workers at the same time.
	 */
	enum weir_poll (*poll)(struct weir_source *s, unsigned queue, struct weir_batch *b,
	    uint32_t max, int64_t now_ns);
	/*
	 * The worker is done with the views that a poll put into b. NULL where there is nothing to
	 * do. May run while another worker polls.
	 */
	void (*release)(struct weir_source *s, struct weir_batch *b);
	/*
	 * Waiting without polling. wait_fd: a descriptor that becomes readable when the queue may
	 * have packets, or -1; it stays the source's. NULL: no queue has one. The polling worker's.
	 *
	 * To wait: arm(true); poll once more, for what came before does not wake; if that gave
	 * nothing, poll(2) or epoll (level-triggered) on wait_fd with POLLIN; then arm(false) and
	 * poll again. It may wake without packets; and where the source has a kernel's interface
	 * that may go away, only a poll finds out, so wait a second at most. arm returns 0, or
	 * -errno where this queue cannot wait now. NULL with wait_fd NULL.
	 */
	int (*wait_fd)(struct weir_source *s, unsigned queue);
	int (*arm)(struct weir_source *s, unsigned queue, bool is_on);
	void (*stats)(struct weir_source *s, struct weir_source_stats *ret); /* control */
	/*
	 * Give everything from now on, whatever the rules were. 0 or -errno; NULL: it does so
	 * anyway. Control.
	 */
	int (*take_all)(struct weir_source *s);
	/* Can packets arrive, as far as the link is concerned? NULL: it has none. Control. */
	bool (*is_up)(const struct weir_source *s);
	void (*close)(struct weir_source *s);
};

/* Common head of every source; kinds embed it first. */
struct weir_source {
	const struct weir_source_ops *ops;
	char *name;        /* as typed, for messages */
	char *description; /* "eth0: tapped through libpcap (it carries 10.0.0.1/24)" */
	bool is_live;      /* runs until stopped; else it ends by itself */
	bool has_clock;    /* packets carry their own time, else the worker's clock is used */
	bool needs_eal;    /* polls a DPDK port */
	/* Views of a poll stay valid until their release, or for good, whatever is polled
	 * meanwhile. */
	bool has_lasting_views;
	unsigned n_queues; /* receive queues, at least 1: all of them have to be polled */
	/*
	 * What decides which queue gets a packet, where the device spreads by a hash of these
	 * fields and its key and table were read back; empty where it is not known. is_symmetric:
	 * both directions of a flow come by the same queue.
	 *
	 * No promise that equal fields mean equal queues for every packet: where ports are hashed,
	 * all fragments go by addresses alone, first ones too, and so does what the NIC does not
	 * know (UDP-Lite, tunnels, more tags than it parses). Whoever relies on it merges
	 * afterwards.
	 */
	struct weir_field_set spread;
	bool is_symmetric;
	int numa_node; /* of the device, -1 where unknown */
	/* What no query can use is left to the kernel, or dropped by the NIC; or will be. */
	bool has_rules;
	char *offered; /* what became of the rules in a NIC; NULL where it is none */
	uint16_t first_interface;
	uint16_t n_interfaces;   /* may grow while a pcapng file is read */
	struct weir_error error; /* why poll said WEIR_POLL_ERROR, or a warning of a damaged file */
};

/*
 * Open a source. Usage errors name the option and nearest valid word; run-time errors name cause,
 * place and cure (missing file, permission, no such interface with the nearest one).
 */
int weir_source_open(
    const struct weir_source_config *config, struct weir_source **ret, struct weir_error *err);
void weir_source_close(struct weir_source *s);

/* True where this configuration gives a source that runs until it is stopped. Any thread. */
bool weir_source_is_live(const struct weir_source_config *config);

/* True where this configuration will poll a DPDK port, so that EAL must be started first. Control.
 */
int weir_source_needs_eal(
    const struct weir_source_config *config, bool *ret, struct weir_error *err);
/* Kinds for help and docs: URI form and description; a row without name ends. */
struct weir_source_doc {
	const char *name;
	const char *doc;
};
extern const struct weir_source_doc weir_source_docs[];

#endif
