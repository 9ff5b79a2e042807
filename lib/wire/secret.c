/* SPDX-License-Identifier: BSD-3-Clause */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/base/log.h>

#include "vault.h"

#define MAKE_ONE "make one with 'openssl rand -base64 32'"

/* NULL without memory. */
static struct weir_secret *
make(struct weir_error *err)
{
	bool is_locked;
	struct weir_secret *secret = weir_vault_alloc(sizeof(*secret), &is_locked);

	if (!secret)
		weir_error_run(err, -ENOMEM, "no memory for the secret");
	else if (!is_locked)
		weir_log(WEIR_LOG_WARNING,
		    "the secret may be swapped to disk: its memory cannot be locked (see 'ulimit "
		    "-l')");
	return secret;
}

/* Everything up to what fits. */
static int
fill(struct weir_secret *secret, int fd)
{
	while (secret->n_bytes < sizeof(secret->bytes)) {
		ssize_t n = read(
		    fd, secret->bytes + secret->n_bytes, sizeof(secret->bytes) - secret->n_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		secret->n_bytes += (size_t)n;
	}
	return 0;
}

/* The file's mode, which is that of a pipe's owner where a shell made one. */
static int
check_mode(const char *path, int fd, struct weir_error *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return weir_error_usage(
		    err, "--secret-file '%s': cannot look at it: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return weir_error_usage(
		    err, "--secret-file '%s': a folder; a file in it is wanted", path);
	if (st.st_mode & S_IRWXO)
		return weir_error_usage(err,
		    "--secret-file '%s': its mode %04o opens it to every user of this host (chmod "
		    "600 %s)",
		    path, (unsigned)(st.st_mode & 07777), path);
	if (st.st_mode & S_IWGRP)
		return weir_error_usage(err,
		    "--secret-file '%s': its mode %04o lets its group change it (chmod 600 %s)",
		    path, (unsigned)(st.st_mode & 07777), path);
	return 0;
}

static int
read_open(const char *path, int fd, struct weir_secret *secret, struct weir_error *err)
{
	int rc = check_mode(path, fd, err);

	if (rc)
		return rc;
	rc = fill(secret, fd);
	if (rc)
		return weir_error_usage(
		    err, "--secret-file '%s': cannot read it: %s", path, strerror(-rc));
	if (secret->n_bytes && secret->bytes[secret->n_bytes - 1] == '\n')
		secret->n_bytes--;
	if (secret->n_bytes < WEIR_SECRET_MIN_BYTES)
		return weir_error_usage(err,
		    "--secret-file '%s': %zu bytes are too few to be secret, at least %u are "
		    "needed (%s)",
		    path, secret->n_bytes, WEIR_SECRET_MIN_BYTES, MAKE_ONE);
	if (secret->n_bytes > WEIR_SECRET_MAX_BYTES)
		return weir_error_usage(err,
		    "--secret-file '%s': longer than %u bytes, so this is another file (%s)", path,
		    WEIR_SECRET_MAX_BYTES, MAKE_ONE);
	return 0;
}

int
weir_secret_read(const char *path, struct weir_secret **ret, struct weir_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = -ENOMEM;
	struct weir_secret *secret;

	if (fd < 0)
		return weir_error_usage(
		    err, "--secret-file '%s': cannot open it: %s", path, strerror(errno));
	secret = make(err);
	if (secret)
		rc = read_open(path, fd, secret, err);
	if (rc)
		weir_secret_free(secret);
	else
		*ret = secret;
	close(fd);
	return rc;
}

int
weir_secret_make(
    const void *bytes, size_t n_bytes, struct weir_secret **ret, struct weir_error *err)
{
	struct weir_secret *secret;

	if (n_bytes < WEIR_SECRET_MIN_BYTES || n_bytes > WEIR_SECRET_MAX_BYTES)
		return weir_error_usage(err, "a secret has %u to %u bytes, not %zu",
		    WEIR_SECRET_MIN_BYTES, WEIR_SECRET_MAX_BYTES, n_bytes);
	secret = make(err);
	if (!secret)
		return -ENOMEM;
	memcpy(secret->bytes, bytes, n_bytes);
	secret->n_bytes = n_bytes;
	*ret = secret;
	return 0;
}

void
weir_secret_free(struct weir_secret *secret)
{
	weir_vault_free(secret, sizeof(*secret));
}
