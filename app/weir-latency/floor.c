/* SPDX-License-Identifier: BSD-3-Clause */
#include "floor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir/base/strbuf.h>

#define RING   "vdev:net_ring"
#define MEMIF  "vdev:net_memif"
#define SOCKET "floor.sock"

static bool
has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Arguments of a memif that say where and as whom it connects: not those of sizes. */
static bool
is_of_connection(const char *arg)
{
	static const char *const names[] = {
		"role=", "socket=", "socket-abstract=", "id=", "mac=", "secret="
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (has_prefix(arg, names[i]))
			return true;
	return false;
}

/* A memif with the arguments of like, but with a connection of its own. The caller's to free. */
static char *
memif(const char *name, const char *like, const char *role, const char *socket)
{
	struct weir_strbuf b = { 0 };
	char *copy = strdup(like), *save = NULL, *arg;

	weir_strbuf_printf(&b, "vdev:%s,role=%s,socket-abstract=no,socket=%s", name, role, socket);
	arg = copy ? strtok_r(copy, ",", &save) : NULL;
	while (arg && (arg = strtok_r(NULL, ",", &save)))
		if (!is_of_connection(arg))
			weir_strbuf_printf(&b, ",%s", arg);
	free(copy);
	return b.p;
}

/* Both ends in this process. */
static int
make_memifs(const struct config *c, struct floor_path *f, struct weir_error *err)
{
	char socket[2][128];

	snprintf(f->folder, sizeof(f->folder), "/tmp/weir-latency-XXXXXX");
	if (!mkdtemp(f->folder)) {
		f->folder[0] = '\0';
		return weir_error_run(err, -errno,
		    "no folder in /tmp for the loopback's socket: %s (try --no-floor)",
		    strerror(errno));
	}
	/* the driver refuses a socket's other end by the same name in the same process */
	snprintf(socket[0], sizeof(socket[0]), "%s/%s", f->folder, SOCKET);
	snprintf(socket[1], sizeof(socket[1]), "%s/./%s", f->folder, SOCKET);
	f->tx = memif("net_memif_floor_tx", c->tx, "server", socket[0]);
	f->rx = memif("net_memif_floor_rx", c->tx, "client", socket[1]);
	f->why = "two net_memif of its own";
	return 0;
}

int
floor_find(const struct config *c, struct floor_path *ret, struct weir_error *err)
{
	struct floor_path f = { .why = "not measured: no loopback of this kind of port can be made "
				       "here (--floor-tx, --floor-rx)" };
	int rc = 0;

	if (!c->is_floor_wanted) {
		f.why = "not measured: --no-floor";
	} else if (c->floor_tx) {
		f.tx = strdup(c->floor_tx);
		f.rx = strdup(c->floor_rx ? c->floor_rx : c->floor_tx);
		f.why = "as --floor-tx says";
	} else if (has_prefix(c->tx, RING)) {
		f.tx = strdup(RING "_floor");
		f.rx = strdup(RING "_floor");
		f.why = "a net_ring of its own";
	} else if (has_prefix(c->tx, MEMIF)) {
		rc = make_memifs(c, &f, err);
	}
	if (!rc && !f.tx != !f.rx)
		rc = weir_error_run(err, -ENOMEM, "out of memory");
	*ret = f;
	return rc;
}

void
floor_fini(struct floor_path *f)
{
	char path[128];

	free(f->tx);
	free(f->rx);
	if (!f->folder[0])
		return;
	snprintf(path, sizeof(path), "%s/%s", f->folder, SOCKET);
	unlink(path);
	rmdir(f->folder);
}
