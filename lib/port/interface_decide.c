/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>

#include <weir/port/interface.h>

/* Why the interface is in use by its host; false where it is not. */
static bool
is_in_use(const struct weir_interface_facts *f, char *buf, size_t size)
{
	const char *and_more = f->n_addresses + f->n_routes > 1 ? " among others" : "";

	if (f->is_all)
		snprintf(buf, size, "it stands for every interface");
	else if (f->flags & IFF_LOOPBACK)
		snprintf(buf, size, "it is the loopback interface");
	else if (f->n_addresses)
		snprintf(buf, size, "it carries %s%s", f->address,
		    f->n_addresses > 1 ? " and other addresses" : "");
	else if (f->n_routes)
		snprintf(buf, size, "it carries the route %s%s", f->route, and_more);
	else if (f->master[0])
		snprintf(buf, size, "it is part of %s", f->master);
	else if (f->upper[0])
		snprintf(buf, size, "%s rides on it", f->upper);
	else
		return false;
	return true;
}

int
weir_interface_decide(const struct weir_interface_facts *f, enum weir_take_mode mode,
    struct weir_interface_decision *ret, struct weir_error *err)
{
	char use[128];
	bool used = is_in_use(f, use, sizeof(use));

	if (mode == WEIR_TAKE_TAKE && f->is_all)
		return weir_error_usage(err,
		    "--take: 'any' stands for every interface and can only be tapped (try --tap)");
	ret->is_taken = mode == WEIR_TAKE_TAKE || (mode == WEIR_TAKE_AUTO && !used);
	ret->is_used = used;
	if (mode == WEIR_TAKE_TAP)
		snprintf(ret->why, sizeof(ret->why), "asked for by --tap");
	else if (mode == WEIR_TAKE_TAKE && used)
		snprintf(ret->why, sizeof(ret->why), "asked for by --take although %s", use);
	else if (mode == WEIR_TAKE_TAKE)
		snprintf(ret->why, sizeof(ret->why), "asked for by --take");
	else if (used)
		snprintf(ret->why, sizeof(ret->why), "%s", use);
	else
		snprintf(ret->why, sizeof(ret->why), "it carries no address and no route");
	return 0;
}
