// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "symbols/debug_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "process/elf_image.h"

static const char default_directory[] = "/usr/lib/debug/.build-id";

static int open_regular(const char *path)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	return S_ISREG(status.st_mode) ? take_fd(fd) : -EINVAL;
}

static int check_build_id(int fd, const char *expected)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	int err = elf_image_open_fd(fd, &image, NULL);
	const char *build_id;

	if (err)
		return err;
	build_id = elf_image_build_id(image);
	return build_id && strcmp(build_id, expected) == 0 ? 0 : -ESTALE;
}

int debug_file_open(const char *directory, const char *build_id)
{
	const char *base = directory ? directory : default_directory;
	char path[PATH_MAX];
	autoclose int fd = -1;
	int length, err;

	if (!*base || strlen(build_id) < 4)
		return -ENOENT;
	length = snprintf(path, sizeof(path), "%s/%.2s/%s.debug", base, build_id, build_id + 2);
	if (length < 0 || (size_t)length >= sizeof(path))
		return -ENOENT;
	fd = open_regular(path);
	if (fd < 0)
		return fd;
	err = check_build_id(fd, build_id);
	return err ? err : take_fd(fd);
}
