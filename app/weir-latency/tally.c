/* SPDX-License-Identifier: BSD-3-Clause */
#include "tally.h"

#include <errno.h>

#include <weir/base/time.h>

int
tally_begin(struct tally *t, double pps, uint64_t n, int64_t lead_ns, struct weir_error *err)
{
	struct weir_sequence_config c = { 0 };

	if (weir_sequence_create(&c, &t->sequence))
		return weir_error_run(err, -ENOMEM, "no memory to count a trial");
	schedule_init(&t->schedule, weir_now_mono_ns() + lead_ns, pps);
	if (weir_series_create(t->schedule.start_ns,
		schedule_ns(&t->schedule, n) - t->schedule.start_ns, &t->series))
		return weir_error_run(err, -ENOMEM, "no memory to count a trial");
	return 0;
}

void
tally_end(struct tally *t)
{
	weir_series_close(t->series, weir_now_mono_ns());
}

void
tally_fini(struct tally *t)
{
	weir_sequence_destroy(t->sequence);
	weir_series_destroy(t->series);
}
