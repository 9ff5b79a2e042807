/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A profile from its file. rte_cfgfile reads it, but passes over what it does not understand and
 * tells no lines: each line is looked at before.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cfgfile.h>
#include <weir/base/nearest.h>
#include <weir/port/profile.h>

static_assert(WEIR_PROFILE_KEYS <= 64, "a bit each");

/* rte_cfgfile's own limits */
#define LINE_BYTES (CFG_NAME_LEN + CFG_VALUE_LEN + 2)

struct reader {
	const char *path;
	unsigned line;
	char section[CFG_NAME_LEN];
	uint64_t sections;                 /* that were there, by their first key */
	unsigned lines[WEIR_PROFILE_KEYS]; /* where each key stands; 0: nowhere */
	struct weir_error *err;
};

static char *
strip(char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

/* The first key of a section, -1 where there is none. */
static int
find_section(const char *name)
{
	for (int i = 0; i < WEIR_PROFILE_KEYS; i++)
		if (strcmp(weir_profile_keys[i].section, name) == 0)
			return i;
	return -1;
}

/* A word that the file may not have, with the nearest of the keys' names, or of their sections. */
static int
refuse(struct reader *r, const char *what, const char *name, bool is_key)
{
	struct weir_nearest nearest;

	weir_nearest_begin(&nearest, name);
	for (unsigned i = 0; i < WEIR_PROFILE_KEYS; i++)
		weir_nearest_offer(
		    &nearest, is_key ? weir_profile_keys[i].name : weir_profile_keys[i].section);
	if (weir_nearest_get(&nearest))
		return weir_error_run(r->err, -EINVAL, "unknown %s '%s' (try '%s')", what, name,
		    weir_nearest_get(&nearest));
	return weir_error_run(
	    r->err, -EINVAL, "unknown %s '%s' (docs/nics.md has them)", what, name);
}

static int
look_at_section(struct reader *r, char *text)
{
	char *end = strchr(text, ']');
	char *name;
	int first;

	if (!end || end[1])
		return weir_error_run(
		    r->err, -EINVAL, "'%s' is no section (try '[receive]')", text);
	*end = '\0';
	name = strip(text + 1);
	first = find_section(name);
	if (first < 0)
		return refuse(r, "section", name, false);
	if (r->sections >> first & 1)
		return weir_error_run(
		    r->err, -EINVAL, "section [%s] is there twice: only the first is read", name);
	r->sections |= UINT64_C(1) << first;
	snprintf(r->section, sizeof(r->section), "%s", name);
	return 0;
}

static int
look_at_key(struct reader *r, char *text)
{
	char *value = strchr(text, '=');
	const char *name;

	if (!value)
		return weir_error_run(
		    r->err, -EINVAL, "'%s' is no line of a profile (try 'key = value')", text);
	*value++ = '\0';
	name = strip(text);
	value = strip(value);
	for (unsigned i = 0; i < WEIR_PROFILE_KEYS; i++) {
		const struct weir_profile_key_info *k = &weir_profile_keys[i];

		if (strcmp(k->name, name) != 0)
			continue;
		if (strcmp(k->section, r->section) != 0)
			return weir_error_run(
			    r->err, -EINVAL, "'%s' belongs to section [%s]", name, k->section);
		if (r->lines[i])
			return weir_error_run(r->err, -EINVAL,
			    "'%s' is set twice, in line %u first", name, r->lines[i]);
		if (!*value || strlen(value) >= CFG_VALUE_LEN)
			return weir_error_run(r->err, -EINVAL, "the value of '%s' is too %s", name,
			    *value ? "long" : "short");
		r->lines[i] = r->line;
		return 0;
	}
	return refuse(r, "key", name, true);
}

static int
look_at_line(struct reader *r, char *text)
{
	if (strlen(text) > LINE_BYTES)
		return weir_error_run(
		    r->err, -EINVAL, "the line has more than %u bytes", (unsigned)LINE_BYTES);
	text[strcspn(text, ";")] = '\0';
	text = strip(text);
	if (!*text)
		return 0;
	return *text == '[' ? look_at_section(r, text) : look_at_key(r, text);
}

/* Look at all lines; the error names the line. */
static int
look(struct reader *r)
{
	char *line = NULL;
	size_t size = 0;
	FILE *f = fopen(r->path, "re");
	int rc = 0;

	if (!f)
		return weir_error_run(
		    r->err, -errno, "%s: cannot be read: %s", r->path, strerror(errno));
	while (!rc && getline(&line, &size, f) >= 0) {
		r->line++;
		rc = look_at_line(r, line);
	}
	if (!rc && ferror(f))
		rc = weir_error_run(r->err, -EIO, "the file cannot be read any further");
	free(line);
	fclose(f);
	return rc ? weir_error_wrap(r->err, "%s:%u", r->path, r->line) : 0;
}

static int
take_values(struct reader *r, struct rte_cfgfile *file, struct weir_profile *p)
{
	for (unsigned i = 0; i < WEIR_PROFILE_KEYS; i++) {
		const struct weir_profile_key_info *k = &weir_profile_keys[i];
		const char *value = rte_cfgfile_get_entry(file, k->section, k->name);

		if (!value || weir_profile_set(p, k->name, value, WEIR_PROFILE_FILE, r->err) == 0)
			continue;
		weir_error_wrap(r->err, "%s:%u", r->path, r->lines[i]);
		if (r->err)
			r->err->fail = WEIR_FAIL_RUN;
		return -EINVAL;
	}
	return 0;
}

/* "mlx5" of ".../mlx5.ini" */
static void
take_name(const char *path, struct weir_profile *p)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	snprintf(p->name, sizeof(p->name), "%.*s", (int)strcspn(base, "."), base);
}

int
weir_profile_read(const char *path, struct weir_profile *ret, struct weir_error *err)
{
	const struct rte_cfgfile_parameters how = { .comment_character = ';' };
	struct reader r = { .path = path, .err = err };
	struct weir_profile p;
	struct rte_cfgfile *file;
	int rc = look(&r);

	if (rc)
		return rc;
	file = rte_cfgfile_load_with_params(path, 0, &how);
	if (!file)
		return weir_error_run(err, -EINVAL, "%s: rte_cfgfile cannot read it", path);
	weir_profile_init(&p);
	take_name(path, &p);
	rc = take_values(&r, file, &p);
	rte_cfgfile_close(file);
	if (!rc && !p.match[0])
		rc = weir_error_run(err, -EINVAL,
		    "%s: 'match' is missing in section [driver]: which drivers is it for?", path);
	if (!rc)
		*ret = p;
	return rc;
}
