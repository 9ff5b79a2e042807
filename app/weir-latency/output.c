/* SPDX-License-Identifier: BSD-3-Clause */
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base/file.h>
#include <weir/measure/report.h>

#include "summary.h"

/* A file that is made before anything is measured. */
struct file {
	char *path;
	FILE *out; /* NULL: nothing is to be written */
	bool is_stdout;
	bool is_regular;
	bool is_written;
};

struct output {
	const struct config *config;
	struct file json, plot;
	struct file hdr[CONFIG_LOADS];
	unsigned n_hdr;
};

static int
file_open(struct file *f, const char *flag, const char *path, struct weir_error *err)
{
	int fd, rc;

	if (!path)
		return 0;
	f->is_stdout = strcmp(path, "-") == 0;
	f->path = strdup(path);
	if (!f->path)
		return weir_error_run(err, -ENOMEM, "out of memory");
	if (f->is_stdout) {
		f->out = stdout;
		return 0;
	}
	rc = weir_file_create(path, &fd, &f->is_regular, err);
	if (rc)
		return weir_error_wrap(err, "%s", flag);
	f->out = fdopen(fd, "w");
	if (!f->out) {
		close(fd);
		return weir_error_run(err, -ENOMEM, "out of memory");
	}
	return 0;
}

/* After the last byte. */
static int
file_finish(struct file *f, struct weir_error *err)
{
	f->is_written = true;
	if (fflush(f->out) || ferror(f->out))
		return weir_file_write_error(err, errno ? errno : EIO, f->path);
	return 0;
}

static void
file_close(struct file *f)
{
	if (f->out && !f->is_stdout)
		fclose(f->out);
	if (f->out && !f->is_written && f->is_regular)
		unlink(f->path);
	free(f->path);
}

/* "out.hgrm", or of several measurements "out-load50.hgrm". The caller's to free. */
static char *
hdr_name(const struct config *c, unsigned i)
{
	const char *slash = strrchr(c->hdr, '/'), *name = slash ? slash + 1 : c->hdr;
	const char *dot = strrchr(name, '.');
	int len = (int)(dot && dot != name ? dot - c->hdr : (long)strlen(c->hdr));
	char *path;

	if (c->n_loads < 2 || strcmp(c->hdr, "-") == 0)
		return strdup(c->hdr);
	if (asprintf(&path, "%.*s-load%g%s", len, c->hdr, 100 * c->loads[i], c->hdr + len) < 0)
		return NULL;
	return path;
}

static int
open_hdr(struct output *o, struct weir_error *err)
{
	const struct config *c = o->config;
	unsigned n = c->has_rate ? 1 : c->n_loads;
	int rc = 0;

	for (unsigned i = 0; c->hdr && i < n && !rc; i++) {
		char *path = hdr_name(c, i);

		rc = path ? file_open(&o->hdr[i], "--hdr", path, err)
			  : weir_error_run(err, -ENOMEM, "out of memory");
		o->n_hdr++;
		free(path);
	}
	return rc;
}

int
output_open(const struct config *c, struct output **ret, struct weir_error *err)
{
	struct output *o = calloc(1, sizeof(*o));
	int rc;

	if (!o)
		return weir_error_run(err, -ENOMEM, "out of memory");
	*ret = o;
	o->config = c;
	rc = file_open(&o->json, "--json", c->json, err);
	if (!rc)
		rc = file_open(&o->plot, "--plot", c->plot, err);
	return rc ? rc : open_hdr(o, err);
}

static int
write_hdr(struct output *o, const struct session *s, struct weir_error *err)
{
	unsigned n = 0;
	int rc = 0;

	for (unsigned i = 0; i < s->n_outcomes && n < o->n_hdr && !rc; i++) {
		if (s->outcomes[i]->is_floor)
			continue;
		weir_report_hdr(weir_sequence_delay(s->outcomes[i]->tally.sequence), o->hdr[n].out);
		rc = file_finish(&o->hdr[n++], err);
	}
	return rc;
}

static int
write_json(struct output *o, const struct summary *m, struct weir_error *err)
{
	json_t *root = summary_json(m);

	if (!root)
		return weir_error_run(err, -ENOMEM, "out of memory");
	json_dumpf(root, o->json.out, JSON_COMPACT);
	fputc('\n', o->json.out);
	json_decref(root);
	return file_finish(&o->json, err);
}

int
output_write(struct output *o, const struct session *s, struct weir_error *err)
{
	struct summary *m = summary_make(s);
	bool is_stdout_taken = o->json.is_stdout || (o->n_hdr && o->hdr[0].is_stdout) ||
			       (o->plot.out && o->plot.is_stdout);
	int rc = m ? 0 : weir_error_run(err, -ENOMEM, "out of memory");

	if (!rc && !is_stdout_taken)
		summary_print(m, stdout);
	if (!rc && o->json.out)
		rc = write_json(o, m, err);
	if (!rc && o->plot.out) {
		weir_report_svg(summary_report(m), o->plot.out);
		rc = file_finish(&o->plot, err);
	}
	if (!rc)
		rc = write_hdr(o, s, err);
	summary_free(m);
	return rc;
}

void
output_close(struct output *o)
{
	if (!o)
		return;
	file_close(&o->json);
	file_close(&o->plot);
	for (unsigned i = 0; i < o->n_hdr; i++)
		file_close(&o->hdr[i]);
	free(o);
}
