/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DOCTOR_CHECK_H
#define WEIR_DOCTOR_CHECK_H

#include <stdint.h>

#include <weir/doctor/doctor.h>

/* An examination under way. */
struct weir_doctor {
	const struct weir_doctor_config *config;
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
 * Add a finding; found is printf's, why a constant, mend NULL or text that is copied (found and
 * mend may be built by the caller with weir_doctor_text).
 */
void weir_doctor_add(struct weir_doctor *d, enum weir_finding_level level, const char *why,
    const char *mend, const char *found, ...) __attribute__((format(printf, 5, 6)));

/* True where the source asked about needs this itself: what is a warning for a host is a failure
 * for it. */
bool weir_doctor_asks(const struct weir_doctor *d, unsigned scope);

/* The first line of a file under root, without newline; false where it cannot be read. */
bool weir_doctor_line(const struct weir_doctor *d, const char *path, char *buf, size_t size);
/* A number in a file under root, or 0. */
uint64_t weir_doctor_number(const struct weir_doctor *d, const char *path);
bool weir_doctor_exists(const struct weir_doctor *d, const char *path);

/* A capability of this process (linux/capability.h). */
bool weir_doctor_can(unsigned capability);

void weir_check_cpu(struct weir_doctor *d); /* check_cpu.c */
void weir_check_cores(struct weir_doctor *d);
void weir_check_governor(struct weir_doctor *d);
void weir_check_hugepages(struct weir_doctor *d); /* check_memory.c */
void weir_check_thp(struct weir_doctor *d);
void weir_check_memlock(struct weir_doctor *d);
void weir_check_capabilities(struct weir_doctor *d); /* check_right.c */
void weir_check_af_xdp(struct weir_doctor *d);
void weir_check_iommu(struct weir_doctor *d); /* check_device.c */
void weir_check_nics(struct weir_doctor *d);
void weir_check_interfaces(struct weir_doctor *d);
void weir_check_libraries(struct weir_doctor *d); /* check_library.c */
void weir_check_file(struct weir_doctor *d);

#endif
