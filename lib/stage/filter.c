/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/log.h>

#include "filter.h"

#define SNAPLEN 262144

static void
destroy(struct weir_stage *s)
{
	struct weir_filter *f = (struct weir_filter *)s;

	for (unsigned i = 0; i < f->n_programs; i++)
		if (f->programs[i].is_usable)
			pcap_freecode(&f->programs[i].bpf);
	free(f->text);
	free(f);
}

static const struct weir_stage_ops filter_ops = {
	.name = "filter",
	.run = weir_stage_filter_run,
	.destroy = destroy,
};

static uint32_t
next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

/* Bytes that steer a filter into its branches: EtherTypes, versions, protocols, known ports, flags.
 */
static void
make_packet(uint8_t *p, uint32_t len, uint64_t *rnd)
{
	static const uint16_t types[] = { 0x0800, 0x86dd, 0x8100, 0x0806, 0x8847 };
	static const uint8_t protos[] = { 6, 17, 1, 58, 132, 44 };
	static const uint16_t ports[] = { 22, 53, 80, 443, 123 };
	uint16_t type = types[next_random(rnd) % 5];
	uint32_t l3 = 14;

	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)next_random(rnd);
	p[12] = (uint8_t)(type >> 8);
	p[13] = (uint8_t)type;
	if (type == 0x8100) {
		p[16] = 0x08;
		p[17] = 0x00;
		l3 = 18;
	}
	p[l3] = type == 0x86dd ? 0x60 : 0x45;
	p[l3 + (type == 0x86dd ? 6 : 9)] = protos[next_random(rnd) % 6];
	if (type != 0x86dd)
		p[l3 + 6] = p[l3 + 7] = 0;
	for (uint32_t i = l3 + (type == 0x86dd ? 40 : 20); i + 4 < len && i < l3 + 44; i += 2) {
		uint16_t port = ports[next_random(rnd) % 5];

		p[i] = (uint8_t)(port >> 8);
		p[i + 1] = (uint8_t)port;
	}
}

/* Do both programs decide alike on a set of made-up packets, cut ones among them? */
static bool
decide_alike(const struct bpf_program *a, const struct bpf_program *b)
{
	uint64_t rnd = 20260102;
	uint8_t packet[128];

	for (unsigned i = 0; i < 512; i++) {
		uint32_t len = i % 4 ? sizeof(packet) : next_random(&rnd) % sizeof(packet);

		make_packet(packet, sizeof(packet), &rnd);
		if (!bpf_filter(a->bf_insns, packet, sizeof(packet), len) !=
		    !bpf_filter(b->bf_insns, packet, sizeof(packet), len))
			return false;
	}
	return true;
}

static int
compile(
    const char *text, int dlt, int is_optimised, struct bpf_program *ret, struct weir_error *err)
{
	pcap_t *dead = pcap_open_dead(dlt, SNAPLEN);
	int rc = 0;

	if (!dead)
		return weir_error_run(err, -ENOMEM, "out of memory");
	if (pcap_compile(dead, ret, text, is_optimised, PCAP_NETMASK_UNKNOWN))
		rc = weir_error_usage(err, "%s", pcap_geterr(dead));
	pcap_close(dead);
	return rc;
}

/* libpcap's optimiser is not taken on trust: where it changes the answer, it is left out. */
static int
compile_checked(const char *text, int dlt, struct bpf_program *ret, struct weir_error *err)
{
	struct bpf_program plain;
	int rc = compile(text, dlt, 0, &plain, err);

	if (rc)
		return rc;
	if (compile(text, dlt, 1, ret, NULL)) {
		*ret = plain;
		return 0;
	}
	if (decide_alike(ret, &plain)) {
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
	static const struct weir_filter_program never = { .dlt = -1 };
	struct weir_filter_program *p;
	struct weir_error err;

	for (unsigned i = 0; i < f->n_programs; i++)
		if (f->programs[i].dlt == dlt)
			return &f->programs[i];
	if (f->n_programs == WEIR_FILTER_MAX_DLTS)
		return &never;
	p = &f->programs[f->n_programs++];
	p->dlt = dlt;
	p->is_usable = compile_checked(f->text, dlt, &p->bpf, &err) == 0;
	if (!p->is_usable)
		weir_log(WEIR_LOG_WARNING, "--filter '%s': matches nothing on link type %s: %s",
		    f->text,
		    pcap_datalink_val_to_name(dlt) ? pcap_datalink_val_to_name(dlt) : "unknown",
		    err.text);
	return p;
}

int
weir_stage_filter_create(const char *text, struct weir_stage **ret, struct weir_error *err)
{
	struct weir_filter *f = calloc(1, sizeof(*f));
	struct weir_filter_program *p;
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
	*ret = &f->head;
	return 0;
}
