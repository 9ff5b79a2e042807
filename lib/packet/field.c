/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <weir/packet/field.h>

const struct weir_field weir_fields[WEIR_N_FIELDS] = {
#define WEIR_FIELD(id, name, type, store, group, layers, doc)                                      \
	[WEIR_FIELD_##id] = { name, type, store, group, layers, doc },
#include <weir/packet/fields.def>
#undef WEIR_FIELD
};

#define SRC_FIRST "ip.src < ip.dst || (ip.src == ip.dst && srcport <= dstport)"

const struct weir_field_macro weir_field_macros[] = {
	{ "5tuple", "one direction of a flow: addresses, protocol, ports",
	    { "ip.src", "ip.dst", "ip.proto", "srcport", "dstport" } },
	{ "biflow", "both directions of a flow: as 5tuple, the lower end first",
	    {
		"ip.src=if(" SRC_FIRST ",ip.src,ip.dst)",
		"ip.dst=if(" SRC_FIRST ",ip.dst,ip.src)",
		"ip.proto",
		"srcport=if(" SRC_FIRST ",srcport,dstport)",
		"dstport=if(" SRC_FIRST ",dstport,srcport)",
	    } },
	{ 0 },
};

int
weir_field_find(const char *name)
{
	for (int i = 0; i < WEIR_N_FIELDS; i++)
		if (strcmp(weir_fields[i].name, name) == 0)
			return i;
	return -ENOENT;
}
