/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "node.h"

/* x in {...}: members are sorted and merged to intervals once, here. */

static struct weir_expr_node *
in_op(struct weir_expr_context *c, const char *at, weir_expr_kernel *run, struct weir_expr_node *a,
    void *aux)
{
	return weir_expr_op(c, (struct weir_expr_node){ .type = WEIR_BOOL,
				   .at = at,
				   .is_never_null = true,
				   .run = run,
				   .aux = aux,
				   .arg = { a } });
}

/* Nothing can be in an empty set. */
static struct weir_expr_node *
in_nothing(struct weir_expr_context *c, const char *at, bool negate, struct weir_expr_node *a)
{
	return in_op(c, at, negate ? weir_expr_k_not_null : weir_expr_k_false, a, NULL);
}

static void *
wrong_member(struct weir_expr_context *c, const struct weir_expr_node *a,
    const struct weir_expr_node *member)
{
	return weir_expr_fail(c, member->at, "", "cannot look for %s in a set with %s",
	    weir_expr_kind_name(a), weir_expr_kind_name(member));
}

static void *
empty_range(struct weir_expr_context *c, const struct weir_expr_member *m)
{
	return weir_expr_fail(c, m->first->at, " (the smaller end comes first)", "empty range");
}

static unsigned
count(const struct weir_expr_member *m)
{
	unsigned n = 0;

	for (; m; m = m->next)
		n++;
	return n;
}

/* Turn the constants of all members to type. Members that are null are never found: last stays. */
static bool
convert(struct weir_expr_context *c, const struct weir_expr_node *a, struct weir_expr_member *m,
    enum weir_type type)
{
	for (; m; m = m->next) {
		struct weir_expr_node **ends[2] = { &m->first, &m->last };

		for (unsigned e = 0; e < 2 && *ends[e]; e++) {
			struct weir_expr_node target = { .kind = WEIR_EXPR_OP, .type = type };

			if (weir_expr_common(&target, *ends[e]) != type)
				return wrong_member(c, a, *ends[e]);
			*ends[e] = weir_expr_as(c, *ends[e], type);
			if (!*ends[e])
				return false;
		}
	}
	return true;
}

static bool
is_null(const struct weir_expr_member *m)
{
	return m->first->value.is_null || (m->last && m->last->value.is_null);
}

static int
order_ints(const void *x, const void *y)
{
	const struct weir_expr_range *a = x, *b = y;

	return (a->first > b->first) - (a->first < b->first);
}

/* Sort; join what overlaps or touches. */
static void
merge_ints(struct weir_expr_set *set)
{
	unsigned n = 0;

	qsort(set->ints, set->n, sizeof(*set->ints), order_ints);
	for (unsigned i = 0; i < set->n; i++) {
		struct weir_expr_range *last = n ? &set->ints[n - 1] : NULL;
		struct weir_expr_range r = set->ints[i];

		if (last && (last->last == INT64_MAX || r.first <= last->last + 1)) {
			if (r.last > last->last)
				last->last = r.last;
		} else {
			set->ints[n++] = r;
		}
	}
	set->n = n;
}

static struct weir_expr_set *
make_bitmap(struct weir_expr_context *c, const struct weir_expr_set *from)
{
	struct weir_expr_set *set = weir_expr_alloc(c, sizeof(*set));
	uint64_t *bitmap = set ? weir_expr_alloc(c, 65536 / 8) : NULL;

	if (!bitmap)
		return NULL;
	set->negate = from->negate;
	set->bitmap = bitmap;
	for (unsigned r = 0; r < from->n; r++)
		for (int64_t x = from->ints[r].first; x <= from->ints[r].last; x++)
			bitmap[x / 64] |= UINT64_C(1) << (x % 64);
	return set;
}

static struct weir_expr_node *
in_ints(struct weir_expr_context *c, const char *at, struct weir_expr_set *set,
    struct weir_expr_node *a, const struct weir_expr_member *members)
{
	static const int64_t max[WEIR_N_STORES] = { UINT8_MAX, UINT16_MAX, UINT32_MAX, INT64_MAX };
	int64_t lowest = a->store == WEIR_I64 ? INT64_MIN : 0;

	set->ints = weir_expr_alloc(c, count(members) * sizeof(*set->ints));
	if (!set->ints)
		return NULL;
	for (const struct weir_expr_member *m = members; m; m = m->next) {
		int64_t first = m->first->value.i, last = m->last ? m->last->value.i : first;

		if (is_null(m))
			continue;
		if (first > last)
			return empty_range(c, m);
		/* What the column's store cannot hold is never found. */
		if (last < lowest || first > max[a->store])
			continue;
		set->ints[set->n++] = (struct weir_expr_range){ first < lowest ? lowest : first,
			last > max[a->store] ? max[a->store] : last };
	}
	if (set->n == 0)
		return in_nothing(c, at, set->negate, a);
	merge_ints(set);
	if (set->n <= WEIR_EXPR_SET_LINEAR)
		return in_op(c, at, weir_expr_in_linear[a->store], a, set);
	if (weir_expr_in_bitmap[a->store]) {
		set = make_bitmap(c, set);
		return set ? in_op(c, at, weir_expr_in_bitmap[a->store], a, set) : NULL;
	}
	a = weir_expr_as(c, a, a->type);
	return a ? in_op(c, at, weir_expr_k_in_i64, a, set) : NULL;
}

static int
order_floats(const void *x, const void *y)
{
	const struct weir_expr_range_f64 *a = x, *b = y;

	return (a->first > b->first) - (a->first < b->first);
}

static struct weir_expr_node *
in_floats(struct weir_expr_context *c, const char *at, struct weir_expr_set *set,
    struct weir_expr_node *a, const struct weir_expr_member *members)
{
	unsigned n = 0;

	set->floats = weir_expr_alloc(c, count(members) * sizeof(*set->floats));
	a = set->floats ? weir_expr_as_float(c, a) : NULL;
	if (!a)
		return NULL;
	for (const struct weir_expr_member *m = members; m; m = m->next) {
		double first = m->first->value.f, last = m->last ? m->last->value.f : first;

		if (is_null(m) || first != first || last != last)
			continue;
		if (first > last)
			return empty_range(c, m);
		set->floats[set->n++] = (struct weir_expr_range_f64){ first, last };
	}
	qsort(set->floats, set->n, sizeof(*set->floats), order_floats);
	for (unsigned i = 0; i < set->n; i++) {
		struct weir_expr_range_f64 r = set->floats[i];

		if (n && r.first <= set->floats[n - 1].last)
			set->floats[n - 1].last =
			    r.last > set->floats[n - 1].last ? r.last : set->floats[n - 1].last;
		else
			set->floats[n++] = r;
	}
	set->n = n;
	return in_op(c, at, weir_expr_k_in_f64, a, set);
}

static int
addr_compare(const struct weir_addr *a, unsigned va, const struct weir_addr *b, unsigned vb)
{
	if (va != vb)
		return va < vb ? -1 : 1;
	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	return (a->lo > b->lo) - (a->lo < b->lo);
}

static int
order_addrs(const void *x, const void *y)
{
	const struct weir_expr_range_addr *a = x, *b = y;

	return addr_compare(&a->first, a->version, &b->first, b->version);
}

static struct weir_addr
prefix_to_mask(unsigned version, unsigned prefix)
{
	struct weir_addr m = { 0, 0 };

	if (version == 4) {
		m.lo = prefix ? UINT64_C(0xffffffff) << (32 - prefix) & 0xffffffff : 0;
		m.hi = 0;
		return m;
	}
	m.hi = prefix == 0 ? 0 : prefix >= 64 ? ~UINT64_C(0) : ~UINT64_C(0) << (64 - prefix);
	m.lo = prefix <= 64 ? 0 : ~UINT64_C(0) << (128 - prefix);
	return m;
}

/* The interval that an address, a network or a range is. */
static bool
addr_range(struct weir_expr_context *c, const struct weir_expr_node *a,
    const struct weir_expr_member *m, struct weir_expr_range_addr *ret)
{
	const struct weir_value *first = &m->first->value;
	const struct weir_value *last = m->last ? &m->last->value : first;

	if (m->first->type != WEIR_IP)
		return wrong_member(c, a, m->first);
	if (m->last && (m->last->type != WEIR_IP || m->last->kind == WEIR_EXPR_NETWORK))
		return wrong_member(c, a, m->last);
	if (m->last && m->first->kind == WEIR_EXPR_NETWORK)
		return weir_expr_fail(c, m->first->at, "", "a range is of two addresses");
	*ret = (struct weir_expr_range_addr){ first->addr, last->addr, first->version };
	if (m->first->kind == WEIR_EXPR_NETWORK) {
		struct weir_addr mask = prefix_to_mask(first->version, m->first->prefix);

		ret->last.hi |= first->version == 4 ? 0 : ~mask.hi;
		ret->last.lo |= first->version == 4 ? ~mask.lo & 0xffffffff : ~mask.lo;
	}
	if (addr_compare(&ret->first, first->version, &ret->last, last->version) > 0)
		return empty_range(c, m);
	if (first->version != last->version)
		return weir_expr_fail(c, m->first->at, "", "range from IPv4 to IPv6");
	return true;
}

static struct weir_expr_node *
in_addrs(struct weir_expr_context *c, const char *at, struct weir_expr_set *set,
    struct weir_expr_node *a, const struct weir_expr_member *members)
{
	unsigned n = 0;

	if (members->first->kind == WEIR_EXPR_NETWORK && !members->last && !members->next)
		return weir_expr_in_network(c, at, set->negate, a, members->first);
	set->addrs = weir_expr_alloc(c, count(members) * sizeof(*set->addrs));
	if (!set->addrs)
		return NULL;
	for (const struct weir_expr_member *m = members; m; m = m->next) {
		if (!addr_range(c, a, m, &set->addrs[set->n]))
			return NULL;
		set->n += !is_null(m);
	}
	qsort(set->addrs, set->n, sizeof(*set->addrs), order_addrs);
	for (unsigned i = 0; i < set->n; i++) {
		struct weir_expr_range_addr r = set->addrs[i];
		struct weir_expr_range_addr *last = n ? &set->addrs[n - 1] : NULL;

		if (!last || addr_compare(&r.first, r.version, &last->last, last->version) > 0)
			set->addrs[n++] = r;
		else if (addr_compare(&r.last, r.version, &last->last, last->version) > 0)
			last->last = r.last;
	}
	set->n = n;
	return in_op(c, at, weir_expr_k_in_addr, a, set);
}

/* By length first: most comparisons need not look at the bytes. The kernel searches in this order.
 */
static int
order_strings(const void *x, const void *y)
{
	const struct weir_bytes *a = x, *b = y;

	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return a->len ? memcmp(a->p, b->p, a->len) : 0;
}

static struct weir_expr_node *
in_strings(struct weir_expr_context *c, const char *at, struct weir_expr_set *set,
    struct weir_expr_node *a, const struct weir_expr_member *members)
{
	struct weir_expr_node *n;

	set->strings = weir_expr_alloc(c, count(members) * sizeof(*set->strings));
	if (!set->strings)
		return NULL;
	for (const struct weir_expr_member *m = members; m; m = m->next) {
		if (m->first->kind == WEIR_EXPR_NETWORK || m->first->type != WEIR_STRING)
			return wrong_member(c, a, m->first);
		if (m->last)
			return weir_expr_fail(c, m->first->at, "",
			    "ranges are of numbers and addresses, not strings");
		if (!is_null(m))
			set->strings[set->n++] = m->first->value.s;
	}
	qsort(set->strings, set->n, sizeof(*set->strings), order_strings);
	n = in_op(c, at, weir_expr_k_in_bytes, a, set);
	if (n && n->kind == WEIR_EXPR_OP)
		n->is_costly = true;
	return n;
}

static bool
has_float(const struct weir_expr_member *m)
{
	for (; m; m = m->next)
		if (m->first->type == WEIR_FLOAT || (m->last && m->last->type == WEIR_FLOAT))
			return true;
	return false;
}

struct weir_expr_node *
weir_expr_in(struct weir_expr_context *c, const char *at, bool negate, struct weir_expr_node *a,
    struct weir_expr_member *members)
{
	struct weir_expr_set *set = weir_expr_alloc(c, sizeof(*set));
	enum weir_type type = a->type == WEIR_BOOL ? WEIR_INT : a->type;

	if (!set)
		return NULL;
	set->negate = negate;
	if (a->kind == WEIR_EXPR_NETWORK)
		return weir_expr_fail(c, a->at, "", "network on the left side of 'in'");
	if (type == WEIR_IP)
		return in_addrs(c, at, set, a, members);
	if (type == WEIR_STRING)
		return in_strings(c, at, set, a, members);
	if (type == WEIR_INT && has_float(members))
		type = WEIR_FLOAT;
	if (!convert(c, a, members, type))
		return NULL;
	return type == WEIR_FLOAT ? in_floats(c, at, set, a, members)
				  : in_ints(c, at, set, a, members);
}

struct weir_expr_node *
weir_expr_in_network(struct weir_expr_context *c, const char *at, bool negate,
    struct weir_expr_node *a, const struct weir_expr_node *network)
{
	struct weir_expr_network *net;

	if (a->kind == WEIR_EXPR_NETWORK)
		return weir_expr_fail(c, a->at, "", "network on the left side of 'in'");
	if (a->type != WEIR_IP)
		return wrong_member(c, a, network);
	net = weir_expr_alloc(c, sizeof(*net));
	if (!net)
		return NULL;
	net->addr = network->value.addr;
	net->mask = prefix_to_mask(network->value.version, network->prefix);
	net->version = network->value.version;
	net->negate = negate;
	/* Beyond the prefix the mask of IPv4 leaves the upper half alone: both are zero there. */
	return in_op(c, at, weir_expr_k_in_network, a, net);
}
