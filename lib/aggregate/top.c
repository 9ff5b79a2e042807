/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <string.h>

#include <weir/base/strbuf.h>

#include "top.h"

#define VALUE_BYTES 256 /* of a value's text */

struct top {
	struct weir_value values[WEIR_TOP_MAX];
	uint64_t counts[WEIR_TOP_MAX];
	unsigned n, k;
};

static struct weir_value
value_of(const uint64_t *e, enum weir_type type, bool is_wide)
{
	struct weir_value v = { .type = type };

	switch (type) {
	case WEIR_BOOL:
		v.b = e[0] != 0;
		break;
	case WEIR_FLOAT:
		memcpy(&v.f, e, sizeof(v.f));
		break;
	case WEIR_IP:
		v.version = is_wide ? (uint8_t)e[1] : 4;
		v.addr.hi = is_wide ? e[0] : 0;
		v.addr.lo = is_wide ? e[2] : e[0];
		break;
	case WEIR_STRING:
		v.s.len = (uint32_t)e[0];
		v.s.p = (const uint8_t *)(uintptr_t)e[1];
		break;
	default:
		v.i = (int64_t)e[0];
	}
	return v;
}

static bool
is_before(const struct top *t, unsigned at, const struct weir_value *v, uint64_t count)
{
	if (t->counts[at] != count)
		return t->counts[at] > count;
	return weir_value_compare(&t->values[at], v) < 0;
}

static void
offer(struct top *t, const struct weir_value *v, uint64_t count)
{
	unsigned at = t->n;

	if (t->n == t->k) {
		if (is_before(t, t->n - 1, v, count))
			return;
		at = t->n - 1;
	} else {
		t->n++;
	}
	for (; at > 0 && !is_before(t, at - 1, v, count); at--) {
		t->values[at] = t->values[at - 1];
		t->counts[at] = t->counts[at - 1];
	}
	t->values[at] = *v;
	t->counts[at] = count;
}

bool
weir_top_text(const struct weir_bag *bags, unsigned n_bags, enum weir_type type, unsigned k,
    struct weir_strbuf *ret)
{
	struct top t = { .k = k < WEIR_TOP_MAX ? k : WEIR_TOP_MAX };

	for (unsigned b = 0; b < n_bags && t.k; b++)
		for (uint32_t i = 0, walk = weir_bag_walk(&bags[b]); i < walk; i++) {
			const uint64_t *e = weir_bag_element(&bags[b], i, true);
			struct weir_value v;

			if (!e)
				continue;
			v = value_of(e, type, n_bags > 1 && b == 0);
			offer(&t, &v, e[bags[b].words + bags[b].strings]);
		}
	for (unsigned i = 0; i < t.n; i++) {
		char text[VALUE_BYTES];

		weir_value_text(&t.values[i], text, sizeof(text));
		weir_strbuf_printf(ret, "%s%s=%" PRIu64, i ? " " : "", text, t.counts[i]);
	}
	return t.n > 0;
}
