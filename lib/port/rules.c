/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/port/rules.h>

void
weir_port_rule_all(struct weir_port_rule *r)
{
	memset(r, 0, sizeof(*r));
	r->versions = WEIR_PORT_IP;
	memset(r->protocols, 0xff, sizeof(r->protocols));
}

bool
weir_port_rule_has_protocol(const struct weir_port_rule *r, unsigned protocol)
{
	return r->protocols[protocol / 64] >> (protocol % 64) & 1;
}

/* Ports that are in both; a's own where there is no room. */
static void
and_ports(struct weir_port_rule *a, const struct weir_port_rule *b, unsigned end)
{
	struct weir_port_range both[WEIR_PORT_RANGES];
	unsigned n = 0;

	if (!b->has_ports[end])
		return;
	if (!a->has_ports[end]) {
		a->has_ports[end] = true;
		a->n_ports[end] = b->n_ports[end];
		memcpy(a->ports[end], b->ports[end], sizeof(a->ports[end]));
		return;
	}
	for (unsigned i = 0; i < a->n_ports[end]; i++)
		for (unsigned k = 0; k < b->n_ports[end]; k++) {
			const struct weir_port_range *x = &a->ports[end][i], *y = &b->ports[end][k];
			struct weir_port_range r = { x->first > y->first ? x->first : y->first,
				x->last < y->last ? x->last : y->last };

			if (r.first > r.last)
				continue;
			if (n == WEIR_PORT_RANGES)
				return;
			both[n++] = r;
		}
	a->n_ports[end] = n;
	memcpy(a->ports[end], both, n * sizeof(both[0]));
}

static bool
is_inside(const struct weir_addr *addr, unsigned version, const struct weir_port_network *n)
{
	unsigned bits = version == 4 ? n->prefix + 96u : n->prefix;

	if (version != n->version)
		return false;
	if (bits > 64)
		return addr->hi == n->addr.hi && !((addr->lo ^ n->addr.lo) >> (128 - bits));
	return bits == 0 || !((addr->hi ^ n->addr.hi) >> (64 - bits));
}

/* Of two networks that overlap one is in the other. */
static void
and_networks(struct weir_port_rule *a, const struct weir_port_rule *b, unsigned end)
{
	struct weir_port_network both[WEIR_PORT_NETWORKS];
	unsigned n = 0;

	if (!b->has_networks[end])
		return;
	if (!a->has_networks[end]) {
		a->has_networks[end] = true;
		a->n_networks[end] = b->n_networks[end];
		memcpy(a->networks[end], b->networks[end], sizeof(a->networks[end]));
		return;
	}
	for (unsigned i = 0; i < a->n_networks[end]; i++)
		for (unsigned k = 0; k < b->n_networks[end]; k++) {
			const struct weir_port_network *x = &a->networks[end][i],
						       *y = &b->networks[end][k];
			const struct weir_port_network *narrow = x->prefix > y->prefix ? x : y;

			if (!is_inside(&narrow->addr, narrow->version, narrow == x ? y : x))
				continue;
			if (n == WEIR_PORT_NETWORKS)
				return;
			both[n++] = *narrow;
		}
	a->n_networks[end] = n;
	memcpy(a->networks[end], both, n * sizeof(both[0]));
}

bool
weir_port_rule_and(struct weir_port_rule *a, const struct weir_port_rule *b)
{
	bool is_some = false;

	a->versions &= b->versions;
	for (unsigned w = 0; w < 4; w++)
		is_some |= (a->protocols[w] &= b->protocols[w]) != 0;
	for (unsigned end = 0; end < WEIR_PORT_ENDS; end++) {
		and_ports(a, b, end);
		and_networks(a, b, end);
		is_some &= !a->has_ports[end] || a->n_ports[end];
		is_some &= !a->has_networks[end] || a->n_networks[end];
	}
	return is_some && a->versions;
}

static bool
wants(const struct weir_port_rule *r, const struct weir_port_packet *p)
{
	if (!(r->versions & (p->version == 4 ? WEIR_PORT_IP4 : WEIR_PORT_IP6)) ||
	    !weir_port_rule_has_protocol(r, p->protocol))
		return false;
	for (unsigned end = 0; end < WEIR_PORT_ENDS; end++) {
		bool is_in = !r->has_ports[end] || !p->has_ports;

		for (unsigned i = 0; !is_in && i < r->n_ports[end]; i++)
			is_in = p->ports[end] >= r->ports[end][i].first &&
				p->ports[end] <= r->ports[end][i].last;
		if (!is_in)
			return false;
		is_in = !r->has_networks[end];
		for (unsigned i = 0; !is_in && i < r->n_networks[end]; i++)
			is_in = is_inside(&p->addr[end], p->version, &r->networks[end][i]);
		if (!is_in)
			return false;
	}
	return true;
}

bool
weir_port_rules_want(const struct weir_port_rules *r, const struct weir_port_packet *p)
{
	for (unsigned i = 0; i < r->n; i++)
		if (wants(&r->rules[i], p))
			return true;
	return false;
}

static const char *
comma(const struct weir_strbuf *out, size_t begin)
{
	return out->len > begin ? ", " : "";
}

static void
protocols_text(const struct weir_port_rule *r, struct weir_strbuf *out, size_t begin)
{
	unsigned n = 0;

	for (unsigned w = 0; w < 4; w++)
		n += (unsigned)__builtin_popcountll(r->protocols[w]);
	if (n == 256)
		return;
	weir_strbuf_printf(out, "%sprotocol", comma(out, begin));
	for (unsigned p = 0, shown = 0; p < 256; p++) {
		if (!weir_port_rule_has_protocol(r, p))
			continue;
		if (shown++ == 8) {
			weir_strbuf_printf(out, " and %u more", n - 8);
			return;
		}
		weir_strbuf_printf(out, " %u", p);
	}
}

static void
end_text(const struct weir_port_rule *r, unsigned end, struct weir_strbuf *out, size_t begin)
{
	static const char *const port[] = { "srcport", "dstport" };
	static const char *const address[] = { "ip.src", "ip.dst" };
	char text[64];

	if (r->has_networks[end])
		weir_strbuf_printf(out, "%s%s", comma(out, begin), address[end]);
	for (unsigned i = 0; i < r->n_networks[end]; i++) {
		const struct weir_port_network *n = &r->networks[end][i];

		weir_ip_text(&n->addr, n->version, text, sizeof(text));
		weir_strbuf_printf(out, " %s/%u", text, n->prefix);
	}
	if (r->has_ports[end])
		weir_strbuf_printf(out, "%s%s", comma(out, begin), port[end]);
	for (unsigned i = 0; i < r->n_ports[end]; i++) {
		const struct weir_port_range *p = &r->ports[end][i];

		weir_strbuf_printf(out, p->first == p->last ? " %u" : " %u..%u", p->first, p->last);
	}
}

void
weir_port_rules_text(const struct weir_port_rules *r, struct weir_strbuf *out)
{
	for (unsigned i = 0; i < r->n; i++) {
		const struct weir_port_rule *rule = &r->rules[i];
		size_t begin;

		weir_strbuf_puts(out, i ? "; " : "");
		begin = out->len;
		if (rule->versions != WEIR_PORT_IP)
			weir_strbuf_puts(out, rule->versions == WEIR_PORT_IP4 ? "IPv4" : "IPv6");
		protocols_text(rule, out, begin);
		for (unsigned end = 0; end < WEIR_PORT_ENDS; end++)
			end_text(rule, end, out, begin);
		if (out->len == begin)
			weir_strbuf_puts(out, "IP");
	}
}
