/* SPDX-License-Identifier: BSD-3-Clause */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "rows.h"

static struct weir_schema_column columns[] = {
	{ (char[]){ "ip.src" }, WEIR_IP, true },
	{ (char[]){ "name" }, WEIR_STRING, false },
	{ (char[]){ "packets" }, WEIR_INT, false },
	{ (char[]){ "mean" }, WEIR_FLOAT, false },
};

const struct weir_schema rows_schema = { (char[]){ "main" }, true, 4, columns };
const struct weir_schema rows_schema_unwindowed = { (char[]){ "main" }, false, 4, columns };

static struct weir_gap gap = { WINDOW_NS + 1, WINDOW_NS + 2 };
const struct weir_gaps rows_gaps = { 1, &gap }, rows_no_gaps = { 0, NULL };

struct weir_block *
rows_create(const struct weir_schema *schema, uint32_t n)
{
	struct weir_block *b = calloc(1, sizeof(*b));

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_TRUE_FATAL(n <= ROWS_MAX);
	b->schema = schema;
	b->window_start_ns = WINDOW_NS;
	b->window_end_ns = WINDOW_NS + 1000000000;
	b->n_rows = n;
	b->cap_rows = ROWS_MAX;
	b->columns = calloc(schema->n_columns, sizeof(*b->columns));
	for (unsigned i = 0; i < schema->n_columns; i++) {
		enum weir_type type = schema->columns[i].type;

		CU_ASSERT_EQUAL_FATAL(
		    weir_column_init(&b->columns[i], type, weir_store_of(type), ROWS_MAX), 0);
		b->columns[i].null[0] = ~UINT64_C(0);
	}
	return b;
}

void
rows_free(struct weir_block *b)
{
	for (unsigned i = 0; i < b->schema->n_columns; i++)
		weir_column_fini(&b->columns[i]);
	free(b->columns);
	free(b->row_start_ns);
	free(b->row_end_ns);
	free(b);
}

void
rows_set_int(struct weir_block *b, unsigned column, uint32_t row, int64_t i)
{
	struct weir_column *c = &b->columns[column];

	if (c->store == WEIR_U8)
		((uint8_t *)c->data)[row] = (uint8_t)i;
	else
		((int64_t *)c->data)[row] = i;
	weir_mask_clear(c->null, row);
}

void
rows_set_float(struct weir_block *b, unsigned column, uint32_t row, double f)
{
	((double *)b->columns[column].data)[row] = f;
	weir_mask_clear(b->columns[column].null, row);
}

void
rows_set_ip(struct weir_block *b, unsigned column, uint32_t row, const char *text)
{
	struct weir_column *c = &b->columns[column];
	unsigned version;

	CU_ASSERT_EQUAL_FATAL(
	    weir_ip_parse(text, &((struct weir_addr *)c->data)[row], &version), 0);
	c->version[row] = (uint8_t)version;
	weir_mask_clear(c->null, row);
}

void
rows_set_bytes(struct weir_block *b, unsigned column, uint32_t row, const void *p, uint32_t len)
{
	((struct weir_bytes *)b->columns[column].data)[row] = (struct weir_bytes){ p, len };
	weir_mask_clear(b->columns[column].null, row);
}

void
rows_set_text(struct weir_block *b, unsigned column, uint32_t row, const char *s)
{
	rows_set_bytes(b, column, row, s, (uint32_t)strlen(s));
}

struct weir_block *
rows_usual(const struct weir_schema *schema)
{
	struct weir_block *b = rows_create(schema, 2);

	rows_set_ip(b, 0, 0, "10.0.0.1");
	rows_set_text(b, 1, 0, "a, \"b\"");
	rows_set_int(b, 2, 0, 12);
	rows_set_float(b, 3, 0, 1500);
	rows_set_ip(b, 0, 1, "2001:db8::1");
	rows_set_int(b, 2, 1, INT64_MIN);
	return b;
}

const char *
rows_path(const char *name)
{
	static char path[128];
	char dir[] = "/tmp/weir-test-XXXXXX";

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

const char *
rows_uri(const char *scheme, const char *path)
{
	static char uri[160];

	snprintf(uri, sizeof(uri), "%s:%s", scheme, path);
	return uri;
}

void
rows_remove(const char *path)
{
	char copy[128];

	snprintf(copy, sizeof(copy), "%s", path);
	unlink(copy);
	rmdir(dirname(copy));
}

char *
rows_read(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	size_t cap = 1 << 16, len = 0, n;
	char *p = malloc(cap);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	while ((n = fread(p + len, 1, cap - len - 1, f)) > 0) {
		len += n;
		if (len + 1 == cap)
			p = realloc(p, cap *= 2);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	}
	fclose(f);
	p[len] = '\0';
	if (ret_len)
		*ret_len = len;
	return p;
}
