// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* "/proc/PID/root" and a path of the kernel's. */
enum {
	PATH_ROOM = 64 + PATH_MAX
};

/* O_PATH only names the file: no driver, no FIFO and no lease sees it. */
static int name_by_map_files(pid_t pid, const struct mapping *mapping)
{
	char path[PATH_ROOM];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, mapping->start,
		 mapping->end);
	fd = open(path, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int name_by_path(pid_t pid, const struct mapping *mapping)
{
	char path[PATH_ROOM];
	int length, fd;

	if (mapping->path[0] != '/')
		return -EINVAL;
	length = snprintf(path, sizeof(path), "/proc/%d/root%s", pid, mapping->path);
	if (length < 0 || (size_t)length >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Only a regular file, and the one that is mapped. */
static int check_named(int named, const struct mapping *must_be)
{
	struct statx status;

	/* Without asking a file server for news. */
	if (statx(named, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &status) <
	    0)
		return -errno;
	if (!S_ISREG(status.stx_mode))
		return -EINVAL;
	if (must_be &&
	    (status.stx_ino != must_be->inode || status.stx_dev_major != must_be->device_major ||
	     status.stx_dev_minor != must_be->device_minor))
		return -ESTALE;
	return 0;
}

static bool refused(int result)
{
	return result == -EPERM || result == -EACCES;
}

int mapped_file_name(pid_t pid, const struct mapping *mapping, bool use_map_files,
		     struct error *error)
{
	autoclose int named = -1;
	bool by_path = false;
	int result;

	if (mapping->kind != MAPPING_FILE)
		return error_set(error, -EINVAL, "no file is mapped at 0x%" PRIx64, mapping->start);
	named = use_map_files ? name_by_map_files(pid, mapping) : -EPERM;
	if (refused(named)) {
		by_path = true;
		named = name_by_path(pid, mapping);
	}
	result = named < 0 ? named : check_named(named, by_path ? mapping : NULL);
	if (result < 0)
		return error_set(error, result, "cannot open the file mapped at 0x%" PRIx64 ": %s",
				 mapping->start, strerror(-result));
	return take_fd(named);
}

int mapped_file_open_named(int named)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", named);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

int mapped_file_open(pid_t pid, const struct mapping *mapping, bool use_map_files,
		     struct error *error)
{
	autoclose int named = mapped_file_name(pid, mapping, use_map_files, error);
	int fd;

	if (named < 0)
		return named;
	fd = mapped_file_open_named(named);
	if (fd < 0)
		return error_set(error, fd, "cannot open the file mapped at 0x%" PRIx64 ": %s",
				 mapping->start, strerror(-fd));
	return fd;
}
