/* SPDX-License-Identifier: BSD-3-Clause */
#include "filter_tree.h"

/*
 * What the tree says of a row whose layout is plain, in fields. Only such rows see it: they have an
 * IP header, and ports where the protocol has some.
 */

#define PORT_PROTOCOLS "ip.proto in {6, 17, 132}"

static void
print_member(const struct weir_filter_member *m, struct weir_strbuf *out)
{
	char text[64];

	if (!m->version) {
		weir_strbuf_printf(out, "%u", m->first);
		if (m->last != m->first)
			weir_strbuf_printf(out, "..%u", m->last);
		return;
	}
	weir_ip_text(&m->addr, m->version, text, sizeof(text));
	weir_strbuf_puts(out, text);
	if (m->prefix != (m->version == 4 ? 32 : 128))
		weir_strbuf_printf(out, "/%u", m->prefix);
}

static bool
is_single(const struct weir_filter_node *n)
{
	const struct weir_filter_member *m = n->members;

	if (n->n_members != 1)
		return false;
	return m->version ? m->prefix == (m->version == 4 ? 32 : 128) : m->first == m->last;
}

/* "field == 80", "field in {80, 443, 8000..8010}" */
static void
print_values(const struct weir_filter_node *n, const char *field, struct weir_strbuf *out)
{
	if (is_single(n)) {
		weir_strbuf_printf(out, "%s == ", field);
		print_member(n->members, out);
		return;
	}
	if (n->n_members == 1 && n->members->version) {
		weir_strbuf_printf(out, "%s in ", field);
		print_member(n->members, out);
		return;
	}
	weir_strbuf_printf(out, "%s in {", field);
	for (unsigned i = 0; i < n->n_members; i++) {
		weir_strbuf_puts(out, i ? ", " : "");
		print_member(&n->members[i], out);
	}
	weir_strbuf_puts(out, "}");
}

static void
print_ends(
    const struct weir_filter_node *n, const char *src, const char *dst, struct weir_strbuf *out)
{
	if (n->dir == WEIR_FILTER_SRC || n->dir == WEIR_FILTER_DST) {
		print_values(n, n->dir == WEIR_FILTER_SRC ? src : dst, out);
		return;
	}
	weir_strbuf_puts(out, "(");
	print_values(n, src, out);
	weir_strbuf_puts(out, n->dir == WEIR_FILTER_BOTH ? " && " : " || ");
	print_values(n, dst, out);
	weir_strbuf_puts(out, ")");
}

static void
print_protocol(const struct weir_filter_node *n, struct weir_strbuf *out)
{
	if (n->versions == WEIR_FILTER_IP) {
		print_values(n, "ip.proto", out);
		return;
	}
	weir_strbuf_printf(out, "(%s && ", n->versions == WEIR_FILTER_IP4 ? "ip" : "ipv6");
	print_values(n, "ip.proto", out);
	weir_strbuf_puts(out, ")");
}

static void
print_port(const struct weir_filter_node *n, struct weir_strbuf *out)
{
	if (n->protocol)
		weir_strbuf_printf(out, "(ip.proto == %u && ", n->protocol);
	else
		weir_strbuf_puts(out, "(" PORT_PROTOCOLS " && ");
	print_ends(n, "srcport", "dstport", out);
	weir_strbuf_puts(out, ")");
}

static void
print_operand(
    const struct weir_filter_node *n, enum weir_filter_kind parent, struct weir_strbuf *out)
{
	bool needs_brackets =
	    (n->kind == WEIR_FILTER_AND || n->kind == WEIR_FILTER_OR) && n->kind != parent;

	weir_strbuf_puts(out, needs_brackets ? "(" : "");
	weir_filter_print(n, out);
	weir_strbuf_puts(out, needs_brackets ? ")" : "");
}

void
weir_filter_print(const struct weir_filter_node *n, struct weir_strbuf *out)
{
	switch (n->kind) {
	case WEIR_FILTER_AND:
	case WEIR_FILTER_OR:
		print_operand(n->a, n->kind, out);
		weir_strbuf_puts(out, n->kind == WEIR_FILTER_AND ? " && " : " || ");
		print_operand(n->b, n->kind, out);
		break;
	case WEIR_FILTER_NOT:
		weir_strbuf_puts(out, "!(");
		weir_filter_print(n->a, out);
		weir_strbuf_puts(out, ")");
		break;
	case WEIR_FILTER_VERSION:
		weir_strbuf_puts(out, n->versions == WEIR_FILTER_IP4 ? "ip" : "ipv6");
		break;
	case WEIR_FILTER_PROTOCOL:
		print_protocol(n, out);
		break;
	case WEIR_FILTER_PORT:
		print_port(n, out);
		break;
	case WEIR_FILTER_ADDRESS:
		print_ends(n, "ip.src", "ip.dst", out);
		break;
	case WEIR_FILTER_LENGTH:
		weir_strbuf_printf(out, "frame.len %s %u", n->op, n->number);
		break;
	case WEIR_FILTER_FLAGS:
		weir_strbuf_printf(
		    out, "(ip && (tcp.flags & %u) %s %u)", n->mask, n->op, n->number);
		break;
	case WEIR_FILTER_NO_IP:
		weir_strbuf_puts(out, "1 == 0");
		break;
	}
}

bool
weir_filter_has(const struct weir_filter_node *n, enum weir_filter_kind kind)
{
	return n && (n->kind == kind || weir_filter_has(n->a, kind) || weir_filter_has(n->b, kind));
}

/* Nothing holds for such a frame but what its length says. */
bool
weir_filter_is_fixed(const struct weir_filter_node *n, bool *ret_match)
{
	bool a = false, b = false, is_a, is_b, winner;

	switch (n->kind) {
	case WEIR_FILTER_AND:
	case WEIR_FILTER_OR:
		is_a = weir_filter_is_fixed(n->a, &a);
		is_b = weir_filter_is_fixed(n->b, &b);
		/* One side alone decides: false an "and", true an "or". */
		winner = n->kind == WEIR_FILTER_OR;
		if ((is_a && a == winner) || (is_b && b == winner)) {
			*ret_match = winner;
			return true;
		}
		*ret_match = !winner;
		return is_a && is_b;
	case WEIR_FILTER_NOT:
		is_a = weir_filter_is_fixed(n->a, &a);
		*ret_match = !a;
		return is_a;
	case WEIR_FILTER_LENGTH:
		return false;
	default:
		*ret_match = false;
		return true;
	}
}
