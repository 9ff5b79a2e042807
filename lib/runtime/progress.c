/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include <weir/base/number.h>
#include <weir/base/time.h>

#include "progress.h"

#define STEP_NS (WEIR_NS_PER_S / 2)

void
weir_progress_begin(struct weir_progress *p, const struct weir_run_config *config)
{
	memset(p, 0, sizeof(*p));
	p->config = config;
	p->begin_ns = p->last_ns = weir_now_mono_ns();
}

/* Share of the files' bytes that has been read, or -1 where it cannot be known. */
static double
share_done(const struct weir_progress *p)
{
	uint64_t done = 0, total = 0;

	for (unsigned i = 0; i < p->config->n_sources; i++) {
		struct weir_source_stats s = { 0 };

		p->config->sources[i]->ops->stats(p->config->sources[i], &s);
		if (!s.total_bytes)
			return -1;
		done += s.done_bytes;
		total += s.total_bytes;
	}
	return done < total ? (double)done / (double)total : 1;
}

void
weir_progress_show(struct weir_progress *p, const struct weir_workers *all)
{
	int64_t now = p->config->has_progress ? weir_now_mono_ns() : 0;
	uint64_t packets = 0, bytes = 0;
	char count[32], rate[32], bits[32], left[32];
	double s, share;

	if (!p->config->has_progress || now - p->last_ns < STEP_NS)
		return;
	for (unsigned i = 0; i < all->n; i++) {
		const struct weir_worker *w = all->worker[i];

		packets += atomic_load_explicit(&w->live_packets, memory_order_relaxed);
		bytes += atomic_load_explicit(&w->live_bytes, memory_order_relaxed);
	}
	s = (double)(now - p->last_ns) / (double)WEIR_NS_PER_S;
	fprintf(stderr, "\r\033[K%s packets  %spps  %sbit/s",
	    weir_text_count((double)packets, count, 32),
	    weir_text_count((double)(packets - p->last_packets) / s, rate, 32),
	    weir_text_count((double)(bytes - p->last_bytes) * 8 / s, bits, 32));
	share = share_done(p);
	if (share > 0.001 && share < 1)
		fprintf(stderr, "  %.0f %%  %s left", share * 100,
		    weir_text_duration(
			(int64_t)((double)(now - p->begin_ns) * (1 - share) / share), left, 32));
	fflush(stderr);
	p->is_shown = true;
	p->last_ns = now;
	p->last_packets = packets;
	p->last_bytes = bytes;
}

void
weir_progress_wipe(struct weir_progress *p)
{
	if (!p->is_shown)
		return;
	fprintf(stderr, "\r\033[K");
	fflush(stderr);
	p->is_shown = false;
}
