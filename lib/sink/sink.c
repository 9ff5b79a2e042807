/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/base/nearest.h>
#include <weir/base/strbuf.h>

#include "kind.h"

const struct weir_sink_ops *const weir_sink_kinds[] = {
	&weir_sink_table,
	&weir_sink_json,
	&weir_sink_csv,
	&weir_sink_pcapng,
	&weir_sink_port,
	NULL,
};

/* rows.json without a scheme: the kind that its end names. */
static const struct weir_sink_ops *
kind_by_suffix(const char *uri)
{
	const char *dot = strrchr(uri, '.');

	if (!dot)
		return NULL;
	if (strcmp(dot, ".pcap") == 0)
		return &weir_sink_pcapng;
	for (unsigned i = 0; weir_sink_kinds[i]; i++)
		if (strcmp(dot + 1, weir_sink_kinds[i]->scheme) == 0)
			return weir_sink_kinds[i];
	return NULL;
}

static int
refuse_scheme(const char *uri, const char *scheme, struct weir_error *err)
{
	const struct weir_sink_ops *kind = kind_by_suffix(uri);
	struct weir_strbuf list = { 0 };
	struct weir_nearest n;
	int rc;

	weir_nearest_begin(&n, scheme);
	for (unsigned i = 0; weir_sink_kinds[i]; i++) {
		weir_nearest_offer(&n, weir_sink_kinds[i]->scheme);
		weir_strbuf_printf(&list, "%s%s", i ? ", " : "", weir_sink_kinds[i]->synopsis);
	}
	if (kind && !strchr(uri, ':'))
		rc = weir_error_usage(
		    err, "unknown sink '%s' (try '%s:%s')", scheme, kind->scheme, uri);
	else if (weir_nearest_get(&n))
		rc = weir_error_usage(
		    err, "unknown sink '%s' (try '%s')", scheme, weir_nearest_get(&n));
	else
		rc = weir_error_usage(err, "unknown sink '%s' (one of %s)", scheme, list.p);
	weir_strbuf_free(&list);
	return rc;
}

int
weir_sink_parse(const char *uri, const struct weir_sink_ops **ret_ops, const char **ret_target,
    struct weir_error *err)
{
	size_t len = strcspn(uri, ":");
	const char *target = uri[len] ? uri + len + 1 : NULL;
	const struct weir_sink_ops *ops = NULL;
	char *scheme;
	int rc;

	for (unsigned i = 0; weir_sink_kinds[i]; i++)
		if (strlen(weir_sink_kinds[i]->scheme) == len &&
		    memcmp(weir_sink_kinds[i]->scheme, uri, len) == 0)
			ops = weir_sink_kinds[i];
	if (!ops) {
		scheme = strndup(uri, len);
		rc = scheme ? refuse_scheme(uri, scheme, err)
			    : weir_error_run(err, -ENOMEM, "out of memory");
		free(scheme);
		return rc;
	}
	/* A synopsis without brackets has no default for its target. */
	if (!target && !strchr(ops->synopsis, '['))
		return weir_error_usage(
		    err, "'%s' needs a file (try '%s')", ops->scheme, ops->synopsis);
	if (ops->check) {
		rc = ops->check(target, err);
		if (rc)
			return rc;
	} else if (target && !target[0])
		return weir_error_usage(err,
		    "no file is named after '%s:' (try '%s:FILE', or '%s:-' for "
		    "standard output)",
		    ops->scheme, ops->scheme, ops->scheme);
	*ret_ops = ops;
	*ret_target = target;
	return 0;
}

static bool
is_stdout(const char *target)
{
	return !target || strcmp(target, "-") == 0;
}

static int
stat_target(const char *target, struct stat *st)
{
	return is_stdout(target) ? fstat(STDOUT_FILENO, st) : stat(target, st);
}

/* Two ways of naming one file; devices such as /dev/null may be shared freely. */
static bool
is_same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	if (is_stdout(a) || is_stdout(b) ? is_stdout(a) && is_stdout(b) : strcmp(a, b) == 0)
		return true;
	if (stat_target(a, &sa) < 0 || stat_target(b, &sb) < 0)
		return false;
	return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino &&
	       (S_ISREG(sa.st_mode) || S_ISFIFO(sa.st_mode));
}

/* A sink opened before that writes to the same place: shared where it is of the same kind. */
static int
find_open(const struct weir_sink_ops *ops, const char *target, struct weir_sink **open,
    unsigned n_open, struct weir_sink **ret, struct weir_error *err)
{
	for (unsigned i = 0; i < n_open; i++) {
		struct weir_sink *s = open[i];
		const char *other = strchr(s->uri, ':');

		other = other ? other + 1 : NULL;
		if (ops->forwards && s->ops == ops && strcmp(target, other) == 0) {
			*ret = s;
			return 0;
		}
		if (!ops->is_file || !s->ops->is_file || !is_same_file(target, other))
			continue;
		if (s->ops != ops)
			return weir_error_usage(err,
			    "%s is written by sink '%s' already (name another file, as in "
			    "'%s:FILE')",
			    is_stdout(target) ? "standard output" : target, s->uri, ops->scheme);
		*ret = s;
		return 0;
	}
	return 0;
}

int
weir_sink_open(const char *uri, struct weir_sink **open, unsigned n_open, struct weir_sink **ret,
    struct weir_error *err)
{
	return weir_sink_open_in(NULL, uri, open, n_open, ret, err);
}

int
weir_sink_open_in(struct weir_sink_run *run, const char *uri, struct weir_sink **open,
    unsigned n_open, struct weir_sink **ret, struct weir_error *err)
{
	const struct weir_sink_ops *ops;
	struct weir_sink *s = NULL;
	const char *target;
	int rc = weir_sink_parse(uri, &ops, &target, err);

	if (!rc)
		rc = find_open(ops, target, open, n_open, &s, err);
	if (rc)
		return rc;
	if (s) {
		*ret = s;
		return 0;
	}
	s = calloc(1, sizeof(*s));
	if (s)
		s->uri = strdup(uri);
	if (!s || !s->uri) {
		free(s);
		return weir_error_run(err, -ENOMEM, "out of memory");
	}
	s->ops = ops;
	s->run = run;
	rc = ops->open(s, target, err);
	if (rc) {
		free(s->uri);
		free(s);
		return rc;
	}
	*ret = s;
	return 0;
}

/* Whatever the kind did not count as delivered was dropped: the two always add up to n. */
static int
settle(struct weir_sink *s, uint64_t delivered_before, uint64_t n, int rc)
{
	s->counters.dropped_error += n - (s->counters.delivered - delivered_before);
	if (rc)
		s->is_broken = true;
	return rc;
}

int
weir_sink_rows(struct weir_sink *s, const struct weir_block *b, struct weir_error *err)
{
	uint64_t before = s->counters.delivered;
	int rc = 0;

	if (b->n_rows == 0)
		return 0;
	if (!s->ops->rows)
		rc = weir_error_run(err, -EINVAL, "sink '%s' takes packets, not rows", s->uri);
	else if (!s->is_broken)
		rc = s->ops->rows(s, b, err);
	return settle(s, before, b->n_rows, rc);
}

int
weir_sink_packets(struct weir_sink *s, const struct weir_packet_block *b, struct weir_error *err)
{
	uint64_t before = s->counters.delivered;
	int rc = 0;

	if (b->n == 0)
		return 0;
	if (!s->ops->packets)
		rc = weir_error_run(err, -EINVAL, "sink '%s' takes rows, not packets", s->uri);
	else if (!s->is_broken)
		rc = s->ops->packets(s, b, err);
	return settle(s, before, b->n, rc);
}

int
weir_sink_flush(struct weir_sink *s, struct weir_error *err)
{
	int rc;

	if (s->is_broken || !s->ops->flush)
		return 0;
	rc = s->ops->flush(s, err);
	if (rc)
		s->is_broken = true;
	return rc;
}

int
weir_sink_close(struct weir_sink *s, struct weir_error *err)
{
	int rc = weir_sink_flush(s, err);
	int closed = s->ops->close(s, rc ? NULL : err);

	free(s->uri);
	free(s);
	return rc ? rc : closed;
}
