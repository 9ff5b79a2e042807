/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/port/port.h>

#include "check.h"

void
weir_check_capabilities(struct weir_doctor *d)
{
	static const struct {
		const char *name;
		unsigned number;
		bool is_needed; /* to tap; the others only to take */
	} caps[] = {
		{ "CAP_NET_RAW", CAP_NET_RAW, true },
		{ "CAP_NET_ADMIN", CAP_NET_ADMIN, false },
		{ "CAP_SYS_ADMIN", CAP_SYS_ADMIN, false },
		{ "CAP_BPF", CAP_BPF, false },
		{ "CAP_IPC_LOCK", CAP_IPC_LOCK, false },
	};
	static const char tap[] =
	    "tapping an interface takes CAP_NET_RAW (reading files takes nothing)";
	static const char take[] =
	    "taking an interface through AF_XDP takes all of these, in practice root";
	struct weir_strbuf has = { 0 }, lacks = { 0 };
	bool can_tap = weir_doctor_can(CAP_NET_RAW);

	for (unsigned i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		struct weir_strbuf *b = weir_doctor_can(caps[i].number) ? &has : &lacks;

		weir_strbuf_printf(b, "%s%s", b->len ? " " : "", caps[i].name);
	}
	if (has.len)
		weir_doctor_add(d, WEIR_FINDING_OK, take, NULL, "has %s", has.p);
	if (lacks.len)
		weir_doctor_add(d,
		    can_tap                                      ? WEIR_FINDING_WARN
		    : weir_doctor_asks(d, WEIR_DOCTOR_INTERFACE) ? WEIR_FINDING_FAIL
								 : WEIR_FINDING_WARN,
		    can_tap ? take : tap,
		    can_tap ? "sudo weir ..."
			    : "sudo setcap cap_net_raw,cap_net_admin=ep $(command -v weir)",
		    "lacks %s", lacks.p);
	weir_strbuf_free(&has);
	weir_strbuf_free(&lacks);
}

void
weir_check_af_xdp(struct weir_doctor *d)
{
	static const char why[] =
	    "without AF_XDP a mirror port is read through AF_PACKET, several times slower";
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		close(fd);
		weir_doctor_add(d, WEIR_FINDING_OK, why, NULL, "the kernel gives AF_XDP sockets");
	} else if (errno == EPERM) {
		weir_doctor_add(d, WEIR_FINDING_WARN, why, "sudo weir-doctor",
		    "cannot be tried without CAP_NET_RAW");
	} else {
		weir_doctor_add(d, WEIR_FINDING_WARN, why,
		    "grep XDP_SOCKETS /boot/config-$(uname -r) (wants a kernel with "
		    "CONFIG_XDP_SOCKETS=y)",
		    "the kernel gives no AF_XDP socket: %s", strerror(errno));
	}
	if (!weir_port_can_push())
		weir_doctor_add(d, WEIR_FINDING_WARN,
		    "with it packets that no query can use stay with the kernel, and a killed weir "
		    "leaves no program behind",
		    "sudo apt install clang bpftool && meson setup --wipe build && ninja -C build",
		    "this weir was built without its XDP program");
	if (weir_doctor_line(d, "/proc/sys/net/core/bpf_jit_enable", (char[8]){ 0 }, 8) &&
	    !weir_doctor_number(d, "/proc/sys/net/core/bpf_jit_enable"))
		weir_doctor_add(d, WEIR_FINDING_WARN,
		    "the program in front of each AF_XDP socket is interpreted",
		    "sudo sysctl net.core.bpf_jit_enable=1", "the kernel's BPF compiler is off");
}
