/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/control/command.h>

const char *
weir_control_command_name(enum weir_control_command c)
{
	static const char *const names[] = {
#define X(id, name, arg, help) [WEIR_CONTROL_##id] = name,
		WEIR_CONTROL_COMMANDS(X)
#undef X
	};

	return names[c];
}
