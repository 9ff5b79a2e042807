/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/wire/wire.h>

const char *
weir_wire_counter_name(enum weir_wire_counter c)
{
	static const char *const names[] = {
#define X(ident, name, help) [WEIR_WIRE_##ident] = name,
#include <weir/wire/counters.def>
#undef X
	};

	return names[c];
}

const char *
weir_wire_counter_help(enum weir_wire_counter c)
{
	static const char *const helps[] = {
#define X(ident, name, help) [WEIR_WIRE_##ident] = help,
#include <weir/wire/counters.def>
#undef X
	};

	return helps[c];
}
