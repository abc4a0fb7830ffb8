/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_BPF_REASON_BPF_H
#define PARKSCOPE_BPF_REASON_BPF_H

/* Why a task blocks: from its system call, the arguments, and the file behind a descriptor. */

#include "bpf/compat.bpf.h"

#include "bpf/task_record.bpf.h"

/* include/uapi/linux/futex.h: the operation without PRIVATE (128) and CLOCK_REALTIME (256) */
#define FUTEX_COMMAND_MASK    0x7f
#define FUTEX_WAIT            0
#define FUTEX_LOCK_PI         6
#define FUTEX_WAIT_BITSET     9
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_LOCK_PI2        13

static __always_inline bool futex_operation_blocks(u32 operation)
{
	switch (operation & FUTEX_COMMAND_MASK) {
	case FUTEX_WAIT:
	case FUTEX_LOCK_PI:
	case FUTEX_WAIT_BITSET:
	case FUTEX_WAIT_REQUEUE_PI:
	case FUTEX_LOCK_PI2:
		return true;
	default:
		return false;
	}
}

/* The S_IFMT bits of the file, 0 for anonymous inodes and where it cannot be read. */
static __always_inline u32 descriptor_file_type(struct task_struct *task, u32 descriptor)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **slots, *file = NULL;

	if (!table || descriptor >= BPF_CORE_READ(table, max_fds))
		return 0;
	slots = BPF_CORE_READ(table, fd);
	if (bpf_probe_read_kernel(&file, sizeof(file), &slots[descriptor]) || !file)
		return 0;
	return BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT;
}

static __always_inline u32 descriptor_reason(struct task_struct *task, u32 descriptor, bool write)
{
	switch (descriptor_file_type(task, descriptor)) {
	case S_IFIFO:
		return write ? REASON_PIPE_WRITE : REASON_PIPE_READ;
	case S_IFSOCK:
		return write ? REASON_SOCKET_WRITE : REASON_SOCKET_READ;
	case S_IFCHR:
		return write ? REASON_DEVICE_WRITE : REASON_DEVICE_READ;
	case 0:
		return write ? REASON_EVENT_WRITE : REASON_EVENT_READ;
	default:
		return write ? REASON_FILE_WRITE : REASON_FILE_READ;
	}
}

/* It follows from the file behind a descriptor, or may do so: not from the call alone. */
static __always_inline bool reason_is_of_file(u32 reason)
{
	switch (reason) {
	case REASON_PIPE_READ:
	case REASON_PIPE_WRITE:
	case REASON_SOCKET_READ:
	case REASON_SOCKET_WRITE:
	case REASON_DEVICE_READ:
	case REASON_DEVICE_WRITE:
	case REASON_EVENT_READ:
	case REASON_EVENT_WRITE:
	case REASON_FILE_READ:
	case REASON_FILE_WRITE:
		return true;
	default:
		return false;
	}
}

/* An enum abi_reason, or an enum abi_syscall_class; REASON_NONE: not known, or no system call. */
static __always_inline u32 syscall_class(const struct user_registers *registers)
{
	u64 number = (u32)registers->syscall_number;

	if (number >= ABI_SYSCALLS_MAX)
		return REASON_NONE;
	/* The verifier follows a mask, not a comparison of another register. */
	barrier_var(number);
	number &= ABI_SYSCALLS_MAX - 1;
	return registers->compat ? compat_syscall_reasons[number] : syscall_reasons[number];
}

/* The kernel goes on with a call that was broken, under a number of its own. */
static __always_inline bool is_restarted_call(const struct user_registers *registers)
{
	return syscall_class(registers) == SYSCALL_RESTART;
}

/* Never REASON_NONE. */
static __always_inline u32 wait_reason(struct task_struct *task,
				       const struct user_registers *registers, bool interruptible)
{
	u32 fallback = interruptible ? REASON_OTHER : REASON_KERNEL;
	u32 class;

	if (task->flags & PF_EXITING)
		return REASON_EXIT;
	if (registers->syscall_number < 0)
		return REASON_PAGE_FAULT;
	class = syscall_class(registers);
	switch (class) {
	case REASON_NONE:
	case SYSCALL_RESTART:
		return fallback;
	case SYSCALL_FUTEX_OPERATION:
		/* A page fault on the futex word, or a bucket lock, is not a futex wait. */
		if (interruptible && futex_operation_blocks((u32)registers->arguments[1]))
			return REASON_FUTEX;
		return REASON_KERNEL;
	case REASON_FUTEX:
		return interruptible ? REASON_FUTEX : REASON_KERNEL;
	case SYSCALL_READ_FD:
		return descriptor_reason(task, (u32)registers->arguments[0], false);
	case SYSCALL_WRITE_FD:
		return descriptor_reason(task, (u32)registers->arguments[0], true);
	case SYSCALL_CLONE:
		return interruptible ? REASON_OTHER : REASON_VFORK;
	case SYSCALL_FCNTL:
		return interruptible ? REASON_FILE_LOCK : REASON_KERNEL;
	default:
		return class;
	}
}

#endif
