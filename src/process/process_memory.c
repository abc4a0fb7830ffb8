// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "process/process_memory.h"

#include <errno.h>
#include <sys/uio.h>

ssize_t process_memory_read(pid_t pid, uint64_t address, void *buffer, size_t size)
{
	struct iovec local = {.iov_base = buffer, .iov_len = size};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = size};
	ssize_t got;

	if (!size)
		return 0;
	got = process_vm_readv(pid, &local, 1, &remote, 1, 0);
	return got < 0 ? -errno : got;
}
