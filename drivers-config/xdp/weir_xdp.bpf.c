/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */
/*
 * Which packets of an interface weir takes: those go to the AF_XDP socket of their queue, all
 * others to the kernel as if nobody had looked. In doubt a packet is taken, for the queries look
 * at it once more.
 *
 * net_af_xdp opens its sockets through libxdp, which adopts a program that is attached already if
 * it goes by the name, the map's name and the version of libxdp's own.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "weir_xdp.h"

#define TAGS       2
#define EXTENSIONS 6

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, WEIR_XDP_QUEUES);
} xsks_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct weir_xdp_config);
	__uint(max_entries, 1);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, WEIR_XDP_PROTOCOLS);
} protocols SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct weir_xdp_port);
	__uint(max_entries, WEIR_XDP_PORTS);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct weir_xdp_prefix);
	__type(value, __u64);
	__uint(max_entries, WEIR_XDP_PREFIXES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, WEIR_XDP_N_COUNTS);
} counts SEC(".maps");

struct cursor {
	void *at;
	void *end;
};

/* What is asked of a packet; whatever is not known satisfies every rule. */
struct found {
	__u32 protocol; /* index into protocols */
	__u16 src_port, dst_port;
	__u8 has_ports;      /* they are known */
	__u8 is_unusual;     /* not plain: tags, options, extensions, fragments */
	const __u8 *address; /* source, and right behind it the destination */
};

enum verdict { NOT_IP, IN_DOUBT, IS_IP };

static __always_inline int
is_tag(__u16 type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200 ||
	       type == 0x9300;
}

/* Types behind which decode finds no IP header, and a query of IP has no use for. */
static __always_inline int
is_not_ip(__u16 type)
{
	return type == 0x0806 || type == 0x8035 || type == 0x88cc || type == 0x888e ||
	       type == 0x8809 || type == 0x9000;
}

/* UDP-Lite and DCCP have their ports where TCP, UDP and SCTP have them. */
static __always_inline int
has_port_fields(__u8 protocol)
{
	return protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 ||
	       protocol == 136;
}

static __always_inline enum verdict
find_ports(struct cursor *c, __u8 protocol, struct found *f)
{
	const __u8 *p = c->at;

	if (!has_port_fields(protocol)) {
		f->has_ports = 1; /* both 0, as decode has it */
		return IS_IP;
	}
	if (c->at + 4 > c->end)
		return IN_DOUBT;
	f->has_ports = 1;
	f->src_port = p[0] << 8 | p[1];
	f->dst_port = p[2] << 8 | p[3];
	return IS_IP;
}

static __always_inline enum verdict
find_ip4(struct cursor *c, struct found *f)
{
	const __u8 *p = c->at;
	__u32 len, fragment;

	if (c->at + 20 > c->end)
		return IN_DOUBT;
	len = (p[0] & 15) * 4;
	if (p[0] >> 4 != 4 || len < 20)
		return IN_DOUBT;
	f->address = p + 12;
	f->protocol = p[9];
	fragment = p[6] << 8 | p[7];
	f->is_unusual |= len != 20 || fragment & 0x3fff;
	if (fragment & 0x1fff)
		return IS_IP; /* its ports are in another packet */
	c->at += len;
	return find_ports(c, p[9], f);
}

static __always_inline enum verdict
find_ip6(struct cursor *c, struct found *f)
{
	const __u8 *p = c->at;
	__u32 left;
	__u8 protocol;

	if (c->at + 40 > c->end || p[0] >> 4 != 6)
		return IN_DOUBT;
	left = p[4] << 8 | p[5];
	f->address = p + 8;
	protocol = p[6];
	c->at += 40;
#pragma unroll
	for (int i = 0; i <= EXTENSIONS; i++) {
		__u32 len = 8;

		p = c->at;
		if (protocol != 0 && protocol != 43 && protocol != 44 && protocol != 60) {
			f->protocol = WEIR_XDP_IP6 + protocol;
			return find_ports(c, protocol, f);
		}
		f->is_unusual = 1;
		if (i == EXTENSIONS || c->at + 8 > c->end)
			return IN_DOUBT;
		if (protocol != 44)
			len += p[1] * 8;
		if (len > left)
			return IN_DOUBT; /* it is not there, by the packet's own length */
		left -= len;
		if (protocol == 44 && ((p[2] << 8 | p[3]) & 0xfff8)) {
			f->protocol = WEIR_XDP_IP6 + p[0];
			return IS_IP;
		}
		protocol = p[0];
		c->at += len;
	}
	return IN_DOUBT;
}

static __always_inline enum verdict
find(struct cursor *c, struct found *f)
{
	const __u8 *p = c->at;
	__u16 type;

	if (c->at + 14 > c->end)
		return IN_DOUBT;
	type = p[12] << 8 | p[13];
	c->at += 14;
#pragma unroll
	for (int i = 0; i < TAGS; i++) {
		if (!is_tag(type))
			break;
		p = c->at;
		if (c->at + 4 > c->end)
			return IN_DOUBT;
		type = p[2] << 8 | p[3];
		c->at += 4;
		f->is_unusual = 1;
	}
	if (type == 0x0800)
		return find_ip4(c, f);
	if (type == 0x86dd)
		return find_ip6(c, f);
	f->is_unusual = 1;
	return is_not_ip(type) ? NOT_IP : IN_DOUBT;
}

/* Rules that the address satisfies, of either end. */
static __always_inline __u64
rules_of_address(const struct found *f, const void *end, __u8 is_dst)
{
	struct weir_xdp_prefix key = { .is_dst = is_dst };
	const __u8 *p = f->address;
	const __u64 *rules;

	if (f->protocol < WEIR_XDP_IP6) {
		p += is_dst ? 4 : 0;
		if ((const void *)(p + 4) > end)
			return ~0ULL;
		key.bits = WEIR_XDP_PREFIX_BITS + 32;
		key.version = 4;
		__builtin_memcpy(key.address, p, 4);
	} else {
		p += is_dst ? 16 : 0;
		if ((const void *)(p + 16) > end)
			return ~0ULL;
		key.bits = WEIR_XDP_PREFIX_BITS + 128;
		key.version = 6;
		__builtin_memcpy(key.address, p, 16);
	}
	rules = bpf_map_lookup_elem(&prefixes, &key);
	return rules ? *rules : ~0ULL;
}

static __always_inline int
is_wanted(const struct found *f, const struct weir_xdp_config *c, const void *end)
{
	__u32 at = f->protocol;
	__u64 *rules = bpf_map_lookup_elem(&protocols, &at);
	__u64 left = rules ? *rules : ~0ULL;

	if (left && c->has_ports && f->has_ports) {
		struct weir_xdp_port *port;

		at = f->src_port;
		port = bpf_map_lookup_elem(&ports, &at);
		left &= port ? port->src : ~0ULL;
		at = f->dst_port;
		port = bpf_map_lookup_elem(&ports, &at);
		left &= port ? port->dst : ~0ULL;
	}
	if (left && c->has_addresses) {
		left &= rules_of_address(f, end, 0);
		left &= rules_of_address(f, end, 1);
	}
	return left != 0;
}

/* ARP for Ethernet and IPv4, without tags, of somebody who asks for the address or answers to it.
 */
static __always_inline int
is_wanted_arp(struct xdp_md *ctx, const struct weir_xdp_config *c)
{
	const __u8 *p = (const __u8 *)(long)ctx->data;
	const void *end = (const void *)(long)ctx->data_end;
	__u32 target;

	if (!c->has_arp || (const void *)(p + 42) > end || p[12] != 0x08 || p[13] != 0x06)
		return 0;
	__builtin_memcpy(&target, p + 38, sizeof(target));
	return target == c->arp;
}

/* What to count a packet as. */
static __always_inline __u32
judge(struct xdp_md *ctx, const struct weir_xdp_config *c)
{
	struct cursor at = { (void *)(long)ctx->data, (void *)(long)ctx->data_end };
	struct found f = { 0 };
	enum verdict v;

	if (c->mode != WEIR_XDP_RULES_ONLY)
		return WEIR_XDP_TAKEN;
	v = find(&at, &f);
	if (v == IN_DOUBT || (f.is_unusual && c->wants_unusual))
		return WEIR_XDP_TAKEN;
	if (v == NOT_IP)
		return is_wanted_arp(ctx, c) ? WEIR_XDP_TAKEN : WEIR_XDP_PASSED_NOT_IP;
	return is_wanted(&f, c, at.end) ? WEIR_XDP_TAKEN : WEIR_XDP_PASSED_RULES;
}

SEC("xdp")
int
xsk_def_prog(struct xdp_md *ctx)
{
	__u32 zero = 0, count, queue = ctx->rx_queue_index;
	const struct weir_xdp_config *c = bpf_map_lookup_elem(&config, &zero);
	__u64 *n;
	int action = XDP_PASS;

	if (!c || c->mode == WEIR_XDP_OFF)
		return XDP_PASS;
	count = judge(ctx, c);
	if (count == WEIR_XDP_TAKEN) {
		action = bpf_redirect_map(&xsks_map, queue, XDP_PASS);
		if (action != XDP_REDIRECT)
			count = WEIR_XDP_PASSED_NO_SOCKET;
	}
	n = bpf_map_lookup_elem(&counts, &count);
	if (n)
		++*n;
	return action;
}

char program_license[] SEC("license") = "Dual BSD/GPL";

/* libxdp: see above. */
__uint(xsk_prog_version, 1) SEC("xdp_metadata");
