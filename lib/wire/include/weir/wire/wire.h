/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_WIRE_WIRE_H
#define WEIR_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/base/error.h>
#include <weir/base/value.h>
#include <weir/sketch/histogram.h>
#include <weir/wire/secret.h>

/*
 * The wire: frames between hosts over a port of DPDK, reliable, not ordered, with bounded memory.
 * A frame is one UDP datagram; docs/wire.md has its format. The wire knows nothing of what frames
 * hold. One thread of its own polls the port; it sleeps while nothing happens. All functions are
 * the control thread's (one thread), but for what says otherwise.
 */

#define WEIR_WIRE_UDP_PORT       5748
#define WEIR_WIRE_PORT_BYTES     1152 /* of a port's name with its arguments */
#define WEIR_WIRE_PEERS          1024 /* at most: ids are below it */
#define WEIR_WIRE_PEER_ADDRESSES 4
#define WEIR_WIRE_NAME_BYTES     64
#define WEIR_WIRE_RSS_KEY_BYTES  64
#define WEIR_WIRE_RSS_TABLE      512
#define WEIR_WIRE_QUEUES         64 /* of a port, at most */
#define WEIR_WIRE_ANY_QUEUE      UINT16_MAX
#define WEIR_WIRE_MEMORY_LEAST   (UINT64_C(1) << 20) /* bytes */

/* An IP address. */
struct weir_wire_address {
	struct weir_addr addr;
	uint8_t version; /* 4 or 6; 0: none */
};

/* --wire PORT,ip=A/N[,gw=A][,udp=PORT][,queues=N][,mtu=N] */
struct weir_wire_spec {
	char port[WEIR_WIRE_PORT_BYTES]; /* for weir_port_open */
	struct weir_wire_address ip;
	uint8_t prefix_len;
	struct weir_wire_address gw; /* version 0: none */
	uint16_t udp_port;
	uint16_t n_queues; /* receive queues to ask the port for */
	uint16_t mtu;      /* of the path; 0: the port's */
};

struct weir_port_guest_spec;
/* What the wire is on a port that is a source as well: for who opens the source. */
void weir_wire_guest(const struct weir_wire_spec *spec, struct weir_port_guest_spec *ret);

/* Parse it. PORT may hold commas: what is before the last ",ip=". Usage errors without "--wire". */
int weir_wire_parse(const char *text, struct weir_wire_spec *ret, struct weir_error *err);

struct weir_wire;

struct weir_wire_config {
	const struct weir_wire_spec *spec;
	const char *job; /* salt of the keys */
	/* NULL: frames in clear, which needs is_insecure. Used during weir_wire_open alone. */
	const struct weir_secret *secret;
	bool is_insecure;
	bool is_tapped; /* the kernel's interface is a source that is tapped: both have a copy */
	uint64_t incarnation;  /* of this node: 64 random bits, not 0, never used before */
	uint64_t epoch;        /* of the map, at first */
	uint64_t memory_bytes; /* for frames, received and to be sent; 0: 64 MiB */
	/*
	 * May be NULL. Wire thread: frames have come, or there is room where there was none when
	 * somebody wanted it. Must not block.
	 */
	void (*wake)(void *arg);
	void *wake_arg;
};

/*
 * EAL must have been started. Opens the port and starts the thread. A port that is open is shared
 * where it has a guest (weir_wire_guest): frames come from those who poll it; before they do, and
 * after, the wire's thread does, which drops and counts what is not the wire's (unattended).
 */
int weir_wire_open(
    const struct weir_wire_config *c, struct weir_wire **ret, struct weir_error *err);
/*
 * Go on as another incarnation, of the same port, to which all peers must be introduced again. What
 * was under way is given up; what has been taken in stays until it is taken. -EBUSY while peers are
 * set. On errors nothing has changed.
 */
int weir_wire_renew(struct weir_wire *w, const struct weir_wire_config *c, struct weir_error *err);
/* Of a shared port: others poll it from now on; or do so no more. */
void weir_wire_share(struct weir_wire *w, bool is_polled);
/* Joins the thread, gives up the port. All frames are given up, whoever has them. NULL is fine. */
void weir_wire_close(struct weir_wire *w);
/*
 * Frames are sent with the newest epoch from now on, those sent again, too. Sealed ones are taken
 * where they are of one of the two, and refused else.
 */
void weir_wire_set_epochs(struct weir_wire *w, uint64_t newest, uint64_t oldest);

/* How a node's NIC spreads what comes, as it announces it; n_queues 0 or 1: it does not. */
struct weir_wire_rss {
	uint16_t n_queues;
	uint16_t key_len; /* 0: no driver says it; the header's queue is all there is */
	uint8_t key[WEIR_WIRE_RSS_KEY_BYTES];
	uint16_t n_table;                   /* power of two */
	uint8_t table[WEIR_WIRE_RSS_TABLE]; /* hash modulo n_table -> queue */
};

/*
 * Key and table as text, for who keeps what nodes say of themselves; "" where there is no key.
 * size: WEIR_WIRE_RSS_TEXT_BYTES. Returns buf.
 */
#define WEIR_WIRE_RSS_TEXT_BYTES 1280
const char *weir_wire_rss_text(const struct weir_wire_rss *rss, char *buf, size_t size);
/* Back again, beside n_queues. Text that is none leaves it without a key: false. */
bool weir_wire_rss_parse(const char *text, struct weir_wire_rss *rss);

/* What this node tells others of itself. */
struct weir_wire_self {
	struct weir_wire_address ip;
	uint16_t udp_port;
	uint8_t mac[6];
	uint16_t mtu; /* in use */
	struct weir_wire_rss rss;
	const char *device; /* DPDK's name of the port's first device */
	const char *seal;   /* "crypto_aesni_gcm"; "none" where frames go in clear */
};

void weir_wire_self(const struct weir_wire *w, struct weir_wire_self *ret);

/* A node to talk to. */
struct weir_wire_peer {
	char name[WEIR_WIRE_NAME_BYTES];
	uint64_t incarnation; /* not 0 */
	unsigned n_addrs;     /* the first of the version of one's own is taken */
	struct weir_wire_address addrs[WEIR_WIRE_PEER_ADDRESSES];
	uint16_t udp_port; /* 0: WEIR_WIRE_UDP_PORT */
	bool has_mac;      /* else its neighbour, or gateway, is asked */
	uint8_t mac[6];
	struct weir_wire_rss rss; /* its n_queues are the queues that frames can be sent to */
};

/*
 * Talk to this peer as id (below WEIR_WIRE_PEERS, the caller's choice). With another incarnation
 * than before the id begins anew: what has not been acknowledged is given up (data_abandoned), what
 * has come of the former one can still be taken. With the same one only the record changes, and
 * streams go on, also after the peer was removed. -EINVAL: no address of this wire's version, or
 * an incarnation that another id has.
 */
int weir_wire_peer_set(
    struct weir_wire *w, unsigned id, const struct weir_wire_peer *peer, struct weir_error *err);
/*
 * Greet a node at this address whose incarnation is not known (peer->incarnation is not looked at)
 * as id, now and whenever nothing is heard of the peer of that id for a second; and listen to its
 * greetings. Errors as weir_wire_peer_set.
 */
int weir_wire_greet(
    struct weir_wire *w, unsigned id, const struct weir_wire_peer *peer, struct weir_error *err);
/*
 * The incarnation that was found there last, 0: none yet. Where it is another than that of the
 * peer: weir_wire_peer_set. Any thread.
 */
uint64_t weir_wire_greeted(const struct weir_wire *w, unsigned id);
/* Nothing more to it, and nothing from it. */
void weir_wire_peer_remove(struct weir_wire *w, unsigned id);

/* A buffer to send. Who has a reference may read it; before it is sent, its maker may write. */
struct weir_wire_frame {
	uint8_t *data; /* room for weir_wire_payload_most bytes */
	uint32_t len;  /* to be set; at least 1 */
	uint32_t refs; /* wire's, atomic */
	void *pool;    /* wire's */
};

/* Bytes of a frame, the same for all peers. */
uint32_t weir_wire_payload_most(const struct weir_wire *w);
/* A frame with one reference, the caller's. NULL when none is free. */
struct weir_wire_frame *weir_wire_frame_get(struct weir_wire *w);
void weir_wire_frame_ref(struct weir_wire_frame *f);
/* Any thread. The last one gives it back. NULL is fine. */
void weir_wire_frame_put(struct weir_wire_frame *f);
/* Frames there are, and that are free. */
unsigned weir_wire_frames(const struct weir_wire *w, unsigned *ret_free);
/*
 * Send it to a peer, to one of its receive queues (modulo how many it has), or by turns to all
 * (WEIR_WIRE_ANY_QUEUE). The wire holds a
 * reference of its own until the peer has it, or is given up. The bytes must stay as they are
 * meanwhile; a frame may be sent to several peers. 0; -EAGAIN: no room now; -ENOENT: no such peer;
 * -EMSGSIZE: empty or too long.
 */
int weir_wire_send(struct weir_wire *w, unsigned id, struct weir_wire_frame *f, uint16_t queue);
/* How many frames weir_wire_send takes for this peer at once; 0 for one that is not there. */
unsigned weir_wire_room(struct weir_wire *w, unsigned id);
/* Frames that the peer has not acknowledged yet, queued ones included. */
unsigned weir_wire_unacked(const struct weir_wire *w, unsigned id);
/* Frames that were given for the peer so far. */
uint64_t weir_wire_sent(const struct weir_wire *w, unsigned id);
/*
 * Whether the peer has acknowledged so many of them: it has them, and will take them unless it
 * dies. Where it has not, `wake` is called as soon as it has. Those that were given up, as the peer
 * was removed, count as acknowledged.
 */
bool weir_wire_is_acked(struct weir_wire *w, unsigned id, uint64_t n_sent);

/* What has come; data stays until it is released. */
struct weir_wire_received {
	const uint8_t *data;
	uint32_t len;
	uint16_t peer;        /* id */
	uint16_t queue;       /* the one of this node that it was meant for */
	uint64_t incarnation; /* of the peer */
	uint64_t epoch;       /* that it was sent by */
	void *buffer;         /* wire's */
};

/* Take what has come, in no order, each once. Returns how many, at most n. */
unsigned weir_wire_take(struct weir_wire *w, struct weir_wire_received *out, unsigned n);
/* Give the buffers back: the peers may then send more. */
void weir_wire_release(struct weir_wire *w, const struct weir_wire_received *r, unsigned n);

enum weir_wire_counter {
#define X(ident, name, help) WEIR_WIRE_##ident,
#include <weir/wire/counters.def>
#undef X
	WEIR_WIRE_N_COUNTERS,
};

/* "frames_sent", and what it counts. */
const char *weir_wire_counter_name(enum weir_wire_counter c);
const char *weir_wire_counter_help(enum weir_wire_counter c);

struct weir_wire_peer_stats {
	char name[WEIR_WIRE_NAME_BYTES];
	uint64_t incarnation;
	bool is_resolved;    /* the link address to send to is known */
	bool has_clock;      /* offset_ns means something */
	int64_t offset_ns;   /* its CLOCK_REALTIME less ours, at the least round trip of late */
	int64_t error_ns;    /* the offset is at most so wrong: half that round trip */
	int64_t heard_ns;    /* CLOCK_MONOTONIC when anything of it was taken last; 0: never */
	int64_t smoothed_ns; /* round trip of frames with their wait for acknowledgement; 0: none */
	unsigned n_unacked;
	unsigned n_credit; /* more frames that the peer has granted */
	unsigned window;   /* frames that may be under way */
	uint64_t counters[WEIR_WIRE_N_COUNTERS];
	struct weir_histogram
	    rtt; /* of pings, each some tenth of a second; since the peer is set */
};

struct weir_wire_stats {
	uint64_t counters[WEIR_WIRE_N_COUNTERS]; /* of all peers that were, and of no peer's */
	unsigned n_queues;                       /* of the port, that the wire's thread polls; */
	uint64_t by_queue[WEIR_WIRE_QUEUES];     /* packets that came by each */
	uint64_t memory_bytes;                   /* of frames and buffers */
	unsigned n_buffers;                      /* for received frames */
	unsigned n_buffers_free;
};

/* Copies made by the wire thread: consistent. False where there is no such peer. */
bool weir_wire_peer_stats(struct weir_wire *w, unsigned id, struct weir_wire_peer_stats *ret);
void weir_wire_stats(struct weir_wire *w, struct weir_wire_stats *ret);
/* CLOCK_MONOTONIC when the peer was heard last, 0 never. Without the thread. */
int64_t weir_wire_heard_ns(const struct weir_wire *w, unsigned id);

#endif
