/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's interfaces: how weir would read them, their links, queues and XDP. */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* NETDEV_XDP_ACT_* of linux/netdev.h: pass and drop, redirect (to a socket), zero copy. */
#define XDP_BASIC    UINT64_C(1)
#define XDP_REDIRECT UINT64_C(2)
#define XDP_ZEROCOPY UINT64_C(8)

/* How the source was asked about; nothing said is as by itself. */
static enum weir_take_mode
take_of(const struct weir_doctor *d, const char *name)
{
	const struct weir_doctor_source *s = NULL;

	while ((s = weir_doctor_next(d, WEIR_DOCTOR_INTERFACE, s)))
		if (strcmp(s->name, name) == 0)
			return s->take;
	return WEIR_TAKE_AUTO;
}

static void
look_at_interface(struct weir_doctor *d, const char *name)
{
	static const char why[] = "an interface that its host uses is tapped, an idle one is taken";
	bool is_asked = weir_doctor_asks(d, WEIR_DOCTOR_INTERFACE);
	struct weir_interface_decision decision;
	struct weir_interface_facts f;
	char blocker[256] = "", mend[128];
	struct weir_finding *finding;
	struct weir_error err;

	if (d->probe->facts(d->config->root, name, &f, &err) != 0 ||
	    weir_interface_decide(&f, take_of(d, name), &decision, &err) != 0) {
		weir_doctor_add(d, WEIR_FINDING_FAIL, why, "ip -br link", "%s: %s", name, err.text);
		return;
	}
	if (!(f.flags & IFF_UP)) {
		snprintf(mend, sizeof(mend), "sudo ip link set %s up", name);
		finding = weir_doctor_add(d, is_asked ? WEIR_FINDING_FAIL : WEIR_FINDING_OK,
		    "an interface that is down receives nothing", mend, "%s is down", name);
		weir_doctor_fixable(finding, WEIR_FIX_LINK_UP, name, NULL);
		return;
	}
	/* this asks for the process's own rights, not for those of a tree */
	if (decision.is_taken && !d->config->root[0])
		weir_interface_blocks_xdp(&f, blocker, sizeof(blocker));
	weir_doctor_add(d, WEIR_FINDING_OK, why, NULL,
	    "%s: up, %u queue%s, MTU %u; would be %s (%s%s%s)", name, f.n_queues,
	    f.n_queues == 1 ? "" : "s", f.mtu,
	    !decision.is_taken ? "tapped"
	    : blocker[0]       ? "taken through AF_PACKET"
			       : "taken through AF_XDP",
	    decision.why, blocker[0] ? "; " : "", blocker);
}

void
weir_check_interfaces(struct weir_doctor *d)
{
	weir_doctor_each_interface(d, look_at_interface);
}

/* Is there, and up: else the check before has said so. */
static bool
is_up(const struct weir_doctor *d, const char *name, struct weir_interface_facts *f)
{
	return d->probe->facts(d->config->root, name, f, NULL) == 0 && f->flags & IFF_UP;
}

static void
look_at_link(struct weir_doctor *d, const char *name)
{
	static const char why[] = "without a carrier nothing arrives: look at the cable and at the "
				  "other end";
	static const char why_half[] =
	    "half duplex is what two ends come to that disagree: packets "
	    "collide and are lost";
	char path[128], mend[128], duplex[32], speed[32];
	struct weir_interface_facts f;

	if (!is_up(d, name, &f) || f.flags & IFF_LOOPBACK || f.is_all)
		return;
	snprintf(mend, sizeof(mend), "ethtool %s | grep -E 'Link|Speed|Duplex'", name);
	if (!f.has_carrier) {
		weir_doctor_add(d, WEIR_FINDING_WARN, why, mend, "%s: up without carrier", name);
		return;
	}
	snprintf(path, sizeof(path), "/sys/class/net/%.32s/duplex", name);
	weir_doctor_line(d, path, duplex, sizeof(duplex));
	snprintf(path, sizeof(path), "/sys/class/net/%.32s/speed", name);
	weir_doctor_line(d, path, speed, sizeof(speed));
	snprintf(mend, sizeof(mend), "sudo ethtool -s %s autoneg on", name);
	weir_doctor_add(d, strcmp(duplex, "half") == 0 ? WEIR_FINDING_WARN : WEIR_FINDING_OK,
	    strcmp(duplex, "half") == 0 ? why_half : why, mend, "%s: carrier, %s%s%s", name,
	    atol(speed) > 0 ? speed : "no speed told", atol(speed) > 0 ? " Mb/s" : "",
	    strcmp(duplex, "half") == 0 ? ", half duplex" : "");
}

void
weir_check_links(struct weir_doctor *d)
{
	weir_doctor_each_interface(d, look_at_link);
}

static void
look_at_rss(struct weir_doctor *d, const char *name)
{
	static const char why[] =
	    "receive queues are what workers share an interface by: with one, "
	    "they take turns";
	unsigned n_workers = weir_doctor_workers(d), most;
	struct weir_interface_facts f;
	struct weir_doctor_link l;
	char mend[128], table[64] = "";

	if (!is_up(d, name, &f) || f.flags & IFF_LOOPBACK || f.is_all)
		return;
	d->probe->link(d->config->root, name, &l);
	most = l.n_queues_most > l.n_queues ? l.n_queues_most : l.n_queues;
	if (l.n_table)
		snprintf(table, sizeof(table), ", RSS by a table of %u", l.n_table);
	snprintf(mend, sizeof(mend), "sudo ethtool -L %s combined %u", name,
	    n_workers < most && n_workers > 1 ? n_workers : most);
	if (l.is_rx_apart)
		snprintf(mend, sizeof(mend), "sudo ethtool -L %s rx %u", name,
		    n_workers < most && n_workers > 1 ? n_workers : most);
	if (l.n_queues >= n_workers && (l.n_queues > 1 || most < 2 || n_workers < 2))
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "%s: %u of %u queue%s%s", name,
		    l.n_queues, most, most == 1 ? "" : "s", table);
	else if (most > l.n_queues)
		weir_doctor_add(d, WEIR_FINDING_WARN, why, mend,
		    "%s: %u of %u queues in use, for %u workers%s", name, l.n_queues, most,
		    n_workers, table);
	else
		weir_doctor_add(d, WEIR_FINDING_WARN, why,
		    "weir ... --split rr (workers take turns at the queues; or fewer of them: "
		    "--cores)",
		    "%s: it has no more than %u queue%s, for %u workers", name, most,
		    most == 1 ? "" : "s", n_workers);
}

void
weir_check_rss(struct weir_doctor *d)
{
	weir_doctor_each_interface(d, look_at_rss);
}

/* 6.1 of "6.1.0-13-amd64" as 0x0601. */
static unsigned
kernel_version(const struct weir_doctor *d)
{
	unsigned major = 0, minor = 0;
	char release[128];

	weir_doctor_line(d, "/proc/sys/kernel/osrelease", release, sizeof(release));
	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return 0;
	return major << 8 | (minor & 255);
}

static void
look_at_xdp(struct weir_doctor *d, const char *name)
{
	static const char why[] =
	    "native XDP runs in the driver, before the kernel makes a packet; "
	    "generic XDP after it, several times slower";
	static const char mend[] =
	    "weir -i ... --tap (a copy through libpcap, about as fast as generic XDP; native: "
	    "another NIC, or a newer kernel)";
	const struct weir_doctor_driver *known;
	struct weir_interface_facts f;
	struct weir_doctor_link l;
	bool is_native;

	if (!is_up(d, name, &f) || f.flags & IFF_LOOPBACK || f.is_all)
		return;
	d->probe->link(d->config->root, name, &l);
	known = weir_doctor_driver(l.driver);
	is_native = known && known->native_xdp && kernel_version(d) >= known->native_xdp;
	if (l.has_xdp_features)
		is_native = (l.xdp_features & XDP_BASIC) && (l.xdp_features & XDP_REDIRECT);
	if (is_native)
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "%s: native XDP%s (%s%s)", name,
		    l.has_xdp_features && l.xdp_features & XDP_ZEROCOPY ? ", zero-copy" : "",
		    l.driver[0] ? l.driver : "its driver",
		    l.has_xdp_features ? ", as the kernel tells" : ", as its driver is known");
	else if (!known && !l.has_xdp_features)
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL,
		    "%s: generic XDP at least; this kernel does not tell of %s", name,
		    l.driver[0] ? l.driver : "its driver");
	else
		weir_doctor_add(d,
		    weir_doctor_asks(d, WEIR_DOCTOR_INTERFACE) ? WEIR_FINDING_WARN
							       : WEIR_FINDING_OK,
		    why, mend, "%s: generic XDP only (%s)", name,
		    l.driver[0] ? l.driver : "no driver is told");
}

void
weir_check_xdp(struct weir_doctor *d)
{
	weir_doctor_each_interface(d, look_at_xdp);
}
