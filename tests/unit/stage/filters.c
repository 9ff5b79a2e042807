/* SPDX-License-Identifier: BSD-3-Clause */
#include "filters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const filter_texts[] = {
	/* protocols */
	"ip",
	"ip6",
	"arp",
	"rarp",
	"tcp",
	"udp",
	"icmp",
	"icmp6",
	"sctp",
	"igmp",
	"pim",
	"esp",
	"ah",
	"vrrp",
	"not ip",
	"! ip6",
	"not arp",
	"not tcp",
	"!udp",
	"not icmp",
	"ip and tcp",
	"ip6 and tcp",
	"ip && udp",
	"ip6 && icmp6",
	"tcp or udp",
	"tcp || udp || sctp",
	"ip or ip6 or arp",
	"not (tcp or udp)",
	"not (tcp and ip)",
	"!(ip || ip6)",
	"tcp and not ip6",
	"arp or icmp",
	"ip proto 6",
	"ip proto 17",
	"ip proto 1",
	"ip6 proto 6",
	"ip6 proto 58",
	"proto 6",
	"proto 132",
	"proto 0x11",
	"proto 021",
	"proto 47",
	"proto 6 or 17",
	"ip proto 6 or 17 or 132",
	"ip6 proto 17 or 58",
	"proto (6 or 17)",
	"ip proto not 6",
	"proto not (6 or 17)",
	"ip proto 136",
	"proto 33",
	"ip6 proto 59",
	"proto 0",
	"proto 255",
	"proto 44",
	"proto 51",
	/* ports */
	"port 80",
	"port 443",
	"port 53",
	"port 0",
	"port 65535",
	"tcp port 443",
	"tcp port 80",
	"udp port 53",
	"sctp port 80",
	"src port 80",
	"dst port 80",
	"tcp src port 443",
	"tcp dst port 443",
	"udp src port 53",
	"udp dst port 123",
	"sctp src port 2905",
	"src or dst port 80",
	"dst or src port 443",
	"src and dst port 53",
	"dst and src port 123",
	"tcp src or dst port 22",
	"udp src and dst port 53",
	"port 80 or 443",
	"port 80 or 443 or 8080",
	"tcp port 80 or 443",
	"tcp port (80 or 443)",
	"tcp port (80 or 443 or 22) and ip",
	"tcp port 80 or udp port 53",
	"port 80 and port 443",
	"port not 80",
	"tcp port not 443",
	"not port 80",
	"not tcp port 80",
	"!port 80",
	"not port 80 or 443",
	"not (port 80 or 443)",
	"portrange 80-90",
	"portrange 1-1023",
	"tcp portrange 0-65535",
	"udp portrange 1024-65535",
	"src portrange 20-25",
	"dst portrange 8000-8100",
	"portrange 90-80",
	"portrange 22",
	"tcp portrange 80-81 or 443-444",
	"src and dst portrange 1-1024",
	"port 0x50",
	"port 0120",
	"src port 80 or dst port 443",
	"src port 80 or dst port 80",
	"tcp and port 80",
	"udp and port 53",
	"ip and port 80",
	"ip6 and port 80",
	"ip6 and tcp port 443",
	"sctp or tcp port 80",
	"port 80 or port 443 or port 8080 or port 8443",
	"port 22 or portrange 80-443",
	"tcp port 1 or 2 or 3 or 4 or 5 or 6 or 7 or 8 or 9 or 10 or 11 or 12 or 80",
	/* hosts and networks */
	"host 10.0.0.1",
	"src host 10.0.0.1",
	"dst host 10.0.0.2",
	"src 10.0.0.1",
	"dst 10.0.0.2",
	"src or dst host 10.0.0.1",
	"src and dst host 10.0.0.1",
	"src and dst 10.0.0.1",
	"ip host 10.0.0.1",
	"ip src host 10.0.0.1",
	"ip src 10.0.0.1",
	"ip dst 10.0.0.2",
	"host 10.0.0.1 or 10.0.0.2",
	"host (10.0.0.1 or 10.0.0.2)",
	"src host 10.0.0.1 or 10.0.0.2",
	"src 10.0.0.1 or 192.168.1.1",
	"host 10.0.0.1 and 10.0.0.2",
	"not host 10.0.0.1",
	"host not 10.0.0.1",
	"host 255.255.255.255",
	"host 0.0.0.0",
	"host 127.0.0.1",
	"net 10.0.0.0/8",
	"net 192.168.0.0/16",
	"src net 10.0.0.0/8",
	"dst net 192.168.1.0/24",
	"net 10",
	"net 127",
	"net 10.0",
	"net 192.168",
	"net 192.168.1",
	"src net 172.16.0.0/12",
	"net 0.0.0.0/0",
	"src net 0.0.0.0/0",
	"net 128.0.0.0/1",
	"net 10.0.0.0/31",
	"net 10.0.0.1/32",
	"net 10.0.0.0",
	"net 10.0.0.0 mask 255.0.0.0",
	"net 192.168.1.0 mask 255.255.255.0",
	"net 10.0.0.1 mask 255.255.255.255",
	"net 0.0.0.0 mask 0.0.0.0",
	"src and dst net 10.0.0.0/8",
	"src net 10.0.0.0/8 and dst net 10.0.0.0/8",
	"net 10.0.0.0/8 or 172.16.0.0/12 or 192.168.0.0/16",
	"not net 10.0.0.0/8",
	"src net not 10.0.0.0/8",
	"ip net 10.0.0.0/8",
	"ip src net 10.0.0.0/8",
	"host 2001:db8::1",
	"src host 2001:db8::1",
	"dst host fe80::1",
	"ip6 host 2001:db8::1",
	"src 2001:db8::1",
	"dst 2001:db8::2",
	"ip6 src host 2001:db8::1",
	"host ::1",
	"host ::",
	"net 2001:db8::/32",
	"src net fe80::/10",
	"dst net ff00::/8",
	"net ::/0",
	"net 2000::/3",
	"ip6 net 2001:db8::/32",
	"src and dst net 2001:db8::/64",
	"net 2001:db8::1/128",
	"net 2001:db8:0:0:8000::/65",
	"net 2001:db8::/63",
	"host 10.0.0.1 or 2001:db8::1",
	"host ::ffff:10.0.0.1",
	"not net 2001:db8::/32",
	"net 10.0.0.0/8 or 2001:db8::/32",
	/* lengths */
	"less 100",
	"greater 100",
	"len < 64",
	"len <= 64",
	"len > 1500",
	"len >= 1514",
	"len = 60",
	"len == 60",
	"len != 60",
	"less 60 or greater 1000",
	"not less 100",
	"greater 0x40",
	"less 0",
	"greater 0",
	"len > 4294967295",
	"tcp and less 100",
	"len > 100 and len < 200",
	/* flags */
	"tcp[tcpflags] & tcp-syn != 0",
	"tcp[tcpflags] & tcp-syn = tcp-syn",
	"tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
	"tcp[tcpflags] == tcp-syn",
	"tcp[tcpflags] & (tcp-syn|tcp-ack) == (tcp-syn|tcp-ack)",
	"tcp[13] & 2 != 0",
	"tcp[13] == 0x12",
	"tcp[tcpflags] & (tcp-rst|tcp-fin) != 0",
	"tcp[13] & 0x17 == 2",
	"tcp[13] != 16",
	"not tcp[tcpflags] & tcp-ack != 0",
	"tcp[tcpflags] & (tcp-push) != 0",
	"tcp[13] > 16",
	"tcp[tcpflags] & tcp-urg == 0",
	"tcp[tcpflags] & tcp-ece != 0",
	"tcp[13] & 0x80 = 0x80",
	"tcp[tcpflags] & 0x1ff == 0x102",
	"port 80 and tcp[tcpflags] & tcp-syn != 0",
	"ip6 or tcp[tcpflags] & tcp-syn != 0",
	"not (tcp[13] & 1 != 0 or udp)",
	/* together; and and or bind alike */
	"tcp or udp and port 53",
	"udp and port 53 or tcp",
	"not tcp and port 53",
	"host 10.0.0.1 and tcp port 80",
	"src host 10.0.0.1 and dst port 443 and tcp",
	"host 10.0.0.1 and not port 22",
	"net 10.0.0.0/8 and (port 80 or 443)",
	"(host 10.0.0.1 or host 10.0.0.2) and (tcp port 80 or udp port 53)",
	"((tcp)) and ((port 80))",
	"not not tcp",
	"not (not (not udp))",
	"(tcp port 80 or (443 or 22))",
	"port 80 or (host 10.0.0.1 and port 443) or 22",
	"ip and not (icmp or arp)",
	"icmp or (udp and port 53) or (tcp and portrange 1-1023)",
	"greater 100 and (ip6 or net 10) and not (port 22 or host 10.0.0.9)",
	"udp port 67 or 68 or udp port 546 or 547",
	"not arp and not port 53 and not icmp",
	"tcp port 80 and (len > 60 or src net 10.0.0.0/8)",
	"  tcp\tport\n80  ",
	"tcp&&port 80||icmp",
	"(tcp)and(port 80)",
	"!tcp&&!udp",
	"len>100&&tcp",
	"not(port 80)",
	NULL,
};

static uint32_t
below(uint64_t *state, uint32_t n)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33) % n;
}

/* Also what is not lowered: the whole then must not be. */
void
filter_compose(uint64_t *state, char *buf, size_t size)
{
	static const char *const others[] = { "port 80", "tcp", "ip6", "host 10.0.0.1", "less 200",
		"ether host 02:00:00:00:00:01", "multicast", "ip[8] > 64", "udp[4:2] > 20",
		"tcp[tcpflags] & tcp-syn != 0", "ip6 protochain 6", "ether proto 0x86dd" };
	unsigned n_texts = 0, n = below(state, 4) + 2, n_open = 0;
	size_t len = 0;

	while (filter_texts[n_texts])
		n_texts++;
	for (unsigned i = 0; i < n; i++) {
		bool is_open = below(state, 3) == 0, is_other = below(state, 12) == 0;

		len += (size_t)snprintf(buf + len, size - len, "%s%s%s%s",
		    i == 0            ? ""
		    : below(state, 2) ? " and "
				      : " or ",
		    below(state, 4) == 0 ? "not " : "", is_open ? "(" : "",
		    is_other ? others[below(state, 12)] : filter_texts[below(state, n_texts)]);
		n_open += is_open;
		if (n_open && below(state, 2)) {
			len += (size_t)snprintf(buf + len, size - len, ")");
			n_open--;
		}
	}
	while (n_open--)
		len += (size_t)snprintf(buf + len, size - len, ")");
}

/* A capture file of that link type with nothing in it, opened as tcpdump -r opens one. */
static pcap_t *
open_empty_file(int dlt)
{
	char path[] = "/tmp/weir-empty-XXXXXX", why[PCAP_ERRBUF_SIZE];
	pcap_t *dead = pcap_open_dead(dlt, 262144), *file = NULL;
	pcap_dumper_t *dumper = NULL;
	int fd = mkstemp(path);

	if (dead && fd >= 0)
		dumper = pcap_dump_open(dead, path);
	if (dumper) {
		pcap_dump_close(dumper);
		file = pcap_open_offline(path, why);
	}
	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
	if (dead)
		pcap_close(dead);
	return file;
}

/* As tcpdump does; the optimiser refuses what can never match. */
static bool
compile(struct bpf_program *ret, const char *text, int dlt)
{
	pcap_t *file = open_empty_file(dlt);
	bool ok = file && (pcap_compile(file, ret, text, 1, 0) == 0 ||
			      pcap_compile(file, ret, text, 0, 0) == 0);

	if (file)
		pcap_close(file);
	return ok;
}

bool
filter_pair_init(struct filter_pair *p, const char *text)
{
	struct weir_symbol symbols[WEIR_N_FIELDS];
	struct weir_scope scope = { symbols, WEIR_N_FIELDS };
	struct weir_error err;

	memset(p, 0, sizeof(*p));
	p->text = text;
	for (unsigned f = 0; f < WEIR_N_FIELDS; f++)
		symbols[f] = (struct weir_symbol){ weir_fields[f].name, weir_fields[f].type,
			weir_fields[f].store, f };
	return weir_stage_filter_create(text, &scope, &p->stage, &err) == 0;
}

void
filter_pair_fini(struct filter_pair *p)
{
	weir_stage_destroy(p->stage);
	for (unsigned i = 0; i < p->n_dlts; i++)
		if (p->bpf[i].bf_insns)
			pcap_freecode(&p->bpf[i]);
}

bool
filter_pair_is_lowered(const struct filter_pair *p)
{
	return strncmp(weir_stage_describe(p->stage), "masks: ", 7) == 0;
}

/* libpcap's program; without instructions where it has none. */
static const struct bpf_program *
program_of(struct filter_pair *p, int dlt)
{
	unsigned i = 0;

	while (i < p->n_dlts && p->dlts[i] != dlt)
		i++;
	if (i == p->n_dlts) {
		if (i == 256)
			abort();
		p->dlts[i] = dlt;
		if (!compile(&p->bpf[i], p->text, dlt))
			p->bpf[i] = (struct bpf_program){ 0 };
		p->n_dlts++;
	}
	return &p->bpf[i];
}

static void
say_difference(const struct filter_pair *p, const struct weir_batch *b, unsigned r, bool got)
{
	fprintf(stderr, "\n'%s' (%s): weir %s, libpcap %s; link type %u, %u of %u bytes:\n ",
	    p->text, weir_stage_describe(p->stage), got ? "keeps" : "drops",
	    got ? "drops" : "keeps", b->dlt[r], b->cap_len[r], b->wire_len[r]);
	for (unsigned i = 0; i < b->cap_len[r] && i < 80; i++)
		fprintf(stderr, "%s%02x", i == 14 ? "  " : i % 2 ? "" : " ", b->data[r][i]);
	fprintf(stderr, "\n");
}

void
filter_pair_run(struct filter_pair *p, const struct weir_batch *b)
{
	const struct weir_column *inputs[WEIR_N_FIELDS];
	struct weir_rows rows = { .n = b->n, .inputs = inputs, .batch = b };

	for (unsigned f = 0; f < WEIR_N_FIELDS; f++)
		inputs[f] = &b->col[f];
	weir_mask_first(rows.sel, b->n);
	weir_stage_run(p->stage, &rows);
	for (unsigned r = 0; r < b->n; r++) {
		const struct bpf_program *bpf = program_of(p, b->dlt[r]);
		bool want = bpf->bf_insns &&
			    bpf_filter(bpf->bf_insns, b->data[r], b->wire_len[r], b->cap_len[r]);
		bool got = weir_mask_test(rows.sel, r);

		p->n_packets++;
		p->n_matched += want;
		if (want != got && p->n_differ++ == 0)
			say_difference(p, b, r, got);
	}
}

struct weir_batch *
filter_batch(void)
{
	struct weir_field_set all = { 0 };
	struct weir_batch *b;

	for (unsigned f = 0; f < WEIR_N_FIELDS; f++)
		weir_field_set_add(&all, f);
	b = weir_batch_create(&all);
	if (!b)
		abort();
	return b;
}
