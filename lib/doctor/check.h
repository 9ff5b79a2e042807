/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DOCTOR_CHECK_H
#define WEIR_DOCTOR_CHECK_H

#include <glob.h>
#include <sched.h>
#include <stdint.h>

#include <weir/doctor/doctor.h>

#define WEIR_DOCTOR_LIVE (WEIR_DOCTOR_INTERFACE | WEIR_DOCTOR_PCI | WEIR_DOCTOR_VDEV)

/* An examination under way. */
struct weir_doctor {
	const struct weir_doctor_config *config;
	const struct weir_doctor_probe *probe;
	const struct weir_doctor_need *need;
	struct weir_report *report;
	const char *check; /* the one that runs */
};

/* One row of the list in doctor.c. */
struct weir_doctor_check {
	const char *name;
	unsigned scope; /* sources that it matters for */
	void (*run)(struct weir_doctor *d);
};

/*
 * Add a finding; found is printf's, why a constant, mend NULL or text that is copied. Returns it,
 * for weir_doctor_fixable; valid until the next one is added.
 */
struct weir_finding *weir_doctor_add(struct weir_doctor *d, enum weir_finding_level level,
    const char *why, const char *mend, const char *found, ...)
    __attribute__((format(printf, 5, 6)));
/* --fix may do this in place of the finding's mend; target and value as in struct weir_fix. */
void weir_doctor_fixable(
    struct weir_finding *f, enum weir_fix_kind kind, const char *target, const char *value);

/* True where a source asked about needs this itself: what is a warning for a host is a failure
 * for it. */
bool weir_doctor_asks(const struct weir_doctor *d, unsigned scope);
/* FAIL where a source of that scope was asked about, else WARN. */
enum weir_finding_level weir_doctor_level(const struct weir_doctor *d, unsigned scope);
unsigned weir_doctor_workers(const struct weir_doctor *d);
/* The next source of that scope behind s (NULL: the first), or NULL. */
const struct weir_doctor_source *weir_doctor_next(
    const struct weir_doctor *d, unsigned scope, const struct weir_doctor_source *s);

/* host.c: files under root. The first line of one, without newline; false where there is none. */
bool weir_doctor_line(const struct weir_doctor *d, const char *path, char *buf, size_t size);
/* A number in a file, or 0. */
uint64_t weir_doctor_number(const struct weir_doctor *d, const char *path);
bool weir_doctor_exists(const struct weir_doctor *d, const char *path);
/* The last part of a symbolic link's target; "" and false where it is none. */
bool weir_doctor_link(const struct weir_doctor *d, const char *path, char *buf, size_t size);
/* What follows `key` and blanks or a colon in the first line of a file that begins with it. */
bool weir_doctor_value(
    const struct weir_doctor *d, const char *path, const char *key, char *buf, size_t size);
/* glob(3); paths have root in front, weir_doctor_base takes their last part. */
void weir_doctor_glob(const struct weir_doctor *d, const char *pattern, glob_t *ret);
const char *weir_doctor_base(const char *path);
/* Is the word in the text, between blanks or its ends? */
bool weir_doctor_has_word(const char *text, const char *word);

/* Sets of CPUs: "0-3,8". */
void weir_doctor_cpus(const char *text, cpu_set_t *ret);
const char *weir_doctor_cpus_text(const cpu_set_t *set, char *buf, size_t size);
/* In a file; empty where there is none. */
void weir_doctor_cpus_of(const struct weir_doctor *d, const char *path, cpu_set_t *ret);
/* Those that this process may run on. */
void weir_doctor_cpus_allowed(const struct weir_doctor *d, cpu_set_t *ret);

/* A capability of this process (linux/capability.h). */
bool weir_doctor_can(const struct weir_doctor *d, unsigned capability);
/* An argument of the kernel: "iommu" of "iommu=pt" or alone; its value, "" where it has none. */
bool weir_doctor_kernel_arg(const struct weir_doctor *d, const char *name, char *buf, size_t size);

/* The command that gives the kernel more arguments from the next start on. Returns buf. */
const char *weir_doctor_mend_kernel_args(const char *args, char *buf, size_t size);
/* The CPUs that --cores names; false where it names none. */
bool weir_doctor_cpus_pinned(const struct weir_doctor *d, cpu_set_t *ret);
/* CPUs that share a core with this one, itself among them. */
void weir_doctor_siblings(const struct weir_doctor *d, int cpu, cpu_set_t *ret);

/* cgroup.c: the least number that this process's control group or one above it has in a file, of
 * version 2 or 1; UINT64_MAX where there is no limit. */
uint64_t weir_doctor_cgroup_limit(
    const struct weir_doctor *d, const char *controller, const char *file_v2, const char *file_v1);
/* The first such file's line from below that is there. */
bool weir_doctor_cgroup_line(
    const struct weir_doctor *d, const char *controller, const char *file, char *buf, size_t size);

/* device.c: NICs. The address in full of a NIC that is on this host ("03:00.0" is enough), false
 * where there is none. */
bool weir_doctor_nic(const struct weir_doctor *d, const char *name, char *buf, size_t size);
/* Every NIC on PCI, or those asked about. */
void weir_doctor_each_nic(
    struct weir_doctor *d, void (*look)(struct weir_doctor *d, const char *device));
/* The kernel's interface of a NIC; false where it has none. */
bool weir_doctor_interface_of(
    const struct weir_doctor *d, const char *device, char *buf, size_t size);
/* The NIC behind an interface; false where there is none. */
bool weir_doctor_nic_of(const struct weir_doctor *d, const char *interface, char *buf, size_t size);
int weir_doctor_node_of_nic(const struct weir_doctor *d, const char *device);
int weir_doctor_node_of_interface(const struct weir_doctor *d, const char *interface);
/* Every interface, or those asked about. */
void weir_doctor_each_interface(
    struct weir_doctor *d, void (*look)(struct weir_doctor *d, const char *name));
/* Would be taken through AF_XDP rather than tapped, as far as its use decides. */
bool weir_doctor_is_taken(const struct weir_doctor *d, const struct weir_doctor_source *s);

/* driver.c, from drivers.def. */
struct weir_doctor_driver {
	const char *name;
	bool is_shared;      /* DPDK's driver works beside it: it is not unbound */
	bool is_user;        /* it hands the NIC to user space */
	unsigned native_xdp; /* kernel that has it, 0x0600 + 1 for 6.1; 0: none yet */
};
/* NULL for one that is not listed. */
const struct weir_doctor_driver *weir_doctor_driver(const char *name);
struct weir_doctor_vdev {
	const char *name;
	uint64_t caps;      /* bits of linux/capability.h */
	const char *device; /* a file that it opens, or NULL */
	const char *module; /* that makes it, or NULL */
};
/* By the name of a device, "net_tap0". NULL for one that is not listed. */
const struct weir_doctor_vdev *weir_doctor_vdev(const char *device);

/* need.c */
void weir_doctor_need(const struct weir_doctor *d, struct weir_doctor_need *ret);

void weir_check_cpu(struct weir_doctor *d); /* check_cpu.c */
void weir_check_cores(struct weir_doctor *d);
void weir_check_isolation(struct weir_doctor *d);
void weir_check_smt(struct weir_doctor *d);
void weir_check_governor(struct weir_doctor *d); /* check_clock.c */
void weir_check_clock(struct weir_doctor *d);
void weir_check_irqbalance(struct weir_doctor *d);
void weir_check_hugepages(struct weir_doctor *d); /* check_memory.c */
void weir_check_hugetlbfs(struct weir_doctor *d);
void weir_check_thp(struct weir_doctor *d); /* check_limit.c */
void weir_check_memlock(struct weir_doctor *d);
void weir_check_swap(struct weir_doctor *d);
void weir_check_tables(struct weir_doctor *d);
void weir_check_container(struct weir_doctor *d); /* check_container.c */
void weir_check_cgroup(struct weir_doctor *d);
void weir_check_seccomp(struct weir_doctor *d);
void weir_check_capabilities(struct weir_doctor *d); /* check_right.c */
void weir_check_af_xdp(struct weir_doctor *d);       /* check_kernel.c */
void weir_check_bpf(struct weir_doctor *d);
void weir_check_kernel(struct weir_doctor *d);
void weir_check_modules(struct weir_doctor *d);
void weir_check_iommu(struct weir_doctor *d); /* check_iommu.c */
void weir_check_vfio(struct weir_doctor *d);
void weir_check_nics(struct weir_doctor *d); /* check_nic.c */
void weir_check_pcie(struct weir_doctor *d);
void weir_check_numa(struct weir_doctor *d);
void weir_check_interfaces(struct weir_doctor *d); /* check_interface.c */
void weir_check_links(struct weir_doctor *d);
void weir_check_rss(struct weir_doctor *d);
void weir_check_xdp(struct weir_doctor *d);
void weir_check_libraries(struct weir_doctor *d); /* check_library.c */
void weir_check_drivers(struct weir_doctor *d);
void weir_check_file(struct weir_doctor *d);

#endif
