// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "unwind/map_write.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int map_write(int fd, size_t offset, const void *bytes, size_t size)
{
	size_t in_page = offset % (size_t)sysconf(_SC_PAGESIZE);
	char *mapped;

	if (!size)
		return 0;
	mapped = mmap(NULL, in_page + size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      (off_t)(offset - in_page));
	if (mapped == MAP_FAILED)
		return -errno;
	memcpy(mapped + in_page, bytes, size);
	munmap(mapped, in_page + size);
	return 0;
}
