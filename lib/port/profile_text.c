/* SPDX-License-Identifier: BSD-3-Clause */
/* Profiles as text: arguments of devices, and what is said of a port's profile. */
#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <weir/base/log.h>
#include <weir/port/profile.h>

/* A text that grows in a buffer, and is cut at its end. */
struct text {
	char *p;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	if (t->len >= t->size)
		return;
	va_start(ap, fmt);
	t->len += (size_t)vsnprintf(t->p + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
}

static const char *
find_place(const struct weir_profile_place *places, unsigned n, const char *name, size_t len)
{
	for (unsigned i = 0; i < n; i++)
		if (strlen(places[i].name) == len && memcmp(places[i].name, name, len) == 0)
			return places[i].text;
	return "";
}

const char *
weir_profile_arguments(const struct weir_profile *p, const struct weir_profile_place *places,
    unsigned n, char *buf, size_t size)
{
	struct text t = { buf, size, 0 };

	buf[0] = '\0';
	for (const char *c = p->arguments; *c;) {
		size_t len = strcspn(c, "{");

		add(&t, "%.*s", (int)len, c);
		c += len;
		if (*c) {
			len = strcspn(++c, "}");
			add(&t, "%s", find_place(places, n, c, len));
			c += len + (c[len] == '}');
		}
	}
	return buf;
}

/* Is there an argument of this name (up to its '=')? */
static bool
has_argument(const char *args, const char *name, size_t len)
{
	for (const char *a = args; *a; a += strcspn(a, ","), a += *a == ',')
		if (strncmp(a, name, len) == 0 && strchr("=,", a[len]))
			return true;
	return false;
}

const char *
weir_profile_devargs(const struct weir_profile *p, const char *args, char *buf, size_t size)
{
	struct text t = { buf, size, 0 };

	buf[0] = '\0';
	add(&t, "%s", args);
	for (const char *a = p->devargs; *a; a += *a == ',') {
		size_t len = strcspn(a, ",");

		if (len && !has_argument(args, a, strcspn(a, "=,")))
			add(&t, "%s%.*s", t.len ? "," : "", (int)len, a);
		a += len;
	}
	return buf;
}

static void
add_set(struct text *t, const char *(*words)(unsigned), uint64_t set)
{
	bool is_first = true;

	for (unsigned i = 0; i < 64 && words(i); i++) {
		if (!(set >> i & 1))
			continue;
		add(t, is_first ? "" : ",");
		for (const char *c = words(i); *c; c++)
			add(t, "%c", tolower((unsigned char)*c));
		is_first = false;
	}
	if (is_first)
		add(t, "none");
}

const char *
weir_profile_value(const struct weir_profile *p, enum weir_profile_key key, char *buf, size_t size)
{
	const struct weir_profile_key_info *k = &weir_profile_keys[key];
	const void *value = (const char *)p + k->offset;
	struct text t = { buf, size, 0 };

	buf[0] = '\0';
	switch (k->kind) {
	case WEIR_PROFILE_TEXT:
		add(&t, "%s", (const char *)value);
		break;
	case WEIR_PROFILE_NUMBER:
		add(&t, "%u", *(const uint32_t *)value);
		break;
	case WEIR_PROFILE_SWITCH:
		add(&t, "%s", *(const bool *)value ? "yes" : "no");
		break;
	case WEIR_PROFILE_CHOICE:
		add(&t, "%s", k->words(*(const uint32_t *)value));
		break;
	case WEIR_PROFILE_SET:
		add_set(&t, k->words, *(const uint64_t *)value);
		break;
	}
	return buf;
}

/* The values of one origin: "burst=64, mtu=1500". Those that say what the driver is are left out.
 */
static unsigned
add_values(struct text *t, const struct weir_profile *p, enum weir_profile_origin origin)
{
	char value[WEIR_PROFILE_TEXT_BYTES];
	unsigned n = 0;

	for (unsigned i = 0; i < WEIR_PROFILE_KEYS; i++) {
		if (p->origin[i] != origin || weir_profile_keys[i].kind == WEIR_PROFILE_TEXT ||
		    strcmp(weir_profile_keys[i].section, "driver") == 0)
			continue;
		add(t, "%s%s=%s", n++ ? ", " : "", weir_profile_keys[i].name,
		    weir_profile_value(p, i, value, sizeof(value)));
	}
	return n;
}

const char *
weir_profile_describe(const struct weir_profile *p, bool is_full, char *buf, size_t size)
{
	char asked[512] = "", of_file[512] = "";
	struct text a = { asked, sizeof(asked), 0 }, f = { of_file, sizeof(of_file), 0 };
	struct text t = { buf, size, 0 };

	buf[0] = '\0';
	if (p->name[0])
		add(&t, "profile %s.ini", p->name);
	else
		add(&t, "no profile");
	if (is_full && add_values(&f, p, WEIR_PROFILE_FILE))
		add(&t, " with %s", of_file);
	if (add_values(&a, p, WEIR_PROFILE_COMMAND_LINE))
		add(&t, ", and %s as asked", asked);
	return buf;
}

void
weir_profile_log(const struct weir_profile *p, const char *device, const char *driver)
{
	static const char *const origins[] = { "weir's own", "profile", "command line" };
	char dir[PATH_MAX], value[WEIR_PROFILE_TEXT_BYTES];

	weir_profile_dir(dir, sizeof(dir));
	if (p->name[0])
		weir_log(WEIR_LOG_INFO, "%s: driver %s, profile %s/%s.ini", device, driver, dir,
		    p->name);
	else
		weir_log(WEIR_LOG_INFO, "%s: driver %s, no profile of it in %s: weir's own values",
		    device, driver, dir);
	for (unsigned i = 0; i < WEIR_PROFILE_KEYS; i++)
		if (strcmp(weir_profile_keys[i].section, "driver") != 0)
			weir_log(WEIR_LOG_DEBUG, "%s: %s = %s (%s)", device,
			    weir_profile_keys[i].name,
			    weir_profile_value(p, i, value, sizeof(value)), origins[p->origin[i]]);
	if (p->limits[0])
		weir_log(WEIR_LOG_DEBUG, "%s: known limits: %s", device, p->limits);
}
