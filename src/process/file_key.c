// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/file_key.h"

#include <errno.h>
#include <sys/stat.h>

#include <xxhash.h>

int file_key_of(int fd, struct file_key *key)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	*key = (struct file_key){
		.device = status.st_dev,
		.inode = status.st_ino,
		.size = (uint64_t)status.st_size,
		.changed_ns = (uint64_t)status.st_ctim.tv_sec * 1000000000U +
			      (uint64_t)status.st_ctim.tv_nsec,
	};
	return 0;
}

struct file_key file_key_of_image(const void *data, size_t size)
{
	return (struct file_key){.size = size, .changed_ns = XXH3_64bits(data, size)};
}
