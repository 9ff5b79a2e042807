/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weir/base/log.h>

#include "filter.h"
#include "filter_sample.h"
#include "program_stage.h"

#define SNAPLEN 262144

static void
destroy(struct weir_stage *s)
{
	struct weir_filter *f = (struct weir_filter *)s;

	for (unsigned i = 0; i < f->n_programs; i++)
		if (f->programs[i].is_usable)
			pcap_freecode(&f->programs[i].bpf);
	weir_filter_masks_fini(&f->masks);
	free(f->description);
	free(f->text);
	free(f);
}

static const struct weir_stage_ops filter_ops = {
	.name = "filter",
	.run = weir_stage_filter_run,
	.destroy = destroy,
};

/*
 * Do both programs decide alike on made-up packets? None is cut short: there the optimiser is right
 * to differ, since a program that reads less ends without a match less often.
 */
static bool
decide_alike(
    const struct weir_filter_hints *hints, const struct bpf_program *a, const struct bpf_program *b)
{
	uint64_t state = 20260102;
	struct weir_filter_sample s;

	for (unsigned i = 0; i < 512; i++) {
		weir_filter_sample_make(&state, hints, &s);
		if (!bpf_filter(a->bf_insns, s.bytes, s.wire_len, sizeof(s.bytes)) !=
		    !bpf_filter(b->bf_insns, s.bytes, s.wire_len, sizeof(s.bytes)))
			return false;
	}
	return true;
}

/*
 * A handle to compile for, of an empty capture of that link type: libpcap then generates what
 * `tcpdump -r` would run. For a handle that is neither file nor interface it knows only this
 * system's protocol families on BSD loopback, and takes words that need the kernel's help (inbound)
 * without a murmur.
 */
static pcap_t *
open_empty(int dlt)
{
	pcap_t *dead = pcap_open_dead(dlt, SNAPLEN), *file = NULL;
	pcap_dumper_t *dumper = NULL;
	char why[PCAP_ERRBUF_SIZE];
	int memory = memfd_create("weir-filter", MFD_CLOEXEC);
	FILE *f = memory >= 0 ? fdopen(memory, "w+b") : NULL;
	int fd = f ? dup(memory) : -1;
	FILE *out = fd >= 0 ? fdopen(fd, "wb") : NULL;

	if (dead && out)
		dumper = pcap_dump_fopen(dead, out);
	if (dumper) {
		pcap_dump_close(dumper); /* and out with it */
		rewind(f);
		file = pcap_fopen_offline(f, why);
	} else if (out) {
		fclose(out);
	} else if (fd >= 0) {
		close(fd);
	}
	if (!file) {
		if (f)
			fclose(f);
		else if (memory >= 0)
			close(memory);
		return dead;
	}
	pcap_close(dead);
	return file;
}

static int
compile(
    const char *text, int dlt, int is_optimised, struct bpf_program *ret, struct weir_error *err)
{
	pcap_t *empty = open_empty(dlt);
	int rc = 0;

	if (!empty)
		return weir_error_run(err, -ENOMEM, "out of memory");
	/* Without a net of its own, as tcpdump -r has it: ip broadcast is 0.0.0.0 and
	 * 255.255.255.255. */
	if (pcap_compile(empty, ret, text, is_optimised, 0))
		rc = weir_error_usage(err, "%s", pcap_geterr(empty));
	pcap_close(empty);
	return rc;
}

/* libpcap's optimiser is not taken on trust: where it changes the answer, it is left out. */
static int
compile_checked(const char *text, int dlt, struct bpf_program *ret, struct weir_error *err)
{
	struct weir_filter_hints hints = { 0 };
	struct weir_filter_node *tree;
	struct bpf_program plain;
	int rc = compile(text, dlt, 0, &plain, err);

	if (rc)
		return rc;
	if (compile(text, dlt, 1, ret, NULL)) {
		*ret = plain;
		return 0;
	}
	tree = weir_filter_parse(text);
	weir_filter_hints_add(&hints, tree);
	weir_filter_node_free(tree);
	if (decide_alike(&hints, ret, &plain)) {
		pcap_freecode(&plain);
		return 0;
	}
	weir_log(WEIR_LOG_WARNING,
	    "--filter '%s': libpcap's optimiser changes what it matches; using the plain program",
	    text);
	pcap_freecode(ret);
	*ret = plain;
	return 0;
}

const struct weir_filter_program *
weir_filter_program_of(struct weir_filter *f, int dlt)
{
	struct weir_filter_program *p;
	struct weir_error err;

	for (unsigned i = 0; i < f->n_programs; i++)
		if (f->programs[i].dlt == dlt)
			return &f->programs[i];
	if (f->n_programs < WEIR_FILTER_MAX_DLTS)
		f->n_programs++;
	p = &f->programs[f->n_programs - 1]; /* more link types than that share the last place */
	if (p->is_usable)
		pcap_freecode(&p->bpf);
	p->dlt = dlt;
	p->is_usable = compile_checked(f->text, dlt, &p->bpf, &err) == 0;
	if (!p->is_usable)
		weir_log(WEIR_LOG_WARNING, "--filter '%s': matches nothing on link type %s: %s",
		    f->text,
		    pcap_datalink_val_to_name(dlt) ? pcap_datalink_val_to_name(dlt) : "unknown",
		    err.text);
	return p;
}

/* For --explain. */
static char *
describe(const struct weir_filter *f, const char *reason)
{
	struct weir_strbuf b = { 0 };

	if (f->masks.program)
		weir_strbuf_printf(
		    &b, "masks: %s (as BPF where the layout is not plain)", f->masks.expression);
	else
		weir_strbuf_printf(&b, "BPF%s%s", reason ? ": " : "", reason ? reason : "");
	return b.p;
}

int
weir_stage_filter_create(const char *text, const struct weir_scope *scope, struct weir_stage **ret,
    struct weir_error *err)
{
	struct weir_filter *f = calloc(1, sizeof(*f));
	struct weir_filter_program *p;
	const char *reason = NULL;
	int rc;

	if (!f || !(f->text = strdup(text))) {
		free(f);
		return weir_error_run(err, -ENOMEM, "out of memory");
	}
	f->head.ops = &filter_ops;
	/* Ethernet first: it finds the mistakes in the text before anything starts. */
	p = &f->programs[0];
	p->dlt = DLT_EN10MB;
	rc = compile_checked(text, DLT_EN10MB, &p->bpf, err);
	if (rc) {
		destroy(&f->head);
		return rc;
	}
	p->is_usable = true;
	f->n_programs = 1;
	if (scope)
		weir_filter_lower(f, scope, &reason);
	if (reason)
		weir_log(WEIR_LOG_DEBUG, "--filter '%s' runs as BPF: %s", text, reason);
	f->description = describe(f, reason);
	*ret = &f->head;
	return 0;
}

const char *
weir_stage_describe(const struct weir_stage *s)
{
	return s->ops == &filter_ops ? ((const struct weir_filter *)s)->description : NULL;
}

const struct weir_program *
weir_stage_filter_program(const struct weir_stage *s)
{
	return s->ops == &filter_ops ? ((const struct weir_filter *)s)->masks.program : NULL;
}
