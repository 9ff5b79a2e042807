/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>
#include <weir/cluster/coordinator.h>

/* The first item that does not come before key. */
static unsigned
lower_bound(const struct weir_keys *k, const char *key)
{
	unsigned low = 0, high = k->n;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (strcmp(k->items[mid].key, key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
is_at(const struct weir_keys *k, unsigned i, const char *key)
{
	return i < k->n && !strcmp(k->items[i].key, key);
}

const struct weir_key *
weir_keys_find(const struct weir_keys *k, const char *key)
{
	unsigned i = lower_bound(k, key);

	return is_at(k, i, key) ? &k->items[i] : NULL;
}

static void
take_out(struct weir_keys *k, unsigned i)
{
	free(k->items[i].key);
	free(k->items[i].value);
	k->n--;
	memmove(&k->items[i], &k->items[i + 1], (k->n - i) * sizeof(*k->items));
}

static char *
copy_of(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort();
	return copy;
}

void
weir_keys_set(struct weir_keys *k, const char *key, const char *value, uint64_t revision)
{
	unsigned i = lower_bound(k, key);

	if (revision > k->revision)
		k->revision = revision;
	/* What this node wrote itself is here before the store tells of it. */
	if (is_at(k, i, key) && k->items[i].revision >= revision)
		return;
	if (!value) {
		if (is_at(k, i, key))
			take_out(k, i);
		return;
	}
	if (!is_at(k, i, key)) {
		weir_array_add(&k->items, &k->n, sizeof(*k->items));
		memmove(&k->items[i + 1], &k->items[i], (k->n - 1 - i) * sizeof(*k->items));
		k->items[i] = (struct weir_key){ .key = copy_of(key) };
	}
	free(k->items[i].value);
	k->items[i].value = copy_of(value);
	k->items[i].revision = revision;
}

void
weir_keys_clear(struct weir_keys *k)
{
	while (k->n)
		take_out(k, k->n - 1);
	free(k->items);
	*k = (struct weir_keys){ .items = NULL };
}
