/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/nearest.h>
#include <weir/record/append.h>
#include <weir/record/index.h>

#include "join.h"

static const char *const kinds[WEIR_N_JOINS] = {
	[WEIR_JOIN_INNER] = "inner",
	[WEIR_JOIN_LEFT] = "left",
	[WEIR_JOIN_SEMI] = "semi",
	[WEIR_JOIN_ANTI] = "anti",
};

static int
parse_kind(const char *word, size_t len, enum weir_join_kind *ret, struct weir_error *err)
{
	struct weir_nearest near;
	char text[32];

	snprintf(text, sizeof(text), "%.*s", (int)len, word);
	weir_nearest_begin(&near, text);
	for (unsigned i = 0; i < WEIR_N_JOINS; i++) {
		if (strcmp(kinds[i], text) == 0) {
			*ret = (enum weir_join_kind)i;
			return 0;
		}
		weir_nearest_offer(&near, kinds[i]);
	}
	return weir_error_usage(err, "unknown join '%s' at 1 (try '%s')", text,
	    weir_nearest_get(&near) ? weir_nearest_get(&near) : "left");
}

int
weir_join_parse(const char *text, struct weir_join_text *ret, struct weir_error *err)
{
	const char *colon = strchr(text, ':'), *name = colon ? colon + 1 : text;
	const char *at = strchr(name, '@');
	size_t len = at ? (size_t)(at - name) : strlen(name);
	int rc;

	*ret = (struct weir_join_text){ .kind = WEIR_JOIN_INNER };
	if (colon) {
		rc = parse_kind(text, (size_t)(colon - text), &ret->kind, err);
		if (rc)
			return rc;
	}
	if (at && strcmp(at, "@prev") != 0)
		return weir_error_usage(err, "unknown window '%s' at %u (try '%.*s@prev')", at,
		    (unsigned)(at - text) + 1, (int)len, name);
	ret->is_prev = at != NULL;
	if (!len || len >= sizeof(ret->name))
		return weir_error_usage(
		    err, "the name of a query is needed at %u", (unsigned)(name - text) + 1);
	memcpy(ret->name, name, len);
	return 0;
}

static bool
is_number(enum weir_type type)
{
	return type == WEIR_INT || type == WEIR_FLOAT || type == WEIR_DURATION || type == WEIR_BOOL;
}

/* The column of ours that a key of the other query is looked up by. */
static int
bind_key(struct weir_result_join *j, const char *name, const struct weir_schema *in,
    const struct weir_schema *other, unsigned column, struct weir_error *err)
{
	const struct weir_schema_column *key = &other->columns[column];
	int ours = weir_schema_find(in, key->name);

	if (ours < 0)
		return weir_error_usage(err,
		    "query '%s' has the key '%s', and there is no such column here (try --map "
		    "'%s=...')",
		    name, key->name, key->name);
	if (in->columns[ours].type != key->type)
		return weir_error_usage(err, "'%s' is %s here, and %s in query '%s'", key->name,
		    weir_type_name(in->columns[ours].type), weir_type_name(key->type), name);
	j->keys[j->n_keys] = (unsigned)ours;
	j->other_keys[j->n_keys++] = column;
	return 0;
}

int
weir_result_join_create(enum weir_join_kind kind, const char *name, const struct weir_schema *in,
    const struct weir_schema *other, struct weir_result_join **ret, struct weir_error *err)
{
	struct weir_result_join *j = calloc(1, sizeof(*j));
	bool takes = kind == WEIR_JOIN_INNER || kind == WEIR_JOIN_LEFT;
	int rc = 0;

	if (!j)
		abort();
	j->kind = kind;
	j->keys = calloc(other->n_columns + 1, sizeof(*j->keys));
	j->other_keys = calloc(other->n_columns + 1, sizeof(*j->other_keys));
	j->taken = calloc(other->n_columns + 1, sizeof(*j->taken));
	if (!j->keys || !j->other_keys || !j->taken)
		abort();
	j->first_taken = in->n_columns;
	for (unsigned i = 0; !rc && i < other->n_columns; i++) {
		const struct weir_schema_column *c = &other->columns[i];

		if (c->is_key)
			rc = bind_key(j, name, in, other, i, err);
		else if (takes && weir_schema_find(in, c->name) >= 0)
			rc = weir_error_usage(err,
			    "column '%s' of query '%s' is there already (give it another name "
			    "there)",
			    c->name, name);
		else if (takes)
			j->taken[j->n_taken++] = i;
	}
	if (rc)
		weir_result_join_destroy(j);
	else
		*ret = j;
	return rc;
}

void
weir_result_join_destroy(struct weir_result_join *j)
{
	if (!j)
		return;
	free(j->keys);
	free(j->other_keys);
	free(j->taken);
	free(j);
}

/* Give a row the columns of the other's row, or those of none. 0 or -ENOMEM. */
static int
take_columns(
    const struct weir_result_join *j, struct weir_block *b, uint32_t row, uint32_t other_row)
{
	for (unsigned i = 0; i < j->n_taken; i++) {
		unsigned at = j->first_taken + i;
		enum weir_type type = b->schema->columns[at].type;
		struct weir_value v = { .type = type, .is_null = !is_number(type) };

		if (other_row != WEIR_INDEX_NONE)
			v = weir_column_get(&j->other->columns[j->taken[i]], other_row);
		if (weir_block_set(b, row, at, &v))
			return -ENOMEM;
	}
	return 0;
}

/* Which rows of b's slice at `first` stay, filled. 0 or -ENOMEM. */
static int
join_slice(const struct weir_result_join *j, const struct weir_block_index *index,
    struct weir_block *b, uint32_t first, uint32_t n, struct weir_value *key, uint64_t *sel)
{
	bool wants_none = j->kind == WEIR_JOIN_LEFT || j->kind == WEIR_JOIN_ANTI;
	bool wants_some = j->kind != WEIR_JOIN_ANTI;

	for (uint32_t r = 0; r < n; r++) {
		uint32_t found = WEIR_INDEX_NONE;

		for (unsigned k = 0; k < j->n_keys; k++)
			key[k] = weir_column_get(&b->columns[j->keys[k]], first + r);
		if (index)
			found = weir_block_index_find(index, key);
		if (!(found == WEIR_INDEX_NONE ? wants_none : wants_some))
			weir_mask_clear(sel, r);
		else if (take_columns(j, b, first + r, found))
			return -ENOMEM;
	}
	return 0;
}

struct weir_block *
weir_result_join_run(struct weir_result_join *j, struct weir_block *b, uint64_t secret)
{
	unsigned n_columns = b->schema->n_columns;
	struct weir_block *out = weir_block_create(b->schema, b->n_rows);
	struct weir_column *views = calloc(n_columns, sizeof(*views));
	const struct weir_column **columns = calloc(n_columns, sizeof(*columns));
	struct weir_value *key = calloc(j->n_keys + 1, sizeof(*key));
	struct weir_block_index *index = NULL;
	bool is_bad = !out || !views || !columns || !key;

	if (!is_bad && j->other && j->other->n_rows) {
		index = weir_block_index_create(j->other, j->other_keys, j->n_keys, secret);
		is_bad = !index;
	}
	for (unsigned c = 0; !is_bad && c < n_columns; c++)
		columns[c] = &views[c];
	if (!is_bad) {
		out->window_start_ns = b->window_start_ns;
		out->window_end_ns = b->window_end_ns;
	}
	for (uint32_t at = 0; !is_bad && at < b->n_rows; at += WEIR_ROWS) {
		uint64_t sel[WEIR_MASK_WORDS];
		uint32_t n = weir_block_slice(b, at, views);

		weir_mask_first(sel, n);
		is_bad = join_slice(j, index, b, at, n, key, sel) ||
			 weir_block_append_rows(out, b, at, columns, sel);
		j->n_dropped += n - weir_mask_count(sel);
	}
	weir_block_index_destroy(index);
	free(views);
	free(columns);
	free(key);
	if (!is_bad)
		return out;
	weir_block_destroy(out);
	return NULL;
}
