/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/value.h>
#include <weir/doctor/doctor.h>

static const char *const level_names[] = {
	[WEIR_FINDING_OK] = "ok",
	[WEIR_FINDING_WARN] = "warn",
	[WEIR_FINDING_FAIL] = "fail",
};

void
weir_report_table(const struct weir_report *r, FILE *out)
{
	unsigned n[3] = { 0 };

	for (unsigned i = 0; i < r->n; i++) {
		const struct weir_finding *f = &r->findings[i];

		n[f->level]++;
		fprintf(out, "%-5s %-13s %s\n", level_names[f->level],
		    i && strcmp(f->check, r->findings[i - 1].check) == 0 ? "" : f->check, f->found);
		if (f->level == WEIR_FINDING_OK)
			continue;
		fprintf(out, "%19s why:  %s\n", "", f->why);
		if (f->mend)
			fprintf(out, "%19s mend: %s\n", "", f->mend);
	}
	fprintf(out, "\n%u ok, %u to mend, %u in the way: %s\n", n[WEIR_FINDING_OK],
	    n[WEIR_FINDING_WARN], n[WEIR_FINDING_FAIL],
	    weir_report_is_usable(r) ? "weir can run" : "weir cannot do this");
}

static void
put_json(FILE *out, const char *key, const char *text)
{
	struct weir_value v = { .type = WEIR_STRING, .is_null = !text };
	char buf[4096];

	if (text)
		v.s = (struct weir_bytes){ .p = (const uint8_t *)text,
			.len = (uint32_t)strlen(text) };
	weir_value_json(&v, buf, sizeof(buf));
	fprintf(out, "\"%s\":%s", key, buf);
}

void
weir_report_json(const struct weir_report *r, FILE *out)
{
	fputs("{\"findings\":[", out);
	for (unsigned i = 0; i < r->n; i++) {
		const struct weir_finding *f = &r->findings[i];

		fputs(i ? ",\n{" : "\n{", out);
		put_json(out, "level", level_names[f->level]);
		fputc(',', out);
		put_json(out, "check", f->check);
		fputc(',', out);
		put_json(out, "found", f->found);
		fputc(',', out);
		put_json(out, "why", f->why);
		fputc(',', out);
		put_json(out, "mend", f->mend);
		fputc('}', out);
	}
	fprintf(out, "\n],\"usable\":%s}\n", weir_report_is_usable(r) ? "true" : "false");
}
