/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "node.h"

struct weir_expr_block {
	struct weir_expr_block *next;
	void *owned; /* NULL: the memory behind this header */
	void (*fini)(void *);
};

static struct weir_expr_block *
add_block(struct weir_expr_heap *h, size_t size)
{
	struct weir_expr_block *b = calloc(1, sizeof(*b) + size);

	if (b) {
		b->next = h->blocks;
		h->blocks = b;
	}
	return b;
}

void *
weir_expr_heap_alloc(struct weir_expr_heap *h, size_t size)
{
	struct weir_expr_block *b = add_block(h, size);

	return b ? b + 1 : NULL;
}

int
weir_expr_heap_own(struct weir_expr_heap *h, void *p, void (*fini)(void *))
{
	struct weir_expr_block *b = add_block(h, 0);

	if (!b) {
		fini(p);
		return -ENOMEM;
	}
	b->owned = p;
	b->fini = fini;
	return 0;
}

void
weir_expr_heap_free(struct weir_expr_heap *h)
{
	struct weir_expr_block *next;

	/* Newest first: what is owned may refer to older memory. */
	for (struct weir_expr_block *b = h->blocks; b; b = next) {
		next = b->next;
		if (b->owned)
			b->fini(b->owned);
		free(b);
	}
	h->blocks = NULL;
}

unsigned
weir_expr_place(const char *text, const char *at)
{
	unsigned place = 1;

	for (; text < at; text++)
		place += ((unsigned char)*text & 0xc0) != 0x80;
	return place;
}

void *
weir_expr_fail(struct weir_expr_context *c, const char *at, const char *cure, const char *fmt, ...)
{
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	c->code =
	    weir_error_usage(&c->error, "%s at %u%s", what, weir_expr_place(c->text, at), cure);
	return NULL;
}

void *
weir_expr_fail_memory(struct weir_expr_context *c)
{
	c->code = weir_error_run(&c->error, -ENOMEM, "out of memory for an expression");
	return NULL;
}

void *
weir_expr_alloc(struct weir_expr_context *c, size_t size)
{
	void *p = weir_expr_heap_alloc(c->heap, size);

	return p ? p : weir_expr_fail_memory(c);
}

struct weir_expr_node *
weir_expr_const(struct weir_expr_context *c, const char *at, struct weir_value v)
{
	struct weir_expr_node *n = weir_expr_alloc(c, sizeof(*n));

	if (!n)
		return NULL;
	n->kind = WEIR_EXPR_CONST;
	n->type = v.type;
	n->store = weir_store_of(v.type);
	n->at = at;
	n->value = v;
	n->is_never_null = !v.is_null;
	return n;
}

struct weir_expr_node *
weir_expr_symbol(struct weir_expr_context *c, const char *at, const struct weir_symbol *s)
{
	struct weir_expr_node *n = weir_expr_alloc(c, sizeof(*n));

	if (!n)
		return NULL;
	n->kind = WEIR_EXPR_SYMBOL;
	n->type = s->type;
	n->store = s->store;
	n->at = at;
	n->slot = s->slot;
	n->reads_variable = s->slot >= WEIR_EXPR_VARIABLES;
	return n;
}

/* The value of an operation on constants: by the very kernels, so that it cannot differ. */
static struct weir_expr_node *
fold(struct weir_expr_context *c, const struct weir_expr_node *n)
{
	const uint64_t sel[WEIR_MASK_WORDS] = { 1 };
	struct weir_expr_node *folded = NULL;
	struct weir_program *p;
	struct weir_value v;
	uint8_t *copy;

	if (weir_expr_generate(n, c->scope->simd, &p))
		return weir_expr_fail_memory(c);
	v = weir_column_get(weir_program_run(p, NULL, 1, sel), 0);
	if (v.type == WEIR_STRING && !v.is_null) {
		copy = weir_expr_alloc(c, v.s.len);
		if (!copy)
			goto out;
		if (v.s.len)
			memcpy(copy, v.s.p, v.s.len);
		v.s.p = copy;
	}
	folded = weir_expr_const(c, n->at, v);
out:
	weir_program_destroy(p);
	return folded;
}

struct weir_expr_node *
weir_expr_op(struct weir_expr_context *c, struct weir_expr_node proto)
{
	struct weir_expr_node *n;
	bool all_const = true;

	proto.kind = WEIR_EXPR_OP;
	proto.store = weir_store_of(proto.type);
	while (proto.n_args < WEIR_EXPR_MAX_ARGS && proto.arg[proto.n_args]) {
		const struct weir_expr_node *a = proto.arg[proto.n_args++];

		all_const &= a->kind == WEIR_EXPR_CONST;
		proto.is_costly |= a->is_costly;
		proto.reads_variable |= a->reads_variable;
		proto.depth = a->depth > proto.depth ? a->depth : proto.depth;
	}
	if (++proto.depth > WEIR_EXPR_MAX_DEPTH)
		return weir_expr_fail(
		    c, proto.at, "", "expression of more than %d steps", WEIR_EXPR_MAX_DEPTH);
	if (all_const)
		return fold(c, &proto);
	n = weir_expr_alloc(c, sizeof(*n));
	if (n)
		*n = proto;
	return n;
}

const char *
weir_expr_kind_name(const struct weir_expr_node *n)
{
	return n->kind == WEIR_EXPR_NETWORK ? "network" : weir_type_name(n->type);
}
