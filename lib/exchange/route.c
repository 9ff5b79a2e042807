/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>
#include <weir/base/hash.h>
#include <weir/base/nearest.h>
#include <weir/base/number.h>

#include "route.h"

#define RANGE_EXAMPLE "range:dstport:1024,49152"

static const struct {
	const char *name;
	const char *usage;
	bool takes_number;
} kinds[] = {
	[WEIR_ROUTE_AUTO] = { "auto", "auto", false },
	[WEIR_ROUTE_HASH] = { "hash", "hash:4", true },
	[WEIR_ROUTE_RANGE] = { "range", RANGE_EXAMPLE, false },
	[WEIR_ROUTE_ROUND_ROBIN] = { "rr", "rr:4", true },
	[WEIR_ROUTE_KEY] = { "key", "key", false },
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int
unknown_kind(const char *word, const char *rest, struct weir_error *err)
{
	struct weir_nearest nearest;
	const char *best;
	unsigned i = 0;

	weir_nearest_begin(&nearest, word);
	for (i = 0; i < N_KINDS; i++)
		weir_nearest_offer(&nearest, kinds[i].name);
	best = weir_nearest_get(&nearest);
	if (!best)
		return weir_error_usage(err,
		    "unknown split '%s' (try 'auto', 'hash', '" RANGE_EXAMPLE "', 'rr' or 'key')",
		    word);
	for (i = 0; strcmp(kinds[i].name, best) != 0; i++)
		;
	if (kinds[i].takes_number && strlen(rest) < 64)
		return weir_error_usage(err, "unknown split '%s' (try '%s%s')", word, best, rest);
	return weir_error_usage(err, "unknown split '%s' (try '%s')", word, kinds[i].usage);
}

static int
parse_number(const char *text, const char *kind, unsigned *ret, struct weir_error *err)
{
	uint64_t n;
	int rc = weir_parse_u64(text, &n, err);

	if (rc)
		return rc;
	if (n < 1 || n > WEIR_ROUTE_PARTITIONS)
		return weir_error_usage(err, "%llu partitions: 1 to %u are possible (try '%s:4')",
		    (unsigned long long)n, WEIR_ROUTE_PARTITIONS, kind);
	*ret = (unsigned)n;
	return 0;
}

static int
add_bound(struct weir_route *r, const char *text, struct weir_error *err)
{
	struct weir_route_bound b, *last = r->n_bounds ? &r->bounds[r->n_bounds - 1] : NULL;
	int rc = weir_route_bound_parse(text, &weir_fields[r->field], &b, err);

	if (rc)
		return rc;
	if (last && weir_route_bound_compare(&b, last) <= 0)
		return weir_error_usage(
		    err, "bound '%s' is not above the one before it: bounds ascend", text);
	if (r->n_bounds + 1 == WEIR_ROUTE_PARTITIONS)
		return weir_error_usage(err, "more than %u bounds", WEIR_ROUTE_PARTITIONS - 1);
	*(struct weir_route_bound *)weir_array_add(&r->bounds, &r->n_bounds, sizeof(b)) = b;
	return 0;
}

static int
find_field(struct weir_route *r, const char *name, struct weir_error *err)
{
	struct weir_nearest nearest;
	int id = weir_field_find(name);

	if (id >= 0) {
		r->field = (enum weir_field_id)id;
		return 0;
	}
	weir_nearest_begin(&nearest, name);
	for (unsigned f = 0; f < WEIR_N_FIELDS; f++)
		weir_nearest_offer(&nearest, weir_fields[f].name);
	if (weir_nearest_get(&nearest))
		return weir_error_usage(
		    err, "unknown field '%s' (try '%s')", name, weir_nearest_get(&nearest));
	return weir_error_usage(err, "unknown field '%s' (see --fields)", name);
}

/* FIELD:b1,b2,... in a text that may be cut. */
static int
parse_range(struct weir_route *r, char *text, struct weir_error *err)
{
	char *colon = text ? strchr(text, ':') : NULL, *save = NULL;
	int rc;

	if (!colon || !colon[1])
		return weir_error_usage(
		    err, "a range needs a field and bounds (try '" RANGE_EXAMPLE "')");
	*colon = 0;
	rc = find_field(r, text, err);
	if (rc)
		return rc;
	text = colon + 1;
	if (text[0] == ',' || strstr(text, ",,") || text[strlen(text) - 1] == ',')
		return weir_error_usage(
		    err, "a bound is missing between commas (try '" RANGE_EXAMPLE "')");
	for (char *b = strtok_r(text, ",", &save); !rc && b; b = strtok_r(NULL, ",", &save))
		rc = add_bound(r, b, err);
	return rc;
}

/* The text is cut to pieces. */
static int
parse(struct weir_route *r, char *text, struct weir_error *err)
{
	char *rest = strchr(text, ':');
	char whole[64];
	unsigned i = 0;

	snprintf(whole, sizeof(whole), "%s", rest ? rest : "");
	if (rest)
		*rest++ = 0;
	while (i < N_KINDS && strcmp(kinds[i].name, text) != 0)
		i++;
	if (i == N_KINDS)
		return unknown_kind(text, whole, err);
	r->kind = (enum weir_route_kind)i;
	if (r->kind == WEIR_ROUTE_RANGE)
		return parse_range(r, rest, err);
	if (rest && !kinds[i].takes_number)
		return weir_error_usage(err, "'%s' takes nothing behind it (try '%s')", text, text);
	return rest ? parse_number(rest, text, &r->n_wanted, err) : 0;
}

int
weir_route_parse(
    const char *text, enum weir_simd simd, struct weir_route **ret, struct weir_error *err)
{
	struct weir_route *r = calloc(1, sizeof(*r));
	char *copy = strdup(text);
	int rc;

	if (!r || !copy)
		rc = weir_error_run(err, -ENOMEM, "out of memory");
	else
		rc = parse(r, copy, err);
	free(copy);
	if (rc) {
		weir_route_destroy(r);
		return rc;
	}
	r->run = WEIR_SIMD_OF(simd, weir_route_run);
	*ret = r;
	return 0;
}

void
weir_route_destroy(struct weir_route *r)
{
	if (!r)
		return;
	free(r->bounds);
	free(r);
}

enum weir_route_kind
weir_route_kind(const struct weir_route *r)
{
	return r->kind;
}

static const enum weir_field_id flow[] = { WEIR_FIELD_IP_SRC, WEIR_FIELD_IP_DST,
	WEIR_FIELD_IP_PROTO, WEIR_FIELD_SRCPORT, WEIR_FIELD_DSTPORT };
#define N_FLOW (sizeof(flow) / sizeof(flow[0]))

void
weir_route_fields(const struct weir_route *r, struct weir_field_set *set)
{
	if (r->kind == WEIR_ROUTE_RANGE)
		weir_field_set_add(set, r->field);
	for (unsigned i = 0; r->kind == WEIR_ROUTE_HASH && i < N_FLOW; i++)
		weir_field_set_add(set, flow[i]);
}

bool
weir_route_keeps_keys(
    const struct weir_route *r, const struct weir_field_set *fields, bool has_flow)
{
	if (r->kind == WEIR_ROUTE_RANGE)
		return weir_field_set_has(fields, r->field);
	if (r->kind == WEIR_ROUTE_KEY || r->n_wanted == 1)
		return true;
	for (unsigned i = 0; i < N_FLOW && !has_flow; i++)
		if (!weir_field_set_has(fields, flow[i]))
			return false;
	return r->kind == WEIR_ROUTE_HASH;
}

const char *
weir_route_text(const struct weir_route *r, char *buf, unsigned size)
{
	char number[32] = "";

	if (r->n_wanted)
		snprintf(number, sizeof(number), ", %u partitions", r->n_wanted);
	switch (r->kind) {
	case WEIR_ROUTE_AUTO:
		snprintf(buf, size,
		    "combine: each worker aggregates its own rows, closed windows are merged");
		break;
	case WEIR_ROUTE_HASH:
		snprintf(buf, size,
		    "ring: rows go to the worker that owns the 5-tuple's hash, both directions "
		    "alike%s",
		    number);
		break;
	case WEIR_ROUTE_RANGE:
		snprintf(buf, size,
		    "ring: rows go to the worker that owns the range of %s, %u partitions",
		    weir_fields[r->field].name, r->n_bounds + 1);
		break;
	case WEIR_ROUTE_ROUND_ROBIN:
		snprintf(buf, size, "ring: rows go to all workers in turn%s", number);
		break;
	case WEIR_ROUTE_KEY:
		snprintf(
		    buf, size, "ring: rows go to the worker that owns the key's hash%s", number);
		break;
	}
	return buf;
}

const char *
weir_route_share_text(const struct weir_route *r, char *buf, unsigned size)
{
	char number[32] = "";

	if (r->n_wanted)
		snprintf(number, sizeof(number), ", %u partitions", r->n_wanted);
	switch (r->kind) {
	case WEIR_ROUTE_AUTO:
	case WEIR_ROUTE_HASH:
		snprintf(buf, size, "their flow's hash, both directions alike%s", number);
		break;
	case WEIR_ROUTE_RANGE:
		snprintf(buf, size, "their range of %s, %u partitions", weir_fields[r->field].name,
		    r->n_bounds + 1);
		break;
	case WEIR_ROUTE_ROUND_ROBIN:
		snprintf(buf, size, "the turn%s", number);
		break;
	case WEIR_ROUTE_KEY:
		snprintf(buf, size, "their key's hash");
		break;
	}
	return buf;
}

void
weir_route_start(struct weir_route *r, unsigned n_workers, uint64_t seed)
{
	/* The group tables draw from the same seed: theirs must be other secrets. */
	uint64_t state = seed ^ UINT64_C(0x6e61d3b2f5a1c987);

	r->n_workers = n_workers;
	r->n_partitions = r->kind == WEIR_ROUTE_RANGE ? r->n_bounds + 1
			  : r->n_wanted               ? r->n_wanted
						      : n_workers;
	for (unsigned p = 0; p < r->n_partitions; p++)
		r->worker[p] = (uint16_t)(p % n_workers);
	for (unsigned i = 0; i < sizeof(r->secrets) / sizeof(r->secrets[0]); i++)
		r->secrets[i] = weir_next_secret(&state);
	r->next = 0;
}

unsigned
weir_route_n_partitions(const struct weir_route *r)
{
	return r->n_partitions;
}
