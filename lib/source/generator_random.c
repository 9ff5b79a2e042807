/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "generator_random.h"

void
weir_gen_alias_free(struct weir_gen_alias *a)
{
	free(a->keep);
	free(a->other);
	a->keep = NULL;
	a->other = NULL;
}

/* p[] holds n weights with mean 1; stack[] has room for n. */
static void
build(struct weir_gen_alias *a, double *p, uint32_t *stack)
{
	uint32_t n_small = 0, n_large = 0;

	/* Small ones from the front, large ones from the back of one array. */
	for (uint32_t i = 0; i < a->n; i++) {
		if (p[i] < 1)
			stack[n_small++] = i;
		else
			stack[a->n - ++n_large] = i;
	}
	while (n_small && n_large) {
		uint32_t small = stack[--n_small];
		uint32_t large = stack[a->n - n_large];

		a->keep[small] = (uint32_t)(p[small] * 4294967295.0);
		a->other[small] = large;
		p[large] -= 1 - p[small];
		if (p[large] < 1) {
			n_large--;
			stack[n_small++] = large;
		}
	}
	/* What rounding leaves over stays itself. */
	while (n_small)
		a->keep[stack[--n_small]] = UINT32_MAX;
	for (; n_large; n_large--)
		a->keep[stack[a->n - n_large]] = UINT32_MAX;
}

int
weir_gen_alias_zipf(struct weir_gen_alias *a, uint32_t n, double exponent)
{
	double *p, sum = 0;
	uint32_t *stack;

	a->n = n;
	a->keep = NULL;
	a->other = NULL;
	if (exponent == 0)
		return 0;
	p = calloc(n, sizeof(*p));
	stack = calloc(n, sizeof(*stack));
	a->keep = calloc(n, sizeof(*a->keep));
	a->other = calloc(n, sizeof(*a->other));
	if (!p || !stack || !a->keep || !a->other) {
		free(p);
		free(stack);
		weir_gen_alias_free(a);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++) {
		p[i] = pow(i + 1.0, -exponent);
		sum += p[i];
		a->other[i] = i;
	}
	for (uint32_t i = 0; i < n; i++)
		p[i] *= n / sum;
	build(a, p, stack);
	free(p);
	free(stack);
	return 0;
}
