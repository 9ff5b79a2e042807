/* SPDX-License-Identifier: BSD-3-Clause */
#include "sampling.h"
#include "worker.h"

#include <weir/base/poison.h> /* last */

#define ROWS_PER_BLOCK    4096
#define PACKETS_PER_BLOCK 1024
#define BYTES_PER_BLOCK   (1u << 20)

/* A step of the burst is done: to be timed now and then, under --latency. */
static inline void
note_step(struct weir_worker *w, enum weir_latency_stage stage)
{
	if (__builtin_expect(w->is_timed, false))
		weir_sampling_step(w->sampling, stage);
}

static void
send_rows(struct weir_worker *w, unsigned q)
{
	struct weir_worker_query *wq = &w->queries[q];
	struct weir_parcel parcel = { WEIR_PARCEL_ROWS, q, wq->rows,
		(uint64_t)w->batch->first_number, NULL };

	if (!wq->rows || !wq->rows->n_rows)
		return;
	parcel.origin = weir_sampling_hand_over(&wq->rows_origin);
	if (!weir_worker_send(w, &parcel)) {
		w->counts.queries[q].shed_rows += wq->rows->n_rows;
		weir_block_destroy(wq->rows);
		weir_sampling_drop(parcel.origin);
	}
	wq->rows = NULL;
}

static void
send_packets(struct weir_worker *w, unsigned q)
{
	struct weir_worker_query *wq = &w->queries[q];
	struct weir_parcel parcel = { WEIR_PARCEL_PACKETS, q, wq->packets,
		(uint64_t)w->batch->first_number, NULL };

	if (!wq->packets || !wq->packets->n)
		return;
	parcel.origin = weir_sampling_hand_over(&wq->packets_origin);
	if (!weir_worker_send(w, &parcel)) {
		w->counts.queries[q].shed_packets += wq->packets->n;
		weir_packet_block_destroy(wq->packets);
		weir_sampling_drop(parcel.origin);
	}
	wq->packets = NULL;
}

/* Copy the packets that are left. Those without memory leave the selection and are counted. */
static void
keep_packets(struct weir_worker *w, unsigned q, struct weir_rows *rows)
{
	struct weir_worker_query *wq = &w->queries[q];
	const struct weir_batch *b = rows->batch;

	if (w->sampling)
		weir_sampling_note_rows(w, &wq->packets_origin, rows);
	WEIR_FOR_EACH_BIT (row, rows->sel) {
		struct weir_packet_copy meta = {
			.time_ns = b->time_ns[row],
			.cap_len = b->cap_len[row],
			.wire_len = b->wire_len[row],
			.interface = b->interface[row],
			.dlt = b->dlt[row],
		};

		if (!wq->packets)
			wq->packets = weir_packet_block_create(PACKETS_PER_BLOCK, BYTES_PER_BLOCK);
		if (!wq->packets || weir_packet_block_add(wq->packets, b->data[row], &meta)) {
			weir_mask_clear(rows->sel, row);
			w->counts.queries[q].no_memory++;
			continue;
		}
		if (wq->packets->n >= PACKETS_PER_BLOCK || wq->packets->n_bytes >= BYTES_PER_BLOCK)
			send_packets(w, q);
	}
	note_step(w, WEIR_LATENCY_SELECT);
}

static void
emit_rows(struct weir_worker *w, unsigned q, struct weir_rows *rows)
{
	struct weir_worker_query *wq = &w->queries[q];
	unsigned n = weir_mask_count(rows->sel);

	if (!n)
		return;
	if (w->sampling)
		weir_sampling_note_rows(w, &wq->rows_origin, rows);
	if (!wq->rows)
		wq->rows = weir_block_create(
		    &wq->path->schema, w->all->is_in_order ? WEIR_ROWS : ROWS_PER_BLOCK);
	if (!wq->rows || weir_path_select(wq->path, rows, wq->rows)) {
		w->counts.queries[q].no_memory += n;
		return;
	}
	w->counts.queries[q].emitted += n;
	note_step(w, WEIR_LATENCY_SELECT);
	if (!w->all->is_in_order && wq->rows->n_rows + WEIR_ROWS > ROWS_PER_BLOCK)
		send_rows(w, q);
}

/* Packets wait for the end of a window to be joined: those that come too late for it are dropped.
 */
static void
admit(struct weir_worker *w, unsigned q, struct weir_rows *rows, int64_t watermark_ns)
{
	const struct weir_group_rows g = {
		.n = rows->n,
		.sel = rows->sel,
		.time_ns = rows->batch->time_ns,
		.late = w->queries[q].path->late,
		.watermark_ns = watermark_ns,
	};

	weir_group_admit(&w->queries[q].spec, &g, &w->counts.queries[q].group);
}

static void
scatter(struct weir_worker *w, unsigned q, struct weir_rows *rows, int64_t watermark_ns)
{
	struct weir_worker_query *wq = &w->queries[q];
	struct weir_path_exchange *x = wq->exchange;

	if (w->sampling)
		weir_sampling_put(w, x);
	weir_path_scatter(
	    wq->path, x, rows, watermark_ns, wq->aggregator, &w->counts.queries[q].group);
	if (x->left[0] | x->left[1] | x->left[2] | x->left[3])
		weir_worker_push(w, q, rows);
}

/* Send the rows that need not wait for their window's end. */
static void
send_early(struct weir_worker *w, unsigned q)
{
	struct weir_early *early = w->queries[q].early;
	struct weir_parcel parcel = { WEIR_PARCEL_EARLY, q, early ? weir_early_take(early) : NULL,
		0, NULL };
	struct weir_early_rows *rows = parcel.p;

	if (!rows || weir_worker_send(w, &parcel))
		return;
	w->counts.queries[q].shed_rows += rows->rows->n_rows;
	weir_early_rows_destroy(rows);
}

/* Packets that leave by ports: they are sent when all queries have had the batch. */
static void
keep_to_send(struct weir_worker *w, unsigned q, struct weir_rows *rows)
{
	struct weir_worker_query *wq = &w->queries[q];
	uint16_t partition[WEIR_ROWS];

	if (wq->path->n_shares > 1)
		weir_path_share(wq->path, rows, partition);
	for (unsigned i = 0; i < wq->n_senders; i++)
		weir_forwarder_keep(wq->senders[i], w->batch, rows->sel, partition);
	w->has_kept = true;
	if (w->is_timed)
		weir_sampling_keep(w->sampling, rows);
}

static void
send_kept(struct weir_worker *w)
{
	if (!w->has_kept)
		return;
	w->has_kept = false;
	if (w->all->n > 1)
		weir_worker_await_turn(w);
	weir_forwarders_transmit(w->senders, w->n_senders, w->batch);
	if (w->is_timed)
		weir_sampling_sent(w->sampling);
}

/* What other queries found too late. */
static void
run_late(struct weir_worker *w, unsigned q, struct weir_rows *rows)
{
	weir_path_run(w->queries[q].path, w->batch, w->masks, rows);
	memcpy(rows->sel, w->late, sizeof(rows->sel));
	w->counts.queries[q].in_time += w->batch->n - weir_mask_count(rows->sel);
}

/* Of a cluster: rows whose order matters, or that are joined, go to the hosts that own their keys.
 */
static void
ship(struct weir_worker *w, unsigned q, struct weir_rows *rows, int64_t watermark_ns)
{
	struct weir_worker_query *wq = &w->queries[q];
	struct weir_query_counts *counts = &w->counts.queries[q];
	uint32_t before;

	if (!wq->rows)
		wq->rows = weir_block_create(&wq->path->shipped, ROWS_PER_BLOCK);
	before = wq->rows ? wq->rows->n_rows : 0;
	if (!wq->rows ||
	    weir_path_ship(wq->path, &wq->spec, rows, watermark_ns, &counts->group, wq->rows))
		counts->no_memory += weir_mask_count(rows->sel);
	else
		counts->emitted += wq->rows->n_rows - before;
	if (wq->rows && wq->rows->n_rows + WEIR_ROWS > ROWS_PER_BLOCK)
		send_rows(w, q);
}

/* Rows to the query's groups, here or with the workers that own them. */
static void
group(struct weir_worker *w, unsigned q, struct weir_rows *rows, int64_t watermark_ns)
{
	struct weir_worker_query *wq = &w->queries[q];

	if (w->sampling && wq->early)
		weir_sampling_note_early(w, q);
	if (wq->exchange)
		scatter(w, q, rows, watermark_ns);
	else
		weir_path_group(
		    wq->path, rows, watermark_ns, wq->aggregator, &w->counts.queries[q].group);
	note_step(w, WEIR_LATENCY_AGGREGATE);
	if (w->is_timed)
		weir_sampling_note_group(w, q, rows);
}

static void
run_query(struct weir_worker *w, unsigned q, int64_t watermark_ns)
{
	struct weir_worker_query *wq = &w->queries[q];
	struct weir_rows rows;

	w->counts.queries[q].in += w->batch->n;
	if (wq->is_late)
		run_late(w, q, &rows);
	else
		weir_path_run(wq->path, w->batch, w->masks, &rows);
	if (wq->path->n_stages)
		note_step(w, WEIR_LATENCY_PREDICATE);
	if (wq->n_senders)
		keep_to_send(w, q, &rows);
	if (wq->wants_packets)
		keep_packets(w, q, &rows);
	if (wq->ships)
		ship(w, q, &rows, watermark_ns);
	else if (wq->aggregator)
		group(w, q, &rows, watermark_ns);
	else if (wq->wants_rows) {
		if (wq->path->hands_over)
			admit(w, q, &rows, watermark_ns);
		emit_rows(w, q, &rows);
	} else
		w->counts.queries[q].emitted += weir_mask_count(rows.sel);
	send_early(w, q);
}

void
weir_worker_batch(struct weir_worker *w, const struct weir_burst *burst)
{
	struct weir_batch *b = w->batch;
	uint64_t bytes = 0;

	for (unsigned row = 0; row < b->n; row++)
		bytes += b->wire_len[row];
	w->counts.packets += b->n;
	w->counts.bytes += bytes;
	if (w->needs_decode) {
		w->decode_batch(b, &w->counts.decode);
		note_step(w, WEIR_LATENCY_DECODE);
	}
	w->masks->batch++;
	memset(w->late, 0, sizeof(w->late));
	for (unsigned q = 0; q < w->n_queries; q++) {
		w->at_query = q;
		if (!w->queries[q].is_ending)
			run_query(w, q, burst->watermark_ns);
	}
	w->at_query = WEIR_QUERIES_MOST;
	send_kept(w);
	if (w->all->is_in_order)
		weir_worker_flush(w);
	atomic_store_explicit(&w->live_packets, w->counts.packets, memory_order_relaxed);
	atomic_store_explicit(&w->live_bytes, w->counts.bytes, memory_order_relaxed);
}

void
weir_worker_take_back(struct weir_worker *w)
{
	struct weir_parcel parcel;

	while (rte_ring_sc_dequeue_elem(w->back, &parcel, sizeof(parcel)) == 0)
		if (parcel.kind == WEIR_PARCEL_PANE && w->queries[parcel.query].aggregator)
			weir_aggregator_recycle(w->queries[parcel.query].aggregator, parcel.p);
		else
			weir_worker_obey(w, &parcel);
}

/* Hand over what is closed. Returns the watermark up to which all of it has been. */
static int64_t
close_query(struct weir_worker *w, unsigned q, int64_t watermark_ns)
{
	struct weir_worker_query *wq = &w->queries[q];
	struct weir_parcel parcel = { WEIR_PARCEL_PANE, q, NULL, 0, NULL };

	while ((parcel.p = weir_aggregator_close(wq->aggregator, watermark_ns))) {
		if (w->sampling)
			weir_sampling_close(parcel.p);
		if (!weir_worker_send(w, &parcel)) {
			w->counts.queries[q].shed_rows += weir_pane_n_groups(parcel.p);
			weir_aggregator_recycle(wq->aggregator, parcel.p);
		}
	}
	/* A sweep may take several calls. */
	return weir_window_is_per_group(&wq->spec.window) ? weir_aggregator_closed(wq->aggregator)
							  : watermark_ns;
}

uint32_t
weir_worker_gather(struct weir_worker *w)
{
	struct weir_exchange_block *block;
	uint32_t n = 0;

	for (unsigned q = 0; w->n_exchanges && q < w->n_queries; q++) {
		struct weir_worker_query *wq = &w->queries[q];
		struct weir_query_counts *counts = &w->counts.queries[q];

		if (!wq->exchange || wq->has_ended)
			continue;
		while ((block = weir_exchange_take(wq->exchange->exchange, w->index))) {
			if (w->sampling)
				weir_sampling_take(w, q, block);
			weir_path_gather(wq->path, block, wq->aggregator, &counts->group);
			if (w->sampling)
				weir_sampling_taken(w, q, block);
			n += block->end - block->first;
			counts->received += block->end - block->first;
			weir_exchange_give_back(wq->exchange->exchange, w->index, block);
		}
	}
	return n;
}

/* Rows of frames from this one on may still be put into a query's exchange. */
static int64_t
low_number(const struct weir_worker *w, unsigned q)
{
	const struct weir_worker_query *wq = &w->queries[q];
	int64_t row = 0;

	if (w->is_done || wq->is_ending)
		return INT64_MAX;
	if (q < w->at_query) /* it has had the batch, if there is one */
		return (int64_t)weir_intake_next(w->all->intake);
	WEIR_FOR_EACH_BIT (r, wq->exchange->left) {
		row = r;
		break;
	}
	return w->batch->first_number + row;
}

void
weir_worker_publish_numbers(struct weir_worker *w)
{
	for (unsigned q = 0; w->n_exchanges && q < w->n_queries; q++) {
		struct weir_path_exchange *x = w->queries[q].exchange;

		if (!x || w->queries[q].has_ended || !w->queries[q].path->is_ordered)
			continue;
		(void)weir_exchange_flush_gently(x->exchange, w->index, &x->counters);
		weir_exchange_publish_number(x->exchange, w->index, low_number(w, q));
	}
}

void
weir_worker_publish(struct weir_worker *w, int64_t watermark_ns)
{
	w->is_done |= watermark_ns == INT64_MAX;
	for (unsigned q = 0; w->n_exchanges && q < w->n_queries; q++) {
		const struct weir_worker_query *wq = &w->queries[q];
		struct weir_path_exchange *x = wq->exchange;
		bool is_all = true;

		if (!x || wq->has_ended)
			continue;
		if (w->is_done || wq->is_ending)
			weir_exchange_flush(x->exchange, w->index, &x->counters);
		else
			is_all = weir_exchange_flush_gently(x->exchange, w->index, &x->counters);
		if (wq->path->is_ordered)
			weir_exchange_publish_number(x->exchange, w->index, low_number(w, q));
		if (is_all)
			weir_exchange_publish(
			    x->exchange, w->index, wq->is_ending ? INT64_MAX : watermark_ns);
	}
}

/* How far a query's windows may be closed: what is below has been taken. */
static int64_t
low_time(struct weir_worker *w, const struct weir_worker_query *wq, int64_t watermark_ns)
{
	struct weir_exchange *x = wq->exchange ? wq->exchange->exchange : NULL;
	int64_t low_ns;

	if (!x)
		return wq->is_ending ? INT64_MAX : watermark_ns;
	/* Asked before what has been sent is taken: then all up to there is here. */
	low_ns = weir_exchange_low(x);
	(void)weir_worker_gather(w);
	return wq->path->is_ordered ? weir_exchange_settled(x, w->index) : low_ns;
}

void
weir_worker_close(struct weir_worker *w, int64_t watermark_ns)
{
	int64_t closed_ns = watermark_ns, done_ns;

	for (unsigned q = 0; q < w->n_queries; q++) {
		struct weir_worker_query *wq = &w->queries[q];
		int64_t low_ns;

		if (wq->has_ended)
			continue;
		low_ns = low_time(w, wq, watermark_ns);
		/* Rows that have a place among the windows up to there go before them. */
		send_early(w, q);
		if (wq->path->hands_over || wq->ships)
			send_rows(w, q);
		done_ns = wq->aggregator ? close_query(w, q, low_ns) : low_ns;
		closed_ns = done_ns < closed_ns ? done_ns : closed_ns;
		if (wq->is_ending && low_ns == INT64_MAX)
			weir_worker_end_query(w, q);
	}
	atomic_store_explicit(&w->closed_ns, closed_ns, memory_order_release);
}

void
weir_worker_flush(struct weir_worker *w)
{
	for (unsigned q = 0; q < w->n_queries; q++) {
		send_rows(w, q);
		send_packets(w, q);
	}
}
