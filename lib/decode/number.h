/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DECODE_NUMBER_H
#define WEIR_DECODE_NUMBER_H

/* Numbers of the formats that the walk knows (IEEE and IANA registries). */

enum {
	ETHERTYPE_IP4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_RARP = 0x8035,
	ETHERTYPE_VLAN = 0x8100,     /* 802.1Q */
	ETHERTYPE_QINQ = 0x88a8,     /* 802.1ad */
	ETHERTYPE_QINQ_OLD = 0x9100, /* and the next two: used before 802.1ad */
	ETHERTYPE_QINQ_OLD2 = 0x9200,
	ETHERTYPE_QINQ_OLD3 = 0x9300,
	ETHERTYPE_BRIDGING = 0x6558, /* Ethernet in GRE, Geneve */
	ETHERTYPE_ERSPAN3 = 0x22eb,
	ETHERTYPE_PPP = 0x880b,
	ETHERTYPE_ERSPAN = 0x88be,
	ETHERTYPE_IP6 = 0x86dd,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MCAST = 0x8848,
	ETHERTYPE_PPPOE_SESSION = 0x8864,
	ETHERTYPE_PBB = 0x88e7,        /* 802.1ah I-tag */
	ETHERTYPE_FABRICPATH = 0x8903, /* Cisco */
	ETHERTYPE_MIN = 0x0600,        /* less is an 802.3 length or nothing */
	ETHER_LENGTH_MAX = 1500,
};

enum {
	PPP_IP4 = 0x0021,
	PPP_IP6 = 0x0057,
	PPP_MPLS = 0x0281,
	PPP_MPLS_MCAST = 0x0283,
};

enum {
	PROTO_HOPOPTS = 0,
	PROTO_ICMP = 1,
	PROTO_IPIP = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_DCCP = 33,
	PROTO_IP6 = 41,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_GRE = 47,
	PROTO_ICMP6 = 58,
	PROTO_DSTOPTS = 60,
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136,
	PROTO_MPLS = 137,
};

/* UDP ports of tunnels, at the destination. */
enum {
	PORT_GTPU = 2152,
	PORT_VXLAN = 4789,
	PORT_GENEVE = 6081,
	PORT_MPLS = 6635,
	PORT_VXLAN_OLD = 8472, /* Linux, before the port was assigned */
};

/* Header lengths in bytes. */
enum {
	ETHER_LEN = 14,
	IP4_LEN = 20,
	IP6_LEN = 40,
	TCP_LEN = 20,
	UDP_LEN = 8,
	SCTP_LEN = 12,
	DCCP_LEN = 12,
	PORTS_LEN = 4,
	ICMP_LEN = 4,
	VXLAN_LEN = 8,
	GENEVE_LEN = 8,
	GTPU_LEN = 8,
};

#endif
