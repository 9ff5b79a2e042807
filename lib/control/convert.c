/* SPDX-License-Identifier: BSD-3-Clause */
#include "convert.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Of telemetry's 16 KiB: less the command's name, and room to say that something was cut. */
#define DOCUMENT_BYTES 16000
#define MAX_DEPTH      8
/* Quotes, colon, comma and what a nested element needs to be opened and closed. */
#define ELEMENT_BYTES 8

struct writer {
	size_t left; /* bytes of the document */
	unsigned depth;
	bool is_cut;
};

static struct rte_tel_data *to_container(struct writer *w, const json_t *j, const char *given_name);

size_t
weir_control_plain(const char *text, char *buf, size_t size)
{
	size_t n = 0, bytes = 0;

	for (const char *p = text; *p && n + 1 < size; p++) {
		/* telemetry 22.11 looks bytes above 127 up beyond the end of a table */
		bool is_carried = (*p >= ' ' && *p <= '~') || *p == '\n' || *p == '\t';

		/* a character of UTF-8 leaves one mark */
		if (!is_carried && ((unsigned char)*p & 0xc0) == 0x80)
			continue;
		buf[n++] = is_carried ? *p : '?';
		bytes += 1 + (*p == '\n' || *p == '\t' || *p == '"' || *p == '\\');
	}
	buf[n] = '\0';
	return bytes;
}

/* Take room for an element; without it the element is left out. */
static bool
take(struct writer *w, size_t bytes, int n_entries, int most)
{
	bytes += ELEMENT_BYTES;
	if (bytes > w->left || n_entries >= most) {
		w->is_cut = true;
		return false;
	}
	w->left -= bytes;
	return true;
}

/* The text of a scalar that is no integer. Returns the bytes that it takes. */
static size_t
scalar_text(const json_t *j, char *buf, size_t size)
{
	if (json_is_string(j))
		return weir_control_plain(json_string_value(j), buf, size);
	if (json_is_real(j)) {
		double x = json_real_value(j);

		return (size_t)snprintf(buf, size, x >= 1e6 && x < 1e18 ? "%.0f" : "%.9g", x);
	}
	return (size_t)snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(j));
}

static bool
is_small(const json_t *j)
{
	return json_is_boolean(j) || (json_is_integer(j) && json_integer_value(j) < 0 &&
					 json_integer_value(j) >= INT_MIN);
}

static void
add_entry(struct writer *w, struct rte_tel_data *d, int n_entries, const char *name,
    const char *given_name, const json_t *j)
{
	char text[RTE_TEL_MAX_STRING_LEN];
	size_t bytes = strlen(name) + 20; /* with any integer */

	if (json_is_null(j))
		return;
	if (json_is_string(j) || json_is_real(j))
		bytes = strlen(name) + scalar_text(j, text, sizeof(text));
	if (!take(w, bytes, n_entries, RTE_TEL_MAX_DICT_ENTRIES - 1))
		return;
	if (json_is_object(j) || json_is_array(j)) {
		struct rte_tel_data *c = to_container(w, j, given_name);

		if (c && rte_tel_data_add_dict_container(d, name, c, 0))
			rte_tel_data_free(c);
	} else if (is_small(j)) {
		rte_tel_data_add_dict_int(
		    d, name, json_is_integer(j) ? (int)json_integer_value(j) : json_is_true(j));
	} else if (json_is_integer(j) && json_integer_value(j) >= 0) {
		rte_tel_data_add_dict_u64(d, name, (uint64_t)json_integer_value(j));
	} else {
		scalar_text(j, text, sizeof(text));
		rte_tel_data_add_dict_string(d, name, text);
	}
}

/* A name that telemetry takes, and that no other in used has. */
static const char *
valid_name(const char *key, json_t *used, char *buf, size_t size)
{
	size_t n = 0;

	for (; key[n] && n + 8 < size; n++)
		buf[n] = isascii(key[n]) && (isalnum((unsigned char)key[n]) || key[n] == '_')
			     ? key[n]
			     : '_';
	buf[n] = '\0';
	for (unsigned i = 2; json_object_get(used, buf) && i < 1000; i++)
		snprintf(buf + n, size - n, "_%u", i);
	json_object_set_new(used, buf, json_true());
	return buf;
}

/* given_name: the object's name where telemetry could not take it as it was, or NULL */
static void
fill_object(struct writer *w, struct rte_tel_data *d, const json_t *j, const char *given_name)
{
	json_t *used = json_object(), *value, *name;
	const char *key;
	int n = 0;

	rte_tel_data_start_dict(d);
	if (given_name && !json_object_get(j, "name")) {
		name = json_string(given_name);
		add_entry(w, d, n++, "name", NULL, name);
		json_decref(name);
	}
	json_object_foreach((json_t *)(uintptr_t)j, key, value)
	{
		char buf[RTE_TEL_MAX_STRING_LEN];

		valid_name(key, used, buf, sizeof(buf));
		add_entry(w, d, n++, buf, strcmp(buf, key) ? key : NULL, value);
	}
	json_decref(used);
}

static void
fill_indexed(struct writer *w, struct rte_tel_data *d, const json_t *j)
{
	json_t *value, *object;
	size_t i;

	rte_tel_data_start_dict(d);
	json_array_foreach(j, i, value)
	{
		const char *text = json_string_value(value);
		char name[24];

		snprintf(name, sizeof(name), "%zu", i);
		object = text && text[0] == '{' ? json_loads(text, 0, NULL) : NULL;
		add_entry(
		    w, d, (int)(i < INT_MAX ? i : INT_MAX), name, NULL, object ? object : value);
		json_decref(object);
	}
}

/* True where all elements of a list are of this kind. */
static bool
are_all(const json_t *j, bool (*is_kind)(const json_t *))
{
	json_t *value;
	size_t i;

	json_array_foreach(j, i, value) if (!is_kind(value)) return false;
	return true;
}

static bool
is_count(const json_t *j)
{
	return json_is_integer(j) && json_integer_value(j) >= 0;
}

static bool
is_text(const json_t *j)
{
	return json_is_string(j) && json_string_value(j)[0] != '{';
}

static void
fill_list(struct writer *w, struct rte_tel_data *d, const json_t *j)
{
	bool are_counts = are_all(j, is_count);
	json_t *value;
	size_t i;

	if (!are_counts && !are_all(j, is_text)) {
		fill_indexed(w, d, j);
		return;
	}
	rte_tel_data_start_array(d, are_counts ? RTE_TEL_U64_VAL : RTE_TEL_STRING_VAL);
	json_array_foreach(j, i, value)
	{
		char text[RTE_TEL_MAX_STRING_LEN];
		size_t bytes = scalar_text(value, text, sizeof(text));

		if (!take(w, bytes, (int)(i < INT_MAX ? i : INT_MAX), RTE_TEL_MAX_ARRAY_ENTRIES))
			return;
		if (are_counts)
			rte_tel_data_add_array_u64(d, (uint64_t)json_integer_value(value));
		else
			rte_tel_data_add_array_string(d, text);
	}
}

static struct rte_tel_data *
to_container(struct writer *w, const json_t *j, const char *given_name)
{
	struct rte_tel_data *d;

	if (w->depth == MAX_DEPTH) {
		w->is_cut = true;
		return NULL;
	}
	d = rte_tel_data_alloc();
	if (!d)
		return NULL;
	w->depth++;
	if (json_is_object(j))
		fill_object(w, d, j, given_name);
	else
		fill_list(w, d, j);
	w->depth--;
	return d;
}

void
weir_control_convert(const json_t *j, struct rte_tel_data *ret)
{
	struct writer w = { .left = DOCUMENT_BYTES };
	char text[RTE_TEL_MAX_SINGLE_STRING_LEN];

	if (json_is_object(j)) {
		fill_object(&w, ret, j, NULL);
	} else if (json_is_array(j) && (are_all(j, is_count) || are_all(j, is_text))) {
		fill_list(&w, ret, j);
		return;
	} else if (json_is_array(j)) {
		fill_indexed(&w, ret, j);
	} else {
		if (json_is_string(j))
			weir_control_plain(json_string_value(j), text, DOCUMENT_BYTES / 2);
		else
			scalar_text(j, text, sizeof(text));
		rte_tel_data_string(ret, text);
		return;
	}
	if (w.is_cut)
		rte_tel_data_add_dict_int(ret, "cut", 1);
}
