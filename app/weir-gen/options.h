/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_GEN_OPTIONS_H
#define WEIR_GEN_OPTIONS_H

#include <weir/base/option.h>

enum flag {
	FLAG_SOURCE = 1,
	FLAG_FILE,
	FLAG_WRITE,
	FLAG_OUT,
	FLAG_DESCRIBE,
	FLAG_RATE,
	FLAG_LINE_RATE,
	FLAG_BURST,
	FLAG_COUNT,
	FLAG_FOR,
	FLAG_SIGNATURE,
	FLAG_CORES,
	FLAG_ON_FULL,
	FLAG_FORCE,
	FLAG_PROGRESS,
	FLAG_LIST,
	FLAG_JSON,
	FLAG_HELP,
	FLAG_VERSION,
	FLAG_MAN,
	FLAG_COMPLETION,
};

extern const struct weir_option gen_options[];
extern const struct weir_program_help gen_help;

#endif
