/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/filter.h>
#include <stdint.h>
#include <sys/socket.h>

#include "port_parts.h"

/*
 * Of an interface that somebody taps a guest's socket would have a copy of everything: the kernel
 * makes it only of what may be the guest's. The guest looks at each packet once more.
 */

#define ALL UINT32_MAX /* bytes of a packet */

static uint32_t
word(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int
attach(int fd, struct sock_filter *code, unsigned short n)
{
	const struct sock_fprog program = { .len = n, .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

int
weir_kernel_filter(int fd, const struct weir_port_guest_spec *guest)
{
	/* IPv4 to the address, and ARP about it */
	struct sock_filter v4[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0800, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0806, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 38),
		BPF_STMT(BPF_JMP | BPF_JA, 1),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 30),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(guest->ip), 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, ALL),
	};
	/* IPv6 to the address, or to its solicited-node group, which ends as it does */
	struct sock_filter v6[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x86dd, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 50),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xffffff),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word(guest->ip + 12) & 0xffffff, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, ALL),
	};

	return guest->version == 4 ? attach(fd, v4, RTE_DIM(v4)) : attach(fd, v6, RTE_DIM(v6));
}
