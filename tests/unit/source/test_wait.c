/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waiting for packets by a descriptor instead of polling: pipes, tapped and taken interfaces,
 * ports. What needs interfaces runs in a network namespace of its own, which takes root.
 */
#include <CUnit/Basic.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pcap/dlt.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/source/source.h>

#include "check.h"
#include "reading.h"

#define QUEUES 4

/* Poll all queues once. Returns their packets. */
static uint32_t
poll_once(struct weir_source *s, struct weir_batch *b)
{
	uint32_t n = 0;

	for (unsigned q = 0; q < s->n_queues; q++) {
		CU_ASSERT_EQUAL(s->ops->poll(s, q, b, WEIR_ROWS, weir_now_wall_ns()), WEIR_POLL_OK);
		n += b->n;
		if (s->ops->release)
			s->ops->release(s, b);
	}
	return n;
}

/* Arm all queues, and see that nothing is left. */
static void
arm(struct weir_source *s, struct weir_batch *b)
{
	for (unsigned q = 0; q < s->n_queues; q++)
		CU_ASSERT_EQUAL(s->ops->arm(s, q, true), 0);
	CU_ASSERT_EQUAL(poll_once(s, b), 0);
}

/* Wait. Returns how many queues are readable. */
static int
wait_for(struct weir_source *s, int timeout_ms)
{
	struct pollfd fds[QUEUES];

	CU_ASSERT_FATAL(s->n_queues <= QUEUES);
	for (unsigned q = 0; q < s->n_queues; q++) {
		fds[q] = (struct pollfd){ .fd = s->ops->wait_fd(s, q), .events = POLLIN };
		CU_ASSERT_FATAL(fds[q].fd >= 0);
	}
	return poll(fds, s->n_queues, timeout_ms);
}

static void
disarm(struct weir_source *s)
{
	for (unsigned q = 0; q < s->n_queues; q++)
		CU_ASSERT_EQUAL(s->ops->arm(s, q, false), 0);
}

/* Send n packets of 60 bytes out of an interface, each of a flow of its own. */
static void
send_packets(const char *interface, unsigned n)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_IP),
		.sll_ifindex = (int)if_nametoindex(interface),
		.sll_halen = 6 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	/* Ethernet, IPv4 of 46 bytes from 10.0.0.1 to 10.0.0.2, UDP of 26 */
	uint8_t packet[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0,
		64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 4, 0, 0, 53, 0, 26 };

	CU_ASSERT_FATAL(fd >= 0);
	for (unsigned i = 0; i < n; i++) {
		packet[35] = (uint8_t)i;
		CU_ASSERT_EQUAL(
		    sendto(fd, packet, sizeof(packet), 0, (const struct sockaddr *)&to, sizeof(to)),
		    sizeof(packet));
	}
	close(fd);
}

/* Sleeps while nothing comes, wakes when something does, and sleeps again. */
static void
wakes_for_packets(struct weir_source *s, const char *sender)
{
	struct weir_batch *b = batch_for_views();

	while (poll_once(s, b))
		;
	arm(s, b);
	CU_ASSERT_EQUAL(wait_for(s, 50), 0);
	for (unsigned round = 0; round < 5; round++) {
		uint32_t n = 0;

		send_packets(sender, 3);
		while (n < 3 && wait_for(s, 2000) > 0) {
			disarm(s);
			n += poll_once(s, b);
			for (unsigned q = 0; q < s->n_queues; q++)
				CU_ASSERT_EQUAL(s->ops->arm(s, q, true), 0);
			n += poll_once(s, b);
		}
		CU_ASSERT_EQUAL(n, 3);
		CU_ASSERT_EQUAL(wait_for(s, 30), 0);
	}
	disarm(s);
	weir_batch_destroy(b);
}

/* Packets of many flows come by all queues, each of them once. */
static void
each_queue_delivers(struct weir_source *s, const char *sender)
{
	struct weir_batch *b = batch_for_views();
	unsigned n[QUEUES] = { 0 }, sum = 0;
	int64_t end_ns = weir_now_mono_ns() + 2 * WEIR_NS_PER_S;

	send_packets(sender, 200);
	while (sum < 200 && weir_now_mono_ns() < end_ns) {
		for (unsigned q = 0; q < s->n_queues; q++) {
			CU_ASSERT_EQUAL(
			    s->ops->poll(s, q, b, WEIR_ROWS, weir_now_wall_ns()), WEIR_POLL_OK);
			n[q] += b->n;
			sum += b->n;
			s->ops->release(s, b);
		}
	}
	CU_ASSERT_EQUAL(sum, 200);
	for (unsigned q = 0; q < s->n_queues; q++)
		CU_ASSERT_TRUE(n[q] > 0);
	weir_batch_destroy(b);
}

static struct weir_source *
open_source(enum weir_source_flag flag, const char *value, enum weir_take_mode take)
{
	struct weir_source_config c = {
		.flag = flag, .value = value, .take = take, .n_workers = 2, .wants_interrupts = true
	};

	return must_open(&c);
}

/* A network namespace with a cable of two receive queues in it, and nothing that sends by itself.
 */
static bool
has_cable(void)
{
	static const char quiet[] = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
	int fd;

	if (unshare(CLONE_NEWNET) != 0)
		return false;
	fd = open(quiet, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "1", 1) != 1)
		return false;
	if (fd >= 0)
		close(fd);
	return system("ip link add weir0 numrxqueues 2 numtxqueues 2 type veth "
		      "peer name send0 numrxqueues 2 numtxqueues 2 && "
		      "ip link set weir0 up && ip link set send0 up") == 0;
}

static void
pipe_on_standard_input_can_be_waited_for(void)
{
	struct {
		uint32_t head[6];
		uint32_t packet[4];
		uint8_t data[60];
	} capture = { { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, DLT_EN10MB }, { 1, 0, 60, 60 },
		{ 0 } };
	struct weir_batch *b = batch_for_views();
	int fd[2], kept = dup(STDIN_FILENO);
	struct weir_source *s;

	CU_ASSERT_EQUAL_FATAL(pipe(fd), 0);
	CU_ASSERT_EQUAL(dup2(fd[0], STDIN_FILENO), STDIN_FILENO);
	close(fd[0]);
	/* half of a packet */
	CU_ASSERT_EQUAL(write(fd[1], &capture, sizeof(capture) - 30), sizeof(capture) - 30);
	s = open_source(WEIR_SOURCE_FILE, "-", WEIR_TAKE_AUTO);
	CU_ASSERT_EQUAL(s->ops->wait_fd(s, 0), STDIN_FILENO);
	CU_ASSERT_FALSE(s->has_lasting_views);
	CU_ASSERT_EQUAL(s->numa_node, -1);
	arm(s, b);
	CU_ASSERT_EQUAL(wait_for(s, 20), 0);
	CU_ASSERT_EQUAL(write(fd[1], capture.data, 30), 30);
	CU_ASSERT_EQUAL(wait_for(s, 1000), 1);
	disarm(s);
	CU_ASSERT_EQUAL(poll_once(s, b), 1);
	arm(s, b);
	CU_ASSERT_EQUAL(wait_for(s, 20), 0);
	close(fd[1]);
	CU_ASSERT_EQUAL(wait_for(s, 1000), 1);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, 0), WEIR_POLL_END);
	weir_source_close(s);
	dup2(kept, STDIN_FILENO);
	close(kept);
	weir_batch_destroy(b);
}

/* A writer that does not begin (tcpdump keeps its header until it has packets) holds up nothing. */
static void
silent_pipe_does_not_hold_up(void)
{
	uint32_t capture[6 + 4 + 15] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, DLT_EN10MB, 1, 0,
		60, 60 };
	const uint8_t *bytes = (const uint8_t *)capture;
	struct weir_batch *b = batch_for_views();
	int fd[2], kept = dup(STDIN_FILENO);
	struct weir_source *s;

	CU_ASSERT_EQUAL_FATAL(pipe(fd), 0);
	CU_ASSERT_EQUAL(dup2(fd[0], STDIN_FILENO), STDIN_FILENO);
	close(fd[0]);
	s = open_source(WEIR_SOURCE_FILE, "-", WEIR_TAKE_AUTO);
	CU_ASSERT_EQUAL(s->n_interfaces, 1);
	arm(s, b);
	/* byte for byte */
	for (unsigned i = 0; i < sizeof(capture); i++) {
		CU_ASSERT_EQUAL(poll_once(s, b), 0);
		CU_ASSERT_EQUAL(write(fd[1], bytes + i, 1), 1);
		CU_ASSERT_EQUAL(wait_for(s, 1000), 1);
	}
	CU_ASSERT_EQUAL(poll_once(s, b), 1);
	weir_source_close(s);
	/* what is no capture is found when it comes */
	s = open_source(WEIR_SOURCE_FILE, "-", WEIR_TAKE_AUTO);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, 0), WEIR_POLL_OK);
	CU_ASSERT_EQUAL(write(fd[1], "no capture at all, but text", 27), 27);
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, 0), WEIR_POLL_ERROR);
	CU_ASSERT_PTR_NOT_NULL(strstr(s->error.text, "-r '-': not a capture file"));
	CU_ASSERT_EQUAL(s->ops->poll(s, 0, b, WEIR_ROWS, 0), WEIR_POLL_ERROR);
	weir_source_close(s);
	close(fd[1]);
	dup2(kept, STDIN_FILENO);
	close(kept);
	weir_batch_destroy(b);
}

static void
files_are_not_waited_for(void)
{
	static const char *const options[] = { "", "?preload=1", "?speed=1k",
		"?preload=1&speed=1" };
	uint32_t head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, DLT_EN10MB };
	char path[] = "/tmp/weir-test-XXXXXX", value[128];
	int fd = mkstemp(path);

	CU_ASSERT_EQUAL_FATAL(write(fd, head, sizeof(head)), sizeof(head));
	close(fd);
	for (unsigned i = 0; i < 4; i++) {
		struct weir_source *s;

		snprintf(value, sizeof(value), "%s%s", path, options[i]);
		s = open_source(WEIR_SOURCE_FILE, value, WEIR_TAKE_AUTO);
		CU_ASSERT_EQUAL(s->ops->wait_fd(s, 0), -1);
		CU_ASSERT_EQUAL(s->ops->arm(s, 0, true), -ENOTSUP);
		/* what is in memory stays where it is; what is read goes through a buffer */
		CU_ASSERT_EQUAL(s->has_lasting_views, i % 2 == 1);
		CU_ASSERT_EQUAL(s->n_queues, 1);
		weir_source_close(s);
	}
	unlink(path);
}

static void
generator_is_not_waited_for(void)
{
	struct weir_source *s = open_source(WEIR_SOURCE_URI, "gen:udp", WEIR_TAKE_AUTO);

	CU_ASSERT_PTR_NULL(s->ops->wait_fd);
	CU_ASSERT_FALSE(s->has_lasting_views);
	CU_ASSERT_EQUAL(s->numa_node, -1);
	weir_source_close(s);
}

static void
tapped_interface_wakes(void)
{
	struct weir_source *s = open_source(WEIR_SOURCE_INTERFACE, "weir0", WEIR_TAKE_TAP);

	CU_ASSERT_FALSE(s->has_lasting_views);
	CU_ASSERT_EQUAL(s->n_queues, 1);
	CU_ASSERT_EQUAL(s->numa_node, -1);
	wakes_for_packets(s, "send0");
	weir_source_close(s);
}

static void
taken_interface_wakes(void)
{
	struct weir_source *s = open_source(WEIR_SOURCE_INTERFACE, "weir0", WEIR_TAKE_TAKE);

	if (!strstr(s->description, "AF_XDP")) {
		check_skip(s->description);
		weir_source_close(s);
		return;
	}
	CU_ASSERT_TRUE(s->has_lasting_views);
	CU_ASSERT_EQUAL(s->n_queues, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(s->description, "; 2 receive queues"));
	CU_ASSERT_EQUAL(s->numa_node, -1);
	wakes_for_packets(s, "send0");
	each_queue_delivers(s, "send0");
	weir_source_close(s);
}

static void
port_with_interrupts_wakes(void)
{
	struct weir_source *s =
	    open_source(WEIR_SOURCE_INTERFACE, "vdev:net_tap0,iface=weirtap0", WEIR_TAKE_AUTO);
	struct weir_field_set none = { 0 };

	CU_ASSERT_EQUAL(s->n_queues, 2);
	/* it promises RSS, and does not tell its key: nothing is claimed */
	CU_ASSERT_EQUAL(memcmp(&s->spread, &none, sizeof(none)), 0);
	CU_ASSERT_FALSE(s->is_symmetric);
	CU_ASSERT_PTR_NOT_NULL(strstr(s->description, "2 receive queues, RSS by the driver's own"));
	wakes_for_packets(s, "weirtap0");
	weir_source_close(s);
}

static int
run_with_interfaces(void)
{
	static const CU_TestInfo tests[] = {
		{ "tapped interface wakes", tapped_interface_wakes },
		{ "taken interface wakes", taken_interface_wakes },
		{ "port with interrupts wakes", port_with_interrupts_wakes },
		CU_TEST_INFO_NULL,
	};

	if (!has_cable()) {
		printf("interfaces are skipped: no network namespace can be made\n");
		return CHECK_SKIPPED;
	}
	return run_with_eal("waiting on interfaces", tests, 256);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "pipe on standard input can be waited for",
		    pipe_on_standard_input_can_be_waited_for },
		{ "silent pipe does not hold up", silent_pipe_does_not_hold_up },
		{ "files are not waited for", files_are_not_waited_for },
		{ "generator is not waited for", generator_is_not_waited_for },
		CU_TEST_INFO_NULL,
	};
	int status = check_run("waiting", tests);

	return status ? status : run_with_interfaces();
}
