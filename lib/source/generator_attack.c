/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_attack.h"

/* The list of attacks: a row, and its function in generator_*_hot.c. */

#define VICTIM(column)                                                                             \
	{                                                                                          \
		column, WEIR_GEN_KEY_VICTIM                                                        \
	}
#define ATTACKER(column)                                                                           \
	{                                                                                          \
		column, WEIR_GEN_KEY_ATTACKER                                                      \
	}
#define NUMBER(column, n)                                                                          \
	{                                                                                          \
		column, WEIR_GEN_KEY_NUMBER, n                                                     \
	}
#define NAME(column, prefix)                                                                       \
	{                                                                                          \
		column, WEIR_GEN_KEY_NAME, 0, prefix                                               \
	}
#define FLOW(proto)                                                                                \
	{                                                                                          \
		ATTACKER("ip.src"), VICTIM("ip.dst"), NUMBER("ip.proto", proto),                   \
		    NUMBER("srcport", WEIR_GEN_FLOW_PORT), NUMBER("dstport", WEIR_GEN_FLOW_SERVER) \
	}
#define SAME(column, n)                                                                            \
	{                                                                                          \
		column, WEIR_GEN_VALUE_SAME, n                                                     \
	}
#define SUM(column, n)                                                                             \
	{                                                                                          \
		column, WEIR_GEN_VALUE_SUM, n                                                      \
	}
/* Quantiles are good to 1 % of the value. */
#define ABOUT(column, n)                                                                           \
	{                                                                                          \
		column, WEIR_GEN_VALUE_SAME, n, 0.01                                               \
	}
#define PLANT(attack) .name = #attack, .plant = weir_gen_plant_##attack

#define SYN_QUERY                                                                                  \
	"--query syn --where 'tcp.flags.syn && !tcp.flags.ack' --key host=ip.dst --agg "           \
	"'syn=count()' "

static const uint16_t timeouts_ms[] = { 50, 100, 240, 350, 450, 600, 750, 790, 930, 950 };

const struct weir_gen_attack weir_gen_attacks[] = {
	{
	    PLANT(new_tcp),
	    .doc = "60 SYN a second to one host; a decoy gets 60 SYN+ACK",
	    .query = "--query new_tcp --where 'tcp.flags.syn && !tcp.flags.ack' --key ip.dst "
		     "--agg 'n=count()' --where 'n >= 40'",
	    .n = 120,
	    .keys = { VICTIM("ip.dst") },
	    .values = { SUM("n", 60) },
	},
	{
	    PLANT(ssh_brute),
	    .doc = "60 sources send packets of 140 bytes to one host's port 22; decoys: 30 "
		   "sources, packets of different lengths, port 2222",
	    .query = "--query ssh_brute --where 'tcp.dstport == 22' --key ip.dst,ip.len --agg "
		     "'n=distinct(ip.src)' --where 'n >= 40'",
	    .n = 240,
	    .keys = { VICTIM("ip.dst"), NUMBER("ip.len", 140) },
	    .values = { SAME("n", 60) },
	},
	{
	    PLANT(superspreader),
	    .doc = "one host turns to 60 others; decoys: to 39, to one 60 times",
	    .query = "--query superspreader --key ip.src --agg 'n=distinct(ip.dst)' --where 'n >= "
		     "40'",
	    .n = 180,
	    .keys = { ATTACKER("ip.src") },
	    .values = { SAME("n", 60) },
	},
	{
	    PLANT(port_scan),
	    .doc = "one host tries 60 TCP ports; decoys: 39 ports, 60 UDP ports",
	    .query = "--query port_scan --where 'tcp' --key ip.src --agg "
		     "'n=distinct(tcp.dstport)' --where 'n >= 40'",
	    .n = 180,
	    .keys = { ATTACKER("ip.src") },
	    .values = { SAME("n", 60) },
	},
	{
	    PLANT(ddos),
	    .doc = "60 sources turn to one host; a decoy is sought by 44",
	    .query = "--query ddos --key ip.dst --agg 'n=distinct(ip.src)' --where 'n >= 45'",
	    .n = 120,
	    .keys = { VICTIM("ip.dst") },
	    .values = { SAME("n", 60) },
	},
	{
	    PLANT(syn_flood),
	    .doc = "a host gets 60 SYN a second, answers 30 and gets 5 ACK; a decoy is a busy "
		   "server",
	    .query = SYN_QUERY
	    "--query synack --where 'tcp.flags.syn && tcp.flags.ack' --key host=ip.src --agg "
	    "'synack=count()' --query ack --where 'tcp.flags == 0x10' --key host=ip.dst --agg "
	    "'ack=count()' --query syn_flood --from syn --join left:synack --join left:ack "
	    "--where 'syn + synack - ack >= 3'",
	    .n = 175,
	    .keys = { VICTIM("host") },
	    .values = { SUM("syn", 60), SUM("synack", 30), SUM("ack", 5) },
	},
	{
	    PLANT(incomplete),
	    .doc = "a host gets 40 SYN a second and sends 10 FIN; a decoy 20 and 20",
	    .query = SYN_QUERY "--query fin --where 'tcp.flags.fin' --key host=ip.src --agg "
			       "'fin=count()' --query incomplete --from syn --join left:fin "
			       "--where 'syn - fin >= 1'",
	    .n = 90,
	    .keys = { VICTIM("host") },
	    .values = { SUM("syn", 40), SUM("fin", 10) },
	},
	{
	    PLANT(slowloris),
	    .doc = "50 new connections a second with 81 bytes each; decoys: 4 connections, "
		   "280 bytes each",
	    .query = "--query slowloris --where 'tcp' --key ip.dst --agg "
		     "'conns=distinct(ip.src,tcp.srcport),bytes=sum(ip.len)' --where 'conns >= 5 "
		     "&& bytes >= 500 && bytes/conns <= 90'",
	    .n = 300,
	    .keys = { VICTIM("ip.dst") },
	    .values = { SUM("conns", 50), SUM("bytes", 4050) },
	},
	{
	    PLANT(dns_tunnel),
	    .doc = "30 addresses are resolved for a client that never connects to them; a decoy "
		   "connects to each",
	    .query =
		"--query resolved --where 'udp.srcport == 53 && dns.count.answers >= 1' --key "
		"client=ip.dst,server=dns.a --agg 'a=count()' --query opened --where "
		"'tcp.flags.syn && !tcp.flags.ack' --key client=ip.src,server=ip.dst --agg "
		"'c=count()' --query dns_tunnel --from resolved --join left:opened --where 'a - c "
		">= 1' --key client --agg 'n=count()'",
	    .n = 70,
	    .keys = { ATTACKER("client") },
	    .values = { SAME("n", 30) },
	},
	{
	    PLANT(zorro),
	    .doc = "60 sources try one host's port 23 in even seconds, five packets with "
		   "'zorro' follow in odd ones; to a decoy the same after 30 sources",
	    .query = "--query telnet --where 'tcp.dstport == 23' --key ip.dst,ip.len --agg "
		     "'n=distinct(ip.src)' --where 'n >= 40' --key ip.dst --agg 'k=count()' "
		     "--query zorro --where 'tcp.dstport == 23' --join semi:telnet@prev --where "
		     "'payload contains \"zorro\"' --key ip.dst --agg 'n=count()'",
	    .n = 90,
	    .window = WEIR_GEN_WINDOW_1S,
	    .is_odd = true,
	    .keys = { VICTIM("ip.dst") },
	    .values = { SAME("n", 5) },
	},
	{
	    PLANT(dns_reflect),
	    .doc = "60 resolvers send signatures to one host; decoys: 30 resolvers, addresses",
	    .query = "--query dns_reflect --where 'udp.srcport == 53 && dns.resp.type == 46' "
		     "--key ip.dst --agg 'n=distinct(ip.src)' --where 'n >= 40'",
	    .n = 180,
	    .keys = { VICTIM("ip.dst") },
	    .values = { SAME("n", 60) },
	},
	{
	    PLANT(heavy),
	    .rank = WEIR_GEN_RANK_FIRST,
	    .doc = "300 packets of 1500 bytes a second between two hosts: the first row",
	    .query = "--query heavy --key ip.src,ip.dst --agg 'bytes=sum(ip.len)' --top 100:bytes",
	    .n = 300,
	    .keys = { ATTACKER("ip.src"), VICTIM("ip.dst") },
	    .values = { SUM("bytes", 450000) },
	},
	{
	    PLANT(malicious_domain),
	    .rank = WEIR_GEN_RANK_LARGEST,
	    .doc = "60 names for one address, the most of all; decoys: 60 answers with one name, "
		   "20 names",
	    .query = "--query malicious_domain --key dns.a --agg 'n=distinct(dns.qry.name)'",
	    .n = 180,
	    .keys = { VICTIM("dns.a") },
	    .values = { SAME("n", 60) },
	},
	{
	    PLANT(udp_asymmetry),
	    .doc = "a host sends 200 datagrams a second and gets 50; a decoy 60 and 60",
	    .query = "--query udp_out --where 'udp' --key host=ip.src --agg 'sent=count()' "
		     "--query udp_back --where 'udp' --key host=ip.dst --agg 'got=count()' "
		     "--query udp_asymmetry --from udp_out --join left:udp_back --where 'sent - "
		     "got >= 100'",
	    .n = 370,
	    .keys = { ATTACKER("host") },
	    .values = { SUM("sent", 200), SUM("got", 50) },
	},
	{
	    PLANT(out_of_sequence),
	    .doc = "five segments a second overtake another: 15 are not the next",
	    .query = "--query out_of_sequence --key 5tuple --window 1s --fold "
		     "'n=0,next=tcp.seq_raw; n+=next!=tcp.seq_raw; "
		     "next=tcp.seq_raw+tcp.len+tcp.flags.syn+tcp.flags.fin' --where 'n > 0'",
	    .n = 80,
	    .window = WEIR_GEN_WINDOW_1S,
	    .keys = FLOW(WEIR_GEN_TCP),
	    .values = { SAME("n", 15) },
	},
	{
	    PLANT(non_monotonic),
	    .doc = "four segments a second are sent again; in a decoy some are missing and the "
		   "numbers wrap",
	    .query = "--query non_monotonic --key 5tuple --window 1s --fold "
		     "'n=0,max=tcp.seq_raw; n+=seqlt(tcp.seq_raw,max); "
		     "max=seqmax(max,tcp.seq_raw)' --where 'n > 0'",
	    .n = 88,
	    .window = WEIR_GEN_WINDOW_1S,
	    .keys = FLOW(WEIR_GEN_TCP),
	    .values = { SAME("n", 4) },
	},
	{
	    PLANT(length_ewma),
	    .rank = WEIR_GEN_RANK_ONE,
	    .doc = "a flow of frames of 442 and 1242 bytes in turn",
	    .query = "--query length_ewma --key 5tuple --window global --agg "
		     "'avg=ewma(0.1875,frame.len)'",
	    .n = 20,
	    .window = WEIR_GEN_WINDOW_GLOBAL,
	    .keys = FLOW(WEIR_GEN_UDP),
	    .values = { { "avg", WEIR_GEN_VALUE_EWMA, 0.1875, 1e-9 } },
	},
	{
	    PLANT(flowlets),
	    .rank = WEIR_GEN_RANK_ONE,
	    .doc = "two flowlets a second of 150 packets a microsecond apart; no other has as "
		   "many as 128",
	    .query = "--query flowlets --key 5tuple --window session:5us --agg 'size=count()' "
		     "--map 'b=bucket(size,128)' --key b --window 1s --agg 'n=count()'",
	    .n = 300,
	    .is_burst = true,
	    .window = WEIR_GEN_WINDOW_1S,
	    .keys = { NUMBER("b", 128) },
	    .values = { SAME("n", 2) },
	},
	{
	    PLANT(timeouts),
	    .doc = "a flow has gaps of 250 and 300 ms each second; a decoy of 190 and 360",
	    .query = "--query timeouts --key 5tuple --window 10s --fold "
		     "'n=0,t=frame.time_epoch; g=frame.time_epoch-t; n+=g>0.2&&g<0.32; "
		     "t=frame.time_epoch' --where 'n > 0'",
	    .n = 10,
	    .is_whole = true,
	    .at_ms = timeouts_ms,
	    .window = WEIR_GEN_WINDOW_10S,
	    .keys = FLOW(WEIR_GEN_TCP),
	    .values = { SUM("n", 2) },
	},
	{
	    PLANT(incast),
	    .doc = "64 senders to one host in 64 us while 150 packets wait; decoys: 45 senders, "
		   "80 packets",
	    .query = "--query incast --window 128us --key ip.dst --agg "
		     "'flows=distinct(ip.src,tcp.srcport),q=max(queue.depth)' --where 'flows > 50 "
		     "&& q > 100'",
	    .n = 169,
	    .is_burst = true,
	    .depth = 3,
	    .window = WEIR_GEN_WINDOW_BURST,
	    .window_ns = 128000,
	    .keys = { VICTIM("ip.dst") },
	    .values = { SAME("flows", 64), SAME("q", 150) },
	},
	{
	    PLANT(loss),
	    .doc = "every packet is seen at interface 0 and then at 1; one flow loses 5 % "
		   "between, a decoy 1 %",
	    .query = "--query loss --key 5tuple --window 10s --agg "
		     "'rx=count(frame.interface==0),tx=count(frame.interface==1)' --where "
		     "'(rx-tx)*100 > rx'",
	    .n = 300,
	    .has_copies = true,
	    .window = WEIR_GEN_WINDOW_10S,
	    .keys = FLOW(WEIR_GEN_UDP),
	    .values = { SUM("rx", 200), SUM("tx", 190) },
	},
	{
	    PLANT(reroute),
	    .doc = "a flow's TTL goes from 57 to 55 and back each second; decoys: two flows of two "
		   "hosts, each with its own",
	    .query = "--query reroute --key 5tuple --window 10s --agg 'ch=changes(ip.ttl)' "
		     "--where 'ch > 0'",
	    .n = 60,
	    .window = WEIR_GEN_WINDOW_10S,
	    .keys = FLOW(WEIR_GEN_UDP),
	    .values = { SUM("ch", 2) },
	},
	{
	    .name = "talkers",
	    .rank = WEIR_GEN_RANK_FIRST,
	    .plant = weir_gen_plant_heavy,
	    .doc = "300 packets of 1514 bytes a second from one host: the first row",
	    .query = "--query talkers --key ip.src --window 1s --agg "
		     "'bytes=sum(frame.len),packets=count()' --top 10:bytes",
	    .n = 300,
	    .window = WEIR_GEN_WINDOW_1S,
	    .keys = { ATTACKER("ip.src") },
	    .values = { SAME("bytes", 300 * 1514), SAME("packets", 300) },
	},
	{
	    PLANT(netflow),
	    .rank = WEIR_GEN_RANK_ONE,
	    .doc = "20 packets of 228 bytes a second in the first 10 seconds of each 60",
	    .query = "--query netflow --key 5tuple --window 'session:15s,max:60s' --agg "
		     "'packets=count(),bytes=sum(ip.len)'",
	    .n = 20,
	    .active = 10,
	    .window = WEIR_GEN_WINDOW_SESSION,
	    .keys = FLOW(WEIR_GEN_UDP),
	    .values = { SUM("packets", 20), SUM("bytes", 20 * 228) },
	},
	{
	    PLANT(microburst),
	    .doc = "80 packets of 1514 bytes in less than a millisecond each second",
	    .query = "--query microburst --window 1ms --agg 'bytes=sum(frame.len)' --where 'bytes "
		     "> 100k'",
	    .n = 80,
	    .is_burst = true,
	    .max_rate_pps = 40000,
	    .window = WEIR_GEN_WINDOW_BURST,
	    .window_ns = 1000000,
	    .values = { SAME("bytes", 80 * 1514) },
	},
	{
	    PLANT(subnets),
	    .rank = WEIR_GEN_RANK_LARGEST,
	    .doc = "one network sends 30 % of all packets, of 1514 bytes each: the most",
	    .query = "--query subnets --key 'net=net(ip.src,24)' --window 10s/1s --agg "
		     "'bps=rate(frame.len)'",
	    .percent = 30,
	    .is_whole = true,
	    .window = WEIR_GEN_WINDOW_SLIDING,
	    .keys = { { "net", WEIR_GEN_KEY_ADDRESS, 0xcb007100, NULL } },
	    .values = { { "bps", WEIR_GEN_VALUE_RATE, 1514, 1e-9 } },
	},
	{
	    PLANT(sizes),
	    .doc = "55 % of all packets have 333 bytes and 2 % have 9000",
	    .query = "--query sizes --window 1s --agg "
		     "'p50=p50(frame.len),p99=p99(frame.len),e=entropy(ip.src)'",
	    .percent = 57,
	    .is_whole = true,
	    .window = WEIR_GEN_WINDOW_1S,
	    .values = { ABOUT("p50", 333), ABOUT("p99", 9000) },
	},
	{
	    PLANT(top_dns),
	    .rank = WEIR_GEN_RANK_FIRST,
	    .doc = "a name is asked for 60 times a second, the most; a decoy's is answered as "
		   "often",
	    .query = "--query top_dns --where 'dns.flags.response == 0' --key dns.qry.name "
		     "--window 10s --agg 'n=count()' --top 20:n",
	    .n = 120,
	    .window = WEIR_GEN_WINDOW_10S,
	    .keys = { NAME("dns.qry.name", "beacon") },
	    .values = { SUM("n", 60) },
	},
	{
	    PLANT(tls_names),
	    .rank = WEIR_GEN_RANK_FIRST,
	    .doc = "60 hosts begin TLS with one name, the most; with a decoy's five do as often",
	    .query = "--query tls_names --key tls.sni --window 10s --agg 'n=distinct(ip.src)' "
		     "--top 20:n",
	    .n = 120,
	    .window = WEIR_GEN_WINDOW_10S,
	    .keys = { NAME("tls.sni", "beacon") },
	    .values = { SAME("n", 60) },
	},
	{ 0 },
};
