/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sock_diag.h>

#include <weir/base/time.h>

#include "lines.h"

/* A socket's datagrams, each of one line or several. */

#define N_DATAGRAMS    64u /* taken at once */
#define DATAGRAM_BYTES 65536u
#define RECEIVE_BYTES  (8 << 20) /* asked for; the kernel may grant less */
#define CONTROL_BYTES  128u

struct udp {
	struct weir_source base;
	int fd;
	uint8_t *bytes;   /* [N_DATAGRAMS][DATAGRAM_BYTES] */
	unsigned n;       /* datagrams taken */
	unsigned at;      /* of them the one whose lines come next */
	uint32_t offset;  /* of its next line */
	uint32_t dropped; /* by the socket, as the kernel counts; it wraps */
	uint64_t lost;
	struct mmsghdr messages[N_DATAGRAMS];
	struct iovec iov[N_DATAGRAMS];
	_Alignas(struct cmsghdr) uint8_t control[N_DATAGRAMS][CONTROL_BYTES];
};

/* When the kernel got it. */
static int64_t
time_of(struct msghdr *m, int64_t now_ns)
{
	struct timespec ts;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		return ts.tv_sec * WEIR_NS_PER_S + ts.tv_nsec;
	}
	return now_ns;
}

/* Returns 0 or -errno; -EAGAIN where there is nothing. */
static int
receive(struct udp *u)
{
	int n;

	for (unsigned i = 0; i < N_DATAGRAMS; i++)
		u->messages[i].msg_hdr.msg_controllen = CONTROL_BYTES;
	n = recvmmsg(u->fd, u->messages, N_DATAGRAMS, MSG_DONTWAIT, NULL);
	u->n = n > 0 ? (unsigned)n : 0;
	u->at = 0;
	u->offset = 0;
	return n < 0 ? -errno : 0;
}

/* The lines of the datagram that is next, as far as there is room. */
static void
split(struct udp *u, struct weir_batch *b, uint32_t max, int64_t now_ns)
{
	const uint8_t *begin = u->bytes + (size_t)u->at * DATAGRAM_BYTES;
	uint32_t len = u->messages[u->at].msg_len;
	int64_t t = time_of(&u->messages[u->at].msg_hdr, now_ns);

	/* An empty datagram is an empty record. */
	do {
		const uint8_t *p = begin + u->offset;
		const uint8_t *end = memchr(p, '\n', len - u->offset);
		uint32_t n = end ? (uint32_t)(end - p) : len - u->offset;
		uint32_t kept = weir_lines_trim(p, n);

		weir_lines_add(b, u->base.first_interface, p, kept, kept, t);
		u->offset += n + (end != NULL);
	} while (u->offset < len && b->n < max);
	if (u->offset >= len) {
		u->at++;
		u->offset = 0;
	}
}

static enum weir_poll
udp_poll(struct weir_source *s, unsigned queue, struct weir_batch *b, uint32_t max, int64_t now_ns)
{
	struct udp *u = (struct udp *)s;
	int rc;

	(void)queue;
	b->n = 0;
	b->queue_depth = -1;
	if (max > WEIR_ROWS)
		max = WEIR_ROWS;
	if (u->at == u->n) {
		rc = receive(u);
		/* ECONNREFUSED and its like are about others' packets. */
		if (rc == -EBADF || rc == -ENOTSOCK || rc == -ENOMEM) {
			weir_error_run(&s->error, rc, "--source '%s': cannot receive: %s", s->name,
			    strerror(-rc));
			return WEIR_POLL_ERROR;
		}
	}
	while (u->at < u->n && b->n < max)
		split(u, b, max, now_ns);
	return WEIR_POLL_OK;
}

static int
udp_wait_fd(struct weir_source *s, unsigned queue)
{
	(void)queue;
	return ((struct udp *)s)->fd;
}

static int
udp_arm(struct weir_source *s, unsigned queue, bool is_on)
{
	(void)s;
	(void)queue;
	(void)is_on;
	return 0; /* the socket is readable by itself */
}

/*
 * SO_RXQ_OVFL tells the same count, but only with the next datagram that comes through: drops
 * behind the last one would never be told.
 */
static void
udp_stats(struct weir_source *s, struct weir_source_stats *ret)
{
	struct udp *u = (struct udp *)s;
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	memset(ret, 0, sizeof(*ret));
	if (getsockopt(u->fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0 &&
	    len > SK_MEMINFO_DROPS * sizeof(info[0])) {
		u->lost += info[SK_MEMINFO_DROPS] - u->dropped;
		u->dropped = info[SK_MEMINFO_DROPS];
	}
	ret->lost_nic = u->lost;
}

static void
udp_close(struct weir_source *s)
{
	struct udp *u = (struct udp *)s;

	if (u->fd >= 0)
		close(u->fd);
	free(u->bytes);
	free(u);
}

static const struct weir_source_ops udp_ops = {
	.kind = "lines",
	.poll = udp_poll,
	.wait_fd = udp_wait_fd,
	.arm = udp_arm,
	.stats = udp_stats,
	.close = udp_close,
};

/* "127.0.0.1:5000", "[::1]:5000", ":5000". */
static int
parse_where(const char *where, struct addrinfo **ret, struct weir_error *err)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	};
	const char *colon = strrchr(where, ':');
	bool is_bracketed = where[0] == '[' && colon && colon > where + 1 && colon[-1] == ']';
	size_t len;
	char *address, *end;
	unsigned long port;
	int rc;

	if (!colon || !colon[1])
		return weir_error_usage(
		    err, "a port is missing (try 'lines:udp://%s%s5000')", where, colon ? "" : ":");
	port = strtoul(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end || port < 1 || port > 65535)
		return weir_error_usage(err, "'%s' is no port: from 1 to 65535", colon + 1);
	len = (size_t)(colon - where);
	if (memchr(where, ':', len) && !is_bracketed)
		return weir_error_usage(err, "an IPv6 address needs brackets (try '[%.*s]:%s')",
		    (int)len, where, colon + 1);
	address = is_bracketed ? strndup(where + 1, len - 2) : strndup(where, len);
	if (!address)
		return weir_error_run(err, -ENOMEM, "out of memory");
	rc = getaddrinfo(*address ? address : "0.0.0.0", colon + 1, &hints, ret);
	if (rc)
		rc = weir_error_usage(err,
		    "'%s' is no address of this host: numbers are needed (try '0.0.0.0:%s' for "
		    "all, '[::]:%s' for IPv6 too)",
		    address, colon + 1, colon + 1);
	free(address);
	return rc;
}

static int
explain_bind(int code, const struct addrinfo *a, struct weir_error *err)
{
	unsigned port = ntohs(((const struct sockaddr_in *)(const void *)a->ai_addr)->sin_port);

	switch (code) {
	case EADDRINUSE:
		return weir_error_run(err, -code,
		    "another program listens there already ('ss -ulpn sport = :%u' shows it)",
		    port);
	case EADDRNOTAVAIL:
		return weir_error_run(err, -code,
		    "no interface has this address ('ip -br address' shows those there are)");
	case EACCES:
		return weir_error_run(
		    err, -code, "no permission for a port below 1024: use sudo, or another port");
	default:
		return weir_error_run(err, -code, "cannot listen: %s", strerror(code));
	}
}

static int
listen_at(struct udp *u, const struct addrinfo *a, struct weir_error *err)
{
	int bytes = RECEIVE_BYTES, on = 1;

	u->fd = socket(a->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (u->fd < 0)
		return explain_bind(errno, a, err);
	/* More than the limit takes CAP_NET_ADMIN; without it, as much as may be. */
	if (setsockopt(u->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(u->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	setsockopt(u->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	if (bind(u->fd, a->ai_addr, a->ai_addrlen))
		return explain_bind(errno, a, err);
	return 0;
}

static int
prepare(struct udp *u)
{
	u->bytes = malloc((size_t)N_DATAGRAMS * DATAGRAM_BYTES);
	if (!u->bytes)
		return -ENOMEM;
	for (unsigned i = 0; i < N_DATAGRAMS; i++) {
		u->iov[i].iov_base = u->bytes + (size_t)i * DATAGRAM_BYTES;
		u->iov[i].iov_len = DATAGRAM_BYTES;
		u->messages[i].msg_hdr.msg_iov = &u->iov[i];
		u->messages[i].msg_hdr.msg_iovlen = 1;
		u->messages[i].msg_hdr.msg_control = u->control[i];
	}
	return 0;
}

int
weir_lines_udp_open(const char *where, const struct weir_source_config *c, struct weir_source **ret,
    struct weir_error *err)
{
	struct addrinfo *a = NULL;
	struct udp *u;
	int rc = parse_where(where, &a, err);

	if (rc)
		return rc;
	u = calloc(1, sizeof(*u));
	if (!u || prepare(u)) {
		free(u);
		freeaddrinfo(a);
		return weir_error_run(err, -ENOMEM, "out of memory");
	}
	u->fd = -1;
	u->base.ops = &udp_ops;
	u->base.is_live = true;
	u->base.has_clock = true;
	u->base.numa_node = -1;
	u->base.first_interface = c->first_interface;
	u->base.n_interfaces = 1;
	if (!c->is_dry_run)
		rc = listen_at(u, a, err);
	freeaddrinfo(a);
	if (rc) {
		udp_close(&u->base);
		return rc;
	}
	*ret = &u->base;
	return 0;
}
