/* SPDX-License-Identifier: BSD-3-Clause */
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include <weir/base/time.h>
#include <weir/port/profile.h>
#include <weir/transmit/sender.h>

/* Between two looks at what the driver has given back. */
#define LOOK_NS 500000
/* For the other end of a memif to read what lies in the ring that both share. */
#define PEER_NS INT64_C(300000000)
/* No more descriptors than these are looked at. */
#define MOST_FDS 1024

static void
pause_ns(int64_t ns)
{
	struct timespec t = { .tv_sec = ns / WEIR_NS_PER_S, .tv_nsec = ns % WEIR_NS_PER_S };

	nanosleep(&t, NULL);
}

/*
 * net_af_packet asks the kernel once for each burst to send what its ring holds; where the kernel
 * could not at that moment, the frames lie there until the next burst, and at the end for ever. The
 * driver does not hand its socket out, so ask all of this process's: one without such a ring
 * refuses.
 */
static void
kick_packet_sockets(int64_t wait_ns)
{
	struct timeval wait = { .tv_sec = wait_ns / WEIR_NS_PER_S,
		.tv_usec = wait_ns % WEIR_NS_PER_S / 1000 };

	for (int fd = 0; fd < MOST_FDS; fd++) {
		socklen_t len = sizeof(int);
		int domain = 0;

		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 ||
		    domain != AF_PACKET)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
		(void)!sendto(fd, NULL, 0, 0, NULL, 0);
	}
}

void
weir_sender_drain(const struct weir_sender *s, const struct rte_mempool *pool, int64_t wait_ns)
{
	int64_t end = weir_now_mono_ns() + wait_ns;
	struct rte_eth_dev_info info = { .driver_name = NULL };
	struct weir_profile profile;

	if (!s->n_sent)
		return;
	rte_eth_dev_info_get(s->config.queue.id, &info);
	if (!info.driver_name || weir_profile_for_driver(info.driver_name, &profile, NULL))
		weir_profile_init(&profile);
	if (profile.drain == WEIR_DRAIN_KICK)
		kick_packet_sockets(wait_ns);
	while (rte_mempool_avail_count(pool) < pool->size && weir_now_mono_ns() < end) {
		rte_eth_tx_done_cleanup(s->config.queue.id, s->config.queue.queue, 0);
		pause_ns(LOOK_NS);
	}
	if (profile.drain == WEIR_DRAIN_PEER)
		pause_ns(PEER_NS);
}
