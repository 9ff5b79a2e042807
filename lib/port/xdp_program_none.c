/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xdp_program.h"

/* In a weir that was built where the program could not be. */

bool
weir_xdp_program_is_there(void)
{
	return false;
}

int
weir_xdp_program_load(struct weir_xdp_program **ret, char *why, size_t size)
{
	(void)ret;
	snprintf(why, size, "weir was built without clang and bpftool");
	return -ENOTSUP;
}

int
weir_xdp_program_attach(unsigned interface, struct weir_xdp_program **ret, char *why, size_t size)
{
	(void)interface;
	return weir_xdp_program_load(ret, why, size);
}

int
weir_xdp_program_take(struct weir_xdp_program *p, const struct weir_port_rules *rules)
{
	(void)p;
	(void)rules;
	return -ENOTSUP;
}

void
weir_xdp_program_stop(struct weir_xdp_program *p)
{
	(void)p;
}

bool
weir_xdp_program_is_native(const struct weir_xdp_program *p)
{
	(void)p;
	return false;
}

void
weir_xdp_program_passed(const struct weir_xdp_program *p, uint64_t ret[WEIR_PORT_N_PASSED])
{
	(void)p;
	memset(ret, 0, WEIR_PORT_N_PASSED * sizeof(*ret));
}

void
weir_xdp_program_destroy(struct weir_xdp_program *p)
{
	(void)p;
}

int
weir_xdp_program_test(struct weir_xdp_program *p, const uint8_t *data, uint32_t len)
{
	(void)p;
	(void)data;
	(void)len;
	return -ENOTSUP;
}
