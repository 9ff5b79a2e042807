/* SPDX-License-Identifier: BSD-3-Clause */
/* Profiles of drivers: their files, which is whose, what overrides them, and what is wrong with
 * one. */
#include <CUnit/Basic.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <weir/port/eal.h>
#include <weir/port/port.h>
#include <weir/port/profile.h>

#include "check.h"

/* A folder of one file for $WEIR_DRIVERS_DIR. */
struct folder {
	char dir[64], path[96];
};

static void
put_file(struct folder *f, const char *text)
{
	FILE *out = fopen(f->path, "we");

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	fputs(text, out);
	CU_ASSERT_EQUAL(fclose(out), 0);
}

static void
make_folder(struct folder *f, const char *text)
{
	snprintf(f->dir, sizeof(f->dir), "/tmp/weir-profiles-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/test.ini", f->dir);
	put_file(f, text);
}

static void
remove_folder(struct folder *f)
{
	unlink(f->path);
	rmdir(f->dir);
}

#define HEAD "[driver]\nmatch = net_x\n"

static void
own_values_are_what_ports_always_had(void)
{
	struct weir_profile p;

	weir_profile_init(&p);
	CU_ASSERT_STRING_EQUAL(p.name, "");
	CU_ASSERT_EQUAL(p.descriptors, 2048);
	CU_ASSERT_EQUAL(p.port_descriptors, 32768);
	CU_ASSERT_EQUAL(p.send_descriptors, 512);
	CU_ASSERT_EQUAL(p.burst, 256);
	CU_ASSERT_EQUAL(p.queues, WEIR_PORT_QUEUES);
	CU_ASSERT_EQUAL(p.mtu, 9216);
	CU_ASSERT_EQUAL(p.rss_key_bytes, 40);
	CU_ASSERT_EQUAL(p.rss_fields, WEIR_RSS_IP | WEIR_RSS_TCP | WEIR_RSS_UDP | WEIR_RSS_SCTP);
	CU_ASSERT_EQUAL(p.receive_offloads, RTE_ETH_RX_OFFLOAD_SCATTER);
	CU_ASSERT_EQUAL(p.send_offloads, RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
	CU_ASSERT_EQUAL(p.lost_nic, WEIR_LOST_IMISSED | WEIR_LOST_IERRORS);
	CU_ASSERT_EQUAL(p.lost_no_buffer, 1);
	CU_ASSERT_TRUE(p.interrupts && p.promiscuous && !p.packed_buffers);
	for (unsigned i = 0; i < WEIR_PROFILE_KEYS; i++)
		CU_ASSERT_EQUAL(p.origin[i], WEIR_PROFILE_OWN);
}

static void
file_is_read(void)
{
	struct weir_error err = { 0 };
	struct weir_profile p;
	struct folder f;

	make_folder(&f, "; a comment = no key\n\n [driver] ; of what\n"
			"match = net_x, net_y?\nbus=vdev\n"
			"arguments = iface={interface},queue={queue}\n"
			"[receive]\r\n\tdescriptors\t=\t1024\r\ninterrupts = no\n"
			"[rss]\nrss_fields = IP, udp\n"
			"[offloads]\nreceive_avoid = vlan_strip, Tcp_Lro\nsend_offloads = none\n"
			"[counters]\nlost_nic = imissed\nlost_no_buffer = none\n"
			"[timestamps]\nreceive_timestamps = nanoseconds\n");
	CU_ASSERT_EQUAL_FATAL(weir_profile_read(f.path, &p, &err), 0);
	CU_ASSERT_STRING_EQUAL(p.name, "test");
	CU_ASSERT_STRING_EQUAL(p.match, "net_x, net_y?");
	CU_ASSERT_EQUAL(p.bus, WEIR_BUS_VDEV);
	CU_ASSERT_EQUAL(p.descriptors, 1024);
	CU_ASSERT_EQUAL(p.origin[WEIR_PROFILE_descriptors], WEIR_PROFILE_FILE);
	CU_ASSERT_EQUAL(p.origin[WEIR_PROFILE_burst], WEIR_PROFILE_OWN);
	CU_ASSERT_FALSE(p.interrupts);
	CU_ASSERT_EQUAL(p.rss_fields, WEIR_RSS_IP | WEIR_RSS_UDP);
	CU_ASSERT_EQUAL(
	    p.receive_avoid, RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_TCP_LRO);
	CU_ASSERT_EQUAL(p.send_offloads, 0);
	CU_ASSERT_EQUAL(p.lost_nic, WEIR_LOST_IMISSED);
	CU_ASSERT_EQUAL(p.lost_no_buffer, 0);
	CU_ASSERT_EQUAL(p.receive_timestamps, WEIR_CLOCK_NS);
	remove_folder(&f);
}

/* This file must be refused, in this line (0: in none), for a reason that has these words. */
static void
refuse_file(const char *text, unsigned line, const char *words)
{
	struct weir_profile p, before;
	struct weir_error err = { 0 };
	char place[128];
	struct folder f;

	make_folder(&f, text);
	memset(&p, 7, sizeof(p));
	before = p;
	CU_ASSERT_NOT_EQUAL(weir_profile_read(f.path, &p, &err), 0);
	CU_ASSERT_EQUAL(memcmp(&p, &before, sizeof(p)), 0);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_RUN);
	snprintf(place, sizeof(place), line ? "%s:%u: " : "%s: ", f.path, line);
	CU_ASSERT_EQUAL(strncmp(err.text, place, strlen(place)), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
	if (strncmp(err.text, place, strlen(place)) != 0 || !strstr(err.text, words))
		fprintf(stderr, "'%s' has not '%s' and '%s'\n", err.text, place, words);
	remove_folder(&f);
}

static void
bad_files_are_refused(void)
{
	char longer[400];

	refuse_file(HEAD "[recieve]\n", 3, "unknown section 'recieve' (try 'receive')");
	refuse_file(
	    HEAD "[receive]\ndescriptor = 5\n", 4, "unknown key 'descriptor' (try 'descriptors')");
	refuse_file(HEAD "descriptors = 5\n", 3, "'descriptors' belongs to section [receive]");
	refuse_file("match = net_x\n", 1, "'match' belongs to section [driver]");
	refuse_file(HEAD "\nmatch = net_y\n", 4, "'match' is set twice, in line 2 first");
	refuse_file(HEAD "[receive]\nburst\n", 4, "'burst' is no line of a profile");
	refuse_file(HEAD "[receive\n", 3, "is no section");
	refuse_file(HEAD "[receive]\n[rss]\n[receive]\n", 5, "[receive] is there twice");
	refuse_file(HEAD "[receive] burst = 5\n", 3, "is no section");
	refuse_file(HEAD "[receive]\nburst = \n", 4, "the value of 'burst' is too short");
	refuse_file(HEAD "[receive]\nburst = 257\n", 4, "burst: '257' is not from 1 to 256");
	refuse_file(HEAD "[receive]\nburst = -1\n", 4, "burst: '-1' is not a whole number");
	refuse_file(HEAD "[receive]\nburst = 1 2\n", 4, "burst: '1 2' is not a whole number");
	refuse_file(HEAD "[receive]\ninterrupts = maybe\n", 4, "neither 'yes' nor 'no'");
	refuse_file(HEAD "[rss]\nrss_fields = ip, tpc\n", 4, "unknown word 'tpc' (try 'tcp')");
	refuse_file(HEAD "[offloads]\nsend_avoid = vlan_inset\n", 4, "(try 'vlan_insert')");
	refuse_file(HEAD "[counters]\nlost_nic = rx_nombuf\n", 4, "imissed, ierrors");
	refuse_file(HEAD "bus = pcie\n", 3, "unknown word 'pcie' (try 'pci')");
	refuse_file(HEAD "arguments = x={quue}\n", 3, "unknown word 'quue' (try 'queue')");
	refuse_file(HEAD "arguments = x={queue\n", 3, "a '{' lacks its '}'");
	refuse_file("[driver]\ntitle = of nothing\n", 0, "'match' is missing in section [driver]");
	refuse_file("", 0, "'match' is missing");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	memcpy(longer, "[driver]\nmatch=", 15);
	refuse_file(longer, 2, "the line has more than");
	longer[9 + 6 + 256] = '\0';
	refuse_file(longer, 2, "the value of 'match' is too long");
}

static void
missing_files_are_errors_missing_folders_are_none(void)
{
	struct weir_profile *all = NULL, p;
	struct weir_error err = { 0 };
	char text[64];
	unsigned n = 7;

	CU_ASSERT_EQUAL(weir_profile_read("/nonexistent/x.ini", &p, &err), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nonexistent/x.ini"));
	setenv("WEIR_DRIVERS_DIR", "/nonexistent", 1);
	CU_ASSERT_STRING_EQUAL(weir_profile_dir(text, sizeof(text)), "/nonexistent");
	CU_ASSERT_EQUAL(weir_profiles_read(&all, &n, &err), 0);
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_EQUAL(weir_profile_for_driver("net_null", &p, &err), 0);
	CU_ASSERT_STRING_EQUAL(p.name, "");
	CU_ASSERT_EQUAL(p.descriptors, 2048);
	CU_ASSERT_EQUAL(weir_profile_for_way(WEIR_WAY_XDP_SOCKET, &p, &err), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nonexistent"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "takes = xdp"));
	CU_ASSERT_FALSE(weir_profile_is_shared("mlx5_core"));
	free(all);
	unsetenv("WEIR_DRIVERS_DIR");
}

/* The driver, or the device, must have this profile. */
static void
expect_driver(const char *driver, const char *profile)
{
	struct weir_error err = { 0 };
	struct weir_profile p;

	CU_ASSERT_EQUAL_FATAL(weir_profile_for_driver(driver, &p, &err), 0);
	CU_ASSERT_STRING_EQUAL(p.name, profile);
}

static void
expect_device(const char *device, const char *profile)
{
	struct weir_error err = { 0 };
	struct weir_profile p;

	CU_ASSERT_EQUAL_FATAL(weir_profile_for_device("vdev", device, &p, &err), 0);
	CU_ASSERT_STRING_EQUAL(p.name, profile);
}

static void
drivers_find_their_profile(void)
{
	expect_driver("mlx5_pci", "mlx5");
	expect_driver("net_mlx5", "mlx5");
	expect_driver("net_ice", "ice");
	expect_driver("net_ice_dcf", "");
	expect_driver("net_ixgbe_vf", "ixgbe");
	expect_driver("net_virtio", "virtio");
	expect_driver("net_virtio_user", "virtio_user");
	expect_driver("net_nul", "");
	expect_driver("", "");
	expect_device("net_null0", "null");
	expect_device("eth_pcap1", "pcap");
	expect_device("net_virtio_user0", "virtio_user");
	expect_device("virtio_user0", "virtio_user");
	expect_device("net_ice0", ""); /* not made by DPDK */
	expect_device("net_nul", "");
}

static void
nics_find_their_profile(void)
{
	struct weir_profile p;
	struct weir_error err = { 0 };

	CU_ASSERT_EQUAL_FATAL(weir_profile_for_driver("net_ixgbe", &p, &err), 0);
	CU_ASSERT_TRUE(weir_profile_has_pci(&p, 0x8086, 0x10fb));
	CU_ASSERT_TRUE(weir_profile_has_pci(&p, 0x8086, 0x15ce));
	CU_ASSERT_FALSE(weir_profile_has_pci(&p, 0x8086, 0x15cf));
	CU_ASSERT_FALSE(weir_profile_has_pci(&p, 0x15b3, 0x10fb));
	CU_ASSERT_TRUE(weir_profile_is_shared("mlx5_core"));
	CU_ASSERT_FALSE(weir_profile_is_shared("vfio-pci"));
	/* a NIC that is not there has none */
	CU_ASSERT_EQUAL_FATAL(weir_profile_for_device("pci", "ffff:ff:1f.7", &p, &err), 0);
	CU_ASSERT_STRING_EQUAL(p.name, "");
}

static void
command_line_overrides(void)
{
	struct weir_error err = { 0 };
	struct weir_profile p;
	char text[512];
	size_t len;

	CU_ASSERT_EQUAL_FATAL(weir_profile_for_driver("net_ixgbe", &p, &err), 0);
	CU_ASSERT_EQUAL_FATAL(
	    weir_profile_override(
		&p, "descriptors=1024&burst=64&rss_fields=ip+udp&send_offloads=none", &err),
	    0);
	CU_ASSERT_EQUAL(p.descriptors, 1024);
	CU_ASSERT_EQUAL(p.origin[WEIR_PROFILE_descriptors], WEIR_PROFILE_COMMAND_LINE);
	CU_ASSERT_EQUAL(p.rss_fields, WEIR_RSS_IP | WEIR_RSS_UDP);
	CU_ASSERT_EQUAL(p.send_offloads, 0);
	CU_ASSERT_EQUAL(p.lost_nic, WEIR_LOST_IMISSED); /* the file's */
	CU_ASSERT_STRING_EQUAL(weir_profile_describe(&p, false, text, sizeof(text)),
	    "profile ixgbe.ini, and descriptors=1024, burst=64, rss_fields=ip,udp, "
	    "send_offloads=none as asked");
	weir_profile_describe(&p, true, text, sizeof(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "lost_nic=imissed"));
	CU_ASSERT_STRING_EQUAL(weir_profile_options("eth0?a?burst=1", &len), "burst=1");
	CU_ASSERT_EQUAL(len, 6);
	CU_ASSERT_STRING_EQUAL(weir_profile_options("eth0", &len), "");
	CU_ASSERT_EQUAL(len, 4);
}

static void
refuse_options(const char *options, const char *words)
{
	struct weir_error err = { 0 };
	struct weir_profile p;

	weir_profile_init(&p);
	CU_ASSERT_EQUAL(weir_profile_override(&p, options, &err), -EINVAL);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
	if (!strstr(err.text, words))
		fprintf(stderr, "'%s': '%s' has not '%s'\n", options, err.text, words);
}

static void
bad_options_are_usage_errors(void)
{
	refuse_options("burts=64", "unknown key 'burts' (try 'burst')");
	refuse_options("size=1", "unknown key 'size'");
	refuse_options("burst=0", "burst: '0' is not from 1 to 256");
	refuse_options("burst", "option 'burst' lacks its value");
	refuse_options("=5", "lacks its name");
	refuse_options("burst=5&&mtu=1500", "lacks its name");
	refuse_options("burst=5&burst=6", "'burst' is given twice");
	refuse_options("lost_nic=none", "only its file in drivers-config sets it");
	refuse_options("match=net_x", "only its file in drivers-config sets it");
}

static void
arguments_are_filled_in(void)
{
	const struct weir_profile_place places[] = { { "interface", "eth0" }, { "queue", "3" } };
	struct weir_error err = { 0 };
	struct weir_profile p;
	char text[256];

	CU_ASSERT_EQUAL_FATAL(weir_profile_for_way(WEIR_WAY_XDP_SOCKET, &p, &err), 0);
	CU_ASSERT_STRING_EQUAL(weir_profile_driver(&p, text, sizeof(text)), "net_af_xdp");
	CU_ASSERT_STRING_EQUAL(weir_profile_arguments(&p, places, 2, text, sizeof(text)),
	    "iface=eth0,start_queue=3,queue_count=1");
	CU_ASSERT_TRUE(p.packed_buffers);
	CU_ASSERT_EQUAL(p.lost_no_buffer, 0);
	weir_profile_init(&p);
	snprintf(p.devargs, sizeof(p.devargs), "safe=1,mode=fast");
	CU_ASSERT_STRING_EQUAL(
	    weir_profile_devargs(&p, "", text, sizeof(text)), "safe=1,mode=fast");
	CU_ASSERT_STRING_EQUAL(
	    weir_profile_devargs(&p, "x=1,safe=0", text, sizeof(text)), "x=1,safe=0,mode=fast");
	CU_ASSERT_STRING_EQUAL(
	    weir_profile_devargs(&p, "safer=0", text, sizeof(text)), "safer=0,safe=1,mode=fast");
}

static struct weir_port *
must_open(const char *name)
{
	struct weir_port_config c = { .name = name, .n_workers = 1, .n_senders = 1 };
	struct weir_error err = { 0 };
	struct weir_port *p = NULL;

	CU_ASSERT_EQUAL(weir_port_open(&c, &p, &err), 0);
	if (err.text[0])
		fprintf(stderr, "%s: %s\n", name, err.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

static uint16_t
descriptors_of(const struct weir_port *p)
{
	struct rte_eth_rxq_info info = { .nb_desc = 0 };

	/* drivers without that function have the ring's size in their memory alone */
	return rte_eth_rx_queue_info_get(p->rx[0].id, 0, &info) == 0 ? info.nb_desc : 0;
}

static uint32_t
bytes_of_a_packet(const struct weir_port *p)
{
	struct rte_mbuf *m = NULL;
	uint32_t len;

	CU_ASSERT_EQUAL_FATAL(rte_eth_rx_burst(p->rx[0].id, p->rx[0].queue, &m, 1), 1);
	len = m->pkt_len;
	rte_pktmbuf_free(m);
	return len;
}

static void
port_is_set_up_by_its_profile(void)
{
	struct weir_port *p = must_open("vdev:net_null0"), *same;
	struct weir_error err = { 0 };
	struct weir_port_config c = { .name = "net_null0?burst=16", .n_workers = 1 };
	char text[256];
	struct folder f;

	CU_ASSERT_EQUAL(p->burst, 256);
	CU_ASSERT_STRING_EQUAL(weir_port_profile(p, text, sizeof(text)), "profile null.ini");
	/* others cannot change what is open */
	CU_ASSERT_EQUAL(weir_port_open(&c, &same, &err), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "it is open as 'vdev:net_null0' already"));
	weir_port_close(p);
	c.n_workers = 3;
	c.name = "vdev:net_null4?rss_fields=none"; /* nothing spreads: one queue */
	CU_ASSERT_EQUAL_FATAL(weir_port_open(&c, &p, &err), 0);
	CU_ASSERT_EQUAL(p->n_rx, 1);
	weir_port_close(p);
	c.name = "vdev:net_null4?queues=2";
	CU_ASSERT_EQUAL_FATAL(weir_port_open(&c, &p, &err), 0);
	CU_ASSERT_EQUAL(p->n_rx, 2);
	weir_port_close(p);
	p = must_open("vdev:net_null0,size=100?burst=32&mtu=1500");
	CU_ASSERT_EQUAL(p->burst, 32);
	CU_ASSERT_EQUAL(p->mtu, 1500);
	CU_ASSERT_PTR_EQUAL(weir_port_find("net_null0"), p);
	CU_ASSERT_PTR_EQUAL(weir_port_find("vdev:net_null0,size=100?burst=32&mtu=1500"), p);
	weir_port_close(p);

	make_folder(&f, "[driver]\nmatch=net_null, net_nul*\nbus=vdev\ndevargs=size=77\n"
			"[receive]\nburst=8\nmtu=1400\n");
	setenv("WEIR_DRIVERS_DIR", f.dir, 1);
	p = must_open("vdev:net_null1");
	CU_ASSERT_EQUAL(p->burst, 8);
	CU_ASSERT_EQUAL(p->mtu, 1400);
	CU_ASSERT_EQUAL(bytes_of_a_packet(p), 77); /* by its devargs */
	CU_ASSERT_STRING_EQUAL(weir_port_profile(p, text, sizeof(text)), "profile test.ini");
	weir_port_close(p);
	/* the file knows how many queues the driver can bear */
	put_file(&f, "[driver]\nmatch=net_null\n[receive]\nqueues=2\n");
	c.name = "vdev:net_null5";
	CU_ASSERT_EQUAL_FATAL(weir_port_open(&c, &p, &err), 0);
	CU_ASSERT_EQUAL(p->n_rx, 2);
	weir_port_close(p);
	c.name = "vdev:net_null5?queues=3";
	CU_ASSERT_EQUAL(weir_port_open(&c, &same, &err), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err.text, "queues=3: the driver has no more than 2 (test.ini)");
	/* a driver that no file has */
	p = must_open("vdev:net_ring0");
	CU_ASSERT_STRING_EQUAL(weir_port_profile(p, text, sizeof(text)), "no profile");
	CU_ASSERT_EQUAL(p->burst, 256);
	weir_port_close(p);
	/* a file that is wrong stops what would need it */
	put_file(&f, HEAD "[receive]\nbrust=8\n");
	c.name = "vdev:net_null2";
	CU_ASSERT_EQUAL(weir_port_open(&c, &same, &err), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "test.ini:4: unknown key 'brust' (try 'burst')"));
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_RUN);
	unsetenv("WEIR_DRIVERS_DIR");
	remove_folder(&f);
}

static void
descriptors_are_those_asked_for(void)
{
	struct weir_port *p;
	char plan[256];

	weir_port_plan_of("vdev:net_null0?descriptors=64", 1, 1, plan, sizeof(plan));
	CU_ASSERT_EQUAL(strncmp(plan, "1 receive queue of 64 descriptors", 33), 0);
	weir_port_plan_of("vdev:net_null0", 64, 64, plan, sizeof(plan));
	CU_ASSERT_EQUAL(strncmp(plan, "64 receive queues of 512 descriptors", 36), 0);
	weir_port_plan_of("vdev:net_null0?port_descriptors=65536", 64, 64, plan, sizeof(plan));
	CU_ASSERT_EQUAL(strncmp(plan, "64 receive queues of 1024 descriptors", 37), 0);
	weir_port_plan_of("vdev:net_null0?queues=3", 64, 64, plan, sizeof(plan));
	CU_ASSERT_EQUAL(strncmp(plan, "3 receive queues of 2048 descriptors", 36), 0);
	/* the pool follows: two workers' caches and bursts beside the rings */
	p = must_open("vdev:net_null3?descriptors=8&send_descriptors=8");
	CU_ASSERT_TRUE(rte_mempool_avail_count(p->pool) < 4096);
	CU_ASSERT_TRUE(descriptors_of(p) == 0 || descriptors_of(p) == 8);
	weir_port_close(p);
}

/* Does the comment right above a line say why, and where that is from? */
static bool
has_reason(char lines[][512], unsigned at)
{
	bool has_why = false;

	while (at-- > 0 && lines[at][0] == ';') {
		if (strncmp(lines[at], "; Source: ", 10) == 0 && strlen(lines[at]) > 16) {
			for (; at-- > 0 && lines[at][0] == ';';)
				has_why |= strlen(lines[at]) > 10;
			return has_why;
		}
	}
	return false;
}

static void
look_at_reasons(const char *path)
{
	static char lines[512][512];
	FILE *in = fopen(path, "re");
	unsigned n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(in);
	while (n < 512 && fgets(lines[n], sizeof(lines[n]), in))
		n++;
	fclose(in);
	for (unsigned i = 0; i < n; i++) {
		bool is_key = isalpha((unsigned char)lines[i][0]);

		CU_ASSERT_TRUE(!is_key || has_reason(lines, i));
		if (is_key && !has_reason(lines, i))
			fprintf(stderr, "%s:%u: no comment with a reason and its source\n", path,
			    i + 1);
	}
}

static void
shipped_profiles_are_sound(void)
{
	static const char *const wanted[] = { "mlx5", "ice", "i40e", "iavf", "ixgbe", "igc", "ena",
		"gve", "virtio", "vmxnet3", "netvsc", "mana", "af_xdp", "af_packet", "tap", "memif",
		"vhost", "virtio_user", "pcap", "null", "ring", "bonding" };
	struct weir_profile *all = NULL;
	struct weir_error err = { 0 };
	char dir[512], path[640], driver[64];
	unsigned n = 0, n_found = 0;

	CU_ASSERT_EQUAL(weir_profiles_read(&all, &n, &err), 0);
	if (err.text[0])
		fprintf(stderr, "%s\n", err.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(all);
	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT_NOT_EQUAL(all[i].title[0], '\0');
		CU_ASSERT_NOT_EQUAL(all[i].limits[0], '\0');
		CU_ASSERT_EQUAL(all[i].origin[WEIR_PROFILE_lost_nic], WEIR_PROFILE_FILE);
		CU_ASSERT_EQUAL(all[i].origin[WEIR_PROFILE_lost_no_buffer], WEIR_PROFILE_FILE);
		CU_ASSERT_EQUAL(all[i].receive_offloads & all[i].receive_avoid, 0);
		CU_ASSERT_EQUAL(all[i].send_offloads & all[i].send_avoid, 0);
		/* no driver has two */
		weir_profile_driver(&all[i], driver, sizeof(driver));
		for (unsigned k = 0; k < n; k++)
			CU_ASSERT_EQUAL(weir_profile_has_driver(&all[k], driver), k == i);
		for (unsigned k = 0; k < sizeof(wanted) / sizeof(wanted[0]); k++)
			n_found += strcmp(all[i].name, wanted[k]) == 0;
		snprintf(path, sizeof(path), "%s/%s.ini", weir_profile_dir(dir, sizeof(dir)),
		    all[i].name);
		look_at_reasons(path);
	}
	CU_ASSERT_EQUAL(n_found, sizeof(wanted) / sizeof(wanted[0]));
	free(all);
}

int
main(int argc, char **argv)
{
	static const CU_TestInfo tests[] = {
		{ "own values are what ports always had", own_values_are_what_ports_always_had },
		{ "file is read", file_is_read },
		{ "bad files are refused", bad_files_are_refused },
		{ "missing files are errors, missing folders are none",
		    missing_files_are_errors_missing_folders_are_none },
		{ "shipped profiles are sound", shipped_profiles_are_sound },
		{ "drivers find their profile", drivers_find_their_profile },
		{ "NICs find their profile", nics_find_their_profile },
		{ "command line overrides", command_line_overrides },
		{ "bad options are usage errors", bad_options_are_usage_errors },
		{ "arguments are filled in", arguments_are_filled_in },
		{ "port is set up by its profile", port_is_set_up_by_its_profile },
		{ "descriptors are those asked for", descriptors_are_those_asked_for },
		CU_TEST_INFO_NULL,
	};
	char *eal[] = { (char[]){ "--no-huge" }, (char[]){ "-m" }, (char[]){ "256" } };
	struct weir_error err = { 0 };
	int rc;

	(void)argc;
	if (weir_eal_start(argv[0], eal, 3, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	rc = check_run("profile", tests);
	weir_eal_stop();
	return rc;
}
