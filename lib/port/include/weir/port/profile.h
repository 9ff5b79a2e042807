/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_PORT_PROFILE_H
#define WEIR_PORT_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/base/error.h>

/*
 * Profiles of drivers: how weir sets up a port of each, as data. Profiles are files
 * drivers-config/<driver>.ini; a port gets the one that names its driver, and where none does,
 * weir's own values. What stands behind the '?' of its name overrides both. Control thread; nothing
 * here needs EAL.
 */

/* The sets of words; a word's bit in a set is its place, counted from 0. NULL ends. */
const char *weir_profile_buses(unsigned i);
const char *weir_profile_ways(unsigned i);
const char *weir_profile_places(unsigned i);
const char *weir_profile_rss_fields(unsigned i);
const char *weir_profile_drains(unsigned i);
const char *weir_profile_clocks(unsigned i);
const char *weir_profile_rx_offload(unsigned i); /* as DPDK names them; bits are RTE_ETH_RX_* */
const char *weir_profile_tx_offload(unsigned i);
const char *weir_profile_flow_matches(unsigned i); /* bits are enum weir_nic_match */
const char *weir_profile_nic_counters(unsigned i);
const char *weir_profile_buffer_counters(unsigned i);

enum weir_profile_bus { WEIR_BUS_PCI, WEIR_BUS_VDEV, WEIR_BUS_VMBUS };
/* What weir makes a device of its own for. */
enum weir_profile_way { WEIR_WAY_NONE, WEIR_WAY_XDP_SOCKET, WEIR_WAY_PACKET_SOCKET };
/* Bits of sets. */
enum weir_profile_rss { WEIR_RSS_IP = 1, WEIR_RSS_TCP = 2, WEIR_RSS_UDP = 4, WEIR_RSS_SCTP = 8 };
enum weir_profile_lost { WEIR_LOST_IMISSED = 1, WEIR_LOST_IERRORS = 2 };
enum weir_profile_drain { WEIR_DRAIN_NOTHING, WEIR_DRAIN_KICK, WEIR_DRAIN_PEER };
enum weir_profile_clock { WEIR_CLOCK_NONE, WEIR_CLOCK_TICKS, WEIR_CLOCK_NS, WEIR_CLOCK_US };

enum weir_profile_kind {
	WEIR_PROFILE_TEXT,
	WEIR_PROFILE_NUMBER,
	WEIR_PROFILE_SWITCH,
	WEIR_PROFILE_CHOICE,
	WEIR_PROFILE_SET,
};

enum weir_profile_key {
#define WEIR_PROFILE_KEY(section, name, ...) WEIR_PROFILE_##name,
#include <weir/port/profile_keys.def>
#undef WEIR_PROFILE_KEY
	WEIR_PROFILE_KEYS,
};

/* A key, as the table of them has it. */
struct weir_profile_key_info {
	const char *section, *name;
	enum weir_profile_kind kind;
	const char *(*words)(unsigned i);
	uint32_t least, most;
	const char *initial;
	bool is_typed; /* it may stand on the command line */
	const char *doc;
	size_t offset; /* of its value in struct weir_profile */
};
extern const struct weir_profile_key_info weir_profile_keys[WEIR_PROFILE_KEYS];

/* Where a value came from. */
enum weir_profile_origin {
	WEIR_PROFILE_OWN, /* weir's */
	WEIR_PROFILE_FILE,
	WEIR_PROFILE_COMMAND_LINE,
};

#define WEIR_PROFILE_TEXT_BYTES 256

struct weir_profile {
	char name[32]; /* "null" of null.ini; "" where no file has the driver */
#define WEIR_PROFILE_FIELD_TEXT(name)              char name[WEIR_PROFILE_TEXT_BYTES];
#define WEIR_PROFILE_FIELD_NUMBER(name)            uint32_t name;
#define WEIR_PROFILE_FIELD_SWITCH(name)            bool name;
#define WEIR_PROFILE_FIELD_CHOICE(name)            uint32_t name;
#define WEIR_PROFILE_FIELD_SET(name)               uint64_t name;
#define WEIR_PROFILE_KEY(section, name, kind, ...) WEIR_PROFILE_FIELD_##kind(name)
#include <weir/port/profile_keys.def>
#undef WEIR_PROFILE_KEY
	uint8_t origin[WEIR_PROFILE_KEYS]; /* enum weir_profile_origin */
};

/* Weir's own values. */
void weir_profile_init(struct weir_profile *p);
/*
 * Set a value as it is written. Errors are usage errors that name the value and the nearest word;
 * an unknown key, or one that origin may not set, too.
 */
int weir_profile_set(struct weir_profile *p, const char *key, const char *value,
    enum weir_profile_origin origin, struct weir_error *err);
/* Set what stands behind a '?': "descriptors=1024&burst=64". "" sets nothing. */
int weir_profile_override(struct weir_profile *p, const char *options, struct weir_error *err);
/*
 * Where the options of a port's name begin: behind its last '?', or at its end. *ret_len is the
 * length of the name before them.
 */
const char *weir_profile_options(const char *name, size_t *ret_len);

/* Read a file strictly. Errors name file and line: a run-time error, for it is not the user's. */
int weir_profile_read(const char *path, struct weir_profile *ret, struct weir_error *err);
/*
 * The folder of profiles: $WEIR_DRIVERS_DIR, or of a program that runs from its build folder the
 * source's, or the installed one. Returns buf.
 */
const char *weir_profile_dir(char *buf, size_t size);
/*
 * All profiles in the order of their names; the array is the caller's to free. A folder that is not
 * there has none. One bad file fails.
 */
int weir_profiles_read(struct weir_profile **ret, unsigned *ret_n, struct weir_error *err);

/* Does it have this driver, by the name that DPDK reports ("net_null")? */
bool weir_profile_has_driver(const struct weir_profile *p, const char *driver);
/* Does it have this NIC? */
bool weir_profile_has_pci(const struct weir_profile *p, uint16_t vendor, uint16_t device);
/*
 * Find a profile, or weir's own values where there is none: by the driver's name; by a device's
 * (bus and name as EAL has them: "vdev" and "net_null0", "pci" and "0000:03:00.0"), before it has a
 * driver; by what weir makes devices for (-ENOENT where there is none: the way cannot be had).
 */
int weir_profile_for_driver(const char *driver, struct weir_profile *ret, struct weir_error *err);
int weir_profile_for_device(
    const char *bus, const char *device, struct weir_profile *ret, struct weir_error *err);
int weir_profile_for_way(
    enum weir_profile_way way, struct weir_profile *ret, struct weir_error *err);
/* The profile of this kernel driver that shares its NIC with DPDK's? False where there is none. */
bool weir_profile_is_shared(const char *kernel_driver);

/* The first of the names that it matches: "net_null". Returns buf. */
const char *weir_profile_driver(const struct weir_profile *p, char *buf, size_t size);
/* Devices that DPDK makes, of all profiles: "net_memif, net_null ...", or "" . Returns buf. */
const char *weir_profile_list_devices(char *buf, size_t size);
/* What fills a place of arguments: "interface" and "eth0". */
struct weir_profile_place {
	const char *name, *text;
};
/* The arguments of a device that weir makes. n places; those that are not named stay empty. */
const char *weir_profile_arguments(const struct weir_profile *p,
    const struct weir_profile_place *places, unsigned n, char *buf, size_t size);
/* args, and of devargs what they do not have. Returns buf. */
const char *weir_profile_devargs(
    const struct weir_profile *p, const char *args, char *buf, size_t size);

/* A value as it would be written. Returns buf. */
const char *weir_profile_value(
    const struct weir_profile *p, enum weir_profile_key key, char *buf, size_t size);
/*
 * "profile null.ini; burst=64 as asked", or "no profile ...": the file, and what the command line
 * changed; with is_full also what the file did. Returns buf.
 */
const char *weir_profile_describe(
    const struct weir_profile *p, bool is_full, char *buf, size_t size);
/* The same to the log, of a device: the file at level info, each value and its origin at debug. */
void weir_profile_log(const struct weir_profile *p, const char *device, const char *driver);

#endif
