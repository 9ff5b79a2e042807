/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports of DPDK: how -i names them, EAL's arguments, and virtual ports that are really polled. */
#include <CUnit/Basic.h>
#include <errno.h>
#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/base/time.h>
#include <weir/port/eal.h>
#include <weir/port/name.h>
#include <weir/source/source.h>

#include "check.h"
#include "eal_args.h"
#include "reading.h"

static void
names_of_ports_are_told_from_interfaces(void)
{
	CU_ASSERT_TRUE(weir_port_is_named("0000:03:00.0"));
	CU_ASSERT_TRUE(weir_port_is_named("03:00.0"));
	CU_ASSERT_TRUE(weir_port_is_named("vdev:net_null0"));
	CU_ASSERT_TRUE(weir_port_is_named("vdev:"));
	CU_ASSERT_FALSE(weir_port_is_named("eth0"));
	CU_ASSERT_FALSE(weir_port_is_named("eth0:1"));
	CU_ASSERT_FALSE(weir_port_is_named("03:00"));
	CU_ASSERT_FALSE(weir_port_is_named("03:00.0x"));
	CU_ASSERT_FALSE(weir_port_is_named("-3:00.0"));
	CU_ASSERT_FALSE(weir_port_is_named("0000:03:00.0.1"));
}

static void
names_are_taken_apart(void)
{
	struct weir_port_name p;
	struct weir_error err;

	CU_ASSERT_EQUAL_FATAL(weir_port_parse("vdev:net_pcap0,rx_pcap=a.pcap,x=1", &p, &err), 0);
	CU_ASSERT_FALSE(p.is_pci);
	CU_ASSERT_STRING_EQUAL(p.device, "net_pcap0");
	CU_ASSERT_STRING_EQUAL(p.args, "rx_pcap=a.pcap,x=1");
	CU_ASSERT_EQUAL_FATAL(weir_port_parse("vdev:net_null0", &p, &err), 0);
	CU_ASSERT_STRING_EQUAL(p.args, "");
	CU_ASSERT_EQUAL_FATAL(weir_port_parse("3:a.1", &p, &err), 0);
	CU_ASSERT_TRUE(p.is_pci);
	CU_ASSERT_STRING_EQUAL(p.device, "0000:03:0a.1");
}

static void
bad_names_are_usage_errors(void)
{
	static const char *const bad[] = { "vdev:", "vdev:,size=1", "vdev:net null0",
		"vdev:net_null0?size=1",
		"vdev:a_name_of_more_than_sixty_three_characters_which_is_more_than_DPDK_takes" };
	struct weir_port_name p;
	struct weir_error err;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_NOT_EQUAL(weir_port_parse(bad[i], &p, &err), 0);
		CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
		CU_ASSERT_NOT_EQUAL(err.text[0], '\0');
	}
}

/* The arguments as one text. */
static const char *
args_text(const struct weir_eal_host *host, const char *job, char **user, unsigned n_user)
{
	static char text[1024];
	struct weir_eal_args a;
	size_t len = 0;

	CU_ASSERT_EQUAL_FATAL(weir_eal_args_build("weir", host, job, user, n_user, &a), 0);
	CU_ASSERT_PTR_NULL(a.argv[a.argc]);
	for (int i = 0; i < a.argc; i++)
		len += (size_t)snprintf(
		    text + len, sizeof(text) - len, "%s%s", i ? " " : "", a.argv[i]);
	weir_eal_args_free(&a);
	return text;
}

static void
arguments_fit_the_host(void)
{
	struct weir_eal_host host = {
		.available_bytes = UINT64_C(8) << 30, .has_pci_bus = true, .cpus = "0-3"
	};

	CU_ASSERT_STRING_EQUAL(args_text(&host, NULL, NULL, 0),
	    "weir --lcores 0@(0-3) --no-huge --no-shconf -m 1024 --no-telemetry -a ffff:ff:1f.7");
	host.available_bytes = UINT64_C(512) << 20;
	host.has_pci_bus = false;
	CU_ASSERT_STRING_EQUAL(args_text(&host, NULL, NULL, 0),
	    "weir --lcores 0@(0-3) --no-huge --no-shconf -m 256 --no-telemetry --no-pci");
	host.huge_free_bytes = UINT64_C(1) << 30;
	CU_ASSERT_STRING_EQUAL(args_text(&host, NULL, NULL, 0),
	    "weir --lcores 0@(0-3) --in-memory --no-telemetry --no-pci");
	host.huge_free_bytes = UINT64_C(4) << 20; /* too few to hold a port's buffers */
	CU_ASSERT_PTR_NOT_NULL(strstr(args_text(&host, NULL, NULL, 0), "--no-huge"));
}

static void
the_users_choice_wins(void)
{
	struct weir_eal_host host = { .huge_free_bytes = UINT64_C(1) << 30,
		.available_bytes = UINT64_C(8) << 30,
		.has_pci_bus = true,
		.cpus = "0-3" };
	char *cores[] = { (char[]){ "-l2" } };
	char *plain[] = { (char[]){ "--no-huge" }, (char[]){ "-m" }, (char[]){ "64" } };
	char *pages[] = { (char[]){ "--huge-dir=/mnt" }, (char[]){ "--telemetry" } };
	char *allow[] = { (char[]){ "-a03:00.0" } };

	CU_ASSERT_STRING_EQUAL(args_text(&host, NULL, cores, 1),
	    "weir --in-memory --no-telemetry -a ffff:ff:1f.7 -l2");
	CU_ASSERT_STRING_EQUAL(args_text(&host, NULL, plain, 3),
	    "weir --lcores 0@(0-3) --no-shconf --no-telemetry -a ffff:ff:1f.7 --no-huge -m 64");
	CU_ASSERT_STRING_EQUAL(args_text(&host, NULL, pages, 2),
	    "weir --lcores 0@(0-3) -a ffff:ff:1f.7 --huge-dir=/mnt --telemetry");
	CU_ASSERT_STRING_EQUAL(args_text(&host, NULL, allow, 1),
	    "weir --lcores 0@(0-3) --in-memory --no-telemetry -a03:00.0");
}

static void
telemetry_has_the_name_of_the_run(void)
{
	struct weir_eal_host host = { .huge_free_bytes = UINT64_C(1) << 30, .cpus = "0-3" };
	char *pages[] = { (char[]){ "--huge-dir=/mnt" } };
	char *prefix[] = { (char[]){ "--file-prefix=x" } };
	char *none[] = { (char[]){ "--no-telemetry" } };
	char *plain[] = { (char[]){ "--no-huge" } };
	struct weir_eal_args a;

	CU_ASSERT_STRING_EQUAL(args_text(&host, "border", NULL, 0),
	    "weir --lcores 0@(0-3) --in-memory --file-prefix weir.border --no-pci");
	/* nobody would look for pages of that name again */
	CU_ASSERT_STRING_EQUAL(args_text(&host, "border", pages, 1),
	    "weir --lcores 0@(0-3) --file-prefix weir.border --huge-unlink --no-pci "
	    "--huge-dir=/mnt");
	CU_ASSERT_STRING_EQUAL(args_text(&host, "border", prefix, 1),
	    "weir --lcores 0@(0-3) --no-telemetry --no-pci --file-prefix=x");
	CU_ASSERT_STRING_EQUAL(args_text(&host, "border", none, 1),
	    "weir --lcores 0@(0-3) --in-memory --no-pci --no-telemetry");
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    args_text(&host, "border", plain, 1), "--no-shconf -m 1024 --file-prefix weir.border"));
	CU_ASSERT_EQUAL_FATAL(weir_eal_args_build_small("weir", &host, "border", &a), 0);
	CU_ASSERT_EQUAL(a.argc, 10);
	CU_ASSERT_STRING_EQUAL(a.argv[9], "weir.border");
	CU_ASSERT_PTR_NULL(a.argv[10]);
	weir_eal_args_free(&a);
}

static struct weir_source *
open_port(const char *value)
{
	struct weir_source_config c = {
		.flag = WEIR_SOURCE_INTERFACE, .value = value, .first_interface = 3
	};

	return must_open(&c);
}

static int
refuse_port(const char *value, struct weir_error *err)
{
	struct weir_source_config c = { .flag = WEIR_SOURCE_INTERFACE, .value = value };
	struct weir_source *s = NULL;

	CU_ASSERT_NOT_EQUAL(weir_source_open(&c, &s, err), 0);
	CU_ASSERT_PTR_NULL(s);
	return (int)err->fail;
}

struct polled {
	uint64_t n, captured, wire, sum;
	unsigned n_bad; /* rows that are not as every row of a port is */
};

/* Poll until n packets have come, at most 2000 times. */
static struct polled
poll_port(struct weir_source *s, struct weir_batch *b, uint64_t n, uint32_t max)
{
	static const int64_t now = INT64_C(1767323045) * WEIR_NS_PER_S;
	struct polled seen = { 0 };

	for (int i = 0; i < 2000 && seen.n < n; i++) {
		CU_ASSERT_EQUAL_FATAL(s->ops->poll(s, 0, b, max, now), WEIR_POLL_OK);
		CU_ASSERT_FATAL(b->n <= max);
		for (uint32_t r = 0; r < b->n; r++) {
			seen.n_bad += b->time_ns[r] != now || b->interface[r] != 3 ||
				      b->link[r] != WEIR_LINK_ETHERNET || b->dlt[r] != DLT_EN10MB ||
				      !b->owner[r];
			seen.captured += b->cap_len[r];
			seen.wire += b->wire_len[r];
			for (uint32_t k = 0; k < b->cap_len[r]; k++)
				seen.sum += b->data[r][k];
		}
		seen.n += b->n;
		s->ops->release(s, b);
	}
	return seen;
}

static void
with_worker(void (*body)(struct weir_batch *b))
{
	struct weir_batch *b = batch_for_views();

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	body(b);
	weir_batch_destroy(b);
}

static void
poll_null(struct weir_batch *b)
{
	struct weir_source *s = open_port("vdev:net_null0,size=100");
	/* many more than there are buffers: all of them come back */
	struct polled seen = poll_port(s, b, 100000, WEIR_ROWS);
	struct weir_source_stats stats;

	CU_ASSERT_TRUE(seen.n >= 100000);
	CU_ASSERT_EQUAL(seen.wire, seen.n * 100);
	CU_ASSERT_EQUAL(seen.captured, seen.n * 100);
	CU_ASSERT_EQUAL(seen.n_bad, 0);
	CU_ASSERT_TRUE(s->is_live);
	CU_ASSERT_TRUE(s->needs_eal);
	CU_ASSERT_FALSE(s->has_clock);
	CU_ASSERT_PTR_NOT_NULL(strstr(s->description, "net_null"));
	s->ops->stats(s, &stats);
	CU_ASSERT_EQUAL(stats.lost_nic, 0);
	CU_ASSERT_EQUAL(stats.lost_no_buffer, 0);
	CU_ASSERT_EQUAL(poll_port(s, b, 5, 5).n, 5);
	weir_source_close(s);
}

static void
poll_null_large(struct weir_batch *b)
{
	struct weir_source *s = open_port("vdev:net_null1,size=9000");
	struct polled seen = poll_port(s, b, 20000, WEIR_ROWS);

	CU_ASSERT_EQUAL(seen.captured, seen.n * 9000);
	CU_ASSERT_EQUAL(seen.wire, seen.n * 9000);
	weir_source_close(s);
}

/* A capture file of n packets of len bytes, each byte of packet i being i. Returns the sum of all
 * bytes. */
static uint64_t
write_capture(const char *path, uint32_t n, uint32_t len)
{
	uint32_t head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, DLT_EN10MB };
	FILE *f = fopen(path, "wb");
	uint8_t *data = malloc(len);
	uint64_t sum = 0;

	CU_ASSERT_FATAL(f && data);
	fwrite(head, sizeof(head), 1, f);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t packet[4] = { 1000 + i, 0, len, len };

		memset(data, (int)(i & 255), len);
		sum += (uint64_t)len * (i & 255);
		fwrite(packet, sizeof(packet), 1, f);
		fwrite(data, len, 1, f);
	}
	free(data);
	CU_ASSERT_EQUAL(fclose(f), 0);
	return sum;
}

static void
poll_pcap(struct weir_batch *b)
{
	/* the second fits no single buffer: its packets come in segments and are put together */
	static const uint32_t lens[] = { 60, 9000 };

	for (unsigned i = 0; i < 2; i++) {
		char path[] = "/tmp/weir-test-XXXXXX", value[128];
		int fd = mkstemp(path);
		uint64_t sum;
		struct weir_source *s;
		struct polled seen;

		CU_ASSERT_FATAL(fd >= 0);
		close(fd);
		sum = write_capture(path, 1000, lens[i]);
		snprintf(value, sizeof(value), "vdev:net_pcap%u,rx_pcap=%s", i, path);
		s = open_port(value);
		seen = poll_port(s, b, 1000, WEIR_ROWS);
		CU_ASSERT_EQUAL(seen.n, 1000);
		CU_ASSERT_EQUAL(seen.captured, UINT64_C(1000) * lens[i]);
		CU_ASSERT_EQUAL(seen.wire, UINT64_C(1000) * lens[i]);
		CU_ASSERT_EQUAL(seen.sum, sum);
		CU_ASSERT_EQUAL(seen.n_bad, 0);
		weir_source_close(s);
		unlink(path);
	}
}

static void
null_port_is_polled(void)
{
	with_worker(poll_null);
}

static void
large_packets_fit(void)
{
	with_worker(poll_null_large);
}

static void
capture_by_net_pcap_is_exact(void)
{
	with_worker(poll_pcap);
}

static void
device_can_be_opened_again(void)
{
	struct weir_error err;
	struct weir_source *s = open_port("vdev:net_null5");

	CU_ASSERT_EQUAL(refuse_port("vdev:net_null5", &err), WEIR_FAIL_RUN);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "open already"));
	weir_source_close(s);
	weir_source_close(open_port("vdev:net_null5"));
}

static void
unknown_driver_names_the_nearest(void)
{
	struct weir_error err;

	CU_ASSERT_EQUAL(refuse_port("vdev:net_nul0", &err), WEIR_FAIL_RUN);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "(try 'vdev:net_null0')"));
	CU_ASSERT_EQUAL(refuse_port("vdev:net_pcap7,rx_pcap=/nonexistent", &err), WEIR_FAIL_RUN);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "No such file"));
}

static void
ports_are_not_tapped(void)
{
	struct weir_source_config c = {
		.flag = WEIR_SOURCE_INTERFACE, .value = "vdev:net_null0", .take = WEIR_TAKE_TAP
	};
	struct weir_error err;
	bool needs;

	CU_ASSERT_NOT_EQUAL(weir_source_needs_eal(&c, &needs, &err), 0);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
	c.take = WEIR_TAKE_AUTO;
	CU_ASSERT_EQUAL(weir_source_needs_eal(&c, &needs, &err), 0);
	CU_ASSERT_TRUE(needs);
	c.value = "ffff:ff:1f.7";
	CU_ASSERT_NOT_EQUAL(weir_source_needs_eal(&c, &needs, &err), 0);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_RUN);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no such PCI device"));
}

static void
dry_run_opens_nothing(void)
{
	struct weir_source_config c = {
		.flag = WEIR_SOURCE_INTERFACE, .value = "vdev:net_null6", .is_dry_run = true
	};
	struct weir_source *s = NULL;
	struct weir_error err;

	CU_ASSERT_EQUAL_FATAL(weir_source_open(&c, &s, &err), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(s->description, "net_null6"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s->description, "; 1 receive queue of 2048 descriptors, "));
	weir_source_close(s);
	c.n_workers = 32;
	CU_ASSERT_EQUAL_FATAL(weir_source_open(&c, &s, &err), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(s->description, "; 32 receive queues of 1024 descriptors, "));
	CU_ASSERT_PTR_NOT_NULL(strstr(s->description, "where its driver can spread (RSS)"));
	weir_source_close(s);
	/* had it been opened, this would say so */
	weir_source_close(open_port("vdev:net_null6"));
}

/* In a process of its own: EAL remembers the arguments of an attempt that failed. */
static void
unknown_eal_argument_is_a_usage_error(void)
{
	char *args[] = { (char[]){ "--no-hugepage" } };
	struct weir_error err = { 0 };
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		int rc = weir_eal_start("weir", args, 1, &err);

		_exit(rc != 0 && err.fail == WEIR_FAIL_USAGE && !weir_eal_is_started() &&
			      strcmp(err.text,
				  "-- --no-hugepage: unknown EAL argument (try '--no-huge')") == 0
			  ? 0
			  : 1);
	}
	CU_ASSERT_FATAL(child > 0);
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
}

int
main(void)
{
	static const CU_TestInfo without_eal[] = {
		{ "names of ports are told from interfaces",
		    names_of_ports_are_told_from_interfaces },
		{ "names are taken apart", names_are_taken_apart },
		{ "bad names are usage errors", bad_names_are_usage_errors },
		{ "arguments fit the host", arguments_fit_the_host },
		{ "the users choice wins", the_users_choice_wins },
		{ "telemetry has the name of the run", telemetry_has_the_name_of_the_run },
		{ "ports are not tapped", ports_are_not_tapped },
		{ "unknown eal argument is a usage error", unknown_eal_argument_is_a_usage_error },
		CU_TEST_INFO_NULL,
	};
	static const CU_TestInfo with_eal[] = {
		{ "null port is polled", null_port_is_polled },
		{ "large packets fit", large_packets_fit },
		{ "capture by net pcap is exact", capture_by_net_pcap_is_exact },
		{ "device can be opened again", device_can_be_opened_again },
		{ "unknown driver names the nearest", unknown_driver_names_the_nearest },
		{ "dry run opens nothing", dry_run_opens_nothing },
		CU_TEST_INFO_NULL,
	};
	int status = check_run("names and arguments", without_eal);

	return status ? status : run_with_eal("virtual ports", with_eal, 512);
}
