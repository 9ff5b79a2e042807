/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "nic_rules.h"

/*
 * The complement of what is wanted. It begins with everything; each wanted rule is taken out of
 * each box, which leaves a box for each side of the rule that lies in it. A box for which there is
 * no room is left out: what it holds is received then.
 */

#define PIECES 256 /* of one dimension of a box */

struct boxes {
	struct weir_nic_box *at;
	unsigned n, most;
	bool is_all;
};

static void
add(struct boxes *b, const struct weir_nic_box *box)
{
	if (b->n < b->most)
		b->at[b->n++] = *box;
	else
		b->is_all = false;
}

static bool
has_any(const uint64_t protocols[4])
{
	return protocols[0] | protocols[1] | protocols[2] | protocols[3];
}

/* The parts of all that are in none of the ranges. */
static unsigned
ranges_outside(const struct weir_port_range *all, const struct weir_port_range *out, unsigned n_out,
    struct weir_port_range *pieces, bool *is_all)
{
	unsigned n = 1;

	pieces[0] = *all;
	for (unsigned i = 0; i < n_out; i++)
		for (unsigned k = 0, old = n; k < old; k++) {
			struct weir_port_range p = pieces[k];
			bool has_low = p.first<out[i].first, has_high = p.last> out[i].last;

			if (out[i].first > p.last || out[i].last < p.first)
				continue;
			if (has_low)
				pieces[k].last = (uint16_t)(out[i].first - 1);
			else if (has_high)
				pieces[k].first = (uint16_t)(out[i].last + 1);
			else
				pieces[k] = (struct weir_port_range){ 1, 0 }; /* nothing */
			if (has_low && has_high && n == PIECES)
				*is_all = false;
			else if (has_low && has_high)
				pieces[n++] =
				    (struct weir_port_range){ (uint16_t)(out[i].last + 1), p.last };
		}
	return n;
}

/* Of an address, counted from the first of its version. */
static bool
get_bit(const struct weir_port_network *n, unsigned bit)
{
	unsigned at = n->version == 4 ? bit + 96 : bit;

	return (at < 64 ? n->addr.hi >> (63 - at) : n->addr.lo >> (127 - at)) & 1;
}

static void
flip_bit(struct weir_port_network *n, unsigned bit)
{
	unsigned at = n->version == 4 ? bit + 96 : bit;

	if (at < 64)
		n->addr.hi ^= UINT64_C(1) << (63 - at);
	else
		n->addr.lo ^= UINT64_C(1) << (127 - at);
}

static bool
is_same_to(const struct weir_port_network *a, const struct weir_port_network *b, unsigned bits)
{
	for (unsigned i = 0; i < bits; i++)
		if (get_bit(a, i) != get_bit(b, i))
			return false;
	return true;
}

/* Cut to so many bits: what is behind is 0. */
static struct weir_port_network
shorten(const struct weir_port_network *n, unsigned prefix)
{
	struct weir_port_network s = *n;

	for (unsigned i = prefix; i < n->prefix; i++)
		if (get_bit(&s, i))
			flip_bit(&s, i);
	s.prefix = (uint8_t)prefix;
	return s;
}

/* The parts of all that are in none of the networks: prefixes again, one for each bit further. */
static unsigned
networks_outside(const struct weir_port_network *all, const struct weir_port_network *out,
    unsigned n_out, struct weir_port_network *pieces, bool *is_all)
{
	unsigned n = 1;

	pieces[0] = *all;
	for (unsigned i = 0; i < n_out; i++) {
		if (out[i].version != all->version)
			continue;
		for (unsigned k = 0; k < n; k++) {
			struct weir_port_network p = pieces[k];
			unsigned common = p.prefix < out[i].prefix ? p.prefix : out[i].prefix;

			if (!is_same_to(&p, &out[i], common))
				continue;
			pieces[k] = pieces[--n];
			for (unsigned bit = p.prefix; bit < out[i].prefix; bit++) {
				if (n == PIECES) {
					*is_all = false;
					break;
				}
				pieces[n] = shorten(&out[i], bit + 1);
				flip_bit(&pieces[n++], bit);
			}
			break; /* no other piece has any of it */
		}
	}
	return n;
}

/* Those of a rule that lie in no other one: each then is a part of one piece, or of none. */
static unsigned
networks_of(const struct weir_port_rule *r, unsigned end, struct weir_port_network *to)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->n_networks[end]; i++) {
		bool is_inside = false;

		for (unsigned k = 0; k < r->n_networks[end]; k++) {
			const struct weir_port_network *a = &r->networks[end][i],
						       *b = &r->networks[end][k];
			bool is_wider = b->prefix < a->prefix || (b->prefix == a->prefix && k < i);

			is_inside |= k != i && is_wider && b->version == a->version &&
				     is_same_to(a, b, b->prefix);
		}
		if (!is_inside)
			to[n++] = r->networks[end][i];
	}
	return n;
}

static void
cut_networks(
    struct weir_nic_box *rest, const struct weir_port_rule *r, unsigned end, struct boxes *to)
{
	struct weir_port_network pieces[PIECES], wanted[WEIR_PORT_NETWORKS];
	struct weir_nic_box box = *rest;
	unsigned n_wanted = networks_of(r, end, wanted);
	unsigned n = networks_outside(&rest->networks[end], wanted, n_wanted, pieces, &to->is_all);

	for (unsigned i = 0; i < n; i++) {
		box.networks[end] = pieces[i];
		add(to, &box);
	}
	/* the next cuts are of what is wanted by this one: smaller where that is one network */
	if (n_wanted == 1 && wanted[0].version == rest->version &&
	    wanted[0].prefix > rest->networks[end].prefix)
		rest->networks[end] = wanted[0];
}

static void
cut_ports(struct weir_nic_box *rest, const struct weir_port_rule *r, unsigned end, struct boxes *to)
{
	struct weir_port_range pieces[PIECES];
	struct weir_nic_box box = *rest;
	unsigned n =
	    ranges_outside(&rest->ports[end], r->ports[end], r->n_ports[end], pieces, &to->is_all);

	for (unsigned i = 0; i < n; i++) {
		box.ports[end] = pieces[i];
		if (pieces[i].first <= pieces[i].last)
			add(to, &box);
	}
	if (r->n_ports[end] != 1)
		return;
	if (r->ports[end][0].first > rest->ports[end].first)
		rest->ports[end].first = r->ports[end][0].first;
	if (r->ports[end][0].last < rest->ports[end].last)
		rest->ports[end].last = r->ports[end][0].last;
}

/* Does the rule want anything of this network, or of these ports? */
static bool
touches(const struct weir_nic_box *box, const struct weir_port_rule *r, unsigned end)
{
	bool is_some = !r->has_networks[end];

	for (unsigned i = 0; i < r->n_networks[end] && !is_some; i++) {
		const struct weir_port_network *a = &r->networks[end][i], *b = &box->networks[end];

		is_some = a->version == b->version &&
			  is_same_to(a, b, a->prefix < b->prefix ? a->prefix : b->prefix);
	}
	if (!is_some || !r->has_ports[end])
		return is_some;
	for (unsigned i = 0; i < r->n_ports[end]; i++)
		if (r->ports[end][i].first <= box->ports[end].last &&
		    r->ports[end][i].last >= box->ports[end].first)
			return true;
	return false;
}

/* What of a box the rule does not want. */
static void
cut(const struct weir_nic_box *box, const struct weir_port_rule *r, struct boxes *to)
{
	struct weir_nic_box rest = *box, other = *box;

	for (unsigned w = 0; w < 4; w++) {
		other.protocols[w] &= ~r->protocols[w];
		rest.protocols[w] &= r->protocols[w];
	}
	if (!has_any(rest.protocols) || !touches(box, r, WEIR_PORT_SRC) ||
	    !touches(box, r, WEIR_PORT_DST)) {
		add(to, box);
		return;
	}
	if (has_any(other.protocols))
		add(to, &other);
	for (unsigned end = 0; end < WEIR_PORT_ENDS; end++) {
		if (r->has_networks[end])
			cut_networks(&rest, r, end, to);
		if (r->has_ports[end])
			cut_ports(&rest, r, end, to);
	}
}

static struct weir_nic_box
everything(uint8_t version)
{
	struct weir_nic_box box = { .version = version };

	memset(box.protocols, 0xff, sizeof(box.protocols));
	for (unsigned end = 0; end < WEIR_PORT_ENDS; end++) {
		box.ports[end].last = 65535;
		box.networks[end].version = version;
	}
	return box;
}

unsigned
weir_nic_boxes(
    const struct weir_port_rules *r, struct weir_nic_box *boxes, unsigned most, bool *ret_is_all)
{
	struct weir_nic_box one[WEIR_NIC_BOXES];
	unsigned n = 0;

	*ret_is_all = true;
	for (unsigned v = 4; v <= 6; v += 2) {
		struct boxes from = { one, 0, WEIR_NIC_BOXES, true };
		struct boxes to = { boxes + n, 1, most - n, true };

		if (n == most) {
			*ret_is_all = false;
			break;
		}
		to.at[0] = everything((uint8_t)v);
		for (unsigned i = 0; i < r->n; i++) {
			if (!(r->rules[i].versions & (v == 4 ? WEIR_PORT_IP4 : WEIR_PORT_IP6)))
				continue;
			from.n = to.n < WEIR_NIC_BOXES ? to.n : WEIR_NIC_BOXES;
			*ret_is_all &= to.n <= WEIR_NIC_BOXES;
			memcpy(from.at, to.at, from.n * sizeof(*from.at));
			to.n = 0;
			for (unsigned k = 0; k < from.n; k++)
				cut(&from.at[k], &r->rules[i], &to);
		}
		*ret_is_all &= to.is_all;
		n += to.n;
	}
	return n;
}
