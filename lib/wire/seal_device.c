/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_pause.h>
#include <stdio.h>
#include <string.h>

#include <weir/base/nearest.h>
#include <weir/port/eal.h>

#include "seal_parts.h"

#define MAX_DEVICES 64
/* Polls in a row that give nothing back. Software never comes near: it works while it is polled. */
#define MAX_FRUITLESS (1u << 24)

/* The fastest first. Each has the cure where it is missing. */
static const struct driver {
	const char *name;
	const char *package;
} drivers[] = {
	{ "crypto_aesni_gcm", "librte-crypto-ipsec-mb23" },
	{ "crypto_openssl", "librte-crypto-openssl23" },
};
#define N_DRIVERS (sizeof(drivers) / sizeof(drivers[0]))

static const struct driver *
driver_of(const char *name)
{
	for (unsigned i = 0; i < N_DRIVERS; i++)
		if (strcmp(name, drivers[i].name) == 0)
			return &drivers[i];
	return NULL;
}

/* True where the device does AES-256-GCM with our lengths. */
static bool
is_able(uint8_t id)
{
	struct rte_cryptodev_sym_capability_idx index = {
		.type = RTE_CRYPTO_SYM_XFORM_AEAD,
		.algo.aead = RTE_CRYPTO_AEAD_AES_GCM,
	};
	const struct rte_cryptodev_symmetric_capability *c =
	    rte_cryptodev_sym_capability_get(id, &index);

	return c && rte_cryptodev_sym_capability_check_aead(
			c, SEAL_KEY_BYTES, WEIR_TAG_BYTES, SEAL_AAD_BYTES, SEAL_IV_BYTES) == 0;
}

/* Plug in one of driver, under a name that is free; it begins with the driver's, as EAL wants. No
 * arguments: the drivers swallow those that they do not know. */
static int
plug(struct seal_device *d, const struct driver *driver)
{
	int rc = -ENOSPC, id;

	for (unsigned i = 0; i < MAX_DEVICES; i++) {
		snprintf(d->name, sizeof(d->name), "%s_weir%u", driver->name, i);
		if (rte_cryptodev_get_dev_id(d->name) >= 0)
			continue;
		rc = rte_eal_hotplug_add("vdev", d->name, "");
		if (rc != -EEXIST)
			break;
	}
	if (rc)
		return rc < 0 ? rc : -EIO;
	id = rte_cryptodev_get_dev_id(d->name);
	if (id < 0 || !is_able((uint8_t)id)) {
		rte_eal_hotplug_remove("vdev", d->name);
		return -ENOTSUP;
	}
	d->id = (uint8_t)id;
	d->driver = driver->name;
	d->is_open = true;
	return 0;
}

/* What was asked for; where that is NULL the first that can be had. */
static int
choose(struct seal_device *d, const char *asked, struct weir_error *err)
{
	const struct driver *driver = asked ? driver_of(asked) : NULL;
	struct weir_nearest nearest;
	int rc = -ENOENT;

	if (asked && !driver) {
		weir_nearest_begin(&nearest, asked);
		for (unsigned i = 0; i < N_DRIVERS; i++)
			weir_nearest_offer(&nearest, drivers[i].name);
		return weir_error_usage(err, "unknown crypto device '%s' (try '%s')", asked,
		    weir_nearest_get(&nearest) ? weir_nearest_get(&nearest) : drivers[0].name);
	}
	if (driver) {
		rc = plug(d, driver);
		if (rc)
			return weir_error_run(err, rc,
			    "crypto device '%s' cannot be made: %s (is the package %s "
			    "installed?)",
			    asked, strerror(-rc), driver->package);
		return 0;
	}
	for (unsigned i = 0; i < N_DRIVERS && rc; i++)
		rc = plug(d, &drivers[i]);
	if (rc)
		return weir_error_run(err, rc,
		    "neither %s nor %s can be made: %s (are the packages %s or %s installed?)",
		    drivers[0].name, drivers[1].name, strerror(-rc), drivers[0].package,
		    drivers[1].package);
	return 0;
}

static int
make_pools(struct seal_device *d, unsigned n_keys, int socket)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "weir_seal_%u_keys", d->id);
	d->sessions = rte_cryptodev_sym_session_pool_create(
	    name, n_keys, rte_cryptodev_sym_get_private_session_size(d->id), 0, 0, socket);
	snprintf(name, sizeof(name), "weir_seal_%u_ops", d->id);
	d->ops = rte_crypto_op_pool_create(
	    name, RTE_CRYPTO_OP_TYPE_SYMMETRIC, SEAL_BURST, 0, sizeof(struct seal_op), socket);
	return d->sessions && d->ops ? 0 : -ENOMEM;
}

static int
start(struct seal_device *d, unsigned n_keys)
{
	int socket = rte_cryptodev_socket_id(d->id);
	struct rte_cryptodev_config config = {
		.socket_id = socket < 0 ? 0 : socket,
		.nb_queue_pairs = 1,
		.ff_disable = RTE_CRYPTODEV_FF_ASYMMETRIC_CRYPTO,
	};
	struct rte_cryptodev_qp_conf queue = { .nb_descriptors = 4 * SEAL_BURST };
	int rc = make_pools(d, n_keys, socket < 0 ? SOCKET_ID_ANY : socket);

	queue.mp_session = d->sessions;
	rc = rc ? rc : rte_cryptodev_configure(d->id, &config);
	rc = rc ? rc : rte_cryptodev_queue_pair_setup(d->id, 0, &queue, config.socket_id);
	return rc ? rc : rte_cryptodev_start(d->id);
}

int
seal_device_open(struct seal_device *d, const char *asked, unsigned n_keys, struct weir_error *err)
{
	int rc;

	if (!weir_eal_is_started())
		return weir_error_run(err, -EINVAL, "frames are sealed by DPDK: EAL must run");
	rc = choose(d, asked, err);
	if (rc)
		return rc;
	rc = start(d, n_keys);
	if (rc) {
		weir_error_run(
		    err, rc, "crypto device %s does not start: %s", d->driver, strerror(-rc));
		seal_device_close(d);
	}
	return rc;
}

void
seal_device_close(struct seal_device *d)
{
	if (d->is_open) {
		rte_cryptodev_stop(d->id);
		rte_cryptodev_close(d->id);
		rte_eal_hotplug_remove("vdev", d->name);
	}
	rte_mempool_free(d->ops);
	rte_mempool_free(d->sessions);
	memset(d, 0, sizeof(*d));
}

void *
seal_device_session(struct seal_device *d, bool is_sender, const uint8_t *key)
{
	struct rte_crypto_sym_xform xform = {
		.type = RTE_CRYPTO_SYM_XFORM_AEAD,
		.aead = {
			.op = is_sender ? RTE_CRYPTO_AEAD_OP_ENCRYPT : RTE_CRYPTO_AEAD_OP_DECRYPT,
			.algo = RTE_CRYPTO_AEAD_AES_GCM,
			.key = { .data = key, .length = SEAL_KEY_BYTES },
			.iv = { .offset = SEAL_OP_OFFSET + offsetof(struct seal_op, iv),
			    .length = SEAL_IV_BYTES },
			.digest_length = WEIR_TAG_BYTES,
			.aad_length = SEAL_AAD_BYTES,
		},
	};

	return rte_cryptodev_sym_session_create(d->id, &xform, d->sessions);
}

void
seal_device_session_free(struct seal_device *d, void *session)
{
	/* cryptodev zeroes what the driver kept there */
	rte_cryptodev_sym_session_free(d->id, session);
}

void
seal_device_run(struct seal_device *d, struct rte_crypto_op **ops, unsigned n)
{
	struct rte_crypto_op *done[SEAL_BURST];
	unsigned n_in = 0, n_out = 0, n_fruitless = 0;

	while (n_out < n && n_fruitless < MAX_FRUITLESS && !d->is_stuck) {
		unsigned in = 0, out;

		if (n_in < n)
			in =
			    rte_cryptodev_enqueue_burst(d->id, 0, ops + n_in, (uint16_t)(n - n_in));
		n_in += in;
		out = rte_cryptodev_dequeue_burst(d->id, 0, done, SEAL_BURST);
		n_out += out;
		n_fruitless = in || out ? 0 : n_fruitless + 1;
	}
	d->is_stuck = d->is_stuck || n_out < n;
}
