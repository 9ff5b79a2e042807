/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/capability.h>
#include <string.h>

#include "check.h"

#define CAP(c) (UINT64_C(1) << (c))

static const struct weir_doctor_driver drivers[] = {
#define WEIR_KERNEL_DRIVER(name, is_shared, is_user, xdp) { name, is_shared, is_user, xdp },
#include "drivers.def"
#undef WEIR_KERNEL_DRIVER
};

static const struct weir_doctor_vdev vdevs[] = {
#define WEIR_VIRTUAL_DRIVER(name, caps, device, module) { name, caps, device, module },
#include "drivers.def"
#undef WEIR_VIRTUAL_DRIVER
};

const struct weir_doctor_driver *
weir_doctor_driver(const char *name)
{
	for (unsigned i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(drivers[i].name, name) == 0)
			return &drivers[i];
	return NULL;
}

const struct weir_doctor_vdev *
weir_doctor_vdev(const char *device)
{
	for (unsigned i = 0; i < sizeof(vdevs) / sizeof(vdevs[0]); i++) {
		size_t len = strlen(vdevs[i].name);

		/* numbers follow: net_tap0 */
		if (strncmp(device, vdevs[i].name, len) == 0 &&
		    strspn(device + len, "0123456789") == strlen(device + len))
			return &vdevs[i];
	}
	return NULL;
}
