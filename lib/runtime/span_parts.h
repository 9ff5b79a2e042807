/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_SPAN_PARTS_H
#define WEIR_RUNTIME_SPAN_PARTS_H

#include <weir/aggregate/part.h>
#include <weir/cluster/cluster.h>
#include <weir/record/slot.h>
#include <weir/wire/wire.h>

#include "span.h"

/*
 * Between the span*.c: span.c opens, turns and closes; span_kind.c says how queries are spread;
 * span_frame.c codes what nodes tell each other; span_send.c parts panes and sends them;
 * span_take.c takes frames; span_map.c goes over to another map; span_claim.c says up to when
 * windows are complete, and may be delivered; span_need.c who needs what when owners change,
 * span_hold.c for how long rows of sessions are kept.
 */

#define WEIR_SPAN_SLOTS WEIR_CLUSTER_SLOTS

/* What is in a frame; its first byte. All numbers in network order. */
enum weir_span_frame {
	WEIR_SPAN_PART = 1, /* of a pane: groups of one owner */
	WEIR_SPAN_STATUS,   /* how far a node has come */
	WEIR_SPAN_ROWS,     /* of packets, as WEIR_SPAN_PART */
	WEIR_SPAN_TABLE,    /* up to what time the windows of each slot have been delivered */
	WEIR_SPAN_LEDGER,   /* totals of some queries */
	WEIR_SPAN_PIECE,    /* of a part, or of rows, that are longer than a frame */
	WEIR_SPAN_HOLDS,    /* since when a node needs rows of sessions */
};

#define WEIR_SPAN_PART_HEAD     20u /* bytes before what weir_pane_write makes */

#define WEIR_SPAN_PIECE_HEAD    (WEIR_SPAN_PART_HEAD + 8u)
#define WEIR_SPAN_PIECE_LEAST   256u                       /* bytes, of all pieces but the last */
#define WEIR_SPAN_LONG_MOST     (1u << 20)                 /* bytes of what goes in pieces */
#define WEIR_SPAN_GATHERED_MOST (4u * WEIR_SPAN_LONG_MOST) /* of a peer's that lack some */

/* A piece; those of one whole have numbers one after the other. */
struct weir_span_piece {
	enum weir_span_frame of; /* WEIR_SPAN_PART or WEIR_SPAN_ROWS */
	uint16_t query;
	uint64_t epoch;
	uint64_t number;
	uint16_t index; /* which of them it is */
	uint16_t size;  /* bytes of each but the last */
	uint32_t total; /* bytes of all */
	uint32_t len;   /* of this one: what index, size and total say */
};

/* What is on its way to a peer in pieces. */
struct weir_span_long {
	uint8_t *bytes; /* NULL: nothing */
	uint32_t len, at;
	enum weir_span_frame of;
	unsigned query; /* as in the plan */
};

/* Pieces that have come from a peer, until all of a whole are there. */
struct weir_span_gathered {
	struct weir_span_gathered *next;
	uint64_t first; /* number of the first piece */
	uint32_t total, n_left;
	uint16_t size, query;
	enum weir_span_frame of;
	uint8_t *bytes; /* [total], behind has */
	uint8_t has[];  /* [pieces] */
};

struct weir_span_gather {
	struct weir_span_gathered *list;
	uint32_t n_bytes;
	uint64_t n_shed; /* wholes for which there was no room any more */
};

/* How far a node has come, by a map. */
struct weir_span_status {
	uint64_t epoch;
	int64_t closed_ns; /* it sends nothing more of panes that end by then */
	uint64_t n_parts;  /* of so many that it had sent to the receiver by this map */
	int64_t done_ns;   /* it has delivered its windows that are due by then */
	int64_t claim_ns;  /* and those by then it will, as soon as all know of it */
	bool has_ended;    /* it has no packets any more */
};

/* Which numbers of parts have come, as they come in no order. */
struct weir_span_arrived {
	uint64_t n;     /* all below */
	uint64_t *bits; /* [cap / 64] of those from n on, as a ring */
	uint64_t cap;   /* a power of two */
};

/* Another node; its index is that of the view. */
struct weir_span_peer {
	bool is_there;                   /* the wire knows it */
	bool is_greeted;                 /* its incarnation is found by greetings */
	json_t *last;                    /* what the wire knew of it when it went, or NULL */
	struct weir_span_ledger *ledger; /* that it has told, or NULL */
	uint64_t n_parts;                /* sent to it by this map */
	struct weir_span_arrived arrived;
	struct weir_span_long sending;
	struct weir_span_gather gather;
	struct weir_span_status status; /* the newest that came */
	int64_t done_ns;                /* it has delivered its windows up to then, by this map, */
	int64_t claim_ns;               /* and has claimed those up to then */
	uint64_t claim_mark;            /* has it acknowledged so many frames it knows our claim */
	int64_t *holds;       /* [n_queries] it needs rows of sessions since then; or NULL */
	uint64_t holds_epoch; /* by this map */
	int64_t complete_ns;  /* by this map all that it sends up to then is here */
	struct weir_span_status told; /* what it was told last */
	int64_t told_mono_ns;
	/* On the way to another map. */
	uint64_t table_epoch;      /* the map for which its table has come, */
	uint32_t table_parts;      /* as far as these bits say */
	uint64_t sent_table_epoch; /* and ours has gone to it, */
	uint32_t sent_table_parts; /* as far as these */
};

/* Of a node that was lost: its windows up to then count as delivered by it. */
struct weir_span_verdict {
	uint64_t incarnation;
	int64_t done_ns;
};
#define WEIR_SPAN_VERDICTS 32u /* the newest ones */

/* What this node had claimed when it lost its place: others say whether that counts. */
struct weir_span_held {
	struct weir_cluster_view *map; /* by which it was claimed; NULL: nothing was */
	uint64_t incarnation;
	int64_t claim_ns;
	int64_t mixed_until_ns;
	int64_t done_ns[WEIR_SPAN_SLOTS];
	int64_t went_over_ns[WEIR_SPAN_SLOTS];
};

/* Since when sessions were open that were not over when all that is due by time_ns was delivered.
 */
struct weir_span_sample {
	int64_t time_ns;
	int64_t since_ns;
};

/* Of what needs it: what is due from first_ns to last_ns. */
struct weir_span_need {
	int64_t first_ns, last_ns;
	int64_t had_ns; /* a keeper has it where so much has been delivered */
};

/* A pane of this node's packets, until all that is made of it has been delivered. */
struct weir_span_kept {
	struct weir_span_kept *next; /* in the order in which they were closed */
	unsigned query;
	unsigned worker; /* whose aggregator it goes back to */
	struct weir_pane *pane;
	int64_t start_ns, end_ns;
	int64_t first_due_ns, last_due_ns; /* ends of the first and last window that it is in */
	bool is_parted;
	uint16_t *slots;  /* [groups] */
	uint32_t *groups; /* by owner: those of node n are first[n] .. first[n + 1] - 1 */
	uint32_t *first;  /* [n_nodes + 1] */
	struct weir_pane_writer *writers; /* [n_nodes] of these */
	unsigned n_nodes;
};

/* Of windows that are not complete: what has come from all nodes, this one too. */
struct weir_span_incoming {
	int64_t start_ns;
	struct weir_pane *pane;
};

/* Rows that are shipped, until all that is made of them has been delivered. */
struct weir_span_shipment {
	struct weir_span_shipment *next;
	unsigned query;
	struct weir_block *rows;
	int64_t last_ns;     /* of the rows */
	int64_t last_due_ns; /* of their windows; of sessions and counts at the least */
	bool was_parted;     /* by some map: the owners had what was due */
	bool is_parted;
	uint16_t *slots;  /* [rows] */
	uint32_t *picked; /* by owner, as in struct weir_span_kept */
	uint32_t *first;
	uint32_t *at; /* [n_nodes] the next one to be sent */
	unsigned n_nodes;
};

struct weir_span_query {
	bool ships;
	unsigned n_key_columns; /* of what is shipped */
	unsigned *key_columns;
	struct weir_window window;  /* that they come into */
	struct weir_path *path;     /* takes what has been shipped */
	struct weir_early *early;   /* --emit early, or NULL */
	struct weir_block *pending; /* rows of all nodes that are not in windows yet, or NULL */
	int64_t row_number;         /* that have been put in windows */
	int64_t first_ns, last_ns;  /* of rows of this node, where has_times */
	bool has_times;
	int64_t history_ns; /* for so long after its windows later ones are made of what it has */
	bool is_endless;    /* some query of the component has windows without end */
	bool has_shed;      /* rows of which all are needed are not kept any more: too many */
	uint64_t n_shed;    /* groups and rows that whoever takes over would have needed */
	int64_t hold_ns;    /* rows of sessions are needed since then */
	struct weir_span_shipment *last_old; /* of rows that are old, or NULL */
	unsigned n_samples;
	struct weir_span_sample *samples; /* ascending */
	struct weir_group_counters group;
	enum weir_span_kind kind;
	uint16_t number;         /* by which all nodes call it: in the order of names */
	uint16_t head_slot;      /* whose owner is the head */
	struct weir_windows own; /* panes of this node's workers, those of one time together */
	struct weir_aggregator *aggregator; /* to make panes of */
	unsigned n_incoming;
	struct weir_span_incoming *incoming; /* ascending by start */
};

/* Frames that came by a map that this node has not gone over to yet. */
struct weir_span_early {
	struct weir_span_early *next;
	unsigned peer;
	uint32_t len;
	uint8_t data[];
};

struct weir_span {
	const struct weir_plan *plan;
	struct weir_flow *flow;
	struct weir_waker *waker;
	struct weir_wire *wire;
	bool is_tapped; /* the wire's interface, by a source */
	struct weir_cluster *cluster;
	struct weir_cluster_view *view; /* the newest */
	struct weir_slot_key slot_key;
	char secret_mark[16]; /* what others may know of it */
	unsigned n_queries;
	struct weir_span_query *queries; /* [WEIR_QUERIES_MOST] as in the plan */
	uint16_t *by_number;             /* [n_queries] */
	unsigned n_peers;
	struct weir_span_peer *peers; /* [WEIR_WIRE_PEERS] */

	/* The map by which this node works; 0: none yet. While the view's is another, it is on its
	 * way: it delivers nothing, and panes are not sent. */
	uint64_t epoch;
	bool is_moving;
	uint64_t moving_epoch;         /* of the map that is on its way */
	struct weir_cluster_view *map; /* by which it works; NULL where epoch is 0 */
	/* Windows of a slot that end by then were delivered: at the last change of the map, */
	int64_t done_ns[WEIR_SPAN_SLOTS];
	int64_t heard_done_ns[WEIR_SPAN_SLOTS]; /* as others know since, */
	int64_t own_done_ns[WEIR_SPAN_SLOTS];   /* and as this node does, */
	uint64_t own_epoch;                     /* when it stopped for this map */
	/*
	 * Who has what belongs to windows to come of each slot, since the last change of the map;
	 * WEIR_CLUSTER_NONE: nobody, and it is made anew of what is kept. And on the way to the
	 * next: who says to have it, of all that was due by when.
	 */
	uint32_t keeper[WEIR_SPAN_SLOTS];
	int64_t went_over_ns[WEIR_SPAN_SLOTS]; /* done_ns at that change */
	bool own_state[WEIR_SPAN_SLOTS];       /* this node says so, with own_done_ns */
	uint32_t state_node[WEIR_SPAN_SLOTS];
	int64_t state_ns[WEIR_SPAN_SLOTS];
	/* The same with what nodes that are lost had claimed: what all say who worked by a map. */
	int64_t own_claim_ns[WEIR_SPAN_SLOTS];
	int64_t heard_claim_ns[WEIR_SPAN_SLOTS];
	bool has_heard_claims;
	unsigned n_verdicts;
	struct weir_span_verdict verdicts[WEIR_SPAN_VERDICTS];
	struct weir_span_held held;
	/* Windows up to here may have groups here that are not this node's to deliver. */
	int64_t mixed_until_ns;

	int64_t closed_ns;   /* panes of this node's up to then are kept or gone */
	int64_t complete_ns; /* what was said last, */
	int64_t claim_ns;    /* and what is to be said when all know of it */
	int64_t delivered_ns;
	int64_t freed_ns;   /* by this map, what nobody needs any more by then is gone */
	int64_t history_ns; /* all that is due by then has been delivered, by whatever map */
	int64_t held_ns, held_mono_ns; /* when holds were told last */
	int64_t linger_mono_ns; /* since when this node stays for its history alone; 0: not */
	struct weir_span_kept *kept, **kept_end;
	struct weir_span_shipment *shipments, **shipments_end;
	/* What has been delivered, and may be needed by another owner yet. */
	struct weir_span_kept *old_kept, **old_kept_end;
	struct weir_span_shipment *old_shipments, **old_shipments_end;
	int64_t old_mono_ns; /* when it was looked through last */
	uint64_t kept_bytes, most_kept_bytes;
	uint64_t all_bytes; /* of these, rows of which all are needed: half at most */
	struct weir_span_early *early, **early_end;
	uint8_t *buffer; /* of a frame */
	struct weir_span_counters counters;
	struct weir_gaps gaps;  /* of nodes that died */
	int64_t ledger_mono_ns; /* when the ledger was told last, */
	uint64_t run;           /* by this process: its first incarnation */
	bool is_draining;
	int64_t ended_mono_ns; /* since when this node has no packets; 0: it has */
	bool has_failed, failure_told;
	struct weir_error failure;
};

/* span_kind.c */

/* Which queries take rows of each other, as this one does: in[n_queries]. */
void weir_span_component(const struct weir_plan *plan, unsigned query, bool in[WEIR_QUERIES_MOST]);

/* The slot of the head of a query's component, by the least of its names. */
uint16_t weir_span_head_slot(
    const struct weir_plan *plan, unsigned query, const struct weir_slot_key *key);

/* span_frame.c. Read: false where it is none. */
void weir_span_put_part(
    uint8_t *p, enum weir_span_frame type, uint16_t query, uint64_t epoch, uint64_t number);
bool weir_span_get_part(
    const uint8_t *p, uint32_t len, uint16_t *query, uint64_t *epoch, uint64_t *number);
void weir_span_put_piece(uint8_t *p, const struct weir_span_piece *piece);
bool weir_span_get_piece(const uint8_t *p, uint32_t len, struct weir_span_piece *ret);
uint32_t weir_span_put_status(uint8_t *p, const struct weir_span_status *status);
bool weir_span_get_status(const uint8_t *p, uint32_t len, struct weir_span_status *ret);
/* Slots are parted in so many frames: those of what was delivered, those of what was claimed as
 * well, and one more of verdicts. */
#define WEIR_SPAN_TABLE_PARTS  8u
#define WEIR_SPAN_TABLE_SLOTS  (WEIR_SPAN_SLOTS / WEIR_SPAN_TABLE_PARTS)
#define WEIR_SPAN_TABLE_FRAMES (2 * WEIR_SPAN_TABLE_PARTS + 1)
struct weir_span_table {
	uint64_t epoch;
	unsigned part;   /* of WEIR_SPAN_TABLE_FRAMES */
	bool has_worked; /* by a map: what it says of claims counts */
};
/*
 * has_state, of what was delivered: the node has what belongs to windows to come, of all that was
 * due by times_ns; NULL: it has none.
 */
uint32_t weir_span_put_table(uint8_t *p, const struct weir_span_table *table,
    const int64_t times_ns[WEIR_SPAN_SLOTS], const bool *has_state);
uint32_t weir_span_put_verdicts(
    uint8_t *p, uint64_t epoch, const struct weir_span_verdict *verdicts, unsigned n);
/* Any of these frames. */
bool weir_span_get_table(const uint8_t *p, uint32_t len, struct weir_span_table *ret);
/* Takes the later of what is in one that was got and of done_ns; of claims the earlier. */
void weir_span_merge_table(const uint8_t *p, int64_t times_ns[WEIR_SPAN_SLOTS]);
/* Verdict i of one that was got; false: there are no more. */
bool weir_span_get_verdict(const uint8_t *p, unsigned i, struct weir_span_verdict *ret);
/* The slots of a table's part, of which the sender has state. */
struct weir_span_states {
	unsigned first;
	bool has[WEIR_SPAN_TABLE_SLOTS];
	int64_t at_ns[WEIR_SPAN_TABLE_SLOTS];
};

/* Of one that was got, and is of what was delivered. */
void weir_span_get_states(const uint8_t *p, struct weir_span_states *ret);
#define WEIR_SPAN_HOLD_BYTES 10u
/* A frame of WEIR_SPAN_HOLDS without any; and one more in it: return its length. */
uint32_t weir_span_begin_holds(uint8_t *p, uint64_t epoch, int64_t done_ns);
uint32_t weir_span_add_hold(uint8_t *p, uint32_t len, uint16_t query, int64_t hold_ns);
bool weir_span_get_holds(
    const uint8_t *p, uint32_t len, uint64_t *ret_epoch, int64_t *ret_done_ns, unsigned *ret_n);
/* Hold i of a frame that is one. */
void weir_span_get_hold(const uint8_t *p, unsigned i, uint16_t *ret_query, int64_t *ret_hold_ns);
/* Note that part `number` has come; false where it came before, or cannot be. */
bool weir_span_arrive(struct weir_span_arrived *a, uint64_t number);

/* span_out.c */

/* A frame for a node; NULL: there is no room for one now. */
struct weir_wire_frame *weir_span_frame(struct weir_span *s, unsigned node);
/* The frame is gone in any case. False: it is not sent. */
bool weir_span_send_frame(
    struct weir_span *s, unsigned node, struct weir_wire_frame *f, uint32_t len);
/* The same of a part of a query: len bytes at WEIR_SPAN_PART_HEAD, to which its head is put. */
bool weir_span_send_part(struct weir_span *s, unsigned node, struct weir_wire_frame *f,
    enum weir_span_frame type, unsigned query, size_t len);
/* Bytes of a part that are in one frame. */
uint32_t weir_span_part_most(const struct weir_span *s);

/* span_pieces.c */

/* Have bytes, which it takes over, sent in pieces. False, and they are freed: too long, or none. */
bool weir_span_begin_long(struct weir_span_long *l, enum weir_span_frame of, unsigned query,
    uint8_t *bytes, uint32_t len);
void weir_span_end_long(struct weir_span_long *l);
/* The next piece, with its head, as a frame of most bytes; returns its own bytes. Of the head only
 * query, epoch and number count. */
uint32_t weir_span_next_piece(
    struct weir_span_long *l, uint8_t *p, uint32_t most, const struct weir_span_piece *head);
/* Send what is left; false where there is no room for all of it. */
bool weir_span_send_long(struct weir_span *s, unsigned node);
/*
 * Put a piece to the others, where none of its number has come before. 0, and *ret the whole, which
 * the caller frees, where it was the last; -EBADMSG where it does not belong to them; -ENOMEM.
 */
int weir_span_gather(struct weir_span_gather *g, const struct weir_span_piece *piece,
    const uint8_t *bytes, struct weir_span_gathered **ret);
void weir_span_free_gathered(struct weir_span_gathered *x);
void weir_span_forget_gathered(struct weir_span_gather *g);

/* span_send.c */

/* The owner of the windows that a slot has by the map in force. */
unsigned weir_span_owner(const struct weir_span *s, int64_t end_ns, unsigned slot);
/* Panes of the own workers that are complete are kept, and parted. */
void weir_span_keep(struct weir_span *s);
/* The times of the first and last row of a global window, for all who have groups of it. */
void weir_span_keep_times(struct weir_span *s, unsigned query, int64_t first_ns, int64_t last_ns);
/* Send what there is room for. */
bool weir_span_send(struct weir_span *s);
/* Kept panes are parted anew. */
void weir_span_part_again(struct weir_span *s);
/* Let go of kept panes whose windows have all been delivered. */
void weir_span_free(struct weir_span *s);
void weir_span_free_kept(struct weir_span *s, struct weir_span_kept *k);

/* span_claim.c */

/* It has to be said up to when windows are delivered before they are: which node is lost then. */
void weir_span_note_claims(struct weir_span *s);
/* All have told: what was claimed counts where all know of it. */
void weir_span_settle_claims(struct weir_span *s);
/* A verdict that another node tells of. */
void weir_span_take_verdict(struct weir_span *s, const struct weir_span_verdict *v);
/* This node has lost its place: what it has claimed waits for what others say. */
void weir_span_hold(struct weir_span *s);
/* They have: it is delivered, or forgotten. */
void weir_span_settle_held(struct weir_span *s);

/* span_take.c */

/* Take what has come; all of it, or about as much as there is time for. */
bool weir_span_take(struct weir_span *s, bool all);
/* The pane that a time's parts are put together in; NULL when out of memory. */
struct weir_pane *weir_span_incoming_pane(
    struct weir_span *s, unsigned query, int64_t start_ns, int64_t end_ns);
/* Give panes that end by then to the flow. */
void weir_span_give(struct weir_span *s, int64_t time_ns);
void weir_span_forget_incoming(struct weir_span *s);
/* Frames that were early are looked at again. */
void weir_span_take_early(struct weir_span *s);

/* span_rows.c */

int weir_span_rows_init(struct weir_span *s, unsigned query, struct weir_error *err);
void weir_span_rows_fini(struct weir_span *s, unsigned query);
/* Send a node what it has not had; false where there is no room for all of it. */
bool weir_span_send_rows(struct weir_span *s, unsigned node);
/* Part shipments that have not been parted. */
void weir_span_ship_old(struct weir_span *s);
/* Shipments are parted anew. */
void weir_span_ship_again(struct weir_span *s);
/* A frame's rows, behind its head. False: they are none. */
bool weir_span_take_rows(struct weir_span *s, unsigned query, const uint8_t *data, uint32_t len);
/* No more rows are shipped. */
void weir_span_end_rows(struct weir_span *s);
/* Rows up to then are all here: into windows, and those that are closed to the flow. */
void weir_span_give_rows(struct weir_span *s, int64_t time_ns);

/* Until when rows up to a time may be in a window that has not been delivered; of sessions and
 * counts, at the least. */
int64_t weir_span_due_of(const struct weir_window *w, int64_t time_ns);
/* The bytes of what is kept are too many: what only another owner would need goes first. */
void weir_span_shed(struct weir_span *s);
void weir_span_free_shipment(struct weir_span *s, struct weir_span_shipment *h);
/* Every node has had what it is to have of it. */
bool weir_span_is_sent(const struct weir_span *s, const struct weir_span_kept *k);
/* Forget who gets which. */
void weir_span_forget_parting(struct weir_span_kept *k);
void weir_span_forget_shipping(struct weir_span_shipment *h);
/* For another node, which begins anew: part what has not been parted by this map. */
void weir_span_part_old(struct weir_span *s);

/* span_old.c */

/* When all that is due by a time has been delivered: free what nobody needs any more. */
void weir_span_set_aside(struct weir_span *s, int64_t done_ns);
/* All of it is to be parted, and sent, again. */
void weir_span_recall(struct weir_span *s);
void weir_span_no_old(struct weir_span *s);
/* Some of it will be needless after some time. */
bool weir_span_has_old(const struct weir_span *s);
/* There is not so much room. */
void weir_span_shed_old(struct weir_span *s);

/* span_need.c */

/*
 * For how long after it was due what a query's windows of packets hold is in use, by later groups
 * with longer windows, and by joins with the window before. INT64_MAX: to the end.
 */
int64_t weir_span_history(const struct weir_plan *plan, unsigned query);
bool weir_span_is_endless(const struct weir_plan *plan, unsigned query);
struct weir_span_need weir_span_need_of_pane(
    const struct weir_span *s, const struct weir_span_kept *k);
struct weir_span_need weir_span_need_of_row(const struct weir_span_query *q, int64_t time_ns);
/* Maps that there may be, and windows without end. */
#define WEIR_SPAN_TAKERS 34u
/* The nodes that something of a slot is sent to. */
unsigned weir_span_takers(const struct weir_span *s, const struct weir_span_query *q, unsigned slot,
    const struct weir_span_need *need, uint32_t ret[WEIR_SPAN_TAKERS]);
/* For each slot it is one at most, for whatever is as late as this: the newest map's owner. */
bool weir_span_has_one_taker(const struct weir_span *s, const struct weir_span_need *need);
/* A slot's groups are forgotten, of a query that ships rows of sessions and counts, where this node
 * is not its keeper. */
void weir_span_forget_groups(struct weir_span *s, unsigned query);
/* Whether this node goes on with what it has of a query's component. */
bool weir_span_keeps(const struct weir_span *s, unsigned query);
/* On the way to another map: which slots this node has state of, what others say, */
void weir_span_note_states(struct weir_span *s);
void weir_span_take_states(struct weir_span *s, unsigned node, const uint8_t *p);
void weir_span_forget_states(struct weir_span *s);
/* and, when all have told, whose it is to go on with. */
void weir_span_choose_keepers(struct weir_span *s);
/* Rows that were let out before owners changed go. NULL: all of them, or none could be had. */
struct weir_early_rows *weir_span_admit_early(
    struct weir_span *s, unsigned query, struct weir_early_rows *early);

/* span_hold.c */

/* Whether the rows of a query's windows are all needed, from the first on, to begin anew. */
bool weir_span_needs_all(const struct weir_span_query *q);
void weir_span_tell_holds(struct weir_span *s);
bool weir_span_take_holds(struct weir_span *s, unsigned node, const uint8_t *p, uint32_t len);
void weir_span_forget_holds(struct weir_span *s);
/* Since when some node needs rows of a query's sessions; INT64_MIN: it is not known. */
int64_t weir_span_held_since(const struct weir_span *s, unsigned query);

/* span_greet.c */

/* A static cluster: find the nodes whose incarnations are not known. */
void weir_span_greet(struct weir_span *s);

/* span_show.c */

/* A peer goes: what the wire knows of it is kept for the ledger. */
void weir_span_note_peer(struct weir_span *s, unsigned node);

/* span_ledger.c */

/* A frame of queries first .. first + n - 1, by their numbers. Returns how long it is. */
uint32_t weir_span_put_ledger(const struct weir_span *s, const struct weir_ledger *own,
    unsigned first, unsigned n, uint8_t *p);
/* A frame of WEIR_SPAN_LEDGER. False: it is none. */
bool weir_span_take_ledger(struct weir_span *s, unsigned node, const uint8_t *p, uint32_t len);

/* span_map.c */

/* Look at the cluster: peers that are new, and another map. */
bool weir_span_look(struct weir_span *s);
/* This node has lost its place: it takes another, as one that is new. */
void weir_span_rejoin(struct weir_span *s);
/* Where all have told how far they are: go over to the view's map. */
void weir_span_go_over(struct weir_span *s);
bool weir_span_send_tables(struct weir_span *s);
/* How the wire reaches a node; false, with a warning, where that is no address. */
bool weir_span_peer_of(const struct weir_span *s, unsigned node, struct weir_wire_peer *ret);
/* What this node tells of how far the windows of each slot have been delivered. */
void weir_span_note_done(struct weir_span *s);
/* How far they have been by the map in force, as this node knows it; with claims of lost nodes. */
int64_t weir_span_done_of_slot(const struct weir_span *s, unsigned slot, bool with_claims);
bool weir_span_is_live(const struct weir_cluster_view *v, unsigned node);

void weir_span_fail(struct weir_span *s, const struct weir_error *e);

#endif
