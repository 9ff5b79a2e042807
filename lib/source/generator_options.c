/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/nearest.h>
#include <weir/base/number.h>

#include "generator_attack.h"

#define MAX_RATE_PPS    UINT64_C(1000000000)
#define MAX_ZIPF        10.0
#define MIX_TALKS       200u
#define DEFAULT_FLOWS   10000u
#define DEFAULT_PACKETS UINT64_C(1000000)
#define ATTACK_RATE     10000u
#define ATTACK_PACKETS  100000u
#define ATTACK_TALKS    200u
#define TEXT_WORDS      100u
#define MAX_WORDS       100000u

static const char *const kind_names[WEIR_GEN_N_KINDS] = {
	[WEIR_GEN_KIND_UDP] = "udp",
	[WEIR_GEN_KIND_TCP] = "tcp",
	[WEIR_GEN_KIND_IMIX] = "imix",
	[WEIR_GEN_KIND_MIX] = "mix",
	[WEIR_GEN_KIND_ATTACK] = "attack",
	[WEIR_GEN_KIND_TEXT] = "text",
};

const char *
weir_gen_kind_name(enum weir_gen_kind kind)
{
	return kind_names[kind];
}

static int
parse_range(const char *value, uint64_t min, uint64_t max, uint64_t *ret, struct weir_error *err)
{
	uint64_t n = 0;
	int rc = weir_parse_size(value, &n, err);

	if (rc)
		return rc;
	if (n < min || n > max)
		return weir_error_usage(err, "'%s' is out of range: from %llu to %llu", value,
		    (unsigned long long)min, (unsigned long long)max);
	*ret = n;
	return 0;
}

static int
parse_rate(struct weir_gen_options *o, const char *value, struct weir_error *err)
{
	o->has_rate = true;
	return parse_range(value, 1, MAX_RATE_PPS, &o->rate_pps, err);
}

static int
parse_count(struct weir_gen_options *o, const char *value, struct weir_error *err)
{
	o->has_count = true;
	return weir_parse_size(value, &o->count, err);
}

static int
parse_flows(struct weir_gen_options *o, const char *value, struct weir_error *err)
{
	uint64_t n = 0;
	uint64_t most = o->kind == WEIR_GEN_KIND_TEXT ? MAX_WORDS : WEIR_GEN_MAX_FLOWS;
	int rc = parse_range(value, 1, most, &n, err);

	if (!rc)
		o->n_flows = (uint32_t)n;
	return rc;
}

static int
parse_dist(struct weir_gen_options *o, const char *value, struct weir_error *err)
{
	struct weir_nearest nearest;
	const char *colon = strchr(value, ':');
	const char *word;
	double s;
	int rc;

	if (strcmp(value, "uniform") == 0) {
		o->zipf = 0;
		return 0;
	}
	if (strncmp(value, "zipf", 4) != 0 || (value[4] && value[4] != ':')) {
		char *name = colon ? strndup(value, (size_t)(colon - value)) : strdup(value);

		weir_nearest_begin(&nearest, name ? name : value);
		weir_nearest_offer(&nearest, "uniform");
		weir_nearest_offer(&nearest, "zipf");
		word = weir_nearest_get(&nearest);
		if (word && strcmp(word, "zipf") == 0)
			word = "zipf:1.1";
		rc = weir_error_usage(err, "unknown distribution '%s' (try %s%s%s)",
		    name ? name : value, word ? "'" : "'uniform' or 'zipf:1.1", word ? word : "",
		    "'");
		free(name);
		return rc;
	}
	if (!colon || weir_parse_double(colon + 1, &s, NULL) || !(s > 0 && s <= MAX_ZIPF))
		return weir_error_usage(
		    err, "'%s' needs an exponent above 0 and at most 10 (try 'zipf:1.1')", value);
	o->zipf = s;
	return 0;
}

static int
parse_frame_size(struct weir_gen_options *o, const char *value, struct weir_error *err)
{
	uint64_t least = o->kind == WEIR_GEN_KIND_TEXT ? 1 : WEIR_GEN_MIN_FRAME, n = 0;
	int rc;

	o->is_word = false;
	if (strcmp(value, "imix") == 0) {
		o->size = 0;
		return 0;
	}
	if (value[0] < '0' || value[0] > '9')
		return weir_error_usage(
		    err, "'%s' is neither a frame size nor 'imix' (try '64')", value);
	rc = parse_range(value, least, WEIR_GEN_MAX_SIZE, &n, err);
	if (!rc)
		o->size = (uint32_t)n;
	return rc;
}

static int
parse_share(const char *value, uint64_t *ret, struct weir_error *err)
{
	double share;
	int rc = weir_parse_double(value, &share, err);

	if (rc)
		return rc;
	if (!(share >= 0 && share <= 1))
		return weir_error_usage(err, "'%s' is no share: from 0 to 1 (try '0.2')", value);
	*ret = (uint64_t)(share * 4294967296.0);
	return 0;
}

static int
parse_v6(struct weir_gen_options *o, const char *value, struct weir_error *err)
{
	return parse_share(value, &o->v6, err);
}

static int
parse_vlan(struct weir_gen_options *o, const char *value, struct weir_error *err)
{
	return parse_share(value, &o->vlan, err);
}

static int
parse_seed(struct weir_gen_options *o, const char *value, struct weir_error *err)
{
	return weir_parse_u64(value, &o->seed, err);
}

static int
parse_pace(struct weir_gen_options *o, const char *value, struct weir_error *err)
{
	if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
		return weir_error_usage(err, "'%s' is neither 0 nor 1", value);
	o->has_pace = true;
	o->is_paced = value[0] == '1';
	return 0;
}

static const struct {
	const char *name;
	int (*parse)(struct weir_gen_options *o, const char *value, struct weir_error *err);
	bool is_not_for_mix; /* it draws its own */
} keys[] = {
	{ "rate", parse_rate, false },
	{ "count", parse_count, false },
	{ "flows", parse_flows, false },
	{ "dist", parse_dist, false },
	{ "size", parse_frame_size, true },
	{ "v6", parse_v6, false },
	{ "vlan", parse_vlan, false },
	{ "seed", parse_seed, false },
	{ "pace", parse_pace, false },
};

static int
parse_key(void *ctx, const char *key, const char *value, struct weir_error *err)
{
	struct weir_gen_options *o = ctx;
	struct weir_nearest nearest;
	const char *word;

	weir_nearest_begin(&nearest, key);
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		weir_nearest_offer(&nearest, keys[i].name);
		if (strcmp(key, keys[i].name) != 0)
			continue;
		if (!value || !*value)
			return weir_error_usage(err, "%s: needs a value (%s=...)", key, key);
		if (keys[i].is_not_for_mix && o->kind == WEIR_GEN_KIND_MIX)
			return weir_error_usage(
			    err, "%s: kind mix draws its own (try kind udp, tcp or imix)", key);
		if (keys[i].parse(o, value, err))
			return weir_error_wrap(err, "%s", key);
		return 0;
	}
	word = weir_nearest_get(&nearest);
	if (word)
		return weir_error_usage(err, "unknown option '%s' (try '%s')", key, word);
	return weir_error_usage(err,
	    "unknown option '%s' (try rate, count, flows, dist, size, v6, vlan, seed or pace)",
	    key);
}

/* The attack of "attack:NAME". */
static int
parse_attack(const char *name, struct weir_gen_options *o, struct weir_error *err)
{
	struct weir_nearest nearest;
	const char *word;

	weir_nearest_begin(&nearest, name);
	for (const struct weir_gen_attack *a = weir_gen_attacks; a->name; a++) {
		weir_nearest_offer(&nearest, a->name);
		if (strcmp(a->name, name) == 0)
			o->attack = a;
	}
	if (o->attack)
		return 0;
	word = weir_nearest_get(&nearest);
	if (word)
		return weir_error_usage(err, "unknown attack '%s' (try 'attack:%s')", name, word);
	return weir_error_usage(err, "%s '%s' (weir-gen --list names them, as 'attack:%s')",
	    *name ? "unknown attack" : "which attack?", name, weir_gen_attacks[0].name);
}

static int
unknown_kind(const char *name, struct weir_error *err)
{
	struct weir_nearest nearest;
	const char *word;

	weir_nearest_begin(&nearest, name);
	for (unsigned i = 0; i < WEIR_GEN_N_KINDS; i++)
		weir_nearest_offer(&nearest, kind_names[i]);
	word = weir_nearest_get(&nearest);
	if (word)
		return weir_error_usage(err, "unknown kind '%s' (try '%s')", name, word);
	/* Somebody may have left out "attack:". */
	for (const struct weir_gen_attack *a = weir_gen_attacks; a->name; a++)
		if (strcmp(a->name, name) == 0)
			return weir_error_usage(
			    err, "unknown kind '%s' (try 'attack:%s')", name, name);
	return weir_error_usage(
	    err, "unknown kind '%s' (try udp, tcp, imix, mix, text or attack:NAME)", name);
}

static int
parse_kind(const char *text, size_t len, struct weir_gen_options *o, struct weir_error *err)
{
	char *name = strndup(text, len), *attack;
	bool is_known = false;
	int rc = 0;

	if (!name)
		return weir_error_run(err, -ENOMEM, "out of memory");
	if (strchr(name, '&')) {
		size_t n = strcspn(name, "&");

		rc = weir_error_usage(
		    err, "options begin behind '?' (try '%.*s?%s')", (int)n, name, name + n + 1);
		free(name);
		return rc;
	}
	attack = strchr(name, ':');
	if (attack)
		*attack++ = '\0';
	for (unsigned i = 0; i < WEIR_GEN_N_KINDS; i++) {
		if (strcmp(kind_names[i], name) != 0)
			continue;
		o->kind = i;
		is_known = true;
	}
	if (!is_known)
		rc = unknown_kind(name, err);
	else if (o->kind == WEIR_GEN_KIND_ATTACK)
		rc = parse_attack(attack ? attack : "", o, err);
	else if (attack)
		rc = weir_error_usage(err,
		    "':%s': kind %s has nothing behind ':' (options follow '?')", attack, name);
	free(name);
	return rc;
}

/* Few packets cannot hold all that an attack plants. */
static int
check_attack(const struct weir_gen_options *o, struct weir_error *err)
{
	const struct weir_gen_attack *a = o->attack;
	uint64_t least = a->is_whole ? o->rate_pps : WEIR_GEN_ATTACK_LEAST;

	if (a->is_odd)
		least += o->rate_pps;
	if (o->rate_pps < WEIR_GEN_ATTACK_LEAST)
		return weir_error_usage(err,
		    "rate: attacks plant that many packets a second that %u a second are needed",
		    WEIR_GEN_ATTACK_LEAST);
	if (a->max_rate_pps && o->rate_pps > a->max_rate_pps)
		return weir_error_usage(err,
		    "rate: %s needs background that stays below its limit: at most %u", a->name,
		    a->max_rate_pps);
	if (o->count && o->count < least)
		return weir_error_usage(err, "count: %s needs %llu packets at least at this rate",
		    a->name, (unsigned long long)least);
	return 0;
}

static void
set_defaults(struct weir_gen_options *o)
{
	switch (o->kind) {
	case WEIR_GEN_KIND_IMIX:
		o->size = 0;
		break;
	case WEIR_GEN_KIND_MIX:
		o->n_flows = MIX_TALKS;
		o->zipf = 1.1;
		o->v6 = UINT64_C(1) << 30;   /* a quarter */
		o->vlan = UINT64_C(1) << 29; /* an eighth */
		break;
	case WEIR_GEN_KIND_ATTACK:
		o->rate_pps = ATTACK_RATE;
		o->count = ATTACK_PACKETS;
		o->n_flows = ATTACK_TALKS;
		o->size = 0;
		break;
	case WEIR_GEN_KIND_TEXT:
		o->n_flows = TEXT_WORDS;
		o->is_word = true;
		break;
	case WEIR_GEN_KIND_UDP:
	case WEIR_GEN_KIND_TCP:
	case WEIR_GEN_N_KINDS:
		break;
	}
}

int
weir_gen_options_parse(const char *text, struct weir_gen_options *ret, struct weir_error *err)
{
	struct weir_gen_options o = {
		.rate_pps = 1000000,
		.count = DEFAULT_PACKETS,
		.n_flows = DEFAULT_FLOWS,
		.size = 64,
		.seed = 1,
	};
	int rc = parse_kind(text, strcspn(text, "?"), &o, err);

	if (rc)
		return rc;
	set_defaults(&o);
	rc = weir_source_options(text, parse_key, &o, err);
	if (!rc && o.kind == WEIR_GEN_KIND_ATTACK)
		rc = check_attack(&o, err);
	if (rc)
		return rc;
	/* Text at a rate is a stream that goes on, unless it is said how much there is. */
	if (o.kind == WEIR_GEN_KIND_TEXT && o.has_rate && !o.has_count) {
		o.count = 0;
		o.is_paced |= !o.has_pace;
	}
	*ret = o;
	return 0;
}
