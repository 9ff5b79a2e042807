/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Nodes of a cluster without packets: the tests drive what joins, sees, drains and leaves.
 *
 * usage: member URI NAME[,NAME…] [QUERY]
 *
 * Writes a line for each new view and event of each node, reads orders from standard input: "drain
 * NAME", "done NAME NS", "leave NAME", "move NAME FIRST LAST TO", "heard NAME EPOCH"; ends with it.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <weir/base/time.h>
#include <weir/cluster/cluster.h>

#define MEMBERS_MAX 16

struct member {
	const char *name;
	struct weir_cluster *c;
};

static struct member members[MEMBERS_MAX];
static unsigned n_members;

/* Of all owners in all windows: the same on all nodes that have the same maps. */
static uint64_t
hash_of(const struct weir_cluster_view *v)
{
	uint64_t h = 0;

	for (unsigned m = 0; m <= v->n_maps && v->n_maps; m++) {
		struct weir_cluster_map_info info = { .from_ns = WEIR_CLUSTER_GLOBAL - 1 };

		if (m < v->n_maps)
			weir_cluster_map_info(v, m, &info);
		for (unsigned s = 0; s < WEIR_CLUSTER_SLOTS; s++) {
			unsigned n = weir_cluster_owner(v, info.from_ns + 1, s);

			h = (h ^ (n == WEIR_CLUSTER_NONE ? 0 : v->nodes[n].incarnation)) *
			    UINT64_C(0x100000001b3);
		}
	}
	return h;
}

static void
print_view(const char *name, const struct weir_cluster_view *v, int64_t lease_until_ns)
{
	struct weir_cluster_map_info info = { .epoch = 0 };
	int64_t lease_ns = lease_until_ns - weir_now_mono_ns();

	if (v->n_maps)
		weir_cluster_map_info(v, v->n_maps - 1, &info);
	printf("{\"type\":\"view\",\"node\":\"%s\",\"state\":\"%s\",\"epoch\":%" PRIu64
	       ",\"away\":%d,\"lost\":%d,\"maps\":%u,\"from\":%" PRId64 ",\"hash\":\"%016" PRIx64
	       "\",\"lease_ms\":%" PRId64 ",\"nodes\":{",
	    name, weir_cluster_state_name(v->state), v->epoch, v->is_away, v->is_lost, v->n_maps,
	    info.from_ns, hash_of(v), lease_ns / 1000000);
	for (unsigned i = 0, n = 0; i < v->n_nodes; i++) {
		if (weir_cluster_find_name(v, v->nodes[i].name) != i)
			continue; /* a former one of that name */
		printf("%s\"%s\":[\"%s\",%u,%u]", n++ ? "," : "", v->nodes[i].name,
		    weir_node_state_name(v->nodes[i].state),
		    weir_cluster_slots_of(v, WEIR_CLUSTER_GLOBAL - 1, i),
		    weir_cluster_slots_of(v, info.from_ns, i));
	}
	printf("}}\n");
}

static void
look(struct member *m)
{
	struct weir_cluster_view *v = weir_cluster_poll(m->c);
	char line[512];

	while (weir_cluster_event(m->c, line, sizeof(line)))
		printf("{\"type\":\"event\",\"node\":\"%s\",\"text\":\"%s\"}\n", m->name, line);
	if (v)
		print_view(m->name, v, weir_cluster_lease_until_ns(m->c));
	weir_cluster_view_unref(v);
	fflush(stdout);
}

static int
open_member(const struct weir_cluster_uri *u, const char *name, const char *query)
{
	struct weir_cluster_query queries[] = { { "scan", query } };
	struct weir_cluster_config config = { .uri = u,
		.name = name,
		.address = "127.0.0.1",
		.weight = 1,
		.queries = queries,
		.n_queries = 1,
		.udp_port = 4789,
		.n_queues = 1 };
	struct member *m = &members[n_members];
	struct weir_error err = { 0 };

	if (getrandom(&config.incarnation, sizeof(config.incarnation), 0) !=
	    sizeof(config.incarnation))
		return 1;
	m->name = name;
	if (weir_cluster_open(&config, &m->c, &err)) {
		fprintf(stderr, "%s: %s\n", name, err.text);
		return (int)err.fail;
	}
	n_members++;
	return 0;
}

static void
obey(char *line)
{
	char order[16], name[64], to[64] = "";
	struct weir_error err = { 0 };
	long long a = 0, b = 0;
	int n = sscanf(line, "%15s %63s %lld %lld %63s", order, name, &a, &b, to), rc = 0;

	for (unsigned i = 0; n >= 2 && i < n_members; i++) {
		struct weir_cluster *c = members[i].c;

		if (strcmp(members[i].name, name))
			continue;
		if (!strcmp(order, "drain"))
			rc = weir_cluster_drain(c, &err);
		else if (!strcmp(order, "done"))
			weir_cluster_done(c, a);
		else if (!strcmp(order, "heard"))
			weir_cluster_heard_epoch(c, (uint64_t)a);
		else if (!strcmp(order, "move"))
			rc = weir_cluster_move(c, (unsigned)a, (unsigned)b, to, &err);
		else if (!strcmp(order, "leave"))
			rc = weir_cluster_leave(c, 10 * WEIR_NS_PER_S, &err);
		else if (!strcmp(order, "pending"))
			printf("{\"type\":\"pending\",\"node\":\"%s\",\"is\":%d}\n", name,
			    weir_cluster_pending(c));
		if (rc)
			printf("{\"type\":\"error\",\"node\":\"%s\",\"text\":\"%s\"}\n", name,
			    err.text);
	}
}

/* Orders until standard input ends. */
static void
run(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char text[4096], *end;
	size_t len = 0;

	for (;;) {
		for (unsigned i = 0; i < n_members; i++)
			look(&members[i]);
		if (poll(&in, 1, 10) <= 0)
			continue;
		ssize_t n = read(STDIN_FILENO, text + len, sizeof(text) - 1 - len);

		if (n <= 0)
			return;
		len += (size_t)n;
		text[len] = '\0';
		while ((end = strchr(text, '\n'))) {
			*end = '\0';
			obey(text);
			len -= (size_t)(end + 1 - text);
			memmove(text, end + 1, len + 1);
		}
	}
}

int
main(int argc, char **argv)
{
	struct weir_cluster_uri u;
	struct weir_error err = { 0 };
	char *save = NULL;
	int rc = 0;

	if (argc < 3 || weir_cluster_uri_parse(argv[1], &u, &err)) {
		fprintf(
		    stderr, "%s\n", argc < 3 ? "usage: member URI NAME[,NAME…] [QUERY]" : err.text);
		return 2;
	}
	for (char *name = strtok_r(argv[2], ",", &save); name && !rc && n_members < MEMBERS_MAX;
	     name = strtok_r(NULL, ",", &save))
		rc = open_member(&u, name, argc > 3 ? argv[3] : "--where 'tcp' --key src");
	weir_cluster_uri_free(&u);
	if (!rc)
		run();
	for (unsigned i = 0; i < n_members; i++)
		weir_cluster_close(members[i].c);
	return rc;
}
