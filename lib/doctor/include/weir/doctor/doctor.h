/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DOCTOR_DOCTOR_H
#define WEIR_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <weir/base/error.h>
#include <weir/base/strbuf.h>
#include <weir/doctor/fix.h>
#include <weir/port/interface.h>

/* Look at this host: what was found, why it matters, and the exact command that mends it. Control.
 */

enum weir_finding_level {
	WEIR_FINDING_OK,
	WEIR_FINDING_WARN, /* works, but less well or not for every source */
	WEIR_FINDING_FAIL, /* what was asked about cannot work */
};

struct weir_finding {
	enum weir_finding_level level;
	const char *check;   /* "hugepages" */
	char *found;         /* "node 0: 512 of 1024 pages of 2 MB are free" */
	const char *why;     /* constant */
	char *mend;          /* a command, or NULL where there is nothing to mend */
	struct weir_fix fix; /* what --fix does in its place, where it is safe */
};

/* Which sources the host must serve: bits, as each check names the ones it matters for. */
enum weir_doctor_scope {
	WEIR_DOCTOR_FILE = 1 << 0,      /* -r */
	WEIR_DOCTOR_INTERFACE = 1 << 1, /* -i eth0 */
	WEIR_DOCTOR_PCI = 1 << 2,       /* -i 0000:03:00.0 */
	WEIR_DOCTOR_VDEV = 1 << 3,      /* -i vdev:... */
	WEIR_DOCTOR_ALL = (1 << 4) - 1,
	WEIR_DOCTOR_OTHER = 1 << 4, /* gen:, lines: and what else needs nothing of the host */
};

/* What is read from, or sent out of. */
struct weir_doctor_source {
	unsigned scope;   /* one of the above */
	const char *name; /* a file, an interface, an address, "vdev:...", a URI */
	enum weir_take_mode take;
};

/* What no file tells of a kernel's interface. */
struct weir_doctor_link {
	char driver[32];        /* "" where it cannot be told */
	unsigned n_queues;      /* receive queues in use, at least 1 */
	unsigned n_queues_most; /* that there can be; 0: not known */
	bool is_rx_apart;       /* they are set apart from those that send (ethtool -L rx) */
	unsigned n_table;       /* entries of the redirection table; 0: none, or not known */
	bool has_xdp_features;  /* the kernel tells them (6.3 and later) */
	uint64_t xdp_features;  /* NETDEV_XDP_ACT_* of linux/netdev.h */
};

/* Where those facts come from: this host's kernel, or another's files under a root. */
struct weir_doctor_probe {
	int (*facts)(const char *root, const char *name, struct weir_interface_facts *ret,
	    struct weir_error *err);
	void (*link)(const char *root, const char *name, struct weir_doctor_link *ret);
};
extern const struct weir_doctor_probe weir_doctor_probe_host;
extern const struct weir_doctor_probe weir_doctor_probe_tree;

struct weir_doctor_config {
	unsigned scope; /* WEIR_DOCTOR_*, those of the sources where there are any */
	/* What was asked about; none: the host as a whole. */
	const struct weir_doctor_source *sources;
	unsigned n_sources;
	/*
	 * In front of /sys, /proc, /dev, /run, /etc, /boot, /usr and /lib; "" for this host. Facts
	 * that come from a descriptor (may this file be opened?) are the host's.
	 */
	const char *root;
	const struct weir_doctor_probe *probe; /* NULL: by root */
	/* Of weir's command line, where one was given. */
	bool has_command;
	unsigned n_workers;   /* 0 is 1 */
	const unsigned *cpus; /* [n_cpus] of --cores LIST */
	unsigned n_cpus;
	uint64_t table_bytes; /* that the group tables of all workers may grow to */
	char **eal_args;      /* [n_eal_args] */
	unsigned n_eal_args;
};

/* What the command line takes of the host. */
struct weir_doctor_need {
	unsigned n_ports;
	unsigned n_buffers;      /* packet buffers of all ports */
	uint64_t port_bytes;     /* of them, and of what goes with them: in hugepages */
	uint64_t node_bytes[64]; /* of that, on a NUMA node */
	uint64_t anywhere_bytes; /* of that, on any */
	uint64_t table_bytes;    /* plain memory */
	bool is_huge_needed;     /* some port does not work without hugepages */
	bool has_no_huge;        /* -- --no-huge */
	bool has_own_pages;      /* -- arranges for hugepages by files */
};

struct weir_report {
	struct weir_finding *findings;
	unsigned n;
	bool has_need; /* there was a command line */
	struct weir_doctor_need need;
};

/* The scope of -i's value. */
unsigned weir_doctor_scope_of(const char *interface);
/* Run the checks. Free the report afterwards. */
void weir_doctor_examine(const struct weir_doctor_config *config, struct weir_report *ret);
void weir_report_free(struct weir_report *r);

/* True where nothing fails. */
bool weir_report_is_usable(const struct weir_report *r);
void weir_report_table(const struct weir_report *r, FILE *out);
/* One document; fixes are those that were tried before, none where n_fixes is 0. */
void weir_report_json(
    const struct weir_report *r, const struct weir_fix_result *fixes, unsigned n_fixes, FILE *out);

#endif
