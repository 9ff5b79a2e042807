/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
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
			fprintf(
			    out, "%19s mend: %s%s\n", "", f->mend, f->fix.kind ? "   [--fix]" : "");
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

static void
put_need(FILE *out, const struct weir_doctor_need *n)
{
	bool is_first = true;

	fprintf(out, "{\"ports\":%u,\"packet_buffers\":%u,\"port_bytes\":%ju,\"nodes\":{",
	    n->n_ports, n->n_buffers, (uintmax_t)n->port_bytes);
	for (unsigned node = 0; node < sizeof(n->node_bytes) / sizeof(n->node_bytes[0]); node++) {
		if (!n->node_bytes[node])
			continue;
		fprintf(
		    out, "%s\"%u\":%ju", is_first ? "" : ",", node, (uintmax_t)n->node_bytes[node]);
		is_first = false;
	}
	fprintf(out, "},\"anywhere_bytes\":%ju,\"table_bytes\":%ju,\"needs_hugepages\":%s}",
	    (uintmax_t)n->anywhere_bytes, (uintmax_t)n->table_bytes,
	    n->is_huge_needed ? "true" : "false");
}

static void
put_findings(FILE *out, const struct weir_report *r)
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
		/* the command stands beside what is well, too: there it changes nothing for now */
		put_json(out, "mend", f->level == WEIR_FINDING_OK ? NULL : f->mend);
		fprintf(out, ",\"fixable\":%s}", f->fix.kind ? "true" : "false");
	}
	fputs("\n]", out);
}

void
weir_report_json(
    const struct weir_report *r, const struct weir_fix_result *fixes, unsigned n_fixes, FILE *out)
{
	put_findings(out, r);
	if (r->has_need) {
		fputs(",\"needs\":", out);
		put_need(out, &r->need);
	}
	if (n_fixes)
		fputs(",\"fixes\":[", out);
	for (unsigned i = 0; i < n_fixes; i++) {
		fputs(i ? ",\n{" : "\n{", out);
		put_json(out, "mend", fixes[i].mend);
		fputc(',', out);
		put_json(out, "error", fixes[i].error);
		fputc('}', out);
	}
	if (n_fixes)
		fputs("\n]", out);
	fprintf(out, ",\"usable\":%s}\n", weir_report_is_usable(r) ? "true" : "false");
}
