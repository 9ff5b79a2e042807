/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of a profile: what they are by themselves, and how one is set. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>
#include <weir/base/nearest.h>
#include <weir/base/number.h>
#include <weir/port/profile.h>

const struct weir_profile_key_info weir_profile_keys[WEIR_PROFILE_KEYS] = {
#define WEIR_PROFILE_KEY(section, name, kind, words, least, most, initial, is_typed, doc)          \
	{ #section, #name, WEIR_PROFILE_##kind, words, least, most, initial, is_typed, doc,        \
		offsetof(struct weir_profile, name) },
#include <weir/port/profile_keys.def>
#undef WEIR_PROFILE_KEY
};

/* clang-format off */
#define WORDS(name, ...)                                                                           \
	const char *name(unsigned i)                                                               \
	{                                                                                          \
		static const char *const words[] = { __VA_ARGS__ };                                \
		return i < sizeof(words) / sizeof(words[0]) ? words[i] : NULL;                     \
	}
WORDS(weir_profile_buses, "pci", "vdev", "vmbus")
WORDS(weir_profile_ways, "nothing", "xdp", "packet")
WORDS(weir_profile_places, "interface", "queue", "queues", "block", "frame")
WORDS(weir_profile_rss_fields, "ip", "tcp", "udp", "sctp")
WORDS(weir_profile_drains, "nothing", "kick", "peer")
WORDS(weir_profile_clocks, "none", "ticks", "nanoseconds", "microseconds")
WORDS(weir_profile_flow_matches, "ethertypes", "protocols", "networks", "ranges", "masks", "outermost")
WORDS(weir_profile_nic_counters, "imissed", "ierrors")
WORDS(weir_profile_buffer_counters, "rx_nombuf")
/* clang-format on */

/* Bits without an offload have no name. */
static const char *
offload(unsigned i, const char *(*name)(uint64_t))
{
	const char *n;

	if (i >= 64)
		return NULL;
	n = name(UINT64_C(1) << i);
	return strcmp(n, "UNKNOWN") == 0 ? "" : n;
}

const char *
weir_profile_rx_offload(unsigned i)
{
	return offload(i, rte_eth_dev_rx_offload_name);
}

const char *
weir_profile_tx_offload(unsigned i)
{
	return offload(i, rte_eth_dev_tx_offload_name);
}

static void *
place(struct weir_profile *p, const struct weir_profile_key_info *k)
{
	return (char *)p + k->offset;
}

/* The place of a word of so many characters, or -1. */
static int
find_word(const char *(*words)(unsigned), const char *word, size_t len)
{
	for (unsigned i = 0; words(i); i++)
		if (len && strlen(words(i)) == len && strncasecmp(words(i), word, len) == 0)
			return (int)i;
	return -1;
}

static int
refuse_word(const char *(*words)(unsigned), const char *word, size_t len, bool is_set,
    struct weir_error *err)
{
	char typed[64], all[512] = "", near[64];
	struct weir_nearest nearest;
	size_t used = 0;

	snprintf(typed, sizeof(typed), "%.*s", (int)len, word);
	weir_nearest_begin(&nearest, typed);
	for (unsigned i = 0; words(i); i++) {
		if (!words(i)[0])
			continue;
		weir_nearest_offer(&nearest, words(i));
		if (used < sizeof(all))
			used += (size_t)snprintf(
			    all + used, sizeof(all) - used, "%s%s", used ? ", " : "", words(i));
	}
	if (!weir_nearest_get(&nearest))
		return weir_error_usage(
		    err, "'%s' is none of %s%s", typed, all, is_set ? ", and not 'none'" : "");
	snprintf(near, sizeof(near), "%s", weir_nearest_get(&nearest));
	for (char *c = near; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return weir_error_usage(err, "unknown word '%s' (try '%s')", typed, near);
}

static int
parse_set(
    const struct weir_profile_key_info *k, const char *value, uint64_t *ret, struct weir_error *err)
{
	static const char between[] = ",+ \t";
	uint64_t set = 0;

	if (strcmp(value, "none") == 0) {
		*ret = 0;
		return 0;
	}
	for (const char *w = value + strspn(value, between); *w; w += strspn(w, between)) {
		size_t len = strcspn(w, between);
		int i = find_word(k->words, w, len);

		if (i < 0)
			return refuse_word(k->words, w, len, true, err);
		set |= UINT64_C(1) << i;
		w += len;
	}
	if (!set)
		return weir_error_usage(err, "it names nothing (try 'none')");
	*ret = set;
	return 0;
}

static int
parse_number(
    const struct weir_profile_key_info *k, const char *value, uint32_t *ret, struct weir_error *err)
{
	uint64_t n;
	int rc = weir_parse_u64(value, &n, err);

	if (rc)
		return rc;
	if (n < k->least || n > k->most)
		return weir_error_usage(err, "'%s' is not from %u to %u", value, k->least, k->most);
	*ret = (uint32_t)n;
	return 0;
}

/* A text of which the places in braces must be known. */
static int
parse_text(
    const struct weir_profile_key_info *k, const char *value, char *ret, struct weir_error *err)
{
	if (strlen(value) >= WEIR_PROFILE_TEXT_BYTES)
		return weir_error_usage(
		    err, "it has more than %u characters", WEIR_PROFILE_TEXT_BYTES - 1);
	for (const char *c = value; k->words && (c = strchr(c, '{')) != NULL;) {
		size_t len = strcspn(++c, "}");

		if (c[len] != '}')
			return weir_error_usage(err, "a '{' lacks its '}'");
		if (find_word(k->words, c, len) < 0)
			return refuse_word(k->words, c, len, false, err);
	}
	snprintf(ret, WEIR_PROFILE_TEXT_BYTES, "%s", value);
	return 0;
}

static int
parse_switch(const char *value, bool *ret, struct weir_error *err)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return weir_error_usage(err, "'%s' is neither 'yes' nor 'no'", value);
	*ret = value[0] == 'y';
	return 0;
}

static int
parse(struct weir_profile *p, const struct weir_profile_key_info *k, const char *value,
    struct weir_error *err)
{
	int i;

	switch (k->kind) {
	case WEIR_PROFILE_TEXT:
		return parse_text(k, value, place(p, k), err);
	case WEIR_PROFILE_NUMBER:
		return parse_number(k, value, place(p, k), err);
	case WEIR_PROFILE_SWITCH:
		return parse_switch(value, place(p, k), err);
	case WEIR_PROFILE_CHOICE:
		i = find_word(k->words, value, strlen(value));
		if (i < 0)
			return refuse_word(k->words, value, strlen(value), false, err);
		*(uint32_t *)place(p, k) = (uint32_t)i;
		return 0;
	case WEIR_PROFILE_SET:
		return parse_set(k, value, place(p, k), err);
	}
	return -EINVAL;
}

void
weir_profile_init(struct weir_profile *p)
{
	memset(p, 0, sizeof(*p));
	for (unsigned i = 0; i < WEIR_PROFILE_KEYS; i++)
		parse(p, &weir_profile_keys[i], weir_profile_keys[i].initial, NULL);
}

static int
refuse_key(const char *key, enum weir_profile_origin origin, struct weir_error *err)
{
	struct weir_nearest nearest;

	weir_nearest_begin(&nearest, key);
	for (unsigned i = 0; i < WEIR_PROFILE_KEYS; i++)
		if (origin == WEIR_PROFILE_FILE || weir_profile_keys[i].is_typed)
			weir_nearest_offer(&nearest, weir_profile_keys[i].name);
	if (weir_nearest_get(&nearest))
		return weir_error_usage(
		    err, "unknown key '%s' (try '%s')", key, weir_nearest_get(&nearest));
	return weir_error_usage(
	    err, "unknown key '%s' (such as 'descriptors' and 'burst': see docs/nics.md)", key);
}

static int
find_key(const char *name)
{
	for (unsigned i = 0; i < WEIR_PROFILE_KEYS; i++)
		if (strcmp(weir_profile_keys[i].name, name) == 0)
			return (int)i;
	return -1;
}

int
weir_profile_set(struct weir_profile *p, const char *key, const char *value,
    enum weir_profile_origin origin, struct weir_error *err)
{
	int i = find_key(key);

	if (i < 0)
		return refuse_key(key, origin, err);
	if (origin == WEIR_PROFILE_COMMAND_LINE && !weir_profile_keys[i].is_typed)
		return weir_error_usage(err,
		    "'%s' is a matter of the driver: only its file in drivers-config sets it", key);
	if (parse(p, &weir_profile_keys[i], value, err))
		return weir_error_wrap(err, "%s", key);
	p->origin[i] = (uint8_t)origin;
	return 0;
}

static int
override_one(struct weir_profile *p, char *pair, struct weir_error *err)
{
	char *value = strchr(pair, '=');
	int i;

	if (value)
		*value++ = '\0';
	if (!*pair)
		return weir_error_usage(
		    err, "an option behind '?' lacks its name (try name=value)");
	i = find_key(pair);
	if (i < 0)
		return refuse_key(pair, WEIR_PROFILE_COMMAND_LINE, err);
	if (!value)
		return weir_error_usage(
		    err, "option '%s' lacks its value (try '%s=...')", pair, pair);
	if (p->origin[i] == WEIR_PROFILE_COMMAND_LINE)
		return weir_error_usage(err, "option '%s' is given twice", pair);
	return weir_profile_set(p, pair, value, WEIR_PROFILE_COMMAND_LINE, err);
}

int
weir_profile_override(struct weir_profile *p, const char *options, struct weir_error *err)
{
	char *copy, *rest, *pair;
	int rc = 0;

	if (!options[0])
		return 0;
	copy = strdup(options);
	if (!copy)
		return weir_error_run(err, -ENOMEM, "no memory");
	rest = copy;
	while (!rc && (pair = strsep(&rest, "&")) != NULL)
		rc = override_one(p, pair, err);
	free(copy);
	return rc;
}

const char *
weir_profile_options(const char *name, size_t *ret_len)
{
	const char *mark = strrchr(name, '?');

	*ret_len = mark ? (size_t)(mark - name) : strlen(name);
	return mark ? mark + 1 : name + strlen(name);
}
