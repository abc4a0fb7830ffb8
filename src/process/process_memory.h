/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_PROCESS_PROCESS_MEMORY_H
#define PARKSCOPE_PROCESS_PROCESS_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Reads memory of another process without stopping it (process_vm_readv(2);
 * needs CAP_SYS_PTRACE or the same user). What is read may change meanwhile.
 *
 * Returns the number of bytes read, which is less than `size` where the rest is
 * not readable: a range may end in an unmapped page. Otherwise a negative
 * errno: -EFAULT where not even the first byte can be read, -ESRCH where the
 * process is gone (an exiting process has no memory: -EFAULT or -ESRCH),
 * -EPERM without the right. Thread-safe.
 */
ssize_t process_memory_read(pid_t pid, uint64_t address, void *buffer, size_t size);

/* A range of the process and where it is to be copied. */
struct memory_piece {
	uint64_t address;
	void *buffer;
	size_t size;
};

/* Pieces that one call can read: IOV_MAX. */
#define PROCESS_MEMORY_PIECES_MAX 1024

/*
 * The same for several ranges in one system call. Returns the number of pieces read whole,
 * in order, which is less than `count` where the next one is not readable, or a negative
 * errno as above, but not -EFAULT.
 */
ssize_t process_memory_read_pieces(pid_t pid, const struct memory_piece *pieces, size_t count);

#endif
