/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_KIND_H
#define WEIR_SOURCE_KIND_H

#include <weir/source/source.h>

/* A kind of source as the list in source.c has it. Private to lib/source. */
struct weir_source_kind {
	const char *name; /* form for help: "-r FILE" */
	const char *doc;
	/* True where this kind is meant by the option and its value. */
	bool (*match)(const struct weir_source_config *c);
	/* True where it runs until it is stopped, as interfaces do; NULL = never. */
	bool (*is_live)(const struct weir_source_config *c);
	/* True where open needs EAL; NULL = never. */
	int (*needs_eal)(const struct weir_source_config *c, bool *ret, struct weir_error *err);
	int (*open)(
	    const struct weir_source_config *c, struct weir_source **ret, struct weir_error *err);
};

extern const struct weir_source_kind weir_source_kind_file;      /* file.c: -r */
extern const struct weir_source_kind weir_source_kind_generator; /* generator.c: --source gen: */
extern const struct weir_source_kind weir_source_kind_lines;     /* lines.c: --source lines: */
extern const struct weir_source_kind
    weir_source_kind_interface; /* interface.c: -i eth0, by tap.c or ethdev.c */
extern const struct weir_source_kind weir_source_kind_port; /* port.c: -i PCI address or vdev: */

/* DLT_ of a record of text: LINKTYPE_USER0, for there is none of its own. */
#define WEIR_DLT_TEXT 147

/* What the list and the help say of a kind; one place for both. */
#define WEIR_SOURCE_FILE_NAME "-r FILE"
#define WEIR_SOURCE_FILE_DOC                                                                       \
	"capture file, pcap or pcapng; - is standard input; behind ?: speed, loop, preload"
#define WEIR_SOURCE_GENERATOR_NAME "--source gen:KIND"
#define WEIR_SOURCE_GENERATOR_DOC                                                                  \
	"seeded generator: udp, tcp, imix, mix, text or attack:NAME; behind ?: rate, count, seed " \
	"and more"

#define WEIR_SOURCE_PORT_NAME      "-i 0000:03:00.0|vdev:net_x0,args"
#define WEIR_SOURCE_PORT_DOC       "a NIC by its PCI address, or any virtual device of DPDK"

#define WEIR_SOURCE_INTERFACE_NAME "-i NAME"
#define WEIR_SOURCE_INTERFACE_DOC                                                                  \
	"a kernel interface (eth0, any): tapped where it carries an address or a route, else "     \
	"taken"

#define WEIR_SOURCE_LINES_NAME "--source lines:WHERE"
#define WEIR_SOURCE_LINES_DOC                                                                      \
	"text, a record a line, in data.data: lines:udp://ADDR:PORT, lines:FILE; lines:- is "      \
	"standard input"

/* A source that opened nothing, for --dry-run; without name and description yet. NULL: no memory.
 */
struct weir_source *weir_source_dry(const struct weir_source_config *c, bool needs_eal);

/*
 * "name?k=v&k=v": walk the options behind the last '?', if there is one. Shared by file.c and
 * generator.c. item is called for each pair (value NULL where there is no '='). Returns the first
 * error.
 */
int weir_source_options(const char *text,
    int (*item)(void *ctx, const char *key, const char *value, struct weir_error *err), void *ctx,
    struct weir_error *err);

#endif
