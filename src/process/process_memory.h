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

#endif
