/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/base/number.h>
#include <weir/base/strbuf.h>
#include <weir/base/time.h>

#include "file.h"

/* -r FILE: capture files. Options in file_options.c, opening in file_open.c, formats in
 * file_pcap*.c. */

/* What is no capture is mostly told before anything is started. */
#define HEAD_WAIT_MS 500

static void
close_reader(struct weir_file *f)
{
	if (f->reader)
		f->reader->ops->close(f->reader);
	f->reader = NULL;
	weir_input_fini(&f->in);
}

static void
file_close(struct weir_source *s)
{
	struct weir_file *f = (struct weir_file *)s;

	close_reader(f);
	weir_arena_destroy(f->arena);
	weir_batch_destroy(f->pending);
	free(f->options.path);
	free(f);
}

static void
file_stats(struct weir_source *s, struct weir_source_stats *ret)
{
	const struct weir_file *f = (const struct weir_file *)s;

	memset(ret, 0, sizeof(*ret));
	ret->done_bytes = __atomic_load_n(&f->done_bytes, __ATOMIC_RELAXED);
	ret->total_bytes = f->size_bytes * f->options.n_loops; /* for ever: unknown */
	ret->load_ns = f->load_ns;
}

/*
 * A pipe at full speed waits on its descriptor: a poll that gives nothing has read all of it. A
 * paced file waits for the clock.
 */
static int
file_wait_fd(struct weir_source *s, unsigned queue)
{
	const struct weir_file *f = (const struct weir_file *)s;

	(void)queue;
	return f->arena || f->pending || f->in.is_regular ? -1 : f->in.fd;
}

static int
file_arm(struct weir_source *s, unsigned queue, bool is_on)
{
	(void)is_on;
	return file_wait_fd(s, queue) < 0 ? -ENOTSUP : 0;
}

static const struct weir_source_ops file_ops = {
	.kind = "file",
	.poll = weir_file_poll,
	.wait_fd = file_wait_fd,
	.arm = file_arm,
	.stats = file_stats,
	.close = file_close,
};

static struct weir_batch *
new_batch(void)
{
	static const struct weir_field_set none;

	return weir_batch_create(&none);
}

static int
check_memory(const struct weir_file *f, struct weir_error *err)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	char need[32], have[32];

	if (f->size_bytes < memory)
		return 0;
	return weir_error_run(err, -ENOMEM,
	    "preload: the file (%sB) does not fit into memory (%sB): leave preload out",
	    weir_text_count((double)f->size_bytes, need, sizeof(need)),
	    weir_text_count((double)memory, have, sizeof(have)));
}

static int
load_all(struct weir_file *f, struct weir_batch *b, struct weir_error *err)
{
	for (;;) {
		switch (f->reader->ops->fill(f->reader, b, WEIR_ROWS)) {
		case WEIR_READ_END:
			return 0;
		case WEIR_READ_DAMAGED:
			f->is_damaged = true;
			weir_file_describe_damage(f, f->arena->n_packets, &f->damage);
			return 0;
		case WEIR_READ_OK:
			if (weir_arena_add(f->arena, b))
				return weir_error_run(
				    err, -ENOMEM, "preload: out of memory: leave preload out");
			/* A pipe with nothing to read: wait here, for loading is not polling. */
			if (!b->n)
				weir_input_need(&f->in, weir_input_have(&f->in) + 1, true);
		}
	}
}

static int
preload(struct weir_file *f, struct weir_error *err)
{
	int64_t begin_ns = weir_now_mono_ns();
	struct weir_batch *b = new_batch();
	int rc = check_memory(f, err);

	f->arena = weir_arena_create();
	if (!rc && (!b || !f->arena))
		rc = weir_error_run(err, -ENOMEM, "preload: out of memory");
	if (!rc)
		rc = load_all(f, b, err);
	weir_batch_destroy(b);
	if (rc)
		return rc;
	weir_file_note_interfaces(f);
	if (!f->size_bytes)
		f->size_bytes = f->in.offset;
	close_reader(f);
	f->base.has_lasting_views = true; /* the packets stay where they are */
	f->load_ns = weir_now_mono_ns() - begin_ns;
	return 0;
}

static bool
is_pipe(const struct weir_file *f)
{
	struct stat st;

	return f->options.is_stdin || (stat(f->options.path, &st) == 0 && S_ISFIFO(st.st_mode));
}

static int
start(struct weir_file *f, bool is_dry_run, struct weir_error *err)
{
	int rc;

	if (is_dry_run && is_pipe(f))
		return 0; /* what is read here could not be read again */
	rc = weir_file_open_input(f, err);
	/* a writer that is slow to begin is waited for by polling, so that a run can end meanwhile
	 */
	if (!rc && (f->options.is_preload || weir_file_has_head(f, HEAD_WAIT_MS)))
		rc = weir_file_open_reader(f, err);
	if (rc)
		return rc;
	if (f->reader)
		weir_file_note_interfaces(f);
	if (!f->base.n_interfaces)
		f->base.n_interfaces = 1;
	if (f->options.n_loops != 1 && !f->options.is_preload && !f->in.is_regular)
		return weir_error_usage(err, "loop: a pipe can be read only once (add preload=1)");
	if (is_dry_run)
		return 0;
	if (f->options.is_preload)
		rc = preload(f, err);
	if (!rc && f->options.speed != WEIR_FILE_SPEED_MAX) {
		f->pending = new_batch();
		if (!f->pending)
			rc = weir_error_run(err, -ENOMEM, "out of memory");
	}
	return rc;
}

static void
describe(struct weir_file *f)
{
	const struct weir_file_options *o = &f->options;
	struct weir_strbuf b = { 0 };

	weir_strbuf_puts(&b, o->is_stdin ? "standard input" : o->path);
	weir_strbuf_puts(&b, ": capture file");
	if (o->is_preload)
		weir_strbuf_puts(&b, ", held in memory");
	if (o->speed == WEIR_FILE_SPEED_FACTOR)
		weir_strbuf_printf(&b, ", at %g times its recorded speed", o->factor);
	if (o->speed == WEIR_FILE_SPEED_RATE)
		weir_strbuf_printf(
		    &b, ", at %llu packets a second", (unsigned long long)o->rate_pps);
	if (o->n_loops == 0)
		weir_strbuf_puts(&b, ", over and over");
	else if (o->n_loops > 1)
		weir_strbuf_printf(&b, ", %llu times", (unsigned long long)o->n_loops);
	f->base.description = b.p;
}

static int
file_open(const struct weir_source_config *c, struct weir_source **ret, struct weir_error *err)
{
	struct weir_file *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return weir_error_run(err, -ENOMEM, "-r '%s': out of memory", c->value);
	f->base.ops = &file_ops;
	f->base.has_clock = true;
	f->base.numa_node = -1;
	f->base.first_interface = c->first_interface;
	rc = weir_file_options_parse(c->value, &f->options, err);
	if (rc) {
		free(f);
		return weir_error_wrap(err, "-r '%s'", c->value);
	}
	rc = start(f, c->is_dry_run, err);
	if (rc) {
		weir_error_wrap(err, "-r '%s'", f->options.path);
		file_close(&f->base);
		return rc;
	}
	describe(f);
	*ret = &f->base;
	return 0;
}

static bool
file_match(const struct weir_source_config *c)
{
	return c->flag == WEIR_SOURCE_FILE;
}

const struct weir_source_kind weir_source_kind_file = {
	.name = WEIR_SOURCE_FILE_NAME,
	.doc = WEIR_SOURCE_FILE_DOC,
	.match = file_match,
	.open = file_open,
};
