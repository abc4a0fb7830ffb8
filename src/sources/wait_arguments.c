// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sources/wait_arguments.h"

#include <sys/syscall.h>

/* Newer than the headers of the oldest libc: the same number for every architecture. */
#define NR_FUTEX_WAITV 449
#define NR_FUTEX_WAIT  455

/* arch/x86/entry/syscalls/syscall_32.tbl; ipc(2), which multiplexes, has no timeout of its own. */
enum {
	NR_COMPAT_RESTART_SYSCALL = 0,
	NR_COMPAT_FUTEX = 240,
	NR_COMPAT_SEMTIMEDOP_TIME64 = 420,
	NR_COMPAT_FUTEX_TIME64 = 422,
};

/* futex(word, operation, value, timeout, ...): FUTEX_WAIT and its kin, see futex(2). */
static struct wait_arguments futex_arguments(const __u64 arguments[6])
{
	return (struct wait_arguments){.timed = arguments[3] != 0, .futex = arguments[0]};
}

static struct wait_arguments compat_arguments(const struct abi_task_snapshot *snapshot)
{
	switch (snapshot->syscall_number) {
	case NR_COMPAT_FUTEX:
	case NR_COMPAT_FUTEX_TIME64:
		return futex_arguments(snapshot->arguments);
	case NR_COMPAT_SEMTIMEDOP_TIME64:
		return (struct wait_arguments){.timed = snapshot->arguments[3] != 0};
	case NR_COMPAT_RESTART_SYSCALL:
		return (struct wait_arguments){.timed = true};
	default:
		return (struct wait_arguments){0};
	}
}

struct wait_arguments wait_arguments_of(const struct abi_task_snapshot *snapshot)
{
	if (snapshot->marks & TASK_MARK_COMPAT)
		return compat_arguments(snapshot);
	switch (snapshot->syscall_number) {
	case SYS_futex:
		return futex_arguments(snapshot->arguments);
	case NR_FUTEX_WAIT: /* (word, value, mask, flags, timeout, clock) */
		return (struct wait_arguments){.timed = snapshot->arguments[4] != 0,
					       .futex = snapshot->arguments[0]};
	case NR_FUTEX_WAITV:
	case SYS_semtimedop:
		return (struct wait_arguments){.timed = snapshot->arguments[3] != 0};
	case SYS_restart_syscall: /* only what has a timeout is restarted like this */
		return (struct wait_arguments){.timed = true};
	default:
		return (struct wait_arguments){0};
	}
}
