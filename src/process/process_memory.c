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

ssize_t process_memory_read_pieces(pid_t pid, const struct memory_piece *pieces, size_t count)
{
	struct iovec local[PROCESS_MEMORY_PIECES_MAX], remote[PROCESS_MEMORY_PIECES_MAX];
	size_t left, whole = 0;
	ssize_t got;

	if (count > PROCESS_MEMORY_PIECES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		local[i] = (struct iovec){.iov_base = pieces[i].buffer, .iov_len = pieces[i].size};
		remote[i] = (struct iovec){.iov_base = (void *)(uintptr_t)pieces[i].address,
					   .iov_len = pieces[i].size};
	}
	got = count ? process_vm_readv(pid, local, count, remote, count, 0) : 0;
	if (got < 0)
		return errno == EFAULT ? 0 : -errno;
	for (left = (size_t)got; whole < count && left >= pieces[whole].size; whole++)
		left -= pieces[whole].size;
	return (ssize_t)whole;
}
