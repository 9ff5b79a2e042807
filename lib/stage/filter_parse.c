/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/array.h>

#include "filter_lexer.h"

#define MAX_TEXT 4096 /* bounds the depth of the tree; longer texts run as BPF */
#define MAX_NEST 64   /* brackets and negations within each other */

enum { PROTO_TCP = 6, PROTO_UDP = 17, PROTO_SCTP = 132 };

enum subject { NO_SUBJECT, SUBJECT_ADDRESS, SUBJECT_NET, SUBJECT_PORT, SUBJECT_PROTO };

/* What a bare value means: "port 80 or 443" takes over what stands before it. */
struct qualifiers {
	enum subject subject; /* NO_SUBJECT: a bare value is a mistake */
	enum weir_filter_dir dir;
	enum weir_filter_version versions;
	uint8_t protocol;
	bool is_range; /* portrange */
};

struct parser {
	struct weir_filter_lexer lexer;
	struct qualifiers q;
	unsigned nest;
};

/* Words that stand for a protocol's number, in both versions of IP or one. */
static const struct protocol {
	const char *name;
	uint8_t number;
	enum weir_filter_version versions;
} protocols[] = {
	{ "tcp", PROTO_TCP, WEIR_FILTER_IP },
	{ "udp", PROTO_UDP, WEIR_FILTER_IP },
	{ "sctp", PROTO_SCTP, WEIR_FILTER_IP },
	{ "icmp", 1, WEIR_FILTER_IP4 },
	{ "icmp6", 58, WEIR_FILTER_IP6 },
	{ "igmp", 2, WEIR_FILTER_IP4 },
	{ "pim", 103, WEIR_FILTER_IP },
	{ "esp", 50, WEIR_FILTER_IP },
	{ "ah", 51, WEIR_FILTER_IP },
	{ "vrrp", 112, WEIR_FILTER_IP4 },
};

static struct weir_filter_node *parse_list(struct parser *p);

static struct weir_filter_node *
node(enum weir_filter_kind kind)
{
	struct weir_filter_node *n = calloc(1, sizeof(*n));

	if (!n)
		abort();
	n->kind = kind;
	return n;
}

void
weir_filter_node_free(struct weir_filter_node *n)
{
	if (!n)
		return;
	weir_filter_node_free(n->a);
	weir_filter_node_free(n->b);
	free(n->members);
	free(n);
}

static struct weir_filter_member *
add_member(struct weir_filter_node *n)
{
	return weir_array_add(&n->members, &n->n_members, sizeof(*n->members));
}

static struct weir_filter_node *
protocol_node(uint8_t number, enum weir_filter_version versions)
{
	struct weir_filter_node *n = node(WEIR_FILTER_PROTOCOL);

	n->versions = versions;
	*add_member(n) = (struct weir_filter_member){ .first = number, .last = number };
	return n;
}

/* "or" of two that ask the same of different values. */
static bool
can_merge(const struct weir_filter_node *a, const struct weir_filter_node *b)
{
	return a->kind == b->kind && a->n_members && b->n_members && a->versions == b->versions &&
	       a->protocol == b->protocol && a->dir == b->dir && a->dir != WEIR_FILTER_BOTH;
}

static struct weir_filter_node *
join(enum weir_filter_kind kind, struct weir_filter_node *a, struct weir_filter_node *b)
{
	struct weir_filter_node *last = a->kind == WEIR_FILTER_OR ? a->b : a, *n;

	if (kind == WEIR_FILTER_OR && can_merge(last, b)) {
		for (unsigned i = 0; i < b->n_members; i++)
			*add_member(last) = b->members[i];
		weir_filter_node_free(b);
		return a;
	}
	n = node(kind);
	n->a = a;
	n->b = b;
	return n;
}

static struct weir_filter_node *
network_node(const struct parser *p, unsigned version, struct weir_addr addr, unsigned prefix)
{
	struct weir_filter_node *n;

	if (!(p->q.versions & (version == 4 ? WEIR_FILTER_IP4 : WEIR_FILTER_IP6)))
		return NULL;
	n = node(WEIR_FILTER_ADDRESS);
	n->dir = p->q.dir;
	*add_member(n) = (struct weir_filter_member){
		.addr = addr, .version = (uint8_t)version, .prefix = (uint8_t)prefix
	};
	return n;
}

/* The prefix of "/24" or "mask 255.255.255.0", or bits where there is neither. */
static bool
parse_prefix(struct parser *p, unsigned max, unsigned *bits)
{
	struct weir_filter_lexer *l = &p->lexer;
	uint32_t number;
	unsigned mask_bits;

	if (weir_filter_take(l, "/")) {
		if (!weir_filter_number(l->word, &number) || number > max)
			return false;
		*bits = number;
	} else if (max == 32 && weir_filter_take(l, "mask")) {
		if (!weir_filter_dotted(l->word, &number, &mask_bits))
			return false;
		*bits = (unsigned)__builtin_popcount(number);
		if (*bits && number != UINT32_MAX << (32 - *bits))
			return false; /* with gaps */
	} else {
		return true;
	}
	weir_filter_lex(l);
	return true;
}

static struct weir_filter_node *
parse_address(struct parser *p)
{
	struct weir_filter_lexer *l = &p->lexer;
	struct weir_addr addr = { 0 };
	unsigned bits = 128;
	uint32_t v4;

	if (weir_filter_address6(l->word, &addr)) {
		weir_filter_lex(l);
		return parse_prefix(p, 128, &bits) ? network_node(p, 6, addr, bits) : NULL;
	}
	if (weir_filter_dotted(l->word, &v4, &bits)) {
		weir_filter_lex(l);
		addr.lo = v4;
		return parse_prefix(p, 32, &bits) ? network_node(p, 4, addr, bits) : NULL;
	}
	/* "net 10" is 10.0.0.0/8 */
	if (p->q.subject == SUBJECT_NET && weir_filter_number(l->word, &v4) && v4 && v4 < 256) {
		weir_filter_lex(l);
		addr.lo = v4 << 24;
		return network_node(p, 4, addr, 8);
	}
	return NULL;
}

/* "80", and "8000-8010" where portrange stands before it. */
static struct weir_filter_node *
parse_port(struct parser *p)
{
	struct weir_filter_lexer *l = &p->lexer;
	char *dash = p->q.is_range ? strchr(l->word, '-') : NULL;
	uint32_t first, last;
	struct weir_filter_node *n;

	if (dash)
		*dash = '\0';
	if (!weir_filter_number(l->word, &first))
		return NULL;
	last = first;
	if ((dash && !weir_filter_number(dash + 1, &last)) || first > 65535 || last > 65535)
		return NULL;
	weir_filter_lex(l);
	n = node(WEIR_FILTER_PORT);
	n->dir = p->q.dir;
	n->protocol = p->q.protocol;
	*add_member(n) = (struct weir_filter_member){ .first = first < last ? first : last,
		.last = first < last ? last : first };
	return n;
}

static struct weir_filter_node *
parse_protocol(struct parser *p)
{
	uint32_t number;

	if (!weir_filter_number(p->lexer.word, &number) || number > 255)
		return NULL;
	weir_filter_lex(&p->lexer);
	return protocol_node((uint8_t)number, p->q.versions);
}

static struct weir_filter_node *
parse_value(struct parser *p)
{
	if (p->lexer.token != WEIR_FILTER_WORD)
		return NULL;
	switch (p->q.subject) {
	case SUBJECT_ADDRESS:
	case SUBJECT_NET:
		return parse_address(p);
	case SUBJECT_PORT:
		return parse_port(p);
	case SUBJECT_PROTO:
		return parse_protocol(p);
	default:
		return NULL;
	}
}

static struct weir_filter_node *
negation(struct parser *p, struct weir_filter_node *(*parse)(struct parser *p))
{
	struct weir_filter_node *a, *n;

	if (++p->nest > MAX_NEST || !(a = parse(p)))
		return NULL;
	p->nest--;
	n = node(WEIR_FILTER_NOT);
	n->a = a;
	return n;
}

/* Behind the bracket the qualifiers are those before it. */
static struct weir_filter_node *
brackets(struct parser *p)
{
	struct qualifiers before = p->q;
	struct weir_filter_node *n;

	if (++p->nest > MAX_NEST || !(n = parse_list(p)))
		return NULL;
	p->nest--;
	if (!weir_filter_take(&p->lexer, ")")) {
		weir_filter_node_free(n);
		return NULL;
	}
	p->q = before;
	return n;
}

/* What follows "tcp port": a value, its negation, or several in brackets. */
static struct weir_filter_node *
parse_id(struct parser *p)
{
	if (weir_filter_take(&p->lexer, "not"))
		return negation(p, parse_id);
	if (weir_filter_take(&p->lexer, "("))
		return brackets(p);
	return parse_value(p);
}

/* "src", "dst", "src or dst", "src and dst" and their reverses. */
static bool
parse_direction(struct parser *p)
{
	struct weir_filter_lexer *l = &p->lexer;
	bool is_src = weir_filter_at(l, "src");
	struct weir_filter_lexer first;

	if (!is_src && !weir_filter_at(l, "dst"))
		return false;
	weir_filter_lex(l);
	p->q.dir = is_src ? WEIR_FILTER_SRC : WEIR_FILTER_DST;
	first = *l;
	if (weir_filter_at(l, "or") || weir_filter_at(l, "and")) {
		bool is_and = weir_filter_at(l, "and");

		weir_filter_lex(l);
		if (weir_filter_take(l, is_src ? "dst" : "src"))
			p->q.dir = is_and ? WEIR_FILTER_BOTH : WEIR_FILTER_ANY;
		else
			*l = first;
	}
	return true;
}

/* The word that says what the value is; without one behind a direction it is an address. */
static bool
parse_subject(struct parser *p, bool has_direction)
{
	struct weir_filter_lexer *l = &p->lexer;

	if (weir_filter_take(l, "host"))
		p->q.subject = SUBJECT_ADDRESS;
	else if (weir_filter_take(l, "net"))
		p->q.subject = SUBJECT_NET;
	else if (weir_filter_take(l, "port"))
		p->q.subject = SUBJECT_PORT;
	else if (weir_filter_take(l, "portrange"))
		p->q.subject = SUBJECT_PORT, p->q.is_range = true;
	else if (!has_direction && weir_filter_take(l, "proto"))
		p->q.subject = SUBJECT_PROTO;
	else if (has_direction)
		p->q.subject = SUBJECT_ADDRESS;
	else
		return false;
	return true;
}

/* A protocol in front: "tcp port 80", "ip host ...". Does it go with the subject? */
static bool
fits(const struct parser *p, const struct protocol *proto, bool is_version)
{
	if (proto)
		return p->q.subject == SUBJECT_PORT &&
		       (proto->number == PROTO_TCP || proto->number == PROTO_UDP ||
			   proto->number == PROTO_SCTP);
	return !is_version || p->q.subject != SUBJECT_PORT;
}

static struct weir_filter_node *
alone(const struct protocol *proto, enum weir_filter_version versions)
{
	struct weir_filter_node *n;

	if (proto)
		return protocol_node(proto->number, proto->versions);
	n = node(WEIR_FILTER_VERSION);
	n->versions = versions;
	return n;
}

static const struct protocol *
take_protocol(struct parser *p)
{
	for (unsigned i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (weir_filter_take(&p->lexer, protocols[i].name))
			return &protocols[i];
	return NULL;
}

/* [protocol] [direction] [subject] value, or a protocol alone. */
static struct weir_filter_node *
parse_qualified(struct parser *p)
{
	enum weir_filter_version version = 0;
	const struct protocol *proto = NULL;
	bool has_direction;

	if (weir_filter_take(&p->lexer, "ip"))
		version = WEIR_FILTER_IP4;
	else if (weir_filter_take(&p->lexer, "ip6"))
		version = WEIR_FILTER_IP6;
	else
		proto = take_protocol(p);
	p->q = (struct qualifiers){ .versions = version ? version : WEIR_FILTER_IP,
		.protocol = proto ? proto->number : 0 };
	has_direction = parse_direction(p);
	if (!parse_subject(p, has_direction))
		return proto || version ? alone(proto, version) : NULL;
	return fits(p, proto, version) ? parse_id(p) : NULL;
}

/* "less 100", "greater 100": both ends belong to it. */
static struct weir_filter_node *
length_node(struct parser *p, const char *op)
{
	struct weir_filter_node *n;
	uint32_t number;

	if (!weir_filter_number(p->lexer.word, &number))
		return NULL;
	weir_filter_lex(&p->lexer);
	n = node(WEIR_FILTER_LENGTH);
	n->op = op;
	n->number = number;
	p->q = (struct qualifiers){ 0 };
	return n;
}

static const char *
take_relation(struct parser *p)
{
	static const char *const ops[] = { "==", "!=", "<=", ">=", "<", ">" };

	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (weir_filter_take(&p->lexer, ops[i]))
			return ops[i];
	return NULL;
}

static struct weir_filter_node *
parse_length(struct parser *p)
{
	const char *op = take_relation(p);

	return op ? length_node(p, op) : NULL;
}

static struct weir_filter_node *
parse_arp(struct parser *p)
{
	bool is_qualifier = weir_filter_at(&p->lexer, "src") || weir_filter_at(&p->lexer, "dst") ||
			    weir_filter_at(&p->lexer, "host") || weir_filter_at(&p->lexer, "net");

	if (is_qualifier)
		return NULL;
	p->q = (struct qualifiers){ 0 };
	return node(WEIR_FILTER_NO_IP);
}

static bool
is_flags(const struct weir_filter_lexer *l)
{
	struct weir_filter_lexer next = *l;

	return weir_filter_take(&next, "tcp") && weir_filter_at(&next, "[");
}

/* A number, the name of a flag, or several of them in brackets: "(tcp-syn|tcp-ack)". */
static bool
take_bits(struct parser *p, uint32_t *ret)
{
	static const char *const names[] = { "tcp-fin", "tcp-syn", "tcp-rst", "tcp-push", "tcp-ack",
		"tcp-urg", "tcp-ece", "tcp-cwr" };
	struct weir_filter_lexer *l = &p->lexer;
	uint32_t more;

	if (weir_filter_take(l, "(")) {
		if (!take_bits(p, ret))
			return false;
		while (weir_filter_take(l, "|")) {
			if (!take_bits(p, &more))
				return false;
			*ret |= more;
		}
		return weir_filter_take(l, ")");
	}
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (weir_filter_take(l, names[i])) {
			*ret = UINT32_C(1) << i;
			return true;
		}
	}
	if (!weir_filter_number(l->word, ret))
		return false;
	weir_filter_lex(l);
	return true;
}

/* "tcp[tcpflags] & tcp-syn != 0", "tcp[13] == 2" */
static struct weir_filter_node *
parse_flags(struct parser *p)
{
	struct weir_filter_lexer *l = &p->lexer;
	struct weir_filter_node *n;
	uint32_t mask = 0xff, number;
	const char *op;

	if (!weir_filter_take(l, "tcp") || !weir_filter_take(l, "[") ||
	    !(weir_filter_take(l, "tcpflags") || weir_filter_take(l, "13")) ||
	    !weir_filter_take(l, "]"))
		return NULL;
	if (weir_filter_take(l, "&") && !take_bits(p, &mask))
		return NULL;
	op = take_relation(p);
	if (!op || !take_bits(p, &number))
		return NULL;
	n = node(WEIR_FILTER_FLAGS);
	n->op = op;
	n->mask = mask & 0xff;
	n->number = number;
	p->q = (struct qualifiers){ 0 };
	return n;
}

/* Keywords begin with a letter and have no colon. */
static bool
is_value(const struct weir_filter_lexer *l)
{
	return l->token == WEIR_FILTER_WORD &&
	       (isdigit((unsigned char)l->word[0]) || strchr(l->word, ':'));
}

static struct weir_filter_node *
parse_term(struct parser *p)
{
	struct weir_filter_lexer *l = &p->lexer;

	if (weir_filter_take(l, "not"))
		return negation(p, parse_term);
	if (weir_filter_take(l, "("))
		return brackets(p);
	if (weir_filter_take(l, "less"))
		return length_node(p, "<=");
	if (weir_filter_take(l, "greater"))
		return length_node(p, ">=");
	if (weir_filter_take(l, "len"))
		return parse_length(p);
	if (is_flags(l))
		return parse_flags(p);
	if (weir_filter_take(l, "arp") || weir_filter_take(l, "rarp"))
		return parse_arp(p);
	if (p->q.subject != NO_SUBJECT && is_value(l))
		return parse_value(p);
	return parse_qualified(p);
}

/* "and" and "or" bind alike, from the left. */
static struct weir_filter_node *
parse_list(struct parser *p)
{
	struct weir_filter_node *n = parse_term(p);

	while (n && (weir_filter_at(&p->lexer, "and") || weir_filter_at(&p->lexer, "or"))) {
		bool is_and = weir_filter_at(&p->lexer, "and");
		struct weir_filter_node *b;

		weir_filter_lex(&p->lexer);
		b = parse_term(p);
		if (!b) {
			weir_filter_node_free(n);
			return NULL;
		}
		n = join(is_and ? WEIR_FILTER_AND : WEIR_FILTER_OR, n, b);
	}
	return n;
}

struct weir_filter_node *
weir_filter_parse(const char *text)
{
	struct parser p = { .lexer = { .at = text } };
	struct weir_filter_node *n;

	if (strlen(text) > MAX_TEXT)
		return NULL;
	weir_filter_lex(&p.lexer);
	n = parse_list(&p);
	if (n && p.lexer.token != WEIR_FILTER_END) {
		weir_filter_node_free(n);
		return NULL;
	}
	return n;
}
